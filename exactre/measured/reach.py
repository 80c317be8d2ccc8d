"""Boundary points of a neuron where a chosen neuron of the layer below is active, found in the known network.

Random lines seldom come by every pair of a boundary and a neuron below it. What is known of both is enough to
walk to where they meet, free of queries; only the last step is measured.
"""

from __future__ import annotations

import numpy as np

from exactre.measured.known import Cell, Known
from exactre.measured.line import Line
from exactre.measured.neuron import Neuron
from exactre.measured.survey import Bend, Survey
from exactre.oracle.measured import Array

_STEPS = 60
_TRIES = 10
_CLOSE = 2.0**-30
_ROOM = 2.0**-4


def entry_shown(survey: Survey, known: Known, depth: int, neuron: Neuron, index: int, level: float) -> list[Bend]:
    """Bends measured beside the place where the neuron's boundary meets `index` at value `level` (0: its own).

    The neuron reads layer `depth` of `known`; entries that are not known count as zero on the way.
    """
    rng = survey.probe.rng
    starts = [bend.point for bend in neuron.bends]
    for _ in range(_TRIES):
        start = starts[int(rng.integers(len(starts)))] + rng.normal(size=known.dim) / 4
        point = _walk(known, depth, neuron, index, level, start)
        if point is None:
            continue
        found = _beside(survey, known, depth, neuron, index, point)
        if found:
            return found
    return []


def _walk(known: Known, depth: int, neuron: Neuron, index: int, level: float, point: Array) -> Array | None:
    """A point where both the neuron is zero and `index` has the value `level`, by Newton's steps."""
    for _ in range(_STEPS):
        cell = known.cell(point)
        target = np.array([_value(cell, depth, neuron), cell.values[depth - 1][index] - level])
        if (np.abs(target) < _CLOSE).all():
            return point
        forms = np.stack([_form(cell, depth, neuron), cell.forms[depth - 1][index]])
        step, *_ = np.linalg.lstsq(forms, target, rcond=2.0**-20)
        size = float(np.abs(step).max())
        if not np.isfinite(size) or size > 2.0**12 or not size:
            return None
        point = point - step
    return None


def _row(neuron: Neuron) -> Array:
    return np.where(np.isfinite(neuron.errors), neuron.row, 0.0)


def _value(cell: Cell, depth: int, neuron: Neuron) -> float:
    return float(_row(neuron) @ cell.below(depth)[0]) + neuron.bias


def _form(cell: Cell, depth: int, neuron: Neuron) -> Array:
    return np.asarray(_row(neuron) @ cell.below(depth)[1])


def _beside(survey: Survey, known: Known, depth: int, neuron: Neuron, index: int, point: Array) -> list[Bend]:
    """Scan across the boundary a little beyond the point, on the side where `index` is active."""
    cell = known.cell(point)
    toward, normal = cell.forms[depth - 1][index], _form(cell, depth, neuron)
    size = float(np.linalg.norm(toward))
    across = normal - toward * (normal @ toward) / size**2
    if np.linalg.norm(across) < 2.0**-8 * np.linalg.norm(normal):
        return []
    room = _clearance(cell, depth, index, toward / size)
    step = 2.0 ** np.floor(np.log2(room * _ROOM))
    start = point + toward / size * step
    across = across / np.abs(across).max()
    reach = step * 4 * (float(np.abs(_row(neuron)).max()) * size + abs(float(normal @ toward)) / size)
    reach = 2.0 ** np.ceil(np.log2(reach / abs(float(normal @ across))))
    line = Line(survey.probe.rounded(start), survey.probe.rounded(across))
    if not survey.probe.allows(np.stack([line.at(-reach), line.at(reach)])):
        return []
    return survey.look(line, [-reach, 0.0, reach])


def _clearance(cell: Cell, depth: int, index: int, direction: Array) -> float:
    """How far the other known neurons keep their sides in a direction."""
    room = 1.0
    for k in range(depth):
        speed = np.abs(cell.forms[k] @ direction)
        distance = np.abs(cell.values[k])
        if k == depth - 1:
            distance[index] = np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            room = min(room, float(np.nanmin(np.where(speed > 0, distance / speed, np.inf))))
    return max(room, 2.0**-16)
