"""Lines, their kinks, and the normals of those that no known neuron explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from exactre.measured.foreseen import look_through
from exactre.measured.known import Known
from exactre.measured.line import Kink, Line, scan
from exactre.measured.probe import Gradient, Probe
from exactre.measured.roomy import roomy_line
from exactre.oracle.measured import Array

_REACH = 8  # whole lines end at distance 2^8
_NEAREST = -3
_BASE_BITS = 10
_ONE = 3.0
_WITHIN = 0.9  # of the way to a boundary


@dataclass(frozen=True)
class Bend:
    """A boundary point (n,) on a line of direction `v`, off along v by at most `error`.

    `normal` (n,) with `normal_error` (n,) is the boundary's normal there up to scale: the jump of an output
    combination of unit length across it along v; `room` is the distance to the next kink on the line.
    """

    point: Array
    v: Array
    error: float
    normal: Array
    normal_error: Array
    room: float

    @property
    def quality(self) -> float:
        """Relative error of the normal's largest entry."""
        return float(self.normal_error.max() / np.abs(self.normal).max())


@dataclass
class Survey:
    """All that was measured so far."""

    probe: Probe
    bends: list[Bend] = field(default_factory=list)
    lines: int = 0

    def random_line(self) -> Line:
        """A random line through the middle; its coordinates are short, so that its points are floats."""
        probe, rng = self.probe, self.probe.rng
        v = rng.choice([-1.0, -0.5, 0.5, 1.0], size=probe.dim)
        if probe.box is not None:
            p = probe.box.middle + (rng.random(probe.dim) - 0.5) * probe.box.width / 2
            return Line(np.rint(p * 2**_BASE_BITS) / 2**_BASE_BITS, v)
        return Line(np.rint(rng.normal(size=probe.dim) * 2**_BASE_BITS) / 2**_BASE_BITS, v)

    def ends(self, line: Line) -> list[float]:
        """Where the intervals of a whole line end."""
        if self.probe.box is not None:
            low, high = self.probe.box.reach(line.p, line.v)
            return [float(t) for t in np.linspace(low, high, 18)[1:-1]]
        far = [2.0**k for k in range(_NEAREST, _REACH + 1)]
        return [*(-t for t in reversed(far)), 0.0, *far]

    def look(
        self,
        line: Line,
        ends: list[float],
        wanted: Callable[[Line, Kink, float], bool] | None = None,
        known: Known | None = None,
    ) -> list[Bend]:
        """Scan a line; measure the normals at the kinks that are wanted (line, kink, room beside it).

        What `known` foresees is only checked.
        """
        if known is None or not known.layers:
            kinks = scan(self.probe, line, ends)
        else:
            kinks = look_through(self.probe, line, ends, known)
        self.lines += 1
        ts = [ends[0], *(kink.t for kink in kinks), ends[-1]]
        gradients: dict[int, Gradient | None] = {}
        found = []
        for i, kink in enumerate(kinks):
            room = min(ts[i + 1] - ts[i], ts[i + 2] - ts[i + 1])
            if wanted is not None and not wanted(line, kink, room):
                continue
            for region in (i, i + 1):
                if region not in gradients:
                    gradients[region] = self._gradient(line, ts, region)
            before, after = gradients[i], gradients[i + 1]
            if before is not None and after is not None:
                bend = _bend(line, kink, room, before, after)
                if bend is not None:
                    found.append(bend)
        self.bends += found
        return found

    def look_again(self, planes: Array, z: int) -> Bend | None:
        """Measure a first-layer normal where the hyperplanes (k, n + 1) leave hyperplane z most room."""
        found = roomy_line(self.probe, planes, z)
        if found is None:
            return None
        line, length = found
        kinks = scan(self.probe, line, [-length, length])
        if len(kinks) != 1:
            return None
        step = 2.0 ** np.floor(np.log2(length * _WITHIN))
        before, after = (self.probe.forward(self.probe.rounded(line.at(t)), step) for t in (-length, length))
        if before is None or after is None:
            return None
        bend = _bend(line, kinks[0], length, before, after)
        self.bends += [] if bend is None else [bend]
        return bend

    def _gradient(self, line: Line, ts: list[float], region: int) -> Gradient | None:
        """The gradient in the middle of a region, or not far from its kink at the line's ends."""
        a, b = ts[region], ts[region + 1]
        if region == 0 and len(ts) > 3:
            a = max(a, b - max(ts[2] - ts[1], 1.0))
        if region == len(ts) - 2 and len(ts) > 3:
            b = min(b, a + max(ts[-2] - ts[-3], 1.0))
        middle = (a + b) / 2
        grid = 2.0 ** (np.floor(np.log2(b - a)) - 6)
        middle = float(np.rint(middle / grid) * grid)
        return self.probe.gradient(line.at(middle), min(b - middle, middle - a))


def _bend(line: Line, kink: Kink, room: float, before: Gradient, after: Gradient) -> Bend | None:
    jump = after.value - before.value
    weights = np.linalg.svd(jump, full_matrices=False)[0][:, 0]  # of length one
    normal = weights @ jump
    normal_error = np.hypot(after.error, before.error)
    if (np.abs(normal) <= 4 * normal_error).all():
        return None
    if (np.abs(jump - np.outer(weights, normal)) > _ONE * normal_error).any():
        return None  # not of rank one: two boundaries, too close together for the line to tell
    return Bend(line.at(kink.t), line.v, kink.error, normal, normal_error, room)


def nearest_neuron(known: Known, bend_point: Array, v: Array, error: float) -> tuple[int, int] | None:
    """(layer, neuron) whose known boundary passes through a kink at `bend_point` on a line along v."""
    cell = known.cell(bend_point)
    for depth, (u, forms) in enumerate(zip(cell.values, cell.forms, strict=True)):
        size = np.abs(known.layers[depth].weight) @ np.abs(cell.below(depth)[0]) + np.abs(
            known.layers[depth].bias
        )
        slack = 4 * np.abs(forms @ v) * error + size * 2.0**-40
        hits = np.flatnonzero((np.abs(u) <= slack) & (np.abs(forms @ v) > 0))
        if len(hits):
            return depth, int(hits[0])
    return None
