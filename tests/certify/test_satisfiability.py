"""VNN-LIB queries: sat with a true assignment, unsat with checked proofs, as an enumeration of cells says."""

from fractions import Fraction
from itertools import product

import pytest
from brute_force import affine_outputs
from hypothesis import event, given, settings
from hypothesis import strategies as st
from pairs import layer_lists, plain_value

import exactre
from exactre.certify.property import cases_of
from exactre.certify.satisfiability import decide
from exactre.errors import FormatError, ShapeError, UnsupportedQuery
from exactre.formats.vnnlib_file import parse
from exactre.lp import Point, feasible
from exactre.network import Network

F = Network.from_rows([([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [0, 1, -1]), ([[1, -1, 2]], [5])])
SAME = Network.from_rows([([[6, -1], [1, 2], [-2, 2]], [-2, 0, 2]), ([[1, 1, Fraction(-1, 2)]], [5])])
UP = Network.from_rows([([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [0, 1, -1]), ([[1, -1, 2]], [6])])
HEAD = """(vnnlib-version <2.0>)
(declare-network f (declare-input X real [1,2]) (declare-output Y real [1]))
(declare-network g (declare-input Z real [2]) (declare-output W real []))
(assert (and (== X[0,0] Z[0]) (== X[0,1] Z[1])))
"""
BOX = "(assert (and (<= X[0,0] 1) (>= X[0,0] -1) (<= X[0,1] 1) (>= X[0,1] -1)))"


def answer(text, f, g, **options):
    """The answer to a query, with what must be true of every answer."""
    query = parse(text)
    found = decide(query, {"f": f, "g": g}, **options)
    if found.status == "sat":
        values = found.assignment
        assert list(values) == ["X", "Y", "Z", "W"]
        assert values["Y"] == plain_value(f, values["X"])
        assert values["W"] == plain_value(g, values["Z"])
    else:
        assert found.assignment is None
    for certificate, a, b in found.proofs:
        assert found.status == "unsat"
        assert certificate.claim == "equivalent"
        exactre.check(certificate, a, b)
    return found


# UP is F + 1 everywhere, and F is at most 14 on the box.
@pytest.mark.parametrize(
    ("g", "bounds", "asserted", "status", "proofs"),
    [
        (SAME, "", "(!= Y[0] W)", "unsat", 1),
        (UP, "", "(!= Y[0] W)", "sat", 0),
        (UP, BOX, "(or (> (- Y[0] W) 1) (< (- Y[0] W) -1))", "unsat", 1),
        (UP, BOX, "(or (> W (+ Y[0] 0.999)) (< W (- Y[0] 0.999)))", "sat", 0),
        (UP, BOX, "(> W (+ Y[0] 1))", "unsat", 1),
        (UP, BOX, "(>= W (+ Y[0] 1))", "sat", 0),
        (UP, BOX, "(>= W (+ Y[0] 1.0000001))", "unsat", 1),
        (UP, "", "(== W Y[0])", "unsat", 1),
        (SAME, BOX, "(and (== W Y[0]) (> W 1) (< X[0,0] 0.5))", "sat", 0),
        (SAME, BOX, "(and (== W Y[0]) (> W Y[0]))", "unsat", 1),
        (SAME, "", "(and (> X[0,0] 0) (< X[0,0] 0))", "unsat", 1),
        (SAME, "", "(and (>= X[0,0] 1) (<= X[0,0] 0))", "unsat", 0),
        (SAME, "", "(and (>= X[0,0] 0) (<= X[0,0] 0))", "sat", 0),
        (SAME, "", "(and (== X[0,0] 1) (== Z[0] 2))", "unsat", 0),
        (SAME, "", "(and (== X[0,0] 1) (== Z[1] 2) (== Y[0] W))", "sat", 0),
        (SAME, "", "(and (== X[0,0] 1) (== Z[1] 2) (!= Y[0] W))", "unsat", 0),
        (SAME, "", "(or (< 2 1) (> 1 1) (!= 1 1) (== 1 2))", "unsat", 0),
        (SAME, "", "(or (< 2 1) (>= 1 1))", "sat", 0),
        # Equations and bounds that one case has and another has not.
        (UP, BOX, "(or (and (== X[0,0] 1) (== Z[0] 2)) (and (== X[0,1] 0) (> W (+ Y[0] 1))))", "unsat", 1),
        (UP, BOX, "(or (and (== X[0,0] 1) (== Z[0] 2)) (and (== X[0,1] 0) (> W Y[0])))", "sat", 0),
        (UP, BOX, "(or (and (<= X[0,0] -9) (> W Y[0])) (and (<= X[0,0] 0) (< W Y[0])))", "unsat", 1),
        (UP, BOX, "(and (or (<= X[0,0] -9) (<= X[0,1] 0)) (or (< W Y[0]) (>= W (+ Y[0] 1))))", "sat", 0),
        # The same two conditions twice, and one that is stronger: no case is lost.
        (UP, BOX, "(or (> W (+ Y[0] 2)) (> W (+ Y[0] 0.5)) (< W (- Y[0] 2)) (< W (- Y[0] 2)))", "sat", 0),
        (UP, BOX, "(or (> W (+ Y[0] 0.5)) (> W (+ Y[0] 2)) (< W (- Y[0] 2)) (< W (- Y[0] 2)))", "sat", 0),
        # Both say |h| > q with q < 0: true everywhere.
        (UP, BOX, "(or (> W (+ Y[0] 5)) (< W (+ Y[0] 6)))", "sat", 0),
    ],
)
def test_equalities_and_inequalities_between_two_networks(g, bounds, asserted, status, proofs):
    found = answer(f"{HEAD}{bounds}(assert {asserted})", F, g)
    assert (found.status, len(found.proofs)) == (status, proofs)


def test_a_proof_is_about_the_networks_themselves_where_the_query_is_about_their_outputs():
    found = answer(HEAD + "(assert (!= Y[0] W))", F, SAME)
    ((_, a, b),) = found.proofs
    assert (a, b) == (F, SAME)


def test_networks_on_different_inputs_are_compared():
    # |x0| grows with x0 >= 0, and does not without that bound.
    distance = Network.from_rows([([[1], [-1]], [0, 0]), ([[1, 1]], [0])])
    head = """(vnnlib-version <2.0>)
    (declare-network f (declare-input X real [1]) (declare-output Y real [1]))
    (declare-network g (equal-to f) (declare-input Z real [1]) (declare-output W real [1]))
    (assert (and (<= X[0] Z[0]) (> Y[0] W[0])))"""
    assert decide(parse(head), {"f": distance}).status == "sat"
    unsat = decide(parse(head + "(assert (>= X[0] 0))"), {"f": distance})
    assert (unsat.status, len(unsat.proofs)) == ("unsat", 1)


def test_a_query_that_is_out_of_time_says_so():
    layers = [
        ([[(7 * i + 3 * j) % 11 - 5 for j in range(n)] for i in range(m)], [i % 3 for i in range(m)])
        for n, m in ((2, 30), (30, 30), (30, 1))
    ]
    net = Network.from_rows(layers)
    found = answer(HEAD + BOX + "(assert (>= (+ Y[0] W) 1000000000000))", net, net, timeout=0.01)
    assert found.status == "timed-out"
    assert found.reason


def test_more_cases_than_are_decided_are_unknown():
    many = "(assert (or " + " ".join(f"(> Y[0] {k})" for k in range(40)) + "))"
    found = answer(HEAD + many + many, F, F)
    assert found.status == "unknown"
    assert "1000 cases" in found.reason
    with pytest.raises(UnsupportedQuery):
        cases_of(parse(HEAD + many * 9).formula)


WIDE = Network.from_rows([([[1, 2, 3]], [0])])
DEEP = Network.from_rows([([[1, 2]], [0]), ([[1]], [0])])


@pytest.mark.parametrize(
    ("text", "networks", "words"),
    [
        (HEAD, {"f": F}, "expected the networks f, g, found f"),
        (HEAD, {}, "found none"),
        (HEAD, {"f": F, "g": F, "h": F}, "found f, g, h"),
        (
            HEAD.replace("g (", "g (equal-to f) (")
            .replace("[2]", "[1,2]")
            .replace("W real []", "W real [1]"),
            {"f": F, "g": F},
            "networks f, found f, g",
        ),
        (HEAD.replace("W real", "W float32"), {"f": F, "g": F}, "W: expected the type real, found float32"),
        (HEAD, {"f": F, "g": WIDE}, "Z has 2 elements, found 3"),
        (
            HEAD.replace("W real []", "W real [2]").replace("W)", "W[0])"),
            {"f": F, "g": F},
            "W has 2 elements, found 1",
        ),
        (
            HEAD.replace("g (", "g (isomorphic-to f) (")
            .replace("[2]", "[1,2]")
            .replace("W real []", "W real [1]")
            .replace("Z[", "Z[0,"),
            {"f": F, "g": DEEP},
            "structure of f",
        ),
        ("(declare-const X_0 Real)(declare-const Y_0 Real)", {"f": F}, "version 1.0"),
    ],
)
def test_networks_that_are_not_the_declared_ones_are_refused(text, networks, words):
    if "equal-to" in text:
        text = text.replace("Z[", "Z[0,")
    with pytest.raises((FormatError, ShapeError)) as caught:
        decide(parse(text), networks)
    assert words in str(caught.value)


VARIABLES = ["X[0,0]", "X[0,1]", "Z[0]", "Z[1]", "Y[0]", "W"]


@st.composite
def conditions(draw):
    """(coefficients of VARIABLES, constant, relation)."""
    weights = [draw(st.sampled_from([0, 0, 1, -1, 2])) for _ in VARIABLES]
    return weights, draw(st.integers(-4, 4)), draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))


