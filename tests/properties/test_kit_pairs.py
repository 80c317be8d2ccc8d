"""Pairs are what their strategy promises: compared here by plain arithmetic, not by the product."""

from typing import get_args

import pytest
from campaign import examples
from hypothesis import given
from hypothesis import strategies as st
from plain import plain_output, points

from exactre.errors import ExactreError, ShapeError
from exactre.network import Network, Node
from exactre.rational import Matrix
from exactre.testing import equivalent_pairs, isomorphic_pairs, mutant_pairs, networks
from exactre.testing.mutations import Mutation
from exactre.testing.pairs import Form

KINDS = networks() | networks(weights="float32") | networks(features={"skip", "dead"})
RELU_OUTPUT = Network(1, [Node("only", True, (("input", Matrix.from_rows([[1]])),), Matrix.column([0]))])


def directions(node):
    """The neurons' (weights, bias) up to positive factors, sorted."""
    found = []
    for i in range(node.width):
        row = [v for _, weight in node.inputs for v in weight.rows()[i]] + [node.bias[i, 0]]
        scale = max(abs(v) for v in row)
        found.append(tuple(v / scale for v in row))
    return sorted(found)


@examples(60)
@given(isomorphic_pairs(of=KINDS), st.data())
def test_isomorphic_pairs_are_equal_and_have_one_shape(pair, data):
    a, b = pair
    for x in data.draw(points(a.input_dim)):
        assert plain_output(a, x) == plain_output(b, x)
    assert [(node.name, node.width, node.relu) for node in a.nodes] == [
        (node.name, node.width, node.relu) for node in b.nodes
    ]
    assert directions(a.nodes[0]) == directions(b.nodes[0])


@pytest.mark.parametrize("form", get_args(Form))
def test_equivalent_pairs_are_equal_and_not_isomorphic(form):
    @examples(30)
    @given(equivalent_pairs(forms=[form], of=KINDS | networks(depth=0)), st.data())
    def law(pair, data):
        a, b = pair
        for x in data.draw(points(a.input_dim)):
            assert plain_output(a, x) == plain_output(b, x)
        assert a.neurons != b.neurons

    law()


@examples(40)
@given(equivalent_pairs(forms=["carry"]))
def test_carry_compares_a_skip_with_none(pair):
    assert sorted(net.is_layered for net in pair) == [False, True]


@pytest.mark.parametrize("mutation", get_args(Mutation))
def test_mutants_differ_at_their_witness(mutation):
    @examples(40)
    @given(mutant_pairs(mutations=[mutation], of=KINDS))
    def law(mutant):
        a, b, x = mutant
        assert len(x) == a.input_dim == b.input_dim
        assert plain_output(a, x) != plain_output(b, x)

    law()


@examples(40)
@given(mutant_pairs(mutations=["bump"], of=networks(outputs=1)))
def test_a_bump_is_invisible_far_from_its_witness(mutant):
    a, b, x = mutant
    far = [x[0] + 1, *x[1:]]
    assert plain_output(a, far) == plain_output(b, far)


@pytest.mark.parametrize(
    ("strategy", "options", "message"),
    [
        (equivalent_pairs, {"forms": ["glued"]}, r"forms: expected some of .* found \['glued'\]"),
        (equivalent_pairs, {"forms": []}, r"forms: expected some of .* found \[\]"),
        (mutant_pairs, {"mutations": ["none"]}, r"mutations: expected some of .* found \['none'\]"),
        (mutant_pairs, {"mutations": []}, r"mutations: expected some of .* found \[\]"),
    ],
)
def test_unknown_words_are_refused_at_once(strategy, options, message):
    with pytest.raises(ExactreError, match=message):
        strategy(**options)


def test_a_mutant_of_a_network_whose_output_has_relu_is_refused():
    @given(mutant_pairs(of=st.just(RELU_OUTPUT)))
    def never(mutant):
        raise AssertionError("a mutant was made")

    with pytest.raises(ShapeError, match="without ReLU at their outputs"):
        never()


def test_a_skip_cannot_be_carried_through_affine_nodes():
    affine = Node("middle", False, (("input", Matrix.from_rows([[2]])),), Matrix.column([1]))
    relu = Node("hidden", True, (("middle", Matrix.from_rows([[1]])),), Matrix.column([0]))
    last = Node("out", False, (("hidden", Matrix.from_rows([[1]])),), Matrix.column([0]))

    @given(equivalent_pairs(of=st.just(Network(1, [affine, relu, last])), forms=["carry"]))
    def never(pair):
        raise AssertionError("a pair was made")

    with pytest.raises(ShapeError, match="node 'middle': expected ReLU in all nodes but the last"):
        never()
