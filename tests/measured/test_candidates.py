"""Bends of one neuron are put together, and those of parallel boundaries are not."""

import numpy as np

from exactre.measured.candidate import Candidate, refined
from exactre.measured.grouping import Grouping
from exactre.measured.known import Known
from exactre.measured.neuron import Neuron
from exactre.measured.snap import FLOAT32
from exactre.measured.survey import Bend

KNOWN = Known(6)
ROW = np.array([0.5, -1.25, 0.75, 2.0, -0.375, 1.5])


def bend(bias, seed, *, row=ROW, error=1e-11):
    """A measured bend of row . x + bias, at a random scale and place."""
    rng = np.random.default_rng(seed)
    point = rng.normal(size=6)
    point -= row * (row @ point + bias) / (row @ row)
    v = rng.choice([-1.0, 1.0], size=6)
    normal = row * rng.uniform(0.5, 2) + rng.uniform(-error, error, 6)
    return Bend(point, v, 1e-13, normal, np.full(6, error), 1.0)


def grouped(bends, traced=()):
    grouping = Grouping(KNOWN, 0)
    grouping.add(bends, traced)
    return [group.candidate for group in grouping.groups]


def test_bends_of_one_neuron_are_one_candidate():
    [found] = grouped([bend(0.25, seed) for seed in range(4)])
    assert len(found.bends) == 4
    ratio = found.values / np.append(ROW, 0.25)
    assert (np.abs(ratio / ratio[0] - 1) < 1e-9).all()


def test_parallel_boundaries_are_two_candidates():
    found = grouped([bend(0.25, 0), bend(0.5, 1), bend(0.25, 2), bend(0.5, 3)])
    assert [len(candidate.bends) for candidate in found] == [2, 2]


def test_rows_that_differ_in_one_entry_are_two_candidates():
    other = ROW.copy()
    other[3] += 1e-6
    found = grouped([bend(0.25, 0), bend(0.25, 1, row=other)])
    assert [len(candidate.bends) for candidate in found] == [1, 1]


def test_what_was_traced_takes_in_the_bends_that_agree():
    traced = Candidate(np.append(ROW, 0.25) * -3, np.full(7, 1e-9), [bend(0.25, 9)])
    traced.errors[2] = np.inf  # an entry that the trace did not show
    [found] = grouped([bend(0.25, 0)], [traced])
    assert len(found.bends) == 2
    assert np.isfinite(found.errors).all()


def test_bends_that_come_later_join_their_group_in_any_order():
    bends = [bend(0.25, seed, error=10.0**-k) for seed, k in enumerate((6, 11, 7))]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        grouping = Grouping(KNOWN, 0)
        for i in order:
            grouping.add([bends[i]])
        [group] = grouping.groups
        assert len(group.candidate.bends) == 3
        ratio = group.candidate.values[:-1] / ROW
        assert (np.abs(ratio / ratio[0] - 1) < 1e-10).all()


def test_what_a_group_is_known_to_be_stays_when_bends_join_it():
    grouping = Grouping(KNOWN, 0)
    grouping.add([bend(0.25, 0)])
    [group] = grouping.groups
    neuron = Neuron(ROW, np.zeros(6), 0.25, 0.0, FLOAT32, -60.0, tuple(group.candidate.bends))
    group.hold(neuron)
    group.is_fresh = False
    grouping.add([bend(0.25, 1), bend(0.5, 2)])
    [held, other] = grouping.groups
    assert held is group
    assert (held.is_held, held.is_fresh, len(held.candidate.bends)) == (True, True, 2)
    assert (other.is_held, len(other.candidate.bends)) == (False, 1)
    assert np.abs(held.candidate.values - np.append(ROW, 0.25)).max() < 2.0**-40


def test_a_removed_group_takes_explained_bends_with_it_and_leaves_the_others():
    grouping = Grouping(KNOWN, 0)
    bends = [bend(0.25, 0), bend(0.25, 1), bend(0.5, 2), bend(0.5, 3), bend(0.75, 4)]
    grouping.add(bends)
    whole = grouping.groups[:1]
    explained = {id(b) for b in [*whole[0].candidate.bends, bends[3]]}
    grouping.remove(whole, explained)
    left = {id(b) for group in grouping.groups for b in group.candidate.bends}
    assert left == {id(b) for b in bends} - explained


def test_places_far_apart_sharpen_a_row_and_a_strange_one_among_them_is_left_out():
    bends = [bend(0.25, seed) for seed in range(24)]
    rough = Candidate(np.append(ROW, 0.25) * (1 + 1e-7 * np.arange(7)), np.full(7, 1e-5), bends)
    for strange in ([], [bend(0.75, 99)]):
        better = refined(KNOWN, 0, Candidate(rough.values, rough.errors, [*bends, *strange]))
        ratio = better.values[:-1] / ROW
        assert len(better.bends) == 24
        assert (np.abs(ratio / ratio[0] - 1) < 1e-9).all()
        assert (better.errors[:-1] < 1e-8).all()


def test_places_of_many_strangers_change_nothing():
    bends = [bend(0.25, seed) for seed in range(9)] + [bend(0.75, seed) for seed in range(9, 18)]
    rough = Candidate(np.append(ROW, 0.25), np.full(7, 1e-5), bends)
    assert refined(KNOWN, 0, rough) is rough
