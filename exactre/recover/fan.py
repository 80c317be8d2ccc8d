"""All edges that leave a point of a plane: one turn around it, where the function is homogeneous; exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import pairwise
from math import isqrt

from exactre.rational import Matrix
from exactre.recover.line import Form
from exactre.recover.plane import Direction, NotClose, Plane, Point

_RADII = (40, 80, 160)  # binary digits of the distance at which a vertex is gone around
_SPLITS = 30  # how often a sector around a vertex is cut
_CLOSER = 20  # binary digits of the angle at which an edge is confirmed, below its sector's


@dataclass(frozen=True)
class Bend:
    """An edge that leaves a vertex: its hyperplane as `row` (r + 1,), the pieces to its left and right."""

    direction: Direction
    row: Form
    left: Matrix
    right: Matrix


def fan(plane: Plane, v: Point, sure: Sequence[Direction], hints: Sequence[Direction] = ()) -> list[Bend]:
    """The bends that leave a point, counterclockwise; nothing where no distance is small enough.

    What bends about a `sure` direction does so there; `hints` are directions in which there may be bends.
    """
    for bits in _RADII:
        try:
            return list(_Turn(plane, v, sure, hints, bits).bends())
        except NotClose:
            continue
    return []


class _Turn:
    """One turn around a vertex, counterclockwise, at a distance of 2^-bits."""

    def __init__(
        self, plane: Plane, v: Point, sure: Sequence[Direction], hints: Sequence[Direction], bits: int
    ):
        self._plane = plane
        self._v = v
        self._sure = set(sure)
        self._rays = {*sure, *hints}
        self._bits = bits
        self._value: Matrix | None = None

    def bends(self) -> Iterator[Bend]:
        rays = _all_around(self._rays)
        samples = [_middle(a, b) for a, b in zip(rays, [*rays[1:], rays[0]], strict=True)]
        pieces = self._at(samples)
        for k in range(len(samples)):
            after = (k + 1) % len(samples)
            yield from self._sector(samples[k], pieces[k], samples[after], pieces[after], _SPLITS)

    def _sector(self, a: Direction, p: Matrix, b: Direction, q: Matrix, left: int) -> Iterator[Bend]:
        """The edges between two directions, less than half a turn apart, with these pieces."""
        if p == q:
            return
        if not left:
            raise NotClose
        if cross(a, b) <= 0:
            quarter = (-a[1], a[0])
            [piece] = self._at([quarter])
            yield from self._sector(a, p, quarter, piece, left - 1)
            yield from self._sector(quarter, piece, b, q, left - 1)
            return
        found = self._plane.ray(p, q)
        cuts = []
        if found is not None:
            row, d = found
            d = d if cross(a, d) > 0 else opposite(d)
            if cross(a, d) > 0 and cross(d, b) > 0:
                bend = Bend(d, row, q, p)
                cuts = [_beside(d, a), _beside(d, b)]
                if d in self._sure:
                    yield bend
                    return
                near = self._at(cuts)
                if near == [p, q]:
                    yield bend
                    return
        if not cuts:
            cuts = [_middle(a, b)]
            near = self._at(cuts)
        steps = [(a, p), *zip(cuts, near, strict=True), (b, q)]
        for (c, before), (e, after) in pairwise(steps):
            yield from self._sector(c, before, e, after, left - 1)

    def _at(self, directions: Sequence[Direction]) -> list[Matrix]:
        pieces = self._plane.pieces(self._v, directions, self._bits)
        for piece in pieces:
            value = self._plane.value(piece, self._v)
            if self._value is not None and value != self._value:
                raise NotClose
            self._value = value
        return pieces


def _all_around(hints: set[Direction]) -> list[Direction]:
    """The directions counterclockwise, with as many more as leave no half-plane without one."""
    rays = sorted(hints, key=cmp_to_key(_turns))
    filled: list[Direction] = []
    for k, a in enumerate(rays):
        filled.append(a)
        b = rays[(k + 1) % len(rays)]
        while cross(a, b) <= 0:
            a = (-a[1], a[0])
            if cross(a, b) == 0 and a[0] * b[0] + a[1] * b[1] > 0:
                break
            filled.append(a)
    return filled


def _turns(a: Direction, b: Direction) -> int:
    """Order by angle in [0, 2 pi)."""
    halves = [(d[1], d[0]) < (0, 0) for d in (a, b)]
    if halves[0] != halves[1]:
        return -1 if halves[1] else 1
    across = cross(a, b)
    return (across < 0) - (across > 0)


def _beside(d: Direction, a: Direction) -> Direction:
    """A direction close to d, on the side of a."""
    x, y = _unit(d), _unit(a)
    return (x[0] << _CLOSER) + y[0], (x[1] << _CLOSER) + y[1]


def _middle(a: Direction, b: Direction) -> Direction:
    """A direction about halfway from a counterclockwise to b, less than half a turn apart."""
    x, y = _unit(a), _unit(b)
    # Off the middle: a sample on an edge would hide it, and edges are at round places.
    return 21 * x[0] + 22 * y[0], 21 * x[1] + 22 * y[1]


def _unit(d: Direction) -> Direction:
    """The direction at a length of 2^128."""
    size = isqrt(d[0] * d[0] + d[1] * d[1])
    return (d[0] << 128) // size, (d[1] << 128) // size


def cross(a: Direction, b: Direction) -> int:
    """Positive where b is counterclockwise of a, less than half a turn."""
    return a[0] * b[1] - a[1] * b[0]


def opposite(d: Direction) -> Direction:
    """Half a turn away."""
    return -d[0], -d[1]
