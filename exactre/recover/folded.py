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

_Terms = tuple[dict[int, int], list[int]]  # {neuron: a} on |u|, and an affine part (r + 1,)


def folded_weights(
    model: Model,
    rows: Sequence[Row],
    orientation: Mapping[int, int],
    idle: Mapping[int, Collection[int]],
    *,
    shared: bool = False,
) -> dict[tuple[int, int], Fraction] | None:
    """{(z, unit of idle[z]): w != 0}: where u_z gains w * relu(+-u_unit) all rows are layered; exact.

    The neurons z are of the last layer. A unit that is open for several is told of none, or with `shared`
    given to the first: as long as all flip only where it is inactive, that is the same function. None where
    no values make the rows layered, or they are layered as they are, which tells nothing.
    """
    reader = {j: z for z in sorted(idle, reverse=True) for j in idle[z]}
    if not shared:
        reader = {j: z for j, z in reader.items() if sum(j in units for units in idle.values()) == 1}
    found: dict[tuple[int, int], Fraction] = {}
    for row in rows:
        rest = _beside(model, row.parents, row.linear, orientation, max(model.depth))
        for j, z in reader.items():
            extra, gain = _without_relu(rest, model, orientation, j), row.parents.get(z, 0)
            if gain:
                weight = Fraction(extra * orientation[z], gain)
                if found.setdefault((z, j), weight) != weight:
                    return None
            elif extra:
                return None
        if not _is_constant(rest):
            return None
    return {key: weight for key, weight in found.items() if weight} or None


def _beside(
    model: Model,
    parents: Mapping[int, int],
    linear: Sequence[int],
    orientation: Mapping[int, int],
    depth: int,
) -> _Terms:
    """What a row over |u| reads beside the ReLUs of one oriented depth."""
    rest = dict(parents), list(linear)
    for z in [j for j in parents if model.depth[j] == depth]:
        _without_relu(rest, model, orientation, z)
    return rest


def _without_relu(terms: _Terms, model: Model, orientation: Mapping[int, int], z: int) -> int:
    """Take a |u_z| = 2 a relu(s u_z) - a s u_z off terms as a multiple of the ReLU, in place; a."""
    parents, linear = terms
    a, neuron = parents.pop(z, 0), model.neurons[z]
    for j, b in neuron.parents.items():
        parents[j] = parents.get(j, 0) - a * orientation[z] * b
    linear[:] = [v - a * orientation[z] * w for v, w in zip(linear, neuron.linear, strict=True)]
    return a


def _is_constant(terms: _Terms) -> bool:
    return not any(terms[0].values()) and not any(terms[1][:-1])


def is_layered(model: Model, z: int, orientation: Mapping[int, int]) -> bool:
    """Whether neuron z reads the ReLUs of the depth before alone; exact."""
    neuron = model.neurons[z]
    return _is_constant(_beside(model, neuron.parents, neuron.linear, orientation, model.depth[z] - 1))
