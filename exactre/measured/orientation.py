"""Which side of a known layer's neurons is active.

A deeper boundary's normal is a combination of the *active* neurons' forms. Where the forms of all of a layer
are independent it is unique, and the neurons with a coefficient that is certainly not zero are active.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import combination
from exactre.measured.known import Known
from exactre.measured.survey import Bend

_MAJORITY = 4
_SILENT = 3
_CERTAIN = 16.0  # error bounds that a coefficient has to be away from zero


class Votes:
    """What bends beyond a layer, the last known one, say about its active sides."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._counted: set[int] = set()  # bends, by id
        width = len(known.layers[-1].bias)
        self._active = np.zeros((2, width), dtype=np.int64)
        self._silent = np.zeros((2, width), dtype=np.int64)

    def count(self, bends: Sequence[Bend]) -> None:
        """Count those of the bends that are new."""
        known, depth = self._known, len(self._known.layers)
        width = len(known.layers[-1].bias)
        for bend in bends:
            if id(bend) in self._counted:
                continue
            self._counted.add(id(bend))
            cell = known.cell(bend.point)
            fitted = combination(cell.forms[depth - 1], np.arange(width), width, bend, 0)
            if fitted is None:
                continue
            values, errors = fitted
            side = cell.values[depth - 1] > 0
            active = np.abs(values) > _CERTAIN * errors
            if not active.all():  # else, as with a missing neuron, nothing is known to be zero
                self._active += active & np.array([side, ~side])
                self._silent += ~active & np.array([~side, side])

    def signs(self) -> NDArray[np.int64]:
        """Signs (k,) of the layer; 0 where the bends do not tell, or do not agree.

        A bend beside another boundary may have been measured wrongly, so that a few contradict the others.
        """
        # A neuron that is active nowhere, and was always seen on one side, is taken to be inactive there.
        silent = self._silent
        trusts = self._active.any(axis=0) | (silent.max(axis=0) < _SILENT) | silent.all(axis=0)
        votes = np.where(trusts, self._active, silent)
        more, less = votes.max(axis=0), votes.min(axis=0)
        return np.where(more > _MAJORITY * less, np.where(votes[0] > votes[1], 1, -1), 0)
