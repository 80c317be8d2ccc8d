"""Entries of a deeper neuron that no line has shown: its boundary beside a chosen neuron of the layer below.

Random lines seldom come by every pair of a boundary and a neuron below it. What is known of both is enough to
walk to where they meet, free of queries; only the last step is measured, and needs no gradient: at a boundary
point row . h + bias = 0, which leaves one unknown.
"""

from __future__ import annotations

import numpy as np

from exactre.measured.known import Cell, Known
from exactre.measured.line import Line, scan
from exactre.measured.neuron import Neuron
from exactre.measured.probe import Probe
from exactre.measured.sharpen import entry_at, with_entry
from exactre.measured.survey import Bend, nearest_neuron
from exactre.oracle.measured import Array

_STEPS = 60
_TRIES = 12
_CLOSE = 2.0**-30
_MISSING_LEVELS = (2.0**-4, 2.0**-2, 2.0**-7)
_OPEN_LEVELS = (2.0**2, 2.0**5, 2.0**0)
_LARGEST = 4.0  # how many times larger than the known entries a missing one is looked for
_NOTHING: Array = np.zeros(0)


def shown(probe: Probe, known: Known, depth: int, neuron: Neuron, index: int) -> Neuron:
    """The neuron with entry `index` measured where neuron `index` below it is active.

    `known` ends with the layer that is being built, or with the layer below it, which is layer `depth`. A
    missing entry is taken when two boundary points far apart agree on it, since one can be another neuron's.
    """
    missing = bool(np.isinf(neuron.errors[index]))
    levels = _MISSING_LEVELS if missing else _OPEN_LEVELS
    guesses: list[tuple[float, float]] = []
    for attempt in range(_TRIES):
        level = levels[attempt % len(levels)]
        start = neuron.bends[int(probe.rng.integers(len(neuron.bends)))].point
        aside = probe.rng.normal(size=known.dim) * float(np.exp2(probe.rng.uniform(-2, 3)))
        point = _walk(known, depth, neuron, index, level, start + aside)
        if point is None:
            continue
        here = []
        for bend in _across(probe, known, depth, neuron, index, level, point):
            found = entry_at(known, depth, neuron, index, bend)
            if found is None:
                continue
            value, bound = found
            if missing:
                here.append(found)
                if not any(abs(value - v) <= bound + e for v, e in guesses):
                    continue
            elif abs(value - neuron.row[index]) > bound + neuron.errors[index]:
                continue
            if bound < neuron.errors[index]:
                neuron = with_entry(neuron, index, value, bound)
                missing = False
        guesses += here
        if neuron.errors[index] == 0:
            break
    return neuron


def _walk(known: Known, depth: int, neuron: Neuron, index: int, level: float, point: Array) -> Array | None:
    """A point where the neuron is zero and `index` has the value `level`, by Newton's steps."""
    for _ in range(_STEPS):
        cell = known.cell(point)
        value = float(_row(neuron) @ cell.below(depth)[0]) + neuron.bias
        target = np.array([value, cell.values[depth - 1][index] - level])
        if (np.abs(target) < _CLOSE).all():
            return point
        forms = np.stack([_form(cell, depth, neuron), cell.forms[depth - 1][index]])
        step, *_ = np.linalg.lstsq(forms, target, rcond=2.0**-20)
        size = float(np.abs(step).max())
        if not 0 < size < 2.0**12:
            return None
        point = point - step
    return None


def _row(neuron: Neuron) -> Array:
    return np.where(np.isfinite(neuron.errors), neuron.row, 0.0)


def _form(cell: Cell, depth: int, neuron: Neuron) -> Array:
    return np.asarray(_row(neuron) @ cell.below(depth)[1])


def _across(
    probe: Probe, known: Known, depth: int, neuron: Neuron, index: int, level: float, point: Array
) -> list[Bend]:
    """Unexplained kinks on a line across the boundary, along which `index` keeps its value."""
    cell = known.cell(point)
    toward, normal = cell.forms[depth - 1][index], _form(cell, depth, neuron)
    across = normal - toward * (normal @ toward) / max(float(toward @ toward), 2.0**-60)
    speed = float(normal @ across)
    if speed <= 2.0**-16 * float(normal @ normal):
        return []
    across = probe.rounded(across * (float(np.linalg.norm(across)) / speed))  # the neuron's value is t
    row = np.abs(_row(neuron))
    if np.isinf(neuron.errors[index]):
        reach = _LARGEST * float(row.max()) * level
    else:
        reach = max(neuron.errors[index] * level * 64, 2.0**-8 * float(row.max()) * level)
    reach = 2.0 ** np.ceil(np.log2(reach))
    line = Line(probe.rounded(point), across)
    if not probe.allows(np.stack([line.at(-reach), line.at(reach)])):
        return []
    kinks = scan(probe, line, [-reach, 0.0, reach])
    bends = [Bend(line.at(kink.t), across, kink.error, _NOTHING, _NOTHING, reach) for kink in kinks]
    return [b for b in bends if nearest_neuron(known, b.point, b.v, b.error) is None]
