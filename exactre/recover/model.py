"""What is known of the network so far: neurons in the orientation-free canonical form, exact.

u_z(y) = sum_j a_zj |u_j(y)| + l_z . (y, 1), integer rows without a common factor. Scale and sign of a row
do not matter here: a positive or negative multiple describes the same boundary (design 4.4).
Points are homogeneous integer rows (num, 2^q), so that every value is an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.recover.modular import PRIME, Residues, modular, product

_WIDE = 2  # a layer of more than so many neurons for each input is wide

Signs = tuple[int, ...]
Integers = NDArray[np.object_]


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
class _Block:
    """One depth's neurons as matrices over all shallower ones: `weights` (k, lower), `linear` (k, r + 1)."""

    neurons: tuple[int, ...]
    lower: tuple[int, ...]
    weights: fmpz_mat
    linear: fmpz_mat

    @cached_property
    def place(self) -> dict[int, int]:
        """The row of each neuron."""
        return {z: k for k, z in enumerate(self.neurons)}

    @cached_property
    def modular(self) -> tuple[Residues, Residues]:
        """Weights and linear parts modulo the prime."""
        shape = len(self.neurons), len(self.lower)
        weights, linear = ([int(v) for v in matrix.entries()] for matrix in (self.weights, self.linear))
        return modular(weights).reshape(shape), modular(linear).reshape(len(self.neurons), -1)


@dataclass(frozen=True)
class Model:
    """Known neurons over r chart coordinates, in the order of their discovery; their graph has no cycle."""

    dim: int
    neurons: tuple[Neuron, ...] = ()
    depth: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        depth: dict[int, int] = {}
        while len(depth) < len(self.neurons):
            for z, neuron in enumerate(self.neurons):
                if z not in depth and all(j in depth for j in neuron.parents):
                    depth[z] = 1 + max((depth[j] for j in neuron.parents), default=-1)
        object.__setattr__(self, "depth", tuple(depth[z] for z in range(len(depth))))

    def __len__(self) -> int:
        return len(self.neurons)

    @cached_property
    def blocks(self) -> list[_Block]:
        """The neurons of each depth, shallowest first."""
        blocks = []
        for depth in range(max(self.depth, default=-1) + 1):
            here = tuple(z for z, d in enumerate(self.depth) if d == depth)
            lower = tuple(j for j, d in enumerate(self.depth) if d < depth)
            rows = [self.neurons[z] for z in here]
            weights = fmpz_mat(len(here), len(lower), [row.parents.get(j, 0) for row in rows for j in lower])
            linear = fmpz_mat([row.linear for row in rows])
            blocks.append(_Block(here, lower, weights, linear))
        return blocks

    def extended(self, neuron: Neuron) -> Model:
        """The model with one more neuron, whose parents are known."""
        return Model(self.dim, (*self.neurons, neuron))

    def form(self, neuron: Neuron, signs: Sequence[int], forms: Sequence[Sequence[int]]) -> list[int]:
        """Affine form (r + 1,) of a neuron over known ones, whose forms are given; exact."""
        total = list(neuron.linear)
        for j, a in neuron.parents.items():
            factor = a * signs[j]
            total = [v + factor * w for v, w in zip(total, forms[j], strict=True)]
        return total

    def is_wide(self, depth: int) -> bool:
        """Whether a layer has so many neurons for its inputs that no single kink says much about it."""
        return self.depth.count(depth) > _WIDE * self.dim

    def by_depth(self) -> list[int]:
        """The neurons, parents first."""
        return sorted(range(len(self.neurons)), key=lambda z: self.depth[z])

    def forms(self, signs: Signs) -> Forms:
        """Affine forms of all preactivations where the neurons have these signs."""
        return Forms(self, signs)

    def values(self, points: Sequence[Sequence[int]]) -> list[list[int]]:
        """Preactivations (neurons, points) at homogeneous points; exact integers."""
        values: list[list[int]] = [[] for _ in self.neurons]
        if not points:
            return values
        columns = fmpz_mat([list(p) for p in points]).transpose()
        for block in self.blocks:
            total = block.linear * columns
            if block.lower:
                total += block.weights * fmpz_mat([[abs(v) for v in values[j]] for j in block.lower])
            for z, row in zip(block.neurons, total.tolist(), strict=True):
                values[z] = [int(v) for v in row]
        return values

    def signs_at(self, num: Sequence[Sequence[int]], q: int) -> list[Signs]:
        """Signs of all preactivations at the points num / 2^q; exact."""
        values = self.values([(*(int(v) for v in row), 1 << q) for row in num])
        return [tuple((row[i] > 0) - (row[i] < 0) for row in values) for i in range(len(num))]


