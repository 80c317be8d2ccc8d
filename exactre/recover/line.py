"""Every kink of the oracle's function on a whole line, exact, with the affine piece on both sides.

On y(t) = p + t v the function is piecewise affine. Two pieces meet at one parameter t*; that there is
one kink between them is confirmed by the pieces at both sides of t*, never by the value at t* alone: in
a zigzag the outer pieces can meet on a middle one (design 4.1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import asinh, gcd, sinh

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.rational import Matrix
from exactre.recover.jet import Jets

REACH = Fraction(1 << 40)
_NEAR = 24  # a kink is confirmed at 2^-24 of the distance to what is next to it
_FINE = Fraction(1, 1 << 28)  # how near an expected flip a kink is taken for it; of t, and of its interval
_APART = Fraction(1, 1 << 40)  # flips that are no further apart, relative to t, are looked at together
_FINEST = Fraction(1, 1 << 400)
_OFF_GRID = Fraction(0x5555, 1 << 16)  # a probe on a kink would hide it, and kinks are at round places

Form = tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """The line (p + t v) / 2^shift in chart coordinates, p and v integer (r,)."""

    p: tuple[int, ...]
    v: tuple[int, ...]
    shift: int

    @classmethod
    def through(cls, start: Sequence[int], end: Sequence[int], shift: int) -> Line:
        """The line that is at start / 2^shift for t = 0 and at end / 2^shift for t = 1."""
        return cls(tuple(start), tuple(b - a for a, b in zip(start, end, strict=True)), shift)

    def at(self, parameters: Sequence[Fraction]) -> tuple[fmpz_mat, int]:
        """The points at dyadic parameters, as integers over 2^q: (num (count, r), q)."""
        q = max(t.denominator.bit_length() - 1 for t in parameters)
        factors = [[1 << q, t.numerator * ((1 << q) // t.denominator)] for t in parameters]
        return fmpz_mat(factors) * self._ends, q + self.shift

    def floats(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Nearest floats to p / 2^shift and v / 2^shift."""
        p, v = ([float(Fraction(a, 1 << self.shift)) for a in row] for row in (self.p, self.v))
        return np.array(p), np.array(v)

    def restrict(self, forms: fmpz_mat) -> list[tuple[int, int]]:
        """(constant, slope) in t, times 2^shift, of integer forms (m, r + 1) along the line."""
        columns = forms * self._columns
        return [(int(a), int(b)) for a, b in columns.tolist()]

    @cached_property
    def _ends(self) -> fmpz_mat:
        return fmpz_mat([self.p, self.v])

    @cached_property
    def _columns(self) -> fmpz_mat:
        return fmpz_mat([[*self.p, 1 << self.shift], [*self.v, 0]]).transpose()


@dataclass(frozen=True)
class Kink:
    """One kink: `left` and `right` are the pieces (m, r + 1) at t0 < t < t1 (dyadic).

    It is `confirmed` by queries, or else was expected there.
    """

    line: Line
    t: Fraction
    t0: Fraction
    t1: Fraction
    left: Matrix
    right: Matrix
    confirmed: bool = True

    def point(self) -> list[Fraction]:
        """The kink's point (r,), exact."""
        line = self.line
        return [(a + self.t * b) / (1 << line.shift) for a, b in zip(line.p, line.v, strict=True)]

    @cached_property
    def homogeneous(self) -> tuple[int, ...]:
        """The kink's point as integers (r + 1,), the last of them the common denominator."""
        line, (a, b) = self.line, self.t.as_integer_ratio()
        return (*(b * p + a * v for p, v in zip(line.p, line.v, strict=True)), b << line.shift)

    @cached_property
    def form(self) -> Form:
        """Primitive integer (normal, offset) of the hyperplane; `scan` keeps only rank-one jumps."""
        form = jump_form(self.left, self.right)
        assert form is not None
        return form


def jump_form(left: Matrix, right: Matrix) -> Form | None:
    """The affine form (normal, offset) that all rows of right - left are multiples of, primitive.

    None when the pieces are equal or the jump has rank two or more: across the boundary of one neuron
    it has rank one (`proofs/`, gradient jump).
    """
    rows = [row for row in (right.num * left.den - left.num * right.den).tolist() if any(row)]
    if not rows:
        return None
    form = primitive([int(v) for v in rows[0]])
    lead = next(i for i, v in enumerate(form) if v)
    for row in rows[1:]:
        if any(row[lead] * v != w * form[lead] for v, w in zip(form, row, strict=True)):
            return None
    return form if any(form[:-1]) else None


