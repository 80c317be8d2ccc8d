"""What is said of a network before any query is true: by its cells, by other networks, or by brute force."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactre import Network, certify_equivalence, check, lp
from exactre.analyze.hypotheses import broken_hypotheses, canonical_rows
from exactre.analyze.injectivity import injective
from exactre.analyze.report import analyze, in_plane
from exactre.analyze.stability import stability
from exactre.certify.question import Domain
from exactre.complex.cells import cells, complete
from exactre.errors import ExactreError, ShapeError
from exactre.linalg import rank
from exactre.network import Node
from exactre.rational import Matrix
from exactre.testing import networks

SMALL = networks(inputs=(1, 2), depth=(1, 2), width=(1, 3))
STRANGE = networks(inputs=(1, 2), depth=(1, 2), width=(1, 2), features=["dead", "always-active", "skip"])
TWICE = networks(inputs=2, depth=(1, 2), width=(1, 2), features=["duplicate", "opposite"])
POINT = st.tuples(*[st.fractions(-9, 9, max_denominator=8)] * 2)


def neurons(net):
    return [(node, j) for node in net.hidden for j in range(node.width)]


@pytest.mark.parametrize("bounded", [True, False])
@settings(max_examples=30)
@given(net=SMALL | STRANGE)
def test_stable_neurons_are_those_of_one_sign_in_all_cells(bounded, net):
    domain = Domain.box([-1] * net.input_dim, [2] * net.input_dim) if bounded else None
    patterns = [cell.signs for cell in cells(net, domain)]
    for z, answer in enumerate(stability(net, domain, None)):
        signs = {signs[z] for signs in patterns} - {0}
        assert (
            answer.state
            == {(1, -1): "both", (1,): "active", (-1,): "inactive", (): "inactive"}[
                tuple(sorted(signs, reverse=True))
            ]
        )
        node, j = neurons(net)[z]
        for x, sign in zip(answer.points, (1, -1), strict=True):
            assert x is None or net.preactivations([x])[node.name][0][j] * sign > 0
            assert x is None or domain is None or x in domain
        if answer.proof is not None:
            check(answer.proof.certificate, answer.proof.a, answer.proof.b)
            assert answer.proof.certificate.domain == domain


@st.composite
def layers(draw):
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    number = st.integers(-2, 2)
    rows = [[draw(number) for _ in range(n)] for _ in range(m)]
    return Node(
        "layer", True, (("input", Matrix.from_rows(rows)),), Matrix.column([draw(number) for _ in rows])
    )


@given(layers())
def test_a_layer_is_injective_where_active_rows_always_span(node):
    weight, bias = node.inputs[0][1], [b for (b,) in node.bias.rows()]
    (m, n), rows = weight.shape, weight.rows()
    answer = injective(node)
    loses = False
    for size in range(m + 1):
        for active in combinations(range(m), size):
            if rank(Matrix.from_rows([rows[j] for j in active], n)) < n:
                others = [j for j in range(m) if j not in active]
                system = [rows[j] for j in others], [-bias[j] for j in others]
                loses |= not others or isinstance(lp.feasible(*system, strict=range(len(others))), lp.Point)
    assert answer.answer == ("no" if loses else "yes")
    if answer.points is not None:
        x, y = answer.points
        layer = Network(n, [node])
        assert x != y
        assert layer(x) == layer(y)
    for own, proof in answer.proofs:
        A, b = [rows[j] for j in own], [-bias[j] for j in own]
        assert lp.is_farkas(proof.multipliers, A, b, strict=range(len(own)))


@pytest.mark.parametrize(
    ("rows", "bias", "expected"),
    [
        ([[1], [-1]], [0, 0], "yes"),
        ([[1], [-1]], [1, Fraction(-1, 2)], "yes"),
        ([[1], [-1]], [-1, -1], "no"),
        ([[1, 0], [0, 1], [-1, 0], [0, -1]], [0] * 4, "yes"),
        ([[1, 0], [0, 1], [-1, -1]], [0] * 3, "no"),
        ([[1, 1], [2, 2], [-1, -1]], [9] * 3, "no"),
    ],
)
def test_injective_layers(rows, bias, expected):
    assert (
        injective(Node("a", True, (("input", Matrix.from_rows(rows)),), Matrix.column(bias))).answer
        == expected
    )


def test_out_of_time_is_not_decided():
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]
    node = Node("a", True, (("input", Matrix.from_rows(rows)),), Matrix.column([0] * 6))
    assert injective(node, deadline=1.0).answer == "not decided"
    assert injective(node).answer == "yes"


@settings(max_examples=40)
@given(net=SMALL | STRANGE | TWICE)
def test_ambiguous_neurons_have_another_network_and_recoverable_ones_none_nearby(net):
    analysis = analyze(net)
    for (node, j), known in zip(neurons(net), analysis.identifiability, strict=True):
        if known.answer == "ambiguous":
            proof = known.proof
            assert {proof.a, proof.b} == {net, proof.b}
            assert proof.a != proof.b
            check(proof.certificate, proof.a, proof.b)
            assert proof.certificate.claim == "equivalent"
            assert proof.certificate.domain is None
        elif known.answer == "recoverable":
            other = with_bias(net, node, j, Fraction(1, 3))
            assert certify_equivalence(net, other).status == "different"


def with_bias(net, node, j, more):
    bias = node.bias + Matrix.column([more * (i == j) for i in range(node.width)])
    nodes = [Node(o.name, o.relu, o.inputs, bias) if o is node else o for o in net.nodes]
    return Network(net.input_dim, nodes)


LIVE = [[1, 2], [3, -1]], [1, -2]


@pytest.mark.parametrize(
    ("layers", "answers"),
    [
        ([LIVE, ([[1, 2]], [0])], ["recoverable"] * 2),
        # read by nothing
        ([LIVE, ([[1, 0]], [0])], ["recoverable", "ambiguous"]),
        # never, or always, active
        ([LIVE, ([[1, 1], [-1, -1]], [-1, -1]), ([[1, 1]], [0])], ["recoverable"] * 3 + ["ambiguous"]),
        ([LIVE, ([[2, -1], [1, 1]], [-1, 1]), ([[1, 1]], [0])], ["recoverable"] * 3 + ["ambiguous"]),
        # all that reads it is inactive
        (
            [LIVE, ([[-1, 0], [0, 1], [0, -1]], [-1, -1, 5]), ([[1, 1, 1]], [0])],
            ["ambiguous", "recoverable", "ambiguous", "recoverable", "recoverable"],
        ),
        # what reads it is active farther on, so that its boundary is seen nowhere
        ([LIVE, ([[0, 1]], [-1]), ([[1]], [0])], ["ambiguous", "ambiguous", "not decided"]),
        # one hyperplane for two
        (
            [([[1, 2], [2, 4], [3, -1]], [1, 2, -2]), ([[1, 1, 1]], [0])],
            ["not decided", "not decided", "recoverable"],
        ),
    ],
)
def test_identifiability(layers, answers):
    found = analyze(Network.from_rows(layers)).identifiability
    assert [known.answer for known in found] == answers


@given(net=SMALL | STRANGE, x=POINT)
def test_canonical_rows_are_the_preactivations(net, x):
    point = x[: net.input_dim]
    u = [v for node in net.hidden for v in net.preactivations([point])[node.name][0]]
    for z, (a, linear) in enumerate(canonical_rows(net)):
        assert u[z] == sum(v * abs(u[j]) for j, v in a.items()) + sum(
            v * w for v, w in zip(linear, [*point, 1], strict=True)
        )


@settings(max_examples=40)
@given(networks(inputs=2, depth=(1, 3), width=(1, 3)))
def test_a_boundary_bends_only_at_what_it_reads(net):
    graph, rows = analyze(net).bending, canonical_rows(net)
    _, faces = complete(net)
    for j, z in graph.edges:
        assert j in rows[z][0]
        assert graph.nodes[j]["depth"] < graph.nodes[z]["depth"]
    pieces = sum(count for _, count in graph.nodes(data="pieces"))
    assert pieces == sum(len(face.neurons) for face in faces)


@pytest.mark.parametrize(
    ("layers", "edges"),
    [
        # both neurons of the second layer have one boundary, and it bends
        ([([[2, -1], [1, 3]], [1, -2]), ([[2, -1], [4, -2]], [-1, -2]), ([[1, -2]], [3])], {(1, 2), (1, 3)}),
        # all boundaries meet in the origin
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, -2]], [0]), ([[1]], [0])], {(0, 2), (1, 2)}),
        # two of the first layer's meet in the origin, where the second layer's goes straight on
        ([([[1, 0], [0, 1], [-1, 0]], [0, 0, 0]), ([[1, 0, -1]], [0]), ([[1]], [0])], set()),
        # a third one's bend is where it crosses the second one's, not where it crosses its own layer's
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, 1], [0, 3]], [-1, -1]), ([[1, 1]], [0])], {(0, 2), (1, 2)}),
    ],
)
def test_a_boundary_bends_where_others_meet_too(layers, edges):
    assert set(analyze(Network.from_rows(layers)).bending.edges) == edges


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([LIVE, ([[1, 2]], [0])], set()),
        # the third neuron shares the first one's boundary
        ([([[1, 2], [3, -1], [2, 4]], [1, -2, 2]), ([[1, 2, 3]], [0])], {("H2", (0, 2))}),
        # the second is read by nothing
        ([LIVE, ([[1, 0]], [0])], {("H1", (1,))}),
        # one dimension: no ridges, so that two pieces of one boundary are apart
        (
            [([[1], [-1]], [0, -1]), ([[1, 1]], [-1]), ([[1]], [0])],
            {("H1", (0, 1)), ("H3", (2,)), ("H4", (0, 1, 2))},
        ),
        # zero on a whole cell
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, 1], [1, -2]], [-1, 0]), ([[1, 1]], [0])], {("H2", (3,))}),
    ],
)
def test_hypotheses(layers, expected):
    net = Network.from_rows(layers)
    found = {(b.hypothesis, b.neurons) for b in broken_hypotheses(net, *complete(net))}
    assert expected <= found
    assert bool(expected) == bool(found)


def test_regions_are_counted_in_the_box_or_the_plane():
    net = Network.from_rows([([[1, 0, 5], [0, 1, 5], [0, 0, 1]], [0, 0, -9]), ([[1, 1, 1]], [0])])
    assert analyze(net).regions == 8
    assert analyze(net, plane=(0, 1)).regions == 4
    box = Domain.box([1] * 3, [2] * 3)
    assert analyze(net, domain=box).regions == 1
    plane, domain = in_plane(net, (2, 0), Domain.box([-1] * 3, [2] * 3))
    assert plane((7, 1)) == net((1, 0, 7))
    assert (Fraction(2), Fraction(2)) in domain
    assert (Fraction(3), Fraction(2)) not in domain


def test_out_of_time_is_partial_and_what_was_counted_stands():
    net = Network.from_rows([([[1, 2], [3, -1]], [1, -2]), ([[1, 2]], [0])])
    analysis = analyze(net, timeout=1e-9)
    assert (analysis.status, analysis.counted, analysis.broken, analysis.bending) == (
        "partial",
        False,
        None,
        None,
    )
    assert {known.answer for known in analysis.identifiability} == {"not decided"}
    assert analyze(net).status == "complete"


def test_trouble_is_named():
    net = Network.from_rows([LIVE, ([[1, 2]], [0])])
    for plane in ((0, 0), (0, 2), (-1, 0)):
        with pytest.raises(ShapeError, match="two inputs from 0 to 1"):
            analyze(net, plane=plane)
    with pytest.raises(ExactreError, match="interior"):
        analyze(net, domain=Domain.box([0, 0], [0, 1]))
    three = Network.from_rows([([[1, 2, 3]], [0]), ([[1]], [0])])
    with pytest.raises(ExactreError, match="interior"):
        analyze(three, domain=Domain.box([1] * 3, [2] * 3), plane=(0, 1))
