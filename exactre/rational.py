"""Exact rational matrices and point batches on FLINT, and the text form `p/q`.

Both types hold integers over one common denominator: a product is then one `fmpz_mat`
product and one integer product, with no gcd in the inner loop. `Fraction` is the type at the
public edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import overload

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.errors import FormatError, ShapeError

_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")

Rational = int | Fraction


def parse_rational(text: object, where: str) -> Fraction:
    """Read `"p"` or `"p/q"` in lowest terms. Raises FormatError naming `where`."""
    match = _RATIONAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise FormatError(f'{where}: expected a rational "p" or "p/q", found {text!r:.60}')
    p, q = int(match[1]), int(match[2] or 1)
    if match[2] is not None and (q == 1 or gcd(p, q) != 1):
        raise FormatError(f"{where}: rational {text!r:.60} is not in lowest terms")
    return Fraction(p, q)


@dataclass(frozen=True, eq=False)
class Dyadic:
    """Integers `whole * 2**shift` (rows, columns), shift >= 0: those of floats, however far apart."""

    whole: NDArray[np.int64]
    shift: NDArray[np.int64]

    def num(self) -> fmpz_mat:
        """The integers on FLINT."""
        rows, columns = self.whole.shape
        pairs = zip(self.whole.ravel().tolist(), self.shift.ravel().tolist(), strict=True)
        return fmpz_mat(rows, columns, [w << s for w, s in pairs])


class Matrix:
    """Immutable exact matrix (m, n): integers `num` over one denominator `den` > 0, lowest terms."""

    __slots__ = ("__dict__", "den", "num")

    num: fmpz_mat
    den: int

    def __init__(self, num: fmpz_mat, den: int = 1) -> None:
        if den != 1:
            common = _content(num, den)
            if common != 1:
                num, den = _divide(num, common), den // common
        self.num = num
        self.den = den

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Rational]], columns: int | None = None) -> Matrix:
        """Matrix from rows of rationals; `columns` is needed when there are no rows."""
        n = columns if columns is not None else (len(rows[0]) if rows else 0)
        flat = [Fraction(v) for row in rows for v in row]
        if len(flat) != len(rows) * n:
            raise ShapeError(f"expected {len(rows)} rows of {n} entries, found {len(flat)} entries")
        den = lcm(*(v.denominator for v in flat)) if flat else 1
        return cls(fmpz_mat(len(rows), n, [v.numerator * (den // v.denominator) for v in flat]), den)

    @classmethod
    def column(cls, values: Sequence[Rational]) -> Matrix:
        """Column matrix (len(values), 1)."""
        return cls.from_rows([[v] for v in values], 1)

    @classmethod
    def from_floats(cls, values: NDArray[np.floating]) -> Matrix:
        """Exact matrix of a 2-D array of finite floats: every float is a dyadic rational.

        Raises FormatError on NaN or infinity.
        """
        dyadic, den = _dyadic(values)
        return cls(dyadic.num(), den)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.num.nrows(), self.num.ncols()

    @cached_property
    def num_t(self) -> fmpz_mat:
        """Transposed numerators, kept because evaluation multiplies by them."""
        return self.num.transpose()

    def rows(self) -> list[list[Fraction]]:
        """Entries as fractions."""
        return [[Fraction(int(v), self.den) for v in row] for row in self.num.tolist()]

    def __getitem__(self, index: tuple[int, int]) -> Fraction:
        return Fraction(int(self.num[index]), self.den)

    def __matmul__(self, other: Matrix) -> Matrix:
        if self.shape[1] != other.shape[0]:
            raise ShapeError(f"cannot multiply {self.shape} by {other.shape}")
        return Matrix(self.num * other.num, self.den * other.den)

    def __add__(self, other: Matrix) -> Matrix:
        if self.shape != other.shape:
            raise ShapeError(f"cannot add {self.shape} and {other.shape}")
        den = lcm(self.den, other.den)
        return Matrix(self.num * (den // self.den) + other.num * (den // other.den), den)

    def scale(self, factor: Rational) -> Matrix:
        """The matrix times a rational number."""
        factor = Fraction(factor)
        return Matrix(self.num * factor.numerator, self.den * factor.denominator)

    def transpose(self) -> Matrix:
        """Transposed matrix (n, m)."""
        return Matrix(self.num_t, self.den)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and self.den == other.den and self.num == other.num

    def __hash__(self) -> int:
        return hash((self.den, self.shape, str(self.num)))

    def __repr__(self) -> str:
        return f"Matrix{self.shape}"


class Points(Sequence[tuple[Fraction, ...]]):
    """Batch of exact points (count, dim): integers `num` over one denominator `den` > 0.

    A sequence of tuples of Fraction for whoever indexes it; exact oracles read `num` and `den`.
    The denominator need not be the least one.
    """

    __slots__ = ("_dyadic", "_num", "den")

    def __init__(self, num: fmpz_mat | Dyadic, den: int = 1) -> None:
        self._dyadic = num if isinstance(num, Dyadic) else None
        self._num = None if isinstance(num, Dyadic) else num
        self.den = den

    @classmethod
    def from_floats(cls, values: NDArray[np.floating]) -> Points:
        """Exact batch of a 2-D array of finite floats. Raises FormatError on NaN or infinity."""
        return cls(*_dyadic(values))

    @property
    def num(self) -> fmpz_mat:
        """The integers on FLINT (count, dim)."""
        if self._num is None:
            assert self._dyadic is not None
            self._num = self._dyadic.num()
        return self._num

    @property
    def dyadic(self) -> Dyadic | None:
        """The integers as arrays, where they came from floats: they then need no conversion."""
        return self._dyadic

    @classmethod
    def of(cls, points: Iterable[Sequence[Rational]], dim: int) -> Points:
        """Batch from rational points. Raises ShapeError when one has not `dim` coordinates."""
        if isinstance(points, Points):
            if points.dim != dim:
                raise ShapeError(f"expected points with {dim} coordinates, found {points.dim}")
            return points
        rows = [tuple(p) for p in points]
        for row in rows:
            if len(row) != dim:
                raise ShapeError(f"expected a point with {dim} coordinates, found {len(row)}")
        matrix = Matrix.from_rows(rows, dim)
        return cls(matrix.num, matrix.den)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self._dyadic.whole.shape[1] if self._dyadic is not None else self.num.ncols()

    def __len__(self) -> int:
        return self._dyadic.whole.shape[0] if self._dyadic is not None else self.num.nrows()

    @overload
    def __getitem__(self, index: int) -> tuple[Fraction, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[Fraction, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[Fraction, ...] | Sequence[tuple[Fraction, ...]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return tuple(Fraction(int(self.num[index, j]), self.den) for j in range(self.dim))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Points) and self.num * other.den == other.num * self.den

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Points({len(self)}, {self.dim})"


def _dyadic(values: NDArray[np.floating]) -> tuple[Dyadic, int]:
    """A 2-D array of floats as integers over one power of two: every float is a dyadic rational."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise ShapeError(f"expected a 2-D array, found {array.ndim} dimensions")
    if not np.isfinite(array).all():
        i, j = np.argwhere(~np.isfinite(array))[0]
        raise FormatError(f"entry [{i}, {j}] is {array[i, j]}, expected a finite number")
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    shift = exponent.astype(np.int64) - 53
    trailing = np.where(whole == 0, 0, _trailing_zeros(whole))
    whole, shift = whole >> trailing, np.where(whole == 0, 0, shift + trailing)
    low = int(shift.min(initial=0))
    return Dyadic(whole, shift - low), 1 << -low


def _trailing_zeros(values: NDArray[np.int64]) -> NDArray[np.int64]:
    low = (values & -values).astype(np.float64)
    return np.frexp(np.where(low == 0, 1.0, low))[1].astype(np.int64) - 1


def _content(num: fmpz_mat, den: int) -> int:
    common = den
    for v in num.entries():
        common = gcd(common, int(v))
        if common == 1:
            break
    return common


def _divide(num: fmpz_mat, common: int) -> fmpz_mat:
    return fmpz_mat(num.nrows(), num.ncols(), [v // common for v in num.entries()])
