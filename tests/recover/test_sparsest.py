"""The solution with the most zeros, from fewer equations than unknowns, modulo the prime."""

import numpy as np
import pytest

from exactre.recover.modular import PRIME, inverses
from exactre.recover.sparsest import sparsest


def planted(rng, rows, unknowns, zeros):
    columns = rng.integers(0, PRIME, size=(rows, unknowns))
    weights = rng.integers(1, PRIME, size=unknowns)
    weights[rng.permutation(unknowns)[:zeros]] = 0
    return columns, weights, times(columns, weights)


def times(columns, weights):
    products = [[int(a) * int(c) for a, c in zip(row, weights, strict=True)] for row in columns]
    return np.array([sum(row) % PRIME for row in products], dtype=np.int64)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("rows", "zeros"), [(20, 1), (24, 7), (16, 7), (14, 9), (13, 11)])
def test_zeros_beyond_the_equations_wanting_single_out_the_solution(seed, rows, zeros):
    rng = np.random.default_rng(seed)
    columns, weights, target = planted(rng, rows, 20, zeros)
    assert sparsest(columns, target, rng).tolist() == weights.tolist()


@pytest.mark.parametrize(("rows", "zeros"), [(20, 0), (24, 0), (16, 4), (16, 0), (4, 16), (12, 5)])
def test_nothing_is_told_where_chance_could_have_made_the_zeros(rows, zeros):
    rng = np.random.default_rng(1)
    columns, _, target = planted(rng, rows, 20, zeros)
    assert sparsest(columns, target, rng) is None


@pytest.mark.parametrize("rows", [21, 26])
def test_equations_that_contradict_each_other_have_no_solution(rows):
    rng = np.random.default_rng(2)
    columns, _, target = planted(rng, rows, 20, 9)
    target[-1] = (target[-1] + 1) % PRIME
    assert sparsest(columns, target, rng) is None


def test_dependent_equations_are_no_spare_ones():
    rng = np.random.default_rng(3)
    columns, weights, target = planted(rng, 12, 16, 9)
    columns = np.concatenate([columns, columns[:6] * 5 % PRIME])
    target = np.concatenate([target, target[:6] * 5 % PRIME])
    assert sparsest(columns, target, rng).tolist() == weights.tolist()
    columns, _, target = planted(rng, 12, 16, 4)
    assert sparsest(columns, target, rng) is None


def test_inverses_are_those_of_the_field():
    values = np.random.default_rng(4).integers(1, PRIME, size=50)
    assert (values * inverses(values) % PRIME == 1).all()
    assert inverses(np.zeros(2, dtype=np.int64)).tolist() == [0, 0]
