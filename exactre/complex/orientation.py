"""`orient`: on which side each hinge is active, as far as a layered network leaves a choice; exact over Q.

In a layered network u_z = sum of a_zj (|u_j| + s_j u_j) + b over the layer before, s_j = +-1
(proofs/recovery/Orientation.v), so the rest of z's hinge, its constant aside, is sum of a_zj s_j u_j:
linear equations in signs that must be +-1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product

from exactre.complex.hinges import Hinge, generations
from exactre.linalg import pivot_columns
from exactre.network import Network, Node
from exactre.rational import Matrix

_MOST_FREE = 12


@dataclass(frozen=True)
class Orientation:
    """`signs` (+-1) by hinge; `choices`, the number of sign vectors that fit, by generation.

    A sign that differs between two choices is 0. `network` is the layered network of one of them, its
    outputs the last hidden layer's ReLUs; None where no signs fit (`choices` 0): then there are skip
    connections, or a weight is not seen. `choices` is None where they are too many to go through.
    """

    signs: tuple[int, ...]
    choices: tuple[int | None, ...]
    network: Network | None


def orient(hinges: Sequence[Hinge], n: int) -> Orientation:
    """All layered orientations of hinges over R^n; exact over Q."""
    depth = generations(hinges)
    layers = [[z for z, d in enumerate(depth) if d == k] for k in range(max(depth) + 1)]
    signs, fixed, choices = [1] * len(hinges), [0] * len(hinges), []
    for layer, later in pairwise(layers):
        fits = _choices(hinges, depth, layer, later, n)
        choices.append(None if fits is None else len(fits))
        if not fits:
            continue
        for position, j in enumerate(layer):
            seen = {fit[position] for fit in fits}
            signs[j] = fits[0][position]
            fixed[j] = signs[j] if len(seen) == 1 else 0
    for j in layers[-1]:
        fixed[j] = 0
    choices.append(2 ** len(layers[-1]))
    network = _layered(hinges, layers, signs) if all(choices) else None
    return Orientation(tuple(fixed), tuple(choices), network)


def _choices(
    hinges: Sequence[Hinge], depth: Sequence[int], layer: Sequence[int], later: Sequence[int], n: int
) -> list[list[int]] | None:
    """All sign vectors of a layer that fit the next one; None where they would be too many to go through."""
    # Columns: the coefficients of a_zj u_j, for all z of the next layer, on the input and on earlier hinges.
    table = []
    for z in later:
        parents = hinges[z].parents
        for i, d in enumerate(depth):
            if d < depth[layer[0]]:
                columns = [parents.get(j, 0) * hinges[j].parents.get(i, 0) for j in layer]
                table.append([*columns, parents.get(i, 0)])
        for k in range(n):
            table.append([*(parents.get(j, 0) * hinges[j].linear[k] for j in layer), hinges[z].linear[k]])
    return sign_choices(table)


def sign_choices(table: Sequence[Sequence[int]]) -> list[list[int]] | None:
    """All s in {+-1}^k with sum of s_j row[j] == row[k] for every row; None where too many would be tried.

    Exact: the free ones of the solutions over Q are gone through.
    """
    reduced = Matrix.from_rows(table).num.rref()[0]
    pivots, width = pivot_columns(reduced), len(table[0]) - 1
    if width in pivots:
        return []
    if width - len(pivots) > _MOST_FREE:
        return None
    rows = [[int(v) for v in row] for row in reduced.tolist()[: len(pivots)]]
    return list(_solutions(rows, pivots, width))


def _solutions(rows: Sequence[Sequence[int]], pivots: Sequence[int], width: int) -> Iterator[list[int]]:
    free = [j for j in range(width) if j not in pivots]
    for values in product((1, -1), repeat=len(free)):
        signs = dict(zip(free, values, strict=True))
        for row, pivot in zip(rows, pivots, strict=True):
            rest = row[width] - sum(row[j] * s for j, s in zip(free, values, strict=True))
            if abs(rest) != abs(row[pivot]):
                break
            signs[pivot] = rest // row[pivot]
        else:
            yield [signs[j] for j in range(width)]


def _layered(hinges: Sequence[Hinge], layers: Sequence[Sequence[int]], signs: Sequence[int]) -> Network:
    """Neuron z of row s_z u_z, where |u_j| + s_j u_j = 2 relu(s_j u_j)."""
    first = [[signs[z] * v for v in hinges[z].linear] for z in layers[0]]
    built = [(Matrix.from_rows([row[:-1] for row in first]), Matrix.column([row[-1] for row in first]))]
    for layer, later in pairwise(layers):
        weights, biases = [], []
        for z in later:
            parents = hinges[z].parents
            weights.append([2 * signs[z] * parents.get(j, 0) for j in layer])
            shift = sum(parents.get(j, 0) * signs[j] * hinges[j].linear[-1] for j in layer)
            biases.append(Fraction(signs[z] * (hinges[z].linear[-1] - shift)))
        built.append((Matrix.from_rows(weights), Matrix.column(biases)))
    *before, last = Network.layered(built).nodes
    return Network(
        len(hinges[0].linear) - 1, [*before, Node(f"layer{len(built)}", True, last.inputs, last.bias)]
    )
