"""Two hypothesised neurons that are one: parts of a boundary that do not meet are found apart.

If z and y are one neuron, a row fits both at the scale of their output weights: equations that are exact on
every edge, with more of them than the boundaries alone give. Weights that no edge shows are taken as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm

from exactre.complex.cone import Vector
from exactre.linalg import solve
from exactre.rational import Matrix
from exactre.recover.bends import Edge
from exactre.recover.model import Model, Neuron, Signs
from exactre.recover.row import Row

_TRIES = 8

Place = tuple[Signs, list[int]]
"""Where only one neuron is zero: the signs of all, and its form (r + 1,)."""


def mergers(model: Model, rows: Sequence[Row], edges: Sequence[Edge]) -> Iterator[list[Neuron]]:
    """The model's neurons with two in one row, for every two of one depth that nothing but outputs reads."""
    read = {j for neuron in model.neurons for j in neuron.parents}
    last = [z for z in range(len(model)) if z not in read and model.depth[z]]
    places: dict[int, list[Place]] = {z: [] for z in last}
    for edge in edges:
        found = alone(model, edge)
        if found is not None and found[0] in places:
            places[found[0]].append((found[1], model.forms(found[1])[found[0]]))
    for z, y in combinations(last, 2):
        ratio = _ratio(rows, z, y)
        if ratio is None or model.depth[z] != model.depth[y]:
            continue
        for sign in (1, -1):
            merged = _row(model, z, [(1, p) for p in places[z]] + [(sign * ratio, p) for p in places[y]])
            if merged is not None:
                kept = [k for k in range(len(model) + 1) if k not in (z, y)]
                yield arranged([*model.neurons, merged], kept)


def arranged(neurons: Sequence[Neuron], order: Sequence[int]) -> list[Neuron]:
    """Some of the neurons in another order, parents first; the others are read by none of them."""
    place = {k: new for new, k in enumerate(order)}
    return [Neuron({place[j]: a for j, a in neurons[k].parents.items()}, neurons[k].linear) for k in order]


def alone(model: Model, edge: Edge) -> tuple[int, Signs] | None:
    """The only neuron that is zero at some point inside an edge, and the signs of all there."""
    for k in range(1, _TRIES):
        weighted = [tuple(k**m * v for v in vector) for m, vector in enumerate(edge.generators)]
        point: Vector = tuple(sum(column) for column in zip(*weighted, strict=True))
        signs = tuple((row[0] > 0) - (row[0] < 0) for row in model.values([point]))
        if signs.count(0) == 1:
            return signs.index(0), signs
    return None


def _ratio(rows: Sequence[Row], z: int, y: int) -> Fraction | None:
    """The factor of y's output weights to z's, if there is one."""
    pairs = [(row.parents.get(z, 0), row.parents.get(y, 0)) for row in rows]
    first = next(((a, b) for a, b in pairs if a and b), None)
    if first is None or any(a * first[1] != b * first[0] for a, b in pairs):
        return None
    return Fraction(first[1], first[0])


def _row(model: Model, z: int, places: Sequence[tuple[Fraction | int, Place]]) -> Neuron | None:
    """The row that has these factors times these forms, over the neurons before z's depth; None if none."""
    units = [j for j in range(len(model)) if model.depth[j] < model.depth[z]]
    table, right = [], []
    for factor, (signs, form) in places:
        forms = model.forms(signs)
        for c, value in enumerate(form):
            # The affine part first: a unit that keeps its side gives nothing new, and gets no weight.
            affine = [int(c == k) for k in range(len(form))]
            table.append([*affine, *(signs[j] * forms[j][c] for j in units)])
            right.append(factor * value)
    found = solve(Matrix.from_rows(table), Matrix.column(right)) if table else None
    if found is None:
        return None
    values = [found[k, 0] for k in range(found.shape[0])]
    den = lcm(*(v.denominator for v in values))
    whole = [int(v * den) for v in values]
    width = model.dim + 1
    return Neuron.primitive(dict(zip(units, whole[width:], strict=True)), whole[:width])
