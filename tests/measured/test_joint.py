"""Bends that say nothing alone are put together where they are one neuron's, and nowhere else."""

from itertools import combinations

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import third_layer

from exactre.measured.extend import place
from exactre.measured.grouping import Grouping
from exactre.measured.joint import joint

SEEDS = range(2 * FACTOR)


def near(places):
    """Pairs of places, those with most in common first."""
    return sorted(combinations(places, 2), key=lambda pair: (pair[0].pattern ^ pair[1].pattern).sum())[:40]


@pytest.mark.parametrize("seed", SEEDS)
def test_bends_of_one_neuron_agree_on_its_row_within_their_bounds(seed):
    below, layer, bends = third_layer(seed)
    together = 0
    for z, own in bends.items():
        row = np.append(layer.weight[z], layer.bias[z])
        for pair in near([place(below, 2, bend) for bend in own]):
            found = joint(pair, 0)
            if found is None:
                continue
            candidate, spare = found
            assert spare > 0
            assert candidate.bends == [p.bend for p in pair]
            told = np.isfinite(candidate.errors)
            if not told.any():
                continue
            lead = np.flatnonzero(told)[np.abs(row[told]).argmax()]
            scale = candidate.values[lead] / row[lead]
            slack = candidate.errors + np.abs(row / row[lead]) * candidate.errors[lead]
            assert (np.abs(candidate.values - scale * row)[told] <= slack[told]).all()
            together += 1
    assert together > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_bends_of_two_neurons_never_agree(seed):
    below, _, bends = third_layer(seed)
    tried = 0
    for one, other in combinations(bends.values(), 2):
        places = [place(below, 2, bend) for bend in (*one[:6], *other[:6])]
        for pair in near(places):
            if any(pair[0].bend is b for b in one[:6]) != any(pair[1].bend is b for b in one[:6]):
                assert joint(pair, 0) is None
                tried += 1
    assert tried > 0


def test_no_more_equations_than_were_there_before_are_no_evidence():
    below, _, bends = third_layer(0)
    [pair, *_] = [
        pair
        for own in bends.values()
        for pair in near([place(below, 2, bend) for bend in own])
        if joint(pair, 0) is not None
    ]
    _, spare = joint(pair, 0)
    assert joint(pair, spare) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_joined_groups_hold_bends_of_one_neuron_each(seed):
    below, _, bends = third_layer(seed)
    owner = {id(bend): z for z, own in bends.items() for bend in own}
    grouping = Grouping(below, 2)
    grouping.add([bend for own in bends.values() for bend in own])
    before = len(grouping.groups)
    grouping.join()
    assert len(grouping.groups) < before
    for group in grouping.groups:
        assert len({owner[id(bend)] for bend in group.candidate.bends}) == 1
    assert sum(len(group.candidate.bends) for group in grouping.groups) == len(owner)
