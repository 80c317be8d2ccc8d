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
LEAST = 3

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


class Groups:
    """Kinks whose combinations over a layer are proportional wherever both speak, for `LEAST` units at least.

    Every group keeps what its kinks say together, at the scale of its first: `known` (groups, width) modulo
    the prime, and where it says something.
    """

    def __init__(self, width: int) -> None:
        self.members: list[list[int]] = []
        self._known: NDArray[np.int64] = np.zeros((0, width), dtype=np.int64)
        self._says: NDArray[np.bool_] = np.zeros((0, width), dtype=bool)

    def add(self, kink: int, places: Sequence[int], values: Sequence[int]) -> None:
        """One more kink: its combination's values at these places."""
        vector = np.zeros(self._known.shape[1], dtype=np.int64)
        says = np.zeros(self._known.shape[1], dtype=bool)
        vector[list(places)], says[list(places)] = values, True
        both = self._says & says
        lead = (both & (self._known != 0) & (vector != 0)).argmax(axis=1)
        rows = np.arange(len(lead))
        at_lead = self._known[rows, lead]
        # Where no lead was found both factors may vanish, and such a group is left out.
        differs = (at_lead[:, None] * vector - vector[lead][:, None] * self._known) % PRIME != 0
        fits = (both.sum(axis=1) >= LEAST) & ~(differs & both).any(axis=1)
        fits &= (at_lead != 0) & (vector[lead] != 0) & both[rows, lead]
        if not fits.any():
            self.members.append([kink])
            self._known = np.vstack([self._known, vector])
            self._says = np.vstack([self._says, says])
            return
        g = int(fits.argmax())
        self.members[g].append(kink)
        scale = int(at_lead[g]) * pow(int(vector[lead[g]]), -1, PRIME) % PRIME
        new = says & ~self._says[g]
        self._known[g, new] = vector[new] * scale % PRIME
        self._says[g] |= says
