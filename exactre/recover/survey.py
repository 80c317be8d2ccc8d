"""What the scanned lines say, and how well a hypothesised neuron explains it.

A survey holds every kink found on every line, the known neurons, and their exact values at the probes
beside each kink. A neuron that flips at a kink explains it; a neuron that flips between two probes where
the lines show no kink is contradicted there (or invisible: all that it feeds is inactive).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.recover.group import PRIME, Weights, active_weights, modular, modular_gradient
from exactre.recover.jet import Jets
from exactre.recover.line import REACH, Kink, Line, dyadic, scan
from exactre.recover.model import Model, Neuron, Sampled, Signs
from exactre.recover.trace import BoundaryPiece

BASE_BITS = 12


@dataclass(frozen=True)
class Evidence:
    """Kinks where a neuron flips, and the number of flips between probes where no kink was found."""

    explained: tuple[int, ...]
    misses: int


class Survey:
    """Scanned lines and known neurons. `orientation` is {neuron: +-1}; `owner[i]` explains kink i.

    `base` (r,) is a generic chart point over 2^12: the outputs' pieces there say what no kink says.
    """

    def __init__(self, jets: Jets, base: Sequence[int]) -> None:
        self.jets = jets
        self.kinks: list[Kink] = []
        self.line: list[int] = []
        self.lines: list[Line] = []
        self.owner: list[int | None] = []
        self._targets: list[NDArray[np.int64]] = []  # the kinks' forms modulo the prime
        self.orientation: dict[int, int] = {}
        self._sampled = Sampled(Model(jets.dim))
        self.base = fmpz_mat(1, jets.dim, list(base))
        self.base_piece = jets.at(self.base, BASE_BITS)[0]
        self._sampled.add_points([(*base, 1 << BASE_BITS)])
        self._steps: list[tuple[int, int, int | None]] = []  # consecutive probes, and the kink between them
        self._before: list[int] = []  # the probe just before each kink
        self._modular: list[NDArray[np.int64]] = []  # (kinks, r + 1) forms of each neuron before each kink
        self._weights: dict[tuple[int, ...], dict[tuple[int, bool], Weights | None]] = {}

    @property
    def model(self) -> Model:
        """The known neurons."""
        return self._sampled.model

    def scan(self, line: Line, low: Fraction = -REACH, high: Fraction = REACH) -> list[int]:
        """Scan a line and index its kinks; the known first-layer crossings are looked at first."""
        number = len(self.lines)
        self.lines.append(line)
        kinks = scan(self.jets, line, self._first_layer_crossings(line), low=low, high=high)
        ends = [low, *(t for kink in kinks for t in (kink.t0, kink.t1)), high]
        start = len(self._sampled.points)
        num, q = dyadic([line.at(t) for t in ends])
        self._sampled.add_points([(*(int(v) for v in row), 1 << q) for row in num.tolist()])
        first = len(self.kinks)
        for i in range(len(ends) - 1):
            self._steps.append((start + i, start + i + 1, first + i // 2 if i % 2 else None))
        self._before += [start + 1 + 2 * i for i in range(len(kinks))]
        self.kinks += kinks
        self._targets += [modular(kink.form) for kink in kinks]
        self.line += [number] * len(kinks)
        self.owner += [None] * len(kinks)
        for z, neuron in enumerate(self.model.neurons):
            self._modular[z] = np.vstack([self._modular[z], self._modular_forms(neuron, first)])
            self._explain(z)
        return list(range(first, len(self.kinks)))

    def add(self, neuron: Neuron) -> int:
        """Accept a neuron whose parents are known; its index."""
        self._sampled.add_neuron(neuron)
        self._modular.append(self._modular_forms(neuron, 0))
        z = len(self.model) - 1
        self._explain(z)
        return z

    def unexplained(self) -> list[int]:
        """Kinks that no known neuron explains."""
        return [i for i, owner in enumerate(self.owner) if owner is None]

    def signs(self, kink: int) -> Signs:
        """Signs of the known neurons just before a kink."""
        return self._sampled.signs(self._before[kink])

    def base_signs(self) -> Signs:
        """Signs of the known neurons at the base point, whose affine piece is `base_piece`."""
        return self._sampled.signs(0)

    def piece(self, kink: int) -> BoundaryPiece:
        """The boundary piece at a kink, at scale one."""
        found = self.kinks[kink]
        near = np.array([float(v) for v in found.line.at(found.t)])
        return BoundaryPiece(self.signs(kink), found.form, Fraction(1), near)

    def weights(self, kink: int, layer: Sequence[int], orientation: Mapping[int, int]) -> Weights | None:
        """The layer's combination, with its constant, that gives a kink's form; None where not unique."""
        return self._combination(kink, layer, orientation, False)

    def gradient_weights(
        self, kink: int, layer: Sequence[int], orientation: Mapping[int, int]
    ) -> Weights | None:
        """The layer's combination that gives the first output's gradient just before a kink."""
        return self._combination(kink, layer, orientation, True)

    def _combination(
        self, kink: int, layer: Sequence[int], orientation: Mapping[int, int], gradient: bool
    ) -> Weights | None:
        known = self._weights.setdefault((*layer, *(orientation.get(j, 0) for j in layer)), {})
        if (kink, gradient) not in known:
            forms = {j: self._modular[j][kink] for j in layer}
            target = modular_gradient(self.kinks[kink].left, 0) if gradient else self._targets[kink]
            known[kink, gradient] = active_weights(layer, self.signs(kink), forms, target, orientation)
        return known[kink, gradient]

    def layer(self, depth: int) -> list[int]:
        """The known neurons of one depth."""
        return [j for j, d in enumerate(self.model.depth) if d == depth]

    def evidence(self, neuron: Neuron) -> Evidence:
        """What the scanned lines say about a neuron over known ones."""
        values = self._sampled.evaluate(neuron)
        explained, misses = [], 0
        for a, b, kink in self._steps:
            if (values[a] > 0) != (values[b] > 0):
                if kink is None:
                    misses += 1
                else:
                    explained.append(kink)
        return Evidence(tuple(explained), misses)

    def without(self, dropped: set[int]) -> None:
        """Forget neurons, and those that read them."""
        kept: dict[int, int] = {}
        orientation = self.orientation
        neurons = self.model.neurons
        self._sampled = self._sampled.restarted()
        self._weights = {}
        self._modular, self.orientation, self.owner = [], {}, [None] * len(self.kinks)
        for z, neuron in enumerate(neurons):
            if z in dropped or any(j not in kept for j in neuron.parents):
                continue
            parents = {kept[j]: a for j, a in neuron.parents.items()}
            kept[z] = self.add(Neuron(parents, neuron.linear))
            if z in orientation:
                self.orientation[kept[z]] = orientation[z]

    def _explain(self, z: int) -> None:
        values = self._sampled.values[z]
        for a, b, kink in self._steps:
            if kink is not None and (values[a] > 0) != (values[b] > 0):
                self.owner[kink] = z

    def _modular_forms(self, neuron: Neuron, first: int) -> NDArray[np.int64]:
        """The neuron's forms modulo the prime before each kink from `first` on."""
        before = self._before[first:]
        total = np.tile(modular(neuron.linear), (len(before), 1))
        for j, a in neuron.parents.items():
            values = self._sampled.values[j]
            signs = np.array([(values[i] > 0) - (values[i] < 0) for i in before], dtype=np.int64)
            weights = a % PRIME * signs % PRIME
            total = (total + weights[:, None] * self._modular[j][first:]) % PRIME
        return total

    def _first_layer_crossings(self, line: Line) -> list[Fraction]:
        crossings = []
        for neuron in self.model.neurons:
            if not neuron.parents:
                slope = sum((f * v for f, v in zip(neuron.linear, line.v, strict=False)), Fraction(0))
                level = sum(
                    (f * p for f, p in zip(neuron.linear, line.p, strict=False)), Fraction(neuron.linear[-1])
                )
                if slope:
                    crossings.append(-level / slope)
        return crossings