class Forms(Sequence[list[int]]):
    """Affine forms (r + 1,) of a model's preactivations where its neurons have these signs; exact.

    They grow long with depth and few are wanted: those of one depth are computed when one is asked for.
    """

    def __init__(self, model: Model, signs: Signs) -> None:
        self._model = model
        self._signs = signs
        self._blocks: list[fmpz_mat] = []  # (k, r + 1), shallowest first
        self._exact: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._model)

    def __getitem__(self, z: int) -> list[int]:  # type: ignore[override]  # one at a time, never a slice
        if z not in self._exact:
            depth = self._model.depth[z]
            total, row = self._block(depth), self._model.blocks[depth].place[z]
            self._exact[z] = [int(total[row, i]) for i in range(self._model.dim + 1)]
        return self._exact[z]

    def _block(self, depth: int) -> fmpz_mat:
        """The forms (k, r + 1) of one depth's neurons."""
        for block in self._model.blocks[len(self._blocks) : depth + 1]:
            total = block.linear
            if block.lower:
                total += block.weights * fmpz_mat(
                    [[v * self._signs[j] for v in self[j]] for j in block.lower]
                )
            self._blocks.append(total)
        return self._blocks[depth]

    def combination(self, weights: Mapping[int, int]) -> list[int]:
        """The sum (r + 1,) of some neurons' forms times integers."""
        total = fmpz_mat(1, self._model.dim + 1)
        for depth in {self._model.depth[z] for z in weights}:
            factors = [weights.get(z, 0) for z in self._model.blocks[depth].neurons]
            total += fmpz_mat(1, len(factors), factors) * self._block(depth)
        return [int(v) for v in total.entries()]

    @cached_property
    def modular(self) -> Residues:
        """All forms (N, r + 1) modulo the prime."""
        forms = np.zeros((len(self), self._model.dim + 1), dtype=np.int64)
        signs = np.array(self._signs, dtype=np.int64)[:, None]
        for block in self._model.blocks:
            weights, linear = block.modular
            lower = list(block.lower)
            forms[list(block.neurons)] = (
                linear + product(weights, signs[lower] * forms[lower] % PRIME)
            ) % PRIME
        return forms


class Sampled:
    """A growing model's preactivations at a growing list of homogeneous points; exact integers.

    `signs` (neurons, points) are those of the values.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.points: list[tuple[int, ...]] = []
        self.signs: NDArray[np.int8] = np.zeros((len(model), 0), dtype=np.int8)
        self._sizes: list[Integers] = [np.zeros(0, dtype=object) for _ in model.neurons]  # absolute values
        self._columns: fmpz_mat | None = None

    def size(self, z: int, point: int) -> int:
        """The absolute value of a neuron at a point."""
        return int(self._sizes[z][point])

    def add_points(self, points: Sequence[tuple[int, ...]]) -> None:
        """More points; every known neuron is evaluated there."""
        self.points += points
        self._columns = None
        fresh = [np.array(row, dtype=object) for row in self.model.values(points)]
        signs = np.array([_signs(row) for row in fresh], dtype=np.int8).reshape(len(fresh), len(points))
        self.signs = np.concatenate([self.signs, signs], axis=1)
        self._sizes = [
            np.concatenate([known, np.abs(row)]) for known, row in zip(self._sizes, fresh, strict=True)
        ]

    def add_neuron(self, neuron: Neuron) -> None:
        """One more neuron, evaluated at all points."""
        values = self.evaluate(neuron)
        self.signs = np.concatenate([self.signs, _signs(values)[None, :]])
        self._sizes.append(np.abs(values))
        self.model = self.model.extended(neuron)

    def replace(
        self, neurons: Mapping[int, Neuron], scales: Mapping[int, Fraction], changed: NDArray[np.bool_]
    ) -> None:
        """Other rows for some neurons and for all that read them.

        Where nothing has `changed` (points,) a neuron's values are the old ones times its scale > 0.
        """
        rows = (neurons.get(z, old) for z, old in enumerate(self.model.neurons))
        model = self.model = Model(self.model.dim, tuple(rows))
        where = np.flatnonzero(changed)
        for z in (z for z in model.by_depth() if z in neurons):
            scaled = self._sizes[z] * scales[z].numerator // scales[z].denominator
            fresh = self.evaluate(model.neurons[z], where)
            scaled[where], self.signs[z, where] = np.abs(fresh), _signs(fresh)
            self._sizes[z] = scaled

    def keep(self, neurons: Sequence[int]) -> None:
        """Only these neurons, which read no others, in this order."""
        place = {z: k for k, z in enumerate(neurons)}
        rows = [self.model.neurons[z] for z in neurons]
        self.model = Model(
            self.model.dim,
            tuple(Neuron({place[j]: a for j, a in row.parents.items()}, row.linear) for row in rows),
        )
        self.signs = self.signs[list(neurons)]
        self._sizes = [self._sizes[z] for z in neurons]

    def evaluate(self, neuron: Neuron, where: NDArray[np.int64] | None = None) -> Integers:
        """Values (points,) of a neuron over known ones at all points, or those named; exact."""
        if where is not None:
            columns = fmpz_mat([list(self.points[i]) for i in where]).transpose()
        elif self._columns is None:
            columns = self._columns = fmpz_mat([list(p) for p in self.points]).transpose()
        else:
            columns = self._columns
        if not columns.ncols():
            return np.zeros(0, dtype=object)
        total = (fmpz_mat(1, len(neuron.linear), list(neuron.linear)) * columns).entries()
        values: Integers = np.array([int(v) for v in total], dtype=object)
        for j, a in neuron.parents.items():
            values = values + a * (self._sizes[j] if where is None else self._sizes[j][where])
        return values


def _signs(values: Integers) -> NDArray[np.int8]:
    return (values > 0).astype(np.int8) - (values < 0).astype(np.int8)
