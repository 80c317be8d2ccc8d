"""The known neurons as floats: where values are extreme, where boundaries meet, where a line flips neurons.

Everything here is float64 and may be wrong: what it returns is a place to look at (see `guess`). Batches of
points go through the whole model at once, forward for values and backward for gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from exactre.recover.guess import FAR, Vector
from exactre.recover.model import Model, Neuron

_ASCENT_STEPS = 50
_NEWTON_STEPS = 40
_ARRIVED = 8
_CLOSE = 1e-12
_MOST_FLIPS = 4096


class FloatModel:
    """The known neurons as float64 rows, each scaled to a unit row; values and gradients by depth."""

    def __init__(self, model: Model) -> None:
        count = len(model)
        self._weights = np.zeros((count, count))
        self._linear = np.zeros((count, model.dim + 1))
        self._exponents = [0] * count
        for z in model.by_depth():
            self._weights[z], self._linear[z], self._exponents[z] = self._row(model.neurons[z])
        depth = np.array(model.depth, dtype=np.int64)
        self._order([np.flatnonzero(depth == k) for k in range(int(depth.max(initial=-1)) + 1)])

    def extended(self, neuron: Neuron) -> FloatModel:
        """The same with one more neuron, after all others."""
        count = len(self._linear)
        weights, linear, exponent = self._row(neuron)
        more = copy(self)
        more._weights = np.block([[self._weights, np.zeros((count, 1))], [weights, np.zeros((1, 1))]])
        more._linear = np.vstack([self._linear, linear])
        more._exponents = [*self._exponents, exponent]
        more._order([*(block for block, _ in self._blocks), np.array([count])])
        return more

    def _row(self, neuron: Neuron) -> tuple[Vector, Vector, int]:
        """Weights (N,), affine part (r + 1,), and the binary exponent by which they are scaled."""
        terms = [v.bit_length() for v in neuron.linear if v]
        terms += [a.bit_length() + self._exponents[j] for j, a in neuron.parents.items()]
        exponent = max(terms, default=0)
        weights = np.zeros(len(self._linear))
        for j, a in neuron.parents.items():
            weights[j] = _shifted(a, self._exponents[j] - exponent)
        return weights, np.array([_shifted(v, -exponent) for v in neuron.linear]), exponent

    def _order(self, blocks: Sequence[NDArray[np.int64]]) -> None:
        self._blocks = [(block, self._weights[block]) for block in blocks]  # neurons, weights (k, N)

    def rows(self) -> tuple[Vector, Vector]:
        """Weights (N, N) on absolute values and affine parts (N, r + 1) of the scaled rows."""
        return self._weights, self._linear

    def reads(self) -> NDArray[np.bool_]:
        """Whether (N, N) a neuron, by row, reads another, by column."""
        return np.asarray(self._weights != 0)

    def by_depth(self) -> list[int]:
        """The neurons, parents first."""
        return [int(z) for block, _ in self._blocks for z in block]

    def values(self, points: Vector) -> Vector:
        """Preactivations (S, N) at points (S, r)."""
        values = points @ self._linear[:, :-1].T + self._linear[:, -1]
        for block, weights in self._blocks[1:]:
            values[:, block] += np.abs(values) @ weights.T
        return values

    def gradients(self, values: Vector, seeds: Vector) -> Vector:
        """Gradients (S, r) of sum_z seeds[:, z] u_z at the points with these preactivations."""
        total, signs = seeds.copy(), np.sign(values)
        for block, weights in reversed(self._blocks[1:]):
            total += (total[:, block] @ weights) * signs
        gradients: Vector = total @ self._linear[:, :-1]
        return gradients

    def forms(self, x: Vector) -> Vector:
        """Forms (N, r + 1) of all neurons in the cell of x (r,)."""
        forms = self._linear.copy()
        signs = np.zeros(len(forms))
        point = np.append(x, 1.0)
        for block, weights in self._blocks:
            forms[block] += (weights * signs) @ forms
            signs[block] = np.sign(forms[block] @ point)
        return forms

    def forms_at(self, signs: Sequence[int]) -> Vector:
        """Forms (N, r + 1) of all neurons where they have these signs."""
        forms, sign = self._linear.copy(), np.array(signs, dtype=np.float64)
        for block, weights in self._blocks[1:]:
            forms[block] += (weights * sign) @ forms
        return forms

    def flips(self, p: Vector, v: Vector, low: float, high: float) -> list[tuple[float, int]]:
        """Parameters low < t < high at which a neuron flips on the line p + t v, in order, and which."""
        values = self.values((p + low * v)[None, :])[0]
        signs = np.where(values > 0, 1.0, -1.0)
        start, speed = self._linear[:, :-1] @ p + self._linear[:, -1], self._linear[:, :-1] @ v
        flips: list[tuple[float, int]] = []
        line, t = np.stack([start, speed], axis=1), low
        while len(flips) < _MOST_FLIPS:
            at = line.copy()
            for block, weights in self._blocks[1:]:
                at[block] += (weights * signs) @ at
            leaving = signs * at[:, 1] < 0
            times = np.full(len(at), np.inf)
            times[leaving] = np.maximum(-at[leaving, 0] / at[leaving, 1], t)
            j = int(times.argmin()) if len(times) else -1
            if j < 0 or not times[j] < high:
                break
            t = float(times[j])
            signs[j] = -signs[j]
            flips.append((t, j))
        return flips

    def last_cells(self, start: Vector, rays: Vector, stops: NDArray[np.bool_], far: float) -> Vector:
        """Points (D, r), one on every unit ray (R, r) from `start` (r,), in the last cell before `far`
        and before a neuron of `stops` (N,) flips; rays that stop at once are left out.
        """
        ahead, line = np.arange(len(rays)), np.empty((len(rays), len(self._linear), 2))
        line[:, :, 0] = self._linear[:, :-1] @ start + self._linear[:, -1]
        line[:, :, 1] = rays @ self._linear[:, :-1].T
        signs = np.tile(np.where(self.values(start[None, :]) > 0, 1.0, -1.0), (len(rays), 1))
        entered, left = np.zeros(len(rays)), np.full(len(rays), far)
        for _ in range(_MOST_FLIPS):
            at = line[ahead]
            for block, weights in self._blocks[1:]:
                at[:, block] += weights @ (signs[ahead, :, None] * at)
            leaving = signs[ahead] * at[:, :, 1] < 0
            times = np.full(leaving.shape, np.inf)
            times[leaving] = -at[:, :, 0][leaving] / at[:, :, 1][leaving]
            times = np.maximum(times, entered[ahead, None])
            flipped = times.argmin(axis=1)
            soonest = times[np.arange(len(ahead)), flipped]
            goes_on = (soonest < far) & ~stops[flipped]
            left[ahead] = np.minimum(soonest, far)
            ahead, flipped = ahead[goes_on], flipped[goes_on]
            if not len(ahead):
                break
            signs[ahead, flipped] *= -1
            entered[ahead] = soonest[goes_on]
        kept = (left > entered) & (entered > 0)
        found: Vector = start + rays[kept] * ((entered + left) / 2)[kept, None]
        return found

    def meetings(self, neurons: Sequence[int], starts: Vector) -> Vector:
        """Points (S, r) on the boundaries of all these neurons, by shortest Newton steps from `starts`.

        A few are enough: steps end when so many have arrived.
        """
        x, rows = starts.copy(), list(neurons)
        seeds = np.zeros((len(rows), len(x), len(self._linear)))
        for k, z in enumerate(rows):
            seeds[k, :, z] = 1.0
        eye = np.eye(len(rows))
        done = np.zeros(len(x), dtype=bool)
        for _ in range(_NEWTON_STEPS):
            values = self.values(x)
            jacobian = np.stack([self.gradients(values, seed) for seed in seeds], axis=1)
            level = values[:, rows]
            off = np.abs(level) / np.maximum(np.linalg.norm(jacobian, axis=2), 1e-300)
            done = off.max(axis=1, initial=0) < _CLOSE * (1 + np.linalg.norm(x, axis=1))
            if done.sum() >= min(_ARRIVED, len(done)):
                break
            gram = jacobian @ jacobian.transpose(0, 2, 1)
            trace = np.trace(gram, axis1=1, axis2=2)
            gram += (1e-14 * trace + 1e-300)[:, None, None] * eye
            step = (jacobian.transpose(0, 2, 1) @ np.linalg.solve(gram, -level[:, :, None]))[:, :, 0]
            reach = 2 * (1 + np.linalg.norm(x, axis=1))
            shortened = reach / np.maximum(np.linalg.norm(step, axis=1), reach)
            x = np.where(done[:, None], x, x + step * shortened[:, None])
        found: Vector = x[done & np.isfinite(x).all(axis=1) & (np.linalg.norm(x, axis=1) < FAR)]
        return found

    def extremes(
        self, layer: Sequence[int], orientation: Sequence[int], gains: Vector, starts: Vector
    ) -> Vector:
        """Points (S, r) where the layer's outputs, as a vector, point towards `gains` (S, len(layer)).

        Short ascents of the cosine between them, from `starts` (tries, S, r) and at their distance from the
        origin; the best of the tries.
        """
        tries, count, dim = starts.shape
        starts, gains = starts.reshape(-1, dim), np.tile(gains, (tries, 1))
        rows, signs = list(layer), np.array(orientation, dtype=np.float64)
        radius = np.linalg.norm(starts, axis=1, keepdims=True)
        units = np.linalg.norm(self.gradients_of(rows, starts), axis=2) * signs
        gains = gains / np.linalg.norm(gains, axis=1, keepdims=True)
        x, best, best_value = starts.copy(), starts.copy(), np.full(len(starts), -np.inf)
        slope = np.abs(units).mean(axis=0)
        scale = 1 / np.where(slope > 0, slope, 1.0)
        for step in range(_ASCENT_STEPS):
            values = self.values(x)
            active = values[:, rows] * signs > 0
            outputs = np.where(active, values[:, rows] * signs * scale, 0.0)
            length = np.maximum(np.linalg.norm(outputs, axis=1, keepdims=True), 1e-300)
            cosine = (outputs * gains).sum(axis=1, keepdims=True) / length
            better = cosine[:, 0] > best_value
            best[better], best_value[better] = x[better], cosine[better, 0]
            # Inactive units that are wanted are pulled up too, though the cosine does not feel them yet.
            pull = np.where(active, gains - cosine * outputs / length, np.maximum(gains, 0))
            seeds = np.zeros_like(values)
            seeds[:, rows] = pull * signs * scale
            d = self.gradients(values, seeds)
            size = np.linalg.norm(d, axis=1, keepdims=True)
            x = x + d * (radius / (1 + step / 4) / np.where(size > 0, size, 1.0) / 2)
            x *= radius / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        won = best_value.reshape(tries, count).argmax(axis=0)
        found: Vector = best.reshape(tries, count, dim)[won, np.arange(count)]
        return found

    def gradients_of(self, rows: Sequence[int], points: Vector) -> Vector:
        """Gradients (S, len(rows), r) of some neurons at points (S, r)."""
        values = self.values(points)
        found = []
        for z in rows:
            seeds = np.zeros_like(values)
            seeds[:, z] = 1.0
            found.append(self.gradients(values, seeds))
        gradients: Vector = np.stack(found, axis=1)
        return gradients


def random_gains(count: int, width: int, rng: np.random.Generator) -> Vector:
    """Directions (count, width): by turns one unit alone, a few units against all others, and any."""
    gains = rng.normal(size=(count, width))
    for row in gains[::3]:
        row[:] = 0.0
        row[rng.integers(width)] = 1.0
    for row in gains[1::3]:
        chosen = rng.permutation(width)[: rng.integers(1, 2 + width // 3)]
        row[:] = -1.0
        row[chosen] = width / len(chosen)
    return gains


def random_starts(shape: tuple[int, ...], radius: float, rng: np.random.Generator) -> Vector:
    """Points (..., dim) on a sphere around the origin."""
    x: Vector = rng.normal(size=shape)
    x *= radius / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-300)
    return x


def _shifted(value: int, exponent: int) -> float:
    """value * 2^exponent as a float, without overflow on the way."""
    excess = max(0, value.bit_length() - 60)
    return float(np.ldexp(float(value >> excess), max(exponent + excess, -1100)))
