"""Fresh exact checks of a recovered network against the oracle, at many scales and at steered points.

Agreement at random points is no proof of equality; a disagreement is a proof of the contrary, and a segment
from a point of agreement to it crosses something that is not explained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import fmpz_mat

from exactre.network import Network
from exactre.rational import Points
from exactre.recover.floats import FloatModel, random_gains, random_starts
from exactre.recover.jet import Jets
from exactre.recover.line import Line
from exactre.recover.model import Model

_GRID = 8
_SCALES = (-4.0, 14.0)  # binary logarithm of the distance from the chart's origin
_REACHES = (4.0, 256.0)


def random_points(dim: int, count: int, rng: np.random.Generator) -> list[list[int]]:
    """Random chart points, integers over 2^8, from well inside unit distance to far outside."""
    scales = np.exp2(rng.uniform(*_SCALES, size=(count, 1)))
    return [
        [round(v * (1 << _GRID)) for v in row] for row in (rng.normal(size=(count, dim)) * scales).tolist()
    ]


def steered_points(
    model: Model, orientation: Mapping[int, int], count: int, rng: np.random.Generator
) -> list[list[int]]:
    """Chart points, integers over 2^8, where a few units of one layer are active and the others are not."""
    floats = FloatModel(model)
    layers = [
        [j for j, d in enumerate(model.depth) if d == depth and j in orientation]
        for depth in range(max(model.depth, default=-1) + 1)
    ]
    layers = [layer for layer in layers if layer]
    points: list[list[int]] = []
    share = -(-count // max(1, len(layers)))
    for layer in layers:
        for reach in _REACHES:
            ends = floats.extremes(
                layer,
                [orientation[j] for j in layer],
                random_gains(share // len(_REACHES), len(layer), rng),
                random_starts((1, share // len(_REACHES), model.dim), reach, rng),
            )
            points += [[round(float(v) * (1 << _GRID)) for v in end] for end in ends]
    return points


def first_mismatch(jets: Jets, net: Network, points: Sequence[Sequence[int]]) -> Line | None:
    """The segment 0 <= t <= 1 from a point of agreement to the first disagreement; None where all agree.

    `net` is over chart coordinates, points are integers over 2^8; one query each. Where no point agrees
    the segment starts at the chart's origin.
    """
    if not points:
        return None
    num = fmpz_mat([list(p) for p in points])
    expected = net.evaluate(Points(num, 1 << _GRID))
    found = jets.values(num, _GRID)
    agrees = [expected[i] == found[i] for i in range(len(points))]
    if all(agrees):
        return None
    start = points[agrees.index(True)] if any(agrees) else [0] * len(points[0])
    end = points[agrees.index(False)]
    return Line.through(start, end, _GRID)
