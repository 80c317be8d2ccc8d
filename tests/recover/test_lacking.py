"""What a layer lacks, from its readers: the rows' span, exact, or nothing; and lines that go across it."""

import numpy as np
import pytest
from recover_targets import jets_of, one_sided, random_net, survey_of, truth

from exactre.linalg import rank
from exactre.network import Network
from exactre.rational import Matrix
from exactre.recover import layer
from exactre.recover.lacking import lacking
from exactre.recover.model import Model, Neuron
from exactre.recover.row import Row

FIRST, SECOND = range(6), range(6, 10)


def without(net, lost):
    """The truth, the model of two layers without neurons of the second, their readers' rows where these are
    active, and the numbers of those that are left.
    """
    known = truth(net)
    kept = [z for z in range(10) if z not in lost]
    place = {z: k for k, z in enumerate(kept)}
    rows = []
    for y in known.layers[2]:
        row = Row(known.model.neurons[y].parents, known.model.neurons[y].linear, 1, {})
        for z in lost:
            row = one_sided(known.model, row, z, known.orientation[z])
        rows.append(Row({place[j]: a for j, a in row.parents.items()}, row.linear, 1, {}))
    model = Model(6, tuple(known.model.neurons[z] for z in kept))
    return known, model, rows, [place[z] for z in SECOND if z in place]


def spans(known, found, lost):
    """Whether neurons' rows over the first layer and those of the lost ones span the same."""
    rows = [[neuron.parents.get(j, 0) for j in FIRST] for neuron in found]
    true = [[known.model.neurons[z].parents.get(j, 0) for j in FIRST] for z in lost]
    return rank(Matrix.from_rows(rows)) == len(lost) == rank(Matrix.from_rows([*rows, *true]))


def told(net, lost, readers=slice(None), sides=None):
    known, model, rows, own = without(net, lost)
    pairs = [(row, {}) for row in rows[readers]]
    for k, z, side in sides or ():
        pairs[k] = (one_sided(model, pairs[k][0], own[z], side), {own[z]: side, **pairs[k][1]})
    return known, lacking(model, own, known.orientation, pairs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lost", [[6], [8], [6, 9], [7, 8]])
def test_readers_tell_the_rows_that_a_layer_lacks(lost, seed):
    known, found = told(random_net((6, 6, 4, 4, 1), seed), lost)
    assert spans(known, found, lost)


@pytest.mark.parametrize("seed", range(3))
def test_a_row_is_told_with_its_affine_part_but_for_the_constant(seed):
    known, [found] = told(random_net((6, 6, 4, 4, 1), seed), [7])
    true = known.model.neurons[7]
    j = next(j for j in FIRST if true.parents[j])
    assert found.parents.keys() == true.parents.keys()
    for v, w in zip(found.linear[:-1], true.linear[:-1], strict=True):
        assert v * true.parents[j] == w * found.parents[j]


@pytest.mark.parametrize("side", [1, -1])
def test_readers_that_keep_to_one_side_of_a_neuron_tell_it_too(side):
    net = random_net((6, 6, 4, 4, 1), 0)
    known, found = told(net, [6], sides=[(0, 1, side), (1, 1, -side), (2, 0, side)])
    assert spans(known, found, [6])


def test_without_a_sign_there_is_a_row_for_either_and_one_is_true():
    net = random_net((6, 6, 4, 4, 1), 0)
    known, found = told(net, [6], sides=[(1, 2, 1), (2, 2, 1), (3, 2, -1)])
    assert [spans(known, [neuron], [6]) for neuron in found].count(True) == 1
    assert len(found) == 2


@pytest.mark.parametrize(("lost", "count"), [([6], 1), ([6, 9], 2), ([6, 9], 1), ([], 4)])
def test_too_few_readers_or_a_whole_layer_tell_nothing(lost, count):
    assert told(random_net((6, 6, 4, 4, 1), 0), lost, slice(count))[1] == []


def test_where_no_reader_tells_a_multiple_nothing_is_told():
    sides = [(k, 2, 1) for k in range(4)]
    assert told(random_net((6, 6, 4, 4, 1), 0), [6], sides=sides)[1] == []


def test_rows_of_another_network_are_noticed():
    net = random_net((6, 6, 4, 4, 1), 0)
    known, model, rows, own = without(net, [6])
    other = without(random_net((6, 6, 4, 4, 1), 1), [6])[2]
    assert lacking(model, own, known.orientation, [(row, {}) for row in rows])
    assert lacking(model, own, known.orientation, [(row, {}) for row in (rows[0], *other)]) == []


def test_a_layer_with_dependent_rows_is_left_alone():
    known, model, rows, own = without(random_net((6, 6, 4, 4, 1), 0), [6])
    twice = Model(6, (*model.neurons[:-1], model.neurons[-2]))
    assert lacking(twice, own, known.orientation, [(row, {}) for row in rows]) == []


def test_a_layer_as_wide_as_the_one_before_is_left_alone():
    known = truth(random_net((3, 3, 3, 3, 1), 0))
    model, readers = Model(3, known.model.neurons[:6]), known.model.neurons[6:]
    rows = [(Row(neuron.parents, neuron.linear, 1, {}), {}) for neuron in readers]
    assert lacking(model, known.layers[1], known.orientation, rows) == []


def test_lines_across_a_row_with_any_constant_meet_its_neuron():
    net = random_net((6, 6, 4, 4, 1), 0)
    known, model, _, _ = without(net, [7])
    survey = survey_of(jets_of(net), Model(6, model.neurons[:6]), {j: known.orientation[j] for j in FIRST}, 0)
    before, true = len(survey.kinks), known.model.neurons[7]
    layer.steer_across(survey, Neuron(true.parents, (*true.linear[:-1], 0)), 3, np.random.default_rng(0))
    met = [i for i in survey.evidence(true).explained if i >= before]
    assert len(met) >= 3


def test_lines_beside_a_kink_meet_its_neuron_again():
    net = random_net((6, 6, 4, 4, 1), 0)
    known = truth(net)
    left, kept = known.model.neurons[9], Model(6, known.model.neurons[:9])
    survey = survey_of(jets_of(net), kept, {z: known.orientation[z] for z in range(9)}, 1, lines=1)
    before = len(survey.kinks)
    assert survey.evidence(left).explained
    layer.look_around(survey, np.random.default_rng(0))
    assert [i for i in survey.evidence(left).explained if i >= before]


def test_with_one_input_lines_beside_a_kink_lie_along_the_only_one():
    far = Network.from_rows([([[1], [1]], [-1, -(10**10)]), ([[1, 1]], [0])])
    survey = survey_of(jets_of(far), Model(1, (Neuron({}, (1, -1)),)), {0: 1}, 1, lines=1)
    before = survey.unexplained()
    layer.look_around(survey, np.random.default_rng(0))
    assert len(survey.unexplained()) > len(before) > 0
    assert {survey.kinks[i].point()[0] for i in survey.unexplained()} == {10**10}
