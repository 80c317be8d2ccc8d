"""Networks mean what plain fractions say they mean."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import dags, points

from exactre.errors import ExactreError, ShapeError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix, Points


def plain(net, point):
    """Every node before its ReLU, and the output, with nothing but Fraction."""
    values, before = {INPUT: [Fraction(v) for v in point]}, {}
    for node in net.nodes:
        u = [row[0] for row in node.bias.rows()]
        for source, weight in node.inputs:
            for j, row in enumerate(weight.rows()):
                u[j] += sum(w * v for w, v in zip(row, values[source], strict=True))
        before[node.name] = tuple(u)
        values[node.name] = [max(v, Fraction(0)) for v in u] if node.relu else u
    return before, tuple(values[net.nodes[-1].name])


@given(dags(), st.data())
def test_evaluation_is_that_of_plain_fractions(net, data):
    batch = data.draw(points(net.input_dim))
    answers, inner = net.evaluate(batch), net.preactivations(batch)
    assert len(answers) == len(batch)
    for k, point in enumerate(batch):
        before, output = plain(net, point)
        assert answers[k] == net(point) == output
        assert {name: values[k] for name, values in inner.items()} == before
        signs = {n.name: tuple((v > 0) - (v < 0) for v in before[n.name]) for n in net.hidden}
        assert net.pattern(point) == signs


def residual():
    """y = x0 + relu(x0 - x1) + relu(x1), through a skip and two sources."""
    weight = Matrix.from_rows([[1, -1], [0, 1]])
    hidden = Node("h", True, ((INPUT, weight),), Matrix.column([0, 0]))
    skip = Matrix.from_rows([[1, 0]])
    out = Node("y", False, (("h", Matrix.from_rows([[1, 1]])), (INPUT, skip)), Matrix.column([0]))
    return Network(2, [hidden, out])


def test_a_skip_connection_by_hand():
    net = residual()
    assert net([3, 1]) == (6,)
    assert net([-1, Fraction(1, 2)]) == (Fraction(-1, 2),)
    assert not net.is_layered
    assert net.neurons == 2
    assert net.parameters == 11
    assert repr(net) == "Network(2-2-1, DAG)"


def test_layered_by_hand():
    net = Network.from_rows([([[1, -1]], [0]), ([[2]], [Fraction(1, 3)])])
    assert net.is_layered
    assert net([5, 3]) == (Fraction(13, 3),)
    assert net([3, 5]) == (Fraction(1, 3),)
    assert net.pattern([4, 4]) == {"layer1": (0,)}
    assert repr(net) == "Network(2-1-1)"
    assert net == Network.from_rows([([[1, -1]], [0]), ([[2]], [Fraction(1, 3)])])
    assert hash(net) == hash(Network.from_rows([([[1, -1]], [0]), ([[2]], [Fraction(1, 3)])]))
    assert net != Network.from_rows([([[1, -1]], [0]), ([[2]], [Fraction(1, 2)])])


def test_the_empty_batch():
    net = residual()
    assert len(net.evaluate([])) == 0
    assert net.evaluate([]).dim == 1
    assert {name: u.dim for name, u in net.preactivations([]).items()} == {"h": 2, "y": 1}


def test_an_output_node_with_relu_and_a_node_without_inputs():
    constant = Node("c", True, (), Matrix.column([-1, 2]))
    assert Network(1, [constant])([7]) == (0, 2)


@given(dags(), st.data())
def test_networks_and_points_travel_between_processes(net, data):
    batch = Points.of(data.draw(points(net.input_dim)), net.input_dim)
    assert pickle.loads(pickle.dumps(net)) == net
    assert pickle.loads(pickle.dumps(batch)) == batch
    floats = Points.from_floats(np.array([[0.1, -3.0]]))
    assert pickle.loads(pickle.dumps(floats)) == floats


COLUMN = Matrix.column([0])
ONE = Matrix.from_rows([[1]])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Network(0, [Node("y", False, (), COLUMN)]), "expected at least one input, found 0"),
        (lambda: Network(1, []), "expected at least one node"),
        (lambda: Network.layered([]), "expected at least one layer"),
        (lambda: Network(1, [Node("input", False, (), COLUMN)]), "'input': the name is taken"),
        (lambda: Network(1, [Node("a", False, (), COLUMN)] * 2), "'a': the name is taken"),
        (lambda: Network(1, [Node("a", False, (("b", ONE),), COLUMN)]), "'b' is no earlier node"),
        (lambda: Network(1, [Node("a", False, (("a", ONE),), COLUMN)]), "'a' is no earlier node"),
        (lambda: Network(1, [Node("a", False, (("input", ONE),) * 2, COLUMN)]), "named twice"),
        (
            lambda: Network(2, [Node("a", False, (("input", ONE),), COLUMN)]),
            r"shape \(1, 2\) for 'input', found \(1, 1\)",
        ),
        (lambda: Network(1, [Node("a", False, (), Matrix.from_rows([[0, 0]]))]), "expected a bias column"),
        (lambda: Network(1, [Node("a", False, (), Matrix.column([]))]), "expected a bias column"),
    ],
)
def test_nodes_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ShapeError, match=message):
        build()


@pytest.mark.parametrize("batch", [[[1]], [[1, 2], [1, 2, 3]], Points.of([[1, 2, 3]], 3)])
def test_points_of_another_dimension_are_refused(batch):
    with pytest.raises(ExactreError, match=r"expected .* with 2 coordinates, found"):
        residual().evaluate(batch)
