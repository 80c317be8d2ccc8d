"""Weights that nothing has shown: named, and looked for only where the sides of their units are known."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, truth

from exactre.certify.equivalence import certify_equivalence
from exactre.network import Network
from exactre.oracle.exact import NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.recover.ambiguity import with_weight
from exactre.recover.complete import complete_from_kink, complete_from_outputs, complete_known
from exactre.recover.output import assemble, output_rows
from exactre.recover.recovery import _Run
from exactre.recover.row import Row
from exactre.recover.search import Search
from exactre.recover.standing import assumed, open_questions, open_weights


def known_search(net):
    known = truth(net)
    search = Search(jets_of(net), np.random.default_rng(0), lambda *_: None)
    for neuron in known.model.neurons:
        search.survey.add(neuron)
    return search, known


def lacking(seed, place, extra):
    """A search, a unit, a neuron of which what is known lacks `extra` of the unit's output, and its row.

    `extra` is a function of the row's coefficient on the unit.
    """
    search, known = known_search(random_net([3, 4, 2, 1], seed))
    survey = search.survey
    survey.orientation.update(known.orientation)
    unit, z = known.layers[0][place], known.layers[1][0]
    row = survey.model.neurons[z]
    search.first_lines()
    survey.idle[z] = {unit}
    survey.adjust(z, unit, -extra(row.parents[unit]))
    return search, unit, z, row


def test_a_unit_without_a_known_side_is_left_alone():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    unit, z = known.layers[0][0], known.layers[1][0]
    search.survey.idle[z] = {unit}
    assert not search._complete(1)
    assert not search._seek_weights()
    assert search.survey.idle[z] == {unit}


def test_open_weights_are_named():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    search.survey.idle[known.layers[1][1]] = {known.layers[0][2]}
    text = "layer 2, neuron 2: its weight on neuron 3 of the layer before was not seen"
    assert open_weights(search.survey) == [text]
    assert open_questions(search.survey)[-1] == text
    assert assumed(search.survey) == (f"{text}, and is zero",)


def test_a_row_that_is_one_of_many_is_named_as_assumed():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    assert not assumed(search.survey)
    search.survey.of_many.add(known.layers[1][0])
    [text] = assumed(search.survey)
    assert text.startswith("layer 2, neuron 1: of the rows that fit")


@pytest.mark.parametrize("extra", [Fraction(0), Fraction(3, 2), Fraction(-1, 7)])
def test_the_weight_of_a_known_neuron_is_measured_where_the_boundaries_meet(extra):
    search, unit, z, row = lacking(2, 1, lambda _: extra)
    assert (search.survey.model.neurons[z] == row) == (not extra)
    assert complete_known(search.survey, search._tracer(), z, unit)
    assert search.survey.model.neurons[z] == row


def test_kinks_that_show_an_open_weight_are_found_without_a_query():
    search, unit, z, row = lacking(5, 0, lambda known: Fraction(-known))
    survey = search.survey
    queries = survey.jets.ledger.queries
    shown = survey.showing(z, unit)
    assert shown
    assert all(survey.signs(i)[unit] == survey.orientation[unit] for i in shown)
    assert complete_from_kink(survey, search._tracer(), z, unit, shown[0])
    assert survey.model.neurons[z] == row
    assert survey.jets.ledger.queries == queries
    assert not survey.idle[z]


def test_a_kink_of_another_neuron_shows_no_weight_where_one_unit_alone_is_active():
    net = random_net([2, 2, 2, 1], 5)
    known = truth(net)
    search = Search(jets_of(net), np.random.default_rng(0), lambda *_: None)
    survey = search.survey
    first, (z, _) = known.layers
    for j in (*first, z):
        survey.add(known.model.neurons[j])
    survey.orientation.update({j: known.orientation[j] for j in first})
    for _ in range(12):
        survey.scan(search._line())
    alone = 0
    for unit in first:
        survey.idle[z] = {unit}
        survey.adjust(z, unit, Fraction(-survey.model.neurons[z].parents[unit]))
        for i in survey.unexplained():
            signs = survey.signs(i)
            if all((signs[j] == survey.orientation[j]) == (j == unit) for j in first):
                alone += 1
                assert not complete_from_kink(survey, search._tracer(), z, unit, i)
    assert alone


def test_weights_that_always_matter_together_are_given_to_one_neuron():
    # Where the first unit is active the fourth is at 5 or more, and then both readers are active.
    net = Network.from_rows(
        [
            ([[1, 0], [0, 1], [0, -1], [1, 0]], [-10, 0, Fraction(1, 2), -5]),
            ([[3, 1, 0, 10], [5, 0, 1, 10]], [-1, -2]),
            ([[1, 2]], [3]),
        ]
    )
    search, known = known_search(net)
    survey, (unit, *_), readers = search.survey, known.layers[0], known.layers[1]
    survey.orientation.update(known.orientation)
    for z in readers:
        survey.adjust(
            z, unit, -2 * survey.orientation[unit] * Fraction(survey.model.neurons[z].parents[unit])
        )
        survey.idle[z] = {unit}
    for _ in range(8):
        survey.scan(search._line())
    rows = output_rows(survey, search._tracer(), range(len(survey.kinks)))
    assert not complete_from_outputs(survey, search._tracer(), rows)
    assert complete_from_outputs(survey, search._tracer(), rows, together=True)
    assert sum(not survey.idle[z] for z in readers) == 1
    rows = output_rows(survey, search._tracer(), range(len(survey.kinks)))
    linear = [neuron.linear for neuron in survey.model.neurons]
    found = assemble(survey.model, survey.orientation, rows, linear)
    assert certify_equivalence(net, found).status == "equivalent"


def black_box(net):
    """A run that recovers a black box."""
    return _Run(Ledger(NetworkOracle(net)), None, 0, None, None, 0.0, None)


def with_open_weight(net, reader, unit):
    """A search that knows all of a network but one weight."""
    search, known = known_search(net)
    search.survey.idle[known.layers[1][reader]] = {known.layers[0][unit]}
    return search


def test_where_an_open_weight_of_a_black_box_matters_is_looked_at_once():
    net = random_net([3, 4, 2, 1], 1)
    search, run = with_open_weight(net, 1, 2), black_box(net)
    line = run._told_apart(net, search)
    num, q = line.at([Fraction(1, 2)])
    point = [Fraction(int(v), 1 << q) for v in num.tolist()[0]]
    others = [with_weight(net, 1, 1, 0, 2, Fraction(change)) for change in (1, -1)]
    assert any(other(point) != net(point) for other in others)
    assert run._told_apart(net, search) is None


def test_a_weight_that_matters_nowhere_is_not_looked_for():
    # The reader is active for x > 1 only, where relu(-x) is zero.
    net = Network.from_rows([([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ([[1, -3, -1]], [-1]), ([[1]], [0])])
    assert black_box(net)._told_apart(net, with_open_weight(net, 0, 1)) is None
    assert black_box(net)._told_apart(net, with_open_weight(net, 0, 2)) is not None


def test_signs_that_rows_leave_open_are_not_called_layered():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    output = Row({}, (0, 0, 0, 1), 1, {})
    unread = [j for j in known.layers[1] if j not in search.survey.orientation]
    assert unread
    assert not search._orient_all([output])
    search.survey.orientation.update(known.orientation)
    assert search._orient_all([output])
