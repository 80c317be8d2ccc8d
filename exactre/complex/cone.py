"""`Cone`: a polyhedron by rows and by generators at once, cut exactly by one half-space after another.

A polyhedron in R^n is the part t = 1 of a cone of vectors (x, t) in R^(n+1), all integers. A generator with
t > 0 is the vertex x / t, one with t = 0 a direction in which the polyhedron has no end. Both descriptions
are kept, so that the sign of a preactivation on a cell, faces and neighbours need no search.
Source: the double description method (Motzkin et al. 1953; Fukuda and Prodon 1996).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd

from flint import fmpz_mat

from exactre.errors import OutOfBudget
from exactre.linalg import pivot_columns

Vector = tuple[int, ...]
"""Integers (n + 1): a point (x, t), or a row (g, c) that is worth g x + c t there."""

Key = tuple[tuple[Vector, ...], frozenset[Vector]]


def dot(row: Sequence[int], vector: Sequence[int]) -> int:
    """The row's worth at a vector."""
    return sum(a * v for a, v in zip(row, vector, strict=True))


def primitive(vector: Sequence[int]) -> Vector:
    """The vector divided by the greatest common divisor of its entries; zero stays."""
    common = gcd(*vector)
    return tuple(vector) if common in (0, 1) else tuple(v // common for v in vector)


def rank(vectors: Sequence[Vector]) -> int:
    """Rank over Q."""
    return fmpz_mat([list(v) for v in vectors]).rank() if vectors else 0


def check_time(deadline: float | None) -> None:
    """Raise OutOfBudget when the deadline, in the seconds of `time.time`, is over."""
    if deadline is not None and time.time() > deadline:
        raise OutOfBudget("the timeout came before the last cell")


@dataclass(frozen=True)
class Cone:
    """{y : row y >= 0 for every row}: all combinations of `lines`, plus nonnegative ones of `rays`.

    `tight[k]` has bit i set where row i is zero at ray k; every row is zero at every line. Exact.
    """

    rows: tuple[Vector, ...]
    lines: tuple[Vector, ...]
    rays: tuple[Vector, ...]
    tight: tuple[int, ...]

    @classmethod
    def space(cls, n: int) -> Cone:
        """All of R^n: row 0 is t >= 0."""
        units = [tuple(int(i == j) for i in range(n + 1)) for j in range(n + 1)]
        return cls((units[n],), tuple(units[:n]), (units[n],), (0,))

    def sides(self, row: Sequence[int]) -> tuple[bool, bool]:
        """Whether the row is positive, and negative, somewhere on the cone."""
        if any(dot(row, line) for line in self.lines):
            return True, True
        values = [dot(row, ray) for ray in self.rays]
        return any(v > 0 for v in values), any(v < 0 for v in values)

    def cut(self, row: Sequence[int], deadline: float | None = None) -> Cone:
        """The part on which the row is >= 0. Raises OutOfBudget at the deadline (in `time.time()`)."""
        bit = 1 << len(self.rows)
        rows = (*self.rows, tuple(row))
        slopes = [dot(row, line) for line in self.lines]
        crossing = next((k for k, v in enumerate(slopes) if v), None)
        if crossing is not None:
            # One line becomes a ray; all other generators move along it into the hyperplane.
            sign = 1 if slopes[crossing] > 0 else -1
            slope, ray = abs(slopes[crossing]), tuple(sign * v for v in self.lines[crossing])

            def moved(vector: Vector, value: int) -> Vector:
                return primitive([slope * v - value * w for v, w in zip(vector, ray, strict=True)])

            lines = [
                moved(line, v)
                for k, (line, v) in enumerate(zip(self.lines, slopes, strict=True))
                if k != crossing
            ]
            rays = [moved(r, dot(row, r)) for r in self.rays]
            return Cone(rows, tuple(lines), (*rays, ray), (*(m | bit for m in self.tight), bit - 1))
        kept, above, below = [], [], []
        for ray, mask in zip(self.rays, self.tight, strict=True):
            value = dot(row, ray)
            if value >= 0:
                kept.append((ray, mask if value else mask | bit))
            if value > 0:
                above.append((ray, mask, value))
            elif value < 0:
                below.append((ray, mask, value))
        for p, p_mask, p_value in above:
            check_time(deadline)
            for q, q_mask, q_value in below:
                common = p_mask & q_mask
                # Two rays span an edge where no third one lies on all rows that are zero at both.
                if sum(mask & common == common for mask in self.tight) == 2:
                    ray = primitive([p_value * b - q_value * a for a, b in zip(p, q, strict=True)])
                    kept.append((ray, common | bit))
        return Cone(rows, self.lines, tuple(r for r, _ in kept), tuple(m for _, m in kept))

    @cached_property
    def dimension(self) -> int:
        """Dimension of the polyhedron, -1 where it has no point."""
        return rank([*self.lines, *self.rays]) - 1 if any(ray[-1] for ray in self.rays) else -1

    def face(self, index: int) -> Cone:
        """The face on which row `index` is zero."""
        kept = [k for k, mask in enumerate(self.tight) if mask >> index & 1]
        return Cone(
            self.rows, self.lines, tuple(self.rays[k] for k in kept), tuple(self.tight[k] for k in kept)
        )

    def facets(self) -> Iterator[tuple[int, Cone]]:
        """(row, face) of every face of one dimension less, each once, with the first row that cuts it out."""
        seen = set()
        for index in range(1, len(self.rows)):
            face = self.face(index)
            generators = frozenset(face.rays)
            if generators not in seen and face.dimension == self.dimension - 1 >= 0:
                seen.add(generators)
                yield index, face

    @cached_property
    def key(self) -> Key:
        """The same for two cones exactly when they are the same set."""
        if not self.lines:
            return (), frozenset(self.rays)
        table = fmpz_mat([list(line) for line in self.lines]).rref()[0]
        lines = [primitive([int(v) for v in row]) for row in table.tolist()]
        pivots = pivot_columns(table)
        lines = [
            line if line[j] > 0 else tuple(-v for v in line) for line, j in zip(lines, pivots, strict=True)
        ]
        rays = set()
        for ray in self.rays:
            for line, j in zip(lines, pivots, strict=True):
                ray = primitive([line[j] * v - ray[j] * w for v, w in zip(ray, line, strict=True)])
            rays.add(ray)
        return tuple(lines), frozenset(rays)

    @cached_property
    def centre(self) -> Vector:
        """A point of the relative interior, t > 0."""
        return primitive([sum(column) for column in zip(*self.rays, strict=True)])
