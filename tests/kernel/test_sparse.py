"""Sparse matrices are the matrices that they stand for, in every operation, alone and in networks."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from exactre.network import INPUT, Network, Node
from exactre.rational import SPARSE_FROM, Matrix, Points
from exactre.region import region
from exactre.sparse import Sparse, integers, stack

SIZE = st.integers(1, 5)
ENTRY = st.one_of(st.just(0), st.just(0), st.integers(-2, 2), st.integers(-(2**80), 2**80))


@st.composite
def tables(draw, m=SIZE, n=SIZE):
    m, n = (draw(size) if isinstance(size, st.SearchStrategy) else size for size in (m, n))
    return draw(st.lists(st.lists(ENTRY, min_size=n, max_size=n), min_size=m, max_size=m))


def sparse(table):
    array = np.array(table, object)
    rows, columns = np.indices(array.shape)
    return Sparse.of(array.shape, rows.ravel(), columns.ravel(), array.ravel())


def dense(table):
    return fmpz_mat(len(table), len(table[0]), [v for row in table for v in row])


def assert_is(found, expected):
    """The sparse matrix is the dense one, and stored as it must be: columns ascend, nothing is zero."""
    assert found.dense() == expected
    assert all(found.values != 0)
    for row in found.row_entries():
        assert [j for j, _ in row] == sorted({j for j, _ in row})


@given(SIZE, SIZE, SIZE, st.data())
def test_every_operation_is_that_of_the_dense_matrix(m, n, k, data):
    a, b, c = data.draw(tables(m, n)), data.draw(tables(m, n)), data.draw(tables(n, k))
    A, B, C = sparse(a), sparse(b), sparse(c)
    assert_is(A, dense(a))
    assert_is(A + B, dense(a) + dense(b))
    assert_is(A @ C, dense(a) * dense(c))
    assert_is(A.transposed, dense(a).transpose())
    assert_is(stack([A, B]), dense([*a, *b]))
    assert_is(A.scale_rows(range(m)), dense([[i * v for v in row] for i, row in enumerate(a)]))
    index = np.array(data.draw(st.lists(st.integers(0, m - 1), min_size=1, max_size=6)))
    assert_is(A.select(index), dense([a[i] for i in index]))
    assert A.apply_t(dense(b)) == dense(b) * dense(a).transpose()
    assert [[A.entry(i, j) for j in range(n)] for i in range(m)] == a


def test_entries_in_one_place_are_added_and_vanish_when_they_cancel():
    places = np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1])
    assert_is(Sparse.of((2, 2), *places, integers([2, 5, 2**70, -5])), dense([[0, 0], [2 + 2**70, 0]]))


def test_only_the_identity_is_one():
    assert Sparse.identity(3).is_identity
    for table in (
        [[1, 0], [0, 2]],
        [[0, 1], [1, 0]],
        [[1, 0, 0], [0, 1, 0]],
        [[1, 0], [0, 0]],
        [[1, 0], [1, 0]],
    ):
        assert not sparse(table).is_identity


def test_rows_that_are_equal_up_to_translation_share_their_values():
    # A kernel (2, 3) at four places, and one row that has other values.
    table = [[0] * 9 for _ in range(5)]
    for i in range(4):
        table[i][i : i + 3] = [2, 3, 5]
    table[4][6:9] = [2, 3, 7]
    blocks = sparse(table).blocks
    assert [block.values.tolist() for block in blocks] == [[[2, 3, 5]], [[2, 3, 7]]]
    assert [block.rows.tolist() for block in blocks] == [[[0], [1], [2], [3]], [[4]]]
    assert blocks[0].columns.tolist() == [[i, i + 1, i + 2] for i in range(4)]


# As a Matrix


@given(SIZE, SIZE, SIZE, st.integers(1, 12), st.data())
def test_a_matrix_is_the_same_in_either_form(m, n, k, den, data):
    a, b, c = data.draw(tables(m, n)), data.draw(tables(m, n)), data.draw(tables(n, k))
    pairs = [(Matrix(sparse(t), den), Matrix(dense(t), den)) for t in (a, b, c)]
    for left, right in pairs:
        assert (left, hash(left), left.den, left.shape) == (right, hash(right), right.den, right.shape)
        assert right == left
        assert list(left.row_entries()) == list(right.row_entries())
        assert left.rows() == right.rows()
        assert left.packed() == pickle.loads(pickle.dumps(left)) == left
        assert left.scale(Fraction(-2, 3)) == right.scale(Fraction(-2, 3))
        assert left.transpose() == right.transpose()
    (A, a), (B, b), (C, c) = pairs
    for p, q, r in ((A, B, C), (a, B, c), (A, b, c), (a, B, C), (A, b, C)):
        assert p @ r == a @ c
        assert p + q == a + b
        assert Matrix.stack([p, q]) == Matrix.stack([a, b])
    other = [list(row) for row in A.rows()]
    other[-1][-1] += 1
    assert Matrix.from_rows(other) != A
    assert Matrix(sparse([[1]])) != Matrix(sparse([[1, 0]]))


def test_only_a_large_matrix_of_few_entries_stays_sparse():
    def kept(n, entries):
        places = np.arange(entries)
        matrix = Matrix(Sparse.of((n, n), places // n, places % n, integers([1] * entries)))
        assert matrix.packed() == matrix
        return matrix.packed().sparse is not None

    n = int(SPARSE_FROM**0.5)
    floats = np.zeros((n, n))
    floats[3, 5:7] = 0.5, -(2.0**-60)
    read = Matrix.from_floats(floats)
    assert read.sparse is not None
    assert [read[3, j] for j in (4, 5, 6)] == [0, Fraction(1, 2), Fraction(-1, 2**60)]
    assert read == Matrix(read.num, read.den)
    assert kept(n, n * n // 8)
    assert not kept(n, n * n // 8 + 1)
    assert not kept(n - 1, n)


# In a network


def bands(seed, widths, *, skip):
    """Two networks that are equal, of sparse and of dense weights: bands, and one empty row each."""
    both = []
    for make in (sparse, dense):
        rng = np.random.default_rng(seed)
        nodes, before = [], [(INPUT, widths[0])]
        for k, width in enumerate(widths[1:]):
            inputs = []
            for source, n in before[-2:] if skip else before[-1:]:
                table = [[0] * n for _ in range(width)]
                for i in range(width - 1):
                    for j in range(3):
                        table[i][(i + j) % n] = int(rng.integers(-9, 9)) * 3 ** (j * 20)
                inputs.append((source, Matrix(make(table), 7)))
            bias = Matrix.column([Fraction(int(v), 5) for v in rng.integers(-9, 9, width)])
            nodes.append(Node(f"n{k}", k < len(widths) - 2, tuple(inputs), bias))
            before.append((f"n{k}", width))
        both.append(Network(widths[0], nodes))
    return both


@pytest.mark.parametrize("skip", [False, True])
def test_a_network_is_the_same_function_in_either_form(skip):
    a, b = bands(1, [12, 20, 20, 5], skip=skip)
    assert a == b
    assert hash(a) == hash(b)
    assert (a.parameters, a.nonzero, a.distinct) == (b.parameters, b.nonzero, b.distinct)
    rng = np.random.default_rng(2)
    points = Points.from_floats(rng.standard_normal((300, 12)))
    expected = b.preactivations(points, after_relu=True)[b.nodes[-1].name]
    assert a.preactivations(points, after_relu=True)[a.nodes[-1].name] == expected
    assert a._digits.evaluate(points) == b._digits.evaluate(points) == expected
    cells = [region(net, net.pattern(points[0])) for net in (a, b)]
    assert (cells[0].A, cells[0].b, cells[0].output) == (cells[1].A, cells[1].b, cells[1].output)


def test_what_is_shared_counts_once():
    net = Network(
        4,
        [
            Node(
                "y", False, ((INPUT, Matrix(sparse([[1, 2, 0, 0], [0, 1, 2, 0]]), 3)),), Matrix.column([0, 5])
            )
        ],
    )
    assert (net.parameters, net.nonzero, net.distinct) == (10, 5, 3)
