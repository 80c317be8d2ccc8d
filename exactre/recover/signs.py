"""Which side of each neuron is active: linear equations in signs that are exactly +-1.

In a layered network u_z = sum_j a_zj (|u_j| + s_j u_j) + c over the neurons j of one layer, so the rest of
z's row is the combination sum_j a_zj s_j row_j (design 4.4). The equations are linear in the signs; where
they leave several rational solutions, lattice reduction finds the one in +-1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import fmpz_mat

from exactre.complex.orientation import sign_choices
from exactre.recover.model import Model
from exactre.recover.modular import PRIME, combination

_MOST_UNKNOWNS = 96
_MOST_TRIED = 12
_TRIES = 64


def solve_signs(
    model: Model,
    layer: Sequence[int],
    rows: Sequence[tuple[Mapping[int, int], Sequence[int]]],
    known: Mapping[int, int],
) -> dict[int, int] | None:
    """{neuron: +-1} for the layer, or None: no +-1 solution, or none found.

    `rows` are (parents, linear) over the layer and shallower neurons, whose own layered form is wanted.
    A system without a +-1 solution proves that the layer is incomplete or that there are skips.
    """
    depth = model.depth
    top = depth[layer[0]]
    unknown = [j for j in layer if j not in known]
    columns: list[list[int]] = [[] for _ in unknown]
    target: list[int] = []
    lower = [i for i, d in enumerate(depth) if d < top]
    for parents, linear in rows:
        if max((depth[j] for j in parents), default=-1) != top:
            continue
        rest = [*linear[:-1], *(parents.get(i, 0) for i in lower)]
        for j in layer:
            a = parents.get(j, 0)
            neuron = model.neurons[j]
            term = [a * v for v in (*neuron.linear[:-1], *(neuron.parents.get(i, 0) for i in lower))]
            if j in known:
                rest = [v - known[j] * w for v, w in zip(rest, term, strict=True)]
            else:
                columns[unknown.index(j)] += term
        target += rest
    # Neurons that no row reads say nothing.
    read = [k for k, column in enumerate(columns) if any(column)]
    if not read:
        return None if any(target) else dict(known)
    signs = _signs([columns[k] for k in read], target)
    if signs is None:
        return None
    return {**known, **{unknown[k]: s for k, s in zip(read, signs, strict=True)}}


def sparsest_signs(
    model: Model, layer: Sequence[int], rows: Sequence[tuple[Mapping[int, int], Sequence[int]]]
) -> dict[int, int]:
    """Signs {neuron: +-1} of a layer under which what its readers take from before it has most zeros.

    For networks with skips, where no signs leave nothing. One entry that is zero tells the signs of the
    neurons that bear on it; empty where they leave no two zeros.
    """
    top, signs, most = model.depth[layer[0]], {}, 1
    lower = [i for i, d in enumerate(model.depth) if d < top]
    forms = {
        j: [*model.neurons[j].linear[:-1], *(model.neurons[j].parents.get(i, 0) for i in lower)]
        for j in layer
    }
    readers = [
        ({j: parents[j] for j in layer if j in parents}, [*linear[:-1], *(parents.get(i, 0) for i in lower)])
        for parents, linear in rows
        if any(j in parents for j in layer)
    ]
    tries = 0
    for weights, rest in readers:
        for c, target in enumerate(rest):
            bearing = [j for j in weights if forms[j][c]]
            if not target or not 0 < len(bearing) <= _MOST_UNKNOWNS or tries >= _TRIES:
                continue
            tries += 1
            found = _signs([[weights[j] * forms[j][c]] for j in bearing], [target])
            if found is None:
                continue
            chosen = dict(zip(bearing, found, strict=True))
            zeros = sum(
                value == sum(a * chosen.get(j, 1) * forms[j][k] for j, a in taken.items())
                for taken, values in readers
                for k, value in enumerate(values)
            )
            if zeros > most:
                signs, most = chosen, zeros
    return signs


def _signs(columns: list[list[int]], target: list[int]) -> list[int] | None:
    """s in {+-1}^k with sum of s_j columns[j] == target, checked exactly."""
    table = np.array([[v % PRIME for v in column] for column in columns], dtype=np.int64).T
    found = combination(table, np.array([v % PRIME for v in target], dtype=np.int64))
    if found is not None:
        candidates = [[1 if v == 1 else -1 for v in found.tolist()]]
    elif len(columns) <= _MOST_TRIED:
        # A short vector of the lattice may have zeros where several choices of signs fit.
        candidates = (
            sign_choices([[*row, t] for row, t in zip(zip(*columns, strict=True), target, strict=True)]) or []
        )
    elif len(columns) <= _MOST_UNKNOWNS:
        candidates = _short(columns, target)
    else:
        return None
    for signs in candidates:
        sums = (
            sum(s * c for s, c in zip(signs, entries, strict=True)) for entries in zip(*columns, strict=True)
        )
        if all(total == t for total, t in zip(sums, target, strict=True)):
            return signs
    return None


def _short(columns: list[list[int]], target: list[int]) -> list[list[int]]:
    """Rows of the reduced lattice of (s, 1, C (sum s_j columns[j] - target)) that look like a solution."""
    k = len(columns)
    weight = 1 << (k + 8)
    basis = [
        [*(int(i == j) for i in range(k + 1)), *(weight * v for v in column)]
        for j, column in enumerate([*columns, [-t for t in target]])
    ]
    reduced = fmpz_mat(basis).lll().tolist()
    rows = [[int(v) * int(row[k]) for v in row[:k]] for row in reduced if abs(row[k]) == 1]
    return [row for row in rows if all(abs(v) == 1 for v in row)]
