"""Boundaries of a neuron and of a unit that it reads: where they meet, and what follows if they never do."""

import float_networks as fn
import numpy as np
import pytest

import exactre
from exactre.measured.known import Known
from exactre.measured.meeting import Pair
from exactre.measured.neuron import Neuron
from exactre.measured.rows import says_all_of
from exactre.measured.snap import FLOAT32
from exactre.network import Network
from exactre.rational import Matrix

UNIT, NEURON = 5, 2


def hidden(seed):
    """Unit 5 is active only where unit 0 is beyond 16; there neuron 2, which no unit adds to, is inactive."""
    net = fn.layers((8, 6, 5, 1), seed)
    (weight, bias), (above, offset) = net[:2]
    weight[UNIT], bias[UNIT] = weight[0] / 2, np.float32(bias[0] / 2 - 8)
    above[NEURON], offset[NEURON] = np.float32(-0.25 - np.abs(above[NEURON])), 3.0
    return net


def below(net):
    known = fn.truth(net)
    return Known(known.dim, known.layers[:1])


def on_boundary(net, neuron, count=16):
    """Points of the neuron's boundary, found on random lines."""
    survey = fn.Survey(fn.probe(fn.function(net), net[0][0].shape[1]))
    known, points = fn.truth(net), []
    while len(points) < count:
        line = survey.random_line()
        for bend in survey.look(line, survey.ends(line)):
            if fn.nearest_neuron(known, bend.point, bend.v, bend.error) == (1, neuron):
                points.append(bend.point)
    return np.array(points)


@pytest.mark.parametrize("seed", range(3))
def test_meetings_lie_on_both_boundaries(seed):
    net = fn.layers((8, 6, 5, 1), seed)
    row, bias = np.where(np.arange(6) == UNIT, 0.0, net[1][0][NEURON]), net[1][1][NEURON]
    points = Pair(below(net), row, bias, UNIT).meetings(on_boundary(net, NEURON), np.random.default_rng(0))
    assert len(points)
    values = below(net).values(points)[0]
    own = np.maximum(values, 0.0) @ row + bias
    # A meeting is a guess: a walk ends at 1e-9 of the distance from the origin, for rows of length one.
    size = 1 + np.linalg.norm(points, axis=1)
    assert (np.abs(values[:, UNIT]) < 1e-8 * size).all()
    assert (np.abs(own) < 1e-8 * size).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_neuron_that_never_meets_a_unit_has_one_side_there(seed):
    net, rng = hidden(seed), np.random.default_rng(0)
    row, bias = np.where(np.arange(6) == UNIT, 0.0, net[1][0][NEURON]), net[1][1][NEURON]
    assert Pair(below(net), row, bias, UNIT).side(rng) == -1
    assert Pair(below(net), -row, -bias, UNIT).side(rng) == 1
    assert not len(Pair(below(net), row, bias, UNIT).meetings(on_boundary(net, NEURON), rng))


def test_a_neuron_that_meets_a_unit_has_both_sides_there():
    net = fn.layers((8, 6, 5, 1), 0)
    row, bias = np.where(np.arange(6) == UNIT, 0.0, net[1][0][NEURON]), net[1][1][NEURON]
    assert Pair(below(net), row, bias, UNIT).side(np.random.default_rng(0)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_weight_that_no_answer_shows_is_named_and_a_proof_settles_it(seed):
    layers = hidden(seed)
    net = Network.layered([(Matrix.from_floats(w), Matrix.from_floats(b[:, None])) for w, b in layers])
    result = exactre.recover(net, exact=False, seed=seed)
    assert (result.status, result.layers) == ("certified", (6, 5))
    exactre.check(result.certificate, net, result.network)
    assert [np.isinf(number.error) for number in result.measured.open] == [True]
    alone = exactre.recover(fn.function(layers), exact=False, input_dim=8, seed=seed)
    assert alone.status == "partial"
    assert alone.network is None
    assert alone.measured.nearest is not None
    assert any("1 numbers are not exact, the first one layer 2, neuron" in reason for reason in alone.missing)


def neuron(row, errors, bias=1.0):
    return Neuron(np.array(row), np.array(errors), bias, 0.0, FLOAT32, -60.0, ())


def test_of_two_rows_of_one_neuron_one_says_all_of_the_other():
    rare = neuron([0.5, -1.0, 8.0], [0.0, 0.0, np.inf])
    whole = neuron([0.5, -1.0, 0.25], [0.0] * 3)
    assert says_all_of(whole, rare)
    assert says_all_of(neuron([-1.0, 2.0, 0.25], [0.0] * 3, bias=-2.0), rare)
    assert says_all_of(whole, neuron([-1.0, 2.0, -0.5], [0.0] * 3, bias=-2.0))
    assert not says_all_of(rare, whole)
    assert not says_all_of(whole, neuron([-1.0, 2.0, 0.5], [0.0] * 3, bias=-2.0))
    assert not says_all_of(neuron([0.5, -1.0, 0.25], [0.0] * 3, bias=2.0), rare)
    assert not says_all_of(neuron([0.5, -1.5, 0.25], [0.0] * 3), rare)
    assert not says_all_of(neuron([0.0, 0.0, 0.25], [0.0] * 3, bias=0.0), rare)
