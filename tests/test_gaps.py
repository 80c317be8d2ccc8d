"""Products of numbers with gaps are the products; numbers without gaps are left to FLINT."""

import random

import pytest
from flint import fmpz, fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from exactre import gaps
from exactre.rational import Matrix

LONG = 1 << 17
NUMBERS = st.builds(
    lambda parts, sign: sign * sum(v << shift for v, shift in parts),
    st.lists(st.tuples(st.integers(0, 2**80), st.integers(0, LONG)), max_size=3),
    st.sampled_from([-1, 1]),
)


@given(st.data(), st.integers(1, 3), st.integers(1, 6), st.integers(1, 4))
def test_a_product_of_numbers_with_gaps_is_the_product(data, count, n, m):
    num = fmpz_mat(count, n, data.draw(st.lists(NUMBERS, min_size=count * n, max_size=count * n)))
    small = st.integers(-(2**60), 2**60)
    matrix = fmpz_mat(n, m, data.draw(st.lists(small, min_size=n * m, max_size=n * m)))
    assert gaps.product(num, matrix, matrix.tolist()) == num * matrix


def steps(n, length=LONG):
    """A point of short coordinates whose every coordinate takes a step of its own."""
    places = [length - length * (k + 1) // (n + 1) for k in range(n)]
    return fmpz_mat(1, n, [((k - 3) << length) + (1 << place) for k, place in enumerate(places)])


@pytest.mark.parametrize("n", [1, 5, 64, 300])
def test_steps_far_apart_have_gaps_and_are_multiplied_rightly(n):
    num, rng = steps(n), random.Random(n)
    assert gaps.has_gaps(num)
    weights = Matrix(fmpz_mat(7, n, [rng.randrange(-(2**24), 2**24) for _ in range(7 * n)]), 1 << 20)
    assert weights.apply_t(num) == num * weights.num_t


def test_short_or_dense_numbers_have_none():
    rng = random.Random(0)
    assert not gaps.has_gaps(steps(64, length=1 << 14))
    assert not gaps.has_gaps(fmpz_mat(2, 9, [rng.getrandbits(LONG) for _ in range(18)]))
    assert not gaps.has_gaps(fmpz_mat(2, 9))
    assert not gaps.has_gaps(fmpz_mat(0, 9))
    assert gaps.product(fmpz_mat(2, 1), fmpz_mat([[fmpz(1)]]), [[fmpz(1)]]) == fmpz_mat(2, 1)
