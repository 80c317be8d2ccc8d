"""A line on which known neurons flip: what is foreseen is checked with a few answers, the rest scanned.

Between two flips of known neurons the function is affine unless an unknown one flips there. Four answers
tell, and the pieces on both sides of a flip have to meet in it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from exactre.measured.known import ROUNDING, Known
from exactre.measured.line import Kink, Line, Samples, scan
from exactre.measured.probe import Probe

_MOST = 4096
_STATIONS = (2.0**-5, 3 * 2.0**-3, 5 * 2.0**-3, 1 - 2.0**-5)
_INSIDE = 2.0**-12
_MEETS = 4.0  # noise bounds


def flips(known: Known, line: Line, low: float, high: float) -> list[float]:
    """Parameters low < t < high at which known neurons flip, in order, as floats."""
    found: list[float] = []
    t = low
    cell = known.cell(line.at(low))
    sides = [values > 0 for values in cell.values]
    while len(found) < _MOST:
        # The affine pieces that start here: values at t = 0 and speeds, layer by layer.
        at, speed = line.p, line.v
        first, flip = high, None
        for k, layer in enumerate(known.layers):
            start, rise = layer.weight @ at + layer.bias, layer.weight @ speed
            leaving = np.where(sides[k], rise < 0, rise > 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                times = np.where(leaving, np.maximum(-start / rise, t), np.inf)
            j = int(times.argmin())
            if times[j] < first:
                first, flip = float(times[j]), (k, j)
            at, speed = np.where(sides[k], start, 0.0), np.where(sides[k], rise, 0.0)
        if flip is None:
            break
        k, j = flip
        sides[k][j] = not sides[k][j]
        t = first
        found.append(t)
    return found


def look_through(probe: Probe, line: Line, ends: list[float], known: Known) -> list[Kink]:
    """The kinks on a line between the first and the last of `ends`, those of known neurons as foreseen."""
    foreseen = flips(known, line, ends[0], ends[-1])
    size = max(abs(ends[0]), abs(ends[-1]))
    stops = [ends[0]]
    for t in sorted([*foreseen, *ends[1:]]):
        if t - stops[-1] > size * 2.0**-40:
            stops.append(t)
    gaps = list(pairwise(stops))
    samples = Samples(probe, line)
    stations = [tuple(a + share * (b - a) for share in _STATIONS) for a, b in gaps]
    samples.ask([t for ts in stations for t in ts])
    found = [Kink(t, abs(t) * ROUNDING) for t in foreseen]
    bent = [not samples.affine(*ts) for ts in stations]
    for i, (a, b) in enumerate(gaps):
        if bent[i]:
            inside = (b - a) * _INSIDE
            found += scan(probe, line, [a + inside, b - inside])
        elif i and not bent[i - 1]:
            before, after = stations[i - 1], stations[i]
            left = samples.y[before[-1]] + samples.slope(before[0], before[-1]) * (a - before[-1])
            right = samples.y[after[0]] - samples.slope(after[0], after[-1]) * (after[0] - a)
            noise = max(samples.sigma[t] for t in (*before, *after))
            # A foreseen flip that is off by its rounding moves nothing: the pieces meet at the true one.
            slack = _MEETS * noise + np.abs(
                samples.slope(after[0], after[-1]) - samples.slope(before[0], before[-1])
            ) * (abs(a) * ROUNDING)
            if (np.abs(left - right) > slack).any():
                found += [
                    kink
                    for kink in scan(probe, line, [before[-1], after[0]])
                    if abs(kink.t - a) > kink.error + abs(a) * ROUNDING
                ]
    return sorted(found, key=lambda kink: kink.t)
