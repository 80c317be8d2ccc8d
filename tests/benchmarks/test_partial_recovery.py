"""Recovered rows are held against the true ones, up to order and scale."""

from fractions import Fraction

import networkx as nx
import pytest

from benchmarks.partial_recovery import agreeing, flipping, true_rows
from exactre import Network, recover

NET = Network.from_rows(
    [
        ([[3, 1, 0], [1, -2, 1], [0, 1, 3]], [1, -1, Fraction(1, 2)]),
        ([[2, 1, -1], [-1, 2, 1], [-2, -1, 2]], [-1, Fraction(1, 3), Fraction(5, 4)]),
        ([[5, -7, 3]], [0]),
    ]
)


@pytest.fixture(scope="module")
def graph():
    result = recover(NET)
    assert result.status == "certified"
    return result.graph


def test_every_row_of_a_whole_recovery_is_a_true_one(graph):
    assert agreeing(graph, true_rows(NET, 2, flipping(NET))) == [3, 3]


def test_a_wrong_number_is_seen_and_so_is_all_that_reads_it(graph):
    wrong = graph.copy()
    first = next(z for z in wrong if wrong.nodes[z]["layer"] == 0)
    wrong.nodes[first]["linear"] = ["7", "1", "1", "1"]
    readers = len(list(wrong.successors(first)))
    assert agreeing(wrong, true_rows(NET, 2, flipping(NET))) == [2, 3 - readers]
    wrong = graph.copy()
    last = next(z for z in wrong if wrong.nodes[z]["layer"] == 1)
    edge = next(iter(wrong.in_edges(last)))
    wrong.edges[edge]["weight"] = str(2 * int(wrong.edges[edge]["weight"]))
    assert agreeing(wrong, true_rows(NET, 2, flipping(NET))) == [3, 2]


def test_nothing_agrees_where_nothing_was_found():
    assert agreeing(nx.DiGraph(), true_rows(NET, 2, flipping(NET))) == [0, 0]


def test_a_neuron_that_is_never_active_is_left_out():
    net = Network.from_rows([([[1], [1]], [0, 1]), ([[-1, -1], [1, 1]], [-1, 0]), ([[1, 1]], [0])])
    assert flipping(net) == [{0, 1}, set()]
