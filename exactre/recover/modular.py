"""Arithmetic modulo a prime, which proposes: what it finds is decided by exact equations.

Entries are int64 in 0 .. PRIME - 1; a product of two fits into 62 bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import nmod_mat
from numpy.typing import NDArray

from exactre.rational import Matrix

PRIME = (1 << 31) - 1

Residues = NDArray[np.int64]


def modular(form: Sequence[int]) -> Residues:
    """The form modulo the prime."""
    return np.array([v % PRIME for v in form], dtype=np.int64)


def modular_gradient(piece: Matrix, output: int) -> Residues:
    """Gradient (r,) of one output of an affine piece (m, r + 1), modulo the prime."""
    inverse = pow(piece.den, -1, PRIME)
    columns = range(piece.shape[1] - 1)
    return np.array([int(piece.num[output, i]) * inverse % PRIME for i in columns], dtype=np.int64)


def product(a: Residues, b: Residues) -> Residues:
    """The matrix product modulo the prime; halves of 16 bits keep sums of up to 2^16 terms below 2^63."""
    high: Residues = (a >> 16) @ b % PRIME
    return ((high << 16) + (a & 0xFFFF) @ b) % PRIME


def inverses(values: Residues) -> Residues:
    """Their inverses modulo the prime; zero for zero (Fermat)."""
    result, power, exponent = np.ones_like(values), values, PRIME - 2
    while exponent:
        if exponent & 1:
            result = result * power % PRIME
        power, exponent = power * power % PRIME, exponent >> 1
    return result


def rank(table: Residues) -> int:
    """The rank of a matrix modulo the prime."""
    return int(nmod_mat([row.tolist() for row in table], PRIME).rank())


def combination(columns: Residues, target: Residues) -> Residues | None:
    """The unique c with columns (r, k) c = target (r,) modulo the prime; None where not unique, or none.

    A column of zeros says nothing about its coefficient, and so does a target in which every c fits.
    """
    rows, unknowns = columns.shape
    found = solutions(columns, target) if unknowns <= rows else None
    return None if found is None or len(found[1]) else found[0]


def solutions(columns: Residues, target: Residues) -> tuple[Residues, Residues] | None:
    """A solution (n,) modulo the prime, and a basis (k, n) of the directions in which it is free."""
    unknowns = columns.shape[1]
    table = np.concatenate([columns, target[:, None]], axis=1)
    pivots: list[int] = []
    for column in range(unknowns):
        nonzero = np.flatnonzero(table[len(pivots) :, column])
        if not len(nonzero):
            continue
        here = len(pivots)
        table[[here, here + nonzero[0]]] = table[[here + nonzero[0], here]]
        table[here] = table[here] * pow(int(table[here, column]), -1, PRIME) % PRIME
        others = table[:, column].copy()
        others[here] = 0
        table = (table - others[:, None] * table[here]) % PRIME
        pivots.append(column)
    if table[len(pivots) :, -1].any():
        return None
    start = np.zeros(unknowns, dtype=np.int64)
    start[pivots] = table[: len(pivots), -1]
    others = np.array([c for c in range(unknowns) if c not in pivots], dtype=np.int64)
    free = np.zeros((len(others), unknowns), dtype=np.int64)
    free[range(len(others)), others] = 1
    free[:, pivots] = -table[: len(pivots), others].T % PRIME
    return start, free
