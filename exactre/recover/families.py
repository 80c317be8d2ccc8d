"""Directions in which the weights of a network may change without any sampled answer changing.

Near a network, and at a point where none of its neurons is zero, the outputs are polynomials in weights and
biases. The rank of their derivatives at such points is at most the number of weights less the dimension of
the networks nearby that are the same function, and every neuron's scale is one of these dimensions: what is
left bounds what else is ambiguous, and where nothing is left no other network nearby is the same function.

Changes of which every path from an input to an output meets one at the most enter linearly: those of one
layer, with those in later layers of biases and of weights on what comes before. Directions are looked
for among them. A prime proposes a direction's weights, and its numbers are solved for over Q; that the
function stays the same is proved elsewhere.
Source: the functional dimension of Grigsby, Lindsey and Rolnick, arXiv 2306.06179.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from flint import fmpz_mat, nmod_mat
from numpy.typing import NDArray

from exactre.linalg import nullspace, pivot_columns
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix, Points
from exactre.recover.modular import PRIME, Residues, modular, product

_STEP = Fraction(1, 1 << 1024)  # too short for any neuron to change its sign


class Weight(NamedTuple):
    """A weight of a neuron of node number `node`: on entry `column` of a source, or its bias (None)."""

    node: int
    neuron: int
    source: str | None
    column: int


Direction = Mapping[Weight, Fraction]


def changed(net: Network, change: Direction, factor: Fraction = Fraction(1)) -> Network:
    """The network with `factor` times these changes added to its weights, absent ones included; exact."""
    widths = {INPUT: net.input_dim, **{node.name: node.width for node in net.nodes}}
    nodes = list(net.nodes)
    for k in {weight.node for weight in change}:
        node = nodes[k]
        bias = [row[0] for row in node.bias.rows()]
        rows = {source: matrix.rows() for source, matrix in node.inputs}
        for weight in (weight for weight in change if weight.node == k):
            if weight.source is None:
                bias[weight.neuron] += factor * change[weight]
                continue
            absent = [[Fraction(0)] * widths[weight.source] for _ in range(node.width)]
            rows.setdefault(weight.source, absent)[weight.neuron][weight.column] += factor * change[weight]
        inputs = tuple((source, Matrix.from_rows(own)) for source, own in rows.items())
        nodes[k] = Node(node.name, node.relu, inputs, Matrix.column(bias))
    return Network(net.input_dim, nodes)


class Tangent:
    """Derivatives of the outputs in all weights at points (S, n), modulo a prime: S times outputs rows.

    The network is one whose hidden nodes all have a ReLU. Where it has a skip, every skip that it could have
    is among the weights.
    """

    def __init__(self, net: Network) -> None:
        self._net = net
        names = [INPUT, *(node.name for node in net.nodes)]
        widths = dict(zip(names, (net.input_dim, *(node.width for node in net.nodes)), strict=True))
        self._sources = [
            [name for name, _ in node.inputs] if net.is_layered else names[: k + 1]
            for k, node in enumerate(net.nodes)
        ]
        self.weights = [
            Weight(k, i, source, c)
            for k, node in enumerate(net.nodes)
            for source in (*self._sources[k], None)
            for i in range(node.width)
            for c in range(1 if source is None else widths[source])
        ]
        self._number = {weight: c for c, weight in enumerate(self.weights)}
        self._place = {name: k - 1 for k, name in enumerate(names)}
        self._residues = [{name: _residues(w.num, w.den) for name, w in n.inputs} for n in net.nodes]
        self._points: list[tuple[Fraction, ...]] = []  # of each row
        self._outputs: list[int] = []
        self._rows: Residues = np.zeros((0, len(self.weights)), dtype=np.int64)
        self._reduced, self._read = self._rows, 0  # a basis of so many of the rows

    def add(self, points: Points) -> None:
        """The derivatives at more points; those at which a neuron is zero are left out."""
        values = self._net.preactivations(points)
        signs = {name: _signs(u) for name, u in values.items()}
        kept = np.ones(len(points), dtype=bool)
        for node in self._net.hidden:
            kept &= signs[node.name].all(axis=1)
        active = {
            node.name: (signs[node.name][kept] > 0).astype(np.int64) | int(not node.relu)
            for node in self._net.nodes
        }
        known = {INPUT: _residues(points.num, points.den)[kept]}
        for name, u in values.items():
            known[name] = _residues(u.num, u.den)[kept] * active[name]
        for output in range(self._net.output_dim):
            self._rows = np.concatenate([self._rows, self._derivatives(output, known, active)])
            self._points += [points[i] for i in np.flatnonzero(kept).tolist()]
            self._outputs += [output] * int(kept.sum())

    def _derivatives(
        self, output: int, known: Mapping[str, Residues], active: Mapping[str, Residues]
    ) -> Residues:
        nodes, count = self._net.nodes, len(known[INPUT])
        gains = {node.name: np.zeros((count, node.width), dtype=np.int64) for node in nodes}
        gains[nodes[-1].name][:, output] = 1
        for k in reversed(range(len(nodes))):
            name = nodes[k].name
            gains[name] *= active[name]
            for source, weight in self._residues[k].items():
                if source != INPUT:
                    gains[source] = (gains[source] + product(gains[name], weight)) % PRIME
        blocks = []
        for k, node in enumerate(nodes):
            gain = gains[node.name]
            for source in self._sources[k]:
                block = gain[:, :, None] * known[source][:, None, :] % PRIME
                blocks.append(block.reshape(count, block.shape[1] * block.shape[2]))
            blocks.append(gain)
        return np.concatenate(blocks, axis=1)

    @property
    def freedom(self) -> int:
        """An upper bound on the dimension of the networks nearby of this function, up to scaling; exact.

        The dimension of the scalings is the number of hidden neurons that are not constantly zero.
        """
        scales = sum(
            any(node.bias[i, 0] or any(row) for row in rows)
            for node in self._net.hidden
            for i, rows in enumerate(zip(*(w.rows() for _, w in node.inputs), strict=True))
        )
        return len(self.weights) - scales - len(self._basis())

    def directions(self, node: int) -> Iterator[Direction]:
        """A basis of the linear directions of one node to which all rows are zero, fewest weights first."""
        own = [c for c, weight in enumerate(self.weights) if self._is_linear(weight, node)]
        reduced = _table(self._basis()[:, own]).rref()[0]
        pivots = pivot_columns(reduced)
        free = sorted(set(range(len(own))) - set(pivots))
        supports = [[own[c], *(own[p] for k, p in enumerate(pivots) if int(reduced[k, c]))] for c in free]
        for support in sorted(supports, key=len):
            direction = self._solved(support)
            if direction is not None:
                yield direction

    def is_silent(self, direction: Direction) -> bool:
        """Whether all rows are zero on a direction, modulo the prime."""
        columns = [self._number[weight] for weight in direction]
        change = modular([v.numerator * pow(v.denominator, -1, PRIME) for v in direction.values()])
        return not product(self._rows[:, columns], change[:, None]).any()

    def _is_linear(self, weight: Weight, node: int) -> bool:
        if weight.node <= node:
            return weight.node == node
        return weight.source is None or self._place[weight.source] < node

    def _solved(self, support: Sequence[int]) -> Direction | None:
        """The direction of these weights over Q, its largest change 1; None where there is not just one."""
        rows = pivot_columns(_table(self._rows[:, list(support)]).transpose().rref()[0])
        points, outputs = [self._points[r] for r in rows], [self._outputs[r] for r in rows]
        if not rows:
            return {self.weights[support[0]]: Fraction(1)}
        here = self._net.evaluate(points)
        columns = []
        for c in support:
            there = changed(self._net, {self.weights[c]: _STEP}).evaluate(points)
            columns.append([(there[r][o] - here[r][o]) / _STEP for r, o in enumerate(outputs)])
        found = nullspace(Matrix.from_rows(columns).transpose())
        if found.shape[1] != 1:
            return None
        values = [row[0] for row in found.rows()]
        most = max(values, key=abs)
        return {self.weights[c]: v / most for c, v in zip(support, values, strict=True) if v}

    def _basis(self) -> Residues:
        """A basis of the rows' span."""
        if self._read < len(self._rows):
            rows = np.concatenate([self._reduced, self._rows[self._read :]])
            reduced, rank = _table(rows).rref()
            flat = np.array([int(v) for v in reduced.entries()], dtype=np.int64)
            self._reduced = flat.reshape(rows.shape)[:rank]
            self._read = len(self._rows)
        return self._reduced


def _table(rows: Residues) -> nmod_mat:
    return nmod_mat(rows.shape[0], rows.shape[1], rows.ravel().tolist(), PRIME)


def _residues(num: fmpz_mat, den: int) -> Residues:
    """num / den modulo the prime."""
    flat = modular([int(v) for v in num.entries()]) * pow(den, -1, PRIME) % PRIME
    return flat.reshape(num.nrows(), num.ncols())


def _signs(values: Points) -> NDArray[np.int8]:
    flat = [(v > 0) - (v < 0) for v in values.num.entries()]
    return np.array(flat, dtype=np.int8).reshape(values.num.nrows(), values.num.ncols())
