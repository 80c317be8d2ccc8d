"""Cells and faces are those that linear programs over all activation patterns find."""

from fractions import Fraction
from itertools import product

import pytest
from complexes import random_network
from hypothesis import given
from hypothesis import strategies as st

from exactre import Network, boundary_complex, lp
from exactre.certify.question import Domain
from exactre.complex.cells import cells, complete, domain_cone
from exactre.complex.pieces import Piece
from exactre.errors import ExactreError, OutOfBudget, ShapeError
from exactre.region import region
from exactre.testing import networks
from exactre.testing.pairs import isomorphic_pairs

BOX = Fraction(7, 2)
SMALL = networks(inputs=(1, 3), depth=(1, 2), width=(1, 3))
SKIPPING = networks(inputs=(1, 2), depth=(1, 2), width=(1, 2), features=["skip", "zero-biases", "duplicate"])


def box(n):
    return Domain.box([-BOX] * n, [BOX] * n)


def systems(net, domain):
    """{signs: rows (a, b), a . x <= b} of every pattern in which a linear program finds an interior point."""
    n, found = net.input_dim, {}
    walls = [] if domain is None else [([dict(r).get(j, 0) for j in range(n)], b) for r, b in domain.rows]
    for signs in product((1, -1), repeat=net.neurons):
        state, pattern = iter(signs), {}
        for node in net.hidden:
            pattern[node.name] = tuple(next(state) for _ in range(node.width))
        cell = region(net, pattern)
        rows = list(zip(cell.A.rows(), [b for (b,) in cell.b.rows()], strict=True))
        # A preactivation that is zero on the cell has no side: it is on both.
        zero = tuple(not any(a) and b == 0 for a, b in rows)
        rows = [row for row, flat in zip(rows, zero, strict=True) if not flat] + walls
        A, b = [a for a, _ in rows], [b for _, b in rows]
        if not A or isinstance(lp.feasible(A, b, strict=range(len(A))), lp.Point):
            found[tuple(0 if flat else s for s, flat in zip(signs, zero, strict=True))] = rows
    return found


@pytest.mark.parametrize("bounded", [True, False])
@given(net=SMALL | SKIPPING)
def test_cells_are_the_patterns_with_an_interior(bounded, net):
    domain = box(net.input_dim) if bounded else None
    found = [cell.signs for cell in cells(net, domain)]
    assert sorted(found) == sorted(systems(net, domain))


@given(SMALL | SKIPPING)
def test_faces_are_the_pairs_of_cells_with_a_common_facet(net):
    domain = box(net.input_dim)
    patterns = systems(net, domain)
    expected = set()
    for p, q in product(patterns, repeat=2):
        if p < q and touch(patterns[p], patterns[q], net.input_dim):
            expected.add((p, q))
    found, faces = complete(net, domain)
    pairs = [tuple(sorted((found[f.below].signs, found[f.above].signs))) for f in faces]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == expected


def touch(p, q, n):
    """Whether closed cells have a common face of dimension n - 1: one row is tight, all others are slack."""
    for a, b in p:
        rest = [(c, d) for c, d in [*p, *q] if not parallel((a, b), (c, d))]
        flipped = any(opposite((a, b), row) for row in q)
        A, bounds = [a, *(c for c, _ in rest)], [b, *(d for _, d in rest)]
        if flipped and isinstance(lp.feasible(A, bounds, equal=[0], strict=range(1, len(A))), lp.Point):
            return True
    return False


def parallel(u, v):
    (a, b), (c, d) = u, v
    left, right = [*a, b], [*c, d]
    return all(left[i] * right[k] == left[k] * right[i] for i in range(len(left)) for k in range(i))


def opposite(u, v):
    return parallel(u, v) and sum(x * y for x, y in zip(u[0], v[0], strict=True)) < 0


@given(networks(inputs=2, depth=(1, 3), width=(1, 5)))
def test_in_the_plane_vertices_less_edges_plus_regions_is_one(net):
    found, faces = complete(net, box(2))
    vertices = {ray for cell in found for ray in cell.cone.rays}
    edges = {face.key for cell in found for _, face in cell.cone.facets()}
    assert len(vertices) - len(edges) + len(found) == 1
    inner = {face.cone.key for face in faces}
    assert inner <= edges


@given(networks(inputs=(2, 3), depth=(1, 2), width=(1, 4)))
def test_the_function_bends_on_its_pieces_and_nowhere_else(net):
    found, faces = complete(net, box(net.input_dim))
    for face in faces:
        # A point inside either cell: both affine maps are compared there, and one with the network itself.
        for own, other in ((face.below, face.above), (face.above, face.below)):
            *x, t = found[own].cone.centre
            p = [Fraction(v, t) for v in x]
            value = evaluate(found[own].output, p)
            assert value == list(net(p))
            assert (value != evaluate(found[other].output, p)) == face.bends
    shown = [Piece.of_face(face.cone, face.row) for face in faces if face.bends]
    assert boundary_complex(net, box(net.input_dim)).pieces == tuple(sorted(shown))


def evaluate(affine, point):
    return [sum(a * v for a, v in zip(row, [*point, 1], strict=True)) for row in affine.rows()]


@given(isomorphic_pairs(of=networks(inputs=(1, 3), depth=(1, 2), width=(1, 4))))
def test_a_complex_tells_nothing_of_order_and_scale(pair):
    a, b = pair
    assert boundary_complex(a, box(a.input_dim)) == boundary_complex(b, box(b.input_dim))
    assert boundary_complex(a) == boundary_complex(b)


@given(networks(inputs=(2, 3), depth=(1, 2), width=(1, 3)), st.sampled_from(["function", "preactivations"]))
def test_pieces_are_written_in_one_way_and_have_their_dimension(net, where):
    found = boundary_complex(net, where=where)
    for piece in found.pieces:
        assert type(piece).of_face(piece.cone, piece.row) == piece
        assert type(piece).of(piece.normal, piece.offset, piece.rows) == piece
    assert len(set(found.pieces)) == len(found.pieces)
    assert list(found.pieces) == sorted(found.pieces)


def test_hidden_pieces_are_pieces_of_the_preactivations_alone():
    # The second neuron is read by a neuron that is never active where x1 < 0.
    net = Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, -100]], [-1]), ([[1]], [0])])
    shown, all_ = boundary_complex(net), boundary_complex(net, where="preactivations")
    assert set(shown.pieces) < set(all_.pieces)
    assert shown.regions == all_.regions


def test_trouble_is_named():
    net = random_network(0, 2, 3, 1)
    with pytest.raises(ExactreError, match="where: expected one of"):
        boundary_complex(net, where="outputs")
    with pytest.raises(ExactreError, match="interior"):
        boundary_complex(net, Domain.box([0, 0], [0, 1]))
    with pytest.raises(ExactreError, match="interior"):
        domain_cone(2, Domain.box([2, 0], [1, 1]))
    with pytest.raises(ShapeError, match="domain with 2 inputs"):
        boundary_complex(net, Domain.box([0], [1]))
    with pytest.raises(OutOfBudget, match="timeout"):
        boundary_complex(random_network(0, 3, 12, 12, 1), timeout=1e-9)
