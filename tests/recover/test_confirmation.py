"""A first-layer hyperplane bends in other cells too; a deeper piece does not, in a cell that an LP finds.

And where it meets other boundaries a first-layer one goes on straight.
"""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, jets_of_function, random_net, survey_of, truth

from exactre.recover.confirm import bends_elsewhere, goes_straight
from exactre.recover.first import first_layer, is_contradicted
from exactre.recover.line import primitive
from exactre.recover.model import Model, Neuron


def foot(form, x):
    """The point nearest to x on the hyperplane, exact."""
    size = Fraction(sum(v * v for v in form[:-1]))
    level = sum(f * v for f, v in zip(form, x, strict=False)) + form[-1]
    return [v - level * f / size for f, v in zip(form, x, strict=False)]


@pytest.mark.parametrize("seed", range(6))
def test_a_first_layer_hyperplane_is_confirmed(seed):
    net = random_net([4, 6, 3], seed)
    walls = [primitive(neuron.linear) for neuron in truth(net).model.neurons]
    x = truth(net).model.neurons[0].linear[:4]
    for form in walls:
        seen = foot(primitive(form), x)
        assert bends_elsewhere(jets_of(net), primitive(form), walls, seen, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
def test_a_piece_of_a_deeper_boundary_is_not(seed):
    net = random_net([4, 6, 3, 2], seed)
    known = truth(net)
    walls = [primitive(known.model.neurons[z].linear) for z in known.layers[0]]
    pieces = 0
    for x in np.random.default_rng(seed).integers(-9, 10, size=(40, 4)).tolist():
        [signs] = known.model.signs_at([x], 0)
        forms = known.model.forms(signs)
        for z in known.layers[1]:
            if any(forms[z][:-1]):
                form = primitive(forms[z])
                seen = foot(form, x)
                cell = [
                    sum(f * v for f, v in zip(forms[j], (*seen, 1), strict=True)) > 0 for j in known.layers[0]
                ]
                if cell == [signs[j] > 0 for j in known.layers[0]]:
                    pieces += 1
                    assert not bends_elsewhere(jets_of(net), form, walls, seen, np.random.default_rng(seed))
    assert pieces


def test_a_hyperplane_where_nothing_bends_is_not():
    net = random_net([3, 4, 2], 0)
    walls = [primitive(neuron.linear) for neuron in truth(net).model.neurons]
    form = primitive((3, 5, -7, 11))
    assert not bends_elsewhere(jets_of(net), form, walls, foot(form, [1, 2, 3]), np.random.default_rng(0))


def test_without_walls_there_is_no_other_cell():
    net = random_net([3, 1, 1], 0)
    form = primitive(truth(net).model.neurons[0].linear)
    assert not bends_elsewhere(jets_of(net), form, [form], foot(form, [1, 2, 3]), np.random.default_rng(0))


def boundaries(sizes, seed, lines=6):
    """A survey without a neuron, the first layer's hyperplanes, and the kinks by hyperplane."""
    net = random_net(sizes, seed)
    found = truth(net)
    survey = survey_of(jets_of(net), Model(sizes[0]), {}, seed, lines)
    kinks = {}
    for kink in survey.kinks:
        kinks.setdefault(kink.form, []).append(kink)
    return survey, [primitive(found.model.neurons[z].linear) for z in found.layers[0]], kinks


@pytest.mark.parametrize("sizes", [(6, 6, 6, 6, 1), (6, 4, 6, 4, 1), (4, 4, 4, 2)])
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_only_first_layer_boundaries_go_straight(sizes, seed):
    survey, walls, kinks = boundaries(sizes, seed)
    told = {
        form: goes_straight(survey.jets, found, walls, np.random.default_rng(seed))
        for form, found in kinks.items()
    }
    assert all(told[form] in (True, None) for form in walls if form in told)
    assert not any(is_straight for form, is_straight in told.items() if form not in walls)
    assert {True, False} <= set(told.values())


def test_walls_that_are_doubtful_tell_of_bends_alone():
    survey, walls, kinks = boundaries((6, 6, 6, 6, 1), 101)
    rng = np.random.default_rng(0)
    assert goes_straight(survey.jets, kinks[walls[0]], walls, rng)
    told = {form: goes_straight(survey.jets, found, [], rng, doubtful=walls) for form, found in kinks.items()}
    assert all(told[form] is None for form in walls)
    assert False in told.values()
    assert True not in told.values()


def test_where_three_boundaries_end_nothing_is_told():
    # max(0, x, y): three rays from the origin.
    jets = jets_of_function(lambda x: [max(0, x[0], x[1])], 2)
    survey = survey_of(jets, Model(2), {}, 0)
    kinks = {}
    for kink in survey.kinks:
        kinks.setdefault(kink.form, []).append(kink)
    assert set(kinks) == {(1, 0, 0), (0, 1, 0), (1, -1, 0)}
    for form, found in kinks.items():
        for wall in set(kinks) - {form}:
            assert goes_straight(jets, found, [wall], np.random.default_rng(0)) is None


@pytest.mark.parametrize(("sizes", "seed"), [((5, 5, 5, 5, 1), 105), ((5, 5, 5, 5, 1), 108)])
def test_the_first_layer_is_found_where_much_of_it_is_invisible(sizes, seed):
    survey, walls, _ = boundaries(sizes, seed)
    rng = np.random.default_rng(seed)
    first_layer(survey, rng)
    first_layer(survey, rng)
    found = [neuron.linear for neuron in survey.model.neurons]
    assert len(found) > 3
    assert set(found) <= set(walls)


def test_lines_that_speak_against_a_neuron_do_not_refute_a_boundary_that_goes_on():
    survey, walls, kinks = boundaries((5, 5, 5, 5, 1), 105, lines=3)
    deeper = [form for form in kinks if form not in walls][::4]
    rng = np.random.default_rng(0)
    for form in (*walls, *deeper):
        survey.add(Neuron({}, form))
    evidence = [survey.evidence_of(z) for z in range(len(survey.model))]
    doubted = {z for z, e in enumerate(evidence) if e.misses > len(e.explained)}
    refuted = {z for z in doubted if is_contradicted(survey, z, rng)}
    assert survey.bent.isdisjoint(walls)
    assert survey.bent & set(deeper)
    assert survey.straight & doubted
    assert survey.straight.isdisjoint(refuted)


def test_a_deeper_neuron_that_took_a_first_layer_boundary_for_its_own_gives_way():
    survey, walls, _ = boundaries((4, 4, 4, 2), 100, lines=12)
    for form in (walls[0], *walls[2:]):
        survey.add(Neuron({}, form))
    # It has the hyperplane of the second boundary where the first neuron is on one side.
    mistaken = Neuron.primitive({0: 1}, [v + w for v, w in zip(walls[0], walls[1], strict=True)])
    survey.add(mistaken)
    assert first_layer(survey, np.random.default_rng(0))
    assert mistaken not in survey.model.neurons
    assert {neuron.linear for neuron in survey.model.neurons} == set(walls)
