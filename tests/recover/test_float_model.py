"""The float model against the exact one, where small numbers leave floats nothing to round."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from campaign import examples
from hypothesis import assume, given
from hypothesis import strategies as st
from recover_targets import truth

from exactre.network import Network
from exactre.recover.floats import FloatModel
from exactre.recover.model import Model, Neuron
from exactre.testing import networks

NETS = networks(inputs=(1, 3), depth=(1, 3), width=(1, 3))


@st.composite
def models(draw):
    net = draw(NETS)
    count = net.neurons
    return truth(net, draw(st.lists(st.sampled_from([-1, 1]), min_size=count, max_size=count))).model


def points(model):
    coordinate = st.integers(-(2**6), 2**6)
    return st.lists(st.tuples(*[coordinate] * model.dim), min_size=1, max_size=4)


def scales(model):
    """The power of two by which each row of the float model is the exact one's."""
    floats = FloatModel(model)
    return [Fraction(2) ** e for e in floats._exponents]


@examples(60)
@given(models(), st.data())
def test_values_and_forms_are_the_exact_ones_over_a_power_of_two(model, data):
    xs = data.draw(points(model))
    floats, scale = FloatModel(model), scales(model)
    values = floats.values(np.array(xs, dtype=float))
    exact = model.values([(*x, 1) for x in xs])
    assert [[Fraction(v) * s for v, s in zip(row, scale, strict=True)] for row in values] == [
        [exact[z][i] for z in range(len(model))] for i in range(len(xs))
    ]
    for x, signs in zip(xs, model.signs_at(xs, 0), strict=True):
        forms = list(model.forms(signs))
        for found in (floats.forms(np.array(x, dtype=float)), floats.forms_at(signs)):
            assert [[Fraction(v) * s for v in row] for row, s in zip(found, scale, strict=True)] == forms


@examples(60)
@given(models(), st.data())
def test_gradients_are_those_of_the_exact_forms(model, data):
    xs = data.draw(points(model))
    seeds = data.draw(st.lists(st.integers(-3, 3), min_size=len(model), max_size=len(model)))
    floats, scale = FloatModel(model), scales(model)
    values = floats.values(np.array(xs, dtype=float))
    found = floats.gradients(values, np.tile(np.array(seeds, dtype=float), (len(xs), 1)))
    each = floats.gradients_of(range(len(model)), np.array(xs, dtype=float))
    for i, signs in enumerate(model.signs_at(xs, 0)):
        forms = [
            [Fraction(v) / s for v in form[:-1]] for form, s in zip(model.forms(signs), scale, strict=True)
        ]
        assert [Fraction(v) for v in found[i]] == [
            sum(c * form[k] for c, form in zip(seeds, forms, strict=True)) for k in range(model.dim)
        ]
        assert [[Fraction(v) for v in row] for row in each[i]] == forms


@examples(40)
@given(models(), st.data())
def test_one_more_neuron_gives_the_float_model_of_the_longer_model(model, data):
    shorter = Model(model.dim, model.neurons[:-1])
    xs = np.array(data.draw(points(model)), dtype=float)
    more, built = FloatModel(shorter).extended(model.neurons[-1]), FloatModel(model)
    assert np.array_equal(more.values(xs), built.values(xs))
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(model), max_size=len(model)))
    assert np.array_equal(more.forms_at(signs), built.forms_at(signs))
    assert more.flips(xs[0], np.ones(model.dim), -99.0, 99.0) == built.flips(
        xs[0], np.ones(model.dim), -99.0, 99.0
    )


@examples(60)
@given(models(), st.data())
def test_between_flips_the_exact_signs_are_those_of_the_neurons_that_flipped(model, data):
    p = data.draw(st.tuples(*[st.integers(-9, 9)] * model.dim))
    v = data.draw(st.tuples(*[st.integers(-9, 9)] * model.dim).filter(any))
    low, high = Fraction(-585.1428), Fraction(4099)
    flips = FloatModel(model).flips(
        np.array(p, dtype=float), np.array(v, dtype=float), float(low), float(high)
    )
    times = [low, *(Fraction(t) for t, _ in flips), high]
    assume(all(b - a > Fraction(1, 2**20) for a, b in pairwise(times)))
    seen = []
    for a, b in pairwise(times):
        t = (a + b) / 2
        q = t.denominator.bit_length() - 1
        [signs] = model.signs_at([[(x << q) + int(t * 2**q) * w for x, w in zip(p, v, strict=True)]], q)
        seen.append(signs)
    for (_, j), (before, after) in zip(flips, pairwise(seen), strict=True):
        changed = [z for z in range(len(model)) if before[z] != after[z]]
        assert changed == [j]


def test_rows_of_thousands_of_bits_neither_overflow_nor_lose_their_sign():
    big = 10**2000 + 1
    net = Network.from_rows([([[big, -1], [1, big]], [3, -big]), ([[big, 1]], [-1]), ([[1]], [0])])
    model = truth(net).model
    values = FloatModel(model).values(np.array([[1.0, 2.0], [-3.0, -2.0]]))
    exact = model.signs_at([[1, 2], [-3, -2]], 0)
    assert np.isfinite(values).all()
    assert np.sign(values).astype(int).tolist() == [list(signs) for signs in exact]


def test_neurons_that_are_flat_around_the_starts_overflow_nothing():
    # |x| - x + 1 is one for x > 0.
    floats = FloatModel(Model(2, (Neuron({}, (1, 0, 0)), Neuron({}, (0, 1, 3)), Neuron({0: 1}, (-1, 0, 1)))))
    starts = np.array([[1.0, 2.0], [2.0**40, -4.0]])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        assert not len(floats.meetings([2], starts))
        assert np.isfinite(floats.extremes([1, 2], [1, -1], np.ones((2, 2)), starts[None])).all()
