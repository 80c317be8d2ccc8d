"""The case split: equal functions of other forms, domains, tolerances, flat cells, executors, time limits."""

from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import permutations

import pytest
from brute_force import largest_gap
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pairs import layer_lists, mutant_pairs, plain_value

import exactre
from exactre.certify.question import Domain
from exactre.errors import ExactreError, InvalidCertificate, ShapeError
from exactre.network import Network, Node
from exactre.rational import Matrix


def node(name, relu, inputs, bias):
    weights = tuple((source, Matrix.from_rows(rows)) for source, rows in inputs.items())
    return Node(name, relu, weights, Matrix.column(bias))


def maximum(order):
    """The largest of n inputs, met in an order: max(m, x) = x + relu(m - x)."""
    n = len(order)
    nodes, before, kept = [], None, {order[0]: 1}
    for t, j in enumerate(order[1:]):
        row = [[kept.get(i, 0) - (i == j) for i in range(n)]]
        inputs = {"input": row} if before is None else {"input": row, before: [[1]]}
        before, kept = f"r{t}", {j: 1}
        nodes.append(node(before, True, inputs, [0]))
    nodes.append(node("out", False, {"input": [[kept.get(i, 0) for i in range(n)]], before: [[1]]}, [0]))
    return Network(n, nodes)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_a_maximum_does_not_matter(order):
    a, b = maximum((0, 1, 2)), maximum(order)
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)


def many_maxima(count, order):
    """The sum of `count` maxima of three inputs each: 2 * count neurons, which all matter."""
    one = maximum(order)
    n = 3 * count

    def row(t, values):
        return [Fraction(0)] * (3 * t) + list(values) + [Fraction(0)] * (n - 3 * t - 3)

    nodes = []
    for unit in one.nodes[:-1]:
        weights = dict(unit.inputs)
        inputs = {"input": [row(t, weights["input"].rows()[0]) for t in range(count)]}
        for source in weights.keys() - {"input"}:
            inputs[source] = [[int(i == t) for i in range(count)] for t in range(count)]
        nodes.append(node(unit.name, True, inputs, [0] * count))
    last = dict(one.nodes[-1].inputs)
    (source,) = last.keys() - {"input"}
    inputs = {"input": [[v for _ in range(count) for v in last["input"].rows()[0]]], source: [[1] * count]}
    return Network(n, [*nodes, node("out", False, inputs, [0])])


def test_equal_parts_are_proved_one_by_one_and_not_in_all_combinations():
    a, b = many_maxima(10, (0, 1, 2)), many_maxima(10, (2, 0, 1))
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "equivalent"
    proof = verdict.certificate.proof
    learnt = [step for step in proof.steps_b if step.rule == "zero"]
    assert len(learnt) >= 10
    assert sum(len(step.tree) for step in learnt) + len(proof.tree) < 400
    exactre.check(verdict.certificate, a, b)


def test_a_learnt_relation_makes_later_layers_match():
    # Both networks feed max(x, y, z), computed in two ways, to one more neuron.
    def deep(order):
        return Network(3, [*maximum(order).nodes[:-1], *after(maximum(order).nodes[-1])])

    def after(last):
        weights = [(source, weight.scale(2)) for source, weight in last.inputs]
        return [
            Node("late", True, tuple(weights), Matrix.column([-1])),
            node("out", False, {"late": [[3]]}, [1]),
        ]

    a, b = deep((0, 1, 2)), deep((2, 1, 0))
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "equivalent"
    assert [step.rule for step in verdict.certificate.proof.steps_b][-1] == "scaled"
    exactre.check(verdict.certificate, a, b)


def gated(threshold, weight):
    """Neurons z of layer 2 that read a gate, active only where x0 + x1 > threshold, by a weight."""
    first = ([[1, 1], [1, 0], [0, 1], [1, -1], [2, 3]], [-threshold, "1/3", "1/5", 1, -1])
    second = ([[weight, 1, -2, 3, "1/7"], [1, -1, 1, 2, -3], [2, 2, -1, "1/2", 1]], [1, "1/2", -1])
    return Network.from_rows([first, second, ([[1, 2, 3]], [0])])


