"""Rows that combine maxima and a constant, from the pieces of one boundary; exact.

The same as `row` does for layers of neurons: a piece tells the weights of the maxima that are not constant
there, and a trace leads to where the others are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from exactre.linalg import rank, solve
from exactre.rational import Matrix
from exactre.recover.group import CONSTANT
from exactre.recover.model import Forms, Model, Neuron, Signs
from exactre.recover.row import Piece, Row

ReadWeights = dict[int, Fraction]  # by place of the maximum, or CONSTANT


@dataclass(frozen=True)
class Unit:
    """A maximum as a row over the neurons of its chain, up to a positive factor."""

    row: Neuron
    chain: tuple[int, ...]


class Reading:
    """The row over maxima that pieces of one boundary tell; a hypothesis for `Tracer.trace`."""

    def __init__(self, model: Model, units: Sequence[Unit]) -> None:
        self._model = model
        self._units = units
        self._pieces = 0
        self.weights: ReadWeights = {}
        self.is_consistent = True
        self.idle: set[int] = set()  # no boundary has to be avoided
        self.depth = max(model.depth[j] for unit in units for j in unit.chain)

    @property
    def is_tested(self) -> bool:
        """Whether there are pieces beside the first."""
        return self._pieces > 1

    @property
    def missing(self) -> int:
        """How many weights are still wanting."""
        return len(self._units) + 1 - len(self.weights)

    def add(self, piece: Piece, forms: Forms) -> None:
        """One more piece; `forms` are the known forms in its cell."""
        self._pieces += 1
        found = combination(self._model, self._units, piece, forms)
        if found is None:
            return
        self.is_consistent &= all(self.weights.get(k, w) == w for k, w in found.items())
        self.weights |= found

    def predicted(self, signs: Signs, forms: Forms) -> list[Fraction] | None:
        """The boundary's form (r + 1,) in a cell, where the weights so far determine it."""
        total = [Fraction(0)] * self._model.dim + [self.weights.get(CONSTANT, Fraction(0))]
        for k, unit in enumerate(self._units):
            column = self._model.form(unit.row, signs, forms)
            if any(column):
                if k not in self.weights:
                    return None
                total = [v + self.weights[k] * w for v, w in zip(total, column, strict=True)]
        return total

    def targets(self) -> set[int]:
        """Neurons behind whose boundaries a maximum may change whose weight is wanting."""
        return {j for k, unit in enumerate(self._units) if k not in self.weights for j in unit.chain}

    def row(self) -> Row | None:
        """The row, once all weights are known."""
        if self.missing:
            return None
        neuron = self.neuron()
        return Row(neuron.parents, neuron.linear, 1, {})

    def neuron(self) -> Neuron:
        """The neuron of the weights that are known."""
        return reader(self._model.dim, self._units, self.weights)


def combination(model: Model, units: Sequence[Unit], piece: Piece, forms: Forms) -> ReadWeights | None:
    """The weights of maxima and of a constant that a piece's form has, where they are unique."""
    columns = {k: list(model.form(unit.row, piece.signs, forms)) for k, unit in enumerate(units)}
    columns = {k: column for k, column in columns.items() if any(column)}
    columns[CONSTANT] = [0] * model.dim + [1]
    matrix = Matrix.from_rows(list(zip(*columns.values(), strict=True)))
    found = solve(matrix, Matrix.column([piece.scale * v for v in piece.form]))
    if found is None or rank(matrix) < len(columns):
        return None
    return {k: Fraction(int(v), found.den) for k, v in zip(columns, found.num.entries(), strict=True)}


def joined(parts: Sequence[ReadWeights]) -> ReadWeights | None:
    """What proportional weights say together, at the scale of the first; None where they are not."""
    whole = dict(parts[0])
    for part in parts[1:]:
        both = [k for k in part if k in whole]
        scale = next((whole[k] / part[k] for k in both if part[k]), None)
        if not scale or any(whole[k] != scale * part[k] for k in both):
            return None
        whole |= {k: scale * v for k, v in part.items()}
    return whole


def reader(dim: int, units: Sequence[Unit], weights: ReadWeights) -> Neuron:
    """The neuron with these weights; those that are wanting are zero."""
    den = lcm(*(v.denominator for v in weights.values()))
    parents: dict[int, int] = {}
    linear = [0] * dim + [int(weights.get(CONSTANT, Fraction(0)) * den)]
    for k, unit in enumerate(units):
        w = int(weights.get(k, Fraction(0)) * den)
        for j, a in unit.row.parents.items():
            parents[j] = parents.get(j, 0) + w * a
        linear = [v + w * u for v, u in zip(linear, unit.row.linear, strict=True)]
    return Neuron.primitive(parents, linear)