def primitive(row: Sequence[int]) -> Form:
    """The nonzero row divided by its content, with its first nonzero entry positive."""
    ints = [int(v) for v in row]
    common = gcd(*ints)
    if next(v for v in ints if v) < 0:
        common = -common
    return tuple(v // common for v in ints) if common != 1 else tuple(ints)


def scan(
    jets: Jets,
    line: Line,
    expected: Iterable[float] = (),
    *,
    doubtful: Iterable[float] = (),
    low: Fraction = -REACH,
    high: Fraction = REACH,
) -> list[Kink]:
    """All kinks found on the line between dyadic `low` and `high`, in order.

    `expected` are guesses where known neurons flip. Between two of them one query is asked, and two pieces
    that meet where a flip was expected need no confirmation: a known neuron explains them, unless its flip
    is `doubtful`. Any other kink costs about three queries. A bump that lies between two probes with equal
    pieces stays unseen, and so does a place where several boundaries meet on the line itself.
    """

    def pieces(parameters: Sequence[Fraction]) -> list[Matrix]:
        return jets.at(*line.at(parameters))

    sure = {Fraction(t) for t in expected if low < t < high}
    hints = sorted({*sure, *(Fraction(t) for t in doubtful if low < t < high)})
    marks = [
        low,
        *(_middle(a, b) for a, b in pairwise(hints) if b - a > _APART * abs(a)),
        high,
    ]
    found = pieces(marks)
    stack = list(zip(marks, found, marks[1:], found[1:], strict=False))
    confirmed: set[tuple[Fraction, Fraction]] = set()
    kinks: list[Kink] = []
    while stack:
        a, left, b, right = stack.pop()
        if left == right:
            continue
        jump = line.restrict(right.num * left.den - left.num * right.den)
        if b - a < _FINEST or not any(map(any, jump)):
            continue  # several boundaries meet on this line, or it runs inside one: it says nothing here
        meeting = _meeting(jump)
        if meeting is None or not a < meeting < b:
            middle = _middle(a, b)
            (piece,) = pieces([middle])
            stack += [(a, left, middle, piece), (middle, piece, b, right)]
            continue
        inside = hints[bisect_left(hints, a) : bisect_left(hints, b)]
        is_expected = (
            len(inside) == 1 and inside[0] in sure and abs(inside[0] - meeting) < _close(meeting, a, b)
        )
        if (a, b) in confirmed or (is_expected and jump_form(left, right)):
            if jump_form(left, right) is None:
                continue
            kinks.append(Kink(line, meeting, a, b, left, right, (a, b) in confirmed))
            continue
        t0, t1 = _around(meeting, a, b)
        (near,) = pieces([t0])
        if near != left:
            stack += [(a, left, t0, near), (t0, near, b, right)]
            continue
        (far,) = pieces([t1])
        confirmed.add((t0, t1))
        stack += [(t0, near, t1, far), (t1, far, b, right)]
    kinks.sort(key=lambda kink: kink.t)
    return kinks


def is_at(jets: Jets, kink: Kink) -> bool:
    """Whether the pieces of a kink are those close to it on both sides; two queries."""
    return jets.at(*kink.line.at(_around(kink.t, kink.t0, kink.t1))) == [kink.left, kink.right]


def first_kink(jets: Jets, line: Line, left: Matrix, low: Fraction, high: Fraction) -> Kink | None:
    """The first kink between `low`, where the piece is `left`, and `high`; None where none is found."""

    def piece(t: Fraction) -> Matrix:
        return jets.at(*line.at([t]))[0]

    right = piece(high)
    while left != right and high - low > _FINEST:
        jump = line.restrict(right.num * left.den - left.num * right.den)
        meeting = _meeting(jump) if any(map(any, jump)) else None
        if meeting is None or not low < meeting < high:
            t = _middle(low, high)
            found = piece(t)
            if found == left:
                low = t
            else:
                high, right = t, found
            continue
        t0, t1 = _around(meeting, low, high)
        near = piece(t0)
        if near != left:
            high, right = t0, near
            continue
        far = piece(t1)
        if far == right:
            return Kink(line, meeting, t0, t1, left, right) if jump_form(left, right) else None
        if far == left:
            low = t1
        else:
            low, high, right = t0, t1, far
    return None


def _close(t: Fraction, low: Fraction, high: Fraction) -> Fraction:
    """How near to t a flip has to be expected between low and high, that nothing else can be there."""
    return _FINE * min(high - low, abs(t))


def _meeting(jump: Sequence[tuple[int, int]]) -> Fraction | None:
    """The one parameter at which all rows (constant, slope) of a jump vanish, if there is one."""
    rows = [row for row in jump if any(row)]
    const, slope = rows[0]
    if not slope or any(const * b != slope * a for a, b in rows):
        return None
    return Fraction(-const, slope)


def _around(t: Fraction, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Dyadic t0 < t < t1 inside (low, high), close to t and short."""
    gap = min(t - low, high - t, max(abs(t), Fraction(1)))
    exponent = gap.numerator.bit_length() - gap.denominator.bit_length() - _NEAR
    unit = Fraction(2) ** exponent
    base = t / unit
    below = -(-base.numerator // base.denominator) - 1
    above = base.numerator // base.denominator + 1
    return below * unit, above * unit


def _middle(a: Fraction, b: Fraction) -> Fraction:
    """A short dyadic between a and b, the middle of a scale that is logarithmic far out."""
    guess = Fraction(sinh((asinh(float(a)) + asinh(float(b))) / 2))
    if not a + (b - a) / 16 < guess < b - (b - a) / 16 and b - a < 4:
        guess = (a + b) / 2
    width = min(b - a, max(abs(guess), Fraction(1)))
    unit = Fraction(2) ** (width.numerator.bit_length() - width.denominator.bit_length() - 6)
    short = ((guess / unit).__floor__() + _OFF_GRID) * unit
    return short if a < short < b else (a + b) / 2