def test_a_weight_behind_a_rare_gate_is_refuted_where_the_gate_is_open():
    a, b = gated(Fraction(199, 100), 5), gated(Fraction(199, 100), 5 + Fraction(1, 2**30))
    verdict = exactre.certify_equivalence(a, b, domain=Domain.box([-1, -1], [1, 1]))
    assert verdict.status == "different"
    assert sum(verdict.witness.input) > Fraction(199, 100)
    exactre.check(verdict.certificate, a, b)


def test_a_weight_behind_a_gate_that_never_opens_is_proved_invisible():
    a, b = gated(2, 5), gated(2, 6)
    verdict = exactre.certify_equivalence(a, b, domain=Domain.box([-1, -1], [1, 1]))
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)


def test_cells_where_the_gate_is_closed_are_joined_before_they_are_cut():
    # Open or closed, the neuron behind the gate is never active: one cut on the gate, then `same`.
    a, b = (
        Network.from_rows(
            [
                ([[1, 1], [1, 0], [0, 1]], [-1, 0, 0]),
                ([[-1 - k, -1, -1], [0, 1, 2]], ["1/2", -1]),
                ([[1, 1]], [0]),
            ]
        )
        for k in (1, 2)
    )
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "equivalent"
    rules = {tree_node.rule for step in verdict.certificate.proof.steps_b for tree_node in step.tree}
    assert "same" in rules | {tree_node.rule for tree_node in verdict.certificate.proof.tree}
    exactre.check(verdict.certificate, a, b)


def test_relu_is_the_identity_where_inputs_are_positive_and_only_there():
    a, b = Network.from_rows([([[1, 2]], [0]), ([[1]], [0])]), Network.from_rows([([[1, 2]], [0])])
    verdict = exactre.certify_equivalence(a, b, domain=Domain.box([0, 0], [5, 5]))
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)
    verdict = exactre.certify_equivalence(a, b, domain=Domain.box([0, "-1/9"], [5, 5]))
    assert verdict.status == "different"
    assert verdict.witness.input in Domain.box([0, "-1/9"], [5, 5])
    exactre.check(verdict.certificate, a, b)


def test_a_domain_without_interior_needs_multipliers():
    # On the line x + y = 1 the function relu(x + y) is the constant 1, and |x - y| two other ones.
    a = Network.from_rows([([[1, 1], [1, -1], [-1, 1]], [0, 0, 0]), ([[1, 1, 1]], [0])])
    b = Network.from_rows([([[2, 0], [-2, 0]], [-1, 1]), ([[1, 1]], [1])])
    line = Domain.polyhedron([[1, 1], [-1, -1]], [1, -1])
    verdict = exactre.certify_equivalence(a, b, domain=line)
    assert verdict.status == "equivalent"
    assert any(tree_node.rule == "bounded" for tree_node in verdict.certificate.proof.tree)
    exactre.check(verdict.certificate, a, b)
    assert exactre.certify_equivalence(a, b).status == "different"


def test_a_single_point_as_domain():
    a, b = Network.from_rows([([[1]], [0]), ([[1]], [0])]), Network.from_rows([([[3]], [-4])])
    here = Domain.box([2], [2])
    verdict = exactre.certify_equivalence(a, b, domain=here)
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)
    assert exactre.certify_equivalence(a, b, domain=Domain.box([2], ["5/2"])).status == "different"


def test_an_unbounded_domain_may_refute_only_far_out():
    a, b = Network.from_rows([([[1]], [0])]), Network.from_rows([(((1 + Fraction(1, 10**9),),), [0])])
    half_line = Domain.polyhedron([[-1]], [0])
    verdict = exactre.certify_equivalence(a, b, domain=half_line, tolerance=Fraction(1, 2))
    assert verdict.status == "different"
    assert abs(verdict.witness.output_a[0] - verdict.witness.output_b[0]) > Fraction(1, 2)
    exactre.check(verdict.certificate, a, b)


