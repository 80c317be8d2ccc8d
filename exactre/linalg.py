"""Exact linear algebra over Q on FLINT: solve, rank, nullspace, each with its predicate.

A rank modulo a prime never exceeds the rank over Q, so a full rank modulo a prime is a proof, and a thousand
times cheaper than elimination (20 x 20 at 4,000 bits: 0.1 ms against 330 ms). Everything else a
prime suggests is proved over Q before it is returned.
"""

from __future__ import annotations

from math import gcd
from typing import cast

from flint import fmpq_mat, fmpz, fmpz_mat, nmod_mat

from exactre.errors import ShapeError
from exactre.rational import Matrix

_PRIME = 2**61 - 1


def rank(A: Matrix) -> int:
    """Rank of A (m, n), exact over Q."""
    modular = nmod_mat(A.num, _PRIME).rank()
    return modular if modular == min(A.shape) else A.num.rank()


def nullspace(A: Matrix) -> Matrix:
    """Basis of the solutions of A x = 0 as the columns of an integer matrix (n, nullity), each primitive.

    A is (m, n). Exact over Q.
    """
    n = A.shape[1]
    if nmod_mat(A.num, _PRIME).rank() == n:
        return Matrix(fmpz_mat(n, 0))
    basis, nullity = A.num.nullspace()
    columns = [[int(v) for v in row[:nullity]] for row in basis.tolist()]
    contents = [gcd(*(row[k] for row in columns)) for k in range(nullity)]
    flat = [v // g for row in columns for v, g in zip(row, contents, strict=True)]
    return Matrix(fmpz_mat(n, nullity, flat))


def solve(A: Matrix, B: Matrix) -> Matrix | None:
    """A solution X (n, k) of A X = B, None when there is none; exact over Q.

    A is (m, n), B is (m, k). Where solutions differ, the one with the non-pivot coordinates zero comes back.
    Raises ShapeError.
    """
    (m, n), k = A.shape, B.shape[1]
    if B.shape[0] != m:
        raise ShapeError(f"expected a right-hand side of {m} rows, found {B.shape[0]}")
    columns = pivot_columns(nmod_mat(A.num, _PRIME).rref()[0])
    rows = pivot_columns(nmod_mat(A.num_t, _PRIME).rref()[0])
    guess = _on_pivots(A, B, rows, columns)
    if is_solution(A, guess, B):
        return guess
    # No solution, or the prime hid a pivot: eliminate over Q.
    table = [[*left, *right] for left, right in zip(A.rows(), B.rows(), strict=True)]
    columns = pivot_columns(Matrix.from_rows(table, n + k).num.rref()[0])
    if columns and columns[-1] >= n:
        return None
    rows = pivot_columns(A.num_t.rref()[0])
    return _on_pivots(A, B, rows, columns)


def is_solution(A: Matrix, X: Matrix, B: Matrix) -> bool:
    """True when A X = B exactly."""
    return A.shape[1] == X.shape[0] and A @ X == B


def is_nullspace(A: Matrix, N: Matrix) -> bool:
    """True when the columns of N (n, k) are a basis of all solutions of A x = 0, exactly."""
    n, k = N.shape
    return A.shape[1] == n and k == n - rank(A) == rank(N) and (A.num * N.num).is_zero()


def pivot_columns(reduced: fmpz_mat | nmod_mat) -> list[int]:
    """Pivot columns of a matrix in reduced row echelon form."""
    columns = (next((j for j, v in enumerate(row) if v), None) for row in reduced.tolist())
    return [j for j in columns if j is not None]


def _on_pivots(A: Matrix, B: Matrix, rows: list[int], columns: list[int]) -> Matrix:
    """The solution of the given rows (regular in the given columns), zero in the other coordinates."""
    n, k, r = A.shape[1], B.shape[1], len(rows)
    a, b = A.num.tolist(), B.num.tolist()
    square = fmpz_mat(r, r, [a[i][j] for i in rows for j in columns])
    right = fmpz_mat(r, k, [v for i in rows for v in b[i]])
    num, den = cast(fmpq_mat, square.solve(right)).numer_denom()
    flat: list[int | fmpz] = [0] * (n * k)
    for j, row in zip(columns, num.tolist(), strict=True):
        flat[j * k : (j + 1) * k] = [v * A.den for v in row]
    return Matrix(fmpz_mat(n, k, flat), int(den) * B.den)
