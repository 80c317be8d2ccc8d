"""What a function does not tell of its network is found with a proof; nothing else is called ambiguous."""

from fractions import Fraction

import pytest
from recover_targets import random_net

from exactre import certify_equivalence, check
from exactre.certify.sampling import SCALES, Sampler
from exactre.network import Network, Node
from exactre.rational import Matrix, Points
from exactre.recover.ambiguity import ambiguities, with_weight
from exactre.recover.families import Tangent, Weight, changed
from exactre.recover.genericity import failing, redundant, shares

# Neuron 1 of layer 2 is active for large x only, where relu(-x) is zero.
UNSEEN = Network.from_rows([([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ([[1, -3, -1]], [-1]), ([[1]], [0])])
# The sides of x and -x may be changed together: relu(x - 1) + relu(-x - 1) = relu(1 - x) + relu(1 + x) - 2.
EVEN = Network.from_rows([([[1, 1], [-1, -1], [0, 1]], [-1, -1, 0]), ([[1, 1, 1]], [-3]), ([[1]], [0])])


def test_a_weight_on_a_unit_that_is_inactive_with_its_reader_is_ambiguous():
    [found] = [each for each in ambiguities(UNSEEN)[0] if each.family]
    assert found.what == "layer2, neuron 1: its weight on neuron 2 of layer1, -3 or -4"
    assert found.other == with_weight(UNSEEN, 1, 0, 0, 1, Fraction(-1))
    check(found.certificate, UNSEEN, found.other)


@pytest.mark.parametrize("less", [Fraction(1, 3), 1, 1000])
def test_the_family_has_every_smaller_weight(less):
    [found] = [each for each in ambiguities(UNSEEN)[0] if each.family]
    assert found.family == "any value up to -3"
    assert found.of_neuron is None  # the output is the neuron, so that the certificate is about it
    other = with_weight(UNSEEN, 1, 0, 0, 1, -Fraction(less))
    assert certify_equivalence(UNSEEN, other).status == "equivalent"


def test_a_neuron_that_others_read_has_a_proof_of_its_own():
    layers = [(node.inputs[0][1].rows(), [row[0] for row in node.bias.rows()]) for node in UNSEEN.nodes]
    net = Network.from_rows([*layers[:2], ([[1]], [-1]), layers[2]])
    found = [each for each in ambiguities(net)[0] if each.what.startswith("layer2, neuron 1: its weight on")]
    [own] = [each.of_neuron for each in found if each.family == "any value up to -3"]
    assert own.claim == "equivalent"
    assert own.a.nodes[-2].width == 1
    check(own, own.a, own.b)


def test_a_weight_above_the_family_is_another_function():
    other = with_weight(UNSEEN, 1, 0, 0, 1, Fraction(10))
    assert certify_equivalence(UNSEEN, other).status == "different"


# Both neurons of layer 2 are active wherever the first of layer 1 is.
SHARED = Network.from_rows(
    [([[1, 0], [0, 1], [0, -1]], [-1, 0, 0]), ([[1, 1, 1], [2, 1, 1]], [1, 1]), ([[2, 3]], [0])]
)


def test_weights_that_make_up_for_each_other_are_ambiguous_together():
    found, freedom = ambiguities(SHARED)
    together = [each for each in found if each.what.count("neuron 1 of layer1") == 2]
    assert together
    assert freedom >= len(together)
    for each in together:
        assert each.other.nodes[0] == SHARED.nodes[0]
        check(each.certificate, SHARED, each.other)


@pytest.mark.parametrize("change", [{0: 1}, {0: 1, 1: 1}])
def test_other_changes_of_these_weights_are_other_functions(change):
    direction = {Weight(1, i, "layer1", 0): Fraction(v) for i, v in change.items()}
    assert certify_equivalence(SHARED, changed(SHARED, direction)).status == "different"


def test_a_large_network_is_asked_about_its_suspects_alone():
    net = random_net((20, 20, 20, 1), 0)
    unread = Weight(1, 3, "layer1", 5)
    row = [[-abs(v) for v in w] if i == 3 else w for i, w in enumerate(net.nodes[1].inputs[0][1].rows())]
    bias = [-abs(b) if i == 3 else b for i, [b] in enumerate(net.nodes[1].bias.rows())]
    never = Node("layer2", True, (("layer1", Matrix.from_rows(row)),), Matrix.column(bias))
    net = Network(20, [net.nodes[0], never, net.nodes[2]])
    assert ambiguities(net) == ([], None)
    [found], freedom = ambiguities(net, [unread, Weight(1, 4, "layer1", 5)])
    assert freedom is None
    assert found.what.startswith("layer2, neuron 4: its weight on neuron 6 of layer1, ")
    check(found.certificate, net, found.other)


@pytest.mark.parametrize("widths", [(2, 3, 1), (3, 4, 2), (3, 4, 3, 1)])
def test_no_direction_is_left_where_the_derivatives_leave_scalings_alone(widths):
    tangent = Tangent(random_net(widths, 1))
    sampler = Sampler(None, widths[0])
    assert tangent.freedom > 0  # nothing is known without points
    for scale in SCALES:
        tangent.add(sampler.points(scale, 200))
    assert tangent.freedom == 0
    assert all(not list(tangent.directions(node)) for node in range(len(widths) - 1))


def test_a_direction_is_silent_until_a_point_tells():
    # The neuron is active only beyond 1000.
    net = Network.from_rows([([[1], [1]], [0, -1000]), ([[1, 1]], [0])])
    tangent = Tangent(net)
    tangent.add(Points.of([[3], [5], [-7]], 1))
    rare = {Weight(1, 0, "layer1", 1): Fraction(1)}
    assert rare in list(tangent.directions(1))
    assert tangent.is_silent(rare)
    tangent.add(Points.of([[2000], [-2000]], 1))
    assert not tangent.is_silent(rare)
    assert rare not in list(tangent.directions(1))


def test_points_at_which_a_neuron_is_zero_do_not_count():
    tangent = Tangent(EVEN)
    before = tangent.freedom
    tangent.add(Points.of([[1, 0], [0, 1], [-1, 0]], 2))
    assert tangent.freedom == before


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
    found, _ = ambiguities(net)
    [read] = [each for each in found if "neuron 1 of layer1" in each.what]
    assert read.what == (
        "layer2, neuron 1: its weight on neuron 1 of layer1, its weight on input 1, together"
    )
    weights = {name: weight[0, 0] for name, weight in read.other.nodes[1].inputs}
    assert weights["input"] > 1 > weights["layer1"]
    assert weights["input"] + weights["layer1"] == 2
    check(read.certificate, net, read.other)


def test_active_sides_that_cancel_are_ambiguous():
    [found], _ = ambiguities(EVEN)
    assert found.what == "layer1: the active sides of neurons 1, 2 together"
    check(found.certificate, EVEN, found.other)
    assert found.other.nodes[0].inputs[0][1] != EVEN.nodes[0].inputs[0][1]


@pytest.mark.parametrize("widths", [(3, 4, 1), (3, 4, 3, 1), (4, 5, 2)])
def test_generic_networks_have_no_ambiguity(widths):
    assert ambiguities(random_net(widths, 3)) == ([], 0)


def test_a_candidate_that_changes_the_function_is_not_reported():
    # The unit is active where |x| < 2^-40, and the reader as well: no sampled point shows it.
    tiny = Fraction(1, 2**40)
    net = Network.from_rows([([[1], [1], [1]], [tiny, 0, -tiny]), ([[1, -2, 1]], [0]), ([[1]], [0])])
    other = with_weight(net, 1, 0, 0, 1, Fraction(-1))
    assert certify_equivalence(net, other).status == "different"
    for each in ambiguities(net)[0]:
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