@pytest.mark.parametrize("layers", [[([[1, 2]], [5])], [([[1, 2], [3, -4]], [1, 0]), ([[1, -2]], [5])]])
@pytest.mark.parametrize(
    ("tolerance", "status"), [(Fraction(1, 2), "different"), (1, "equivalent"), (7, "equivalent")]
)
def test_a_tolerance_on_all_of_space(layers, tolerance, status):
    # The networks differ by 1 everywhere: a cell without any fact bounds that.
    *hidden, (rows, bias) = layers
    a, b = Network.from_rows(layers), Network.from_rows([*hidden, (rows, [bias[0] + 1])])
    verdict = exactre.certify_equivalence(a, b, tolerance=tolerance)
    assert verdict.status == status
    exactre.check(verdict.certificate, a, b)


def test_an_empty_domain_is_refused():
    net = Network.from_rows([([[1]], [0]), ([[1]], [0])])
    other = Network.from_rows([([[1]], [0])])
    with pytest.raises(ExactreError, match="empty"):
        exactre.certify_equivalence(net, other, domain=Domain.polyhedron([[1], [-1]], [0, -1]))


@pytest.mark.parametrize("domain", [Domain.box([0, 0], [1, 1]), Domain.polyhedron([[1, 0, 0]], [1])])
def test_a_domain_of_another_dimension_is_refused(domain):
    net = Network.from_rows([([[1]], [0])])
    with pytest.raises(ShapeError, match="domain with 1 inputs"):
        exactre.certify_equivalence(net, net, domain=domain)


def test_a_negative_tolerance_is_refused():
    net = Network.from_rows([([[1]], [0])])
    with pytest.raises(ShapeError, match="tolerance >= 0"):
        exactre.certify_equivalence(net, net, tolerance=Fraction(-1, 2))


def test_a_certificate_for_a_box_is_no_certificate_for_a_larger_one():
    a, b = Network.from_rows([([[1]], [0]), ([[1]], [0])]), Network.from_rows([([[1]], [0])])
    certificate = exactre.certify_equivalence(a, b, domain=Domain.box([0], [1])).certificate.document()
    certificate["domain"] = Domain.box([-1], [1]).document()
    with pytest.raises(InvalidCertificate):
        exactre.check(certificate, a, b)


def test_the_certificate_has_the_same_bytes_on_every_executor():
    a, b = maximum((0, 1, 2, 3, 4)), maximum((4, 2, 0, 1, 3))
    alone = exactre.certify_equivalence(a, b).certificate.dumps()
    with ProcessPoolExecutor(2) as executor:
        shared = exactre.certify_equivalence(a, b, executor=executor).certificate.dumps()
    assert alone == shared


def test_out_of_time_is_undecided_and_says_what_is_left():
    verdict = exactre.certify_equivalence(maximum(range(6)), maximum(range(6)[::-1]), timeout=0)
    assert verdict.status == "undecided"
    assert verdict.certificate is None
    assert "cells" in verdict.reason


@settings(max_examples=25, deadline=None)
@given(
    mutant_pairs(inputs=(1, 2), depth=(1, 2), width=(1, 2), outputs=(1, 1)),
    st.sampled_from(["0", "1/3", "2"]),
)
def test_verdicts_on_a_box_agree_with_brute_force(pair, tolerance):
    a, b = pair
    box, allowed = Domain.box([-2] * a.input_dim, [3] * a.input_dim), Fraction(tolerance)
    verdict = exactre.certify_equivalence(a, b, domain=box, tolerance=allowed)
    gap = largest_gap(a, b, box)
    assert verdict.status == ("equivalent" if gap <= allowed else "different")
    exactre.check(verdict.certificate, a, b)


@settings(max_examples=60, deadline=None)
@given(
    layer_lists(inputs=(1, 2), width=(1, 3), outputs=(1, 1)),
    layer_lists(inputs=(1, 2), width=(1, 3), outputs=(1, 1)),
)
def test_unlike_networks_get_a_true_verdict_on_all_of_space(left, right):
    a, b = Network.from_rows(left), Network.from_rows(right)
    assume(a.input_dim == b.input_dim)
    verdict = exactre.certify_equivalence(a, b)
    exactre.check(verdict.certificate, a, b)
    if verdict.status == "different":
        assert plain_value(a, verdict.witness.input) != plain_value(b, verdict.witness.input)
