"""Neurons whose sign is the same on the whole domain, however deep: proved without cases."""

from dataclasses import replace
from fractions import Fraction

import pytest

import exactre
from exactre.certify.matching import match
from exactre.certify.question import Domain, Question
from exactre.certify.stable import Stable
from exactre.network import Network

# |x_1| + ... + |x_n| <= n on the box: no neuron of the first layer is stable, those of the second are.
N = 12
HALVES = [[sign * (i == j) for j in range(N)] for i in range(N) for sign in (1, -1)]
FIRST = (HALVES, [0] * 2 * N)
DISTANCE = [1] * 2 * N
BOX = Domain.box([-1] * N, [1] * N)


def second_layer(rows, bias, out):
    return Network.from_rows([FIRST, (rows, bias), (out, [0])])


def rules(steps):
    return {step.rule for step in steps}


def test_a_deep_neuron_that_is_never_active_is_no_difference():
    # 2^12 cells; the two networks differ in a weight of a neuron that they all leave at zero.
    spread = [(-1) ** (i // 2) * (1 + i % 3) for i in range(2 * N)]
    dead, other = DISTANCE, [*DISTANCE[:-1], 1 + Fraction(1, 2**20)]
    a, b = (second_layer([spread, row], [1, -N - 1], [[1, 5]]) for row in (dead, other))
    verdict = exactre.certify_equivalence(a, b, domain=BOX, timeout=60)
    assert verdict.status == "equivalent"
    assert {"bound", "inactive"} <= rules(verdict.certificate.proof.steps_a)
    assert "inactive" in rules(verdict.certificate.proof.steps_b)
    assert [node.rule for node in verdict.certificate.proof.tree] == ["equal"]
    exactre.check(verdict.certificate, a, b)
    assert exactre.certify_equivalence(a, b, timeout=60).status == "different"


def test_a_deep_neuron_that_is_always_active_is_affine():
    a = second_layer([[-v for v in DISTANCE]], [N], [[3]])
    b = Network.from_rows([FIRST, ([[-3 * v for v in DISTANCE]], [3 * N])])
    verdict = exactre.certify_equivalence(a, b, domain=BOX, timeout=60)
    assert verdict.status == "equivalent"
    assert "active" in rules(verdict.certificate.proof.steps_a)
    exactre.check(verdict.certificate, a, b)


@pytest.mark.parametrize("bias", [N - Fraction(1, 100), N, N + 1])
def test_only_what_is_stable_is_called_so(bias):
    net = second_layer([[-v for v in DISTANCE]], [bias], [[1]])
    prover = Stable(Question(net, net, BOX), None)
    matching = match(net, net, None, prover)
    assert ("active" in rules(matching.steps_a)) == (bias >= N)


def test_a_domain_without_bounds_proves_none():
    net = second_layer([[-v for v in DISTANCE]], [N + 1], [[1]])
    half = replace(BOX, rows=BOX.rows[1:])
    matching = match(net, net, None, Stable(Question(net, net, half), None))
    assert not {"active", "bound"} & rules(matching.steps_a)


def test_a_tolerance_is_proved_over_the_cases_that_are_left():
    # The second layer's sum is affine on the box; what bounds alone leave open is the hat over x_1.
    hat = [[1, 1, *[0] * (2 * N - 2)], [1, 1, *[0] * (2 * N - 2)], [-v for v in DISTANCE]]
    a = second_layer(hat, [0, Fraction(-1, 2), N], [[1, -2, 1]])
    b = Network.from_rows([FIRST, ([[-v for v in DISTANCE]], [N])])
    for tolerance, status in ((Fraction(1, 2), "equivalent"), (Fraction(49, 100), "different")):
        verdict = exactre.certify_equivalence(a, b, domain=BOX, tolerance=tolerance, timeout=60)
        assert verdict.status == status
        exactre.check(verdict.certificate, a, b)
