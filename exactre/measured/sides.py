"""Which units are active, from a boundary that was followed across them: a subset with a known sum.

At the first bend of a trace the affine part is the sum of weight_j * u_j over the units j that are active
there: one equation for each known input of theirs, and every unknown is 0 or 1. An equation carries as many
bits as its measurement, so that a few settle many units, also where there are fewer equations than units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import ROUNDING, Known, Layer
from exactre.measured.survey import Bend
from exactre.measured.trace import Trace, Tracer
from exactre.oracle.measured import Array

_TRACES = 3
_MOST = 40  # units whose subsets are enumerated, by halves
_SMALL = 4.0  # error bounds below which a unit's share tells nothing
_CHANCE = -20.0  # binary logarithm of the number of subsets that fit by chance


def told(tracer: Tracer, known: Known, bends: Sequence[Bend], signs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Signs (k,) of the last known layer, those that are 0 filled in from traces of the best bends."""
    votes: NDArray[np.int64] = np.zeros(len(signs), dtype=np.int64)
    fresh = sorted(tracer.fresh(known, bends), key=lambda bend: bend.quality)
    traces = tracer.over(known)
    for bend in [None, *fresh[:_TRACES]]:
        if bend is not None:
            found = tracer.trace(known, bend)
            traces = [] if found is None else [found]
        for trace in traces:
            side = np.where(known.cell(trace.bends[0].point).values[-1] > 0, 1, -1)
            votes += active_units(known.layers[-1], side, trace) * side
        if ((signs != 0) | (votes != 0)).all():
            break
    return np.where(signs != 0, signs, np.sign(votes))


def active_units(layer: Layer, side: NDArray[np.int64], trace: Trace) -> NDArray[np.int64]:
    """+1 (k,) for units that are active at the trace's first bend, -1 for the others, 0 where untold.

    `side` (k,) is the sign of every unit's row there.
    """
    width = len(layer.bias)
    untold = np.zeros(width, dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(trace.affine_errors))
    known = np.isfinite(trace.errors)
    forms = (layer.weight * side[:, None])[:, rows].T  # (equations, units)
    # Units whose weight is missing may have any share: equations are combined so that they drop out.
    free = _left_null(forms[:, ~known])
    weights = np.where(known, trace.weights, 0.0)
    shares, target = free @ (forms[:, known] * weights[known]), free @ trace.affine[rows]
    unit_errors = np.abs(free) @ (np.abs(forms[:, known]) * trace.errors[known])
    size = np.abs(shares).sum(axis=1) + np.abs(target)
    errors = np.sqrt(free**2 @ trace.affine_errors[rows] ** 2) + np.linalg.norm(unit_errors, axis=1)
    errors += size * ROUNDING
    heard = (np.abs(shares) > _SMALL * errors[:, None]).any(axis=0)
    if not heard.all() or not 0 < len(heard) <= _MOST or not len(errors):
        return untold
    chance = len(heard) + np.minimum(0.0, np.log2(2 * errors / size)).sum()
    if chance > _CHANCE:
        return untold
    found = _subset(shares, target, errors)
    if found is None:
        return untold
    untold[np.flatnonzero(known)] = np.where(found, 1, -1)
    return untold


def _left_null(columns: Array) -> Array:
    """Rows (e - rank, e) of length one, orthogonal to the columns (e, c) and to each other."""
    if not columns.shape[1]:
        return np.eye(len(columns))
    u, s, _ = np.linalg.svd(columns, full_matrices=True)
    return np.asarray(u[:, int((s > s[0] * 2.0**-30).sum()) :].T)


def _subset(shares: Array, target: Array, errors: Array) -> NDArray[np.bool_] | None:
    """The one subset of columns of `shares` (e, k) that adds up to the target (e,); None if not one."""
    width = shares.shape[1]
    half = width // 2
    left, right = subset_sums(shares[:, :half]), subset_sums(shares[:, half:])
    lead = int((errors / np.abs(shares).sum(axis=1)).argmin())
    order = np.argsort(right[:, lead])
    ranked = right[order, lead]
    wanted = target[lead] - left[:, lead]
    low = np.searchsorted(ranked, wanted - errors[lead], side="left")
    high = np.searchsorted(ranked, wanted + errors[lead], side="right")
    fits = []
    for i in np.flatnonzero(high > low):
        for j in order[low[i] : high[i]]:
            if (np.abs(left[i] + right[j] - target) <= errors).all():
                fits.append((int(i), int(j)))
    if len(fits) != 1:
        return None
    bits = fits[0][0] | fits[0][1] << half
    return np.array([bool(bits >> k & 1) for k in range(width)])


def subset_sums(shares: Array) -> Array:
    """Sums (2^k, e) over all subsets of the columns of `shares` (e, k); bit j of the place is column j."""
    sums = np.zeros((1, len(shares)))
    for column in shares.T:
        sums = np.vstack([sums, sums + column])
    return sums
