"""Exact simplex pivots on FLINT: from any proposed basis to a proved optimum, ray or contradiction.

The program is `min cost . z` over `rows z <= rhs` (some rows equalities), with z free. A basis is
a set of N independent rows held with equality. A good guess needs no pivot at all: two solves prove
it. A wrong one is repaired in two stages, each finite by Bland's rule: the right-hand sides that
the guess violates are loosened and the primal simplex makes the multipliers nonnegative, then the
true right-hand sides come back and the dual simplex makes the vertex feasible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import cast

from flint import fmpq_mat, fmpz_mat, nmod_mat

from exactre.linalg import pivot_columns

Vector = tuple[list[int], int]
"""Rational vector: integers over one positive denominator."""

_PRIME = 2**61 - 1


@dataclass(frozen=True)
class Program:
    """`min cost . z` over `rows z <= rhs`, equality at the rows in `equal`; all integers, z free.

    The rows in `equal` must be linearly independent.
    """

    rows: Sequence[Sequence[int]]
    rhs: Sequence[int]
    cost: Sequence[int]
    equal: frozenset[int] = frozenset()

    @cached_property
    def matrix(self) -> fmpz_mat:
        """The rows on FLINT."""
        return _matrix(self.rows, len(self.cost))

    def values(self, z: Sequence[int]) -> list[int]:
        """`rows z`."""
        return [int(v) for v in (self.matrix * fmpz_mat(len(z), 1, z)).entries()]


@dataclass(frozen=True)
class Vertex:
    """Optimum: `point` z (N) and `multipliers` by row, with `y rows = -cost`, y >= 0 off `equal`."""

    point: Vector
    multipliers: dict[int, int]
    denominator: int


@dataclass(frozen=True)
class Contradiction:
    """No point: integer `multipliers` y by row with `y rows = 0`, `y rhs < 0`, y >= 0 off `equal`."""

    multipliers: dict[int, int]


@dataclass(frozen=True)
class Direction:
    """No bound if there is a point at all: `rows d <= 0` (= 0 in `equal`) and `cost d < 0`."""

    direction: list[int]


def optimise(program: Program, proposed: Iterable[int]) -> Vertex | Contradiction | Direction:
    """Exact optimum of the program, from a proposed basis of any quality, which decides only the time."""
    tableau = _Tableau(program, proposed)
    if tableau.leaving():
        point = tableau.point(program.rhs, 1)
        loosened = [max(h * point[1], v) for h, v in zip(program.rhs, program.values(point[0]), strict=True)]
        direction = tableau.primal(loosened, point[1])
        if direction is not None:
            return Direction(direction)
    return tableau.dual()


def proved(program: Program, proposed: Iterable[int]) -> Vertex | None:
    """The vertex of a proposed basis if it is optimal as it stands."""
    tableau = _Tableau(program, proposed)
    if tableau.leaving():
        return None
    point = tableau.point(program.rhs, 1)
    return tableau.vertex(point) if tableau.violated(point) is None else None


class _Tableau:
    """The program with one basis. Row M + j is the artificial row `z_j`, which may leave but not return."""

    def __init__(self, program: Program, proposed: Iterable[int]) -> None:
        self.program = program
        self.m, self.n = len(program.rows), len(program.cost)
        self._set_active(self._independent([*sorted(program.equal), *proposed]))

    def _row(self, i: int) -> Sequence[int]:
        return self.program.rows[i] if i < self.m else [int(j == i - self.m) for j in range(self.n)]

    def _independent(self, proposed: list[int]) -> list[int]:
        """N independent rows: the proposed ones as far as they go, then artificial ones.

        Independence modulo a prime proves independence over Q; the converse may fail, hence the last line.
        """
        candidates = list(dict.fromkeys(proposed))
        if len(candidates) == self.n:
            basis = _matrix([self._row(i) for i in candidates], self.n)
            if nmod_mat(basis, _PRIME).rank() == self.n:
                return candidates
        candidates += range(self.m, self.m + self.n)
        columns = _matrix([self._row(i) for i in candidates], self.n).transpose()
        modular, rank = nmod_mat(columns, _PRIME).rref()
        pivots = pivot_columns(modular if rank == self.n else columns.rref()[0])
        return [candidates[k] for k in pivots]

    def _set_active(self, active: list[int]) -> None:
        self.active = active
        self.basis = _matrix([self._row(i) for i in active], self.n)
        self.basis_t = self.basis.transpose()
        # y on the active rows with `y basis = -cost`
        self.multipliers = _solve(self.basis_t, [-c for c in self.program.cost])

    def _exchange(self, position: int, entering: int) -> None:
        self._set_active([*self.active[:position], entering, *self.active[position + 1 :]])

    def point(self, rhs: Sequence[int], scale: int) -> Vector:
        """The basis' vertex for right-hand sides `rhs / scale`."""
        num, den = _solve(self.basis, [rhs[i] if i < self.m else 0 for i in self.active])
        return num, den * scale

    def leaving(self) -> list[tuple[bool, int, int]]:
        """Rows whose multiplier has the wrong sign, artificial ones first: (ordinary, row, position)."""
        y, _ = self.multipliers
        return sorted(
            (i < self.m, i, k)
            for k, i in enumerate(self.active)
            if (y[k] < 0 and i not in self.program.equal if i < self.m else y[k] != 0)
        )

    def violated(self, point: Vector) -> int | None:
        """The first row that the point does not satisfy."""
        rhs, (num, den) = self.program.rhs, point
        return next((i for i, v in enumerate(self.program.values(num)) if v > rhs[i] * den), None)

    def vertex(self, point: Vector) -> Vertex:
        """The answer, once the point is feasible and no row is leaving."""
        y, den = self.multipliers
        return Vertex(point, {i: v for i, v in zip(self.active, y, strict=True) if v}, den)

    def primal(self, rhs: Sequence[int], scale: int) -> list[int] | None:
        """Primal simplex from a feasible vertex until y >= 0; the improving ray if there is no bound."""
        while True:
            leaving = self.leaving()
            if not leaving:
                return None
            k = leaving[0][2]
            sign = 1 if self.multipliers[0][k] > 0 else -1
            d, _ = _solve(self.basis, [sign * int(p == k) for p in range(self.n)])
            num, den = self.point(rhs, scale)
            active = set(self.active)
            slope, value = self.program.values(d), self.program.values(num)
            # The step is slack / slope; slack is over den * scale, the same for every row.
            blocking = [
                (rhs[i] * (den // scale) - value[i], slope[i], i)
                for i in range(self.m)
                if slope[i] > 0 and i not in active
            ]
            if not blocking:
                return d
            self._exchange(k, _least_ratio(blocking))

    def dual(self) -> Vertex | Contradiction:
        """Dual simplex from y >= 0 until the vertex is feasible; a contradiction if it never can be."""
        while True:
            point = self.point(self.program.rhs, 1)
            violated = self.violated(point)
            if violated is None:
                return self.vertex(point)
            y, _ = self.multipliers
            share, scale = _solve(self.basis_t, self.program.rows[violated])
            blocking = [
                (abs(y[k]), abs(share[k]), i)
                for k, i in enumerate(self.active)
                if (share[k] != 0 if i >= self.m else share[k] > 0 and i not in self.program.equal)
            ]
            if not blocking:
                combination = {i: -v for i, v in zip(self.active, share, strict=True) if v}
                return Contradiction({**combination, violated: scale})
            self._exchange(self.active.index(_least_ratio(blocking)), violated)


def _least_ratio(candidates: list[tuple[int, int, int]]) -> int:
    """Row of least p / q among (p, q > 0, row); the least row among ties (Bland's rule)."""
    best_p, best_q, best = candidates[0]
    for p, q, row in candidates[1:]:
        difference = p * best_q - best_p * q
        if difference < 0 or (difference == 0 and row < best):
            best_p, best_q, best = p, q, row
    return best


def solve(rows: Sequence[Sequence[int]], rhs: Sequence[int]) -> Vector:
    """The solution of a regular square integer system, in lowest terms."""
    return _solve(_matrix(rows, len(rhs)), rhs)


def _solve(matrix: fmpz_mat, rhs: Sequence[int]) -> Vector:
    num, den = cast(fmpq_mat, matrix.solve(fmpz_mat(len(rhs), 1, rhs))).numer_denom()
    entries = [int(v) for v in num.entries()]
    common = gcd(int(den), *entries)
    return [v // common for v in entries], int(den) // common


def _matrix(rows: Sequence[Sequence[int]], n: int) -> fmpz_mat:
    return fmpz_mat(len(rows), n, [v for row in rows for v in row])
