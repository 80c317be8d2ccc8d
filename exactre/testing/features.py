"""Degenerate features that a generated network has on request; each change adds to a layered network."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.testing.forms import named, readers, with_edge, with_neuron, with_node

Feature = Literal[
    "zero-weights",
    "zero-biases",
    "dead",
    "always-active",
    "duplicate",
    "opposite",
    "parallel",
    "bottleneck",
    "skip",
]
Number = SearchStrategy[Fraction]


def add_zero_weights(draw: DrawFn, net: Network) -> Network:
    """At least one weight of one node becomes zero."""
    node = draw(st.sampled_from(net.nodes))
    ((source, weight),) = node.inputs
    rows = weight.rows()
    places = [(i, j) for i in range(node.width) for j in range(weight.shape[1])]
    for i, j in draw(st.sets(st.sampled_from(places), min_size=1)):
        rows[i][j] = Fraction(0)
    return with_node(net, Node(node.name, node.relu, ((source, Matrix.from_rows(rows)),), node.bias))


def add_zero_biases(net: Network) -> Network:
    """No hidden neuron has a bias."""
    for node in net.hidden:
        net = with_node(net, Node(node.name, True, node.inputs, Matrix.column([0] * node.width)))
    return net


def add_dead(draw: DrawFn, net: Network, name: str, number: Number) -> Network:
    """One neuron that is never active."""
    return _fixed_neuron(draw, net, name, number, -1)


def add_always_active(draw: DrawFn, net: Network, name: str, number: Number) -> Network:
    """One neuron that is always active."""
    return _fixed_neuron(draw, net, name, number, 1)


def add_duplicate(draw: DrawFn, net: Network, name: str, number: Number) -> Network:
    """One neuron with another's boundary and side, its row times a positive number."""
    return _multiple(draw, net, name, number, abs(draw(number)), Fraction(0))


def add_opposite(draw: DrawFn, net: Network, name: str, number: Number) -> Network:
    """One neuron with another's boundary and the other side."""
    return _multiple(draw, net, name, number, -abs(draw(number)), Fraction(0))


def add_parallel(draw: DrawFn, net: Network, name: str, number: Number) -> Network:
    """One neuron with a multiple of another's weights and another offset."""
    return _multiple(draw, net, name, number, draw(number), draw(number))


def add_skip(draw: DrawFn, net: Network, number: Number) -> Network:
    """An edge from the input or a node to a node that is not the next one."""
    names = [INPUT, *(node.name for node in net.nodes)]
    at = draw(st.integers(0, len(names) - 3))
    source, target = names[at], names[draw(st.integers(at + 2, len(names) - 1))]
    n = net.input_dim if at == 0 else named(net, source).width
    return with_edge(net, source, target, matrix(draw, named(net, target).width, n, number))


def fixed_row(
    draw: DrawFn, net: Network, name: str, number: Number, sign: int
) -> tuple[dict[str, list[Fraction]], Fraction]:
    """Weights and bias of a neuron of node `name` that no input switches: they have one sign, as its sources.

    The input and affine nodes may have both signs, so that their weights are zero.
    """
    incoming = {}
    for source, weight in named(net, name).inputs:
        switches = source == INPUT or not named(net, source).relu
        n = weight.shape[1]
        incoming[source] = [Fraction(0)] * n if switches else [sign * abs(draw(number)) for _ in range(n)]
    return incoming, sign * abs(draw(number))


def matrix(draw: DrawFn, m: int, n: int, number: Number) -> list[list[Fraction]]:
    """m rows of n numbers."""
    return [[draw(number) for _ in range(n)] for _ in range(m)]


def outgoing(draw: DrawFn, net: Network, name: str, number: Number) -> dict[str, Sequence[Fraction]]:
    """A column of numbers for each reader of a node."""
    return {reader: [draw(number) for _ in range(width)] for reader, width in readers(net, name).items()}


def _fixed_neuron(draw: DrawFn, net: Network, name: str, number: Number, sign: int) -> Network:
    incoming, bias = fixed_row(draw, net, name, number, sign)
    return with_neuron(net, name, incoming, bias, outgoing(draw, net, name, number))


def _multiple(
    draw: DrawFn, net: Network, name: str, number: Number, factor: Fraction, shift: Fraction
) -> Network:
    node = named(net, name)
    j = draw(st.integers(0, node.width - 1))
    incoming = {source: [v * factor for v in weight.rows()[j]] for source, weight in node.inputs}
    bias = node.bias[j, 0] * factor + shift
    return with_neuron(net, name, incoming, bias, outgoing(draw, net, name, number))


NEURONS = {
    "dead": add_dead,
    "always-active": add_always_active,
    "duplicate": add_duplicate,
    "opposite": add_opposite,
    "parallel": add_parallel,
}
