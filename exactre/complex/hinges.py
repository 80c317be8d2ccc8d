"""`Hinge`: a neuron in the orientation-free form u = sum of a_j |u_j| + l, and the network of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exactre.complex.cone import Vector, dot, primitive
from exactre.linalg import nullspace
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix


@dataclass(frozen=True)
class Hinge:
    """u = sum over `parents` of a |u_j| + linear . (x, 1): coprime integers, as no boundary shows the scale.

    `parents` gives the coefficients a != 0 by the number of an earlier hinge; `linear` is (n + 1).
    """

    parents: Mapping[int, int]
    linear: Vector


def forms(hinges: Sequence[Hinge], point: Vector) -> list[Vector]:
    """The affine form (n + 1) of every hinge near a point (x, t) at which no parent is zero."""
    found: list[Vector] = []
    signs: list[int] = []
    for hinge in hinges:
        form = list(hinge.linear)
        for j, a in hinge.parents.items():
            form = [v + a * signs[j] * w for v, w in zip(form, found[j], strict=True)]
        value = dot(form, point)
        found.append(tuple(form))
        signs.append((value > 0) - (value < 0))
    return found


def fit(
    hinges: Sequence[Hinge], parents: Sequence[int], pieces: Sequence[tuple[Vector, Vector]]
) -> list[list[int]]:
    """A basis of all (a, l) with u = sum of a_j |u_j| + l zero on every piece, as integer vectors.

    A piece is (a point of it, its row). u's form there is a multiple of the row: n equations, linear in (a,
    l). Exact.
    """
    equations = []
    for point, row in pieces:
        near = forms(hinges, point)
        columns = [[v if dot(near[j], point) > 0 else -v for v in near[j]] for j in parents]
        pivot = next(k for k, v in enumerate(row) if v)
        for k in range(len(row)):
            if k != pivot:
                units = [row[pivot] * (i == k) - row[k] * (i == pivot) for i in range(len(row))]
                equations.append([*(row[pivot] * c[k] - row[k] * c[pivot] for c in columns), *units])
    basis = nullspace(Matrix.from_rows(equations)).num_t
    return [[int(v) for v in row] for row in basis.tolist()]


def hinge(parents: Sequence[int], solution: Sequence[int]) -> Hinge:
    """The hinge of a solution of `fit`."""
    whole = primitive(solution)
    a, linear = whole[: len(parents)], whole[len(parents) :]
    return Hinge({j: v for j, v in zip(parents, a, strict=True) if v}, linear)


def generations(hinges: Sequence[Hinge]) -> list[int]:
    """The generation of every hinge, from 0: one more than the latest of its parents."""
    found: list[int] = []
    for h in hinges:
        found.append(1 + max((found[j] for j in h.parents), default=-1))
    return found


def hinge_network(hinges: Sequence[Hinge], n: int) -> Network:
    """The network with the outputs relu(u) of all hinges, in order; exact.

    |u_j| is 2 relu(u_j) - u_j, so that every hinge reads the input and the hinges before it.
    """
    # Row of a hinge: its coefficients on relu(u_0), relu(u_1), ..., then on (x, 1).
    rows: list[list[int]] = []
    for h in hinges:
        row = [*[0] * len(hinges), *h.linear]
        for j, a in h.parents.items():
            row = [v - a * w for v, w in zip(row, rows[j], strict=True)]
            row[j] += 2 * a
        rows.append(row)
    depth, nodes = generations(hinges), []
    earlier: list[tuple[str, list[int]]] = []
    for k in range(max(depth, default=-1) + 1):
        own = [z for z, d in enumerate(depth) if d == k]
        start = len(hinges)
        inputs = [(INPUT, Matrix.from_rows([rows[z][start:-1] for z in own]))]
        inputs += [
            (name, Matrix.from_rows([[rows[z][j] for j in group] for z in own])) for name, group in earlier
        ]
        name = f"layer{k + 1}"
        nodes.append(Node(name, True, tuple(inputs), Matrix.column([rows[z][-1] for z in own])))
        earlier.append((name, own))
    outputs = [
        (name, Matrix.from_rows([[int(z == j) for j in group] for z in range(len(hinges))]))
        for name, group in earlier
    ]
    nodes.append(Node("output", False, tuple(outputs), Matrix.column([0] * len(hinges))))
    return Network(n, nodes)
