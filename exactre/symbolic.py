"""SymPy expressions of neurons, regions and small networks, for a person to read and check.

Inputs are `x0, x1, ...`; the value of neuron j of a node after its ReLU is `node_j`, as in
`layer1_0 = Max(0, x0/2 - 3*x1 + 7)`. Coefficients are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy as sp

from exactre.errors import ShapeError
from exactre.network import INPUT, Network, Node
from exactre.region import Affine, Region


def inputs(n: int) -> list[sp.Symbol]:
    """The input symbols x0 ... x(n-1)."""
    return list(sp.symbols(f"x:{n}", real=True, seq=True))


def neuron(net: Network, name: str, j: int) -> sp.Eq:
    """Equation of neuron j of node `name`: its symbol, in terms of the symbols of the nodes that feed it.

    Raises ShapeError when the network has no such neuron.
    """
    node = next((node for node in net.nodes if node.name == name), None)
    if node is None or not 0 <= j < node.width:
        raise ShapeError(f"expected a neuron of {net}, found {name!r}, {j}")
    widths = {INPUT: net.input_dim, **{node.name: node.width for node in net.nodes}}
    values = {source: _outputs(source, widths[source]) for source, _ in node.inputs}
    return sp.Eq(_outputs(name, node.width)[j], _value(node, j, values), evaluate=False)


def definitions(net: Network) -> list[sp.Eq]:
    """Equations of every neuron and output, in topological order."""
    return [neuron(net, node.name, j) for node in net.nodes for j in range(node.width)]


def closed_form(net: Network) -> list[sp.Expr]:
    """Every output as one nested expression in the inputs, one term for each path: for small networks."""
    values: dict[str, Sequence[sp.Expr]] = {INPUT: inputs(net.input_dim)}
    for node in net.nodes:
        values[node.name] = [_value(node, j, values) for j in range(node.width)]
    return list(values[net.nodes[-1].name])


def affine(form: Affine) -> list[sp.Expr]:
    """The rows of an affine map as expressions in the inputs."""
    symbols = inputs(form.weight.shape[1])
    constants = [row[0] for row in form.bias.rows()]
    return [_sum(row, symbols, c) for row, c in zip(form.weight.rows(), constants, strict=True)]


def conditions(region: Region) -> list[sp.Rel]:
    """The region's polyhedron, one relation for each neuron: `A x <= b`, or `=` where the sign is 0."""
    symbols = inputs(region.A.shape[1])
    terms = []
    for i, (row, bound) in enumerate(zip(region.A.rows(), region.b.rows(), strict=True)):
        relation = sp.Eq if i in region.equal else sp.Le
        terms.append(relation(_sum(row, symbols, Fraction(0)), _rational(bound[0]), evaluate=False))
    return terms


def _outputs(name: str, width: int) -> list[sp.Symbol]:
    if name == INPUT:
        return inputs(width)
    return [sp.Symbol(f"{name}_{j}", real=True) for j in range(width)]


def _value(node: Node, j: int, values: Mapping[str, Sequence[sp.Expr]]) -> sp.Expr:
    terms = [
        _sum([weight[j, i] for i in range(weight.shape[1])], values[source], Fraction(0))
        for source, weight in node.inputs
    ]
    u = sp.Add(*terms, _rational(node.bias[j, 0]))
    return sp.Max(0, u) if node.relu else u


def _sum(coefficients: Sequence[Fraction], symbols: Sequence[sp.Expr], constant: Fraction) -> sp.Expr:
    terms = [_rational(c) * s for c, s in zip(coefficients, symbols, strict=True) if c]
    return sp.Add(*terms, _rational(constant))


def _rational(value: Fraction) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)
