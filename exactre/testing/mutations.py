"""Changes that break a function at a given point, so that the point is an exact witness."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.testing.forms import with_edge, with_node

Mutation = Literal["number", "bump"]

# 2^-24 is the last bit of a float32 in [1, 2); what a mutation does at the witness may be smaller still.
_CHANGES = [Fraction(1), Fraction(-1), Fraction(-1, 2), Fraction(1, 2**24)]
_WIDTHS = [1, 10, 1000]


def change_number(draw: DrawFn, net: Network, point: tuple[Fraction, ...]) -> Network:
    """One weight or bias changed: the first from a drawn place onwards that matters at the point."""
    places = [(k, i, j) for k, node in enumerate(net.nodes) for i, j in _places(node)]
    start, delta = draw(st.integers(0, len(places) - 1)), draw(st.sampled_from(_CHANGES))
    before = net(point)
    changed = (_changed(net, place, delta) for place in [*places[start:], *places[:start]])
    # There is always one: unless the output has ReLU, a bias of the last node changes it everywhere.
    return next(other for other in changed if other(point) != before)


def bump(draw: DrawFn, net: Network, point: tuple[Fraction, ...]) -> Network:
    """The network plus a number times relu(1 - c |y - x|_1): 1 at the point x, and zero but near it."""
    steep = draw(st.sampled_from(_WIDTHS))
    n, last = net.input_dim, net.nodes[-1]
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    rows = [*unit, *([-v for v in row] for row in unit)]
    bias = [*(-v for v in point), *point]
    near = Node("near", True, ((INPUT, Matrix.from_rows(rows)),), Matrix.column(bias))
    inside = ((near.name, Matrix.from_rows([[-steep] * (2 * n)])),)
    nodes = [*net.nodes[:-1], near, Node("bump", True, inside, Matrix.column([1])), last]
    added = [[draw(st.sampled_from(_CHANGES))] for _ in range(last.width)]
    return with_edge(Network(n, nodes), "bump", last.name, added)


def _places(node: Node) -> list[tuple[int, int]]:
    """(row, column) of every number of a node: its weights side by side, then the bias."""
    columns = 1 + sum(weight.shape[1] for _, weight in node.inputs)
    return [(i, j) for i in range(node.width) for j in range(columns)]


def _changed(net: Network, place: tuple[int, int, int], delta: Fraction) -> Network:
    k, i, j = place
    node = net.nodes[k]
    inputs = []
    for source, weight in node.inputs:
        inputs.append((source, _plus(weight, i, j, delta) if 0 <= j < weight.shape[1] else weight))
        j -= weight.shape[1]
    bias = _plus(node.bias, i, 0, delta) if j == 0 else node.bias
    return with_node(net, Node(node.name, node.relu, tuple(inputs), bias))


def _plus(weight: Matrix, i: int, j: int, delta: Fraction) -> Matrix:
    rows = weight.rows()
    rows[i][j] += delta
    return Matrix.from_rows(rows)
