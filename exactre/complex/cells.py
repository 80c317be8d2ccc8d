"""The cells of a network in a domain, and the faces between them, with the neurons that belong to them.

This is the side that knows the network; `boundary` passes on of it what region boundaries show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flint import fmpz, fmpz_mat

from exactre.certify.question import Domain
from exactre.complex.cone import Cone, Key, Vector, check_time, primitive
from exactre.errors import ExactreError, ShapeError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix


@dataclass(frozen=True)
class Cell:
    """A cell of one activation pattern with an interior, closed; `signs` by hidden neuron in network order.

    A sign 0 says that the preactivation is zero on all of the cell. `forms` are the preactivations there,
    each (n + 1) up to a positive factor; `output` is the affine map (m, n + 1), constant last. Exact over Q.
    """

    signs: tuple[int, ...]
    forms: tuple[Vector, ...]
    cone: Cone
    output: Matrix


@dataclass(frozen=True)
class Face:
    """The common face, of dimension n - 1, of cells number `below` and `above`, on which `row` is zero.

    `neurons` are those whose sign differs between the two cells, numbered in network order; `jump` is
    the output's affine map above less that below, (m, n + 1). The row is >= 0 on the cell above.
    """

    below: int
    above: int
    row: Vector
    cone: Cone
    neurons: tuple[int, ...]
    jump: Matrix

    @property
    def bends(self) -> bool:
        """Whether the function bends on the face."""
        return not self.jump.num.is_zero()


def domain_cone(n: int, domain: Domain | None) -> Cone:
    """The domain as a cone; all of R^n for None. Raises ShapeError, ExactreError where it has no interior."""
    cone = Cone.space(n)
    if domain is None:
        return cone
    if domain.input_dim != n:
        raise ShapeError(f"expected a domain with {n} inputs, found {domain.input_dim}")
    for sparse, bound in domain.rows:
        entries = dict(sparse)
        row = Matrix.from_rows([[*(-entries.get(j, 0) for j in range(n)), bound]])
        cone = cone.cut(primitive([int(v) for v in row.num.entries()]))
    if cone.dimension < n:
        raise ExactreError("expected a domain with an interior, found a flat or empty one")
    return cone


def cells(net: Network, domain: Domain | None = None, *, deadline: float | None = None) -> Iterator[Cell]:
    """Every cell of the network with an interior in the domain (None: R^n), each once; exact over Q.

    Raises ShapeError, ExactreError where the domain has no interior, OutOfBudget at the `deadline`
    (`time.time()`): what came before stands.
    """
    n = net.input_dim
    identity = Matrix.from_rows([[int(i == j) for j in range(n + 1)] for i in range(n)])
    none: tuple[int, ...] = ()
    start: tuple[Vector, ...] = ()
    stack = [(domain_cone(n, domain), 0, {INPUT: identity}, none, start)]
    while stack:
        check_time(deadline)
        cone, k, values, signs, forms = stack.pop()
        if k == len(net.nodes):
            yield Cell(signs, forms, cone, values[net.nodes[-1].name])
            continue
        node = net.nodes[k]
        u = preactivation(node, values, n)
        if not node.relu:
            stack.append((cone, k + 1, {**values, node.name: u}, signs, forms))
            continue
        rows = [primitive([int(v) for v in row]) for row in u.num.tolist()]
        for part, own in _parts(cone, rows, deadline):
            check_time(deadline)
            relu = Matrix(_active(u.num, own), u.den)
            stack.append((part, k + 1, {**values, node.name: relu}, (*signs, *own), (*forms, *rows)))


def _parts(
    cone: Cone, rows: Sequence[Vector], deadline: float | None
) -> Iterator[tuple[Cone, tuple[int, ...]]]:
    """The parts into which the rows' hyperplanes cut the cone, each with the rows' signs on it."""
    stack: list[tuple[Cone, tuple[int, ...]]] = [(cone, ())]
    while stack:
        part, signs = stack.pop()
        if len(signs) == len(rows):
            yield part, signs
            continue
        row = rows[len(signs)]
        positive, negative = part.sides(row)
        if positive and negative:
            stack.append((part.cut([-v for v in row], deadline), (*signs, -1)))
            stack.append((part.cut(row, deadline), (*signs, 1)))
        else:
            stack.append((part, (*signs, positive - negative)))


def preactivation(node: Node, values: dict[str, Matrix], n: int) -> Matrix:
    """The node's affine map (width, n + 1) before its ReLU, from those of its sources."""
    flat: list[int | fmpz] = []
    for v in node.bias.num.entries():
        flat += [*[0] * n, v]
    total = Matrix(fmpz_mat(node.width, n + 1, flat), node.bias.den)
    for source, weight in node.inputs:
        total = total + weight @ values[source]
    return total


def _active(rows: fmpz_mat, signs: Sequence[int]) -> fmpz_mat:
    flat: list[int | fmpz] = []
    for row, sign in zip(rows.tolist(), signs, strict=True):
        flat += row if sign > 0 else [0] * len(row)
    return fmpz_mat(rows.nrows(), rows.ncols(), flat)


def faces(found: Sequence[Cell], walls: int) -> list[Face]:
    """The faces between the cells; `walls` is the number of rows that are the domain's, t >= 0 included.

    Two cells with the same output map on both sides of a neuron's boundary still have a face between them.
    """
    open_faces: dict[Key, tuple[int, int, Cone]] = {}
    result = []
    for i, cell in enumerate(found):
        for index, cone in cell.cone.facets():
            if index < walls:
                continue
            other = open_faces.pop(cone.key, None)
            if other is None:
                open_faces[cone.key] = i, index, cone
                continue
            j = other[0]
            neurons = tuple(
                k for k, (s, t) in enumerate(zip(cell.signs, found[j].signs, strict=True)) if s != t
            )
            jump = cell.output + found[j].output.scale(-1)
            result.append(Face(j, i, cell.cone.rows[index], cone, neurons, jump))
    # Invariant: cells are face to face, because a preactivation is affine on a cell and continuous.
    assert not open_faces
    return result


def complete(
    net: Network, domain: Domain | None = None, deadline: float | None = None
) -> tuple[list[Cell], list[Face]]:
    """All cells and all faces between them. Raises as `cells`."""
    found = list(cells(net, domain, deadline=deadline))
    return found, faces(found, len(domain_cone(net.input_dim, domain).rows))


def neuron_names(net: Network) -> Iterable[tuple[str, int]]:
    """(node, index) of every hidden neuron in network order."""
    return [(node.name, j) for node in net.hidden for j in range(node.width)]
