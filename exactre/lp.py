"""Exact linear programming: a rational point or Farkas multipliers, and nothing unproved.

A float solver proposes a point or a basis of `min t, A x - t <= b, t >= -1`, which always has an
optimal basis. A proposed point is verified exactly. Otherwise the basis goes to exact pivots, which
prove it or repair it. What comes back has passed `is_point` or `is_farkas`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from flint import fmpz_mat

from exactre.errors import ShapeError
from exactre.guess import Floats, Scaled, Search
from exactre.linalg import pivot_columns
from exactre.pivots import (
    Contradiction,
    Direction,
    Program,
    Vector,
    Vertex,
    optimise,
    proved,
    solve,
)
from exactre.rational import Matrix, Rational

# Each look gains 10 to 40 binary digits; what five looks do not show, exact pivots find.
_LOOKS = 5

Rows = Matrix | Sequence[Sequence[Rational]]
Column = Matrix | Sequence[Rational]


@dataclass(frozen=True)
class Point:
    """A solution `x` (n) of the system, exact over Q."""

    x: tuple[Fraction, ...]


@dataclass(frozen=True)
class Farkas:
    """Proof that there is no solution: integer multipliers y by row, without zeros or common factor.

    y >= 0 except at equality rows, y A = 0, and y b < 0, or y b = 0 with a strict row used.
    """

    multipliers: Mapping[int, int]


@dataclass(frozen=True)
class Optimum:
    """Greatest `value` of c x, the point `x` (n) that has it, and y with y A = c, y b = value, y >= 0."""

    value: Fraction
    x: tuple[Fraction, ...]
    multipliers: Mapping[int, Fraction]


@dataclass(frozen=True)
class Ray:
    """No greatest value: from the solution `x` (n) along `direction` (n), c x grows for ever."""

    x: tuple[Fraction, ...]
    direction: tuple[Fraction, ...]


def feasible(
    A: Rows, b: Column, *, strict: Collection[int] = (), equal: Collection[int] = ()
) -> Point | Farkas:
    """A point with A x <= b, or Farkas multipliers that prove there is none; exact over Q.

    A is (m, n), b is (m). Rows in `strict` hold as <, rows in `equal` as =. Raises ShapeError.
    """
    return _System(A, b, strict, equal).decide()


def maximise(
    c: Sequence[Rational], A: Rows, b: Column, *, equal: Collection[int] = ()
) -> Optimum | Ray | Farkas:
    """The maximum of c x over A x <= b, or an unbounded ray, or a proof that there is no point; exact over Q.

    c is (n), A is (m, n), b is (m). Rows in `equal` hold as =. Raises ShapeError.
    """
    return _System(A, b, (), equal).maximise([Fraction(v) for v in c])


def is_point(
    x: Sequence[Rational], A: Rows, b: Column, *, strict: Collection[int] = (), equal: Collection[int] = ()
) -> bool:
    """True when x (n) solves the system exactly."""
    system = _System(A, b, strict, equal)
    return len(x) == system.n and system.is_point(_vector([Fraction(v) for v in x]))


def is_farkas(
    multipliers: Mapping[int, int],
    A: Rows,
    b: Column,
    *,
    strict: Collection[int] = (),
    equal: Collection[int] = (),
) -> bool:
    """True when the multipliers by row prove exactly that the system has no solution."""
    system = _System(A, b, strict, equal)
    if not all(0 <= i < system.m and (y >= 0 or i in system.equal) for i, y in multipliers.items()):
        return False
    unit = lcm(*(system.factors[i].numerator for i in multipliers))
    y = {i: int(v * unit / system.factors[i]) for i, v in multipliers.items()}
    if any(sum(v * system.rows[i][j] for i, v in y.items()) for j in range(system.n)):
        return False
    bound = sum(v * system.rhs[i] for i, v in y.items())
    return bound < 0 or (bound == 0 and any(v > 0 for i, v in y.items() if i in system.strict))


class _System:
    """A x <= b with primitive integer rows: given row i times `factors[i]` > 0."""

    def __init__(self, A: Rows, b: Column, strict: Collection[int], equal: Collection[int]) -> None:
        rows, rhs, scales, self.n = _integers(A, b)
        self.m = len(rows)
        self.strict, self.equal = frozenset(strict), frozenset(equal)
        for i in self.strict | self.equal:
            if not 0 <= i < self.m:
                raise ShapeError(f"expected strict and equal rows from 0 to {self.m - 1}, found {i}")
        if self.strict & self.equal:
            raise ShapeError(f"row {min(self.strict & self.equal)} is named both strict and equal")
        contents = [gcd(h, *row) or 1 for row, h in zip(rows, rhs, strict=True)]
        self.rows = [row if g == 1 else [v // g for v in row] for row, g in zip(rows, contents, strict=True)]
        self.rhs = [h // g for h, g in zip(rhs, contents, strict=True)]
        self.factors = [Fraction(s, g) for s, g in zip(scales, contents, strict=True)]
        self.matrix = fmpz_mat(self.m, self.n, [v for row in self.rows for v in row])

    def decide(self) -> Point | Farkas:
        equations = _Equations(self)
        if equations.contradiction:
            return self._farkas(equations.contradiction)
        scaled = Scaled(self.rows, self.rhs, self.n)
        # Slack in every inequality gives a point off all of them, with short coordinates.
        found = self._with_slack(scaled, equations, frozenset(range(self.m)) - self.equal)
        if isinstance(found, Vertex) and found.point[0][-1] == 0:
            # A flat polyhedron: slack where it is asked for, and nowhere else.
            if not self.strict:
                return Point(_fractions((found.point[0][:-1], found.point[1])))
            found = self._with_slack(scaled, equations, self.strict)
        return self._farkas(found.multipliers) if isinstance(found, Vertex) else Point(_fractions(found))

    def maximise(self, c: list[Fraction]) -> Optimum | Ray | Farkas:
        if len(c) != self.n:
            raise ShapeError(f"expected an objective of {self.n} coefficients, found {len(c)}")
        equations = _Equations(self)
        if equations.contradiction:
            return self._farkas(equations.contradiction)
        scale = lcm(*(v.denominator for v in c))
        cost = [-int(v * scale) for v in c]
        program = Program(self.rows, self.rhs, cost, equations.independent)
        scaled = Scaled(self.rows, self.rhs, self.n)
        active: list[int] = []
        for _, active in _looks(program, scaled.optimum(cost, self.equal), scaled.column_exponents):
            vertex = proved(program, active)
            if vertex is not None:
                return self._optimum(c, scale, vertex)
        if not active:
            # Infeasible or unbounded, says the solver: each question has a quick exact answer of its own.
            start = self.decide()
            if isinstance(start, Farkas):
                return start
            ray = _System([*self.rows, cost], [0] * self.m + [-1], (), self.equal).decide()
            if isinstance(ray, Point):
                return Ray(start.x, ray.x)
        answer = optimise(program, active)
        if isinstance(answer, Contradiction):
            return self._farkas(answer.multipliers)
        if isinstance(answer, Direction):
            start = self.decide()
            return Ray(start.x, tuple(map(Fraction, answer.direction))) if isinstance(start, Point) else start
        return self._optimum(c, scale, answer)

    def _optimum(self, c: list[Fraction], scale: int, vertex: Vertex) -> Optimum:
        x, unit = _fractions(vertex.point), vertex.denominator * scale
        y = {i: v * self.factors[i] / unit for i, v in sorted(vertex.multipliers.items())}
        return Optimum(sum((p * q for p, q in zip(c, x, strict=True)), Fraction(0)), x, y)

    def is_point(self, x: Vector) -> bool:
        num, den = x
        values = (self.matrix * fmpz_mat(self.n, 1, num)).entries()
        return all(
            v == h * den if i in self.equal else v < h * den if i in self.strict else v <= h * den
            for i, (v, h) in enumerate(zip(values, self.rhs, strict=True))
        )

    def _with_slack(self, scaled: Scaled, equations: _Equations, slack: frozenset[int]) -> Vector | Vertex:
        """A solution x with slack in the rows `slack`, or the proof that there is none.

        The proof is the optimum (x, t) of min t with A x - t <= b in those rows and t >= -1, where t >= 0.
        The units of t are those of `scaled`, times the power of two that makes all coefficients whole.
        """
        low = min(0, *scaled.row_exponents, 0)
        rows = [
            [*row, -(1 << e - low) if i in slack else 0]
            for i, (row, e) in enumerate(zip(self.rows, scaled.row_exponents, strict=True))
        ]
        rows.append([0] * self.n + [-(1 << -low)])
        program = Program(rows, [*self.rhs, 1], [0] * self.n + [1], equations.independent)

        def shorten(point: Vector) -> Vector | None:
            (*x, t), den = point
            if t >= 0:
                return None
            # Scaled entries are at most 1: rounding errors of |t| / 4n move no row by more than |t| / 4.
            bits = (4 * self.n * den // (-t << -low)).bit_length()
            for candidate in (_rounded((x, den), bits, scaled.column_exponents), (x, den)):
                solution = equations.project(candidate)
                if self.is_point(solution):
                    return solution
            return None

        active: list[int] = []
        search = scaled.least_slack(slack, self.equal)
        for point, active in _looks(program, search, [*scaled.column_exponents, low]):
            solution = shorten(point)
            if solution is not None:
                return solution
            vertex = proved(program, active)
            if vertex is not None:
                return shorten(vertex.point) or vertex
        repaired = optimise(program, active)
        assert isinstance(repaired, Vertex)  # there are points, and t >= -1
        return shorten(repaired.point) or repaired

    def _farkas(self, y: Mapping[int, int]) -> Farkas:
        """Multipliers of the primitive rows as coprime integer multipliers of the given rows."""
        given = {i: v * self.factors[i] for i, v in sorted(y.items())}
        scale = lcm(*(v.denominator for v in given.values()))
        whole = {i: int(v * scale) for i, v in given.items()}
        common = gcd(*whole.values())
        return Farkas({i: v // common for i, v in whole.items()})


class _Equations:
    """The equality rows of a system: an independent set of them, or a contradiction among them."""

    def __init__(self, system: _System) -> None:
        names = sorted(system.equal)
        self.rows = [system.rows[i] for i in names]
        self.rhs = [system.rhs[i] for i in names]
        self.independent = frozenset(names)
        self.contradiction: dict[int, int] = {}
        self.pivots: list[int] = []
        if not names:
            return
        matrix = fmpz_mat(len(names), system.n, [v for row in self.rows for v in row])
        relations, nullity = matrix.transpose().nullspace()
        for k in range(nullity):
            y = [int(relations[i, k]) for i in range(len(names))]
            bound = sum(v * h for v, h in zip(y, self.rhs, strict=True))
            if bound != 0:
                sign = -1 if bound > 0 else 1
                self.contradiction = {i: sign * v for i, v in zip(names, y, strict=True) if v}
                return
        if nullity:
            kept = pivot_columns(matrix.transpose().rref()[0])
            self.rows, self.rhs = [self.rows[k] for k in kept], [self.rhs[k] for k in kept]
            self.independent = frozenset(names[k] for k in kept)
        # Solve for the coordinates with the largest entries: rounding the others moves these least.
        order = sorted(range(system.n), key=lambda j: -max((abs(row[j]) for row in self.rows), default=0))
        permuted = fmpz_mat(len(self.rows), system.n, [row[j] for row in self.rows for j in order])
        self.pivots = [order[k] for k in pivot_columns(permuted.rref()[0])]

    def project(self, x: Vector) -> Vector:
        """The point with the pivot coordinates solved for, so that every equation holds."""
        if not self.pivots:
            return x
        num, den = x
        free = [0 if j in self.pivots else v for j, v in enumerate(num)]
        rest = [
            h * den - sum(a * v for a, v in zip(row, free, strict=True))
            for row, h in zip(self.rows, self.rhs, strict=True)
        ]
        solved, scale = solve([[row[j] for j in self.pivots] for row in self.rows], rest)
        result = [v * scale for v in free]
        for j, v in zip(self.pivots, solved, strict=True):
            result[j] = v
        return result, den * scale


def _looks(program: Program, search: Search, exponents: Sequence[int]) -> Iterator[tuple[Vector, list[int]]]:
    """Proposed points and bases, each found by looking closer at where the last point was wrong."""
    centre, zoom = ([0] * len(exponents), 1), 0
    for _ in range(_LOOKS):
        guess = search.propose()
        if guess is None:
            return
        centre = _sum(centre, _dyadic(guess.point, [e - zoom for e in exponents]))
        yield centre, guess.active
        num, den = centre
        residual = [h * den - v for h, v in zip(program.rhs, program.values(num), strict=True)]
        zoom = search.look_closer(residual, den, zoom)


def _integers(A: Rows, b: Column) -> tuple[list[list[int]], list[int], list[int], int]:
    """Integer rows and right-hand sides, the positive integer that each row was multiplied by, and n."""
    m, height = (
        (A.shape[0] if isinstance(A, Matrix) else len(A)),
        (b.shape[0] if isinstance(b, Matrix) else len(b)),
    )
    if height != m or (isinstance(b, Matrix) and b.shape[1] != 1):
        raise ShapeError(f"expected one right-hand side for each of {m} rows, found {height}")
    if isinstance(A, Matrix) and isinstance(b, Matrix):
        n, flat = A.shape[1], [int(v) for v in A.num.entries()]
        scale = lcm(A.den, b.den)
        p, q = scale // A.den, scale // b.den
        rows = [[v * p for v in flat[i * n : (i + 1) * n]] for i in range(m)]
        rhs, scales = [int(v) * q for v in b.num.entries()], [scale] * m
    else:
        given = A.rows() if isinstance(A, Matrix) else [_rationals(row) for row in A]
        column = [row[0] for row in b.rows()] if isinstance(b, Matrix) else _rationals(b)
        n = A.shape[1] if isinstance(A, Matrix) else len(given[0]) if given else 0
        for i, row in enumerate(given):
            if len(row) != n:
                raise ShapeError(f"expected {n} coefficients in row {i}, found {len(row)}")
        scales = [lcm(*{v.denominator for v in (h, *row)}) for row, h in zip(given, column, strict=True)]
        rows = [_whole(row, s) for row, s in zip(given, scales, strict=True)]
        rhs = [v for h, s in zip(column, scales, strict=True) for v in _whole([h], s)]
    return rows, rhs, scales, n


def _rationals(row: Sequence[Rational]) -> Sequence[int | Fraction]:
    """The row itself where it has integers alone: Fractions of them take longer than the LP."""
    return row if all(type(v) is int for v in row) else [Fraction(v) for v in row]


def _whole(row: Sequence[int | Fraction], scale: int) -> list[int]:
    """The row times `scale`, a multiple of all denominators."""
    return [v.numerator * (scale // v.denominator) for v in row]


def _dyadic(scaled: Floats, columns: Sequence[int]) -> Vector:
    """Floats in units of 2**columns[j] as the exact vector, less what is below 2**-80 of a unit."""
    return _shifted([int(v) for v in np.ldexp(scaled, 80)], [c - 80 for c in columns])


def _sum(a: Vector, b: Vector) -> Vector:
    """Sum of two dyadic vectors."""
    den = max(a[1], b[1])
    p, q = den // a[1], den // b[1]
    return [v * p + w * q for v, w in zip(a[0], b[0], strict=True)], den


def _rounded(x: Vector, bits: int, columns: Sequence[int]) -> Vector:
    """x rounded to multiples of 2**(columns[j] - bits)."""
    num, den = x
    units = [c - bits for c in columns]
    whole = [
        ((v << -u) * 2 + den) // (2 * den) if u <= 0 else (v * 2 + (den << u)) // (2 * den << u)
        for v, u in zip(num, units, strict=True)
    ]
    return _shifted(whole, units)


def _shifted(whole: Sequence[int], units: Sequence[int]) -> Vector:
    low = min(0, *units, 0)
    return [v << u - low for v, u in zip(whole, units, strict=True)], 1 << -low


def _vector(x: Sequence[Fraction]) -> Vector:
    den = lcm(*(v.denominator for v in x))
    return [int(v * den) for v in x], den


def _fractions(x: Vector) -> tuple[Fraction, ...]:
    return tuple(Fraction(v, x[1]) for v in x[0])
