"""Open weights of the last layer that stand in the outputs' rows as skips (design 4.8).

A neuron that is active but for a corner, where some units are inactive, leaves its weights on these open.
Elsewhere it adds them to the outputs, whose rows over two layers show them as if the outputs read the units
themselves. Put back into the neuron they make the outputs' rows layered, and no other values do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from exactre.recover.model import Model
from exactre.recover.row import Row

_Terms = tuple[dict[int, Fraction], list[Fraction]]  # {neuron: a} on |u|, and an affine part (r + 1,)


def folded_weights(
    model: Model, rows: Sequence[Row], orientation: Mapping[int, int], idle: Mapping[int, Collection[int]]
) -> dict[tuple[int, int], Fraction] | None:
    """{(z, unit of idle[z]): w != 0}: where u_z gains w * relu(+-u_unit) all rows are layered; exact.

    The neurons z are of the last layer. A unit that is open for several is given to the first: as long as the
    others flip only where it is inactive, that is the same function. None where no values make the rows
    layered, or they are layered as they are, which tells nothing.
    """
    reader = {j: z for z in sorted(idle, reverse=True) for j in idle[z]}
    found: dict[tuple[int, int], Fraction] = {}
    for row in rows:
        parents, linear = beside(model, row.parents, row.linear, orientation, max(model.depth))
        for j, z in reader.items():
            extra, gain = parents.pop(j, Fraction(0)), row.parents.get(z, 0)
            share, unit = extra * orientation[j], model.neurons[j]
            for p, a in unit.parents.items() if extra else ():
                parents[p] = parents.get(p, Fraction(0)) - share * a
            linear = [v - share * w for v, w in zip(linear, unit.linear, strict=True)]
            if gain:
                weight = extra * orientation[z] / gain
                if found.setdefault((z, j), weight) != weight:
                    return None
            elif extra:
                return None
        if any(parents.values()) or any(linear[:-1]):
            return None
    return {key: weight for key, weight in found.items() if weight} or None


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
