"""Open weights of the last layer that stand in the outputs' rows as skips (design 4.8).

A neuron that is active but for a corner, where some units are inactive, leaves its weights on these open.
Elsewhere it adds them to the outputs, whose rows over two layers show them as if the outputs read the units
themselves. Put back into the neuron they make the outputs' rows layered, and no other values do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from exactre.recover.model import Model
from exactre.recover.row import Row

_Terms = tuple[dict[int, Fraction], list[Fraction]]  # {neuron: a} on |u|, and an affine part (r + 1,)


def folded_weights(
    model: Model, rows: Sequence[Row], orientation: Mapping[int, int], z: int, idle: Sequence[int]
) -> dict[int, Fraction] | None:
    """{unit of `idle`: w != 0}, with which u_z gains w * relu(+-u_unit) and every row is layered; exact.

    None where no values do that, or the rows are layered as they are, which tells nothing.
    """
    found: dict[int, Fraction] = {}
    for row in rows:
        gain = row.parents.get(z, 0)
        parents, linear = beside(model, row.parents, row.linear, orientation, model.depth[z])
        extras = {j: parents.pop(j) for j in idle if parents.get(j)}
        for j, extra in extras.items():
            share, unit = extra * orientation[j], model.neurons[j]
            for p, a in unit.parents.items():
                parents[p] = parents.get(p, Fraction(0)) - share * a
            linear = [v - share * w for v, w in zip(linear, unit.linear, strict=True)]
        if any(parents.values()) or any(linear[:-1]) or (extras and not gain):
            return None
        weights = {j: extra * orientation[z] / gain for j, extra in extras.items()}
        if gain and found not in ({}, weights):
            return None
        found = weights or found
    return found or None


def beside(
    model: Model,
    parents: Mapping[int, int],
    linear: Sequence[int],
    orientation: Mapping[int, int],
    depth: int,
) -> _Terms:
    """What a row over |u| reads beside the ReLUs of one oriented depth; a constant where it is layered."""
    rest = {j: Fraction(a) for j, a in parents.items() if model.depth[j] != depth}
    affine = [Fraction(v) for v in linear]
    for z, a in parents.items():
        if model.depth[z] == depth:
            gain, neuron = a * orientation[z], model.neurons[z]
            for j, b in neuron.parents.items():
                rest[j] = rest.get(j, Fraction(0)) - gain * b
            affine = [v - gain * w for v, w in zip(affine, neuron.linear, strict=True)]
    return rest, affine


def is_layered(model: Model, z: int, orientation: Mapping[int, int]) -> bool:
    """Whether neuron z reads the ReLUs of the depth before alone; exact."""
    neuron = model.neurons[z]
    rest, affine = beside(model, neuron.parents, neuron.linear, orientation, model.depth[z] - 1)
    return not any(rest.values()) and not any(affine[:-1])
