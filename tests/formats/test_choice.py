"""Where a file leaves something open, the caller chooses, and nothing is chosen silently."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from graphs import constant, graph, node, runtime_values, write
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from exactre import load, save
from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats.affine import Builder, Tensor
from exactre.formats.batch_norm import batch_norm
from exactre.formats.runtime import replay
from exactre.network import Network

W = constant("w", [[1, -2], [3, 0.5]])
V = constant("v", [[1, 1], [0, -3]])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def refused(path, error=FormatError, **options):
    """The one line that refuses a file under these options, without the file's name."""
    with pytest.raises(error) as caught:
        load(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


# Several inputs


def two_inputs(path):
    nodes = [node("Gemm", "x w", "p"), node("Gemm", "z v", "q"), node("Sub", "p q", "s"), node("Relu", "s")]
    return write(graph(nodes, [1, 2], [W, V], inputs=("x", "z")), path)


def test_several_inputs_are_joined_in_the_order_of_their_names(path):
    two_inputs(path)
    point = (1, 2, -3, 5)
    net = load(path, input=["x", "z"])
    assert net.input_dim == 4
    assert net(point) == (10, 17)
    swapped = load(path, input=["z", "x"])
    assert swapped(point[2:] + point[:2]) == net(point)
    assert replay(path, point, input=("x", "z")) == tuple(map(float, net(point)))
    assert replay(path, point[2:] + point[:2], input=("z", "x")) == tuple(map(float, net(point)))


def test_an_input_that_is_needed_and_not_chosen_is_named_with_its_reader(path):
    two_inputs(path)
    message = refused(path, input="x")
    assert message == "Gemm node 'gemm_q': its input 'z' is defined by nothing before it"


@pytest.mark.parametrize("names", [["y"], ["x", "x"], ["x", "z", "w"]])
def test_a_name_that_is_no_input_or_comes_twice_is_refused(path, names):
    two_inputs(path)
    assert refused(path, input=names) == f"expected each input once, of 'x', 'z', found {names[-1]!r}"


# Several outputs


def two_outputs(path):
    nodes = [
        node("Gemm", "x w", "h"),
        node("Relu", "h"),
        helper.make_node("Tanh", ["h"], ["t"], name="tanh"),
    ]
    model = graph(nodes, [1, 2], [W])
    model.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, None))
    model.graph.output.append(helper.make_tensor_value_info("t", TensorProto.FLOAT, None))
    return write(model, path)


def test_an_output_is_chosen_by_its_name_and_only_what_it_needs_is_read(path):
    two_outputs(path)
    first, second = load(path, output="y"), load(path, output="h")
    assert (first((1, -2)), second((1, -2))) == ((0, 0), (-5, -3))
    assert load(path, output=["h", "y"])((1, -2)) == (-5, -3, 0, 0)
    assert replay(path, (1, -2), output=("h", "y")) == (-5.0, -3.0, 0.0, 0.0)
    assert refused(path, UnsupportedOperator, output="t") == "Tanh node 'tanh': the operator Tanh is not read"


@pytest.mark.parametrize("names", [["x"], ["y", "y"], [""]])
def test_a_name_that_is_no_output_or_comes_twice_is_refused(path, names):
    two_outputs(path)
    assert refused(path, output=names) == f"expected each output once, of 'y', 'h', 't', found {names[-1]!r}"


# Open shapes


def open_image(path):
    nodes = [node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "f"), node("Gemm", "f w")]
    return write(graph(nodes, ["N", 2, "H", "H"], [W]), path)


