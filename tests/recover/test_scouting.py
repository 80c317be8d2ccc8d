"""Points at which a change of weights tells: exactly so, and none for a change that tells nowhere."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import random_net

from exactre.network import Network
from exactre.rational import Points
from exactre.recover.families import Weight, changed
from exactre.recover.scouting import Scout

# Neuron 1 of layer 2 is active only where neuron 2 of layer 1 is not.
UNSEEN = Network.from_rows([([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ([[1, -3, -1]], [-1]), ([[1]], [0])])


@pytest.mark.parametrize(
    "weight", [Weight(0, 1, "input", 2), Weight(1, 0, "layer1", 1), Weight(2, 0, None, 0)]
)
@pytest.mark.parametrize("factor", [Fraction(1), Fraction(-1, 4096)])
def test_the_points_tell_the_change_exactly(weight, factor):
    net = random_net((3, 4, 3, 1), 0)
    change = {weight: Fraction(1)}
    found = Points.from_floats(Scout(net, np.random.default_rng(0)).telling(change, factor))
    assert len(found)
    here, there = net.evaluate(found), changed(net, change, factor).evaluate(found)
    assert all(here[i] != there[i] for i in range(len(found)))


def test_a_change_that_tells_nowhere_has_no_points():
    scout = Scout(UNSEEN, np.random.default_rng(0))
    assert len(scout.telling({Weight(1, 0, "layer1", 1): Fraction(1)}, Fraction(-1))) == 0
    assert len(scout.telling({Weight(1, 0, "layer1", 2): Fraction(1)}, Fraction(-1))) > 0


def test_weights_beyond_the_range_of_floats_are_scaled():
    large = Fraction(1 << 3000)
    net = Network.from_rows([([[large, 2 * large]], [large]), ([[1 / large]], [0])])
    found = Scout(net, np.random.default_rng(0)).telling({Weight(0, 0, "input", 0): large}, Fraction(1))
    assert len(found)
    assert np.isfinite(found).all()


def test_rare_points_are_in_different_regions():
    net = random_net((2, 5, 1), 0)
    points = Points.from_floats(Scout(net, np.random.default_rng(0)).rare(8))
    patterns = {tuple(net.pattern(point).values()) for point in points}
    assert len(patterns) == len(points) == 8
