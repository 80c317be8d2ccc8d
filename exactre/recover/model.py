"""What is known of the network so far: neurons in the orientation-free canonical form, exact.

u_z(y) = sum_j a_zj |u_j(y)| + l_z . (y, 1), integer rows without a common factor. Scale and sign of a row
do not matter here: a positive or negative multiple describes the same boundary (design 4.4).
Points are homogeneous integer rows (num, 2^q), so that every value is an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd

from flint import fmpz_mat

Signs = tuple[int, ...]


@dataclass(frozen=True)
class Neuron:
    """One row of the canonical form: integer `parents` {neuron index: a_zj}, `linear` (r + 1,), primitive."""

    parents: Mapping[int, int]
    linear: tuple[int, ...]

    @classmethod
    def primitive(cls, parents: Mapping[int, int], linear: Sequence[int]) -> Neuron:
        """The neuron with its row divided by the content; zero coefficients are left out."""
        common = gcd(*parents.values(), *linear) or 1
        return cls({j: a // common for j, a in parents.items() if a}, tuple(v // common for v in linear))


@dataclass(frozen=True)
class Model:
    """Known neurons in topological order over r chart coordinates."""

    dim: int
    neurons: tuple[Neuron, ...] = ()
    depth: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        depth: list[int] = []
        for neuron in self.neurons:
            depth.append(1 + max((depth[j] for j in neuron.parents), default=-1))
        object.__setattr__(self, "depth", tuple(depth))

    def __len__(self) -> int:
        return len(self.neurons)

    def extended(self, neuron: Neuron) -> Model:
        """The model with one more neuron, whose parents are known."""
        return Model(self.dim, (*self.neurons, neuron))

    def forms(self, signs: Sequence[int]) -> list[list[int]]:
        """Affine form (r + 1,) of every preactivation where the neurons have these signs; exact."""
        forms: list[list[int]] = []
        for neuron in self.neurons:
            forms.append(self.form(neuron, signs, forms))
        return forms

    def form(self, neuron: Neuron, signs: Sequence[int], forms: Sequence[Sequence[int]]) -> list[int]:
        """Affine form (r + 1,) of one neuron over the given forms of its parents."""
        if not neuron.parents:
            return list(neuron.linear)
        parents = list(neuron.parents)
        weights = fmpz_mat(1, len(parents), [neuron.parents[j] * signs[j] for j in parents])
        total = weights * fmpz_mat([forms[j] for j in parents])
        return [int(v) + w for v, w in zip(total.entries(), neuron.linear, strict=True)]


class Sampled:
    """The model's preactivations at a growing list of homogeneous points (num, 2^q); exact integers."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.points: list[tuple[int, ...]] = []
        self.values: list[list[int]] = [[] for _ in model.neurons]

    def add_points(self, points: Sequence[tuple[int, ...]]) -> None:
        """More points; every known neuron is evaluated there."""
        start = len(self.points)
        self.points += points
        for neuron, values in zip(self.model.neurons, self.values, strict=True):
            values += self.evaluate(neuron, start)

    def add_neuron(self, neuron: Neuron) -> None:
        """One more neuron, evaluated at all points."""
        self.values.append(self.evaluate(neuron))
        self.model = self.model.extended(neuron)

    def restarted(self) -> Sampled:
        """The same points without any neuron."""
        fresh = Sampled(Model(self.model.dim))
        fresh.points = self.points
        return fresh

    def evaluate(self, neuron: Neuron, start: int = 0) -> list[int]:
        """Values of a neuron over known ones at the points from `start` on."""
        count = len(self.points) - start
        if not count:
            return []
        parents = list(neuron.parents)
        total = fmpz_mat(self.points[start:]) * fmpz_mat(len(neuron.linear), 1, list(neuron.linear))
        if parents:
            rows = fmpz_mat([[abs(v) for v in self.values[j][start:]] for j in parents])
            total += (fmpz_mat(1, len(parents), [neuron.parents[j] for j in parents]) * rows).transpose()
        return total.entries()

    def signs(self, index: int) -> Signs:
        """Signs of all neurons at one point."""
        return tuple((values[index] > 0) - (values[index] < 0) for values in self.values)
