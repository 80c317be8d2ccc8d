"""Real convolutional, residual and branched networks are read as the functions that they are.

Two comparisons with onnxruntime. With every weight of a real graph replaced by -1, 0 or 1 and with integer
inputs, float32 arithmetic is exact, so that the real graph's wiring is checked by equality. With the real
weights the runtime must stay within a bound that is proved for any order of summation.
"""

from fractions import Fraction

import numpy as np
import onnx
import pytest

from exactre import load
from exactre.certify.certificate import digest
from exactre.formats import json_file
from exactre.formats.runtime import replay
from exactre.network import INPUT
from exactre.rational import Matrix, Points

CUT = {"cut": True}
MODELS = {
    "cifar_base_kw.onnx": ((3072, 2048, 1024, 100, 10), {}),
    "cifar_base_kw_simp.onnx": ((3072, 2048, 1024, 100, 10), {}),
    "convnet_avgpool.onnx": ((784, 23328, 10), {}),
    "convnet_maxpool.onnx": ((784, 23328, 9216, 4608, 2304, 1152, 10), {}),
    "conv_mp1.onnx": ((192, 512, 256, 128, 32, 5), {}),
    "resnet_2b.onnx": ((3072, 2048, 1024, 1024, 1024, 1024, 100, 10), {}),
    "mnist5x20_leaky_relu.onnx": ((784, *[20] * 12, 10), {}),
    "linear2-3_bn1-linear3-1.onnx": ((2, 1), {"weights": "float32"}),
    "oneInput_twoBranches.onnx": ((12, 12, 12, 12, 12), {"output": "Y"}),
    "lhc_2_80.onnx": ((16, 40, 40, 5), CUT),
    "lhc_2_80_pruned.onnx": ((16, 40, 40, 5), CUT),
}
NORMALIZED = "linear2-3_bn1-linear3-1.onnx"
# Averages of 16 are exact in float32; a slope of 0.1 is not.
INTEGER = sorted(set(MODELS) - {"mnist5x20_leaky_relu.onnx"})
# Two products of the file are one of the network here: its weights are no bound of what is summed.
BOUNDED = sorted(set(MODELS) - {NORMALIZED})


def points(dim, top, count=2):
    return [[(5 * i * i + 3 * i + 2 * k) % (2 * top + 1) - top for i in range(dim)] for k in range(count)]


@pytest.mark.parametrize("name", MODELS)
def test_a_real_network_has_its_widths(models, name):
    widths, options = MODELS[name]
    net = load(models / name, **options)
    assert (net.input_dim, *(node.width for node in net.nodes)) == widths


