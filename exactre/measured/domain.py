"""The box that an oracle accepts: every query stays inside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exactre.errors import ShapeError
from exactre.oracle.measured import Array


@dataclass(frozen=True)
class Box:
    """The points with every coordinate from `low` to `high`. Raises ShapeError when it has no interior."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise ShapeError(f"expected a box of finite LO < HI, found {self.low}, {self.high}")

    @property
    def width(self) -> float:
        """Length of an edge."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        """Every coordinate of the centre."""
        return (self.low + self.high) / 2

    def contains(self, points: Array) -> bool:
        """Whether all points (count, n) are inside."""
        return bool(((points >= self.low) & (points <= self.high)).all())

    def reach(self, p: Array, v: Array) -> tuple[float, float]:
        """The interval of t in which p + t v (n,) is inside, for p inside."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.stack([(self.low - p) / v, (self.high - p) / v])
        low, high = ends.min(axis=0)[v != 0], ends.max(axis=0)[v != 0]
        return float(low.max()), float(high.min())
