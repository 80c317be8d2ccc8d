"""Places where a neuron may flip, by gradient descent on its preactivation in floats.

A neuron that is active almost everywhere changes side in a corner that no random line meets. Everything here
is float64 and may be wrong: what it returns are places at which the exact networks are asked.
"""

from __future__ import annotations

import numpy as np

from exactre.formats.floats import FloatNetwork, Floats
from exactre.network import INPUT, Network

STEPS = 400


class Descent:
    """Descent on the preactivations of one network, whose weights are rounded to float64.

    Raises FormatError where a weight is beyond every float64.
    """

    def __init__(self, net: Network) -> None:
        self._net = FloatNetwork(net, "float64")

    def to_the_other_side(self, name: str, index: int, starts: Floats) -> list[tuple[Floats, Floats]]:
        """Pairs of points (n,) between which a neuron seems to flip, ends of ways that keep their distance
        from zero; the first among those from `starts` (S, n), all different from zero.
        """
        radius = np.linalg.norm(starts, axis=1, keepdims=True)
        x, sign = starts, np.zeros(0)
        for step in range(STEPS):
            u = self._net.preactivations(x, name)
            here = u[name][:, index]
            sign = np.where(here > 0, 1.0, -1.0) if not step else sign
            crossed = np.flatnonzero(sign * here < 0)
            if len(crossed):
                return [(starts[i], x[i]) for i in crossed]
            slope = self._gradient(name, index, u) * sign[:, None]
            lengths = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
            x = x - slope / lengths * radius / (2 + step / 4)
            x = x * (radius / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300))
        return []

    def _gradient(self, name: str, index: int, u: dict[str, Floats]) -> Floats:
        """Gradients (S, n) of one preactivation at the points with preactivations u."""
        seed = np.zeros_like(u[name])
        seed[:, index] = 1.0
        slopes: dict[str, Floats] = {name: seed}
        for node, relu, inputs, _ in reversed(self._net.layers):
            slope = slopes.get(node)
            if slope is None:
                continue
            if relu and node != name:
                slope = slope * (u[node] > 0)
            for source, weight in inputs:
                term = slope @ weight.T
                slopes[source] = slopes[source] + term if source in slopes else term
        return slopes.get(INPUT, np.zeros_like(u[INPUT]))
