"""Open weights are measured as they are, true rows are confirmed, and what only looks like one is not."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, random_signs, truth, with_weight

from exactre.network import Network
from exactre.recover.complete import Completion, completed, with_units
from exactre.recover.floats import FloatModel
from exactre.recover.model import Model, Neuron
from exactre.recover.trace import Tracer

SEEDS = range(5)


def tracer_of(net, model, seed=0):
    return Tracer(jets_of(net), model, FloatModel(model), np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_open_weight_is_measured_where_the_boundaries_meet(seed):
    net = random_net((4, 4, 2, 1), seed)
    signs = random_signs(6, seed)
    right = truth(net, signs)
    model = Model(4, right.model.neurons[:4])
    measured = 0
    for unit in range(4):
        cut = truth(with_weight(net, 1, 0, unit, 0), signs)
        row = cut.model.neurons[4]
        weight = net.nodes[1].inputs[0][1][0, unit] * cut.factors[4] / abs(cut.factors[unit])
        assert with_units(model, row, {unit: weight}, right.orientation) == right.model.neurons[4]
        tracer = tracer_of(net, model, seed)
        found = Completion(tracer, row, {unit: right.orientation[unit]}, []).weight(unit)
        assert found in (weight, None)
        measured += found is not None
    assert measured


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weight_of_zero_is_told_from_one_that_is_not_seen(seed):
    net = with_weight(random_net((4, 3, 2, 1), seed), 1, 0, 1, 0)
    found = truth(net)
    model = Model(4, found.model.neurons[:3])
    weights = [
        Completion(tracer_of(net, model, k), found.model.neurons[3], {1: found.orientation[1]}, []).weight(1)
        for k in range(3)
    ]
    assert set(weights) <= {Fraction(0), None}


@pytest.mark.parametrize("seed", SEEDS)
def test_completing_gives_the_true_row_or_says_what_is_open(seed):
    net = random_net((4, 4, 2, 1), seed)
    right = truth(net)
    model = Model(4, right.model.neurons[:4])
    cut = truth(with_weight(with_weight(net, 1, 0, 0, 0), 1, 0, 2, 0)).model.neurons[4]
    row, open_units = completed(tracer_of(net, model), cut, {j: right.orientation[j] for j in (0, 2)}, [])
    assert open_units.keys() <= {0, 2}
    if not open_units:
        assert row == right.model.neurons[4]
    for unit in {0, 2} - open_units.keys():
        assert unit in row.parents


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mates", [(), (5, 6)])
def test_a_true_row_is_confirmed(seed, mates):
    net = random_net((4, 5, 3, 2), seed)
    found = truth(net, random_signs(8, seed))
    model = Model(4, found.model.neurons[:7])
    row = found.model.neurons[7]
    assert Completion(tracer_of(net, model, seed), row, {}, []).is_confirmed(mates)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_of_no_neuron_is_refused(seed):
    net = random_net((4, 4, 2, 1), seed)
    found = truth(net)
    model = Model(4, found.model.neurons[:5])
    row = found.model.neurons[5]
    for wrong in (
        Neuron(row.parents, (*row.linear[:-1], row.linear[-1] + 1)),
        Neuron(row.parents, (row.linear[0] + 1, *row.linear[1:])),
        Neuron({**row.parents, 0: -row.parents[0]}, row.linear),
    ):
        completion = Completion(tracer_of(net, model, seed), wrong, {}, [])
        assert not completion.is_confirmed((4,))


def local_row(found):
    """What the first neuron of a third layer is over the first layer, where the second stays as it is."""
    first, second, third = found.layers
    deep, neurons = found.model.neurons[third[0]], found.model.neurons
    [signs] = Model(found.model.dim, neurons[: third[0]]).signs_at([[3, -1, 2, 1]], 1)
    # |u_j| is sign * u_j for the second layer there.
    parents = {j: a for j, a in deep.parents.items() if j in first}
    linear = list(deep.linear)
    for z in second:
        a = deep.parents.get(z, 0) * signs[z]
        for j, b in neurons[z].parents.items():
            parents[j] = parents.get(j, 0) + a * b
        linear = [v + a * w for v, w in zip(linear, neurons[z].linear, strict=True)]
    return Neuron.primitive(parents, linear)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_local_row_of_a_deeper_neuron_is_refused_at_the_boundaries_of_the_layer(seed):
    net = random_net((4, 4, 3, 2, 1), seed)
    found = truth(net)
    second, local = found.layers[1], local_row(found)
    model = Model(4, found.model.neurons[: found.layers[2][0]])
    assert not Completion(tracer_of(net, model, seed), local, {}, []).is_confirmed(second)


def without_a_meeting():
    """Completion, for a shift, of the second of two parallel second-layer neurons, which never meet."""
    net = Network.from_rows(
        [
            ([[3, 1, 0], [1, -2, 1], [0, 1, 3]], [1, -1, 2]),
            ([[2, 1, -1], [2, 1, -1]], [-1, 5]),
            ([[1, -2]], [0]),
        ]
    )
    found = truth(net)
    model = Model(3, found.model.neurons[:4])

    def completion(shift):
        row = found.model.neurons[4]
        moved = Neuron(row.parents, (*row.linear[:-1], row.linear[-1] + shift))
        return Completion(tracer_of(net, model), moved, {}, [])

    return completion


def test_a_row_that_meets_no_boundary_of_its_layer_is_neither_confirmed_nor_refused():
    completion = without_a_meeting()
    assert completion(0).is_confirmed((3,)) is None
    assert completion(0).bends_throughout()


@pytest.mark.parametrize("shift", [1, -1, 1000])
def test_a_row_that_bends_nothing_where_it_should_does_not_bend_throughout(shift):
    assert not without_a_meeting()(shift).bends_throughout()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_local_row_of_a_deeper_neuron_does_not_bend_throughout(seed):
    net = random_net((4, 4, 3, 2, 1), seed)
    found = truth(net)
    local = local_row(found)
    model = Model(4, found.model.neurons[: found.layers[2][0]])
    assert not Completion(tracer_of(net, model, seed), local, {}, []).bends_throughout()


@pytest.mark.parametrize("weights", [[3, 1, 5], [Fraction(2, 3), 1, Fraction(-3, 7)], [64, 0, 1]])
@pytest.mark.parametrize("start", [0, 1])
def test_units_are_added_at_one_scale_whatever_the_content_of_the_row(weights, start):
    known = truth(random_net((3, 3, 2, 1), 0))
    nothing = Neuron({}, (0, 0, 0, start))
    found = with_units(known.model, nothing, dict(enumerate(weights)), known.orientation)
    other = with_units(known.model, nothing, dict(reversed([*enumerate(weights)])), known.orientation)
    assert found == other
    assert [found.parents.get(j, 0) * weights[0] for j in range(3)] == [found.parents[0] * w for w in weights]
