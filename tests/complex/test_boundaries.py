"""From shuffled pieces without labels or values: the hidden layers, or what keeps them from being found."""

import dataclasses
import random
from fractions import Fraction

import pytest
from complexes import random_network
from hypothesis import given, settings

from exactre import Network, boundary_complex, certify_equivalence, recover_from_boundaries
from exactre.analyze.hypotheses import broken_hypotheses, canonical_rows
from exactre.certify.question import Domain
from exactre.complex.cells import complete
from exactre.complex.joining import Joining
from exactre.complex.pieces import Complex, Piece
from exactre.complex.ridges import ridges
from exactre.errors import ComplexError, ShapeError
from exactre.network import Node
from exactre.rational import Matrix
from exactre.testing import networks


def bare(found, seed):
    """The complex with its pieces in another order and nothing else that could tell a neuron."""
    pieces = list(found.pieces)
    random.Random(seed).shuffle(pieces)
    return Complex(found.input_dim, found.domain, (), tuple(pieces))


def assert_isomorphic(net, domain, found, result):
    """The hinges are the network's neurons up to order, sign and scale: rows and coefficients, exactly."""
    _, faces = complete(net, domain)
    labels = {Piece.of_face(f.cone, f.row): f.neurons for f in faces}
    neurons = [set() for _ in result.hinges]
    for piece, z in zip(found.pieces, result.neuron_of, strict=True):
        neurons[z] |= set(labels[piece])
    assert all(len(own) == 1 for own in neurons)
    order = [min(own) for own in neurons]
    assert sorted(order) == list(range(net.neurons))
    rows, scale = canonical_rows(net), []
    for z, hinge in enumerate(result.hinges):
        a, linear = rows[order[z]]
        k = next(k for k, v in enumerate(linear) if v)
        c = hinge.linear[k] / linear[k]
        scale.append(c)
        assert hinge.linear == tuple(c * v for v in linear)
        assert {order[j]: v * abs(scale[j]) / c for j, v in hinge.parents.items()} == a


# All boundaries are given, also where the function hides them, so that H1 does not matter.
GENERIC = {
    (2, 2, 1, 1): [5, 6, 11, 20],
    (4, 3, 2, 1): [0, 2, 9, 15],
    (4, 3, 2, 1, 1): [71, 119],
    (4, 3, 3, 2, 1): [14],
}


@pytest.mark.parametrize(("widths", "seed"), [(w, seed) for w, seeds in GENERIC.items() for seed in seeds])
def test_where_the_hypotheses_hold_the_network_comes_back(widths, seed):
    net = random_network(seed, *widths)
    assert all(b.hypothesis == "H1" for b in broken_hypotheses(net, *complete(net)))
    found = bare(boundary_complex(net, where="preactivations"), seed)
    result = recover_from_boundaries(found)
    assert (result.status, result.layers, result.missing) == ("consistent", widths[1:-1], ())
    assert_isomorphic(net, None, found, result)
    assert [result.graph.nodes[z]["layer"] for z in result.graph] == [
        k for k, width in enumerate(result.layers) for _ in range(width)
    ]
    assert_same_hidden_layers(net, result)


@pytest.mark.parametrize(("widths", "seed"), [((2, 2, 2, 1), 25), ((2, 2, 3, 1), 245), ((2, 3, 3, 1), 524)])
def test_where_all_hypotheses_hold_what_the_function_shows_is_enough(widths, seed):
    net = random_network(seed, *widths, most=5)
    assert broken_hypotheses(net, *complete(net)) == []
    found = bare(boundary_complex(net), seed)
    result = recover_from_boundaries(found)
    assert (result.status, result.layers, result.missing) == ("consistent", widths[1:-1], ())
    assert_isomorphic(net, None, found, result)
    assert_same_hidden_layers(net, result)
    assert all(sign for z, sign in result.graph.nodes(data="sign") if result.graph.nodes[z]["layer"] == 0)


def assert_same_hidden_layers(net, result):
    """Each neuron of the last hidden layer is one of the network's up to a factor, of either sign."""
    truth = preactivations(net.nodes[:-1], net.input_dim)
    mine = preactivations(result.network.nodes, net.input_dim)
    assert mine.output_dim == truth.output_dim
    x = [Fraction(v) for v in random.Random(0).choices(range(-99, 100), k=net.input_dim)]
    left, right = mine(x), truth(x)
    for p in range(mine.output_dim):
        assert any(
            right[q] and proved_equal(single(mine, p, 1), single(truth, q, left[p] / right[q]))
            for q in range(truth.output_dim)
        )