JUNCTIONS = st.tuples(st.sampled_from(["and", "or"]), st.lists(conditions(), min_size=1, max_size=3))
FORMULAS = st.tuples(st.just("and"), st.lists(st.one_of(conditions(), JUNCTIONS), min_size=2, max_size=4))


def spelled(formula):
    if len(formula) == 2:
        return f"({formula[0]} {' '.join(map(spelled, formula[1]))})"
    weights, constant, relation = formula
    terms = " ".join(f"(* {w} {name})" for w, name in zip(weights, VARIABLES, strict=True) if w)
    return f"({relation} (+ 0.0 {terms}) {constant})"


def alternatives(formula):
    """The formula's disjunctive normal form: lists of (coefficients, constant, "<" or "<=")."""
    if len(formula) == 2:
        lists = [alternatives(part) for part in formula[1]]
        if formula[0] == "or":
            return [case for cases in lists for case in cases]
        return [[c for case in choice for c in case] for choice in product(*lists)]
    weights, constant, relation = formula
    mirrored = [-w for w in weights], -constant
    if relation in ("<", "<="):
        return [[(weights, constant, relation)]]
    if relation in (">", ">="):
        return [[(*mirrored, relation.replace(">", "<"))]]
    if relation == "==":
        return [[(weights, constant, "<="), (*mirrored, "<=")]]
    return [[(weights, constant, "<")], [(*mirrored, "<")]]


