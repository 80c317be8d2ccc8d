"""Value and whole gradient of the oracle's function from one query.

Inside a linear region f(y) = G y + c. The query point is y + sum_i 2^-(s + k(i+1)) e_i with y on the
grid 2^-q, s > q: in the answer, times a common denominator, the value and the r gradient entries
stand in separate k-bit windows (Kronecker substitution with base 2^k; `proofs/`, Kronecker decoding).
A window has guard bits that must repeat its sign; where they do not, the point is too near a
boundary, or the windows are too small, and the query is repeated with smaller steps or larger windows.

The windows are a guess about sizes. What comes out is used as a hypothesis that later answers
confirm or refute; nothing here claims more.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz_mat

from exactre.errors import OracleError
from exactre.oracle.ledger import Ledger
from exactre.rational import Matrix, Points

_GUARD = 40
_SLACK = 24
_SPARE = 6  # bits of slack where windows are known to be wide enough elsewhere
_MOST_TRIES = 8
_MOST_ODD = 1 << 16  # bits of the odd denominators, which in what is no network grow without end


class Chart:
    """Affine map y -> origin + basis y from r chart coordinates to the n inputs, both integer."""

    def __init__(self, origin: Sequence[int], basis: fmpz_mat) -> None:
        self.origin = fmpz_mat(1, len(origin), list(origin))
        self.basis = basis
        self.dim = basis.ncols()
        n = basis.nrows()
        self._is_identity = n == self.dim and basis == _identity(n) and self.origin == fmpz_mat(1, n)
        self._basis_t = basis.transpose()

    @classmethod
    def identity(cls, n: int) -> Chart:
        """The chart whose coordinates are the inputs."""
        return cls([0] * n, _identity(n))

    @classmethod
    def random(cls, n: int, dim: int, rng: np.random.Generator) -> Chart:
        """A random affine chart of `dim` < n coordinates, entries between -8 and 8 over all inputs."""
        basis = fmpz_mat(n, dim)
        while basis.rank() < dim:
            basis = fmpz_mat(rng.integers(-8, 9, size=(n, dim)).tolist())
        return cls(rng.integers(-8, 9, size=n).tolist(), basis)

    def lift(self, points: Points) -> Points:
        """Points (count, r) in chart coordinates as inputs (count, n), exact."""
        return Points(self.lift_num(points.num, points.den), points.den)

    def lift_num(self, num: fmpz_mat, den: int) -> fmpz_mat:
        """Numerators (count, n) over `den` of the inputs at the chart points num / den."""
        if self._is_identity:
            return num
        ones = fmpz_mat(num.nrows(), 1, [den] * num.nrows())
        return num * self._basis_t + ones * self.origin

    def restrict(self, form: Sequence[int]) -> list[int]:
        """A form (n + 1,) over the inputs as a form (r + 1,) over the chart."""
        normal = fmpz_mat(1, len(form) - 1, list(form[:-1]))
        constant = form[-1] + int((normal * self.origin.transpose())[0, 0])
        return [*(int(v) for v in (normal * self.basis).entries()), constant]


class Jets:
    """Asks a ledger for affine pieces: `at(points)` gives f near each point as a Matrix (m, r + 1).

    The last column is the constant: f(y) = P (y, 1). Points are chart points (integers `num` over 2^q).
    """

    def __init__(self, ledger: Ledger, chart: Chart) -> None:
        self.ledger = ledger
        self.chart = chart
        self._odd = 1
        self._fraction_bits = 0
        self._integer_bits = 0
        self._calibrated = False

    def over(self, chart: Chart) -> Jets:
        """The same over another chart, with windows hardly wider than were needed here: there are more."""
        other = Jets(self.ledger, chart)
        other._odd = self._odd
        other._fraction_bits = self._fraction_bits - _SLACK + _SPARE
        other._integer_bits = self._integer_bits - _SLACK + _SPARE
        other._calibrated = self._calibrated
        return other

    @property
    def dim(self) -> int:
        """Number of chart coordinates."""
        return self.chart.dim

    def values(self, num: fmpz_mat, q: int) -> Points:
        """Exact values (count, m) at the chart points num / 2^q."""
        return self.ledger.ask(self.chart.lift(Points(num, 1 << q)))

    def at(self, num: fmpz_mat, q: int) -> list[Matrix]:
        """Affine pieces (m, r + 1) at the chart points num / 2^q, one query each as a rule.

        Raises OracleError when no window size makes sense of the answers: not piecewise affine.
        """
        if not self._calibrated:
            self._calibrate(num, q)
        pieces: list[Matrix | None] = [None] * num.nrows()
        s = q + _GUARD
        for attempt in range(_MOST_TRIES):
            todo = [i for i, piece in enumerate(pieces) if piece is None]
            if not todo:
                break
            base = fmpz_mat([[num[i, j] for j in range(self.dim)] for i in todo])
            for i, piece in zip(todo, self._ask(base, q, s), strict=True):
                pieces[i] = piece
            if any(piece is None for piece in pieces):
                # A wall inside the steps is cured by s, too small windows by the bits: grow both. By odd
                # numbers: a factor 3, 5 or 7 that cancels out of this answer's denominator must not always.
                s += 65
                if attempt:
                    self._fraction_bits += (32 << attempt) + 1
                    self._integer_bits += 16 << attempt
                if attempt > (2 if self._odd == 1 else 0):
                    # In sums of slopes a factor may cancel whatever s is; in each of them it shows.
                    failed = [int(num[pieces.index(None), j]) for j in range(self.dim)]
                    slopes = self._slopes(failed, q, s + _GUARD)[1]
                    self._odd = lcm(self._odd, *(_odd(v.denominator) for v in slopes))
        done = [piece for piece in pieces if piece is not None]
        if len(done) < len(pieces):
            raise OracleError("the oracle does not look piecewise affine: no gradient fits its answers")
        return done

    def _ask(self, num: fmpz_mat, q: int, s: int) -> list[Matrix | None]:
        r, k = self.dim, self._fraction_bits + self._integer_bits + self._odd.bit_length() + _GUARD
        bottom = s + k * r
        steps = [1 << (bottom - s - k * (i + 1)) for i in range(r)]
        rows = fmpz_mat(num.nrows(), r, steps * num.nrows())
        points = num * (1 << (bottom - q)) + rows
        answers = self.values(points, bottom)
        table, outputs = answers.num.tolist(), range(answers.dim)
        if _odd(answers.den) > 1:  # the common denominator, and not a cancelled one, of each answer
            reduced = [
                Fraction(int(table[i][o]), answers.den).denominator
                for i in range(len(table))
                for o in outputs
            ]
            self._odd = lcm(self._odd, *map(_odd, reduced))
            if self._odd.bit_length() > _MOST_ODD:
                raise OracleError("the oracle does not look piecewise affine: its denominators have no end")
        return [
            self._decode([int(v) for v in row], answers.den, [int(num[i, j]) for j in range(r)], q, s, k)
            for i, row in enumerate(table)
        ]

    def _decode(
        self, answer: Sequence[int], over: int, base: Sequence[int], q: int, s: int, k: int
    ) -> Matrix | None:
        r, scale = self.dim, s + k * self.dim + self._fraction_bits
        half, mask, limit = 1 << (k - 1), (1 << k) - 1, 1 << (k - 1 - _GUARD // 2)
        rows: list[int] = []
        den = self._odd << self._fraction_bits
        for value in answer:
            whole, rest = divmod(value * (self._odd << scale), over)
            if rest:
                return None
            digits = [0] * r
            for i in range(r - 1, -1, -1):
                digit = ((whole + half) & mask) - half
                if not -limit < digit < limit:
                    return None
                digits[i] = digit
                whole = (whole - digit) >> k
            # whole = f(y) * den * 2^s; the constant is f(y) - G y.
            inner = sum(g * y for g, y in zip(digits, base, strict=True))
            const, rest = divmod(whole - (inner << (s - q)), 1 << s)
            if rest:
                return None
            rows += [*digits, const]
        return Matrix(fmpz_mat(len(answer), r + 1, rows), den)

    def _calibrate(self, num: fmpz_mat, q: int) -> None:
        """Size the windows from plain differences at one point (r + 1 queries)."""
        step = q + 2 * _GUARD
        value, slopes = self._slopes([int(num[0, j]) for j in range(self.dim)], q, step)
        for v in slopes:
            self._odd = lcm(self._odd, _odd(v.denominator))
            self._fraction_bits = max(self._fraction_bits, _twos(v.denominator) + _SLACK)
            self._integer_bits = max(self._integer_bits, abs(int(v)).bit_length() + _SLACK)
        for v in value:
            self._fraction_bits = max(self._fraction_bits, _twos(v.denominator) - step + _SLACK)
        self._calibrated = True

    def _slopes(self, point: Sequence[int], q: int, step: int) -> tuple[tuple[Fraction, ...], list[Fraction]]:
        """The value at a point over 2^q, and all differences along coordinates over 2^-step."""
        r, base = self.dim, [v << (step - q) for v in point]
        values = self.values(
            fmpz_mat([base, *([*base[:i], base[i] + 1, *base[i + 1 :]] for i in range(r))]), step
        )
        rest = [zip(values[0], values[i], strict=True) for i in range(1, r + 1)]
        return values[0], [(b - a) * (1 << step) for pairs in rest for a, b in pairs]


def _identity(n: int) -> fmpz_mat:
    return fmpz_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def _twos(value: int) -> int:
    return (value & -value).bit_length() - 1


def _odd(value: int) -> int:
    return value >> _twos(value)
