"""Free facts from the kinks already paid for: a layer's signs, and which kinks are one neuron's.

In a layered network the form of every later piece is, up to a constant, a combination of the forms of
the *active* neurons of layer k. Where the forms that may be active are independent, the combination is
unique: its zeros are the inactive neurons (which gives their signs), and its ratios are the neuron's
weights (which tells whose kink it is). All of this is modulo a prime: it proposes, and the exact
systems of `row` decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.rational import Matrix
from exactre.recover.model import Signs

PRIME = (1 << 31) - 1
CONSTANT = -1

Weights = dict[int, int]


def modular(form: Sequence[int]) -> NDArray[np.int64]:
    """The form modulo the prime."""
    return np.array([v % PRIME for v in form], dtype=np.int64)


def modular_gradient(piece: Matrix, output: int) -> NDArray[np.int64]:
    """Gradient (r,) of one output of an affine piece (m, r + 1), modulo the prime."""
    inverse = pow(piece.den, -1, PRIME)
    columns = range(piece.shape[1] - 1)
    return np.array([int(piece.num[output, i]) * inverse % PRIME for i in columns], dtype=np.int64)


def product(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The matrix product modulo the prime; halves of 16 bits keep sums of up to 2^16 terms below 2^63."""
    high: NDArray[np.int64] = (a >> 16) @ b % PRIME
    return ((high << 16) + (a & 0xFFFF) @ b) % PRIME


def combination(columns: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The unique c with columns (r, k) c = target (r,) modulo the prime; None where not unique, or none.

    A column of zeros says nothing about its coefficient, and so does a target in which every c fits.
    """
    rows, unknowns = columns.shape
    if unknowns > rows:
        return None
    table = np.concatenate([columns, target[:, None]], axis=1)
    for pivot in range(unknowns):
        nonzero = np.flatnonzero(table[pivot:, pivot])
        if not len(nonzero):
            return None
        swap = pivot + int(nonzero[0])
        if swap != pivot:
            table[[pivot, swap]] = table[[swap, pivot]]
        table[pivot] = table[pivot] * pow(int(table[pivot, pivot]), -1, PRIME) % PRIME
        others = table[:, pivot].copy()
        others[pivot] = 0
        table = (table - others[:, None] * table[pivot]) % PRIME
    return None if table[unknowns:, -1].any() else table[:unknowns, -1]


def active_weights(
    layer: Sequence[int],
    signs: Signs,
    forms: Mapping[int, NDArray[np.int64]],
    target: NDArray[np.int64],
    orientation: Mapping[int, int],
) -> Weights | None:
    """{neuron of the layer: its coefficient in the target (r,) or (r + 1,)}, where it is unique.

    Offsets do not take part. Where the target has one, what is left of it stands under `CONSTANT`: parallel
    boundaries differ in it alone.
    """
    support = [j for j in layer if orientation.get(j, signs[j]) == signs[j]]
    if not support:
        return None
    columns = np.stack([forms[j] for j in support], axis=1)
    dim = len(columns) - 1
    found = combination(columns[:-1], target[:dim])
    if found is None:
        return None
    weights = {j: int(c) for j, c in zip(support, found, strict=True)}
    if len(target) > dim:
        rest = int(target[-1]) - sum(c * int(v) for c, v in zip(weights.values(), columns[-1], strict=True))
        weights[CONSTANT] = rest % PRIME
    return weights


def same_neuron(a: Mapping[int, int], b: Mapping[int, int], least: int) -> bool:
    """Whether two combinations are proportional where both speak, and both do for `least` neurons."""
    common = [j for j in a if j in b]
    lead = next((j for j in common if a[j] and b[j]), None)
    if len(common) < least or lead is None:
        return False
    return all((a[lead] * b[j] - a[j] * b[lead]) % PRIME == 0 for j in common)
