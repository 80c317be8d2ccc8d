"""What a layer lacks, from what its readers take beside it.

A neuron that hardly ever flips is missed by lines, and where it is active each reader y of its layer takes a
multiple of it beside the layer's known neurons z. Coefficients of |u_j| over the layer before are then

    q_y = sum over z of a_yz s_z p_z + sum over the lacking neurons m of v_ym w_m

with the signs s and independent rows p_z. Modulo the span of the p_z only the last sum is left, and tells how
to combine readers so that it cancels. What remains of these has unique coefficients on the p_z: the signs, of
which all have to be +-1, and with them the span of the w_m.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from exactre.linalg import nullspace, pivot_columns, rank, solve
from exactre.rational import Matrix
from exactre.recover.complete import with_units
from exactre.recover.model import Model, Neuron
from exactre.recover.readers import Reader

_MOST = 4  # choices of multiples that are gone through


def lacking(
    model: Model, layer: Sequence[int], orientation: Mapping[int, int], readers: Sequence[Reader]
) -> list[Neuron]:
    """Neurons, without constants, whose rows span those that a layer lacks, exact; none where that is untold.

    `orientation` has the signs of the layer before. A reader that keeps to one side of a neuron takes an
    unknown multiple of its row. It takes more readers than there are lacking neurons. Where a sign is untold
    there are neurons for both.
    """
    below = [j for j, d in enumerate(model.depth) if d == model.depth[layer[0]] - 1]
    ordered = sorted(readers, key=lambda reader: len(reader[1]))
    own = Matrix.from_rows([[model.neurons[z].parents.get(j, 0) for j in below] for z in layer])
    taken = Matrix.from_rows([[row.parents.get(j, 0) for j in below] for row, _ in ordered])
    if rank(own) < len(layer) or len(layer) == len(below):
        return []
    beside = taken @ nullspace(own)
    bases = np.array(pivot_columns(beside.num_t.rref()[0]), dtype=np.int64)
    others = np.setdiff1d(np.arange(len(ordered)), bases)
    if not len(bases) or not len(others):
        return []
    shares = solve(beside.select(bases).transpose(), beside.select(others).transpose())
    assert shares is not None  # the bases span all rows
    rest = taken.select(others) + (shares.transpose() @ taken.select(bases)).scale(-1)
    parts = solve(own.transpose(), rest.transpose())
    assert parts is not None  # what is left lies in the span of the layer's rows
    choices = []
    for k, z in enumerate(layer):
        weights = [None if z in sides else row.parents.get(z, 0) for row, sides in ordered]
        of_bases, of_others = ([weights[y] for y in some] for some in (bases, others))
        choices.append(_multiples(of_bases, of_others, shares, parts.select(np.array([k]))))
    if prod(map(len, choices)) > _MOST:
        return []
    nothing, found = Neuron({}, (0,) * (model.dim + 1)), []
    for multiples in product(*choices):
        left = taken.select(bases) + (Matrix.from_rows(multiples).transpose() @ own).scale(-1)
        rows = [dict(zip(below, row, strict=True)) for row in left.rows()]
        found += [with_units(model, nothing, row, orientation) for row in rows]
    return found


def _multiples(
    of_bases: Sequence[int | None], of_others: Sequence[int | None], shares: Matrix, part: Matrix
) -> list[list[Fraction]]:
    """By what the bases may take one neuron's row: with the sign that is told, with both, or with none.

    Its weights in both are None where open; `part` (1, others) is what is left of the others on its row.
    """
    unknown = [b for b, weight in enumerate(of_bases) if weight is None]
    table, right = [], []
    for i, weight in enumerate(of_others):
        if weight is not None:
            taken = sum((shares[b, i] * (w or 0) for b, w in enumerate(of_bases)), Fraction(0))
            table.append([weight - taken, *(-shares[b, i] for b in unknown)])
            right.append(part[0, i])
    system = Matrix.from_rows(table, 1 + len(unknown))
    if rank(system) == 1 + len(unknown):
        found = solve(system, Matrix.column(right))
        values = [] if found is None or abs(found[0, 0]) != 1 else [[row[0] for row in found.rows()]]
    else:
        values = [] if unknown else [[Fraction(sign)] for sign in (1, -1)]
    told = [(sign, iter(rest)) for sign, *rest in values]
    return [[next(rest) if w is None else sign * w for w in of_bases] for sign, rest in told]
