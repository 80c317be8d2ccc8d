"""From a candidate to a neuron with exact entries, or to the entries that are still open.

The row is snapped first, which fixes its scale; the bias follows from where the boundary lies, and has to hit
the grid too. A bend of a deeper neuron shows itself here: its row or its offset misses the grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import Candidate, refined
from exactre.measured.known import ROUNDING, Known
from exactre.measured.snap import FLOAT32, GRIDS, NO_GRID, Grid, Snapped, snaps
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_LIKELY = -20.0  # of the row alone; its bias has to hit the grid too
CERTAIN = -50.0  # binary logarithm of the false-positive bound of one row
_DENOMINATORS = 64


@dataclass(frozen=True)
class Neuron:
    """A row (p,) and bias, exact where `errors` (p,) and `bias_error` are 0, else within them.

    An infinite error is an entry that no bend has shown. `log2_false` bounds the chance that the row is no
    row of the grid at all.
    """

    row: Array
    errors: Array
    bias: float
    bias_error: float
    grid: Grid
    log2_false: float
    bends: tuple[Bend, ...]

    @property
    def is_exact(self) -> bool:
        """Whether every entry is certain."""
        return not self.errors.any() and self.bias_error == 0

    @property
    def open(self) -> list[int]:
        """Entries that are not certain."""
        return [int(i) for i in np.flatnonzero(self.errors)]


def neuron_of(known: Known, depth: int, candidate: Candidate) -> Neuron | None:
    """The neuron on the first grid that has exactly one for the candidate; None where none has.

    Of several rows of a grid, the one with a bias of the grid is the neuron's.
    """
    candidate = refined(known, depth, candidate)
    shown = np.flatnonzero(np.isfinite(candidate.errors[:-1]))
    for grid in GRIDS:
        rows = snaps(candidate.values[shown], candidate.errors[shown], grid)
        likely = [snapped for snapped in rows if snapped.false_positive < _LIKELY]
        placed = [_placed(known, depth, candidate, shown, snapped) for snapped in likely]
        neurons = [neuron for neuron in placed if neuron is not None]
        if len(neurons) == 1 and neurons[0].log2_false < CERTAIN:
            return neurons[0]
    return None


def _placed(
    known: Known, depth: int, candidate: Candidate, shown: NDArray[np.int64], snapped: Snapped
) -> Neuron | None:
    row, errors = np.zeros(len(candidate.values) - 1), np.full(len(candidate.values) - 1, np.inf)
    row[shown] = snapped.entries
    errors[shown] = 0.0
    scale = abs(snapped.scale)
    for i in snapped.open:
        errors[shown[i]] = candidate.errors[shown[i]] * scale + abs(row[shown[i]]) * ROUNDING
        row[shown[i]] = candidate.values[shown[i]] * scale
    neuron = Neuron(row, errors, 0.0, np.inf, snapped.grid, snapped.false_positive, tuple(candidate.bends))
    return located(known, depth, neuron)


def located(known: Known, depth: int, neuron: Neuron) -> Neuron | None:
    """The neuron with its bias from its bends; None where they contradict each other, or the grid."""
    if neuron.bias_error == 0:
        return neuron
    low, high = _bias_range(known, depth, neuron)
    if low > high:
        return None
    if not np.isfinite(high - low):
        return neuron
    middle, half = (low + high) / 2, (high - low) / 2
    exact = _bias_on_grid(middle, half, neuron.grid)
    if exact is None:
        return None
    bias, error, chance = exact
    return replace(neuron, bias=bias, bias_error=error, log2_false=neuron.log2_false + chance)


def loose_neuron(known: Known, depth: int, candidate: Candidate) -> Neuron | None:
    """A neuron on no grid: its largest weight is 1, and all else is known within error bounds.

    None where its bends contradict each other, or do not show every entry.
    """
    candidate = refined(known, depth, candidate)
    values, errors = candidate.values[:-1], candidate.errors[:-1]
    if not np.isfinite(errors).all():
        return None
    lead = int(np.abs(values).argmax())
    row = values / values[lead]
    slack = (errors + np.abs(row) * errors[lead]) / abs(values[lead]) + np.abs(row) * ROUNDING
    slack[lead] = 0.0
    neuron = Neuron(row, slack, 0.0, np.inf, NO_GRID, 0.0, tuple(candidate.bends))
    low, high = _bias_range(known, depth, neuron)
    if not low < high < np.inf:
        return None
    return replace(neuron, bias=(low + high) / 2, bias_error=(high - low) / 2)


def _bias_range(known: Known, depth: int, neuron: Neuron) -> tuple[float, float]:
    """The least and the largest bias with which the boundary passes through the bends; low > high if none."""
    low, high = -np.inf, np.inf
    for bend in neuron.bends:
        value, error = offset(known, depth, neuron, bend)
        low, high = max(low, -value - error), min(high, -value + error)
    return low, high


def offset(known: Known, depth: int, neuron: Neuron, bend: Bend) -> tuple[float, float]:
    """The row's value at a bend without the bias, and its error bound."""
    cell = known.cell(bend.point)
    values = cell.below(depth)[0]
    shown = np.isfinite(neuron.errors)
    if (values[~shown] != 0).any():
        return 0.0, np.inf
    row = np.where(shown, neuron.row, 0.0)
    error = abs(float(row @ cell.speeds(depth, bend.v))) * bend.error
    error += float(np.abs(row) @ np.abs(values)) * ROUNDING
    error += float(np.abs(values[shown]) @ neuron.errors[shown])
    if error == 0:  # where nothing that it reads is active there is no boundary: the bend is not its own
        return 0.0, np.inf
    return float(row @ values), error


def _bias_on_grid(value: float, error: float, grid: Grid) -> tuple[float, float, float] | None:
    """The bias, what is left of its error, and the binary logarithm of the chance to hit the grid so well.

    Biases of coarse floats are often kept in float32; those of integers may be fractions of their unit. None
    where the bias misses all of these.
    """
    error += abs(value) * ROUNDING
    if grid.top is not None:
        spacings = [1.0 / den for den in range(1, _DENOMINATORS + 1)]
    else:
        kinds = (grid,) if grid == FLOAT32 else (grid, FLOAT32)
        spacings = [2.0 ** (int(np.frexp(value)[1]) - kind.bits) for kind in kinds]
    tried = 0.0
    for spacing in spacings:
        nearest = round(value / spacing) * spacing
        tried += 2 * error / spacing
        if abs(nearest - value) <= error:
            if tried < 1 and (grid.top is not None or 2 * error < abs(value)):
                return nearest, 0.0, float(np.log2(tried))
            return value, error, 0.0
    return None
