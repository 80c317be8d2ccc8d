"""Linear algebra over Q against its own predicates, and the predicates against plain fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from exactre import linalg
from exactre.errors import ShapeError
from exactre.rational import Matrix

ENTRIES = st.one_of(st.integers(-2, 2), st.fractions(max_denominator=9), st.integers(-(2**90), 2**90))


SIZES = st.integers(0, 5)


@st.composite
def matrices(draw, rows=SIZES, columns=SIZES):
    m, n = draw(rows), draw(columns)
    r = draw(st.integers(0, 5))
    left = [draw(st.lists(ENTRIES, min_size=r, max_size=r)) for _ in range(m)]
    right = [draw(st.lists(ENTRIES, min_size=n, max_size=n)) for _ in range(r)]
    return Matrix.from_rows(left, r) @ Matrix.from_rows(right, n)


def sympy_rank(A):
    return sympy.Matrix(
        *A.shape, [sympy.Rational(v.numerator, v.denominator) for r in A.rows() for v in r]
    ).rank()


@given(matrices())
def test_rank_and_nullspace(A):
    n = A.shape[1]
    N = linalg.nullspace(A)
    assert linalg.rank(A) == sympy_rank(A) == n - N.shape[1]
    assert linalg.is_nullspace(A, N)
    assert N.den == 1
    assert not any(any(v for v in row) for row in (A @ N).rows())


@given(matrices(), st.data())
def test_solve_what_has_a_solution(A, data):
    X = data.draw(matrices(rows=st.just(A.shape[1]), columns=st.integers(1, 3)))
    found = linalg.solve(A, A @ X)
    assert found is not None
    assert linalg.is_solution(A, found, A @ X)


@given(matrices(), st.data())
def test_solve_says_none_exactly_when_there_is_none(A, data):
    B = data.draw(matrices(rows=st.just(A.shape[0]), columns=st.just(1)))
    joined = Matrix.from_rows([[*a, *b] for a, b in zip(A.rows(), B.rows(), strict=True)], A.shape[1] + 1)
    solvable = sympy_rank(joined) == sympy_rank(A)
    X = linalg.solve(A, B)
    assert (X is not None) == solvable
    assert X is None or A @ X == B


@pytest.mark.parametrize("entry", [2**61 - 1, -(2**61 - 1) * 6])
def test_a_pivot_that_the_prime_hides(entry):
    """Entries divisible by the modulus vanish there, not over Q."""
    A = Matrix.from_rows([[entry, 0], [0, 1]])
    assert linalg.rank(A) == 2
    assert linalg.nullspace(A).shape == (2, 0)
    assert linalg.solve(A, Matrix.column([1, 1])) == Matrix.column([Fraction(1, entry), 1])


def test_false_solutions_and_bases_are_refused():
    A = Matrix.from_rows([[1, 2, 3]])
    assert linalg.is_nullspace(A, Matrix.from_rows([[-2, -3], [1, 0], [0, 1]]))
    assert not linalg.is_nullspace(A, Matrix.from_rows([[-2], [1], [0]]))  # too small
    assert not linalg.is_nullspace(A, Matrix.from_rows([[-2, -4], [1, 2], [0, 0]]))  # dependent
    assert not linalg.is_nullspace(A, Matrix.from_rows([[-2, -3], [1, 0], [0, 2]]))  # not in it
    assert not linalg.is_nullspace(A, Matrix.from_rows([[1]]))  # another shape
    assert linalg.is_solution(A, Matrix.column([1, 1, 1]), Matrix.column([6]))
    assert not linalg.is_solution(
        A, Matrix.column([1, 1, 1]), Matrix.column([Fraction(6 * 2**80 + 1, 2**80)])
    )
    assert not linalg.is_solution(A, Matrix.column([1, 1]), Matrix.column([6]))


def test_right_hand_side_of_another_height():
    with pytest.raises(ShapeError, match="expected a right-hand side of 1 rows, found 2"):
        linalg.solve(Matrix.from_rows([[1]]), Matrix.column([1, 2]))
