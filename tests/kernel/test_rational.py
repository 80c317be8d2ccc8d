"""Exact matrices and point batches: arithmetic as in fractions, one canonical form, clear refusals."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import rows

from exactre.errors import FormatError, ShapeError
from exactre.rational import Matrix, Points, parse_rational

SIZE = st.integers(0, 4)
RATIONALS = st.one_of(st.integers(-(2**70), 2**70), st.fractions(max_denominator=60))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(SIZE, SIZE, SIZE, st.data())
def test_products_sums_and_transposes_are_those_of_fractions(m, n, k, data):
    a, c = data.draw(rows(m, n, RATIONALS)), data.draw(rows(m, n, RATIONALS))
    b = data.draw(rows(n, k, RATIONALS))
    A, B, C = Matrix.from_rows(a, n), Matrix.from_rows(b, k), Matrix.from_rows(c, n)
    assert (A @ B).rows() == [[sum(row[i] * b[i][j] for i in range(n)) for j in range(k)] for row in a]
    assert (A + C).rows() == [[x + y for x, y in zip(p, q, strict=True)] for p, q in zip(a, c, strict=True)]
    assert A.transpose().rows() == [[a[i][j] for i in range(m)] for j in range(n)]
    assert A.scale(Fraction(-2, 3)).rows() == [[v * Fraction(-2, 3) for v in row] for row in a]
    assert (A @ B).shape == (m, k)


@given(SIZE, SIZE, st.integers(1, 60), st.data())
def test_equal_matrices_are_stored_alike(m, n, factor, data):
    A = Matrix.from_rows(data.draw(rows(m, n, RATIONALS)), n)
    B = Matrix(A.num * factor, A.den * factor)
    assert (A, hash(A), A.den) == (B, hash(B), B.den)
    assert gcd(A.den, *(int(v) for v in A.num.entries())) == (
        1 if A.den != 1 else gcd(*map(int, A.num.entries()), 1)
    )


@given(SIZE, SIZE, st.data())
def test_floats_are_read_exactly(m, n, data):
    values = data.draw(rows(m, n, FLOATS))
    array = np.array(values, dtype=np.float64).reshape(m, n)
    assert Matrix.from_floats(array).rows() == [[Fraction(v) for v in row] for row in values]
    batch = Points.from_floats(array)
    assert list(batch) == [tuple(Fraction(v) for v in row) for row in values]
    assert batch == Points.of(values, n)
    assert Points(batch.num, batch.den) == batch


def test_narrow_floats_are_read_as_they_are():
    assert Matrix.from_floats(np.array([[0.1]], dtype=np.float32))[0, 0] == Fraction(13421773, 2**27)
    assert Matrix.from_floats(np.array([[0.1]], dtype=np.float16))[0, 0] == Fraction(1638, 2**14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers(value):
    for read in (Matrix.from_floats, Points.from_floats):
        with pytest.raises(FormatError, match=r"entry \[0, 1\] is .*, expected a finite number"):
            read(np.array([[1.0, value]]))


def test_points_are_a_sequence():
    batch = Points.of([[1, Fraction(1, 2)], [3, 4], [5, 6]], 2)
    assert (len(batch), batch.dim, repr(batch)) == (3, 2, "Points(3, 2)")
    assert batch[-1] == (5, 6)
    assert batch[0:2] == [(1, Fraction(1, 2)), (3, 4)]
    assert list(batch) == [(1, Fraction(1, 2)), (3, 4), (5, 6)]
    for index in (3, -4):
        with pytest.raises(IndexError):
            batch[index]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Matrix.from_rows([[1, 2], [3]]), "expected 2 rows of 2 entries, found 3 entries"),
        (
            lambda: Matrix.from_rows([[1]]) @ Matrix.from_rows([[1], [2]]),
            r"cannot multiply \(1, 1\) by \(2, 1\)",
        ),
        (lambda: Matrix.from_rows([[1]]) + Matrix.from_rows([[1, 2]]), r"cannot add \(1, 1\) and \(1, 2\)"),
        (lambda: Matrix.from_floats(np.ones(2)), "expected a 2-D array, found 1 dimensions"),
        (lambda: Points.from_floats(np.ones(2)), "expected a 2-D array, found 1 dimensions"),
        (lambda: Points.of([[1]], 2), "expected a point with 2 coordinates, found 1"),
    ],
)
def test_shapes_are_checked(build, message):
    with pytest.raises(ShapeError, match=message):
        build()


@given(st.fractions())
def test_text_of_a_rational_reads_back(value):
    assert parse_rational(str(value), "here") == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01",
        "-0",
        "+1",
        "1/1",
        "2/4",
        "1/0",
        "1/-2",
        " 1",
        "1 ",
        "1.5",
        "1e3",
        "0x1",
        "1_000",
        "\u0661",
        "1/02",
        None,
        1,
    ],
)
def test_other_texts_are_refused_with_the_place(text):
    with pytest.raises(FormatError, match="weight 3: "):
        parse_rational(text, "weight 3")
