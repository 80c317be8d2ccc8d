"""Real networks, written by others, are read as the functions that they are.

Two comparisons with onnxruntime. With every weight of a real graph replaced by -1, 0 or 1 and with integer
inputs, float32 arithmetic is exact, so that the real graph's wiring is checked by equality. With the real
weights the runtime must stay within a bound that is proved for any order of summation.
"""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from graphs import runtime_values

from exactre import load
from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import onnx_file
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

WIDTHS = {
    "acasxu_1_1.onnx": (5, 50, 50, 50, 50, 50, 50, 5),
    "cartpole.onnx": (4, 64, 64, 2),
    "drones_AC1.onnx": (12, 32, 16, 1),
    "fc1.onnx": (2, 25, 25, 25, 2),
    "fc_2-2-3.onnx": (2, 2, 3),
    "mnist2x10.onnx": (784, 10, 10, 10),
    "mnist8x8_student_36_10-mirror.onnx": (64, 36, 10),
    "mnist8x8_student_36_10.onnx": (64, 32, 16, 10),
    "test_nano.onnx": (1, 1, 1),
    "test_small.onnx": (1, 2, 2, 1),
    "test_tiny.onnx": (1, 1, 1),
    "tll_2_8.onnx": (2, 128, 64, 32, 16, 8, 4, 1),
    "vdp.onnx": (3, 32, 32, 3),
    "acasxu_1_1.nnet": (5, 50, 50, 50, 50, 50, 50, 5),
    "cartpole_nnet.nnet": (4, 16, 16, 16, 2),
    "twin_ladder_5.nnet": (5, 10, 1),
}
ONNX = [name for name in WIDTHS if name.endswith(".onnx")]
# In the others a node of the network is one product and one sum of the file: a bound is a line of algebra.
# tll_2_8 multiplies twice between ReLUs, and onnxruntime refuses the two float types of drones_AC1.
ONE_TO_ONE = [name for name in ONNX if name not in ("tll_2_8.onnx", "drones_AC1.onnx")]


def integer_points(dim):
    return [[(5 * i * i + 3 * i + 2 * k) % 7 - 3 for i in range(dim)] for k in range(4)]


def dyadic_points(dim):
    return [[Fraction((5 * i * i + 3 * i + 11 * k) % 64 - 32, 32) for i in range(dim)] for k in range(4)]


def absolute(matrix):
    return Matrix.from_rows([[abs(v) for v in row] for row in matrix.rows()], matrix.shape[1])


def magnitudes(net):
    """Network that bounds every intermediate sum of the absolute values, at the absolute input."""
    nodes = [
        Node(node.name, node.relu, tuple((s, absolute(w)) for s, w in node.inputs), absolute(node.bias))
        for node in net.nodes
    ]
    return Network(net.input_dim, nodes)


@pytest.mark.parametrize("name", WIDTHS)
def test_a_real_network_is_layered_with_its_widths(models, name):
    net = load(models / name)
    assert (net.input_dim, *(node.width for node in net.nodes)) == WIDTHS[name]
    assert net.is_layered


