"""The baseline's pieces do what its source says, and its neurons are held against the true ones."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from benchmarks.float_baseline import METHODS, baseline, drawing, forms, matched
from benchmarks.recovery import he_random
from benchmarks.rolnick_koerding import (
    FIT,
    NEAR,
    RESOLUTION,
    Neuron,
    infer_hyperplane,
    is_whole_hyperplane,
    points_on_lines,
)
from exactre import Network

STRAIGHT = Network.from_rows([([[3, 4, 0]], [-1]), ([[1]], [0])])
BENT = Network.from_rows([([[1, 2], [-1, 3]], [0, 1]), ([[1, 2], [3, -1]], [-1, 0]), ([[1, 1]], [0])])


def asked(f):
    """An oracle of one output from a function on arrays of points."""
    return lambda points: f(points)[:, None]


def hinge(points):
    return np.maximum(points @ np.array([0.6, 0.8, 0.0]) - 0.2, 0.0)


def bent(points):
    return np.maximum(np.abs(points[:, 0]) + points[:, 1] - 1, 0.0) + np.abs(points[:, 0])


@pytest.mark.parametrize("kinks", [[0.5], [0.25], [0.3], [0.1, 0.6], [0.3, 0.30001], [0.2, 0.4, 0.7]])
def test_points_on_a_line_are_all_its_kinks(kinks):
    def f(points):
        return sum(np.abs(points[:, 0] - kink) for kink in kinks)

    starts, ends = np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 1.0]])
    who, found = points_on_lines(asked(f), starts, ends)
    assert who.tolist() == [0] * len(kinks)
    assert np.abs(found[:, 0] - kinks).max() <= RESOLUTION


def test_no_point_is_found_where_the_function_is_affine():
    who, found = points_on_lines(asked(lambda x: x[:, 0] / 3), np.zeros((1, 3)), np.ones((1, 3)))
    assert (len(who), found.shape) == (0, (0, 3))


def test_a_hyperplane_is_inferred_around_a_point():
    point = np.array([0.2, 0.1, 5.0])
    normal, offset = infer_hyperplane(asked(hinge), point, NEAR, np.random.default_rng(0))
    sign = np.sign(normal[0])
    error = np.abs(sign * np.append(normal, offset) - [0.6, 0.8, 0.0, -0.2])
    # Points a tenth of NEAR apart would turn the normal by this much; the offset's lever is the point's.
    assert (error <= 10 * FIT / NEAR * np.array([1, 1, 1, np.linalg.norm(point)])).all()


def test_no_hyperplane_is_inferred_where_two_boundaries_meet():
    cross = asked(lambda x: np.abs(x[:, 0]) + np.abs(x[:, 1]))
    assert infer_hyperplane(cross, np.zeros(2), NEAR, np.random.default_rng(0)) is None


def test_a_hyperplane_is_whole_only_where_it_never_bends():
    rng = np.random.default_rng(0)
    assert is_whole_hyperplane(asked(hinge), np.array([0.2, 0.1, 5.0]), np.array([0.6, 0.8, 0.0]), -0.2, rng)
    root = np.sqrt(0.5)
    assert not is_whole_hyperplane(asked(bent), np.array([0.5, 0.5]), np.array([root, root]), -root, rng)


def test_both_algorithms_find_a_network_of_two_hidden_layers():
    first, second = baseline(he_random([6, 4, 3, 2], seed=1), seed=0, queries=1 << 18)
    assert (len(first.errors), first.false) == (4, 0)
    assert (len(second.errors), second.false) == (3, 0)
    assert max(first.queries) <= min(second.queries) <= 1 << 18


def test_the_budget_is_not_exceeded_and_what_was_found_counts():
    few, many = (baseline(STRAIGHT, seed=0, queries=count)[0] for count in (100, 1 << 16))
    assert (few.queries, few.width) == ([], 1)
    assert len(many.queries) == 1
    assert many.queries[0] <= 1 << 16


def test_a_network_matches_itself_up_to_scale_and_order_and_nothing_else():
    (first, second) = forms(BENT)
    scaled = [Neuron(z.bends, -3 * z.linear, -3 * z.constant, 7) for z in first[::-1]]
    above = [Neuron(z.bends[::-1] / 3, z.linear, z.constant, 8) for z in second[:1]]
    layers = matched([scaled[:1], []], [first, second])
    assert [(len(layer.errors), layer.false) for layer in layers] == [(1, 0), (0, 0)]
    layers = matched([scaled, above], [first, second])
    assert layers[1].queries == [8]
    assert max(layers[1].errors) <= 2.0**-50
    wrong = [Neuron(second[0].bends, second[0].linear, second[0].constant + 1, 8)]
    assert matched([first, wrong], [first, second])[1].false == 1
    assert matched([first[:1] * 2, []], [first, second])[0].false == 1


def test_a_drawing_has_a_dot_for_every_neuron():
    colour = METHODS[0][2]
    tree = ElementTree.fromstring(drawing([(colour, 1 << 10, 1e-7), (colour, 1 << 14, 0.0)]))
    dots = [node for node in tree.iter() if node.tag.endswith("circle")]
    assert len(dots) == 2
    assert float(dots[0].get("cy")) < float(dots[1].get("cy"))
