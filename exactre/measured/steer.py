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
_TRIES = 8
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
    each other. The best of some ascents from random points.
    """
    rng, width = probe.rng, len(known.layers[depth].bias)
    units = rng.permutation(width)
    gains = np.array(
        [_gains(width, None if k % 2 else int(units[k // 2 % width]), rng) for k in range(count)]
    )
    starts: Array = rng.normal(size=(_TRIES, count, probe.dim))
    if probe.box is None:
        middle, radius = 0.0, np.repeat(2.0 ** rng.integers(*_RADII, size=count // 2 + 1), 2)[:count]
    else:
        middle, radius = probe.box.middle, np.full(count, probe.box.width / 4)
    starts *= radius[:, None] / np.linalg.norm(starts, axis=2, keepdims=True)
    grid = _GRID * np.exp2(np.ceil(np.log2(radius)))[:, None]
    points = np.rint((middle + _ascended(known, depth, gains, middle, starts)) / grid) * grid
    return probe.rounded(points if probe.box is None else np.clip(points, probe.box.low, probe.box.high))


def largest(probe: Probe, known: Known, depth: int, unit: int, count: int) -> Array:
    """Points (count, n) at several distances where one unit of layer `depth` is large and others are off."""
    rng = probe.rng
    gains = np.tile(_gains(len(known.layers[depth].bias), unit, rng), (count, 1))
    middle, radii = (0.0, _RADII) if probe.box is None else (probe.box.middle, (-3, -1))
    radius = np.exp2(rng.uniform(*radii, size=(1, count, 1))) * (
        1.0 if probe.box is None else probe.box.width
    )
    starts: Array = rng.normal(size=(1, count, probe.dim))
    starts *= radius / np.linalg.norm(starts, axis=2, keepdims=True)
    return middle + _ascended(known, depth, gains, middle, starts)


def _gains(width: int, unit: int | None, rng: np.random.Generator) -> Array:
    """A direction (width,): one unit, or else a few, against all others, or any."""
    gains: Array = rng.normal(size=width)
    if unit is not None or rng.random() < 0.5:
        chosen = [unit] if unit is not None else rng.permutation(width)[: rng.integers(2, 3 + width // 3)]
        gains[:] = -1.0
        gains[chosen] = width / len(chosen)
    return gains / np.linalg.norm(gains)


def _ascended(known: Known, depth: int, gains: Array, middle: float, starts: Array) -> Array:
    """Points (count, n) around the middle, on the spheres of `starts` (tries, count, n): the best tries.

    There the layer's outputs point towards `gains` (count, width): ascents of the cosine between them.
    """
    tries, count, dim = starts.shape
    x, gains = starts.reshape(-1, dim), np.tile(gains, (tries, 1))
    radius = np.linalg.norm(x, axis=1, keepdims=True)
    best, best_value = x, np.full(len(x), -np.inf)
    scale = 1 / np.maximum(np.sqrt((known.values(middle + x)[depth] ** 2).mean(axis=0)), 2.0**-60)
    for step in range(_STEPS):
        values = known.values(middle + x)[: depth + 1]
        active = values[-1] > 0
        outputs = np.where(active, values[-1] * scale, 0.0)
        length = np.maximum(np.linalg.norm(outputs, axis=1, keepdims=True), 2.0**-60)
        cosine = (outputs * gains).sum(axis=1, keepdims=True) / length
        better = cosine > best_value[:, None]
        best, best_value = np.where(better, x, best), np.maximum(cosine[:, 0], best_value)
        # Inactive units that are wanted are pulled up too, though the cosine does not feel them yet.
        pull = np.where(active, gains - cosine * outputs / length, np.maximum(gains, 0.0))
        up = known.gradients(values, pull * scale)
        size = np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 2.0**-60)
        x = x + up * (radius / (1 + step / 4) / size / 2)
        x = x * (radius / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 2.0**-60))
    won = best_value.reshape(tries, count).argmax(axis=0)
    return np.asarray(best.reshape(tries, count, dim)[won, np.arange(count)])
