"""Where a hyperplane is far from all others, so that long steps on both sides of it show its normal well.

A line meets many boundaries close to their neighbours. Once all are known roughly, a better place costs no
query: the error of a difference quotient is the noise over the step.
"""

from __future__ import annotations

import numpy as np

from exactre.measured.line import Line
from exactre.measured.probe import Probe
from exactre.oracle.measured import Array

_PLACES = 1024
_SCALES = (0.5, 2.0, 8.0)
_SHORT = 2.0**-18
_DIRECTION = 2.0**-16
_LONGEST = 2.0**10  # where no other plane is known


def roomy_line(probe: Probe, planes: Array, z: int) -> tuple[Line, float] | None:
    """A line that crosses hyperplane z of `planes` (k, n + 1), normals and offsets, at 0, and a length on it.

    Within this length of the crossing, and by as long steps along axes from there, no other plane is met; at
    the length, shorter steps along axes do not meet plane z. None where no such line is in the box.
    """
    rng, weight, bias = probe.rng, planes[:, :-1], planes[:, -1]
    normal = weight[z]
    if probe.box is None:
        spread = rng.choice(_SCALES, size=(_PLACES, 1))
        points = rng.normal(size=(_PLACES, probe.dim)) * spread
    else:
        points = probe.box.middle + (rng.random((_PLACES, probe.dim)) - 0.5) * probe.box.width / 2
    points -= np.outer((points @ normal + bias[z]) / (normal @ normal), normal)
    unit = _SHORT * np.exp2(np.ceil(np.log2(np.abs(points).max(axis=1, keepdims=True))))
    points = probe.rounded(np.rint(points / unit) * unit)
    room = np.abs(points @ weight.T + bias) / np.abs(weight).max(axis=1)
    room[:, z] = np.inf
    best = int((room.min(axis=1) / probe.noise.bound(points)).argmax())
    length = min(float(room[best].min()) / 2, _LONGEST)
    v = np.rint(normal * (np.abs(normal).max() / (normal @ normal)) / _DIRECTION) * _DIRECTION
    line = Line(points[best], v)
    if not length > 0 or not probe.allows(np.stack([line.at(-length), line.at(length)])):
        return None
    return line, length
