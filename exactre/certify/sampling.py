"""`Sampler`: short exact points of a domain, at many scales."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from random import Random

from flint import fmpz_mat

from exactre.certify.question import Domain
from exactre.errors import EmptyDomain
from exactre.lp import Point, feasible
from exactre.rational import Points

BITS = 4  # of a random coordinate, so that witnesses are short from the beginning
SCALES = (0, 3, -3, 8, 16, 30)  # that random points are taken at


class Sampler:
    """Random rational points of a domain (None: all of Q^n), the same sequence for the same domain.

    Raises EmptyDomain when the domain is empty.
    """

    def __init__(self, domain: Domain | None, input_dim: int) -> None:
        self.domain = domain
        self.input_dim = input_dim
        self.random = Random(input_dim)
        self.low: list[Fraction | None] = [None] * input_dim
        self.high: list[Fraction | None] = [None] * input_dim
        self.anchor = [Fraction(0)] * input_dim
        if domain is not None:
            self._read_bounds(domain)
            self.anchor = [_middle(least, most) for least, most in zip(self.low, self.high, strict=True)]
            if self.anchor not in domain:
                self.anchor = _inner_point(domain)

    def points(self, scale: int, count: int, bits: int = BITS) -> Points:
        """`count` points: uniform between a coordinate's bounds, else within 2^scale of the anchor."""
        n, steps = self.input_dim, 2**bits
        if self.domain is None:
            shift = scale - bits
            draw = self.random.getrandbits
            numbers = [(draw(bits + 1) - steps) << max(shift, 0) for _ in range(count * n)]
            return Points(fmpz_mat(count, n, numbers), 1 << max(-shift, 0))
        units, den = self._units(scale, steps)
        rows = [
            [base + self.random.randint(least, steps) * unit for base, unit, least in units]
            for _ in range(count)
        ]
        if all(self.domain.holds_at(row, den) for row in rows):
            return Points(fmpz_mat(rows), den)
        return Points.of([self.fit([Fraction(v, den) for v in row]) for row in rows], n)

    def fit(self, point: Sequence[Fraction]) -> list[Fraction]:
        """The point, or when it is outside the farthest short step from the anchor towards it."""
        reach = Fraction(1) if self.domain is None else self._reach(self.domain, point)
        if reach == 1:
            return list(point)
        # Rounded down to a power of two's multiple: still inside, and short.
        grid = (
            2**BITS
            if reach * 2**BITS >= 1
            else 2 ** (BITS + (1 / reach).__ceil__().bit_length())
            if reach
            else 1
        )
        reach = Fraction(int(reach * grid), grid)
        return [p + reach * (q - p) for p, q in zip(self.anchor, point, strict=True)]

    def _reach(self, domain: Domain, point: Sequence[Fraction]) -> Fraction:
        """The largest share, at most 1, of the way from the anchor to a point that is inside."""
        den = lcm(*(v.denominator for v in point))
        num = [v.numerator * (den // v.denominator) for v in point]
        reach = Fraction(1)
        for row, bound in domain.whole_rows:
            there = sum(v * num[j] for j, v in row)
            if there > bound * den:
                slack = bound - sum((v * self.anchor[j] for j, v in row), Fraction(0))
                reach = min(reach, slack / (Fraction(there, den) - bound + slack))
        return reach

    def _units(self, scale: int, steps: int) -> tuple[list[tuple[int, int, int]], int]:
        """By coordinate base, unit, least k of base + k unit with k up to `steps`; over one denominator."""
        units = []
        for least, most, p in zip(self.low, self.high, self.anchor, strict=True):
            if least is not None and most is not None:
                units.append((least, (most - least) / steps, 0))
            else:
                units.append((p, Fraction(2) ** scale / steps, -steps))
        den = lcm(*(v.denominator for base, unit, _ in units for v in (base, unit)))
        return [(int(base * den), int(unit * den), least) for base, unit, least in units], den

    def _read_bounds(self, domain: Domain) -> None:
        for row, bound in domain.rows:
            if len(row) == 1:
                j, v = row[0]
                limit, side = bound / v, self.high if v > 0 else self.low
                known = side[j]
                tighter = known is None or (limit < known if v > 0 else limit > known)
                side[j] = limit if tighter else known


def _middle(least: Fraction | None, most: Fraction | None) -> Fraction:
    if least is None or most is None:
        return Fraction(0) if (least or -1) <= 0 <= (most or 1) else least or most or Fraction(0)
    return (least + most) / 2


def _inner_point(domain: Domain) -> list[Fraction]:
    A = [[Fraction(0)] * domain.input_dim for _ in domain.rows]
    for i, (row, _) in enumerate(domain.rows):
        for j, v in row:
            A[i][j] = v
    b = [bound for _, bound in domain.rows]
    # An interior point where there is one: then a step towards any point stays inside for a while.
    for strict in (range(len(b)), range(0)):
        answer = feasible(A, b, strict=strict)
        if isinstance(answer, Point):
            return list(answer.x)
    raise EmptyDomain("expected a domain with at least one point, found an empty one")
