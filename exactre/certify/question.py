"""`Question`: the two networks, the domain and the claim about them that a verdict is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

from exactre.check import ONE, Vector, combine, long_integers
from exactre.errors import ShapeError
from exactre.network import Network
from exactre.rational import Matrix, Points, Rational


@dataclass(frozen=True)
class Domain:
    """`{x : A x <= b}`, exact over Q: row i is a sparse a_i, (column, value) pairs, and b_i."""

    input_dim: int
    rows: tuple[tuple[tuple[tuple[int, Fraction], ...], Fraction], ...]

    @classmethod
    def polyhedron(cls, A: Matrix | Sequence[Sequence[Rational]], b: Matrix | Sequence[Rational]) -> Domain:
        """Domain of the points x with A x <= b; A is (m, n), b is (m) or (m, 1). Raises ShapeError."""
        rows = A.rows() if isinstance(A, Matrix) else [[Fraction(v) for v in row] for row in A]
        bounds = [row[0] for row in b.rows()] if isinstance(b, Matrix) else [Fraction(v) for v in b]
        if len(rows) != len(bounds):
            raise ShapeError(f"expected one bound per row, found {len(rows)} rows and {len(bounds)} bounds")
        if not rows or any(len(row) != len(rows[0]) for row in rows):
            raise ShapeError("expected a domain of at least one row, all of one length")
        sparse = (tuple((j, v) for j, v in enumerate(row) if v) for row in rows)
        return cls(len(rows[0]), tuple(zip(sparse, bounds, strict=True)))

    @classmethod
    def box(cls, low: Sequence[Rational], high: Sequence[Rational]) -> Domain:
        """Domain of the points x with low <= x <= high, n entries each. Raises ShapeError."""
        if len(low) != len(high):
            raise ShapeError(f"expected as many lower as upper bounds, found {len(low)} and {len(high)}")
        rows: list[tuple[tuple[tuple[int, Fraction], ...], Fraction]] = []
        for j, (least, most) in enumerate(zip(low, high, strict=True)):
            rows.append((((j, Fraction(1)),), Fraction(most)))
            rows.append((((j, Fraction(-1)),), -Fraction(least)))
        return cls(len(low), tuple(rows))

    def __contains__(self, point: Sequence[Rational]) -> bool:
        den = lcm(*(v.denominator for v in point))
        return self.holds_at([v.numerator * (den // v.denominator) for v in point], den)

    def holds_at(self, num: Sequence[int], den: int) -> bool:
        """True when the point num / den (n) is in the domain; exact, without a fraction."""
        return all(sum(v * num[j] for j, v in row) <= bound * den for row, bound in self.whole_rows)

    @cached_property
    def whole_rows(self) -> list[tuple[tuple[tuple[int, int], ...], int]]:
        """The rows in integers, each a positive multiple of the given one."""
        whole = []
        for row, bound in self.rows:
            den = lcm(bound.denominator, *(v.denominator for _, v in row))
            whole.append((tuple((j, int(v * den)) for j, v in row), int(bound * den)))
        return whole

    def facts(self) -> list[Vector]:
        """The expression b_i - a_i . x of every row."""
        facts = []
        for row, bound in self.rows:
            terms: list[tuple[int, int, Vector]] = [(*bound.as_integer_ratio(), ONE)]
            terms += [(-v.numerator, v.denominator, (1, 1, {1 + j: 1})) for j, v in row]
            facts.append(combine(terms))
        return facts

    def document(self) -> list[Any]:
        """The JSON form, proofs/FORMAT.md section 3."""
        with long_integers():
            return [[[[j, str(v)] for j, v in row], str(bound)] for row, bound in self.rows]


@dataclass(frozen=True)
class Question:
    """Is `|a_i(x) - b_i(x)| <= tolerance` for every x in the domain (None: all of Q^n) and output i?

    With `same_argmax`: is the first index of a maximal output the same? Raises ShapeError when the
    networks' or the domain's dimensions differ, or for a tolerance < 0 or beside `same_argmax`.
    """

    a: Network
    b: Network
    domain: Domain | None = None
    tolerance: Fraction = Fraction(0)
    same_argmax: bool = False

    def __post_init__(self) -> None:
        sizes = [(net.input_dim, net.output_dim) for net in (self.a, self.b)]
        if sizes[0] != sizes[1]:
            raise ShapeError(
                f"expected two networks with the same inputs and outputs, found {sizes[0]} and {sizes[1]}"
            )
        if self.domain is not None and self.domain.input_dim != self.a.input_dim:
            raise ShapeError(
                f"expected a domain with {self.a.input_dim} inputs, found {self.domain.input_dim}"
            )
        if self.tolerance < 0:
            raise ShapeError(f"expected a tolerance >= 0, found {self.tolerance}")
        if self.same_argmax and self.tolerance:
            raise ShapeError(f"expected no tolerance, since decisions have none, found {self.tolerance}")

    def gaps(self, points: Points) -> list[Fraction]:
        """The largest |a_i - b_i| over all outputs i at each of the points (count, n); exact."""
        left, right = self.a.evaluate(points), self.b.evaluate(points)
        rows = (left.num * right.den - right.num * left.den).tolist()
        return [Fraction(max(abs(int(v)) for v in row), left.den * right.den) for row in rows]

    def refuted_by(self, points: Points) -> list[int]:
        """The indices of the points (count, n) that lie in the domain and break the claim."""
        left, right = self.a.evaluate(points), self.b.evaluate(points)
        if self.same_argmax:
            pairs = zip(left.num.tolist(), right.num.tolist(), strict=True)
            broken = [decision(p) != decision(q) for p, q in pairs]
        else:
            gaps = (left.num * right.den - right.num * left.den).tolist()
            allowed = self.tolerance * left.den * right.den
            broken = [any(abs(int(v)) > allowed for v in row) for row in gaps]
        return [
            i
            for i, refuted in enumerate(broken)
            if refuted and (self.domain is None or points[i] in self.domain)
        ]


def decision(outputs: Sequence[Any]) -> int:
    """The first index of a maximal output."""
    return outputs.index(max(outputs))
