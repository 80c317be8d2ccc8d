"""Tolerances on boxes without cases: nearly equal weights, and what bounds must not claim."""

from fractions import Fraction
from itertools import pairwise

import pytest
from brute_force import largest_gap
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import mutant_pairs

import exactre
from exactre.certify.bounding import bounded
from exactre.certify.matching import match
from exactre.certify.question import Domain, Question
from exactre.network import Network

FINE, COARSE = Fraction(1, 2**20), Fraction(1, 8)


def rounded(layers, unit):
    return [([[round(v / unit) * unit for v in row] for row in rows], bias) for rows, bias in layers]


def thirds(*sizes):
    """A network whose weights are no dyadic numbers."""
    layers = []
    for n, m in pairwise(sizes):
        rows = [[Fraction((7 * i + 5 * j) % 11 - 5, 3 * n) for j in range(n)] for i in range(m)]
        layers.append((rows, [Fraction(i % 3 - 1, 7) for i in range(m)]))
    return layers


def test_rounded_weights_stay_within_a_proved_tolerance_on_a_box():
    layers = thirds(4, 16, 16, 16, 2)
    a, b = Network.from_rows(layers), Network.from_rows(rounded(layers, FINE))
    box = Domain.box([-1] * 4, [1] * 4)
    verdict = exactre.certify_equivalence(a, b, domain=box, tolerance=Fraction(1, 100))
    assert (verdict.status, verdict.method) == ("equivalent", "bounds")
    assert [node.rule for node in verdict.certificate.proof.tree] == ["bounded"]
    exactre.check(verdict.certificate, a, b)
    assert exactre.certify_equivalence(a, b, domain=box).status == "different"


def test_rounded_weights_of_a_permuted_and_rescaled_network():
    layers = thirds(4, 16, 16, 16, 2)
    other = rounded(layers, FINE)
    for k in range(3):
        (rows, bias), (after, bias_after) = other[k], other[k + 1]
        order, factors = [(5 * i + 3) % 16 for i in range(16)], [Fraction(1 + i % 4, 3) for i in range(16)]
        rows = [[v * s for v in rows[i]] for i, s in zip(order, factors, strict=True)]
        bias = [bias[i] * s for i, s in zip(order, factors, strict=True)]
        out = [[row[i] / s for i, s in zip(order, factors, strict=True)] for row in after]
        other = [*other[:k], (rows, bias), (out, bias_after), *other[k + 2 :]]
    a, b = Network.from_rows(layers), Network.from_rows(other)
    box = Domain.box([-1] * 4, [1] * 4)
    verdict = exactre.certify_equivalence(a, b, domain=box, tolerance=Fraction(1, 100))
    assert (verdict.status, verdict.method) == ("equivalent", "bounds")
    exactre.check(verdict.certificate, a, b)


def test_bounds_give_up_without_a_bounded_domain():
    layers = thirds(2, 3, 1)
    a, b = Network.from_rows(layers), Network.from_rows(rounded(layers, FINE))
    half = Domain.polyhedron([[1, 0], [-1, 0], [0, 1]], [1, 1, 1])
    assert bounded(Question(a, b, half, Fraction(1)), match(a, b), None) is None


def test_bounds_give_up_beyond_the_tolerance():
    layers = thirds(2, 3, 1)
    a, b = Network.from_rows(layers), Network.from_rows(rounded(layers, COARSE))
    box = Domain.box([-1, -1], [1, 1])
    gap = largest_gap(a, b, box)
    assert bounded(Question(a, b, box, gap * Fraction(99, 100)), match(a, b), None) is None
    assert exactre.certify_equivalence(a, b, domain=box, tolerance=gap).status == "equivalent"
    assert (
        exactre.certify_equivalence(a, b, domain=box, tolerance=gap * Fraction(99, 100)).status == "different"
    )


def test_the_tightest_of_several_rows_bounds_an_input():
    a, b = Network.from_rows([([[1]], [0]), ([[1]], [0])]), Network.from_rows([([[0]], [0])])
    rows = Domain.polyhedron([[1], [2], [-1], [-3], [1]], [9, 2, 0, 3, 5])  # 0 <= x <= 1
    verdict = exactre.certify_equivalence(a, b, domain=rows, tolerance=1)
    assert (verdict.status, verdict.method) == ("equivalent", "bounds")
    exactre.check(verdict.certificate, a, b)


def test_networks_of_other_widths_are_bounded_one_by_one():
    a = Network.from_rows([([[1], [1]], [0, "-1/2"]), ([[1, 1]], [0])])
    b = Network.from_rows([([[2]], [0]), ([[1]], [0])])
    verdict = exactre.certify_equivalence(a, b, domain=Domain.box([0], [1]), tolerance=4)
    assert (verdict.status, verdict.method) == ("equivalent", "bounds")
    exactre.check(verdict.certificate, a, b)


@settings(max_examples=25, deadline=None)
@given(
    mutant_pairs(inputs=(1, 2), depth=(1, 2), width=(1, 2), outputs=(1, 1)), st.sampled_from([3, 10, 1000])
)
def test_a_bound_is_never_below_the_largest_gap(pair, tolerance):
    a, b = pair
    box = Domain.box([-2] * a.input_dim, [3] * a.input_dim)
    question = Question(a, b, box, Fraction(tolerance))
    proof = bounded(question, match(a, b), None)
    if proof is not None:
        assert largest_gap(a, b, box) <= tolerance


@pytest.mark.parametrize("bits", [8, 16])
def test_a_real_controller_with_rounded_weights(models, bits):
    net = exactre.load(models / "cartpole.onnx")
    unit = Fraction(1, 2**bits)
    layers = [(dict(node.inputs).popitem()[1].rows(), [v for (v,) in node.bias.rows()]) for node in net.nodes]
    other = Network.from_rows(rounded(layers, unit))
    box = Domain.box([-1] * 4, [1] * 4)
    verdict = exactre.certify_equivalence(net, other, domain=box, tolerance=400 * unit)
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, net, other)
