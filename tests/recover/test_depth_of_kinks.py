"""Which of two boundaries bends at the other, and what is known of cells: exact, modular and as floats."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, truth

from exactre.recover.complete import with_units
from exactre.recover.floats import FloatModel, random_starts
from exactre.recover.model import Neuron
from exactre.recover.modular import PRIME
from exactre.recover.search import Search

SIZES = [4, 5, 5, 4, 1]


def survey_without(net, known, left_out):
    """A search with a few lines that knows all neurons but one, and of its readers what holds beside it."""
    search = Search(jets_of(net), np.random.default_rng(3), lambda *_: None)
    place = {}
    for z in known.model.by_depth():
        neuron = known.model.neurons[z]
        if z == left_out:
            continue
        if left_out in neuron.parents:
            weight = Fraction(-2 * neuron.parents[left_out])
            neuron = with_units(known.model, neuron, {left_out: weight}, known.orientation)
        place[z] = search.survey.add(
            Neuron.primitive({place[j]: a for j, a in neuron.parents.items()}, neuron.linear)
        )
    for _ in range(4):
        search.survey.scan(search._line())
    return search


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_which_of_two_boundaries_bends_at_the_other_is_told(seed):
    net = random_net(SIZES, seed)
    known = truth(net)
    left_out = known.layers[1][0]
    search = survey_without(net, known, left_out)
    survey, tracer = search.survey, search._tracer()
    shallower, mates, deeper = (survey.layer(depth) for depth in range(3))
    seen = 0
    for i in survey.unexplained():
        kink = survey.kinks[i]
        num, q = kink.line.at([kink.t0, kink.t1])
        before, after = known.model.signs_at(num.tolist(), q)
        if [z for z in range(len(before)) if before[z] != after[z]] != [left_out]:
            continue
        # Deeper boundaries bend at this one, which looks the same close by.
        piece = survey.piece(i)
        assert not tracer.bends_at(piece, mates)
        assert not tracer.bends_at(piece, deeper)
        seen += tracer.bends_at(piece, shallower) is True
    assert seen


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_deeper_boundaries_bend_at_those_of_the_layer_before(seed):
    known = truth(random_net(SIZES, seed))
    search = survey_without(random_net(SIZES, seed), known, known.layers[2][0])
    survey, tracer = search.survey, search._tracer()
    told = [tracer.bends_at(survey.piece(i), survey.layer(1)) for i in survey.unexplained()]
    assert any(told)
    assert not any(tracer.bends_at(survey.piece(i), survey.layer(2)) for i in survey.unexplained())


@pytest.mark.parametrize("seed", range(4))
def test_modular_forms_are_the_exact_ones(seed):
    model = truth(random_net(SIZES, seed)).model
    rng = np.random.default_rng(seed)
    signs = tuple(int(v) for v in rng.choice([-1, 1], size=len(model)))
    forms = model.forms(signs)
    # Deep ones first: what one depth needs of the others is computed with it.
    exact = [forms[z] for z in reversed(range(len(model)))][::-1]
    assert [[v % PRIME for v in row] for row in exact] == forms.modular.tolist()
    assert exact == [model.form(model.neurons[z], signs, exact) for z in range(len(model))]


@pytest.mark.parametrize("seed", range(4))
def test_the_last_cell_on_a_ray_ends_before_a_stop_flips(seed):
    model = truth(random_net(SIZES, seed)).model
    floats, rng = FloatModel(model), np.random.default_rng(seed)
    start = rng.normal(size=4)
    rays = rng.normal(size=(12, 4))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    stops = np.array(model.depth) >= 2
    ends = floats.last_cells(start, rays, stops, 100.0)
    here, there = floats.values(start[None])[0] > 0, floats.values(ends) > 0
    assert len(ends)
    assert (there[:, stops] == here[stops]).all()
    for end in ends:
        way = (end - start) / np.linalg.norm(end - start)
        flips = [(t, j) for t, j in floats.flips(start, way, 0.0, 100.0) if t > np.linalg.norm(end - start)]
        # Nothing but a stop, or another flip of the same cell's end, comes next.
        before = [(t, j) for t, j in floats.flips(start, way, 0.0, 100.0) if t < np.linalg.norm(end - start)]
        assert before
        assert not flips or stops[flips[0][1]]


def test_of_several_ascents_the_best_is_taken():
    model = truth(random_net(SIZES, 2)).model
    floats, rng = FloatModel(model), np.random.default_rng(0)
    layer, signs = [5, 6, 7, 8, 9], [1] * 5
    gains = np.eye(5)
    starts = random_starts((6, 5, 4), 16.0, rng)
    best = floats.extremes(layer, signs, gains, starts)

    def cosines(points):
        outputs = np.maximum(floats.values(points)[:, layer], 0)
        return (outputs * gains).sum(axis=1) / np.maximum(np.linalg.norm(outputs, axis=1), 1e-300)

    each = np.array([cosines(floats.extremes(layer, signs, gains, starts[k : k + 1])) for k in range(6)])
    assert cosines(best).mean() >= each.mean()
    assert np.allclose(np.linalg.norm(best, axis=1), 16.0)
