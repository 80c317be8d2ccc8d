"""Where the boundaries of a neuron and of one that it reads meet: walks from cell to cell, free of queries.

Newton's steps to a point that has both values come to nothing where the two meet only in a corner far out;
linear programs lead there (`walk`). A point found is a place to measure at. Where no walk arrives, the neuron
may keep one side wherever the unit is active: then no bend shows its weight there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import Known, Layer
from exactre.oracle.measured import Array
from exactre.walk import Walk

_WALKS = 24  # about 40 ms each over three layers of 20
_ENOUGH = 4
_STEPS = 60
_PLACES = 512
_RADII = (-1.0, 8.0)  # binary logarithms
_CLOSE = 2.0**-30


class Pair:
    """The last known layer's unit `index`, and a neuron over that layer whose weight there is missing.

    `row` (k,) has a zero in its place.
    """

    def __init__(self, known: Known, row: Array, bias: float, index: int) -> None:
        self._known, self._index = known, index
        own = Layer(row[None], np.array([bias]), np.zeros(1, dtype=np.int64))
        self._flat, self._own = _Flat(known.with_layer(own)), sum(known.widths)

    def meetings(self, seen: Array, rng: np.random.Generator) -> Array:
        """Points (count, n) on both boundaries; the first few that walks arrive at are enough.

        Walks start from points `seen` (starts, n) of the neuron's boundary, and from the unit's.
        """
        unit = self._own - self._known.widths[-1] + self._index
        found: list[Array] = []
        for on, towards, starts in ((self._own, unit, seen), (unit, self._own, self._beside(rng))):
            walk = Walk(self._flat, on, towards, ())
            for start in rng.permutation(starts)[:_WALKS]:
                point = walk.meeting(start)
                found += [] if point is None else [point]
                if len(found) == _ENOUGH:
                    return np.array(found)
        return np.array(found).reshape(-1, self._known.dim)

    def side(self, rng: np.random.Generator) -> int:
        """The sign that the neuron's row has wherever the unit's boundary was come to; 0 for both signs."""
        values = self._flat.values(self._beside(rng))[:, -1]
        signs = set(np.sign(values).astype(int).tolist())
        return signs.pop() if len(signs) == 1 else 0

    def _beside(self, rng: np.random.Generator) -> Array:
        """Points (count, n) of the unit's boundary at all distances, by Newton's steps from random ones."""
        depth, width = len(self._known.layers), self._known.widths[-1]
        x: Array = rng.normal(size=(_PLACES, self._known.dim))
        x *= np.exp2(rng.uniform(*_RADII, size=(_PLACES, 1)))
        seeds = np.tile(np.arange(width) == self._index, (_PLACES, 1)).astype(np.float64)
        for _ in range(_STEPS):
            values = self._known.values(x)[:depth]
            slope = self._known.gradients(values, seeds)
            size = np.maximum((slope * slope).sum(axis=1), 2.0**-60)
            x = x - slope * (values[-1][:, self._index] / size)[:, None]
        value = np.abs(self._known.values(x)[-1][:, self._index])
        return np.asarray(x[value <= _CLOSE * (1 + np.abs(x).max(axis=1))])


class _Flat:
    """The neurons of a known network, numbered on layer by layer: an arrangement for walks."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._starts = np.cumsum([0, *known.widths]).tolist()

    def reads(self) -> NDArray[np.bool_]:
        count = self._starts[-1]
        reads: NDArray[np.bool_] = np.zeros((count, count), dtype=bool)
        for k, layer in enumerate(self._known.layers[1:]):
            before, start, end = self._starts[k : k + 3]
            reads[start:end, before:start] = layer.weight != 0
        return reads

    def values(self, points: Array) -> Array:
        return np.hstack(self._known.values(points))

    def forms_at(self, signs: Sequence[int]) -> Array:
        active = np.array(signs)[:, None] > 0
        forms, below = [], np.eye(self._known.dim, self._known.dim + 1)
        for layer, start in zip(self._known.layers, self._starts, strict=False):
            form = layer.weight @ below
            form[:, -1] += layer.bias
            forms.append(form)
            below = form * active[start : start + len(form)]
        return np.vstack(forms)
