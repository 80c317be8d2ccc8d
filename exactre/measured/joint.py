"""Bends that say little alone, since the active forms there are few or dependent, and what they say together.

Behind a layer of few active neurons the forms of the next one are combinations of few. A row c over them has
c . forms = normal and c . h + bias = 0 at each of its bends, up to one scale for every bend. Where there are
more equations than unknowns, bends that agree are one neuron's beyond chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import AGREEMENT, RESIDUAL, Candidate
from exactre.measured.extend import Place
from exactre.measured.known import ROUNDING
from exactre.oracle.measured import Array

_FREE = 2.0**-24  # of a singular value, relative to the largest: nothing is said in its direction
_ALONG = 2.0**-12  # an entry's share of such a direction that leaves the entry open
_PASSES = 2  # the scales are guesses at first


def joint(places: Sequence[Place], spare: int) -> tuple[Candidate, int] | None:
    """The candidate of several bends, and how many equations more than unknowns they have.

    None where the bends contradict each other, or no more such equations than `spare` are beyond chance.
    """
    active = np.logical_or.reduce([place.active for place in places])
    count = int(active.sum()) + 1
    equations = sum(place.rank + 1 for place in places)
    scales = np.array([np.linalg.norm(places[0].bend.normal) / np.linalg.norm(p.bend.normal) for p in places])
    for _ in range(_PASSES):
        table, target = _equations(places, active, scales)
        sizes = np.linalg.norm(table, axis=0)
        sizes[sizes == 0] = 1.0
        u, s, vt = np.linalg.svd(table / sizes, full_matrices=len(table) < table.shape[1])
        rank = int((s > s[0] * _FREE).sum())
        if (spare - equations + rank) * _bits(places) > AGREEMENT:
            return None
        inverse = (vt[:rank].T / s[:rank]) @ u[:, :rank].T
        found = inverse @ target
        scales[1:] = found[count:] / sizes[count:]
        if not scales.all():
            return None
    if np.linalg.norm(table / sizes @ found - target) > RESIDUAL * np.sqrt(len(target)):
        return None
    is_open = (np.abs(vt[rank:]) > _ALONG).any(axis=0)
    if is_open[count:].any():
        return None
    values = np.where(is_open, 0.0, found / sizes)[:count]
    errors = np.where(is_open, np.inf, np.linalg.norm(inverse, axis=1) / sizes)[:count]
    row, row_errors = np.zeros(len(active) + 1), np.full(len(active) + 1, np.inf)
    index = np.append(np.flatnonzero(active), len(active))
    row[index], row_errors[index] = values, errors + np.abs(values) * ROUNDING
    return Candidate(row, row_errors, [place.bend for place in places]), equations - rank


def _bits(places: Sequence[Place]) -> float:
    """How well an equation of the worst of the bends has to be met, as minus a binary logarithm."""
    return -float(np.log2(max(place.bend.quality for place in places)))


def _equations(places: Sequence[Place], active: NDArray[np.bool_], scales: Array) -> tuple[Array, Array]:
    """Equations, over their errors, in the weights of active units, the bias, and all scales but one."""
    count = int(active.sum()) + 1
    blocks, targets = [], []
    for k, (place, scale) in enumerate(zip(places, scales, strict=True)):
        bend = place.bend
        error = (bend.normal_error + np.abs(bend.normal).max() * ROUNDING) * abs(scale)
        across = abs(float(bend.normal @ bend.v) * scale) * bend.error
        across += float(np.abs(bend.normal).max() * abs(scale)) * ROUNDING
        block = np.zeros((len(error) + 1, count + len(places) - 1))
        block[:-1, : count - 1] = place.forms[active].T / error[:, None]
        block[-1, : count - 1], block[-1, count - 1] = place.values[active] / across, 1.0 / across
        target = np.zeros(len(block))
        if k:
            block[:-1, count + k - 1] = -bend.normal / error
        else:
            target[:-1] = bend.normal / error
        blocks.append(block)
        targets.append(target)
    return np.vstack(blocks), np.concatenate(targets)
