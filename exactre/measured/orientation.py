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

_CERTAIN = 16.0  # error bounds that a coefficient has to be away from zero


def signs(known: Known, bends: Sequence[Bend]) -> NDArray[np.int64] | None:
    """Signs (k,) of the last known layer, 0 where no bend tells; None where the bends contradict each other."""
    depth = len(known.layers)
    width = len(known.layers[-1].bias)
    found = np.zeros(width, dtype=np.int64)
    for bend in bends:
        cell = known.cell(bend.point)
        fitted = combination(cell.forms[depth - 1], np.arange(width), width, bend, 0)
        if fitted is None:
            continue
        values, errors = fitted
        side = np.sign(cell.values[depth - 1]).astype(np.int64)
        active = np.abs(values) > _CERTAIN * errors
        if active.all():
            continue  # as with a missing neuron: nothing is known to be zero
        if (found[active] * side[active] < 0).any():
            return None
        found[active] = side[active]
    return found
