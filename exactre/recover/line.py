"""Every kink of the oracle's function on a whole line, exact, with the affine piece on both sides.

On y(t) = p + t v the function is piecewise affine. Two pieces meet at one parameter t*; that there is
one kink between them is confirmed by the pieces at both sides of t*, never by the value at t* alone: in
a zigzag the outer pieces can meet on a middle one (design 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import asinh, gcd, sinh

from flint import fmpz_mat

from exactre.rational import Matrix
from exactre.recover.jet import Jets

REACH = Fraction(1 << 40)
_NEAR = 24  # a kink is confirmed at 2^-24 of the distance to what is next to it
_FINEST = Fraction(1, 1 << 400)

Form = tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """The line p + t v in chart coordinates, p and v rational (r,)."""

    p: tuple[Fraction, ...]
    v: tuple[Fraction, ...]

    def at(self, t: Fraction) -> tuple[Fraction, ...]:
        """The point at t."""
        return tuple(a + t * b for a, b in zip(self.p, self.v, strict=True))


@dataclass(frozen=True)
class Kink:
    """One confirmed kink: `left` and `right` are the pieces (m, r + 1) at t0 < t < t1 (dyadic)."""

    line: Line
    t: Fraction
    t0: Fraction
    t1: Fraction
    left: Matrix
    right: Matrix

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


def dyadic(points: Sequence[Sequence[Fraction]]) -> tuple[fmpz_mat, int]:
    """Dyadic points as integers over 2^q: (num (count, r), q)."""
    q = max(v.denominator.bit_length() - 1 for p in points for v in p)
    return fmpz_mat([[v.numerator * ((1 << q) // v.denominator) for v in p] for p in points]), q


def scan(
    jets: Jets,
    line: Line,
    expected: Iterable[Fraction] = (),
    *,
    low: Fraction = -REACH,
    high: Fraction = REACH,
) -> list[Kink]:
    """All kinks found on the line between dyadic `low` and `high`, in order.

    `expected` are parameters to look at first: a kink found there costs two queries instead of about
    three. A bump that lies between two probes with equal pieces stays unseen, and so does a place
    where several boundaries meet on the line itself.
    """

    def pieces(parameters: Sequence[Fraction]) -> list[Matrix]:
        return jets.at(*dyadic([line.at(t) for t in parameters]))

    marks, tight = [low, high], set()
    hints = sorted({t for t in expected if low < t < high})
    for before, t, after in zip([low, *hints], hints, [*hints[1:], high], strict=False):
        t0, t1 = _around(t, before, after)
        marks += [t0, t1]
        tight.add((t0, t1))
    marks.sort()
    found = pieces(marks)
    stack = list(zip(marks, found, marks[1:], found[1:], strict=False))
    kinks: list[Kink] = []
    while stack:
        a, left, b, right = stack.pop()
        if left == right:
            continue
        if b - a < _FINEST or _agree(line, left, right):
            continue  # several boundaries meet on this line, or it runs inside one: it says nothing here
        meeting = _meeting(line, left, right)
        if meeting is None or not a < meeting < b:
            middle = _middle(a, b)
            (piece,) = pieces([middle])
            stack += [(a, left, middle, piece), (middle, piece, b, right)]
            continue
        if (a, b) in tight:
            kinks.append(Kink(line, meeting, a, b, left, right))
            continue
        t0, t1 = _around(meeting, a, b)
        (near,) = pieces([t0])
        if near != left:
            stack += [(a, left, t0, near), (t0, near, b, right)]
            continue
        (far,) = pieces([t1])
        tight.add((t0, t1))
        stack += [(t0, near, t1, far), (t1, far, b, right)]
    kinks.sort(key=lambda kink: kink.t)
    return kinks


def _agree(line: Line, left: Matrix, right: Matrix) -> bool:
    """Whether the two pieces have the same values all along the line."""
    form = jump_form(left, right)
    if form is None:
        return False
    slope = sum(f * v for f, v in zip(form, line.v, strict=False))
    return not slope and not form[-1] + sum(f * p for f, p in zip(form, line.p, strict=False))


def _meeting(line: Line, left: Matrix, right: Matrix) -> Fraction | None:
    """Where the two pieces agree on the line, if their difference is one form (times output effects)."""
    form = jump_form(left, right)
    if form is None:
        return None
    slope = sum(f * v for f, v in zip(form, line.v, strict=False))
    if not slope:
        return None
    return -(form[-1] + sum(f * p for f, p in zip(form, line.p, strict=False))) / slope


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
    short = (guess / unit).__floor__() * unit
    return short if a < short < b else (a + b) / 2
