"""Exact rational matrices and point batches on FLINT, and the text form `p/q`.

Both types hold integers over one common denominator: a product is then one `fmpz_mat`
product and one integer product, with no gcd in the inner loop. A matrix that is mostly zero is held as
`Sparse` integers. `Fraction` is the type at the public edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import chain
from math import gcd, lcm
from typing import TypeVar, overload

import numpy as np
from flint import fmpz, fmpz_mat
from numpy.typing import NDArray

from exactre import gaps
from exactre.errors import FormatError, ShapeError
from exactre.sparse import Index, Sparse, integers
from exactre.sparse import stack as stack_sparse

_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")

Rational = int | Fraction

# From this size on, with at most one entry in so many not zero, a sparse matrix is multiplied faster.
SPARSE_FROM, SPARSE_SHARE = 2**16, 8


def parse_rational(text: object, where: str) -> Fraction:
    """Read `"p"` or `"p/q"` in lowest terms. Raises FormatError naming `where`."""
    match = _RATIONAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise FormatError(f'{where}: expected a rational "p" or "p/q", found {text!r:.60}')
    p, q = int(match[1]), int(match[2] or 1)
    if match[2] is not None and (q == 1 or gcd(p, q) != 1):
        raise FormatError(f"{where}: rational {text!r:.60} is not in lowest terms")
    return Fraction(p, q)


class Matrix:
    """Immutable exact matrix (m, n): integers over one denominator `den` > 0, in lowest terms.

    The integers are on FLINT or `Sparse`, as they were given; equal matrices are equal in either form.
    """

    __slots__ = ("__dict__", "_num", "den", "sparse")

    sparse: Sparse | None
    den: int

    def __init__(self, num: fmpz_mat | Sparse, den: int = 1) -> None:
        if den != 1:
            common = _content(num.values if isinstance(num, Sparse) else num.entries(), den)
            if common != 1:
                num, den = _divide(num, common), den // common
        self.sparse = num if isinstance(num, Sparse) else None
        self._num = None if isinstance(num, Sparse) else num
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
        array = _finite(values)
        low = _lowest_bit(array)
        filled = np.flatnonzero(array)
        if array.size >= max(SPARSE_FROM, SPARSE_SHARE * len(filled)):
            rows, columns = np.divmod(filled, array.shape[1])
            numbers = integers(_whole(array.ravel()[filled], low))
            return cls(Sparse.of(array.shape, rows, columns, numbers), 1 << -low)
        return cls(fmpz_mat(array.shape[0], array.shape[1], _whole(array, low)), 1 << -low)

    @property
    def num(self) -> fmpz_mat:
        """The integers on FLINT; a sparse matrix is written out for every call."""
        if self._num is not None:
            return self._num
        assert self.sparse is not None
        return self.sparse.dense()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        if self.sparse is not None:
            return self.sparse.shape
        return self.num.nrows(), self.num.ncols()

    @cached_property
    def num_t(self) -> fmpz_mat:
        """Transposed numerators, kept because evaluation multiplies by them."""
        return self.num.transpose()

    def apply_t(self, num: fmpz_mat) -> fmpz_mat:
        """`num` (count, n) times the transposed numerators: (count, m)."""
        if self.sparse is not None:
            return self.sparse.apply_t(num)
        return gaps.product(num, self.num_t, self._rows_t) if gaps.has_gaps(num) else num * self.num_t

    @cached_property
    def _rows_t(self) -> list[list[fmpz]]:
        rows: list[list[fmpz]] = self.num_t.tolist()
        return rows

    def packed(self) -> Matrix:
        """The same matrix in the form that is faster to multiply by."""
        size = self.shape[0] * self.shape[1]
        if self.sparse is None or size >= max(SPARSE_FROM, SPARSE_SHARE * len(self.sparse.values)):
            return self
        return Matrix(self.num, self.den)

    def row_entries(self) -> Iterator[list[tuple[int, int]]]:
        """(column, numerator) pairs of the entries that are not zero, row by row."""
        if self.sparse is not None:
            return self.sparse.row_entries()
        flat, n = [int(v) for v in self.num.entries()], self.shape[1]
        rows = (flat[i * n : (i + 1) * n] for i in range(self.shape[0]))
        return ([(j, v) for j, v in enumerate(row) if v] for row in rows)

    def rows(self) -> list[list[Fraction]]:
        """Entries as fractions."""
        return [[Fraction(int(v), self.den) for v in row] for row in self.num.tolist()]

    def __getitem__(self, index: tuple[int, int]) -> Fraction:
        value = int(self.num[index]) if self.sparse is None else self.sparse.entry(*index)
        return Fraction(value, self.den)

    def __matmul__(self, other: Matrix) -> Matrix:
        if self.shape[1] != other.shape[0]:
            raise ShapeError(f"cannot multiply {self.shape} by {other.shape}")
        den = self.den * other.den
        if self.sparse is not None and other.sparse is not None:
            m, n = self.shape[0], other.shape[1]
            if self.sparse.products(other.sparse) <= m * n:
                return Matrix(self.sparse @ other.sparse, den)
        if self.sparse is not None:
            return Matrix(self.sparse.apply_t(other.num_t).transpose(), den)
        if other.sparse is not None:
            return Matrix(other.sparse.transposed.apply_t(self.num), den)
        return Matrix(self.num * other.num, den)

    def __add__(self, other: Matrix) -> Matrix:
        if self.shape != other.shape:
            raise ShapeError(f"cannot add {self.shape} and {other.shape}")
        den = lcm(self.den, other.den)
        p, q = den // self.den, den // other.den
        if self.sparse is not None and other.sparse is not None:
            return Matrix(_times(self.sparse, p) + _times(other.sparse, q), den)
        return Matrix(self.num * p + other.num * q, den)

    def scale(self, factor: Rational) -> Matrix:
        """The matrix times a rational number."""
        factor = Fraction(factor)
        if self.sparse is not None:
            return self.scale_rows(Matrix.column([factor] * self.shape[0]))
        return Matrix(self.num * factor.numerator, self.den * factor.denominator)

    def scale_rows(self, factors: Matrix) -> Matrix:
        """Row i times `factors[i]`; factors (m, 1)."""
        if self.sparse is not None:
            by = [int(v) for v in factors.num.entries()]
            return Matrix(self.sparse.scale_rows(by), self.den * factors.den)
        pairs = zip(self._row_lists(), factors.num.entries(), strict=True)
        flat = [v * f for row, f in pairs for v in row]
        return Matrix(fmpz_mat(*self.shape, flat), self.den * factors.den)

    def select(self, index: Index) -> Matrix:
        """Rows `index`, in that order."""
        if self.sparse is not None:
            return Matrix(self.sparse.select(index), self.den)
        rows = self._row_lists()
        flat = list(chain.from_iterable(rows[i] for i in index.tolist()))
        return Matrix(fmpz_mat(len(index), self.shape[1], flat), self.den)

    @classmethod
    def stack(cls, parts: Sequence[Matrix]) -> Matrix:
        """Matrices of the same width on top of each other."""
        den = lcm(*(part.den for part in parts))
        sparse = [_times(part.sparse, den // part.den) for part in parts if part.sparse is not None]
        if len(sparse) == len(parts):
            return cls(stack_sparse(sparse), den)
        flat = list(chain.from_iterable((part.num * (den // part.den)).entries() for part in parts))
        return cls(fmpz_mat(sum(part.shape[0] for part in parts), parts[0].shape[1], flat), den)

    def transpose(self) -> Matrix:
        """Transposed matrix (n, m)."""
        return Matrix(self.num_t if self.sparse is None else self.sparse.transposed, self.den)

    def _row_lists(self) -> list[list[fmpz]]:
        flat, (m, n) = self.num.entries(), self.shape
        return [flat[i * n : (i + 1) * n] for i in range(m)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Matrix) or (self.den, self.shape) != (other.den, other.shape):
            return False
        if self.sparse is None and other.sparse is None:
            return bool(self.num == other.num)
        return all(p == q for p, q in zip(self.row_entries(), other.row_entries(), strict=True))

    def __hash__(self) -> int:
        return hash((self.den, self.shape, sum(sum(v for _, v in row) for row in self.row_entries())))

    def __reduce__(self) -> tuple[Callable[..., Matrix], tuple[object, ...]]:
        if self.sparse is not None:
            return Matrix, (self.sparse, self.den)
        # FLINT's types do not pickle, and work is sent to other processes.
        return _rebuild, (Matrix, *self.shape, [int(v) for v in self.num.entries()], self.den)

    def __repr__(self) -> str:
        return f"Matrix{self.shape}"


class Points(Sequence[tuple[Fraction, ...]]):
    """Batch of exact points (count, dim): integers `num` over one denominator `den` > 0.

    A sequence of tuples of Fraction for whoever indexes it; exact oracles read `num` and `den`.
    The denominator need not be the least one.
    """

    __slots__ = ("_floats", "_num", "den")

    def __init__(self, num: fmpz_mat, den: int = 1) -> None:
        self._num: fmpz_mat | None = num
        self._floats: NDArray[np.float64] | None = None
        self.den = den

    @classmethod
    def from_floats(cls, values: NDArray[np.floating]) -> Points:
        """Exact batch of a 2-D array of finite floats. Raises FormatError on NaN or infinity."""
        batch = cls.__new__(cls)
        batch._floats = _finite(values).copy()
        batch._num = None
        batch.den = 1 << -_lowest_bit(batch._floats)
        return batch

    @property
    def num(self) -> fmpz_mat:
        """The integers on FLINT (count, dim)."""
        if self._num is None:
            assert self._floats is not None
            flat = _whole(self._floats, 1 - self.den.bit_length())
            self._num = fmpz_mat(len(self), self.dim, flat)
        return self._num

    @property
    def floats(self) -> NDArray[np.float64] | None:
        """The points (count, dim) as the floats that they were given as, if they were."""
        return self._floats

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
        return self._floats.shape[1] if self._floats is not None else self.num.ncols()

    def __len__(self) -> int:
        return self._floats.shape[0] if self._floats is not None else self.num.nrows()

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

    def __reduce__(self) -> tuple[Callable[..., Points], tuple[object, ...]]:
        return _rebuild, (Points, len(self), self.dim, [int(v) for v in self.num.entries()], self.den)

    def __repr__(self) -> str:
        return f"Points({len(self)}, {self.dim})"


_Kind = TypeVar("_Kind", Matrix, Points)


def _rebuild(kind: type[_Kind], rows: int, columns: int, entries: list[int], den: int) -> _Kind:
    return kind(fmpz_mat(rows, columns, entries), den)


def _finite(values: NDArray[np.floating]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise ShapeError(f"expected a 2-D array, found {array.ndim} dimensions")
    if not np.isfinite(array).all():
        i, j = np.argwhere(~np.isfinite(array))[0]
        raise FormatError(f"entry [{i}, {j}] is {array[i, j]}, expected a finite number")
    return array


def _lowest_bit(array: NDArray[np.float64]) -> int:
    """The greatest e <= 0 with every entry an integer times 2**e: every float is a dyadic rational."""
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = np.frexp((whole & -whole).astype(np.float64))[1] + exponent - 54
    return int(lowest.min(initial=0, where=whole != 0))


def _whole(array: NDArray[np.float64], low: int) -> list[int]:
    """The integers `array / 2**low` in row-major order."""
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, 53).astype(np.int64).ravel().tolist()
    shift = (exponent.astype(np.int64) - 53 - low).ravel().tolist()
    return [w << s if s >= 0 else w >> -s for w, s in zip(whole, shift, strict=True)]


def _content(values: Iterable[int | fmpz], den: int) -> int:
    common = den
    for v in values:
        common = gcd(common, int(v))
        if common == 1:
            break
    return common


def _divide(num: fmpz_mat | Sparse, common: int) -> fmpz_mat | Sparse:
    if isinstance(num, Sparse):
        return num.with_values(num.values // common)
    return fmpz_mat(num.nrows(), num.ncols(), [v // common for v in num.entries()])


def _times(num: Sparse, factor: int) -> Sparse:
    return num if factor == 1 else num.with_values(num.values * factor)