def test_a_given_shape_closes_an_open_one(path):
    open_image(path)
    net = load(path, shape=(1, 2, 2, 2))
    assert net((4, 4, 4, 4, 0, 8, 8, 0)) == (16, -6)
    assert replay(path, (4, 4, 4, 4, 0, 8, 8, 0), shape=(1, 2, 2, 2)) == (16.0, -6.0)
    assert load(path, shape=[2, 2, 1, 1]).input_dim == 4


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, "dimension 2: expected a positive size, found 'H'; shape=... (--shape) gives it"),
        ((1, 2, 2), "expected 4 dimensions, found shape [1, 2, 2]"),
        ((1, 3, 2, 2), "dimension 1: expected 2, found shape [1, 3, 2, 2]"),
        ((1, 2, 2, 0), "dimension 3: expected a positive size, found 'H'"),
        ((1, 2, -1, 2), "dimension 2: expected a positive size, found 'H'"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(path, shape, message):
    open_image(path)
    assert refused(path, shape=shape) == f"input 'x': {message}"


@pytest.mark.parametrize("shape", [3, "12", [1, 2.0]])
def test_a_shape_of_anything_but_integers_is_refused(path, shape):
    open_image(path)
    with pytest.raises(FormatError, match=r"^shape: expected integers, found "):
        load(path, shape=shape)


def test_a_shape_may_be_of_any_kind_of_integers(path):
    open_image(path)
    assert load(path, shape=np.array([1, 2, 2, 2])) == load(path, shape=(1, 2, 2, 2))


# What ends a graph


@pytest.mark.parametrize("kind", ["ArgMax", "LogSoftmax", "Sigmoid", "Softmax"])
def test_what_ends_a_graph_is_cut_off_on_request_alone(path, kind):
    model = graph([node("Gemm", "x w", "h"), node(kind, "h")], [1, 2], [W])
    if kind == "ArgMax":
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    write(model, path)
    kept = f"{kind} node {kind.lower()!r}: the operator {kind} is not read; it ends the graph: "
    assert refused(path, UnsupportedOperator) == kept + "cut=True (--cut) leaves it out"
    assert load(path, cut=True) == Network.from_rows([([[1, 3], [-2, Fraction(1, 2)]], [0, 0])])
    assert replay(path, (1, -2), cut=True) == (-5.0, -3.0)


def test_nothing_is_cut_in_the_middle(path):
    write(graph([node("Sigmoid", "x", "h"), node("Gemm", "h w")], [1, 2], [W]), path)
    message = "Sigmoid node 'sigmoid_h': the operator Sigmoid is not read"
    assert refused(path, UnsupportedOperator) == refused(path, UnsupportedOperator, cut=True) == message


def test_what_an_output_is_computed_from_is_no_end(path):
    """Both p and q = p w are outputs: without its Softmax q would be another function."""
    model = graph([node("Softmax", "x", "p"), node("Gemm", "p w")], [1, 2], [W])
    model.graph.output.insert(0, helper.make_tensor_value_info("p", TensorProto.FLOAT, None))
    write(model, path)
    message = "Softmax node 'softmax_p': the operator Softmax is not read"
    for names in (["p", "y"], ["y"]):
        assert refused(path, UnsupportedOperator, output=names, cut=True) == message
    assert load(path, output="p", cut=True) == Network.from_rows([([[1, 0], [0, 1]], [0, 0])])


def test_an_operator_of_the_same_name_in_another_domain_is_not_cut(path):
    other = helper.make_node("Softmax", ["h"], ["y"], name="softmax", domain="com.example")
    write(graph([node("Gemm", "x w", "h"), other], [1, 2], [W]), path)
    message = "Softmax node 'softmax': the operator Softmax of domain 'com.example' is not read"
    assert refused(path, UnsupportedOperator, cut=True) == message


def test_no_other_operator_is_cut(path):
    write(graph([node("Gemm", "x w", "h"), node("Tanh", "h")], [1, 2], [W]), path)
    message = "Tanh node 'tanh': the operator Tanh is not read"
    assert refused(path, UnsupportedOperator, cut=True) == message


def test_a_graph_without_such_an_end_is_read_whole(path):
    write(graph([node("Gemm", "x w", "h"), node("Relu", "h")], [1, 2], [W]), path)
    assert load(path, cut=True) == load(path)
    assert replay(path, (1, -2), cut=True) == replay(path, (1, -2))


def test_names_and_shapes_belong_to_onnx_files(tmp_path):
    save(Network.from_rows([([[1]], [0])]), tmp_path / "net.json")
    for options in ({"input": "x"}, {"output": ["y"]}, {"shape": (1, 1)}):
        message = refused(tmp_path / "net.json", **options)
        assert message == "input, output and shape: expected only with an .onnx file"


# Normalization


def normalization(path, variance, epsilon):
    tensors = [constant("g", [3]), constant("s", [5]), constant("m", [7]), constant("v", [variance])]
    nodes = [node("BatchNormalization", "x g s m v", epsilon=epsilon)]
    return write(graph(nodes, [1, 1], tensors), path)


def test_an_irrational_factor_is_refused_unless_its_rounding_is_asked_for(path):
    normalization(path, 2, 0.0)
    assert refused(path, UnsupportedOperator) == (
        "BatchNormalization node 'batchnormalization': the standard deviation sqrt(2) is no positive "
        "rational; weights='float32' or 'float64' (--weights) rounds its factor to the nearest float"
    )
    for weights, kind in (("float32", np.float32), ("float64", np.float64)):
        factor = load(path, weights=weights).nodes[0].inputs[0][1][0, 0]
        assert factor == Fraction(float(kind(3 / np.sqrt(2))))
        assert load(path, weights=weights)((7,)) == (5,)


def test_a_rational_factor_is_never_rounded(path):
    normalization(path, 9, 0.0)
    assert load(path) == load(path, weights="float32") == Network.from_rows([([[1]], [-2])])
    normalization(path, 81, 0.0)
    assert load(path, weights="float32")((0,)) == (5 - Fraction(7, 3),)


POSITIVE = st.fractions(min_value=Fraction(1, 10**6), max_value=10**6)


def factor_of(gain, value, kind):
    """The factor that a normalization's network multiplies by."""
    builder = Builder(1)
    x = Tensor.of(builder.input(), (1, 1))
    zero = Fraction(0)
    rows = batch_norm(x, [[gain], [zero], [zero], [value]], zero, kind).flat()
    return builder.network(rows).nodes[0].inputs[0][1][0, 0]


@given(gain=POSITIVE, value=POSITIVE, kind=st.sampled_from(["float32", "float64"]))
def test_a_rounded_factor_is_the_nearest_float(gain, value, kind):
    factor = factor_of(gain, value, kind)
    assert factor_of(-gain, value, kind) == -factor
    if factor * factor * value != gain * gain:
        # No middle between the float and a neighbour separates it from gain / sqrt(value).
        dtype = np.dtype(kind).type
        found = dtype(float(factor))
        assert Fraction(float(found)) == factor
        below, above = (
            (factor + Fraction(float(np.nextafter(found, dtype(side))))) / 2 for side in (0, np.inf)
        )
        assert below * below * value < gain * gain < above * above * value


def test_a_normalized_convolution_is_what_the_runtime_computes(path):
    tensors = [constant("w", np.ones((2, 1, 1))), constant("g", [2, -1]), constant("v", [4, 0.25])]
    nodes = [
        node("Conv", "x w", "c"),
        node("BatchNormalization", "c g g g v", "n", epsilon=0.0),
        node("Relu", "n"),
    ]
    model = graph(nodes, [1, 1, 3], tensors)
    net = load(write(model, path))
    assert [net((1, -5, 7))] == runtime_values(onnx.load(path), [(1, -5, 7)])
