"""One hidden layer whose weights lie on no grid: numbers with error bounds, never called exact.

A row is known up to scale, its largest weight is 1 by choice. Errors of the rows make the same mistake at
many points, so that they are added up in the output layer as they are, not like independent ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from exactre.measured import output
from exactre.measured.closing import beside_boundaries
from exactre.measured.known import Known, Layer
from exactre.measured.neuron import Neuron
from exactre.measured.output import Output
from exactre.measured.probe import Probe
from exactre.oracle.measured import Array

_CHECKS = 64


def approximate(probe: Probe, neurons: Sequence[Neuron]) -> tuple[Known, Output] | None:
    """The layer, with signs, and the output over it, within error bounds that fresh answers agree with.

    None where no output layer over these neurons gives the answers.
    """
    rows, biases = np.stack([z.row for z in neurons]), np.array([z.bias for z in neurons])
    known = Known(probe.dim, (Layer(rows, biases, np.zeros(len(biases), dtype=np.int64)),))
    count = 2 * output.unknowns(known, signed=False)
    values = output.sampled(probe, count, beside_boundaries(known, neurons))
    signs = output.last_signs(known, values)
    if signs is None:
        return None
    known = known.with_last(replace(known.layers[-1], sign=signs).oriented())
    found = output.solved(known, values, _loose(neurons, values.points))
    if found is None:
        return None
    fresh = output.sampled(probe, _CHECKS, [])
    loose = _loose(neurons, fresh.points)
    hidden = np.maximum(known.values(fresh.points)[-1], 0.0) + loose
    bound = loose @ np.abs(found.weight).T + hidden @ found.weight_error.T + found.bias_error
    off = np.abs(output.predicted(known, found, fresh.points) - fresh.answers)
    return (known, found) if (off <= bound + output.AGREES * fresh.errors[:, None]).all() else None


def _loose(neurons: Sequence[Neuron], points: Array) -> Array:
    """Bounds (count, k) on the errors of the neurons' values at points (count, n)."""
    errors = np.stack([z.errors for z in neurons])
    return np.asarray(np.abs(points) @ errors.T + np.array([z.bias_error for z in neurons]))
