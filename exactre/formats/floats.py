"""Between exact matrices and floating-point arrays: exactly where that is possible, else by name rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exactre.errors import FormatError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

Floats = NDArray[np.floating[Any]]
Kind = Literal["float32", "float64"]
KINDS: tuple[Kind, ...] = ("float32", "float64")


def nearest(matrix: Matrix, kind: Kind) -> Floats:
    """Array (m, n) of the floats nearest to the entries, ties to even.

    Raises FormatError when an entry rounds to infinity.
    """
    sparse = matrix.sparse
    p = [int(v) for v in matrix.num.entries()] if sparse is None else sparse.values.tolist()
    q = matrix.den
    try:
        doubles = np.array([v / q for v in p], dtype=np.float64)  # int / int is correctly rounded in Python
    except OverflowError:
        raise FormatError(f"expected numbers in the range of {kind}, found one beyond it") from None
    if kind == "float64":
        return _in_place(doubles, matrix)
    with np.errstate(over="ignore", invalid="ignore"):
        # Rounding twice differs from rounding once only where the double is half-way between two singles:
        # there the double moves to the exact entry's side first.
        single = _as_single(doubles)
        mirrored = 2 * doubles - single
        for k in np.flatnonzero((_as_single(mirrored) == mirrored) & (single != doubles)):
            excess = Fraction(p[k], q) - Fraction(float(doubles[k]))
            if excess:
                doubles[k] = np.nextafter(doubles[k], np.inf if excess > 0 else -np.inf)
        singles = doubles.astype(np.float32)
    if not np.isfinite(singles).all():
        raise FormatError(f"expected numbers in the range of {kind}, found one beyond it")
    return _in_place(singles, matrix)


def _in_place(values: Floats, matrix: Matrix) -> Floats:
    """The array (m, n) with a value for every entry of a matrix, or for those that are not zero."""
    sparse = matrix.sparse
    if sparse is None:
        return values.reshape(matrix.shape)
    array = np.zeros(matrix.shape, values.dtype)
    array[sparse.rows, sparse.columns] = values
    return array


class FloatNetwork:
    """A network with its weights rounded to one kind of float, evaluated by numpy in its arithmetic."""

    def __init__(self, net: Network, kind: Kind) -> None:
        self.kind = kind
        # Name, whether it is a ReLU, (source, weight (source width, width)) pairs, and bias (width,).
        self.layers = [
            (
                node.name,
                node.relu,
                [(source, nearest(weight, kind).T) for source, weight in node.inputs],
                nearest(node.bias, kind).ravel(),
            )
            for node in net.nodes
        ]

    def __call__(self, points: Floats) -> Floats:
        """Rounded values (count, m) at points (count, n) of this kind."""
        name, relu, _, _ = self.layers[-1]
        u = self.preactivations(points)[name]
        return np.maximum(u, 0) if relu else u

    def preactivations(self, points: Floats, last: str | None = None) -> dict[str, Floats]:
        """Rounded preactivations (count, width) of the nodes up to `last`, and the points (count, n)."""
        u: dict[str, Floats] = {INPUT: points.astype(self.kind, copy=False)}
        values = dict(u)
        for name, relu, inputs, bias in self.layers:
            total: Floats = np.broadcast_to(bias, (len(points), len(bias)))
            for source, weight in inputs:
                total = total + values[source] @ weight
            u[name], values[name] = total, np.maximum(total, 0) if relu else total
            if name == last:
                break
        return u


def exact_kind(net: Network) -> Kind:
    """The smaller of float32 and float64 that holds every weight and bias exactly.

    Raises FormatError naming the first one that neither holds.
    """
    kinds = {_exact_kind(matrix, place) for node in net.nodes for place, matrix in _matrices(node)}
    return "float64" if "float64" in kinds else "float32"


def rounded(net: Network, kind: Kind) -> Network:
    """Network with every weight and bias rounded to the nearest float. Raises FormatError as `nearest`."""
    nodes = [
        Node(
            node.name,
            node.relu,
            tuple((source, Matrix.from_floats(nearest(weight, kind))) for source, weight in node.inputs),
            Matrix.from_floats(nearest(node.bias, kind)),
        )
        for node in net.nodes
    ]
    return Network(net.input_dim, nodes)


def _matrices(node: Node) -> list[tuple[str, Matrix]]:
    weights = [(f"node {node.name!r}, weight of {source!r}", weight) for source, weight in node.inputs]
    return [*weights, (f"node {node.name!r}, bias", node.bias)]


def _exact_kind(matrix: Matrix, place: str) -> Kind:
    try:
        doubles = nearest(matrix, "float64")
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from None
    if Matrix.from_floats(doubles) != matrix:
        for (i, j), value in np.ndenumerate(doubles):
            if Fraction(float(value)) != matrix[i, j]:
                raise FormatError(f"{place}: no float64 is exactly entry [{i}, {j}], {_text(matrix[i, j])}")
    with np.errstate(over="ignore"):
        return "float32" if np.array_equal(_as_single(doubles), doubles) else "float64"


def _as_single(doubles: Floats) -> NDArray[np.float64]:
    return doubles.astype(np.float32).astype(np.float64)


def _text(value: Fraction) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