@pytest.mark.parametrize("name", INTEGER)
def test_a_real_graph_is_wired_as_the_runtime_wires_it(models, name, tmp_path):
    model = onnx.load(models / name)
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype.kind == "f":
            small = np.zeros(array.size, array.dtype)
            # Few, in no pattern that rows share: so sums stay short, and no two rows are alike.
            places = np.arange(array.size)
            mixed = (places * places + places // 7) % max(5, min(61, array.size // 2))
            small[mixed < 2] = 1
            small[mixed == 4] = -1
            if tensor.name.endswith("running_var"):
                small[:] = 4
            tensor.CopyFrom(onnx.numpy_helper.from_array(small.reshape(array.shape), tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon":
                attribute.f = 0.0
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    _, options = MODELS[name]
    net = load(path, **options)
    batch = [[16 * v for v in p] for p in points(net.input_dim, 1)]
    assert max(abs(v) for values in net.preactivations(batch).values() for row in values for v in row) < 2**24
    values = [net(p) for p in batch]
    assert len(set(values)) > 1
    assert values == [tuple(map(Fraction, replay(path, p, **options))) for p in batch]


def absolute(matrix):
    if matrix.sparse is not None:
        return Matrix(matrix.sparse.with_values(abs(matrix.sparse.values)), matrix.den)
    return Matrix.from_rows([[abs(v) for v in row] for row in matrix.rows()], matrix.shape[1])


@pytest.mark.parametrize("name", BOUNDED)
def test_the_runtime_stays_within_its_rounding_errors(models, name):
    # As in test_real_models.py, over all sources of a node: the error of u is at most
    # sum |W| e + g (sum |W| (|x| + e) + |b|) + t, g = k v / (1 - k v), of unit v = 2^-24 and with k the row's
    # entries and 4 more, for the factors that are folded into its weights (an average's size, a slope).
    # A maximum of the file is exact, and e over its pieces a + relu(b - a) is at least the errors of a and b.
    _, options = MODELS[name]
    net = load(models / name, **options)
    for point in points(net.input_dim, 32, 1):
        point = [Fraction(v, 32) for v in point]
        values = net.preactivations([point], after_relu=True)
        errors = {INPUT: Matrix.column([0] * net.input_dim)}
        sizes = {INPUT: Matrix.column([abs(v) for v in point])}
        for node in net.nodes:
            weights = [(source, absolute(weight)) for source, weight in node.inputs]
            k = 4 + max(
                map(sum, zip(*([len(row) for row in w.row_entries()] for _, w in weights), strict=True))
            )
            carried = Matrix.column([0] * node.width)
            summed = absolute(node.bias)
            for source, weight in weights:
                carried += weight @ errors[source]
                summed += weight @ (sizes[source] + errors[source])
            tiny = Matrix.column([Fraction(k, 2**149)] * node.width)
            errors[node.name] = carried + summed.scale(Fraction(k, 2**24 - k)) + tiny
            sizes[node.name] = Matrix.column([abs(v) for v in values[node.name][0]])
        found = replay(models / name, point, **options)
        bounds = errors[net.nodes[-1].name].rows()
        for exact, value, (bound,) in zip(net(point), found, bounds, strict=True):
            assert abs(exact - Fraction(value)) <= bound


def test_a_normalized_network_stays_within_its_rounding_errors(models, tmp_path):
    # The same with the file's own products: the graph of the absolute weights bounds what is summed, and each
    # number goes through at most 16 roundings, with those of the factor.
    options = MODELS[NORMALIZED][1]
    net = load(models / NORMALIZED, **options)
    model = onnx.load(models / NORMALIZED)
    for tensor in model.graph.initializer:
        array = np.abs(onnx.numpy_helper.to_array(tensor))
        sign = -1 if tensor.name.endswith("running_mean") else 1  # the mean is subtracted
        tensor.CopyFrom(onnx.numpy_helper.from_array(sign * array, tensor.name))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    summed = load(path, **options)
    for point in ([1, -2], [-3, 5], [Fraction(1, 8), 0]):
        (value,), (exact,) = replay(models / NORMALIZED, point, **options), net(point)
        (size,) = summed([abs(v) for v in point])
        assert abs(exact - Fraction(value)) <= size * Fraction(16, 2**24 - 16)


def test_a_convolutional_network_is_kept_sparse_and_comes_back_from_its_file(models):
    net = load(models / "cifar_base_kw.onnx")
    sparse = [weight.sparse for node in net.nodes for _, weight in node.inputs]
    assert sum(matrix is None for matrix in sparse) == 2  # the dense layers at the end
    assert net.distinct < 120_000 < net.nonzero < net.parameters // 10
    back = json_file.loads(json_file.dumps(net))
    assert back == net
    assert digest(back) == digest(net)
    assert [weight.sparse is None for node in back.nodes for _, weight in node.inputs] == [
        matrix is None for matrix in sparse
    ]
    batch = Points.from_floats(np.random.default_rng(0).uniform(-1, 1, (3, net.input_dim)))
    expected = net.preactivations(batch, after_relu=True)[net.nodes[-1].name]
    assert net.evaluate(batch) == back.evaluate(batch) == expected


def test_the_branches_of_a_graph_are_read_apart_and_together(models):
    path = models / "oneInput_twoBranches.onnx"
    both = load(path, output=["add1", "Y"])
    (point,) = points(12, 3, 1)
    assert both(point) == load(path, output="add1")(point) + load(path, output="Y")(point)
