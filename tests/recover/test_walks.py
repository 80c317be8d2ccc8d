"""Walks on one boundary come to another: near no other wall, on the kept sides, also far out."""

import itertools

import numpy as np
import pytest
from recover_targets import random_net, truth

from exactre.recover.floats import FloatModel, random_starts
from exactre.recover.model import Model, Neuron
from exactre.walk import Walk

# Over two inputs x, y: relu(x) bends the second row, |x| - 2^12 + y.
BENT = (Neuron({}, (1, 0, 0)), Neuron({0: 1}, (0, 1, -4096)))


def on_boundary(floats, neuron, seed):
    starts = random_starts((16, floats.rows()[1].shape[1] - 1), 8.0, np.random.default_rng(seed))
    return floats.meetings((neuron,), starts)


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_ends_on_both_boundaries_and_in_a_cell(seed):
    known = truth(random_net([3, 5, 4, 2, 1], seed))
    floats = FloatModel(known.model)
    reached = 0
    for z, unit in itertools.product(known.layers[2], known.layers[1]):
        for start in on_boundary(floats, z, seed)[:2]:
            met = Walk(floats, z, unit, ()).meeting(start)
            if met is not None:
                reached += 1
                size = 1 + np.linalg.norm(met)
                values = np.abs(floats.values(met[None])[0])
                assert values[[z, unit]].max() < 1e-9 * size
                below = [j for layer in known.layers[:2] for j in layer if j != unit]
                assert values[below].min() > 1e-9 * size
    assert reached


def test_a_walk_crosses_walls_on_the_way():
    floats = FloatModel(Model(2, (*BENT, Neuron({}, (1, 0, -9000)))))
    # From x = -8192 to x = 9000 on y = 4096 - |x|, across x = 0.
    met = Walk(floats, 1, 2, ()).meeting(np.array([-8192.0, -4096.0]))
    assert met is not None
    assert np.allclose(met, [9000.0, -4904.0])


def test_a_kept_neuron_is_not_crossed():
    floats = FloatModel(Model(2, (*BENT, Neuron({}, (1, 0, -9000)))))
    assert Walk(floats, 1, 2, (0,)).meeting(np.array([-8192.0, -4096.0])) is None
    assert Walk(floats, 1, 2, (0,)).meeting(np.array([8192.0, -4096.0])) is not None


def test_boundaries_that_never_meet_end_the_walk():
    floats = FloatModel(Model(2, (*BENT, Neuron({0: 1}, (0, 1, -4097)))))
    assert Walk(floats, 1, 2, ()).meeting(np.array([3.0, 4093.0])) is None


def test_a_start_away_from_the_boundary_is_no_start():
    floats = FloatModel(Model(2, (Neuron({}, (1, 0, 0)), Neuron({0: 1}, (0, 0, -1)), Neuron({}, (0, 1, 0)))))
    inside = Neuron({0: 1}, (1, 0, 5))  # |x| + x + 5 has no zero where x > 0
    floats = floats.extended(inside)
    assert Walk(floats, 3, 2, (0,)).meeting(np.array([7.0, 1.0])) is None
