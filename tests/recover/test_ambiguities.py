"""What a function does not tell of its network is found with a proof; nothing else is called ambiguous."""

from fractions import Fraction

import pytest
from recover_targets import random_net

from exactre import certify_equivalence, check
from exactre.network import Network, Node
from exactre.rational import Matrix
from exactre.recover.ambiguity import ambiguities, with_weight
from exactre.recover.genericity import failing, redundant, shares

# Neuron 1 of layer 2 is active for large x only, where relu(-x) is zero.
UNSEEN = Network.from_rows([([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ([[1, -3, -1]], [-1]), ([[1]], [0])])
# The sides of x and -x may be changed together: relu(x - 1) + relu(-x - 1) = relu(1 - x) + relu(1 + x) - 2.
EVEN = Network.from_rows([([[1, 1], [-1, -1], [0, 1]], [-1, -1, 0]), ([[1, 1, 1]], [-3]), ([[1]], [0])])


def test_a_weight_on_a_unit_that_is_inactive_with_its_reader_is_ambiguous():
    found = [each for each in ambiguities(UNSEEN) if "weight" in each.what]
    assert [each.what for each in found] == ["layer2, neuron 1: its weight on neuron 2 of layer1, -3 or -4"]
    assert found[0].other == with_weight(UNSEEN, 1, 0, 0, 1, Fraction(-1))
    check(found[0].certificate, UNSEEN, found[0].other)


def test_with_skips_a_unit_that_is_always_active_with_its_reader_may_be_read_without_relu():
    # z = x - 1 + relu(x) is active for x > 1/2 only, where relu(-x) is zero.
    net = Network(
        1,
        [
            Node("layer1", True, (("input", Matrix.from_rows([[1]])),), Matrix.column([0])),
            Node(
                "layer2",
                True,
                (("input", Matrix.from_rows([[1]])), ("layer1", Matrix.from_rows([[1]]))),
                Matrix.column([-1]),
            ),
            Node("output", False, (("layer2", Matrix.from_rows([[1]])),), Matrix.column([0])),
        ],
    )
    [found] = ambiguities(net)
    assert found.what == (
        "layer2, neuron 1: its weight on the opposite of neuron 1 of layer1, relu(-u): 0 or -1"
    )
    reader = found.other.nodes[1]
    assert {name: weight.rows() for name, weight in reader.inputs} == {"input": [[2]], "layer1": [[0]]}
    check(found.certificate, net, found.other)


def test_active_sides_that_cancel_are_ambiguous():
    [found] = ambiguities(EVEN)
    assert found.what == "layer1: the active sides of neurons 1, 2 together"
    check(found.certificate, EVEN, found.other)
    assert found.other.nodes[0].inputs[0][1] != EVEN.nodes[0].inputs[0][1]


@pytest.mark.parametrize("widths", [(3, 4, 1), (3, 4, 3, 1), (4, 5, 2)])
def test_generic_networks_have_no_ambiguity(widths):
    assert ambiguities(random_net(widths, 3)) == []


def test_a_candidate_that_changes_the_function_is_not_reported():
    # The unit is active where |x| < 2^-40, and the reader as well: no sampled point shows it.
    tiny = Fraction(1, 2**40)
    net = Network.from_rows([([[1], [1], [1]], [tiny, 0, -tiny]), ([[1, -2, 1]], [0]), ([[1]], [0])])
    other = with_weight(net, 1, 0, 0, 1, Fraction(-1))
    assert certify_equivalence(net, other).status == "different"
    for each in ambiguities(net):
        assert certify_equivalence(net, each.other).status == "equivalent"


def test_a_weight_that_was_absent_is_added():
    net = Network.from_rows([([[1, 0]], [0]), ([[0]], [1]), ([[1]], [0])])
    other = with_weight(net, 1, 0, 0, 0, Fraction(3))
    assert other((2, 0)) == (7,)
    assert with_weight(other, 1, 0, 0, 0, Fraction(-3)) == net


def test_a_visible_connected_network_breaks_no_hypothesis():
    net = Network.from_rows([([[2, 2], [2, -3], [3, -2]], [-3, -2, 1]), ([[1, -2, 3]], [1])])
    assert failing(net) == []


def test_a_difference_names_no_neuron_as_needless():
    a, b = random_net((2, 3, 1), 0), random_net((2, 3, 1), 1)
    assert redundant(certify_equivalence(a, b).certificate) == []


def test_shares_count_what_was_seen():
    assert shares((3, 2), [(6, 6), (5, 6)], random_net((2, 3, 4, 1), 0)) == [
        "layer 1: 3 neurons (given: 3), 6 of 6 weights",
        "layer 2: 2 neurons (given: 4), 5 of 6 weights",
    ]
    assert shares((1,), [(2, 2)], None) == ["layer 1: 1 neurons, 2 of 2 weights"]
