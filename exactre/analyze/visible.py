"""Pieces on which the function bends, of the boundary of one neuron and of no other; exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from exactre.certify.sampling import SCALES, Sampler
from exactre.complex.cells import Cell, Face
from exactre.network import INPUT, Network, Node
from exactre.rational import Points
from exactre.region import Pattern, Region, region

_POINTS = 12  # of each scale
_LINES = 24  # for each neuron
_HALVINGS = 60


@dataclass(frozen=True)
class VisiblePiece:
    """A piece of a neuron of `node`: its preactivation's `form` (n + 1), and the `cell` beside it; exact."""

    node: Node
    pattern: Pattern
    cell: Region
    form: list[Fraction]

    def values(self) -> list[list[Fraction]]:
        """The forms (n + 1) near the piece of all values that the neuron reads, then of 1."""
        n, values = len(self.form) - 1, []
        for source, weight in self.node.inputs:
            for k in range(weight.shape[1]):
                if source == INPUT:
                    values.append([Fraction(int(i == k)) for i in range(n + 1)])
                elif source in self.pattern and self.pattern[source][k] <= 0:
                    values.append([Fraction(0)] * (n + 1))
                else:
                    read = self.cell.forms[source]
                    values.append([*(read.weight[k, i] for i in range(n)), read.bias[k, 0]])
        return [*values, [Fraction(int(i == n)) for i in range(n + 1)]]


class Boundaries:
    """Random points with all preactivations, from which boundary points of every neuron are searched."""

    def __init__(self, net: Network) -> None:
        self.net = net
        sampler = Sampler(None, net.input_dim)
        self.points = [p for scale in SCALES for p in sampler.points(scale, _POINTS)]
        self.values = net.preactivations(Points.of(self.points, net.input_dim))

    def visible_pieces(self, node: Node, j: int) -> Iterator[VisiblePiece]:
        """Visible pieces of neuron j of the node, where lines between points of both signs meet them."""
        u = [self.values[node.name].num[k, j] for k in range(len(self.points))]
        sides = [[p for p, v in zip(self.points, u, strict=True) if v * sign > 0] for sign in (1, -1)]
        pairs = ((p, q) for p in sides[0] for q in sides[1][: _LINES // 4])
        for p, q in islice(pairs, _LINES):
            x = self._crossing(node.name, j, p, q)
            if x is not None:
                yield from self._piece(node, j, self.net.pattern(x))

    def _crossing(
        self, name: str, j: int, p: Sequence[Fraction], q: Sequence[Fraction]
    ) -> tuple[Fraction, ...] | None:
        """A zero of u between p (u > 0) and q (u < 0), once no earlier neuron changes sign between them."""
        net = self.net
        earlier = [node.name for node in net.nodes[: [n.name for n in net.nodes].index(name)]]
        for _ in range(_HALVINGS):
            left, right = net.pattern(p), net.pattern(q)
            if all(left.get(node) == right.get(node) for node in earlier):
                u = [net.preactivations([x])[name][0][j] for x in (p, q)]
                t = u[0] / (u[0] - u[1])
                return tuple(a + t * (b - a) for a, b in zip(p, q, strict=True))
            middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
            if net.preactivations([middle])[name][0][j] > 0:
                p = middle
            else:
                q = middle
        return None

    def _piece(self, node: Node, j: int, pattern: Pattern) -> Iterator[VisiblePiece]:
        """The piece around a point of this pattern, if nothing else is zero there and the function bends."""
        zeros = [(name, k) for name, signs in pattern.items() for k, s in enumerate(signs) if s == 0]
        if zeros == [(node.name, j)]:
            yield from visible(self.net, node, j, pattern)


def visible(net: Network, node: Node, j: int, pattern: Pattern) -> Iterator[VisiblePiece]:
    """The piece of neuron j of the node around a point of the pattern, if the function bends there."""
    signs = pattern[node.name]
    on, off = (region(net, {**pattern, node.name: (*signs[:j], sign, *signs[j + 1 :])}) for sign in (1, -1))
    if on.output != off.output:
        own = on.forms[node.name]
        form = [*(own.weight[j, i] for i in range(net.input_dim)), own.bias[j, 0]]
        yield VisiblePiece(node, pattern, on, form)


def visible_faces(
    net: Network, node: Node, j: int, z: int, cells: Sequence[Cell], faces: Sequence[Face]
) -> Iterator[VisiblePiece]:
    """The same on every face of the complex that is of neuron j of the node, number z, alone."""
    for face in faces:
        if face.neurons == (z,) and face.bends:
            signs, pattern = iter(cells[face.below].signs), {}
            for own in net.hidden:
                pattern[own.name] = tuple(next(signs) for _ in range(own.width))
            yield from visible(net, node, j, pattern)