def satisfiable(formula, f, g):
    """By every activation pattern of both networks, one exact LP over (x, z) for each and each case."""
    cases = alternatives(formula)
    for signs in product((1, -1), repeat=f.neurons + g.neurons):
        state = iter(signs)
        cells = []
        for net in (f, g):
            sides = []
            (output,) = affine_outputs(net, state, sides)
            cells.append((output, sides))
        (y, x_sides), (w, z_sides) = cells
        rows = [[*(-v for v in slope), 0, 0] for slope, _ in x_sides]
        rows += [[0, 0, *(-v for v in slope)] for slope, _ in z_sides]
        bounds = [constant for _, constant in x_sides + z_sides]
        for case in cases:
            A, b, strict = list(rows), list(bounds), []
            for weights, constant, relation in case:
                if relation == "<":
                    strict.append(len(A))
                slope = [v + weights[4] * p for v, p in zip(weights[:4], [*y[0], 0, 0], strict=True)]
                slope = [v + weights[5] * p for v, p in zip(slope, [0, 0, *w[0]], strict=True)]
                A.append(slope)
                b.append(constant - weights[4] * y[1] - weights[5] * w[1])
            if isinstance(feasible(A, b, strict=strict), Point):
                return True
    return False


SMALL = layer_lists(inputs=(2, 2), depth=(1, 1), width=(1, 2), outputs=(1, 1)).map(Network.from_rows)


@settings(max_examples=100, deadline=None)
@given(SMALL, SMALL, FORMULAS, st.booleans())
def test_every_answer_is_that_of_an_enumeration_of_all_cells(f, g, formula, shared):
    if shared:
        equations = [([1, 0, -1, 0, 0, 0], 0, "=="), ([0, 1, 0, -1, 0, 0], 0, "==")]
        formula = ("and", [*equations, formula])
    head = "".join(HEAD.splitlines(keepends=True)[:3])
    found = answer(head + f"(assert {spelled(formula)})", f, g)
    event(found.status)
    assert found.status == ("sat" if satisfiable(formula, f, g) else "unsat")
