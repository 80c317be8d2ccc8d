"""Generated networks have the shape, the numbers and the features that were asked for."""

from fractions import Fraction
from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from campaign import examples
from hypothesis import given
from hypothesis import strategies as st

from exactre.errors import ExactreError, ShapeError
from exactre.network import Network
from exactre.testing import networks
from exactre.testing.features import Feature
from exactre.testing.numbers import WeightKind

SIZES = st.tuples(st.integers(1, 3), st.integers(0, 2)).map(lambda s: (s[0], s[0] + s[1]))


def numbers(net):
    """Every weight and bias."""
    for node in net.nodes:
        for matrix in (node.bias, *(weight for _, weight in node.inputs)):
            yield from (v for row in matrix.rows() for v in row)


def rows(node):
    """Every neuron's (weights by source, bias), the weights joined."""
    joined = [[v for _, weight in node.inputs for v in weight.rows()[i]] for i in range(node.width)]
    return [(row, node.bias[i, 0]) for i, row in enumerate(joined)]


def ratio(p, q):
    """The factor with p = factor q, None where there is none."""
    factors = {a / b for a, b in zip(p, q, strict=True) if b}
    fits = len(factors) == 1 and all(bool(a) == bool(b) for a, b in zip(p, q, strict=True))
    return factors.pop() if fits else None


@examples(60)
@given(st.data(), SIZES, SIZES, SIZES, SIZES)
def test_sizes_are_kept(data, inputs, depth, width, outputs):
    net = data.draw(networks(inputs=inputs, depth=depth, width=width, outputs=outputs))
    assert inputs[0] <= net.input_dim <= inputs[1]
    assert depth[0] <= len(net.hidden) <= depth[1]
    assert all(width[0] <= node.width <= width[1] for node in net.hidden)
    assert outputs[0] <= net.output_dim <= outputs[1]
    assert net.is_layered


@examples(20)
@given(networks(inputs=5, hidden=[4, (1, 2), 3], outputs=2))
def test_hidden_widths_are_kept(net):
    first, second, third = (node.width for node in net.hidden)
    assert (net.input_dim, first, third, net.output_dim) == (5, 4, 3, 2)
    assert second in (1, 2)


@examples(20)
@given(networks(depth=0))
def test_depth_zero_is_an_affine_network(net):
    assert net.neurons == 0


@pytest.mark.parametrize("kind", get_args(WeightKind))
def test_no_number_is_zero_and_each_is_of_its_kind(kind):
    @examples(40)
    @given(networks(weights=kind))
    def law(net):
        for v in numbers(net):
            assert v != 0
            if kind == "float32":
                assert Fraction(float(np.float32(float(v)))) == v
            else:
                assert (v if kind == "integers" else 3 * v).denominator == 1

    law()


@examples(20)
@given(networks(scale=Fraction(1, 2**140), weights="float32"))
def test_the_scale_multiplies_every_number(net):
    assert all(Fraction(1, 2**144) <= abs(v) < Fraction(1, 2**135) for v in numbers(net))


@examples(40)
@given(networks(features={"zero-weights"}))
def test_zero_weights(net):
    assert any(v == 0 for node in net.nodes for _, w in node.inputs for row in w.rows() for v in row)


@examples(40)
@given(networks(features={"zero-biases"}))
def test_zero_biases(net):
    assert not any(any(node.bias.num.entries()) for node in net.hidden)
    assert all(net.nodes[-1].bias.num.entries())


@pytest.mark.parametrize(("word", "sign"), [("dead", -1), ("always-active", 1)])
def test_one_neuron_has_one_sign_everywhere(word, sign):
    def fixed(net, node):
        first = node is net.nodes[0]
        own = [(row, bias) for row, bias in rows(node) if not (first and any(row))]
        return any(all(sign * v >= 0 for v in row) and sign * bias > 0 for row, bias in own)

    @examples(40)
    @given(networks(features={word}))
    def law(net):
        assert any(fixed(net, node) for node in net.hidden)

    law()


@pytest.mark.parametrize(("word", "sign"), [("duplicate", 1), ("opposite", -1)])
def test_two_neurons_have_one_boundary(word, sign):
    @examples(40)
    @given(networks(features={word}))
    def law(net):
        factors = [
            ratio([*p, c], [*q, d]) for node in net.hidden for (p, c), (q, d) in combinations(rows(node), 2)
        ]
        assert any(factor is not None and sign * factor > 0 for factor in factors)

    law()


@examples(40)
@given(networks(features={"parallel"}))
def test_two_neurons_are_parallel_and_apart(net):
    found = False
    for node in net.hidden:
        for (p, c), (q, d) in combinations(rows(node), 2):
            factor = ratio(p, q)
            found |= factor is not None and c != factor * d
    assert found


@examples(40)
@given(networks(width=(2, 3), features={"bottleneck", "duplicate"}))
def test_one_layer_has_one_neuron(net):
    assert [node.width for node in net.hidden].count(1) == 1


@examples(40)
@given(networks(features={"skip"}))
def test_one_edge_leaves_out_a_layer(net):
    names = ["input", *(node.name for node in net.nodes)]
    spans = [names.index(node.name) - names.index(s) for node in net.nodes for s, _ in node.inputs]
    assert sorted(spans)[-2:] == [1, max(spans)]
    assert max(spans) > 1


@examples(40)
@given(networks(features=get_args(Feature)))
def test_all_features_at_once(net):
    assert not net.is_layered
    assert len(net.hidden) >= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": 0}, "inputs: expected a size of at least 1"),
        ({"outputs": (2, 1)}, r"outputs: expected .* found \(2, 1\)"),
        ({"width": (0, 3)}, "width: expected a size of at least 1"),
        ({"depth": -1}, "depth: expected a size of at least 0"),
        ({"depth": (0, 2), "features": {"dead"}}, "depth: expected a size of at least 1"),
        ({"hidden": [3, 0]}, r"hidden\[1\]: expected a size"),
        ({"hidden": [], "features": {"skip"}}, "hidden: expected at least one layer"),
    ],
)
def test_impossible_sizes_are_refused_at_once(options, message):
    with pytest.raises(ShapeError, match=message):
        networks(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "float16"}, "weights: expected one of .* found 'float16'"),
        ({"scale": 0}, "scale: expected a positive number, found 0"),
        ({"scale": Fraction(-1, 2)}, "found -1/2"),
        ({"features": {"undead"}}, "features: expected some of .* found 'undead'"),
    ],
)
def test_unknown_words_are_refused_at_once(options, message):
    with pytest.raises(ExactreError, match=message):
        networks(**options)


@examples(60)
@given(networks() | networks(features={"skip"}))
def test_a_network_is_printed_as_python_that_makes_it(net):
    from exactre.network import Node
    from exactre.rational import Matrix
    from exactre.testing.printing import source

    names = {"Network": Network, "Node": Node, "Matrix": Matrix, "Fraction": Fraction}
    assert eval(source(net), names) == net
