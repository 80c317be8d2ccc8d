"""On its region a network is the affine map that the region says, and only there."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import dags, points

from exactre import lp, symbolic
from exactre.errors import ShapeError
from exactre.network import Network
from exactre.region import region

SMALL = st.one_of(st.integers(-3, 3), st.fractions(max_denominator=4))


@given(dags(), st.data())
def test_a_point_lies_in_its_own_region_and_the_forms_hold_there(net, data):
    batch = data.draw(points(net.input_dim))
    inner = net.preactivations(batch)
    for k, point in enumerate(batch):
        cell = region(net, net.pattern(point))
        assert point in cell
        assert cell.output([point]) == net.evaluate([point])
        for name, u in inner.items():
            assert cell.forms[name]([point])[0] == u[k]


@given(dags(SMALL), st.data())
def test_any_pattern_with_an_interior_is_the_pattern_of_its_points(net, data):
    pattern = {n.name: data.draw(st.tuples(*[st.sampled_from([-1, 1])] * n.width)) for n in net.hidden}
    cell = region(net, pattern)
    m = cell.A.shape[0]
    answer = lp.feasible(cell.A, cell.b, strict=range(m), equal=cell.equal)
    if isinstance(answer, lp.Point):
        assert net.pattern(answer.x) == pattern
        assert answer.x in cell
        assert cell.output([answer.x]) == net.evaluate([answer.x])


@given(dags(SMALL), st.data())
def test_a_point_of_another_pattern_is_outside_unless_on_a_face(net, data):
    p, q = data.draw(points(net.input_dim, SMALL)), data.draw(points(net.input_dim, SMALL))
    for x, y in zip(p, q, strict=False):
        cell, other = region(net, net.pattern(x)), net.pattern(y)
        signs = [s for node in net.hidden for s in other[node.name]]
        agree = all(t in (0, s) if s else t == 0 for s, t in zip(cell.signs, signs, strict=True))
        # The forms are those of x's cell, so the first neuron that differs decides.
        assert (y in cell) == agree


NET = Network.from_rows([([[1, 2], [1, -1]], [-1, 0]), ([["1/2", -1]], [3])])


def test_zero_belongs_to_both_sides_and_a_zero_sign_to_the_boundary():
    on = (0, 0)
    for sign in (-1, 1):
        assert on in region(NET, {"layer1": (-1, sign)})
    face = region(NET, {"layer1": (-1, 0)})
    assert face.equal == (1,)
    assert on in face
    assert (1, 0) not in face


@pytest.mark.parametrize(
    "pattern",
    [{}, {"layer1": (1,)}, {"layer1": (1, 1, 1)}, {"other": (1, 1)}, {"layer1": (1, 1), "output": (1,)}],
)
def test_incomplete_patterns_are_refused(pattern):
    with pytest.raises(ShapeError, match="expected a pattern with the widths"):
        region(NET, pattern)


def test_signs_are_signs():
    with pytest.raises(ShapeError, match="expected the signs -1, 0 and 1"):
        region(NET, {"layer1": (1, 2)})


def test_expressions_read_as_a_person_would_write_them():
    assert str(symbolic.neuron(NET, "layer1", 0)) == "Eq(layer1_0, Max(0, x0 + 2*x1 - 1))"
    assert str(symbolic.definitions(NET)[2]) == "Eq(output_0, layer1_0/2 - layer1_1 + 3)"
    cell = region(NET, {"layer1": (1, -1)})
    assert str(symbolic.affine(cell.output)) == "[x0/2 + x1 + 5/2]"
    assert str(symbolic.conditions(cell)) == "[-x0 - 2*x1 <= -1, x0 - x1 <= 0]"


@given(dags(SMALL), st.data())
def test_the_closed_form_is_the_network(net, data):
    batch = data.draw(points(net.input_dim, SMALL, max_size=2))
    expressions = symbolic.closed_form(net)
    for point, answer in zip(batch, net.evaluate(batch), strict=True):
        at = {x: sympy.Rational(str(v)) for x, v in zip(symbolic.inputs(net.input_dim), point, strict=True)}
        assert [e.subs(at) for e in expressions] == [sympy.Rational(str(v)) for v in answer]


@given(dags(SMALL), st.data())
def test_region_expressions_are_the_region(net, data):
    for point in data.draw(points(net.input_dim, SMALL, max_size=2)):
        cell = region(net, net.pattern(point))
        at = {x: sympy.Rational(str(v)) for x, v in zip(symbolic.inputs(net.input_dim), point, strict=True)}
        assert all(c.func(c.lhs.subs(at), c.rhs) == sympy.true for c in symbolic.conditions(cell))
        assert [e.subs(at) for e in symbolic.affine(cell.output)] == [
            sympy.Rational(str(v)) for v in net(point)
        ]


@pytest.mark.parametrize(("name", "j"), [("layer2", 0), ("layer1", 2), ("layer1", -1), ("input", 0)])
def test_neurons_that_do_not_exist(name, j):
    with pytest.raises(ShapeError, match="expected a neuron of"):
        symbolic.neuron(NET, name, j)
