"""ONNX files: exact round trips, stored types, batch dimensions, chains and DAGs, and bad files."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from format_strategies import FLOAT32, FLOAT64, layered_networks, networks
from graphs import constant, graph, node, runtime_values, write
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats.onnx_file import OLDEST_OPSET, encode, read
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

GIVEN = "shape=... (--shape) gives it"
NEWEST_OPSET = onnx.defs.onnx_opset_version()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx") / "model.onnx"


def read_back(net, path):
    path.write_bytes(encode(net))
    return read(path)


def element_type(path):
    return onnx.load(path).graph.input[0].type.tensor_type.elem_type


@given(net=networks(FLOAT32))
def test_a_float32_network_is_read_back(net, path):
    assert read_back(net, path) == net
    assert element_type(path) == TensorProto.FLOAT


@given(net=layered_networks(FLOAT64))
def test_a_float64_network_is_read_back(net, path):
    assert read_back(net, path) == net


def test_the_narrowest_type_that_is_exact_is_written(path):
    for value, element in [
        (2.0**-149, TensorProto.FLOAT),
        (0.1, TensorProto.DOUBLE),
        (1e300, TensorProto.DOUBLE),
    ]:
        net = Network.from_rows([([[Fraction(value)]], [1])])
        assert read_back(net, path) == net
        assert element_type(path) == element


@settings(max_examples=20)
@given(net=networks(st.integers(-4, 4).map(Fraction)), data=st.data())
def test_a_written_file_computes_the_network(net, data, path):
    # The weights are small integers: the runtime's sums are exact.
    point = data.draw(st.lists(st.integers(-8, 8), min_size=net.input_dim, max_size=net.input_dim))
    path.write_bytes(encode(net))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert runtime_values(onnx.load(path), [point]) == [net(point)]


@pytest.mark.parametrize(
    "value", [Fraction(1, 3), Fraction(2**53 + 1), Fraction(1, 2**1075), Fraction(10**400)]
)
@pytest.mark.parametrize("place", ["weight", "bias"])
def test_a_weight_that_is_no_float_is_refused_and_named(value, place):
    weight, bias = ([[0], [value]], [0, 0]) if place == "weight" else ([[0], [0]], [0, value])
    with pytest.raises(FormatError, match=f"node 'output', {place}.*float64") as caught:
        encode(Network.from_rows([(weight, bias)]))
    assert "\n" not in str(caught.value)


def test_a_node_that_reads_nothing_and_one_without_relu_keep_their_function(path):
    nodes = [
        Node("c", True, (), Matrix.column([3, -3])),
        Node(
            "a",
            False,
            ((INPUT, Matrix.from_rows([[2]])), ("c", Matrix.from_rows([[1, 1]]))),
            Matrix.column([1]),
        ),
        Node(
            "y", True, (("a", Matrix.from_rows([[-1]])), (INPUT, Matrix.from_rows([[1]]))), Matrix.column([0])
        ),
    ]
    net = Network(1, nodes)
    read_net = read_back(net, path)
    assert [read_net((x,)) for x in (-9, -4, 0, 5)] == [net((x,)) for x in (-9, -4, 0, 5)]


MLP = [node("Gemm", "x w b", "u"), node("Relu", "u", "h"), node("Gemm", "h v")]


def stored(dtype):
    return [
        constant("w", [[1, -2], [3, 0.5]], dtype),
        constant("b", [1, -1], dtype),
        constant("v", [[2], [-1]], dtype),
    ]


TYPES = [
    (np.float32, TensorProto.FLOAT),
    (np.float64, TensorProto.DOUBLE),
    (np.float16, TensorProto.FLOAT16),
    (helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16), TensorProto.BFLOAT16),
]


@pytest.mark.parametrize(("dtype", "element"), TYPES, ids=["float32", "float64", "float16", "bfloat16"])
def test_every_float_type_is_read_exactly(dtype, element, path):
    third = np.array(1 / 3, dtype)  # rounded to the type: the rational that the file holds
    tensors = [constant("w", [[third, -2], [3, 0.5]], dtype), *stored(dtype)[1:]]
    net = read(write(graph(MLP, [1, 2], tensors, element=element), path))
    half = Fraction(1, 2)
    assert net == Network.from_rows([([[Fraction(float(third)), 3], [-2, half]], [1, -1]), ([[2, -1]], [0])])


def test_initializers_may_be_inputs_too(path):
    extra = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "wbv"]
    plain, given_as_inputs = (graph(MLP, [1, 2], stored(np.float32), extra_inputs=e) for e in ((), extra))
    assert read(write(given_as_inputs, path)) == read(write(plain, path))


@pytest.mark.parametrize("opset", range(OLDEST_OPSET, NEWEST_OPSET + 1))
def test_every_opset_is_read(opset, path):
    assert read(write(graph(MLP, [1, 2], stored(np.float32), opset=opset), path)) == read(
        write(graph(MLP, [1, 2], stored(np.float32)), path)
    )


@pytest.mark.parametrize("batch", ["N", None, -1, 1])
def test_an_open_first_dimension_is_a_batch_of_one(batch, path):
    net = read(write(graph(MLP, [batch, 2], stored(np.float32)), path))
    assert (net.input_dim, net.output_dim, net.is_layered) == (2, 1, True)


def test_a_fixed_batch_is_part_of_the_input(path):
    one = read(write(graph(MLP, [1, 2], stored(np.float32)), path))
    net = read(write(graph(MLP, [3, 2], stored(np.float32)), path))
    assert net((1, 2, 3, 4, -5, 6)) == (*one((1, 2)), *one((3, 4)), *one((-5, 6)))


def test_a_chain_folds_into_a_layered_network(path):
    nodes = [
        node("Sub", "x m", "c"),
        node("Div", "c m", "d"),
        node("Reshape", "d s", "r"),
        node("Transpose", "r", "t", perm=[0, 2, 1]),
        node("Flatten", "t", "f"),
        node("Gemm", "f w", "u"),
        node("Relu", "u", "h"),
        node("MatMul", "h w", "p"),
        node("Add", "p b", "q"),
        node("Neg", "q", "n"),
        node("Relu", "n"),
    ]
    tensors = [
        constant("m", [[2, 4, 8, 16]]),
        constant("s", [-1, 2, 2], np.int64),
        constant("w", np.arange(16).reshape(4, 4)),
        constant("b", [1, -2, 3, -4]),
    ]
    model = graph(nodes, ["N", 4], tensors)
    net = read(write(model, path))
    assert [n.width for n in net.nodes] == [4, 4, 4]
    assert net.is_layered
    points = [(2, 8, -8, 16), (4, 0, 8, -16)]
    assert [net(p) for p in points] == runtime_values(model, points)


def test_what_the_output_does_not_need_is_left_out(path):
    nodes = [node("Relu", "x", "unused"), *MLP, node("Relu", "h", "unused2")]
    assert read(write(graph(nodes, [1, 2], stored(np.float32)), path)) == read(
        write(graph(MLP, [1, 2], stored(np.float32)), path)
    )


def test_a_residual_graph_is_a_dag_of_its_relus(path):
    nodes = [
        node("MatMul", "x w", "u"),
        node("Relu", "u", "h"),
        node("Add", "h x", "r"),
        node("Relu", "r", "g"),
        node("Add", "g h"),
    ]
    net = read(write(graph(nodes, [1, 2], [constant("w", [[1, 2], [3, 4]])]), path))
    assert not net.is_layered
    assert [[source for source, _ in n.inputs] for n in net.nodes] == [
        [INPUT],
        ["layer1", INPUT],
        ["layer2", "layer1"],
    ]
    assert net((1, -1)) == (1, 0)


def test_an_output_that_does_not_depend_on_the_input_is_a_constant(path):
    nodes = [node("Relu", "b", "c"), node("Sub", "x x", "z"), node("Flatten", "c", axis=0)]
    net = read(write(graph(nodes, [1, 3], [constant("b", [2, -2])]), path))
    assert (net.input_dim, net((1, 2, 3)), net.is_layered) == (3, (2, 0), True)


def test_a_wide_graph_of_reshapes_keeps_the_order_of_its_elements(path):
    nodes = [
        node("Reshape", "x s", "r"),
        node("Transpose", "r", "t", perm=[0, 3, 1, 2]),
        node("Flatten", "t", "f"),
        node("MatMul", "f w"),
    ]
    picks = np.zeros((3072, 2), np.float32)
    picks[[5, 3071], [0, 1]] = 1
    model = graph(nodes, ["N", 3072], [constant("s", [0, 32, 32, 3], np.int64), constant("w", picks)])
    net = read(write(model, path))
    point = range(3072)
    assert [net(point)] == runtime_values(model, [point])


# Bad files


def refusal(model, path, error=FormatError):
    """The one line that refuses a model."""
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with pytest.raises(error) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Softmax"])
def test_an_unknown_operator_is_refused_by_name(kind, path):
    assert f"{kind} node 'n'" in refusal(
        graph([helper.make_node(kind, ["x"], ["y"], name="n")], [1, 2]), path, UnsupportedOperator
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("dtype", "element"), TYPES, ids=["float32", "float64", "float16", "bfloat16"])
def test_a_weight_that_is_no_number_is_refused_by_name(value, dtype, element, path):
    tensors = [constant("w", [[1, 2], [value, 4]], dtype), *stored(dtype)[1:]]
    message = refusal(graph(MLP, [1, 2], tensors, element=element), path)
    assert message == f"initializer 'w': entry [1, 0] is {value}, expected a finite number"


def test_several_inputs_are_refused_by_name(path):
    message = refusal(graph([node("Add", "x z")], [1, 2], inputs=("x", "z")), path)
    assert message == "expected one input, found 2: 'x', 'z'; input=... (--input) says which"


def test_several_outputs_are_refused_by_name(path):
    model = graph(MLP, [1, 2], stored(np.float32))
    model.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, None))
    message = refusal(model, path)
    assert message == "expected one output, found 2: 'y', 'h'; output=... (--output) says which"


def test_no_input_is_refused(path):
    assert refusal(graph([node("Relu", "b")], [1], [constant("b", [1])], inputs=()), path) == (
        "expected one input, found 0: none"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, f"input 'x': expected a shape, found none; {GIVEN}"),
        ([1, "K"], f"input 'x': dimension 1: expected a positive size, found 'K'; {GIVEN}"),
        (["N", "K"], f"input 'x': dimension 1: expected a positive size, found 'K'; {GIVEN}"),
        ([1, 0], "input 'x': dimension 1: expected a positive size, found 0"),
        ([0, 2], "input 'x': dimension 0: expected a positive size, found 0"),
        ([1, -3], "input 'x': dimension 1: expected a positive size, found -3"),
    ],
)
def test_an_input_without_a_size_is_refused(shape, message, path):
    assert refusal(graph([node("Relu", "x")], shape), path) == message


@pytest.mark.parametrize("element", [TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING])
def test_an_input_of_no_floats_is_refused(element, path):
    message = refusal(graph([node("Relu", "x")], [1, 2], element=element), path, UnsupportedOperator)
    assert message.startswith("input 'x': expected floating-point numbers")


def test_an_output_that_nothing_defines_is_refused(path):
    assert refusal(graph([node("Relu", "x", "z")], [1, 2]), path) == "output 'y': nothing defines it"


def test_an_output_that_is_stored_is_refused(path):
    message = refusal(graph([], [1, 2], [constant("y", [1])]), path)
    assert message == "output 'y': it is a stored constant, not computed from the input"


@pytest.mark.parametrize("opset", [1, OLDEST_OPSET - 1, NEWEST_OPSET + 1, 1000])
def test_an_operator_set_out_of_range_is_refused(opset, path):
    message = refusal(graph(MLP, [1, 2], stored(np.float32), opset=opset), path, UnsupportedOperator)
    assert message == f"operator set {opset}: expected {OLDEST_OPSET} to {NEWEST_OPSET}"


def test_a_graph_without_an_operator_set_is_refused(path):
    model = graph(MLP, [1, 2], stored(np.float32))
    del model.opset_import[:]
    assert "it names no operator set" in refusal(model, path)


@pytest.mark.parametrize("element", [TensorProto.COMPLEX64, TensorProto.STRING])
def test_a_stored_tensor_of_no_numbers_is_refused(element, path):
    model = graph(MLP, [1, 2], stored(np.float32))
    model.graph.initializer[0].data_type = element
    assert refusal(model, path, UnsupportedOperator).startswith("initializer 'w': element type")


def test_a_stored_tensor_of_the_wrong_size_is_refused(path):
    model = graph(MLP, [1, 2], stored(np.float32))
    model.graph.initializer[0].dims[0] = 3
    assert refusal(model, path).startswith("initializer 'w': expected data of shape [3, 2]")


def test_two_initializers_of_one_name_are_refused(path):
    tensors = [*stored(np.float32), constant("w", [[0, 0], [0, 0]])]
    assert refusal(graph(MLP, [1, 2], tensors), path) == "initializer 'w': the name is taken"


def test_a_sparse_initializer_is_refused(path):
    model = graph([node("MatMul", "x w")], [1, 2])
    sparse = helper.make_sparse_tensor(constant("w", [1.0]), constant("i", [0], np.int64), [2, 2])
    model.graph.sparse_initializer.append(sparse)
    assert refusal(model, path, UnsupportedOperator) == "initializer 'w': sparse is not read"


def test_weights_in_another_file_that_is_missing_are_refused(path):
    model = graph(MLP, [1, 2], stored(np.float32))
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "missing.bin")
    tensor.ClearField("raw_data")
    assert "missing.bin" in refusal(model, path)


def test_no_prefix_of_a_file_is_read(path):
    whole = graph(MLP, [1, 2], stored(np.float32)).SerializeToString()
    for end in range(len(whole)):
        refusal(whole[:end], path)


def test_other_bytes_are_refused(path):
    for junk in (b"", b"\x00" * 100, b"not a model", b"\xff" * 64, b'{"format": "exactre-network"}'):
        refusal(junk, path)
