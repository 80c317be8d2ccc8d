"""A subset with a known sum is found where exactly one fits, none where the sums are too rough to tell."""

import numpy as np
import pytest

from exactre.measured.subset import subset, subset_sums


@pytest.mark.parametrize(("equations", "width"), [(3, 17), (5, 30), (1, 12)])
def test_the_subset_with_a_sum_is_found(equations, width):
    shares = np.random.default_rng(0).normal(size=(equations, width))
    chosen = np.random.default_rng(1).random(width) < 0.5
    found = subset(shares, shares[:, chosen].sum(axis=1), np.full(equations, 2.0**-45))
    assert (found == chosen).all()


def test_no_subset_and_two_subsets_are_none():
    shares = np.array([[1.0, 2.0, 3.0, 10.0], [2.0, 4.0, 6.0, 1.0]])
    assert subset(shares, np.array([3.0, 6.0]), np.full(2, 1e-9)) is None  # 1 + 2 and 3
    assert subset(shares, np.array([4.5, 9.0]), np.full(2, 1e-9)) is None
    assert subset(shares, np.array([11.0, 3.0]), np.full(2, 1e-9)).tolist() == [True, False, False, True]


def test_sums_that_chance_would_fit_tell_nothing():
    shares = np.random.default_rng(0).normal(size=(1, 30))
    total = shares[:, :15].sum(axis=1)
    assert subset(shares, total, np.full(1, 2.0**-40)) is None  # 30 unknowns from 40 bits
    assert subset(shares, total, np.full(1, 2.0**-52)) is not None


def test_columns_too_small_to_be_heard_and_too_many_columns_tell_nothing():
    shares = np.random.default_rng(0).normal(size=(4, 45))
    errors = np.full(4, 2.0**-45)
    assert subset(shares, shares[:, :9].sum(axis=1), errors) is None
    small = shares[:, :10] * np.append(np.ones(9), 2.0**-44)
    assert subset(small, small[:, :4].sum(axis=1), errors) is None
    assert subset(small[:, :9], small[:, :4].sum(axis=1), errors).tolist() == [True] * 4 + [False] * 5
    assert subset(shares[:, :0], np.zeros(4), errors) is None
    assert subset(shares[:0, :5], np.zeros(0), errors[:0]) is None


def test_subset_sums_are_in_binary_order():
    assert subset_sums(np.array([[1.0, 2.0, 4.0]]))[:, 0].tolist() == list(range(8))
