"""Entries that one measurement left open, made certain by points where they weigh more.

At a boundary point y of the neuron row . h(y) + bias = 0: one equation, whose error is that of the point. Far
out along the entry's axis, with the other open entries' inputs at zero, it shows the entry's last bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exactre.measured.candidate import Candidate
from exactre.measured.known import ROUNDING, Known
from exactre.measured.line import Line, scan
from exactre.measured.neuron import Neuron, located, offset
from exactre.measured.probe import Probe
from exactre.measured.snap import on_grid
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_FAR = (2.0**8, 2.0**9, 2.0**7)
_GRID = 2.0**-8
_TRIES = 24
_NEAR = 2.0**-4


def entry_at(known: Known, depth: int, neuron: Neuron, index: int, bend: Bend) -> tuple[float, float] | None:
    """What a boundary point of a neuron says about one entry, and its error; None where it says nothing."""
    cell = known.cell(bend.point)
    values = cell.below(depth)[0]
    if values[index] == 0 or neuron.bias_error == np.inf:
        return None
    row, errors = neuron.row.copy(), neuron.errors.copy()
    row[index] = errors[index] = 0.0
    rest, error = offset(known, depth, replace(neuron, row=row, errors=errors), bend)
    value = -(rest + neuron.bias) / values[index]
    row[index] = value
    slope = abs(float(np.where(np.isfinite(errors), row, 0.0) @ cell.speeds(depth, bend.v)))
    bound = (error + slope * bend.error + neuron.bias_error) / abs(values[index]) + abs(value) * ROUNDING
    return (value, bound) if np.isfinite(bound) else None


def with_entry(neuron: Neuron, index: int, value: float, bound: float) -> Neuron:
    """The neuron with one entry known within a bound; exact where the grid leaves it one value.

    Unchanged where the grid has no value within the bound: then another boundary was measured.
    """
    nearest, certain = on_grid(np.array([value]), np.array([bound]), neuron.grid)
    if abs(nearest[0] - value) > bound + abs(value) * ROUNDING:
        return neuron
    is_certain = bool(certain[0]) and (bound < abs(value) or neuron.grid.top is not None)
    row, errors = neuron.row.copy(), neuron.errors.copy()
    row[index] = nearest[0] if is_certain else value
    errors[index] = 0.0 if is_certain else bound
    return replace(neuron, row=row, errors=errors)


def nearest(neuron: Neuron) -> Neuron:
    """The neuron with the grid's nearest value in place of every open entry; their errors stay."""
    values, _ = on_grid(neuron.row, neuron.errors, neuron.grid)
    return replace(neuron, row=np.where(neuron.errors > 0, values, neuron.row))


def narrowed(known: Known, depth: int, neuron: Neuron, index: int, bend: Bend) -> Neuron:
    """The neuron with what a boundary point of it says about one entry, if that is more than is known."""
    found = entry_at(known, depth, neuron, index, bend)
    return neuron if found is None or found[1] >= neuron.errors[index] else with_entry(neuron, index, *found)


def grown(neuron: Neuron, candidate: Candidate) -> Neuron:
    """The neuron with what a candidate of the same scale, which has more bends, says of open entries."""
    neuron = replace(neuron, bends=tuple(candidate.bends))
    for index in neuron.open:
        if candidate.errors[index] < neuron.errors[index]:
            neuron = with_entry(neuron, index, float(candidate.values[index]), float(candidate.errors[index]))
    return neuron


def sharpened(probe: Probe, neuron: Neuron) -> Neuron:
    """A first-layer neuron with its open entries measured far along their axes, a few queries each."""
    inputs = Known(probe.dim)
    for _ in range(_TRIES if neuron.bias_error else 0):
        bend = _far_point(probe, neuron, None, 0.0)
        if bend is None:
            continue
        placed = located(inputs, 0, replace(neuron, bends=(*neuron.bends, bend)))
        if placed is not None and placed.bias_error < neuron.bias_error:
            neuron = replace(placed, bends=neuron.bends)
            break
    if neuron.bias_error:
        return neuron
    for index in neuron.open:
        weight = total = 0.0
        for attempt in range(_TRIES):
            bend = _far_point(probe, neuron, index, _FAR[attempt % len(_FAR)])
            found = None if bend is None else entry_at(inputs, 0, neuron, index, bend)
            if found is None or abs(found[0] - neuron.row[index]) > found[1] + neuron.errors[index]:
                continue
            # Independent measurements, weighted by precision.
            weight, total = weight + found[1] ** -2, total + found[0] * found[1] ** -2
            if weight**-0.5 < neuron.errors[index]:
                better = with_entry(neuron, index, total / weight, weight**-0.5)
                if better is neuron:  # some of what was averaged is another boundary's
                    weight = total = 0.0
                neuron = better
            if not neuron.errors[index]:
                break
    return neuron


def _far_point(probe: Probe, neuron: Neuron, index: int | None, far: float) -> Bend | None:
    """A boundary point with input `index` far out and the other open inputs at zero, if one shows."""
    row, rng = neuron.row, probe.rng
    certain = np.flatnonzero((neuron.errors == 0) & (row != 0))
    steep = certain[np.argsort(-np.abs(row[certain]))[: 1 + len(certain) // 2]]
    lead = int(rng.choice(steep))
    point = np.rint(rng.normal(size=probe.dim) / 4 / _GRID) * _GRID
    point[neuron.open] = 0.0
    if index is not None:
        point[index] = far * rng.choice([-1.0, 1.0])
    point[lead] = 0.0
    where = -float(row @ point + neuron.bias) / row[lead]
    point[lead] = np.rint(where / _GRID) * _GRID
    v = np.zeros(probe.dim)
    v[lead] = 1.0
    expected = where - float(point[lead])
    slack = (float(np.abs(point) @ neuron.errors) + neuron.bias_error) / abs(row[lead]) + 2.0**-30
    reach = max(far / 512, _NEAR)
    line = Line(point, v)
    if not probe.allows(np.stack([line.at(-reach), line.at(reach)])):
        return None
    kinks = [
        kink for kink in scan(probe, line, [-reach, reach]) if abs(kink.t - expected) <= slack + kink.error
    ]
    if len(kinks) != 1:
        return None
    [kink] = kinks
    normal: Array = np.zeros(0)  # not measured: the point alone matters
    return Bend(line.at(kink.t), v, kink.error, normal, normal, reach)
