"""Open weights of the last layer that the outputs' rows show as skips: all of them at once, or none."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, truth

from exactre.recover.complete import complete_from_skips, reopen, with_units
from exactre.recover.folded import folded_weights, is_layered
from exactre.recover.model import Model, Neuron
from exactre.recover.row import Row
from exactre.recover.search import Search
from exactre.recover.standing import assumed


def setting(seed, lacking=2):
    """A search whose neuron z lacks its weights on some units, the truth, the units, and {unit: weight}."""
    known = truth(random_net([3, 4, 2, 1], seed))
    first, (z, other) = known.layers
    units = first[:lacking]
    row, weights = known.model.neurons[z], {}
    for j in units:
        weights[j] = Fraction(2 * known.model.neurons[z].parents[j])
    search = Search(jets_of(random_net([3, 4, 2, 1], seed)), np.random.default_rng(0), lambda *_: None)
    for j in first:
        search.survey.add(known.model.neurons[j])
    for j in units:
        row = with_units(known.model, row, {j: -weights[j] * scale(row, known, z, units)}, known.orientation)
    assert search.survey.add(row) == z
    search.survey.add(known.model.neurons[other])
    search.survey.orientation.update(known.orientation)
    search.survey.idle[z] = set(units)
    return search, known, z, units


def scale(row, known, z, units):
    """By what the row is multiplied so far, read off a unit whose weight it keeps."""
    kept = next(j for j in known.layers[0] if j not in units)
    return Fraction(row.parents[kept], known.model.neurons[z].parents[kept])


def outputs(search, known, z, skips, gains=(3, 5)):
    """The row of gains[0] relu(+-u_z) + gains[1] relu(+-u_other) + sum skips[j] relu(+-u_j) + 1."""
    model, orientation = search.survey.model, search.survey.orientation
    other = next(j for j in known.layers[1] if j != z)
    parents, linear = {}, [Fraction(0)] * model.dim + [Fraction(1)]
    for j, c in {z: gains[0], other: gains[1], **skips}.items():
        half = Fraction(c) / 2
        parents[j] = parents.get(j, 0) + half
        for p, a in model.neurons[j].parents.items():
            parents[p] = parents.get(p, 0) + half * orientation[j] * a
        linear = [v + half * orientation[j] * w for v, w in zip(linear, model.neurons[j].linear, strict=True)]
    den = np.lcm.reduce([v.denominator for v in (*parents.values(), *linear)])
    return Row(
        {j: int(a * int(den)) for j, a in parents.items() if a},
        tuple(int(v * int(den)) for v in linear),
        int(den),
        {},
    )


def missing(search, known, z, units):
    """{unit: the weight that its row lacks}, at the row's scale."""
    row = search.survey.model.neurons[z]
    return {j: 2 * known.model.neurons[z].parents[j] * scale(row, known, z, units) for j in units}


@pytest.mark.parametrize("seed", range(4))
def test_skips_of_open_units_become_the_neurons_weights(seed):
    search, known, z, units = setting(seed)
    weights = missing(search, known, z, units)
    sign = search.survey.orientation[z]
    row = outputs(search, known, z, {j: 3 * sign * w for j, w in weights.items()})
    model, orientation = search.survey.model, search.survey.orientation
    assert folded_weights(model, [row], orientation, {z: units}) == {(z, j): w for j, w in weights.items()}
    assert complete_from_skips(search.survey, [row])
    assert search.survey.model.neurons[z] == known.model.neurons[z]
    assert not search.survey.idle[z]


def test_what_is_not_told_stays_open():
    search, known, z, units = setting(1)
    weights, sign = missing(search, known, z, units), search.survey.orientation[z]
    row = outputs(search, known, z, {units[0]: 3 * sign * weights[units[0]]})
    assert complete_from_skips(search.survey, [row])
    assert search.survey.idle[z] == {units[1]}


