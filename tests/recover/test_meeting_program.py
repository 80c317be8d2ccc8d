"""What the mixed-integer program hints at is on both boundaries, where the others are inactive."""

import numpy as np
import pytest
from recover_targets import random_net, truth

from exactre.recover.floats import FloatModel
from exactre.recover.model import Model, Neuron
from exactre.recover.program import meeting_hint


@pytest.mark.parametrize("seed", range(5))
def test_a_hint_is_near_both_boundaries(seed):
    known = truth(random_net([3, 5, 2, 1], seed))
    floats = FloatModel(known.model)
    unit, z = known.layers[0][0], known.layers[1][0]
    other = known.layers[0][1]
    point = meeting_hint(floats, (z, unit), {other: known.orientation[other]}, 64.0)
    if point is not None:
        [met] = floats.meetings((z, unit), point[None, :])
        [values] = floats.values(met[None, :])
        assert np.linalg.norm(met - point) < 1
        assert values[other] * known.orientation[other] < 1
    else:
        grid = np.random.default_rng(seed).uniform(-64, 64, size=(4000, 3))
        met = floats.meetings((z, unit), grid)
        inside = met[(np.abs(met) <= 60).all(axis=1)]
        assert not (floats.values(inside)[:, other] * known.orientation[other] < -1).any()


def test_parallel_boundaries_give_no_hint():
    model = Model(2, (Neuron({}, (1, 0, 0)), Neuron({}, (1, 0, -3)), Neuron({}, (0, 1, 0))))
    floats = FloatModel(model)
    assert meeting_hint(floats, (0, 1), {}, 64.0) is None
    assert meeting_hint(floats, (0, 2), {}, 64.0) is not None


def test_a_meeting_outside_the_box_gives_no_hint():
    floats = FloatModel(Model(2, (Neuron({}, (1, 0, -100)), Neuron({}, (0, 1, 0)))))
    assert meeting_hint(floats, (0, 1), {}, 64.0) is None
    assert meeting_hint(floats, (0, 1), {}, 128.0) is not None


def test_the_others_have_to_be_inactive():
    rows = (Neuron({}, (1, 0, 0)), Neuron({}, (0, 1, 0)), Neuron({}, (1, 1, 5)))
    floats = FloatModel(Model(2, rows))
    assert meeting_hint(floats, (0, 1), {2: 1}, 64.0) is None
    assert meeting_hint(floats, (0, 1), {2: -1}, 64.0) is not None
