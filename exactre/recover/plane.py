"""A plane in the chart of the jets: its points, directions and lines, and the pieces around a point.

Points of the plane are exact; what is asked near one is a dyadic point as close as is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from flint import fmpz_mat

from exactre.complex.cone import Vector, primitive
from exactre.rational import Matrix
from exactre.recover.jet import Chart, Jets
from exactre.recover.line import Form, Line, jump_form

Point = tuple[Fraction, Fraction]
Direction = tuple[int, int]

_ASIDE = 96
_FINE = 110  # binary digits of a point near another, below their distance


class NotClose(Exception):
    """The pieces around a point do not meet there: they have to be asked for closer to it."""


class Plane:
    """The plane of a chart of two coordinates, within the chart (r) of `jets`."""

    def __init__(self, jets: Jets, chart: Chart) -> None:
        self.jets = jets
        self.chart = chart
        columns = [chart.basis.transpose().tolist()[k] for k in range(2)] + [chart.origin.entries()]
        rows = [[int(v) for v in row] for row in zip(*columns, strict=True)]
        self._lift = fmpz_mat([*rows, [0, 0, 1]])

    def line(self, p: Sequence[int], v: Sequence[int], shift: int) -> Line:
        """The line (p + t v) / 2^shift of the plane, in the chart of the jets."""
        start = self.chart.lift_num(fmpz_mat([list(p)]), 1 << shift).entries()
        return Line(tuple(int(a) for a in start), self.lifted(v), shift)

    def beside(self, v: Point, d: Direction, side: int) -> Line:
        """The line along a direction, near unit speed, 2^-96 to the left (side 1) or right (-1) of v."""
        size = max(map(abs, d)).bit_length()
        q = _ASIDE + size + 16
        p = [round(a * (1 << q)) for a in v]
        offset = [side * -d[1] << (q - _ASIDE - size), side * d[0] << (q - _ASIDE - size)]
        return self.line([a + b for a, b in zip(p, offset, strict=True)], [a << (q - size) for a in d], q)

    def lifted(self, d: Sequence[int]) -> Vector:
        """A direction of the plane in the chart of the jets (r,)."""
        moved = self.chart.basis * fmpz_mat([[a] for a in d])
        return tuple(int(a) for a in moved.entries())

    def homogeneous(self, v: Point) -> Vector:
        """A point of the plane as a positive multiple of (x, 1) in the chart of the jets: integers."""
        den = v[0].denominator * v[1].denominator
        moved = self._lift * fmpz_mat([[int(v[0] * den)], [int(v[1] * den)], [den]])
        return primitive([int(a) for a in moved.entries()])

    def pieces(self, v: Point, directions: Sequence[Direction], bits: int) -> list[Matrix]:
        """The pieces 2^-bits from v in some directions. Raises NotClose where they disagree at v."""
        q = bits + _FINE
        rows = []
        for d in directions:
            size = isqrt(d[0] * d[0] + d[1] * d[1])
            rows.append([round(a * (1 << q)) + (b << _FINE) // size for a, b in zip(v, d, strict=True)])
        return self.jets.at(self.chart.lift_num(fmpz_mat(rows), 1 << q), q)

    def value(self, piece: Matrix, v: Point) -> Matrix:
        """What a piece is worth at a point of the plane; exact."""
        x = self.homogeneous(v)
        return (piece @ Matrix.column(x)).scale(Fraction(1, x[-1]))

    def ray(self, before: Matrix, after: Matrix) -> tuple[Form, Direction] | None:
        """The hyperplane across which one piece becomes the other, and its direction in the plane."""
        row = jump_form(before, after)
        if row is None:
            return None
        a, b, _ = self.chart.restrict(row)
        return (row, shortest((-b, a))) if a or b else None


def shortest(d: Sequence[int]) -> Direction:
    """The direction as coprime integers."""
    a, b = primitive(d)
    return a, b
