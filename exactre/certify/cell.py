"""`Cell`: one closed cell of a case split, and what exact LPs say about it: a point, or multipliers.

Whatever is asked is affine in x alone on the cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from flint import fmpz_mat, nmod_mat

from exactre.check import ONE, ZERO, Derivation, Vector, combine, scale
from exactre.linalg import pivot_columns, rank
from exactre.lp import Farkas, Optimum, Ray, feasible, maximise
from exactre.rational import Matrix

PRIME = 2**61 - 1

Fact = tuple[str, int, Vector]  # kind, index, expression in x


@dataclass(frozen=True)
class Cell:
    """A closed cell: its facts in x, e_k of the atoms not chosen yet and the differences, both reduced.

    `point` (n) is in the cell, and inside every fact that does not hold with equality on the whole cell.
    """

    facts: tuple[Fact, ...]
    forms: dict[int, Vector]
    differences: tuple[Vector, ...]
    point: tuple[Fraction, ...]
    splits: int


def strictly_inside(cell: Cell, t: Vector) -> tuple[Fraction, ...] | Derivation:
    """A point of the cell with t > 0, as far inside as the cell's own point, or a derivation of -t >= 0."""
    system = _System([*(fact for _, _, fact in cell.facts), t], len(cell.point))
    answer = feasible(system.A, system.b, strict=[len(cell.facts)])
    if isinstance(answer, Farkas):
        # The derivation of -t >= 0, t being the last row.
        last = Fraction(t[0], t[1]) / answer.multipliers[len(cell.facts)]
        facts = {i: v * last for i, v in answer.multipliers.items() if i < len(cell.facts)}
        return _with_constant(cell.facts, facts, scale(-1, 1, t))
    found = system.lift(answer.x)
    # The facts' values in integers: a cell has hundreds, and fractions would take longer than the LP.
    den = lcm(*(v.denominator for v in found))
    num = [den, *(v.numerator * (den // v.denominator) for v in found)]
    if all(sum(v * num[basis] for basis, v in fact[2].items()) > 0 for _, _, fact in cell.facts):
        return found
    # From there towards the cell's point as far as t > 0 allows: inside whatever that point is inside of.
    share = Fraction(1, 2)
    while True:
        point = tuple(q + share * (p - q) for p, q in zip(cell.point, found, strict=True))
        if value_at(t, point) > 0:
            return point
        share /= 2


def within(cell: Cell, d: Vector, tolerance: Fraction) -> Derivation | tuple[Fraction, ...]:
    """A derivation of tolerance - d >= 0 in the cell, or a point of it with d > tolerance."""
    system = _System([*(fact for _, _, fact in cell.facts), d], len(cell.point))
    cost = [Fraction(-v * d[0], d[1]) for v in system.A[-1]]
    rows = Matrix.from_rows(system.A[:-1], len(system.columns))  # on all of R^n there may be none
    answer = maximise(cost, rows, system.b[:-1])
    if isinstance(answer, Ray):
        x, direction = system.lift(answer.x), system.lift(answer.direction)
        reach = Fraction(1)
        while True:
            point = tuple(p + reach * v for p, v in zip(x, direction, strict=True))
            if value_at(d, point) > tolerance:
                return point
            reach *= 2
    assert isinstance(answer, Optimum)  # the cell has a point
    found = system.lift(answer.x)
    if value_at(d, found) > tolerance:
        return found
    bounded = combine([(*tolerance.as_integer_ratio(), ONE), (-1, 1, d)])
    return _with_constant(cell.facts, answer.multipliers, bounded)


def exclude(cell: Cell, contest: Sequence[tuple[Fact, bool]]) -> Derivation | tuple[Fraction, ...]:
    """A point of the cell where all facts of a contest hold, strictly where True, or an exclusion."""
    facts = [*cell.facts, *(fact for fact, _ in contest)]
    system = _System([vector for _, _, vector in facts], len(cell.point))
    strict = [len(cell.facts) + i for i, (_, is_strict) in enumerate(contest) if is_strict]
    answer = feasible(system.A, system.b, strict=strict)
    if isinstance(answer, Farkas):
        multipliers = {i: Fraction(v) for i, v in answer.multipliers.items()}
        return _with_constant(facts, multipliers, ZERO)
    return system.lift(answer.x)


def value_at(vector: Vector, point: Sequence[Fraction]) -> Fraction:
    """An expression's value at a point, of an expression in x alone."""
    n, d, entries = vector
    total = sum((v * point[basis - 1] for basis, v in entries.items() if basis), Fraction(entries.get(0, 0)))
    return total * Fraction(n, d)


class _System:
    """Expressions f >= 0 as rows -f . x <= f_0 of primitive integers, in the fewest coordinates that matter.

    Columns that span all others are kept: with the other coordinates zero the rows still take all their
    values, so that a cell of few facts in 784 inputs is a program in a few unknowns.
    """

    def __init__(self, vectors: list[Vector], inputs: int) -> None:
        rows = [[-entries.get(1 + j, 0) for j in range(inputs)] for _, _, entries in vectors]
        self.inputs = inputs
        self.columns = list(range(inputs))
        if len(vectors) < inputs:
            matrix = Matrix(fmpz_mat(rows))
            columns = pivot_columns(nmod_mat(matrix.num, PRIME).rref()[0])
            if len(columns) == rank(matrix):  # over Q, so that the prime has hidden none
                self.columns = columns or [0]
                rows = [[row[j] for j in self.columns] for row in rows]
        self.A = rows
        self.b = [entries.get(0, 0) for _, _, entries in vectors]

    def lift(self, x: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """The point in all coordinates."""
        point = [Fraction(0)] * self.inputs
        for j, v in zip(self.columns, x, strict=True):
            point[j] = v
        return tuple(point)


def _with_constant(facts: Sequence[Fact], multipliers: Mapping[int, Fraction], target: Vector) -> Derivation:
    """The derivation from multipliers of the primitive facts, and what is left, a constant >= 0, of `one`."""
    terms: list[tuple[str, int, tuple[int, int]]] = []
    rest = [(1, 1, target)]
    for i, y in sorted(multipliers.items()):
        kind, k, fact = facts[i]
        n, d, _ = fact
        p, q = (y * Fraction(d, n or 1)).as_integer_ratio()
        terms.append((kind, k, (p, q)))
        rest.append((-p, q, fact))
    n, d, entries = combine(rest)
    if entries:
        terms.append(("one", 0, (n, d)))
    return Derivation(terms)
