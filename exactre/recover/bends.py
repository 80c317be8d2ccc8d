"""Every bend of the oracle's function on a plane, followed from vertex to vertex; exact.

On a plane the bends are a planar graph. Beside an edge the function is affine, so the edge ends where the
affine piece on one of its sides does. Around a vertex the function is homogeneous, so the edges that leave it
are found by turning around it once. In low input dimension this shows what lines do not: where a boundary
goes on straight, where it bends and at what, and where it is hidden.

Nothing is proved here: an edge that starts and ends between two looks stays unseen, as on a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from exactre.complex.cone import Vector, dot
from exactre.complex.joining import Ridge
from exactre.recover.fan import Bend, cross, fan, opposite
from exactre.recover.line import Form, first_kink
from exactre.recover.plane import Direction, Plane, Point, shortest

_FAR = Fraction(1 << 40)
_NEAR = Fraction(1, 1 << 48)  # where an edge is first looked at, from its start


@dataclass(frozen=True)
class Edge:
    """A straight piece of a boundary: its hyperplane (r + 1,), its ends as (x, 1) or a direction (d, 0)."""

    row: Vector
    generators: tuple[Vector, ...]


class Bends:
    """The graph of what bends on a plane; vertices may lie inside an edge that goes on straight.

    `edges` and `vertices` are what has been followed; `lost` counts ends that were not found.
    """

    def __init__(self, plane: Plane, most: int) -> None:
        self.edges: list[Edge] = []
        self.vertices: dict[Point, list[Bend]] = {}
        self.lost = 0
        self._plane = plane
        self._most = most
        self._number: dict[tuple[Point, Direction], int] = {}  # edge by an end and the direction from there

    def follow(self, start: Point, form: Form) -> bool:
        """Follow all that hangs together with a point of a bend along the plane's line of `form` (r + 1,).

        False once there are more vertices than wanted.
        """
        a, b, _ = self._plane.chart.restrict(form)
        along = shortest((-b, a))
        self.vertices[start] = fan(self._plane, start, [along, opposite(along)])
        stack = [start]
        while stack:
            v = stack.pop()
            for bend in self.vertices[v]:
                if (v, bend.direction) not in self._number:
                    if len(self.vertices) > self._most:
                        return False
                    stack += self._walk(v, bend)
        return True

    def has(self, point: Point) -> bool:
        """Whether a point of the plane is on an edge that is known."""
        x = self._plane.homogeneous(point)
        return any(dot(edge.row, x) == 0 and _inside(x, edge.generators) for edge in self.edges)

    def ridges(self) -> Iterator[list[list[Ridge]]]:
        """Which edges meet at each vertex and go on into each other: all ways to read it, one as a rule.

        Where two boundaries bend at a third at the same place, their parts can belong together in two ways,
        or they have a part in common; the number of its copy is `~i`.
        """
        for v, bends in self.vertices.items():
            way = {self._number[v, bend.direction]: bend for bend in bends}
            pairs = [
                (i, k)
                for i, k in combinations(way, 2)
                if way[i].row == way[k].row and way[i].direction == opposite(way[k].direction)
            ]
            bent = [i for i in way if all(i not in pair for pair in pairs)]
            yield list(_crowded(way, pairs, bent)) or [[Ridge(tuple(pairs), tuple(bent))]]

    def special(self) -> Iterator[str]:
        """Vertices that two boundaries in general position do not have, each with what is special; exact."""
        for v, bends in self.vertices.items():
            *x, t = self._plane.homogeneous(v)
            place = ", ".join(str(Fraction(a, t)) for a in x)
            if len(bends) > 4:
                yield f"more than two boundaries meet at ({place})"
            elif len(bends) == 3:
                yield f"a boundary is hidden beyond ({place})"

    def _walk(self, v: Point, bend: Bend) -> list[Point]:
        """Record the edge; its end, if that is a vertex that has to be looked at."""
        x, d = self._plane.homogeneous(v), bend.direction
        self._number[v, d] = len(self.edges)
        ahead = (*self._plane.lifted(d), 0)
        end = self._end(v, bend)
        if end is None:
            self.edges.append(Edge(bend.row, (x, ahead)))
            return []
        w, sides = end
        back = opposite(d)
        fresh = back not in {other.direction for other in self.vertices.get(w, ())}
        if fresh:
            known = [other.direction for other in self.vertices.get(w, ())]
            self.vertices[w] = fan(self._plane, w, [*known, back, d], sides)
        matches = [
            other
            for other in self.vertices[w]
            if other.direction == back and (other.left, other.right) == (bend.right, bend.left)
        ]
        if not matches:
            self.lost += 1
        self._number[w, back] = len(self.edges)
        self.edges.append(Edge(bend.row, (x, self._plane.homogeneous(w))))
        return [w] if fresh else []

    def _end(self, v: Point, bend: Bend) -> tuple[Point, list[Direction]] | None:
        """The vertex at which an edge ends, with the directions of what bends there beside it; or none."""
        d = bend.direction
        until, best = _FAR, None
        sides: list[Direction] = []
        for side, piece in ((1, bend.left), (-1, bend.right)):
            kink = first_kink(self._plane.jets, self._plane.beside(v, d, side), piece, _NEAR, until)
            if kink is None:
                continue
            g = self._plane.chart.restrict(kink.form)
            slope = g[0] * d[0] + g[1] * d[1]
            t = -(g[0] * v[0] + g[1] * v[1] + g[2]) / slope if slope else Fraction(0)
            if t <= 0:
                self.lost += 1
                continue
            ray = (-g[1], g[0])
            ray = shortest(ray if cross(d, ray) * side > 0 else opposite(ray))
            if best is None or t < best:
                best, sides = t, [ray]
            elif t == best:
                sides.append(ray)
            until = min(until, kink.t1 + (kink.t1 - _NEAR) / 1024)
        if best is None:
            return None
        return (v[0] + best * d[0], v[1] + best * d[1]), sides


def _crowded(
    way: Mapping[int, Bend], pairs: Sequence[tuple[int, int]], bent: Sequence[int]
) -> Iterator[list[Ridge]]:
    """The ways to read a vertex at which two boundaries bend at a third one, which may end there."""
    if len(pairs) > 1 or len(bent) not in (4, 5):
        return
    for third in [pair[0] for pair in pairs] or bent:
        turns = {i: cross(way[third].direction, way[i].direction) for i in bent if i != third}
        left, right = ([i for i, turn in turns.items() if turn * side > 0] for side in (1, -1))
        ends = () if pairs else (third,)
        if len(left) == len(right) == 2:
            for matched in (zip(left, right, strict=True), zip(left, reversed(right), strict=True)):
                yield [Ridge(tuple(pairs), (*ends, *match)) for match in matched]
        elif {len(left), len(right)} == {1, 2} and not pairs:
            [common], (a, b) = sorted((left, right), key=len)
            yield [Ridge((), (third, common, a)), Ridge((), (third, ~common, b))]


def _inside(x: Vector, ends: Sequence[Vector]) -> bool:
    """Whether a point of an edge's line is on the edge: x a nonnegative combination of its ends."""
    first, second = ends
    k = next(i for i, (a, b) in enumerate(zip(first, second, strict=True)) if a * second[-1] != b * first[-1])
    det = first[k] * second[-1] - first[-1] * second[k]
    one = x[k] * second[-1] - x[-1] * second[k]
    other = first[k] * x[-1] - first[-1] * x[k]
    return one * det >= 0 and other * det >= 0
