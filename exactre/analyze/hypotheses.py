"""`broken_hypotheses`: which hypotheses of proofs/DEEP.md a network breaks, decided on its whole complex."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from networkx.utils import UnionFind

from exactre.complex.cells import Cell, Face, preactivation
from exactre.complex.cone import Cone, Key, Vector, dot
from exactre.network import INPUT, Network
from exactre.rational import Matrix

Crossing = tuple[int, int, list[int], list[int]]
"""(j, z, faces of j, faces of z) at one ridge, j < z."""


@dataclass(frozen=True)
class Broken:
    """One hypothesis, "H1" to "H4", that fails, the neurons (in network order) that it fails for, and how."""

    hypothesis: str
    neurons: tuple[int, ...]
    reason: str


def canonical_rows(net: Network) -> list[tuple[dict[int, Fraction], tuple[Fraction, ...]]]:
    """(a, l) of every hidden neuron, u = sum of a_j |u_j| + l . (x, 1), from relu(u) = (|u| + u) / 2; exact.

    `a` has no zeros; neurons are numbered in network order, l is (n + 1).
    """
    n, total = net.input_dim, net.neurons
    # Coefficients on |u_0|, |u_1|, ..., then on (x, 1).
    units = Matrix.from_rows([[int(k == total + i) for k in range(total + n + 1)] for i in range(n)])
    values = {INPUT: units}
    rows: list[list[Fraction]] = []
    for node in net.nodes:
        u = preactivation(node, values, total + n)
        values[node.name] = u
        if node.relu:
            start = len(rows)
            rows += u.rows()
            kinks = [[int(k == start + i) for k in range(total + n + 1)] for i in range(node.width)]
            values[node.name] = (u + Matrix.from_rows(kinks)).scale(Fraction(1, 2))
    return [({j: v for j, v in enumerate(row[:total]) if v}, tuple(row[total:])) for row in rows]


def broken_hypotheses(net: Network, cells: Sequence[Cell], faces: Sequence[Face]) -> list[Broken]:
    """Every hypothesis that fails, from all cells and faces of the network on R^n; exact over Q."""
    own: list[list[int]] = [[] for _ in range(net.neurons)]
    for i, face in enumerate(faces):
        for z in face.neurons:
            own[z].append(i)
    crossings = list(crossings_of(faces))
    found = [
        ("H1", "hidden in places", [z for face in faces if not face.bends for z in face.neurons]),
        ("H2", "boundary empty", [z for z in range(net.neurons) if not own[z]]),
        ("H2", "boundary shared", [z for face in faces if len(face.neurons) > 1 for z in face.neurons]),
        ("H2", "zero beside its boundary", list(_zero_elsewhere(cells, faces, own))),
        ("H3", "boundary in parts that meet at no ridge", list(_apart(own, crossings))),
        ("H4", "a weight without a ridge", list(_uncrossed(net, crossings))),
    ]
    return [Broken(name, tuple(sorted(set(zs))), reason) for name, reason, zs in found if zs]


def _zero_elsewhere(
    cells: Sequence[Cell], faces: Sequence[Face], own: Sequence[Sequence[int]]
) -> Iterator[int]:
    """The neurons that are zero at some point that is on none of their faces."""
    for cell in cells:
        for z, form in enumerate(cell.forms):
            zeros = [ray for ray in cell.cone.rays if dot(form, ray) == 0]
            if any(ray[-1] for ray in zeros) and not any(dot(form, line) for line in cell.cone.lines):
                # The zeros are a face of the cell. Cells are face to face, so it lies in one face of z,
                # or in none.
                generators = [*zeros, *cell.cone.lines]
                if not any(_inside(generators, faces[i].cone) for i in own[z]):
                    yield z


def _inside(generators: Sequence[Vector], cone: Cone) -> bool:
    flat = [row for row in cone.rows if not any(dot(row, ray) for ray in cone.rays)]
    return all(dot(row, v) >= 0 for row in cone.rows for v in generators) and not any(
        dot(row, v) for row in flat for v in generators
    )


def ridges_of(faces: Sequence[Face]) -> Iterable[list[int]]:
    """The faces (by number) that meet at each ridge."""
    meeting: dict[Key, list[int]] = defaultdict(list)
    for i, face in enumerate(faces):
        for _, ridge in face.cone.facets():
            meeting[ridge.key].append(i)
    return meeting.values()


def crossings_of(faces: Sequence[Face]) -> Iterator[Crossing]:
    """Every ridge at which two boundaries and no others meet."""
    for members in ridges_of(faces):
        neurons = sorted({z for i in members for z in faces[i].neurons})
        sides = [[i for i in members if faces[i].neurons == (z,)] for z in neurons]
        if len(neurons) == 2 and len(members) == 4 and len(sides[0]) == len(sides[1]) == 2:
            yield neurons[0], neurons[1], sides[0], sides[1]


def _apart(own: Sequence[Sequence[int]], crossings: Sequence[Crossing]) -> Iterator[int]:
    joined = UnionFind(i for pieces in own for i in pieces)
    for _, _, *sides in crossings:
        for side in sides:
            joined.union(*side)
    for z, pieces in enumerate(own):
        if len({joined[i] for i in pieces}) > 1:
            yield z


def _uncrossed(net: Network, crossings: Sequence[Crossing]) -> Iterator[int]:
    crossed = {(j, z) for j, z, _, _ in crossings}
    for z, (a, _) in enumerate(canonical_rows(net)):
        for j in a:
            if (j, z) not in crossed:
                yield from (j, z)
