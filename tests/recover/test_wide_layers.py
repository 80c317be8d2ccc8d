"""Layers of many more neurons than inputs: rows over them come from boundaries followed across them."""

from fractions import Fraction
from math import lcm

import numpy as np
import pytest
from recover_targets import jets_of, random_net, survey_of, truth

from exactre.recover.layer import row_by_trace, row_of_kink
from exactre.recover.model import Model, Neuron
from exactre.recover.orient import orient_from_rows
from exactre.recover.trace import Tracer

SEEDS = range(3)


def wide(seed, lines=2):
    """A survey that knows a layer of twelve neurons over three inputs, its tracer, and the truth."""
    net = random_net([3, 12, 4, 1], seed)
    known = truth(net)
    first = Model(3, known.model.neurons[:12])
    survey = survey_of(jets_of(net), first, {}, seed, lines)
    return survey, known


def tracer(survey):
    return Tracer(survey.jets, survey.model, survey.floats(), np.random.default_rng(0))


def owner(known, survey, kink):
    """The true neuron whose preactivation is 0 at a kink."""
    x = survey.kinks[kink].point()
    den = lcm(*(v.denominator for v in x))
    values = known.model.values([[*(int(v * den) for v in x), den]])
    [z] = [z for z, (value,) in enumerate(values) if not value]
    return z


def test_wide_is_more_than_two_neurons_an_input():
    for width, expected in ((6, False), (7, True)):
        known = truth(random_net([3, width, 1], 0))
        assert known.model.is_wide(0) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_a_general_row_tells_the_active_sides_of_a_wide_first_layer(seed):
    survey, known = wide(seed)
    rows = (row_of_kink(survey, tracer(survey), [None], i) for i in survey.unexplained())
    row = next(row for row in rows if row is not None)
    survey.add(row.neuron())
    found = row.neuron()
    turned = Neuron({j: -a for j, a in found.parents.items()}, tuple(-v for v in found.linear))
    assert found in known.model.neurons[12:] or turned in known.model.neurons[12:]
    assert orient_from_rows(survey, 0)
    assert survey.orientation == {j: known.orientation[j] for j in range(12)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_over_a_wide_layer_is_the_true_one_but_for_its_open_weights(seed):
    survey, known = wide(seed)
    survey.orientation.update({j: known.orientation[j] for j in range(12)})
    found = 0
    for kink in survey.unexplained():
        row = row_by_trace(survey, tracer(survey), 0, kink)
        if row is None:
            continue
        neuron, idle = row.neuron, row.idle
        true = known.model.neurons[owner(known, survey, kink)]
        shared = [j for j in true.parents if j not in idle and j in neuron.parents]
        assert set(true.parents) - idle == set(neuron.parents)
        assert len({Fraction(neuron.parents[j], true.parents[j]) for j in shared}) == 1
        found += not idle
    assert found
