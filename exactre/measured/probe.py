"""Answers, and gradients inside a linear region, each with an error bound.

Steps are powers of two, as long as the region allows: the error of a difference quotient is the noise over
the step. A step that left the region shows itself, since f is not affine along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exactre.measured.domain import Box
from exactre.measured.noise import Noise
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import Array

_BOTH_SIDES = 64  # up to so many inputs each coordinate has a step of its own, and two queries
_HALVINGS = 14
_CHECKS = 2
_DIRECTIONS = (2, 8)  # few first: most steps that are too long show at once
_BOLD = 4.0
_TRIES = 16


@dataclass(frozen=True)
class Gradient:
    """Gradient (m, n) of all outputs at a point (n,); `error` (n,) bounds it, the same for every output."""

    point: Array
    value: Array
    answer: Array
    error: Array


@dataclass
class Probe:
    """Asks through the ledger, at floats of the oracle's arithmetic, inside the box."""

    ledger: FloatLedger
    noise: Noise
    box: Box | None
    rng: np.random.Generator

    @property
    def dim(self) -> int:
        """Number of inputs."""
        return self.ledger.input_dim

    def rounded(self, points: Array) -> Array:
        """The points as floats of the oracle's arithmetic."""
        return points.astype(self.ledger.arithmetic).astype(np.float64)

    def allows(self, points: Array) -> bool:
        """Whether the points may be asked."""
        return self.box is None or self.box.contains(points)

    def answers(self, points: Array) -> tuple[Array, Array]:
        """Answers (count, m) at points that `rounded` returned, and their error bounds (count,)."""
        return self.ledger.ask(points), self.noise.bound(points)

    def gradient(self, point: Array, room: float) -> Gradient | None:
        """Gradient at a point with about `room` in every direction; None where no step stays in a region."""
        point = self.rounded(point)
        if self.dim <= _BOTH_SIDES:
            return self._both_sides(point, room)
        [answer], _ = self.answers(point[None])
        # Boundaries are seldom met as steeply along an axis as along the line that `room` was found on.
        step = _BOLD * 2.0 ** np.floor(np.log2(room))
        for _ in range(_TRIES):
            if self._stays(point, answer, step):
                found = self.forward(point, step)
                if found is not None:
                    return found
            step /= 2
        return None

    def _stays(self, point: Array, answer: Array, step: float) -> bool:
        """Whether f is affine around a point, farther than single steps along the axes go.

        The largest of n steps along axes goes as far across a boundary as a random direction that is longer
        by the square root of 2 log n; they are twice as long.
        """
        n = self.dim
        for count in _DIRECTIONS:
            length = 2.0 ** (3 - np.ceil(np.log2(n) / 2)) * step
            mixed = self.rng.choice([-1.0, 1.0], size=(count, n)) * length
            x = self.rounded(np.vstack([point + mixed, point - mixed]))
            if not self.allows(x):
                return False
            y, sigma = self.answers(x)
            if (np.abs(y[:count] + y[count:] - 2 * answer) > 4 * sigma.max()).any():
                return False
        return True

    def _both_sides(self, point: Array, room: float) -> Gradient | None:
        """Central differences, each step shortened until both sides of it agree."""
        n = self.dim
        step = np.full(n, 2.0 ** np.ceil(np.log2(room)))
        [answer], _ = self.answers(point[None])
        value, error = np.zeros((len(answer), n)), np.zeros(n)
        left = np.arange(n)
        for _ in range(_HALVINGS):
            asked = []
            for i in left:
                for side in (step[i], -step[i]):
                    moved = point.copy()
                    moved[i] += side
                    asked.append(moved)
            x = self.rounded(np.array(asked))
            inside = np.array([self.allows(x[2 * k : 2 * k + 2]) for k in range(len(left))])
            y = np.zeros((len(x), len(answer)))
            sent = np.repeat(inside, 2)
            sigma = self.noise.bound(x)
            if inside.any():
                y[sent] = self.ledger.ask(x[sent])
            remain = []
            for k, i in enumerate(left):
                plus, minus = y[2 * k] - answer, y[2 * k + 1] - answer
                h, g = x[2 * k, i] - point[i], point[i] - x[2 * k + 1, i]
                noise = max(sigma[2 * k], sigma[2 * k + 1])
                bend = np.abs(plus / h + minus / g) * min(h, g)
                if inside[k] and h > 0 and g > 0 and (bend <= 1.5 * noise).all():
                    value[:, i] = (plus - minus) / (h + g)
                    # The noise of two answers, and half of what the test lets through.
                    error[i] = 1.5 * noise / min(h, g)
                else:
                    remain.append(i)
                    step[i] /= 4
            left = np.array(remain, dtype=int)
            if not len(left):
                return Gradient(point, value, answer, error)
        return None

    def forward(self, point: Array, step: float) -> Gradient | None:
        """Gradient by forward differences with one step along every axis, where a boundary is hardly crossed.

        None where f is seen not to be affine.
        """
        n = self.dim
        steps = np.full(n, step)
        if self.box is not None:
            steps[point + step > self.box.high] = -step
        mixed = self.rng.choice([-1.0, 1.0], size=(_CHECKS, n)) * 2.0 ** -np.ceil(np.log2(n) / 2) * step
        x = self.rounded(np.vstack([point, point + np.diag(steps), point + mixed]))
        if not self.allows(x):
            return None
        y, sigma = self.answers(x)
        moved = np.diag(x[1 : n + 1] - point)
        if (moved == 0).any():
            return None
        value = ((y[1 : n + 1] - y[0]) / moved[:, None]).T
        # Independent roundings, each within its bound, add like their squares in the long sums of the check.
        tolerance = 4 * sigma.max()
        if (np.abs(y[n + 1 :] - y[0] - (x[n + 1 :] - point) @ value.T) > tolerance).any():
            return None
        return Gradient(point, value, y[0], np.hypot(sigma[0], sigma[1 : n + 1]) / np.abs(moved))
