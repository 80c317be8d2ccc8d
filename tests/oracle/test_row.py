"""Rows are canonical: equal points have equal bytes, and bytes lead back to the point."""

from fractions import Fraction

from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from exactre.oracle.row import batch_of, from_bytes, rows_of, to_bytes
from exactre.rational import Points

POINTS = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.fractions(), min_size=n, max_size=n), min_size=1, max_size=4)
)


@given(POINTS, st.integers(1, 2**70))
def test_equal_points_have_equal_bytes_whatever_their_common_denominator(points, factor):
    batch = Points.of(points, len(points[0]))
    stretched = Points(batch.num * factor, batch.den * factor)
    alone = [to_bytes(rows_of(Points.of([p], len(p)))[0][0]) for p in points]
    assert [to_bytes(row) for row in rows_of(batch)[0]] == alone
    assert [to_bytes(row) for row in rows_of(stretched)[0]] == alone
    assert len(set(alone)) == len({tuple(p) for p in points})


@given(POINTS)
def test_bytes_lead_back_to_the_points_over_their_least_denominator(points):
    batch = Points.of(points, len(points[0]))
    back = batch_of([from_bytes(to_bytes(row)) for row in rows_of(batch)[0]], batch.dim)
    assert (back.num, back.den) == (batch.num, batch.den)


@given(POINTS, st.integers(0, 70))
def test_bits_of_dyadic_points_are_counted_alike(points, k):
    integers = [[v.numerator for v in p] for p in points]
    dyadic = [[Fraction(v, 2**k) for v in p] for p in integers]
    bits = sum(v.numerator.bit_length() + v.denominator.bit_length() for p in dyadic for v in p)
    assert rows_of(Points(fmpz_mat(integers), 2**k))[1] == bits


@given(POINTS)
def test_bits_are_those_of_every_coordinate_in_lowest_terms(points):
    bits = sum(v.numerator.bit_length() + v.denominator.bit_length() for p in points for v in p)
    batch = Points.of(points, len(points[0]))
    assert rows_of(batch)[1] == bits
    assert rows_of(Points(batch.num * 12, batch.den * 12))[1] == bits


def test_an_empty_batch_has_no_rows_and_stays_empty():
    assert rows_of(Points(fmpz_mat(0, 3))) == ([], 0)
    assert (len(batch_of([], 3)), batch_of([], 3).dim) == (0, 3)


def test_zero_and_negative_coordinates_survive():
    points = Points.of([(0, Fraction(-1, 2), -128, 255, 2**64)], 5)
    assert batch_of([from_bytes(to_bytes(rows_of(points)[0][0]))], 5)[0] == points[0]
