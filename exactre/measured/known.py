"""The layers known so far, in float64: values, forms and which boundary passes through a point.

Weights of a known layer are exact (a float64 holds every number of the grids); what is computed from them
here proposes points and measures, and its rounding is counted as an error wherever a bound rests on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from exactre.oracle.measured import Array

ROUNDING = 2.0**-46  # relative error of a value or form computed through the known layers


@lru_cache(maxsize=2)
def _identity(n: int) -> Array:
    return np.eye(n)


@dataclass(frozen=True)
class Layer:
    """Rows of one layer over the neurons of the layer before (or the inputs): relu(weight h + bias).

    `weight` (k, p) and `bias` (k,); `sign` (k,) is +1 or -1 where the active side is known, else 0: the row
    of such a neuron may be the true one times -1.
    """

    weight: Array
    bias: Array
    sign: NDArray[np.int64]

    def oriented(self) -> Layer:
        """The same layer with every known sign made +1."""
        turn = np.where(self.sign < 0, -1.0, 1.0)
        return Layer(self.weight * turn[:, None], self.bias * turn, np.abs(self.sign))


@dataclass(frozen=True)
class Cell:
    """The known network around a point: of each layer values u (k,) and forms (k, n) before ReLU."""

    values: tuple[Array, ...]
    forms: tuple[Array, ...]
    input: Array

    def below(self, depth: int) -> tuple[Array, Array]:
        """Values (p,) and forms (p, n) that layer `depth` reads: inputs, or the layer before after ReLU."""
        if depth == 0:
            return self.input, _identity(len(self.input))
        active = self.values[depth - 1] > 0
        return np.where(active, self.values[depth - 1], 0.0), self.forms[depth - 1] * active[:, None]

    def speeds(self, depth: int, v: Array) -> Array:
        """How fast (p,) what layer `depth` reads changes along v (n,)."""
        if depth == 0:
            return v
        return np.where(self.values[depth - 1] > 0, self.forms[depth - 1] @ v, 0.0)


@dataclass(frozen=True)
class Known:
    """Known layers over n inputs; all but the last are oriented."""

    dim: int
    layers: tuple[Layer, ...] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        """How many neurons every layer has."""
        return tuple(len(layer.bias) for layer in self.layers)

    def cell(self, point: Array) -> Cell:
        """The known network around a point (n,)."""
        h, form = point, None
        values, forms = [], []
        for layer in self.layers:
            u = layer.weight @ h + layer.bias
            form = layer.weight if form is None else layer.weight @ form
            values.append(u)
            forms.append(form)
            active = u > 0
            h, form = np.where(active, u, 0.0), form * active[:, None]
        return Cell(tuple(values), tuple(forms), point)

    def values(self, points: Array) -> list[Array]:
        """Values before ReLU (count, k) of every layer at points (count, n)."""
        h, values = points, []
        for layer in self.layers:
            values.append(h @ layer.weight.T + layer.bias)
            h = np.maximum(values[-1], 0.0)
        return values

    def gradients(self, values: Sequence[Array], seeds: Array) -> Array:
        """Gradients (count, n) of sums of seeds (count, k) times the values of the last layer of `values`."""
        for k in range(len(values) - 1, -1, -1):
            seeds = seeds @ self.layers[k].weight
            if k:
                seeds = np.where(values[k - 1] > 0, seeds, 0.0)
        return seeds

    def with_layer(self, layer: Layer) -> Known:
        """One more layer."""
        return Known(self.dim, (*self.layers, layer))

    def with_last(self, layer: Layer) -> Known:
        """The last layer replaced."""
        return Known(self.dim, (*self.layers[:-1], layer))
