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
    radius = 2.0 ** probe.rng.integers(*_RADII) if probe.box is None else probe.box.width / 4
    middle = 0.0 if probe.box is None else probe.box.middle
    width = len(known.layers[depth].bias)
    ends = []
    for _ in range(2):
        found = _extreme(known, depth, _gains(width, probe.rng), middle, radius, probe.rng)
        grid = _GRID * 2.0 ** np.ceil(np.log2(radius))
        ends.append(np.rint(found / grid) * grid)
    p, q = (end if probe.box is None else np.clip(end, probe.box.low, probe.box.high) for end in ends)
    return Line(p, q - p), np.linspace(0.0, 1.0, _ENDS).tolist()


def _gains(width: int, rng: np.random.Generator) -> Array:
    """A direction (width,): one unit or a few against all others, or any."""
    gains: Array = rng.normal(size=width)
    if rng.random() < 0.75:
        chosen = rng.permutation(width)[: rng.integers(1, 2 + width // 3)]
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