def test_layered_rows_tell_nothing():
    search, known, z, _ = setting(2)
    assert not complete_from_skips(search.survey, [outputs(search, known, z, {})])


def test_skips_that_another_weight_would_not_explain_are_left():
    search, known, z, units = setting(3)
    model, orientation = search.survey.model, search.survey.orientation
    sign, weights = orientation[z], missing(search, known, z, units)
    skips = {j: 3 * sign * w for j, w in weights.items()}
    right = outputs(search, known, z, skips)
    kept = next(j for j in known.layers[0] if j not in units)
    wrong = [
        [outputs(search, known, z, {**skips, kept: 1})],
        [right, outputs(search, known, z, {j: 2 * c for j, c in skips.items()})],
        [outputs(search, known, z, skips, gains=(0, 5))],
        [right, outputs(search, known, z, {}, gains=(4, 5))],
    ]
    assert folded_weights(model, [right], orientation, {z: units}) == {(z, j): w for j, w in weights.items()}
    for rows in wrong:
        assert folded_weights(model, rows, orientation, {z: units}) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_row_is_layered_unless_it_reads_beside_the_layer_before(seed):
    known = truth(random_net([3, 4, 3, 2, 1], seed))
    model, orientation = known.model, known.orientation
    assert all(is_layered(model, z, orientation) for layer in known.layers[1:] for z in layer)
    z, unit = known.layers[2][0], known.layers[0][0]
    over_inputs = Neuron(model.neurons[z].parents, (1, *model.neurons[z].linear[1:]))
    for row in (over_inputs, with_units(model, model.neurons[z], {unit: 2}, {unit: 1})):
        changed = Model(model.dim, (*model.neurons[:z], row, *model.neurons[z + 1 :]))
        assert changed.depth == model.depth
        assert not is_layered(changed, z, orientation)


def test_a_unit_that_is_open_for_two_neurons_is_given_to_the_first_when_asked_for():
    search, known, z, units = setting(0)
    model, orientation = search.survey.model, search.survey.orientation
    other = next(j for j in known.layers[1] if j != z)
    weights, sign = missing(search, known, z, units), orientation[z]
    row = outputs(search, known, z, {j: 3 * sign * w for j, w in weights.items()})
    assert folded_weights(model, [row], orientation, {other: units[1:], z: units}) is None
    found = folded_weights(model, [row], orientation, {other: units[1:], z: units}, shared=True)
    assert found == {(z, j): w for j, w in weights.items()}
    for_other = folded_weights(model, [row], orientation, {other: units[1:], z: units[:1]})
    assert for_other == {
        (z, units[0]): weights[units[0]],
        (other, units[1]): 3 * sign * weights[units[1]] * orientation[other] / 5,
    }


def test_weights_that_were_given_are_taken_back():
    search, known, z, units = setting(0)
    survey = search.survey
    other = next(j for j in known.layers[1] if j != z)
    weights, sign, before = missing(search, known, z, units), survey.orientation[z], survey.model.neurons[z]
    row = outputs(search, known, z, {j: 3 * sign * w for j, w in weights.items()})
    survey.idle[other] = set(units)
    assert not complete_from_skips(survey, [row])
    assert complete_from_skips(survey, [row], shared=True)
    assert survey.given
    first = f"layer 2, neuron {known.layers[1].index(min(z, other)) + 1}: "
    given = [text for text in assumed(survey) if text.endswith("adds to outputs is its own")]
    assert len(given) == len(units)
    assert all(text.startswith(first) for text in given)
    assert survey.model.neurons[min(z, other)] != (before if z < other else known.model.neurons[other])
    reopen(survey)
    assert survey.model.neurons[z] == before
    assert survey.model.neurons[other] == known.model.neurons[other]
    assert survey.idle[z] == survey.idle[other] == set(units)
    assert not survey.given
    assert not any("adds to outputs" in text for text in assumed(survey))
