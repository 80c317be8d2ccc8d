"""A survey after a row was adjusted or neurons were dropped is the survey of the network as it then is."""

from fractions import Fraction

import pytest
from recover_targets import grid, jets_of, random_net, random_signs, survey_of, truth, with_weight

from exactre.recover.model import Model
from exactre.recover.survey import Evidence

SIZES = (4, 4, 3, 2, 1)


def seen(survey):
    """What a survey knows of its kinks."""
    kinks = range(len(survey.kinks))
    return survey.owner, [survey.signs(i) for i in kinks], survey.base_signs()


@pytest.mark.parametrize("seed", range(4))
def test_kinks_are_owned_by_the_neurons_that_flip_there(seed):
    net = random_net(SIZES, seed)
    found = truth(net, random_signs(9, seed))
    survey = survey_of(jets_of(net), found.model, found.orientation, seed)
    assert survey.unexplained() == []
    assert len(survey.kinks) > 8
    for i, kink in enumerate(survey.kinks):
        forms = found.model.forms(survey.signs(i))
        owner = survey.owner[i]
        const, slope = kink.line.restrict(grid([forms[owner]]))[0]
        assert const + slope * kink.t == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("layer", "row", "unit"), [(1, 0, 2), (1, 2, 0), (2, 1, 1)])
def test_an_adjusted_weight_changes_the_row_and_its_readers_as_the_weights_say(seed, layer, row, unit):
    net = random_net(SIZES, seed)
    signs = random_signs(9, seed)
    weight = net.nodes[layer].inputs[0][1][row, unit]
    right, wrong = truth(net, signs), truth(with_weight(net, layer, row, unit, 0), signs)
    z, j = wrong.layers[layer][row], wrong.layers[layer - 1][unit]
    survey = survey_of(jets_of(net), wrong.model, wrong.orientation, seed)
    reference = survey_of(jets_of(net), right.model, right.orientation, seed)
    survey.adjust(z, j, weight * wrong.factors[z] / abs(wrong.factors[j]))
    assert survey.model == right.model
    # Both looked at the same lines, and hints change no kink.
    assert [kink.t for kink in survey.kinks] == [kink.t for kink in reference.kinks]
    assert survey.owner == reference.owner
    assert survey.unexplained() == []


def test_an_adjusted_weight_of_zero_changes_nothing():
    net = random_net(SIZES, 1)
    found = truth(net)
    survey = survey_of(jets_of(net), found.model, found.orientation, 1)
    before, version = seen(survey), survey.version
    survey.adjust(4, 0, Fraction(0))
    assert survey.model == found.model
    assert seen(survey) == before
    assert survey.version > version


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dropped", [{8}, {4}, {7, 8}, {0}, set(range(9))])
def test_what_reads_a_dropped_neuron_goes_with_it_and_the_rest_is_as_before(seed, dropped):
    net = random_net(SIZES, seed)
    found = truth(net, random_signs(9, seed))
    survey = survey_of(jets_of(net), found.model, found.orientation, seed)
    survey.idle, before = {5: {1, 2}}, seen(survey)
    survey.without(dropped)
    gone = set(dropped)
    for z, neuron in enumerate(found.model.neurons):
        if gone & set(neuron.parents):
            gone.add(z)
    kept = [z for z in range(9) if z not in gone]
    assert survey.orientation == {k: found.orientation[z] for k, z in enumerate(kept)}
    place = {z: k for k, z in enumerate(kept)}
    assert survey.idle == ({place[5]: {place[j] for j in (1, 2) if j in place}} if 5 in place else {})
    rest = Model(
        4,
        tuple(
            type(row)({place[j]: a for j, a in row.parents.items()}, row.linear)
            for row in (found.model.neurons[z] for z in kept)
        ),
    )
    assert survey.model == rest
    owners, signs, base = before
    assert survey.owner == [place.get(z) for z in owners]
    assert [survey.signs(i) for i in range(len(signs))] == [tuple(row[z] for z in kept) for row in signs]
    assert survey.base_signs() == tuple(base[z] for z in kept)


@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_for_a_row_is_where_its_neuron_flips(seed):
    net = random_net(SIZES, seed)
    found = truth(net)
    survey = survey_of(jets_of(net), found.model, found.orientation, seed)
    for z, neuron in enumerate(found.model.neurons):
        evidence = survey.evidence(neuron)
        assert evidence == survey.evidence_of(z)
        assert list(evidence.explained) == [i for i, owner in enumerate(survey.owner) if owner == z]
        # All its kinks are taken, so they do not speak for another neuron.
        assert not evidence.is_borne_out(survey.owner, 1)
        others = [None if owner == z else owner for owner in survey.owner]
        hits = len(evidence.explained)
        assert evidence.is_borne_out(others, 1) == (hits >= max(1, 3 * evidence.misses))


def test_a_neuron_is_borne_out_by_enough_kinks_of_its_own_and_few_flips_against_it():
    owner = [None] * 20 + [3] * 4
    assert Evidence((0, 1), 0).is_borne_out(owner)
    assert Evidence((0,), 0).is_borne_out(owner, 1)
    assert Evidence((*range(15), 20), 0).is_borne_out(owner)
    assert Evidence((0, 1, 2), 1).is_borne_out(owner)
    assert not Evidence((0,), 0).is_borne_out(owner)
    assert not Evidence((), 0).is_borne_out(owner)
    assert not Evidence((*range(14), 20), 0).is_borne_out(owner)
    assert not Evidence((0, 20), 0).is_borne_out(owner)
    assert not Evidence((0, 1), 1).is_borne_out(owner)
    assert Evidence((0, 1), 1).is_borne_out(owner, weight=1)
