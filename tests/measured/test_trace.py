"""A boundary followed across a layer without signs shows its weights, and which units are active."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import function, layers, probe, truth

from exactre.measured.known import Known, Layer
from exactre.measured.sides import active_units, told
from exactre.measured.survey import Survey, nearest_neuron
from exactre.measured.trace import Trace, Tracer, traced

SEEDS = range(2 * FACTOR)


def unsigned(net, depth, rng):
    """The first `depth` layers, the last one's rows turned by chance and unsigned; how they were turned."""
    known = truth(net)
    last = known.layers[depth - 1]
    turn = rng.choice([-1.0, 1.0], size=len(last.bias))
    layer = Layer(last.weight * turn[:, None], last.bias * turn, np.zeros(len(turn), dtype=np.int64))
    return Known(known.dim, (*known.layers[: depth - 1], layer)), turn


def bends_above(net, known, seed):
    """Bends of neurons beyond the known layers, and the probe that found them."""
    asked = probe(function(net), known.dim, seed=seed)
    survey = Survey(asked)
    line = survey.random_line()
    survey.look(line, survey.ends(line), None, known)
    return [b for b in survey.bends if nearest_neuron(known, b.point, b.v, b.error) is None], asked


@pytest.mark.parametrize(("widths", "depth"), [((6, 10, 5, 1), 1), ((8, 8, 8, 6, 1), 2)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_trace_shows_weights_within_their_bounds_and_the_active_units(widths, depth, seed):
    net = layers(widths, seed)
    known, turn = unsigned(net, depth, np.random.default_rng(seed))
    bends, asked = bends_above(net, known, seed)
    measured = signs = 0
    for bend in bends[:4]:
        owner = nearest_neuron(truth(net), bend.point, bend.v, bend.error)
        trace = traced(asked, known, bend)
        if trace is None or owner is None or owner[0] != depth:
            continue
        shown = np.isfinite(trace.errors)
        if not shown.any():
            continue
        row = truth(net).layers[depth].weight[owner[1]]
        precision = trace.errors[shown] ** -2.0
        scale = (trace.weights * row)[shown] @ precision / ((row * row)[shown] @ precision)
        assert (np.abs(trace.weights - scale * row)[shown] <= 2 * trace.errors[shown]).all()
        measured += int(shown.sum())
        side = np.where(known.cell(bend.point).values[-1] > 0, 1, -1)
        found = active_units(known.layers[-1], side, trace)
        assert (found * side * turn >= 0).all()
        signs += np.count_nonzero(found)
    assert measured >= widths[depth - 1] // 2
    assert signs > 0


def test_signs_of_a_layer_wider_than_its_inputs_are_told_from_traces():
    net = layers((6, 12, 8, 1), 1)
    known, turn = unsigned(net, 1, np.random.default_rng(5))
    bends, asked = bends_above(net, known, 1)
    tracer = Tracer(asked)
    found = told(tracer, known, bends, np.zeros(12, dtype=np.int64))
    assert (found == turn).all()
    spent = asked.ledger.queries
    assert (told(tracer, known, bends[:0], np.zeros(12, dtype=np.int64)) == turn).all()
    assert asked.ledger.queries == spent  # a bend is followed once


def test_a_layer_that_lacks_a_neuron_gives_no_sign():
    net = layers((6, 10, 5, 1), 0)
    known, _ = unsigned(net, 1, np.random.default_rng(0))
    bends, asked = bends_above(net, known, 0)
    [layer] = known.layers
    assert bends
    for bend in bends[:2]:
        active = int(truth(net).values(bend.point[None])[0][0].argmax())
        rest = np.delete(np.arange(10), active)
        part = Known(6, (Layer(layer.weight[rest], layer.bias[rest], layer.sign[rest]),))
        trace = traced(asked, part, bend)
        assert trace is not None
        side = np.where(part.cell(bend.point).values[-1] > 0, 1, -1)
        assert not active_units(part.layers[-1], side, trace).any()


def test_a_measurement_too_rough_to_tell_subsets_apart_tells_nothing():
    layer = Layer(np.random.default_rng(0).normal(size=(12, 3)), np.zeros(12), np.zeros(12, dtype=np.int64))
    side = np.ones(12, dtype=np.int64)
    weights = np.random.default_rng(1).normal(size=12)
    for error, count in ((1e-10, 12), (1e-2, 0)):
        affine = weights[:6] @ layer.weight[:6]
        trace = Trace(weights, np.full(12, error), affine, np.full(3, error), ())
        assert np.count_nonzero(active_units(layer, side, trace)) == count
