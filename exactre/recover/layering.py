"""Weights between boundaries that never meet, chosen so that the network is layered (design 4.8).

Where the boundary of z keeps to one side s of that of j, a (|u_j| - s u_j) can be added to u_z without moving
it, and what that adds beyond j, where z has one sign, can be taken off the outputs: a family of
networks with one function. In a layered network of two hidden layers every linear part is the signed sum of
the layer before. For given active sides that is a linear system in the a, over all neurons and outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm

from exactre.linalg import solve
from exactre.rational import Matrix
from exactre.recover.bends import Edge
from exactre.recover.merging import alone, arranged
from exactre.recover.model import Model, Neuron
from exactre.recover.row import Row

_MOST = 10  # neurons whose active sides are gone through


@dataclass(frozen=True)
class _Pair:
    """z's boundary keeps to the side `near` of j's, beyond which z has the sign `beyond`."""

    z: int
    j: int
    near: int
    beyond: int


def layered(model: Model, rows: Sequence[Row], edges: Sequence[Edge]) -> Iterator[list[Neuron]]:
    """The neurons of two hidden layers with rows that some choice of active sides makes layered.

    Candidates: that z has one sign beyond j is seen at the edges, not proved. Networks of more than `_MOST`
    neurons are not looked at.
    """
    if not model.depth or max(model.depth) != 1 or len(model) > _MOST:
        return
    first, second = ([z for z, d in enumerate(model.depth) if d == k] for k in (0, 1))
    pairs = list(_pairs(model, first, second, edges))
    for sides in product((1, -1), repeat=len(first)):
        s = dict(zip(first, sides, strict=True))
        own = [_neuron_equations(model, z, s, pairs) for z in second]
        if any(_solution(equations) is None for equations in own):
            continue
        for later in product((1, -1), repeat=len(second)):
            sigma = dict(zip(second, later, strict=True))
            equations = [e for part in own for e in part]
            equations += [e for row in rows for e in _output_equations(model, row, sigma, s, pairs)]
            found = _solution(equations)
            if found is not None:
                changed = [_changed(model, z, pairs, found) for z in range(len(model))]
                yield arranged(changed, model.by_depth())


_Equation = tuple[list[Fraction], Fraction]
"""Coefficients of the pairs' a, and the right side."""


def _pairs(
    model: Model, first: Sequence[int], second: Sequence[int], edges: Sequence[Edge]
) -> Iterator[_Pair]:
    places = [found for found in (alone(model, edge) for edge in edges) if found is not None]
    for z in second:
        for j in first:
            near = {signs[j] for owner, signs in places if owner == z}
            if len(near) != 1:
                continue
            [side] = near
            beyond = {signs[z] for _, signs in places if signs[j] == -side}
            if len(beyond) == 1:
                yield _Pair(z, j, side, beyond.pop())


def _neuron_equations(model: Model, z: int, s: dict[int, int], pairs: Sequence[_Pair]) -> list[_Equation]:
    """z's linear part is the sum of a_zj s_j u_j, but for its constant."""
    neuron = model.neurons[z]
    return [
        (
            [Fraction((s[p.j] + p.near) * model.neurons[p.j].linear[c] if p.z == z else 0) for p in pairs],
            Fraction(
                neuron.linear[c]
                - sum(a * s[j] * model.neurons[j].linear[c] for j, a in neuron.parents.items())
            ),
        )
        for c in range(model.dim)
    ]


def _output_equations(
    model: Model, row: Row, sigma: dict[int, int], s: dict[int, int], pairs: Sequence[_Pair]
) -> Iterator[_Equation]:
    """An output's weights on |u_j|, and its linear part, are the sums of what A_z sigma_z u_z brings."""
    gain = {z: Fraction(row.parents.get(z, 0)) for z in sigma}
    for j in s:
        yield (
            [gain[p.z] * (sigma[p.z] + p.beyond) if p.j == j else Fraction(0) for p in pairs],
            row.parents.get(j, 0)
            - sum((sigma[z] * gain[z] * model.neurons[z].parents.get(j, 0) for z in sigma), Fraction(0)),
        )
    for c in range(model.dim):
        yield (
            [gain[p.z] * (sigma[p.z] + p.beyond) * p.near * model.neurons[p.j].linear[c] for p in pairs],
            sum((sigma[z] * gain[z] * model.neurons[z].linear[c] for z in sigma), Fraction(0))
            - row.linear[c],
        )


def _solution(equations: Sequence[_Equation]) -> list[Fraction] | None:
    if not equations[0][0]:
        return None if any(right for _, right in equations) else []
    found = solve(
        Matrix.from_rows([left for left, _ in equations]), Matrix.column([right for _, right in equations])
    )
    return None if found is None else [found[k, 0] for k in range(found.shape[0])]


def _changed(model: Model, z: int, pairs: Sequence[_Pair], values: Sequence[Fraction]) -> Neuron:
    """The neuron with a (|u_j| - near u_j) added for its pairs."""
    own = [(p, a) for p, a in zip(pairs, values, strict=True) if p.z == z and a]
    over = lcm(*(a.denominator for _, a in own))
    parents = {j: over * a for j, a in model.neurons[z].parents.items()}
    linear = [over * v for v in model.neurons[z].linear]
    for p, a in own:
        whole = int(a * over)
        parents[p.j] = parents.get(p.j, 0) + whole
        linear = [v - whole * p.near * w for v, w in zip(linear, model.neurons[p.j].linear, strict=True)]
    return Neuron.primitive(parents, linear)
