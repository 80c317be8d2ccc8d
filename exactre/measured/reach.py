"""Entries of a deeper neuron that no line has shown: its boundary beside a chosen neuron of the layer below.

Random lines seldom come by every pair of a boundary and a neuron below it. What is known of both is enough to
walk to where they meet, free of queries; only the last step is measured, and needs no gradient: at a boundary
point row . h + bias = 0, which leaves one unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import Cell, Known
from exactre.measured.line import Line, scan
from exactre.measured.meeting import Pair
from exactre.measured.neuron import Neuron
from exactre.measured.probe import Probe
from exactre.measured.sharpen import entry_at, with_entry
from exactre.measured.steer import largest
from exactre.measured.survey import Bend, nearest_neuron
from exactre.oracle.measured import Array

_STEPS = 40
_LEVELS = 4
_WALKS = 60  # they cost no query
_LOOKS = 8
_TRIALS = 4
_AGAIN = 2
_ASIDE = (-8, 5)  # binary logarithms of how far from a boundary point a walk starts
_CLOSE = 2.0**-30
_FARTHEST = 2.0**8  # of one step
_MISSING_LEVELS = (2.0**-7, 2.0**-4, 2.0**-2)
_OPEN_LEVELS = (2.0**2, 2.0**5, 2.0**0)
_AGAIN_LEVELS = (2.0**1, 2.0**-1, 2.0**-3, 2.0**-5)
_LARGEST = 4.0  # how many times larger than the known entries a missing one is looked for
_NOTHING: Array = np.zeros(0)


def shown(
    probe: Probe, known: Known, depth: int, neuron: Neuron, index: int, *, walked: bool = False
) -> Neuron:
    """The neuron with entry `index` measured where neuron `index` below it is active.

    `known` ends with the layer that is being built, or with the layer below it, which is layer `depth`. A
    missing entry is looked for where the unit below is large, wherever the neuron was seen; `walked` also
    where the two boundaries meet.
    """
    if np.isinf(neuron.errors[index]):
        starts = largest(probe, known, depth - 1, index, _WALKS)
        neuron = first_shown(probe, known, depth, neuron, index, starts)
    if np.isinf(neuron.errors[index]) and walked:
        seen = np.array([bend.point for bend in neuron.bends])
        pair = Pair(Known(known.dim, known.layers[:depth]), _row(neuron), neuron.bias, index)
        starts = pair.meetings(seen, probe.rng)
        neuron = first_shown(probe, known, depth, neuron, index, starts)
    if not 0 < neuron.errors[index] < np.inf:
        return neuron
    for point, level in _places(probe, known, depth, neuron, index, _OPEN_LEVELS, _LOOKS):
        neuron = _better(
            known, depth, neuron, index, _across(probe, known, depth, neuron, index, level, point)
        )
        if neuron.errors[index] == 0:
            break
    return neuron


def first_shown(
    probe: Probe, known: Known, depth: int, neuron: Neuron, index: int, starts: Array | None = None
) -> Neuron:
    """The neuron with a missing entry that two boundary points agree on: one can be another neuron's.

    They are looked for beside its bends, and beside points (count, n) to start from.
    """
    for point, level in _places(probe, known, depth, neuron, index, _MISSING_LEVELS, _TRIALS, starts):
        for bend in _across(probe, known, depth, neuron, index, level, point):
            guess = _better(known, depth, neuron, index, [bend])
            if np.isinf(guess.errors[index]):
                continue
            for again, height in _places(probe, known, depth, guess, index, _AGAIN_LEVELS, _AGAIN):
                bends = _across(probe, known, depth, guess, index, height, again)
                agreed = _better(known, depth, guess, index, bends)
                if agreed is not guess:
                    return agreed
    return neuron


def _places(
    probe: Probe,
    known: Known,
    depth: int,
    neuron: Neuron,
    index: int,
    levels: Sequence[float],
    most: int,
    far: Array | None = None,
) -> Iterator[tuple[Array, float]]:
    """Boundary points of the neuron at which `index` has one of these levels, and the level.

    They are walked to from beside its bends, and from points `far` (count, n).
    """
    count = 0
    rng = probe.rng
    starts = np.stack([neuron.bends[int(rng.integers(len(neuron.bends)))].point for _ in range(_WALKS)])
    aside = np.exp2(rng.uniform(*_ASIDE, size=(_WALKS, 1)))
    starts = starts + rng.normal(size=starts.shape) * aside
    if far is not None:
        starts = np.vstack([starts, far])
    heights = np.resize(levels, len(starts))
    points, done = _walks(known, depth, neuron, index, heights, starts)
    for point, level in zip(points[done], heights[done].tolist(), strict=True):
        if not _is_obscure(known, depth, neuron, index, point):
            yield point, level
            count += 1
            if count == most:
                return


def _better(known: Known, depth: int, neuron: Neuron, index: int, bends: Sequence[Bend]) -> Neuron:
    """The neuron with what those of the bends that agree with it say about an entry; itself if nothing."""
    better = neuron
    for bend in bends:
        found = entry_at(known, depth, neuron, index, bend)
        if found is None:
            continue
        value, bound = found
        missing = np.isinf(neuron.errors[index])
        if not missing and abs(value - neuron.row[index]) > bound + neuron.errors[index]:
            continue
        error = min(bound, neuron.errors[index])
        kept = value if bound <= neuron.errors[index] else float(neuron.row[index])
        seen = replace(better, bends=(*neuron.bends, bend))
        told = with_entry(seen, index, kept, error)
        better = better if told is seen else told
    return better


def _walks(
    known: Known, depth: int, neuron: Neuron, index: int, levels: Array, starts: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Points (count, n) where the neuron is zero and `index` has these levels, by Newton's shortest steps.

    And which of them are such points.
    """
    x, row = starts.copy(), _row(neuron)
    unit = np.zeros(len(row))
    unit[index] = 1.0
    done: NDArray[np.bool_] = np.zeros(len(x), dtype=bool)
    for _ in range(_STEPS):
        values = known.values(x)[:depth]
        target = np.maximum(values[-1], 0.0) @ row + neuron.bias, values[-1][:, index] - levels
        done = np.asarray((np.abs(target) < _CLOSE).all(axis=0))
        if done.all():
            break
        a = known.gradients(values, np.where(values[-1] > 0, row, 0.0))
        b = known.gradients(values, np.broadcast_to(unit, values[-1].shape))
        aa, ab, bb = (a * a).sum(axis=1), (a * b).sum(axis=1), (b * b).sum(axis=1)
        det = np.maximum(aa * bb - ab * ab, 2.0**-40 * aa * bb + 2.0**-200)
        step = (a.T * (bb * target[0] - ab * target[1]) + b.T * (aa * target[1] - ab * target[0])) / det
        size = np.maximum(np.abs(step).max(axis=0), 2.0**-100)
        x = np.where(done[:, None], x, x - (step * np.minimum(1.0, _FARTHEST / size)).T)
    return x, done


def _is_obscure(known: Known, depth: int, neuron: Neuron, index: int, point: Array) -> bool:
    """Whether a boundary point says nothing about entry `index`, since another missing one takes part."""
    others = np.isinf(neuron.errors)
    others[index] = False
    return bool(known.cell(point).below(depth)[0][others].any())


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
    reach = 2.0 ** (
        1 + np.ceil(np.log2(reach))
    )  # so that the kink is in the middle, where it is found at once
    line = Line(probe.rounded(point), across)
    if not probe.allows(np.stack([line.at(-reach), line.at(reach)])):
        return []
    kinks = scan(probe, line, [-reach, reach], levels=_LEVELS)
    bends = [Bend(line.at(kink.t), across, kink.error, _NOTHING, _NOTHING, reach) for kink in kinks]
    return [b for b in bends if nearest_neuron(known, b.point, b.v, b.error) is None]