def preactivations(nodes, n):
    *before, last = nodes
    return Network(n, [*before, Node(last.name, False, last.inputs, last.bias)])


def proved_equal(a, b):
    return certify_equivalence(a, b).status == "equivalent"


def single(net, row, factor):
    *before, last = net.nodes
    inputs = tuple((s, Matrix.from_rows([w.rows()[row]]).scale(factor)) for s, w in last.inputs)
    bias = Matrix.column([last.bias[row, 0] * factor])
    return Network(net.input_dim, [*before, Node(last.name, False, inputs, bias)])


@settings(max_examples=50)
@given(networks(inputs=(2, 3), depth=(1, 3), width=(1, 4)))
def test_a_consistent_answer_has_exactly_the_given_pieces_or_says_that_others_are_hidden(net):
    domain = Domain.box([-2] * net.input_dim, [2] * net.input_dim)
    found = boundary_complex(net, domain, where="preactivations")
    result = recover_from_boundaries(found)
    assert result.status == ("partial" if result.missing else "consistent")
    if result.status == "consistent" and result.hinges:
        own = boundary_complex(result.network, domain, where="preactivations")
        hides = any("hidden in places" in text for text in result.assumptions)
        assert hides or set(own.pieces) == set(found.pieces)


@settings(max_examples=30)
@given(networks(inputs=(2, 3), depth=(1, 2), width=(2, 4), weights="float32"))
def test_order_of_the_pieces_and_output_layer_do_not_matter(net):
    *hidden, last = net.nodes
    found = boundary_complex(net, where="preactivations")
    other = Network(net.input_dim, [*hidden, Node("other", False, last.inputs, last.bias.scale(-3))])
    assert boundary_complex(other, where="preactivations") == found
    results = [recover_from_boundaries(c) for c in (found, bare(found, 1))]
    assert results[0].layers == results[1].layers
    assert len({r.status for r in results}) == 1


def test_the_active_sides_of_the_last_hidden_layer_are_never_told():
    net = random_network(2, 4, 3, 2, 1)
    first, second, last = net.nodes
    flipped = Node(
        second.name, True, tuple((s, w.scale(-1)) for s, w in second.inputs), second.bias.scale(-1)
    )
    a, b = (
        boundary_complex(Network(4, [first, own, last]), where="preactivations") for own in (second, flipped)
    )
    assert a == b
    result = recover_from_boundaries(a)
    assert any("last hidden layer: all 4 choices fit" in text for text in result.undetermined)
    assert {result.graph.nodes[z]["sign"] for z in result.graph if result.graph.nodes[z]["layer"] == 1} == {0}
    assert 0 not in {
        result.graph.nodes[z]["sign"] for z in result.graph if result.graph.nodes[z]["layer"] == 0
    }


LINES = [([1, 0], 0, []), ([1, 0], 3, [])]


def complex_of(pieces, n=2, domain=None):
    return Complex(n, domain, (), tuple(Piece.of(*piece) for piece in pieces))


def test_boundaries_that_never_meet_are_one_layer():
    result = recover_from_boundaries(complex_of(LINES))
    assert (result.status, result.layers) == ("consistent", (2,))
    assert result.graph.number_of_edges() == 0


@pytest.mark.parametrize("seed", range(12))
def test_boundaries_hidden_in_places_are_put_together(seed):
    net = random_network(seed, 2, 6, 3, 1)
    found = boundary_complex(net)
    result = recover_from_boundaries(found)
    _, faces = complete(net)
    labels = {Piece.of_face(f.cone, f.row): f.neurons for f in faces}
    neurons = [set() for _ in result.hinges]
    for piece, z in zip(found.pieces, result.neuron_of, strict=True):
        neurons[z] |= set(labels[piece])
    assert result.status == "consistent"
    assert all(len(own) == 1 for own in neurons)
    shown = sum(face.bends for face in faces)
    assert any("hidden" in text for text in result.assumptions) == (shown < len(faces))


