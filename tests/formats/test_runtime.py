"""A replay is what the runtime computes at the rounded point; it is shown, and decides nothing."""

from fractions import Fraction

import numpy as np
import pytest
from graphs import constant, graph, node, write
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from exactre import load, save
from exactre.errors import FormatError
from exactre.formats.runtime import replay
from exactre.network import Network

NET = Network.from_rows([([[1, -2], [3, 0.5]], [1, -1]), ([[2, -1]], [0.25])])
POINTS = st.lists(st.integers(-64, 64).map(lambda v: Fraction(v, 8)), min_size=2, max_size=2)


@pytest.fixture(scope="module", params=[".onnx", ".json", ".npz"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / f"model{request.param}"
    save(NET, path)
    return path


@given(point=POINTS)
def test_where_floats_are_exact_a_replay_is_the_exact_value(point, path):
    assert replay(path, point) == NET(point)


def test_a_dag_is_replayed_too(tmp_path):
    nodes = [node("Relu", "x", "h"), node("Add", "h x")]
    path = write(graph(nodes, ["N", 2]), tmp_path / "model.onnx")
    save(load(path), tmp_path / "model.json")
    assert replay(path, (3, -4)) == replay(tmp_path / "model.json", (3, -4)) == (6, -4)


@pytest.mark.parametrize(
    ("element", "dtype"), [(TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64)]
)
def test_a_replay_rounds_the_point_to_the_input_type(element, dtype, tmp_path):
    path = write(graph([node("Relu", "x")], [1, 2], element=element), tmp_path / "model.onnx")
    assert replay(path, (Fraction(1, 3), Fraction(2, 3))) == (
        float(dtype(1) / dtype(3)),
        float(dtype(2) / dtype(3)),
    )


def test_a_replay_shows_the_roundings_of_the_runtime(tmp_path):
    # 2^24 + 1 is no float32: the exact sum is 1, the runtime's is 0.
    nodes = [node("Add", "x a", "s"), node("Sub", "s a")]
    model = graph(nodes, [1, 1], [constant("a", [[2**24]])])
    path = write(model, tmp_path / "model.onnx")
    assert (load(path)((1,)), replay(path, (1,))) == ((1,), (0.0,))


@pytest.mark.parametrize("point", [(), (1,), (1, 2, 3)])
def test_a_point_of_another_dimension_is_refused(point, path):
    with pytest.raises(FormatError, match=f"expected a point of 2 coordinates, found {len(point)}"):
        replay(path, point)


def test_a_point_beyond_the_floats_is_refused(path):
    with pytest.raises(FormatError, match="expected numbers in the range of float"):
        replay(path, (10**400, 0))


def test_a_model_that_the_runtime_refuses_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(graph([node("Add", "x z")], [1, 2]).SerializeToString())
    with pytest.raises(FormatError, match=r"model\.onnx: onnxruntime refuses the file") as caught:
        replay(path, (1, 2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.onnx", "none.json"])
def test_a_missing_file_is_refused(name, tmp_path):
    with pytest.raises(FormatError, match="none"):
        replay(tmp_path / name, (1, 2))


@pytest.mark.parametrize(
    ("inputs", "element"), [(("x", "z"), TensorProto.FLOAT), (("x",), TensorProto.FLOAT16)]
)
def test_inputs_that_are_no_point_of_floats_are_refused(inputs, element, tmp_path):
    nodes = [node("Add", "x z") if len(inputs) == 2 else node("Relu", "x")]
    path = write(graph(nodes, [1, 2], element=element, inputs=inputs), tmp_path / "model.onnx")
    with pytest.raises(FormatError, match="expected one input of float or double, found 'x'"):
        replay(path, (1, 2))
