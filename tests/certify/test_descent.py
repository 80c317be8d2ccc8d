"""Corners in which a neuron flips: found by descent in floats, and believed only when the networks say so."""

from fractions import Fraction

import numpy as np
import pytest

from exactre import Network, certify_equivalence
from exactre.certify.descent import Descent
from exactre.network import Node
from exactre.rational import Matrix

N = 6


def cone(slope, *, folded=False):
    """|x_2| + ... + |x_n| - slope relu(x_1) + relu(-x_1), through a ReLU unless folded: off about x_1 > 0."""
    rows = [[Fraction(sign * (i == j)) for j in range(N)] for i in range(N) for sign in (1, -1)]
    weights = [Fraction(1)] * (2 * N)
    weights[0] = -Fraction(slope)
    first = Node("a", True, (("input", Matrix.from_rows(rows)),), Matrix.column([0] * (2 * N)))
    second = Node("b", not folded, (("a", Matrix.from_rows([weights])),), Matrix.column([0]))
    last = Node("c", False, (("b", Matrix.from_rows([[1]])),), Matrix.column([0]))
    return Network(N, [first, second, last])


def starts(count=64, radius=16.0):
    x = np.random.default_rng(1).normal(size=(count, N))
    return x * radius / np.linalg.norm(x, axis=1, keepdims=True)


def test_a_descent_ends_where_the_exact_neuron_is_on_the_other_side():
    net = cone(Fraction(1, 20))
    found = Descent(net).to_the_other_side("b", 0, starts())
    assert found
    for ends in found:
        points = [[Fraction(v) for v in end.tolist()] for end in ends]
        before, after = (u[0] for u in net.preactivations(points)["b"])
        assert before > 0 > after
        assert np.allclose([np.linalg.norm(end) for end in ends], 16.0)


@pytest.mark.parametrize("slope", [0, -1])
def test_a_neuron_that_never_flips_is_not_said_to(slope):
    assert Descent(cone(slope)).to_the_other_side("b", 0, starts()) == []


def test_a_neuron_that_does_not_depend_on_the_input_is_left_alone():
    net = Network(N, [Node("a", True, (("input", Matrix.from_rows([[0] * N])),), Matrix.column([1]))])
    assert Descent(net).to_the_other_side("a", 0, starts()) == []


def test_networks_that_differ_in_a_narrow_cone_only_are_told_apart():
    a, b = cone(Fraction(1, 50)), cone(Fraction(1, 50), folded=True)
    verdict = certify_equivalence(a, b)
    assert verdict.status == "different"
    assert a(verdict.witness.input) != b(verdict.witness.input)


def test_networks_without_the_cone_are_equal():
    assert certify_equivalence(cone(0), cone(0, folded=True)).status == "equivalent"