@pytest.mark.parametrize(
    ("widths", "seed"),
    [((2, 3, 2, 2, 1), 1), ((2, 3, 2, 2, 1), 7), ((2, 3, 2, 2, 1), 8), ((2, 3, 3, 2, 1), 23)],
)
def test_where_the_likeliest_guess_about_a_hidden_end_fails_others_are_tried(widths, seed):
    net = random_network(seed, *widths)
    found = bare(boundary_complex(net), seed)
    assert Joining(found.pieces, ridges(found)).components()
    result = recover_from_boundaries(found)
    assert (result.status, result.missing) == ("consistent", ())
    _, faces = complete(net)
    labels = {Piece.of_face(f.cone, f.row): f.neurons for f in faces}
    neurons = [set() for _ in result.hinges]
    for piece, z in zip(found.pieces, result.neuron_of, strict=True):
        neurons[z] |= set(labels[piece])
    assert all(len(own) == 1 for own in neurons)


def test_no_boundary_is_no_network():
    result = recover_from_boundaries(complex_of([]))
    assert (result.status, result.layers, result.network) == ("consistent", (), None)


@pytest.mark.parametrize(
    ("net", "layers"),
    [
        # dead, always active, duplicate and opposite neurons show nothing, or what one neuron shows
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, 1], [-1, -1]], [-1, -5])], (2, 1)),
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, 1], [1, 1]], [-1, 5])], (2, 1)),
        ([([[1, 0], [0, 1], [2, 0]], [0, 0, 0]), ([[1, 1, 1]], [-1])], (2, 1)),
        ([([[1, 0], [0, 1], [-2, 0]], [0, 0, 0]), ([[1, 1, 1]], [-1])], (2, 1)),
    ],
)
def test_what_is_not_generic(net, layers):
    found = boundary_complex(Network.from_rows([*net, ([[1] * len(net[1][0])], [0])]), where="preactivations")
    result = recover_from_boundaries(found)
    assert (result.status, result.layers) == ("consistent", layers)


def test_a_part_that_does_not_fit_is_left_and_named():
    result = recover_from_boundaries(boundary_complex(random_network(7, 2, 3, 3, 2, 1)))
    assert result.status == "partial"
    assert any("the piece on" in text for text in result.missing)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        # a ray that ends alone
        ([([1, 0], 0, [([0, 1], 0)])], ["x = 0 around", "ends inside the domain", "no other piece"]),
        # a corner of two
        ([([1, 0], 0, [([0, 1], 0)]), ([0, 1], 0, [([1, 0], 0)])], ["ends inside", "[1, 0]", "[0, 1]"]),
        # a ray on a line
        (
            [([1, 0], 0, [([0, 1], 0)]), ([1, 0], 0, [([0, -1], 0)]), ([0, 1], 0, [([1, 0], 0)])],
            ["[0, 1] . x = 0", "ends inside"],
        ),
        # the same ray twice
        ([([1, 0], 0, [([0, 1], 0)]), ([2, 0], 0, [([0, 3], 0)])], ["overlap"]),
        # an empty piece
        ([([1, 0], 0, [([0, 1], 0), ([0, -1], -1)])], ["[1, 0] . x = 0", "dimension 1", "empty"]),
    ],
)
def test_pieces_that_contradict_each_other(pieces, words):
    with pytest.raises(ComplexError) as caught:
        recover_from_boundaries(complex_of(pieces))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_piece_left_out_is_a_contradiction_or_is_missed():
    net = random_network(0, 3, 3, 2, 1)
    found = boundary_complex(net, where="preactivations")
    for i in range(len(found.pieces)):
        less = dataclasses.replace(found, pieces=found.pieces[:i] + found.pieces[i + 1 :])
        try:
            result = recover_from_boundaries(less)
        except ComplexError:
            continue
        assert result.status == "partial" or "hidden" in " ".join(result.assumptions)


def test_dimensions():
    with pytest.raises(ShapeError, match="dimension 2 or more"):
        recover_from_boundaries(boundary_complex(random_network(0, 1, 2, 1)))
    with pytest.raises(ShapeError, match="piece 1: expected dimension 2"):
        recover_from_boundaries(complex_of([LINES[0], ([1, 0, 0], 0, [])]))
    with pytest.raises(ShapeError, match="normal 0"):
        Piece.of([0, 0], 1, [])
    with pytest.raises(ShapeError, match="expected 2 coefficients"):
        Piece.of([0, 1], 1, [([1], 0)])
