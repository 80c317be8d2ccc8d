"""What bends on a plane is followed completely, and read as the neurons that the pieces determine."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, jets_of_function, random_net, truth

from exactre.complex.boundary import boundary_complex
from exactre.network import Network
from exactre.recover import planar
from exactre.recover.fan import fan
from exactre.recover.jet import Chart
from exactre.recover.line import primitive
from exactre.recover.model import Model
from exactre.recover.plane import Plane
from exactre.recover.survey import Survey
from exactre.testing.degenerate import DEGENERATE

SHAPES = [((2, 3, 1), 0), ((2, 3, 2), 1), ((2, 4, 3, 1), 2), ((2, 3, 2, 2, 1), 3)]
# Each first-layer boundary is hidden where the neuron of the second layer that reads it is inactive.
HIDDEN = Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, -1], [-1, 2]], [-1, -2]), ([[1, 2]], [0])])


def bends_of(net, seed=0):
    survey = Survey(jets_of(net), [1] * net.input_dim)
    return planar.look_at_plane(survey, np.random.default_rng(seed))


def first_layer(neurons):
    return {primitive(neuron.linear) for neuron in neurons if not neuron.parents}


@pytest.mark.parametrize(("widths", "seed"), SHAPES)
def test_the_graph_is_the_complex_of_the_function(widths, seed):
    net = random_net(widths, seed)
    bends = bends_of(net, seed)
    pieces = boundary_complex(net).pieces
    assert bends.lost == 0
    for piece in pieces:
        *x, t = piece.cone.centre
        assert bends.has(tuple(Fraction(v, t) for v in x))
    assert {edge.row for edge in bends.edges} == {piece.row for piece in pieces}
    # Vertices inside an edge are where the graph was met first; all others split it as the complex does.
    inner = sum(len(found) == 2 and found[0].row == found[1].row for found in bends.vertices.values())
    assert len(bends.edges) - inner <= len(pieces)


def test_a_point_beside_the_edges_is_on_none():
    bends = bends_of(HIDDEN)
    assert bends.has((Fraction(0), Fraction(5)))  # x = 0 is seen above 1 only
    assert not bends.has((Fraction(0), Fraction(1, 2)))
    assert not bends.has((Fraction(1, 1000), Fraction(5)))


def test_a_turn_around_a_point_finds_every_ray():
    # It bends where x = 0, where y = 0 and x < 0, and where y = 3x and x > 0.
    jets = jets_of_function(lambda p: [max(p[0], 0) + max(0, p[1], 3 * p[0])], 2)
    bends = fan(Plane(jets, Chart.identity(2)), (Fraction(0), Fraction(0)), [(1, 0), (-1, 0)])
    assert [bend.direction for bend in bends] == [(1, 3), (0, 1), (-1, 0), (0, -1)]
    for bend, following in zip(bends, [*bends[1:], bends[0]], strict=True):
        assert bend.left == following.right


@pytest.mark.parametrize("distance", [Fraction(1, 2**30), Fraction(1, 2**60), Fraction(1, 2**90)])
def test_a_vertex_is_told_from_one_close_to_it(distance):
    jets = jets_of_function(lambda p: [max(p[0], 0) + 2 * max(p[1], 0) + 3 * max(p[0] - distance, 0)], 2)
    bends = fan(Plane(jets, Chart.identity(2)), (Fraction(0), Fraction(0)), [(1, 0), (-1, 0)])
    assert sorted(bend.direction for bend in bends) == [(-1, 0), (0, -1), (0, 1), (1, 0)]


@pytest.mark.parametrize(("widths", "seed"), SHAPES)
def test_a_reading_is_zero_on_every_edge_and_has_the_first_layer(widths, seed):
    net = random_net(widths, seed)
    bends = bends_of(net, seed)
    first = next(planar.readings([bends]))
    model = Model(2, tuple(first))
    for edge in bends.edges:
        point = [sum(column) for column in zip(*edge.generators, strict=True)]
        assert 0 in [row[0] for row in model.values([point])]
    assert first_layer(first) == first_layer(truth(net).model.neurons)


def test_a_hidden_boundary_goes_on_behind_a_fork():
    found = [
        ([len(neuron.parents) for neuron in neurons], first_layer(neurons))
        for neurons in planar.readings([bends_of(HIDDEN)])
    ]
    assert ([0, 0, 1, 1], {(1, 0, 0), (0, 1, 0)}) in found


def test_planes_in_space_give_rows_in_space():
    net = random_net((3, 4, 1), 5)
    assert first_layer(next(planar.readings([bends_of(net)]))) == first_layer(truth(net).model.neurons)


@pytest.mark.parametrize("name", ["coinciding_ridges", "shared_boundary"])
def test_where_two_boundaries_bend_at_one_place_there_are_several_ways_to_read_it(name):
    ways = list(bends_of(DEGENERATE[name]()).ridges())
    [crowded] = [options for options in ways if len(options) > 1]
    for first, second in crowded:
        # Both boundaries bend at the same third one, and each edge of the vertex is of one of them.
        assert set(first.bent) & set(second.bent) or first.straight == second.straight
        assert len(first.bent) == len(second.bent)


def test_where_a_boundary_is_hidden_is_said():
    assert sorted(bends_of(HIDDEN).special()) == [
        "a boundary is hidden beyond (0, 1)",
        "a boundary is hidden beyond (1, 0)",
    ]
    assert list(bends_of(random_net((2, 3, 1), 0)).special()) == []


def test_elsewhere_there_is_one_way():
    assert all(len(options) == 1 for options in bends_of(HIDDEN).ridges())


def test_a_plane_with_too_many_vertices_is_given_up(monkeypatch):
    monkeypatch.setattr(planar, "_MOST_VERTICES", 3)
    assert bends_of(random_net((2, 4, 3, 1), 2)) is None


def test_every_fork_has_one_row_that_goes_on_and_few_rows_come_first():
    a, b, c, d, e = ((k, 1, 0) for k in range(5))
    found = list(planar._through([{a, b, c}, {a, d, e}]))
    assert found[0] == (a,)
    assert {frozenset(rows) for rows in found} == {
        frozenset(rows) for rows in [(a,), (b, d), (b, e), (c, d), (c, e)]
    }
    assert list(planar._through([])) == []


def test_a_plane_towards_its_own_origin_is_a_plane():
    """Rounded, the way to the point can be zero or the plane's other direction."""
    survey = Survey(jets_of(random_net([3, 4, 2, 1], 0)), [1, 1, 1])
    chart = Chart.random(3, 2, np.random.default_rng(5))
    start = [int(v) for v in chart.origin.entries()]
    other = [int(row[1]) for row in chart.basis.tolist()]
    for way in ([0, 0, 0], other):
        near = [a + Fraction(b, 16) for a, b in zip(start, way, strict=True)]
        bends = planar.look_at_plane(survey, np.random.default_rng(5), near)
        assert bends is None or all(any(end) for edge in bends.edges for end in edge.generators)
