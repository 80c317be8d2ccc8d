"""Many points of a network as floats, among which those are found at which a change of its weights tells.

Everything here is float64 and may be wrong: what it returns is a place to look at exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from exactre.network import INPUT, Network
from exactre.recover.families import Direction
from exactre.recover.guess import Vector

_POINTS = 1 << 15
_SCALES = (-4.0, 12.0)  # binary logarithm of a point's coordinates
_NOISE = 1e-9  # relative to what rounding adds up; points that tell are asked exactly
_SHOWN = 4


class Scout:
    """Points (S, n), and the values that every node has there before its ReLU and after it.

    Each neuron is scaled by a power of two so that no weight is too large for a float.
    """

    def __init__(self, net: Network, rng: np.random.Generator) -> None:
        self._net = net
        size = np.exp2(rng.uniform(*_SCALES, size=(_POINTS, 1)))
        self._x: Vector = rng.normal(size=(_POINTS, net.input_dim)) * size
        self._scales: dict[str, list[Fraction]] = {INPUT: [Fraction(1)] * net.input_dim}
        self._weights: list[dict[str, Vector]] = []
        self._values: dict[str, Vector] = {INPUT: self._x}
        self._before: list[Vector] = []
        for node in net.nodes:
            rows = {
                source: [
                    [v * s for v, s in zip(row, self._scales[source], strict=True)] for row in weight.rows()
                ]
                for source, weight in node.inputs
            }
            bias = [row[0] for row in node.bias.rows()]
            own = [
                _size([bias[i], *(v for entries in rows.values() for v in entries[i])])
                for i in range(node.width)
            ]
            weights = {
                source: np.array([[float(v / s) for v in row] for row, s in zip(entries, own, strict=True)])
                for source, entries in rows.items()
            }
            u = np.array([float(v / s) for v, s in zip(bias, own, strict=True)]) + sum(
                self._values[source] @ weight.T for source, weight in weights.items()
            )
            self._scales[node.name] = own
            self._values[node.name] = np.maximum(u, 0) if node.relu else u
            self._weights.append(weights)
            self._before.append(u)

    def rare(self, most: int) -> Vector:
        """Points (k, n) in different regions, of those that fewest points are in."""
        hidden = [u > 0 for u, node in zip(self._before, self._net.nodes, strict=True) if node.relu]
        bits = np.packbits(np.concatenate(hidden, axis=1), axis=1)
        _, first, counts = np.unique(bits, axis=0, return_index=True, return_counts=True)
        found: Vector = self._x[first[counts.argsort(kind="stable")[:most]]]
        return found

    def telling(self, direction: Direction, factor: Fraction) -> Vector:
        """A few of the points (k, n) at which `factor` times these changes of weights change an output."""
        gains: dict[str, Vector] = {}
        sizes: dict[str, Vector] = {}  # what the gains' terms come to without their signs
        for k, node in enumerate(self._net.nodes):
            gain, size = (np.zeros((_POINTS, node.width)) for _ in range(2))
            for source, weight in self._weights[k].items():
                if source in gains:
                    gain += gains[source] @ weight.T
                    size += sizes[source] @ np.abs(weight).T
            for change in (change for change in direction if change.node == k):
                by, term = (
                    factor * direction[change] / self._scales[node.name][change.neuron],
                    np.ones(_POINTS),
                )
                if change.source is not None:
                    by *= self._scales[change.source][change.column]
                    term = self._values[change.source][:, change.column]
                    if change.source in gains:
                        term = term + gains[change.source][:, change.column]
                gain[:, change.neuron] += float(by) * term
                size[:, change.neuron] += np.abs(float(by) * term)
            if size.any():
                gains[node.name] = _through(self._before[k], gain) if node.relu else gain
                sizes[node.name] = size
        last = self._net.nodes[-1].name
        if last not in gains:
            return self._x[:0]
        share = (np.abs(gains[last]) / np.maximum(sizes[last], 1e-300)).max(axis=1)
        best = share.argsort()[-_SHOWN:]
        found: Vector = self._x[best[share[best] > _NOISE]]
        return found


def _through(u: Vector, gain: Vector) -> Vector:
    """relu(u + gain) - relu(u), without a difference of like numbers."""
    later = u + gain
    found: Vector = np.where(u > 0, np.where(later > 0, gain, -u), np.maximum(later, 0))
    return found


def _size(row: Sequence[Fraction]) -> Fraction:
    """A power of two near the largest of these, or one."""
    most = max(map(abs, row))
    bits = most.numerator.bit_length() - most.denominator.bit_length()
    return Fraction(2) ** bits if most else Fraction(1)
