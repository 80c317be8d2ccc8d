"""Laws of exact evaluation, whatever the network: DAGs, degenerate neurons, any numbers."""

from fractions import Fraction
from typing import get_args

from campaign import examples
from hypothesis import given
from hypothesis import strategies as st
from plain import COORDINATES, plain_output, plain_values, points

from exactre.region import region
from exactre.testing import equivalent_pairs, networks
from exactre.testing.features import Feature

KINDS = st.one_of(
    networks(),
    networks(weights="thirds", features={"zero-weights", "skip"}),
    networks(weights="float32", scale=Fraction(1, 2**100)),
    networks(features=get_args(Feature)),
    equivalent_pairs().map(lambda pair: pair[1]),
)


@st.composite
def at_points(draw):
    net = draw(KINDS)
    return net, draw(points(net.input_dim))


@examples(80)
@given(at_points())
def test_a_batch_is_the_definition_point_by_point(case):
    net, xs = case
    assert [tuple(value) for value in net.evaluate(xs)] == [plain_output(net, x) for x in xs]


@examples(60)
@given(at_points())
def test_preactivations_and_patterns_are_the_definition(case):
    net, (x, *_) = case
    expected = plain_values(net, x)
    assert {name: u[0] for name, u in net.preactivations([x]).items()} == {
        name: u for name, (u, _) in expected.items()
    }
    assert net.pattern(x) == {
        node.name: tuple((v > 0) - (v < 0) for v in expected[node.name][0]) for node in net.hidden
    }


@examples(60)
@given(at_points())
def test_a_network_is_its_region_s_affine_map_around_every_point(case):
    net, (x, *_) = case
    cell = region(net, net.pattern(x))
    assert x in cell
    assert cell.output([x])[0] == net(x)


@examples(40)
@given(networks(features={"zero-biases"}), st.data(), st.fractions(0, 2**30, max_denominator=99))
def test_without_hidden_biases_a_network_is_positively_homogeneous(net, data, factor):
    x = data.draw(st.tuples(*[COORDINATES] * net.input_dim))
    bias = [b for (b,) in net.nodes[-1].bias.rows()]
    scaled = net([factor * v for v in x])
    assert [v - b for v, b in zip(scaled, bias, strict=True)] == [
        factor * (v - b) for v, b in zip(net(x), bias, strict=True)
    ]
