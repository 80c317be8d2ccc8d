"""Bends at which the forms below are dependent show what is missing of a candidate, and only their own."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import third_layer

from exactre.measured.candidate import Candidate
from exactre.measured.extend import extend, place


@pytest.mark.parametrize("seed", range(3 * FACTOR))
def test_missing_weights_are_shown_within_their_bounds_by_own_bends_alone(seed):
    below, layer, bends = third_layer(seed)
    pool = [place(below, 2, bend) for own in bends.values() for bend in own]
    assert pool
    shown = 0
    for z, own in bends.items():
        values = np.append(layer.weight[z], layer.bias[z])
        errors = np.abs(values) * 2.0**-40
        errors[:2] = np.inf
        candidate = Candidate(np.where(np.isfinite(errors), values, 0.0), errors)
        left = extend(candidate, pool)
        assert len(left) + len(candidate.bends) == len(pool)
        assert {id(bend) for bend in candidate.bends} <= {id(bend) for bend in own}
        found = np.isfinite(candidate.errors)
        assert (np.abs(candidate.values - values)[found] <= candidate.errors[found]).all()
        shown += int(found[:2].sum())
    assert shown > 0


def test_a_candidate_of_which_nothing_is_known_and_a_whole_one_take_nothing():
    below, layer, bends = third_layer(0)
    pool = [place(below, 2, bend) for own in bends.values() for bend in own]
    values = np.append(layer.weight[0], layer.bias[0])
    for errors in (np.full(11, np.inf), np.full(11, 2.0**-40)):
        candidate = Candidate(np.where(np.isfinite(errors), values, 0.0), errors.copy())
        assert extend(candidate, pool) == pool
        assert (candidate.bends, candidate.errors.tolist()) == ([], errors.tolist())


def test_a_row_that_is_slightly_another_takes_nothing():
    below, layer, bends = third_layer(0)
    pool = [place(below, 2, bend) for own in bends.values() for bend in own]
    for z in range(len(layer.bias)):
        values = np.append(layer.weight[z] * (1 + 2.0**-20 * np.arange(10)), layer.bias[z])
        errors = np.abs(values) * 2.0**-40
        errors[0] = np.inf
        candidate = Candidate(values, errors)
        assert extend(candidate, pool) == pool
        assert candidate.bends == []
