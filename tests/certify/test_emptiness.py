"""Weights that never matter are proved not to, behind other neurons; where they matter, a point says so."""

from fractions import Fraction

import numpy as np
import pytest

import exactre
from exactre.certify.emptiness import Open, Refuted, Vanishing
from exactre.certify.question import Domain
from exactre.certify.relaxation import Relaxation
from exactre.check import TreeNode, combine
from exactre.lp import Farkas, feasible
from exactre.network import Network
from exactre.rational import Matrix

X, Y = 1, 2  # bases of the two inputs; atom k has the basis 3 + k


def form(**entries):
    """An expression over 1, x, y and atoms r0, r1, ..."""
    bases = {"one": 0, "x": X, "y": Y} | {f"r{k}": 3 + k for k in range(8)}
    whole = [(Fraction(v), bases[name]) for name, v in entries.items()]
    return combine([(v.numerator, v.denominator, (1, 1, {basis: 1})) for v, basis in whole])


def gated(weight, gate, factor=1):
    """The third layer's neuron 0 needs x < gate, and has a weight on a unit that needs x > 2."""
    first = [[1, 0], [-1, 0], [0, 1]], [0, 0, 0]
    second = [[1, 0, 0], [1, 1, 0], [0, 1, 1]], [-2, 0, 1]
    third = [[weight * factor, -factor, 0], [1, -1, 2]], [gate * factor, 1]
    last = [[Fraction(1, factor), 1]], [0]
    return layered(first, second, third, last)


def layered(*layers):
    return Network.layered(
        [
            (Matrix.from_rows([[Fraction(v) for v in row] for row in rows]), Matrix.column(b))
            for rows, b in layers
        ]
    )


@pytest.mark.parametrize("factor", [1, 3, Fraction(1, 2**70), 2**70])
@pytest.mark.parametrize("weight", [Fraction(5), Fraction(2, 3), Fraction(-1, 3)])
def test_a_weight_never_matters_where_its_unit_shuts_the_neuron(weight, factor):
    a, b = gated(Fraction(0), 2), gated(weight, 2, factor)
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == ("equivalent" if weight < 1 else "different")  # 2 - x + w (x - 2) beyond x = 2
    exactre.check(verdict.certificate, a, b)


@pytest.mark.parametrize("gate", [3, Fraction(2001, 1000)])
def test_a_weight_that_matters_in_a_corner_is_refuted(gate):
    a, b = gated(Fraction(0), gate), gated(Fraction(-1, 3), gate)
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "different"
    exactre.check(verdict.certificate, a, b)


def both_active(budget=1000, level=2, points=((1.0, 0.0), (-3.0, 1.0), (4.0, 0.0))):
    """r2 of relu(x) + relu(-x) - 2 and r3 of level - relu(x) - relu(-x): t is r4 - r3, e4 = e3 + r2 / 2."""
    forms = {
        0: form(x=1),
        1: form(x=-1),
        2: form(r0=1, r1=1, one=-2),
        3: form(one=level, r0=-1, r1=-1),
        4: form(one=level, r0=-1, r1=-1, r2=Fraction(1, 2)),
    }
    active = []
    for x, _ in points:
        size = abs(x)
        values = [x, -x, size - 2, level - size, level - size + max(size - 2, 0) / 2]
        active.append([v > 0 for v in values])
    return Vanishing(2, forms, form(r4=1, r3=-1), [], np.array(active).T, budget, None)


def test_the_tree_chooses_what_differs_first():
    tree = both_active().tree()
    assert tree[0] == TreeNode("split", 2)
    assert {node.rule for node in tree} <= {"split", "same", "equal", "infeasible", "bounded"}
    assert sum(node.rule == "split" for node in tree) < 16


def test_an_expression_that_is_not_zero_is_refuted_at_a_point():
    with pytest.raises(Refuted) as found:
        both_active(level=3, points=((1.0, 0.0), (-1.0, 1.0), (9.0, 0.0))).tree()
    x, _ = found.value.point
    assert 2 < abs(x) < 4
    u = max(abs(x) - 2, 0)
    assert max(3 - abs(x) + u / 2, 0) != max(3 - abs(x), 0)


def test_out_of_budget_the_expression_stays_open():
    with pytest.raises(Open):
        both_active(budget=2).tree()


@pytest.mark.parametrize("seed", range(8))
def test_an_empty_relaxation_has_no_cell(seed):
    rng = np.random.default_rng(seed)
    forms = {
        k: form(x=int(rng.integers(-3, 4)), y=int(rng.integers(-3, 4)), one=int(rng.integers(-3, 4)))
        for k in range(3)
    }
    for k in (3, 4):
        forms[k] = form(**{f"r{j}": int(rng.integers(-3, 4)) for j in range(3)}, one=int(rng.integers(-3, 4)))
    relaxation = Relaxation(2, forms, [])
    empty = 0
    for pattern in range(2**5):
        sides = [bool(pattern >> k & 1) for k in range(5)]
        for k, side in enumerate(sides):
            relaxation.choose(k, side)
        leaf = relaxation.look(form(one=1))
        rows = []
        values = {}
        for k, side in enumerate(sides):
            e = reduced(forms[k], values)
            values[3 + k] = e if side else np.zeros(3)
            rows.append(e if side else -e)
        real = feasible([[-v for v in row[1:]] for row in rows], [row[0] for row in rows])
        if isinstance(leaf, TreeNode):
            assert leaf.rule == "infeasible"
            assert isinstance(real, Farkas)
            empty += 1
        elif isinstance(real, Farkas):
            raise AssertionError("a cell of all choices is its own relaxation")
        for k in range(5):
            relaxation.release(k)
    assert empty


def reduced(vector, values):
    """The expression as (constant, x, y), where the atoms are `values`."""
    n, d, entries = vector
    total = np.array([Fraction(0)] * 3)
    for basis, v in entries.items():
        unit = np.array([Fraction(int(i == basis)) for i in range(3)]) if basis < 3 else values[basis]
        total = total + unit * Fraction(n * v, d)
    return total


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("weight", [Fraction(5e-324), Fraction(1), Fraction(1e300)])
@pytest.mark.parametrize("offset", [3, 2**60, 2**1024, 2**1100])
def test_no_size_of_weights_or_biases_is_too_much(weight, offset):
    first = [[weight, 0], [0, weight], [weight, weight]], [offset, 1 - offset, 1]
    a = layered(first, ([[1, 0, 0], [0, 1, 0]], [0, 0]), ([[1, 1]], [0]))
    b = layered(first, ([[1, 0, 0], [0, 1, 0], [-1, -1, 1]], [0, 0, 0]), ([[1, 1, 1]], [0]))
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)


@pytest.mark.filterwarnings("error")
def test_no_size_of_a_domain_is_too_much():
    first = [[1, 0], [0, 1], [1, 1]], [1, 0, 1]
    a = layered(first, ([[1, 0, 0], [0, 1, 0]], [0, 0]), ([[1, 1]], [0]))
    b = layered(first, ([[1, 0, 0], [0, 1, 0], [-1, -1, 1]], [0, 0, 0]), ([[1, 1, 1]], [0]))
    domain = Domain.box([-(2**1100)] * 2, [2**1100] * 2)
    verdict = exactre.certify_equivalence(a, b, domain=domain)
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, a, b)
