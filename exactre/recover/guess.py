"""The one place where floats propose: walks on a neuron's boundary inside the known arrangement.

Everything here is float64 and may be wrong. What it returns is a place to look at (`Crossing`); the caller
makes it an exact point, asks the oracle there, and keeps only what exact equations confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from exactre.recover.model import Model

Vector = NDArray[np.float64]

_FAR = 1e6
_CENTRING_STEPS = 6
_ASCENT_STEPS = 80
_NEWTON_STEPS = 30


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
    unit: Vector = unit_forms([form])[0]
    return unit


def unit_forms(forms: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Forms (N, r + 1) as floats with unit normals (a zero normal keeps its offset's sign)."""
    rows = []
    for form in forms:
        shift = max(0, max(abs(int(v)).bit_length() for v in form) - 400)
        rows.append([float(int(v) >> shift) for v in form])
    array = np.array(rows)
    norm = np.linalg.norm(array[:, :-1], axis=1, keepdims=True)
    offset = np.abs(array[:, -1:])
    scaled_forms: Vector = array / np.where(norm > 0, norm, offset + (offset == 0))
    return scaled_forms


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
        """First crossings on rays from the centre: one ray straight at each target, and random ones."""
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
        crossings = []
        for ray, wall in enumerate(times.argmin(axis=1)):
            if times[ray, wall] < _FAR:
                crossing = self._crossing(
                    int(wall), self._on_piece(x + times[ray, wall] * directions[ray]), targets
                )
                if crossing is not None:
                    crossings.append(crossing)
        return crossings

    def _crossing(self, wall: int, y: Vector, targets: Sequence[int]) -> Crossing | None:
        g = self.walls[wall, :-1]
        across = -self.side[wall] * (g - self.normal * (self.normal @ g))
        aside = self.normal - g * (g @ self.normal)
        lengths = np.linalg.norm(across), np.linalg.norm(aside)
        if min(lengths) < 1e-9:
            return None
        level = np.abs(self.walls[:, :-1] @ y + self.walls[:, -1])
        speed = np.maximum(np.linalg.norm(self._along[list(targets)], axis=1), 1e-9)
        distance = float((level[list(targets)] / speed).min(initial=np.inf))
        level[wall] = np.inf
        clearance = float(min(level.min(initial=np.inf), 1.0))
        if clearance < 1e-9 * (1 + float(np.linalg.norm(y))):
            return None
        return Crossing(wall, y, across / lengths[0], aside / lengths[1], clearance, distance)


class FloatModel:
    """The known neurons as float64 rows, each scaled to a unit row; values and gradients by depth."""

    def __init__(self, model: Model) -> None:
        count = len(model)
        self.depth = np.array(model.depth)
        self._weights = np.zeros((count, count))
        self._linear = np.zeros((count, model.dim + 1))
        exponents: list[int] = []
        for z, neuron in enumerate(model.neurons):
            terms = [v.bit_length() for v in neuron.linear if v]
            terms += [a.bit_length() + exponents[j] for j, a in neuron.parents.items()]
            exponents.append(max(terms, default=0))
            self._linear[z] = [_shifted(v, -exponents[z]) for v in neuron.linear]
            for j, a in neuron.parents.items():
                self._weights[z, j] = _shifted(a, exponents[j] - exponents[z])

    def forms(self, x: Vector) -> Vector:
        """Forms (N, r + 1) of all neurons in the cell of x (r,)."""
        forms = np.zeros_like(self._linear)
        signs = np.zeros(len(forms))
        point = np.append(x, 1.0)
        for depth in range(int(self.depth.max(initial=-1)) + 1):
            rows = self.depth == depth
            forms[rows] = self._linear[rows] + (self._weights[rows] * signs) @ forms
            signs[rows] = np.sign(forms[rows] @ point)
        return forms

    def corner(self, walls: Sequence[int], start: Vector) -> Vector | None:
        """A point on the boundaries of all these neurons, by Newton steps of least length from `start`."""
        rows, x = list(walls), start
        for _ in range(_NEWTON_STEPS):
            forms = self.forms(x)[rows]
            forms /= np.maximum(np.linalg.norm(forms[:, :-1], axis=1, keepdims=True), 1e-300)
            level = forms @ np.append(x, 1.0)
            if float(np.abs(level).max()) < 1e-12 * (1 + float(np.linalg.norm(x))):
                return x
            step, *_ = np.linalg.lstsq(forms[:, :-1], -level, rcond=None)
            x = x + step
            if not np.isfinite(x).all() or np.linalg.norm(x) > _FAR:
                return None
        return None

    def sectors(self, walls: Sequence[int], corner: Vector) -> list[Vector]:
        """Points beside a corner: one on the positive side of every wall, and one beyond each wall alone."""
        rows = list(walls)
        forms = self.forms(corner)
        forms /= np.maximum(np.linalg.norm(forms[:, :-1], axis=1, keepdims=True), 1e-300)
        level = np.abs(forms @ np.append(corner, 1.0))
        level[rows] = np.inf
        clearance = float(min(level.min(initial=np.inf), 1.0))
        inverse = np.linalg.pinv(forms[rows, :-1])
        points = []
        for k in range(-1, len(rows)):
            sides = np.ones(len(rows))
            if k >= 0:
                sides[k] = -1 / 64
            d = inverse @ sides
            points.append(corner + d * (clearance / 4096 / max(float(np.linalg.norm(d)), 1e-300)))
        return points

    def steered(
        self,
        layer: Sequence[int],
        orientation: Sequence[int],
        units: Sequence[int],
        radius: float,
        rng: np.random.Generator,
    ) -> Vector:
        """A point at `radius` where some units of the layer are as active, and the others as little, as a
        short subgradient ascent finds.
        """
        signs = np.array(orientation, dtype=np.float64)
        gain = np.where(np.isin(layer, units), 1.0, -2.0)
        x = rng.normal(size=self._linear.shape[1] - 1)
        x *= radius / np.linalg.norm(x)
        best, best_value = x, -np.inf
        for step in range(_ASCENT_STEPS):
            forms = self.forms(x)[list(layer)] * signs[:, None]
            forms /= np.maximum(np.linalg.norm(forms[:, :-1], axis=1, keepdims=True), 1e-300)
            values = forms @ np.append(x, 1.0)
            active = values > 0
            value = float((gain * np.where(active, values, 0.0)).sum()) / radius
            if value > best_value:
                best, best_value = x, value
            wanted = active | (gain > 0)
            d = (gain * wanted) @ forms[:, :-1]
            x = x + d * (radius / (1 + step / 4) / max(float(np.linalg.norm(d)), 1e-300) / 2)
            x *= radius / np.linalg.norm(x)
        return best


def _shifted(value: int, exponent: int) -> float:
    """value * 2^exponent as a float, without overflow on the way."""
    excess = max(0, value.bit_length() - 60)
    return float(np.ldexp(float(value >> excess), max(exponent + excess, -1100)))


def fractions(values: Vector) -> list[Fraction]:
    """The floats as the exact rationals they are."""
    return [Fraction(float(v)) for v in values]


def scaled(values: Vector, bits: int) -> list[Fraction]:
    """The floats times 2^bits, as the exact rationals they are."""
    return [Fraction(float(v)) * 2**bits for v in values]
