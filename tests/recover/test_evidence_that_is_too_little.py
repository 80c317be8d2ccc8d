"""The search does not believe what a single piece says; it stops where nothing more is said."""

import numpy as np
import pytest
from recover_targets import jets_of, random_net, truth

from exactre.recover import layer, search
from exactre.recover.layer import FEW, Found
from exactre.recover.line import Line
from exactre.recover.model import Neuron
from exactre.recover.search import Search


def half_known(seed=0, width=6):
    """A search that knows the first of two layers, with lines close to each other and one that is not."""
    net = random_net([3, width, 4, 1], seed)
    known = truth(net)
    found = Search(jets_of(net), np.random.default_rng(seed), lambda *_: None)
    for z in known.layers[0]:
        found.survey.add(known.model.neurons[z])
        found.survey.orientation[z] = known.orientation[z]
    for p in ((0, 1, 2), (0, 1, 3), (900, -700, 400)):
        found.survey.scan(Line(p, (5, -3, 7), 12))
    return found


def of_one_form(survey):
    """Two unexplained kinks on one hyperplane, and one on another."""
    first: dict = {}
    for i in survey.unexplained():
        k = first.setdefault(survey.kinks[i].form, i)
        if k != i:
            other = next(j for j in survey.unexplained() if survey.kinks[j].form != survey.kinks[i].form)
            return k, i, other
    raise AssertionError("no hyperplane was met twice")


@pytest.fixture
def asked(monkeypatch):
    """The groups that rows are asked for; there are none."""
    groups = []
    monkeypatch.setattr(layer, "row_of_group", lambda survey, tracer, depth, group: groups.append(group))
    return groups


@pytest.mark.parametrize("width", [6, 7])
def test_one_piece_that_is_met_twice_is_no_group_of_a_wide_layer(width, asked, monkeypatch):
    found = half_known(width=width)
    one, again, other = of_one_form(found.survey)
    monkeypatch.setattr(layer, "grouped", lambda survey, depth: [[one, again], [one, other]])
    assert not found._groups()
    assert asked == ([[one, other]] if width > 6 else [[one, again], [one, other]])


@pytest.mark.parametrize(
    ("width", "open_units", "is_taken"), [(7, FEW, True), (7, FEW + 1, False), (6, FEW + 1, True)]
)
def test_a_group_that_leaves_more_than_a_few_weights_of_a_wide_layer_open_is_left_to_traces(
    width, open_units, is_taken, monkeypatch
):
    found = half_known(width=width)
    one, _, other = of_one_form(found.survey)
    row = Found(Neuron({}, (1, 2, 3, 4)), set(range(open_units)))
    monkeypatch.setattr(layer, "grouped", lambda survey, depth: [[one, other]])
    monkeypatch.setattr(layer, "row_of_group", lambda *_: row)
    offered = []
    monkeypatch.setattr(found, "_accept", lambda *given: offered.append(given))
    found._groups()
    assert bool(offered) == is_taken


@pytest.mark.parametrize("success", [None, 1])
def test_traces_end_after_so_many_kinks_that_tell_nothing(success, monkeypatch):
    found = half_known()
    looked_at = []

    def alone(kink):
        looked_at.append(kink)
        return len(looked_at) - 1 == success

    monkeypatch.setattr(search, "_FRUITLESS", 2)
    monkeypatch.setattr(found, "_alone", alone)
    assert len(found.survey.unexplained()) > 4
    found._trace_some()
    assert len(looked_at) == (2 if success is None else success + 1 + 2)
