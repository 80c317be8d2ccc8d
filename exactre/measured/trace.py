"""One boundary followed across the units below it, whatever their active sides (design 4.4, 4.6).

On one side of its bend a neuron is an affine function of what the layer before the units says. Each unit that
flips adds weight * |u|, on whichever side the unit is active: so the neuron's weights are measured without a
sign known. The affine part then tells the signs: it is the sum of weight * u over the units active there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exactre.measured.candidate import Candidate, combination, refined
from exactre.measured.known import ROUNDING, Known, Layer
from exactre.measured.neuron import Neuron
from exactre.measured.probe import Probe
from exactre.measured.reach import first_shown
from exactre.measured.snap import NO_GRID
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_SPARE = 1
_PASSES = 3
_WORTH = 3  # a pass that shows fewer than one in so many missing weights is the last


class Tracer:
    """Follows boundaries, each one once over layers with the same rows."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._found: dict[tuple[bytes, int], Trace | None] = {}

    def trace(self, known: Known, bend: Bend) -> Trace | None:
        """What `traced` says, or has said."""
        key = _rows(known), id(bend)
        if key not in self._found:
            self._found[key] = traced(self._probe, known, bend)
        return self._found[key]

    def fresh(self, known: Known, bends: Sequence[Bend]) -> list[Bend]:
        """The bends that were not traced over these layers."""
        rows = _rows(known)
        return [bend for bend in bends if (rows, id(bend)) not in self._found]

    def over(self, known: Known) -> list[Trace]:
        """All traces over these layers."""
        rows = _rows(known)
        return [trace for (key, _), trace in self._found.items() if key == rows and trace is not None]


def _rows(known: Known) -> bytes:
    """The layers, whatever the signs of the last one: a weight of a trace is the same on both sides."""
    return b"".join(np.abs(layer.weight).tobytes() for layer in known.layers)


@dataclass(frozen=True)
class Trace:
    """A neuron over a layer without signs: weights (k,), and where it was met.

    `affine` (p,) is the neuron's form at the first bend over what the units read. Errors are infinite where
    nothing was measured. All of it is up to one scale.
    """

    weights: Array
    errors: Array
    affine: Array
    affine_errors: Array
    bends: tuple[Bend, ...]

    def candidate(self, known: Known) -> Candidate:
        """The neuron as a row (k,) and bias over the last known layer, whose signs are known."""
        [start, *_] = self.bends
        values = known.cell(start.point).below(len(known.layers))[0]
        shown = np.isfinite(self.errors)
        error = np.inf
        if not values[~shown].any():
            error = abs(float(start.normal @ start.v)) * start.error
            error += float(np.hypot.reduce(self.errors[shown] * values[shown]))
        bias = -float(self.weights[shown] @ values[shown])
        return Candidate(np.append(self.weights, bias), np.append(self.errors, error), list(self.bends))


def traced(probe: Probe, known: Known, bend: Bend) -> Trace | None:
    """Follow the boundary of a bend across every unit of the last known layer that it meets nearby.

    None where the layers before that do not determine the neuron's affine part.
    """
    depth, last = len(known.layers), known.layers[-1]
    cell = known.cell(bend.point)
    inputs, forms = cell.below(depth - 1)
    width, count = last.weight.shape
    affine, affine_errors = bend.normal, bend.normal_error
    if depth > 1:
        active = np.flatnonzero(inputs > 0)
        found = combination(forms[active], active, count, bend, _SPARE)
        if found is None:
            return None
        affine, affine_errors = found
    side = np.where(cell.values[-1] > 0, 1, -1)
    # This layer says how far a unit is beyond its boundary, and an input above or below its value here.
    eye = np.eye(count)
    weight = np.vstack([-side[:, None] * last.weight, eye, -eye])
    bias = np.concatenate([-side * last.bias, -inputs, inputs])
    around = Known(known.dim, (*known.layers[:-1], Layer(weight, bias, np.ones(len(bias), dtype=np.int64))))
    below = np.where(np.isfinite(affine_errors), affine_errors, 0.0)  # of an input that is zero here
    row = np.concatenate([np.zeros(width), affine, -affine])
    errors = np.concatenate([np.full(width, np.inf), affine_errors, below])
    slack = abs(float(bend.normal @ bend.v)) * bend.error + float(np.abs(affine) @ np.abs(inputs)) * ROUNDING
    neuron = Neuron(row, errors, 0.0, slack, NO_GRID, 0.0, (bend,))
    distance = np.abs(cell.values[-1]) / np.maximum(np.linalg.norm(cell.forms[-1], axis=1), 2.0**-60)
    order = [*np.argsort(distance).tolist(), *(width + np.flatnonzero(inputs == 0)).tolist()]
    for _ in range(_PASSES):
        missing = [i for i in order if np.isinf(neuron.errors[i])]
        for index in missing:
            neuron = first_shown(probe, around, depth, neuron, index)
        so_far = Candidate(np.append(neuron.row, 0.0), np.append(neuron.errors, slack), list(neuron.bends))
        better = refined(around, depth, so_far)
        neuron = replace(neuron, row=better.values[:-1], errors=better.errors[:-1], bends=tuple(better.bends))
        shown = sum(bool(np.isfinite(neuron.errors[i])) for i in missing)
        if shown == len(missing) or shown * _WORTH < len(missing):
            break
    return Trace(
        neuron.row[:width],
        neuron.errors[:width],
        neuron.row[width : width + count],
        neuron.errors[width : width + count],
        neuron.bends,
    )
