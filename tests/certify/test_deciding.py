"""The same decision: verdicts against an enumeration of regions, ties, witnesses, and whole small domains."""

from fractions import Fraction

import pytest
from brute_force import decide_alike
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import equal_pairs, layer_lists, mutant_pairs, plain_value

import exactre
from exactre.certify.question import Domain
from exactre.errors import ShapeError
from exactre.network import Network

SIZES = {"inputs": (1, 2), "depth": (1, 2), "width": (1, 2), "outputs": (1, 3)}
STEP = Network.from_rows([([[1]], [0]), ([[1], [0]], [0, 1])])  # decides 0 where x >= 1


def first_maximum(values):
    """The tests' own decision."""
    return next(i for i, v in enumerate(values) if all(v >= w for w in values))


def decided(a, b, domain=None):
    """A verdict that the checker accepts, and whose witness has two decisions by plain arithmetic."""
    verdict = exactre.certify_equivalence(a, b, domain=domain, same_argmax=True)
    exactre.check(verdict.certificate, a, b)
    if verdict.witness is not None:
        x = verdict.witness.input
        assert first_maximum(plain_value(a, x)) != first_maximum(plain_value(b, x))
        assert domain is None or x in domain
    claims = {"equivalent": "same-argmax", "different": "different-argmax"}
    assert verdict.certificate.claim == claims[verdict.status]
    return verdict


@settings(max_examples=60, deadline=None)
@given(mutant_pairs(**SIZES), st.booleans())
def test_mutants_get_the_verdict_of_the_enumeration(pair, on_box):
    a, b = pair
    domain = Domain.box([-1] * a.input_dim, [2] * a.input_dim) if on_box else None
    assert (decided(a, b, domain).status == "equivalent") == decide_alike(a, b, domain)


@settings(max_examples=40, deadline=None)
@given(layer_lists(**SIZES), st.sampled_from(["scaled", "shifted", "clipped"]), st.booleans())
def test_other_outputs_of_the_same_order(layers, change, on_box):
    rows, bias = layers[-1]
    if change == "scaled":
        last = [([[3 * v for v in row] for row in rows], [3 * v for v in bias])]
    elif change == "shifted":  # each output with the last layer's first weight row more
        last = [([[v + w for v, w in zip(row, rows[0], strict=True)] for row in rows], bias)]
    else:  # relu(u) in place of u: a tie where all are negative
        unit = [[int(i == j) for j in range(len(bias))] for i in range(len(bias))]
        last = [(rows, bias), (unit, [0] * len(bias))]
    a, b = Network.from_rows(layers), Network.from_rows([*layers[:-1], *last])
    domain = Domain.box([-1] * a.input_dim, [2] * a.input_dim) if on_box else None
    verdict = decided(a, b, domain)
    assert (verdict.status == "equivalent") == decide_alike(a, b, domain)
    if change != "clipped":
        assert (verdict.status, verdict.method) == ("equivalent", "matching")


@settings(max_examples=30, deadline=None)
@given(equal_pairs(**SIZES))
def test_equal_networks_decide_alike(pair):
    assert decided(*pair).status == "equivalent"


def test_a_decision_that_differs_at_one_point_only():
    # On x >= 0 (0, x) decides 0 at the tie x = 0 alone, and (-1, x) never does.
    a, b = Network.from_rows([([[0], [1]], [0, 0])]), Network.from_rows([([[0], [1]], [-1, 0])])
    right = Domain.polyhedron([[-1]], [0])
    verdict = decided(a, b, right)
    assert (verdict.status, verdict.witness.input) == ("different", (0,))
    assert decided(b, a, right).status == "different"
    assert decided(a, b, Domain.polyhedron([[-1]], [Fraction(-1, 10**9)])).status == "equivalent"


def test_a_tie_is_the_first_index_in_both():
    tied = Network.from_rows([([[0], [0]], [1, 1])])
    assert decided(STEP, tied, Domain.box([1], [2])).status == "equivalent"
    assert decided(tied, STEP, Domain.box([1], [2])).status == "equivalent"
    assert decided(STEP, tied, Domain.box([Fraction(999, 1000)], [2])).status == "different"


def test_outputs_that_always_tie():
    twice = Network.from_rows([([[1]], [0]), ([[1], [1], [0]], [0, 0, 1])])
    other = Network.from_rows([([[1]], [0]), ([[5], [5], [0]], [0, 0, 5])])
    assert decided(twice, other).method == "matching"


def test_a_polyhedron_without_interior():
    # On the line x = y both networks tie.
    line = Domain.polyhedron([[1, -1], [-1, 1]], [0, 0])
    a = Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, 0], [0, 1]], [0, 0])])
    b = Network.from_rows([([[0, 1], [1, 0]], [0, 0]), ([[1, 0], [0, 1]], [0, 0])])
    assert decided(a, b, line).status == "equivalent"
    assert decided(a, b).status == "different"


def test_one_decision_on_a_small_box_needs_no_cases():
    layers = [
        ([[Fraction((7 * i + 5 * j) % 11 - 5, 3 * n) for j in range(n)] for i in range(m)], [0] * m)
        for n, m in ((4, 16), (16, 16), (16, 3))
    ]
    rounded = [([[round(v * 2**20) / Fraction(2**20) for v in row] for row in w], b) for w, b in layers]
    a, b = Network.from_rows(layers), Network.from_rows(rounded)
    centre = [Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(2)]
    box = Domain.box([v - Fraction(1, 10**6) for v in centre], [v + Fraction(1, 10**6) for v in centre])
    assert decided(a, b, box).method == "bounds"
    assert exactre.certify_equivalence(a, b, domain=box).status == "different"


def test_one_output_is_always_the_decision():
    a, b = Network.from_rows([([[1]], [0])]), Network.from_rows([([[-7]], [3])])
    assert decided(a, b).method == "matching"


def test_a_tolerance_beside_decisions_is_refused():
    with pytest.raises(ShapeError, match="no tolerance"):
        exactre.certify_equivalence(STEP, STEP, tolerance=1, same_argmax=True)
