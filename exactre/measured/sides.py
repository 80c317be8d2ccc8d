"""Which units are active, from a boundary that was followed across them: a subset with a known sum.

At the first bend of a trace the affine part is the sum of weight_j * u_j over the units j that are active
there: one equation for each known input of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import ROUNDING, Known, Layer
from exactre.measured.subset import subset
from exactre.measured.survey import Bend
from exactre.measured.trace import Trace, Tracer
from exactre.oracle.measured import Array

_TRACES = 3


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
    found = subset(shares, target, errors)
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
