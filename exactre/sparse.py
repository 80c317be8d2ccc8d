"""`Sparse`: integer matrices that are mostly zero, kept by rows, with products that know repeated rows.

A convolution is such a matrix. The rows of one output position read the same columns, and every position
inside the image has the same values: `blocks` finds both, so that a product gathers the columns and
multiplies by one small dense matrix for all positions, as convolutions are computed elsewhere (im2col).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

Index = NDArray[np.int64]
Integers = NDArray[Any]  # Python integers of any length, in an array of objects: equal ones can be one object


@dataclass(frozen=True, eq=False)
class Block:
    """One dense matrix `values` (r, k) in several places: rows (places, r), columns (places, k)."""

    values: Integers
    rows: Index
    columns: Index


@dataclass(frozen=True, eq=False)
class Sparse:
    """Immutable integer matrix of a shape (m, n): row i is `starts[i]` to `starts[i + 1]` of the entries.

    Invariant: columns ascend within a row, and no value is zero.
    """

    shape: tuple[int, int]
    starts: Index
    columns: Index
    values: Integers

    @classmethod
    def of(cls, shape: tuple[int, int], rows: Index, columns: Index, values: Integers) -> Sparse:
        """The sum of entries in any order; those in one place are added."""
        order = np.lexsort((columns, rows))
        rows, columns, values = rows[order], columns[order], values[order]
        first = np.ones(len(rows), bool)
        first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        if not first.all():
            rows, columns, values = (
                rows[first],
                columns[first],
                np.add.reduceat(values, np.flatnonzero(first)),
            )
        kept = values != 0
        rows, columns, values = rows[kept], columns[kept], values[kept]
        starts = np.zeros(shape[0] + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=shape[0]), out=starts[1:])
        return cls(shape, starts, columns, values)

    @classmethod
    def identity(cls, n: int) -> Sparse:
        """The identity (n, n)."""
        return cls((n, n), np.arange(n + 1), np.arange(n), integers([1] * n))

    @cached_property
    def rows(self) -> Index:
        """The row of every entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.starts))

    @cached_property
    def is_identity(self) -> bool:
        """True when this is the identity."""
        n = self.shape[1]
        places = len(self.values) == n == self.shape[0] and np.array_equal(self.columns, self.rows)
        return bool(places and (self.values == 1).all())

    def row_entries(self) -> Iterator[list[tuple[int, int]]]:
        """(column, value) pairs, row by row."""
        pairs = list(zip(self.columns.tolist(), self.values.tolist(), strict=True))
        starts = self.starts.tolist()
        return (pairs[start:stop] for start, stop in pairwise(starts))

    def entry(self, i: int, j: int) -> int:
        """The entry in row i and column j."""
        start, stop = self.starts[i], self.starts[i + 1]
        k = start + np.searchsorted(self.columns[start:stop], j)
        return int(self.values[k]) if k < stop and self.columns[k] == j else 0

    def dense(self) -> fmpz_mat:
        """The same matrix on FLINT, written out."""
        flat = np.zeros(self.shape[0] * self.shape[1], object)
        flat[self.rows * self.shape[1] + self.columns] = self.values
        return fmpz_mat(*self.shape, flat.tolist())

    def select(self, index: Index) -> Sparse:
        """Rows `index`, in that order."""
        starts, entries = self._entries_of(index)
        return Sparse((len(index), self.shape[1]), starts, self.columns[entries], self.values[entries])

    def scale_rows(self, factors: Sequence[int]) -> Sparse:
        """Row i times `factors[i]`."""
        values = self.values * integers(factors)[self.rows]
        return Sparse.of(self.shape, self.rows, self.columns, values)

    def with_values(self, values: Integers) -> Sparse:
        """Other values, none zero, in the same places."""
        return Sparse(self.shape, self.starts, self.columns, values)

    @cached_property
    def transposed(self) -> Sparse:
        """The transposed matrix (n, m)."""
        return Sparse.of((self.shape[1], self.shape[0]), self.columns, self.rows, self.values)

    def __add__(self, other: Sparse) -> Sparse:
        parts = ((self.rows, other.rows), (self.columns, other.columns), (self.values, other.values))
        return Sparse.of(self.shape, *(np.concatenate(part) for part in parts))

    def __matmul__(self, other: Sparse) -> Sparse:
        """The product; its time and memory go with the number of products of two entries."""
        starts, entries = other._entries_of(self.columns)
        counts = np.diff(starts)
        rows, values = np.repeat(self.rows, counts), np.repeat(self.values, counts) * other.values[entries]
        return Sparse.of((self.shape[0], other.shape[1]), rows, other.columns[entries], values)

    def products(self, other: Sparse) -> int:
        """The number of products of two entries in `self @ other`."""
        return int(np.diff(other.starts)[self.columns].sum())

    def apply_t(self, num: fmpz_mat) -> fmpz_mat:
        """`num` (count, n) times the transposed matrix: (count, m)."""
        count = num.nrows()
        x = integers(num.entries()).reshape(count, self.shape[1])
        result = np.zeros((count, self.shape[0]), object)
        for block in self.blocks:
            places, k = block.columns.shape
            gathered = fmpz_mat(count * places, k, x[:, block.columns].ravel().tolist())
            product = gathered * fmpz_mat(block.values.T.tolist())
            result[:, block.rows] = integers(product.entries()).reshape(count, places, -1)
        return fmpz_mat(count, self.shape[0], result.ravel().tolist())

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The rows that are not zero, those of the same columns together, equal groups as one block."""
        groups: dict[bytes, list[int]] = {}
        starts = self.starts.tolist()
        for i, (start, stop) in enumerate(pairwise(starts)):
            if start < stop:
                groups.setdefault(self.columns[start:stop].tobytes(), []).append(i)
        values = self.values.tolist()
        alike: dict[tuple[tuple[int, ...], ...], list[list[int]]] = {}
        for group in groups.values():
            key = tuple(tuple(values[starts[i] : starts[i + 1]]) for i in group)
            alike.setdefault(key, []).append(group)
        return tuple(
            Block(
                integers([v for row in key for v in row]).reshape(len(key), -1),
                np.array(places),
                np.array([self.columns[starts[group[0]] : starts[group[0] + 1]] for group in places]),
            )
            for key, places in alike.items()
        )

    def _entries_of(self, index: Index) -> tuple[Index, Index]:
        """Where the rows `index` begin when put one after the other, and the entries that they consist of."""
        counts = np.diff(self.starts)[index]
        starts = np.zeros(len(index) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        return starts, np.arange(starts[-1]) + np.repeat(self.starts[:-1][index] - starts[:-1], counts)


def stack(parts: Sequence[Sparse]) -> Sparse:
    """Matrices of the same width on top of each other."""
    ends = np.cumsum([part.starts[-1] for part in parts])
    starts = [part.starts[1:] + end - part.starts[-1] for part, end in zip(parts, ends, strict=True)]
    return Sparse(
        (sum(part.shape[0] for part in parts), parts[0].shape[1]),
        np.concatenate([[0], *starts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def integers(values: Sequence[Any]) -> Integers:
    """Array of the integers as objects, which numpy neither converts nor cuts."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