@pytest.mark.parametrize("name", ONNX)
def test_a_real_graph_is_wired_as_the_runtime_wires_it(models, name, tmp_path):
    model = onnx.load(models / name)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    del model.graph.value_info[:]  # types that an exporter noted down; drones_AC1's contradict its weights
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        small = np.zeros(array.shape, np.float32)
        for t in range(2 * max(array.shape)):
            place = tuple((t * (2 * k + 1) + t // size) % size for k, size in enumerate(array.shape))
            small[place] = 1 if t % 3 else -1
        tensor.CopyFrom(onnx.numpy_helper.from_array(small, tensor.name))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    net = onnx_file.read(path)
    points = integer_points(net.input_dim)
    for sums in magnitudes(net).preactivations([[abs(v) for v in p] for p in points]).values():
        assert max(max(row) for row in sums) < 2**24  # every float32 sum is exact
    values = [net(p) for p in points]
    assert len(set(values)) > 1
    assert values == runtime_values(model, points)


@pytest.mark.parametrize("name", ONE_TO_ONE)
def test_the_runtime_stays_within_its_rounding_errors(models, name):
    # |fl(W y + b) - (W y + b)| <= g (|W| |y| + |b|) + t, g = k u / (1 - k u), k = n + 1 roundings of one unit
    # u = 2^-24 each, in any order of summation, fused or not; t covers underflow. ReLU adds nothing.
    # With |y - x| <= e for the runtime's y and the exact x, the error of a node is at most
    # |W| e + g (|W| (|x| + e) + |b|) + t. Source: N. J. Higham, Accuracy and Stability, section 3.1.
    net = load(models / name)
    points = dyadic_points(net.input_dim)
    found = runtime_values(onnx.load(models / name), points)
    for point, outputs in zip(points, found, strict=True):
        values = net.preactivations([point], after_relu=True)
        error, size = Matrix.column([0] * net.input_dim), Matrix.column([abs(v) for v in point])
        for node in net.nodes:
            ((_, weight),) = node.inputs
            if is_copy(weight, node.bias):  # the file ends in a ReLU: the output node computes nothing
                continue
            n = weight.shape[1]
            g = Fraction(n + 1, 2**24 - (n + 1))
            tiny = Matrix.column([Fraction(n + 1, 2**149)] * node.width)
            w = absolute(weight)
            error = w @ error + (w @ (size + error) + absolute(node.bias)).scale(g) + tiny
            size = Matrix.column([abs(v) for v in values[node.name][0]])
        for y, exact, (bound,) in zip(outputs, net(point), error.rows(), strict=True):
            assert abs(y - exact) <= bound


def is_copy(weight, bias):
    m, n = weight.shape
    one = [[int(i == j) for j in range(n)] for i in range(m)]
    return weight == Matrix.from_rows(one, n) and bias == Matrix.column([0] * m)


def test_the_decimals_of_acasxu_are_the_weights_of_its_onnx_file_when_rounded(models):
    net = load(models / "acasxu_1_1.onnx")
    text = models / "acasxu_1_1.nnet"
    assert load(text, weights="float32", normalization=False) == net
    assert load(text, normalization=False) != net
    assert load(text, weights="float64", normalization=False) != net
    assert load(text, weights="float32") != net


def test_twin_ladder_is_constant_where_it_is_tried(models):
    net = load(models / "twin_ladder_5.nnet")
    assert {net(p) for p in dyadic_points(5)} == {(Fraction(1, 100),)}


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("fc_2-2sigmoids-3.onnx", "Sigmoid node 'Sigmoid': the operator Sigmoid is not read"),
        ("lhc_2_80.onnx", "Softmax node '/5/Softmax': the operator Softmax is not read; it ends the graph"),
        ("lhc_2_80_pruned.onnx", "Softmax node '/5/Softmax': the operator Softmax is not read; it ends"),
        (
            "linear2-3_bn1-linear3-1.onnx",
            "BatchNormalization node 'BatchNormalization_1': the standard deviation",
        ),
    ],
)
def test_an_operator_that_no_relu_network_has_is_refused_by_name(models, name, operator):
    with pytest.raises(UnsupportedOperator) as caught:
        load(models / name)
    assert str(caught.value).startswith(f"{models / name}: {operator}")


def test_two_outputs_are_refused_by_name(models):
    with pytest.raises(
        FormatError, match=r"oneInput_twoBranches\.onnx: expected one output, found 2: 'Y', 'add1'"
    ):
        load(models / "oneInput_twoBranches.onnx")


@pytest.mark.parametrize("name", WIDTHS)
def test_a_real_file_cut_in_the_middle_is_refused(models, name, tmp_path):
    data = (models / name).read_bytes()
    path = tmp_path / name
    for parts in (2, 3, 5, 100):
        path.write_bytes(data[: len(data) * (parts - 1) // parts])
        with pytest.raises(FormatError) as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_the_first_layer_of_a_graph_is_its_stored_matrix(models):
    stored = {
        t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(models / "mnist2x10.onnx").graph.initializer
    }
    first = load(models / "mnist2x10.onnx").nodes[0]
    assert first.inputs == ((INPUT, Matrix.from_floats(stored["fc1.weight"])),)
    assert first.bias == Matrix.from_floats(stored["fc1.bias"].reshape(-1, 1))
