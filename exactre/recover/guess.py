"""Walks on a boundary inside the known arrangement: here, in `floats` and in `program`, floats propose.

Everything here is float64 and may be wrong. What it returns is a place to look at (`Crossing`); the caller
makes it an exact point, asks the oracle there, and keeps only what exact equations confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.walk import unit_normals

Vector = NDArray[np.float64]

FAR = 1e6
_CENTRING_STEPS = 6


@dataclass(frozen=True)
class Crossing:
    """Where a piece meets a known boundary: wall index, point (r,), directions and clearance.

    `across` leaves through the wall along the piece, `aside` leaves the piece along the wall; both unit.
    `distance` is how far the nearest target is from there, to first order.
    """

    wall: int
    point: Vector
    across: Vector
    aside: Vector
    clearance: float
    distance: float


def unit_form(form: Sequence[int]) -> Vector:
    """The form as floats, scaled to a unit normal."""
    shift = max(0, max(abs(int(v)).bit_length() for v in form) - 400)
    unit: Vector = unit_normals(np.array([[float(int(v) >> shift) for v in form]]))[0]
    return unit


class Cell:
    """A piece of a boundary inside one cell of the known arrangement, as floats.

    `walls` (N, r + 1) are the known forms there with unit normals, `form` (r + 1,) the piece's, `near` (r,)
    a point of it; where `near` was reached through a wall and lies on it, `entered` is that wall.
    """

    def __init__(
        self,
        walls: Vector,
        form: Vector,
        side: Sequence[int],
        near: Vector,
        entered: int | None,
        rng: np.random.Generator,
    ) -> None:
        self.walls = walls
        self.normal = form[:-1]
        self.form = form
        self.side = np.array(side, dtype=np.float64)
        self._along = walls[:, :-1] - np.outer(walls[:, :-1] @ self.normal, self.normal)
        x = self._on_piece(near)
        if entered is not None:
            inwards = self.side[entered] * self._along[entered]
            inwards /= max(float(np.linalg.norm(inwards)), 1e-300)
            times = self._times(x, inwards[None, :])[0]
            times[entered] = np.inf
            x = self._on_piece(x + inwards * min(times.min(initial=np.inf), 1 + np.linalg.norm(x)) / 2)
        self.centre = self._centred(x, rng)

    def _on_piece(self, x: Vector) -> Vector:
        moved: Vector = x - self.normal * (self.form[:-1] @ x + self.form[-1])
        return moved

    def _times(self, x: Vector, directions: Vector) -> Vector:
        """Positive times (D, N) at which rays from x reach the walls, infinite where they never do."""
        level = self.walls[:, :-1] @ x + self.walls[:, -1]
        speed = directions @ self._along.T
        with np.errstate(divide="ignore", invalid="ignore"):
            times = -level / speed
        return np.where((times > 0) & np.isfinite(times), times, np.inf)

    def _centred(self, x: Vector, rng: np.random.Generator) -> Vector:
        """A few random chords, each time to the middle: away from the walls."""
        for _ in range(_CENTRING_STEPS):
            d = rng.normal(size=x.shape)
            d -= self.normal * (self.normal @ d)
            norm = np.linalg.norm(d)
            if norm < 1e-9:
                return x
            d /= norm
            far = 4 * (1 + np.linalg.norm(x))
            reach = np.minimum(self._times(x, np.stack([d, -d])).min(axis=1, initial=np.inf), far)
            x = self._on_piece(x + d * (reach[0] - reach[1]) / 2)
        return x

    def towards(self, targets: Sequence[int], rng: np.random.Generator, spread: int = 24) -> list[Crossing]:
        """Walls met first on rays from the centre: one ray straight at each target, and random ones."""
        x = self.centre
        level = self.walls[:, :-1] @ x + self.walls[:, -1]
        rays = [-np.sign(level[j]) * self._along[j] for j in targets]
        random = rng.normal(size=(spread, len(x)))
        rays += list(random - np.outer(random @ self.normal, self.normal))
        directions = np.array(rays)
        norms = np.linalg.norm(directions, axis=1)
        directions = directions[norms > 1e-9] / norms[norms > 1e-9, None]
        if not len(directions) or not len(self.walls):
            return []
        times = self._times(x, directions)
        nearest = times.argmin(axis=1)
        reach = times[np.arange(len(times)), nearest]
        near = reach < FAR
        points = x + reach[near, None] * directions[near]
        points -= np.outer(points @ self.normal + self.form[-1], self.normal)
        return crossings_at(self.walls, self.normal, self.side, nearest[near], points, targets)


def crossings_at(
    walls: Vector,
    normal: Vector,
    side: Vector,
    wall: NDArray[np.int64],
    points: Vector,
    targets: Sequence[int] = (),
) -> list[Crossing]:
    """The crossings at points (k, r) of a piece, each on a wall (k,) of `walls` (N, r + 1) with unit normals.

    One for each wall, nearest to a target. Left out are those where wall and piece are parallel, or another
    wall is too near.
    """
    g = walls[wall, :-1]
    along = g @ normal
    across = -side[wall, None] * (g - np.outer(along, normal))
    aside = normal - g * along[:, None]
    lengths = np.linalg.norm(across, axis=1), np.linalg.norm(aside, axis=1)
    level = np.abs(points @ walls[:, :-1].T + walls[:, -1])
    seen = walls[list(targets), :-1]
    speed = np.linalg.norm(seen - np.outer(seen @ normal, normal), axis=1)
    distance = (level[:, list(targets)] / np.maximum(speed, 1e-9)).min(axis=1, initial=np.inf)
    level[np.arange(len(wall)), wall] = np.inf
    clearance = np.minimum(level.min(axis=1, initial=np.inf), 1.0)
    kept = np.minimum(*lengths) >= 1e-9
    kept &= clearance >= 1e-9 * (1 + np.linalg.norm(points, axis=1))
    found = np.flatnonzero(kept)
    found = found[distance[found].argsort(kind="stable")]
    _, first = np.unique(wall[found], return_index=True)
    return [
        Crossing(
            int(wall[k]),
            points[k],
            across[k] / lengths[0][k],
            aside[k] / lengths[1][k],
            float(clearance[k]),
            float(distance[k]),
        )
        for k in found[np.sort(first)].tolist()
    ]


def fractions(values: Vector) -> list[Fraction]:
    """The floats as the exact rationals they are."""
    return [Fraction(float(v)) for v in values]


def dyadic(points: Sequence[Vector]) -> tuple[fmpz_mat, int]:
    """Points of floats as the exact rationals they are: (num (count, r), q), over 2^q."""
    exact = [fractions(p) for p in points]
    q = max(v.denominator.bit_length() - 1 for p in exact for v in p)
    return fmpz_mat([[v.numerator * ((1 << q) // v.denominator) for v in p] for p in exact]), q


def scaled(values: Vector, bits: int) -> list[Fraction]:
    """The floats times 2^bits, as the exact rationals they are."""
    return [Fraction(float(v)) * 2**bits for v in values]
