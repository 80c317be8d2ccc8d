"""The sides of a layer from what its readers take beside it, and a neuron of it that is active everywhere.

A layer after a narrower one has dependent forms, and a neuron that is active everywhere bends nothing. But
over both layers a reader y has a row, and with the true signs s of the layer's neurons

    p_y - sum over z of a_yz s_z p_z = c_y w    for every reader y:

coefficients of |u_j| over the layer before, w the row of the neuron that is active everywhere, or zero. A
reader whose boundary keeps to one side of that of z leaves a_yz open; where z is active on that side, a
multiple of its row is missing too. All signs are gone through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from exactre.recover.complete import with_units
from exactre.recover.model import Model, Neuron
from exactre.recover.modular import PRIME, Residues, modular, rank
from exactre.recover.modular import product as modular_product
from exactre.recover.row import Row

_MOST = 10  # neurons whose signs are gone through

Reader = tuple[Row, Mapping[int, int]]
"""A row over two layers, and on which side its boundary is of the neurons whose weights it leaves open."""


def sides_from_readers(
    model: Model, layer: Sequence[int], orientation: Mapping[int, int], readers: Sequence[Reader]
) -> tuple[dict[int, int], Neuron | None] | None:
    """The signs of a layer, and the neuron active everywhere that it lacks, where exactly one choice fits.

    `orientation` has the signs of the layer before. Candidates: the signs are tried modulo the prime. The
    lacking neuron has any bias: what it adds to those that read it stands in their constants.
    """
    below = [j for j, d in enumerate(model.depth) if d == model.depth[layer[0]] - 1]
    if len(layer) > _MOST:
        return None
    # A reader that leaves nothing open comes first: what it takes is w.
    ordered = sorted(readers, key=lambda reader: len(reader[1]))
    own, taken = (
        [[row.parents.get(j, 0) for j in below] for row in rows]
        for rows in ([model.neurons[z] for z in layer], [row for row, _ in ordered])
    )
    weights = [[row.parents.get(z, 0) for z in layer] for row, _ in ordered]
    p, q, a = (np.array([modular(row) for row in table]) for table in (own, taken, weights))
    complete: list[tuple[int, ...]] = []
    lacking: list[tuple[int, ...]] = []
    may_lack = len(ordered) > 1 and not ordered[0][1]
    for signs in product((1, -1), repeat=len(layer)):
        rest = (q - modular_product(a * np.array(signs) % PRIME, p)) % PRIME
        # Multiples of what is active on the only side that a reader has seen are missing.
        missed = [[p[k] for k, z in enumerate(layer) if sides.get(z) == signs[k]] for _, sides in ordered]
        if all(map(_is_spanned, rest, missed)):
            complete.append(signs)
        elif may_lack and all(
            _is_spanned(row, [rest[0], *rows]) for row, rows in zip(rest, missed, strict=True)
        ):
            lacking.append(signs)
    if len(complete) == 1:
        return dict(zip(layer, complete[0], strict=True)), None
    if complete or len(lacking) != 1:
        return None
    [signs] = lacking
    row = [
        v - sum(b * s * w[k] for b, s, w in zip(weights[0], signs, own, strict=True))
        for k, v in enumerate(taken[0])
    ]
    if min(row) < 0 < max(row):
        return None
    sizes = {j: abs(v) for j, v in zip(below, row, strict=True)}
    neuron = with_units(model, Neuron({}, (*[0] * model.dim, 1)), sizes, orientation)
    return dict(zip(layer, signs, strict=True)), neuron


def _is_spanned(row: Residues, others: Sequence[Residues]) -> bool:
    """Whether a row is a combination of others modulo the prime."""
    if not others or not row.any():
        return not row.any()
    return rank(np.stack(others)) == rank(np.stack([*others, row]))
