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

from exactre.recover.model import Signs
from exactre.recover.modular import PRIME, combination

CONSTANT = -1
LEAST = 3

Weights = dict[int, int]


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
