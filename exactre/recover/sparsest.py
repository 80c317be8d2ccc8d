"""The solution with the most zeros of too few linear equations, modulo a prime (information-set guessing).

A layer's units that contribute nothing to an output have weight zero in it. Where k equations are wanting,
k zeros among the unknowns fix a solution, and one zero more shows that it is not chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exactre.recover.modular import PRIME, Residues, inverses, product, solutions

_GUESSES = 1024  # sets of zeros in one batch
_BATCHES = 4


def sparsest(columns: Residues, target: Residues, rng: np.random.Generator) -> Residues | None:
    """The c (n,) with columns (m, n) c = target (m,) modulo the prime that has the most zeros found.

    None where none solves it or no solution has more zeros than equations are wanting. A solution without
    zeros is none: that is what a layer that lacks a neuron gives.
    """
    found = solutions(columns, target)
    if found is None:
        return None
    start, free = found
    wanting, unknowns = free.shape
    if not wanting:
        return None if start.all() else start
    for _ in range(_BATCHES if wanting < unknowns else 0):
        sets = rng.permuted(np.tile(np.arange(unknowns), (_GUESSES, 1)), axis=1)[:, :wanting]
        factors, is_fixed = _solved(free.T[sets], -start[sets] % PRIME)
        guesses = (start + product(factors[is_fixed], free)) % PRIME
        zeros = (guesses == 0).sum(axis=1)
        if zeros.max(initial=0) > wanting:
            best: Residues = guesses[zeros.argmax()]
            return best
    return None


def _solved(matrices: Residues, right: Residues) -> tuple[Residues, NDArray[np.bool_]]:
    """Solutions (b, k) of many square systems (b, k, k) modulo the prime, and which of them are regular."""
    table = np.concatenate([matrices, right[:, :, None]], axis=2)
    batch, size = np.arange(len(table)), table.shape[1]
    regular = np.ones(len(table), dtype=bool)
    for pivot in range(size):
        swap = pivot + (table[:, pivot:, pivot] != 0).argmax(axis=1)
        row = table[batch, swap]
        table[batch, swap] = table[:, pivot]
        regular &= row[:, pivot] != 0
        row = row * inverses(row[:, pivot])[:, None] % PRIME
        others = table[:, :, pivot].copy()
        others[:, pivot] = 0
        table = (table - others[:, :, None] * row[:, None, :]) % PRIME
        table[:, pivot] = row
    return table[:, :, -1], regular
