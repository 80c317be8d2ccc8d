"""Lines on which neurons flip that seldom do: between points where a few known units are large, others off.

A neuron of the next layer whose weights on the visited units have both signs flips on the way (design 4.7).
"""

from __future__ import annotations

import numpy as np

from exactre.measured.known import Known
from exactre.measured.line import Line
from exactre.measured.probe import Probe
from exactre.oracle.measured import Array

_STEPS = 50
_RADII = (3, 9)  # binary logarithms
_GRID = 2.0**-10  # of the radius
_ENDS = 17


def steered_line(probe: Probe, known: Known, depth: int) -> tuple[Line, list[float]]:
    """A line between two extremes of oriented layer `depth`, and where its intervals end."""
    p, q = extremes(probe, known, depth, 2)
    return Line(p, q - p), np.linspace(0.0, 1.0, _ENDS).tolist()


def extremes(probe: Probe, known: Known, depth: int, count: int) -> Array:
    """Points (count, n) of short coordinates where a few units of an oriented layer are large, others off.

    Every other one is for a single unit, each unit in its turn. Two neighbours are as far from the middle as
    each other.
    """
    rng, width = probe.rng, len(known.layers[depth].bias)
    points, units = [], rng.permutation(width)
    for k in range(count):
        if k % 2 == 0:
            radius = 2.0 ** rng.integers(*_RADII) if probe.box is None else probe.box.width / 4
        middle = 0.0 if probe.box is None else probe.box.middle
        found = _extreme(
            known,
            depth,
            _gains(width, None if k % 2 else int(units[k // 2 % width]), rng),
            middle,
            radius,
            rng,
        )
        grid = _GRID * 2.0 ** np.ceil(np.log2(radius))
        found = np.rint(found / grid) * grid
        points.append(found if probe.box is None else np.clip(found, probe.box.low, probe.box.high))
    return probe.rounded(np.array(points))


def _gains(width: int, unit: int | None, rng: np.random.Generator) -> Array:
    """A direction (width,): one unit, or else a few, against all others, or any."""
    gains: Array = rng.normal(size=width)
    if unit is not None or rng.random() < 0.5:
        chosen = [unit] if unit is not None else rng.permutation(width)[: rng.integers(2, 3 + width // 3)]
        gains[:] = -1.0
        gains[chosen] = width / len(chosen)
    return gains / np.linalg.norm(gains)


def _extreme(
    known: Known, depth: int, gains: Array, middle: float, radius: float, rng: np.random.Generator
) -> Array:
    """A point on a sphere where the layer's outputs point towards `gains`: an ascent of the cosine."""
    x = rng.normal(size=known.dim)
    x *= radius / np.linalg.norm(x)
    best, best_value = x, -np.inf
    for step in range(_STEPS):
        cell = known.cell(middle + x)
        values, forms = cell.values[depth], cell.forms[depth]
        scale = 1 / np.maximum(np.linalg.norm(forms, axis=1), 2.0**-60)
        outputs = np.where(values > 0, values * scale, 0.0)
        length = max(float(np.linalg.norm(outputs)), 2.0**-60)
        cosine = float(outputs @ gains) / length
        if cosine > best_value:
            best, best_value = x, cosine
        # Inactive units that are wanted are pulled up too, though the cosine does not feel them yet.
        pull = np.where(values > 0, gains - cosine * outputs / length, np.maximum(gains, 0.0))
        up = (pull * scale) @ forms
        x = x + up * (radius / (1 + step / 4) / max(float(np.linalg.norm(up)), 2.0**-60) / 2)
        x = x * (radius / max(float(np.linalg.norm(x)), 2.0**-60))
    return np.asarray(middle + best)
