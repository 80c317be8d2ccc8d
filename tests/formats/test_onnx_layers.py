"""Random small graphs of every operator with windows, branches or a bend mean what onnxruntime computes.

Weights and inputs are small integers, so that float32 arithmetic is exact and the comparison is an equality;
where averages are taken, inputs are multiples of what they are divided by.
"""

import numpy as np
import pytest
from graphs import constant, graph, node, runtime_values, write
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from exactre.formats.onnx_file import read

C = constant
SMALL = st.integers(-3, 3)
DIVISIBLE = 2160  # by the size of every window below


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx") / "model.onnx"


def agrees(data, path, nodes, shape, tensors=(), *, opset=13, factor=1):
    """The network of a graph, which gives onnxruntime's numbers at two random points."""
    model = graph(nodes, shape, tensors, opset=opset)
    net = read(write(model, path))
    size = int(np.prod(shape))
    points = [
        [factor * v for v in data.draw(st.lists(st.integers(-8, 8), min_size=size, max_size=size))]
        for _ in range(2)
    ]
    assert [net(p) for p in points] == runtime_values(model, points)
    return net


def array(data, *shape):
    size = int(np.prod(shape))
    return np.array(data.draw(st.lists(SMALL, min_size=size, max_size=size))).reshape(shape)


def lists(data, count, least, most):
    return data.draw(st.lists(st.integers(least, most), min_size=count, max_size=count))


def window(data, dims, sizes, *, dilated=True, pooled=False):
    """Attributes of a window that fits: kernel, strides, dilations and either pads or auto_pad."""
    kernel = lists(data, dims, 1, 3)
    found = {"kernel_shape": kernel, "strides": lists(data, dims, 1, 3)}
    dilations = lists(data, dims, 1, 2) if dilated else [1] * dims
    padding = data.draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if padding != "NOTSET":
        found["auto_pad"] = padding
        dilations = [1] * dims  # the runtime takes no SAME with dilations
    if dilated:
        found["dilations"] = dilations
    pads = [0] * (2 * dims)
    if padding == "NOTSET":
        most = [k - 1 if pooled else 2 for k in kernel]  # a pooling's padding is smaller than its window
        pads = [data.draw(st.integers(0, m)) for m in most * 2]
        found["pads"] = pads
    for k, (size, width) in enumerate(zip(sizes, kernel, strict=True)):
        reach = dilations[k] * (width - 1) + 1
        if reach > size + pads[k] + pads[dims + k]:
            kernel[k] = 1
            if pooled:
                pads[k] = pads[dims + k] = 0
    if pooled and "auto_pad" in found:  # nor, in poolings, a SAME that leaves elements out
        found["strides"] = [min(s, k) for s, k in zip(found["strides"], kernel, strict=True)]
    return found


@settings(max_examples=30)
@given(st.data())
def test_conv(path, data):
    dims, group, batch = lists(data, 3, 1, 2)
    inputs, outputs = (group * data.draw(st.integers(1, 2)) for _ in range(2))
    sizes = lists(data, dims, 2, 5)
    attributes = window(data, dims, sizes)
    weight = array(data, outputs, inputs // group, *attributes["kernel_shape"])
    tensors = [C("w", weight), C("b", array(data, outputs))]
    bias = data.draw(st.booleans())
    conv = node("Conv", "x w b" if bias else "x w", group=group, **attributes)
    net = agrees(data, path, [conv], [batch, inputs, *sizes], tensors)
    assert len(net.nodes) == 1


@settings(max_examples=30)
@given(st.data())
def test_max_pool(path, data):
    dims = data.draw(st.integers(1, 2))
    sizes = lists(data, dims, 2, 5)
    attributes = window(data, dims, sizes, pooled=True)
    pool = node("MaxPool", "x", ceil_mode=data.draw(st.integers(0, 1)), **attributes)
    agrees(data, path, [pool], [1, 2, *sizes])


@settings(max_examples=30)
@given(st.data())
def test_average_pool(path, data):
    dims = data.draw(st.integers(1, 2))
    sizes = lists(data, dims, 2, 5)
    opset = data.draw(st.sampled_from([11, 13, 19]))
    attributes = window(data, dims, sizes, dilated=opset >= 19, pooled=True)
    ceil, include = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    pool = node("AveragePool", "x", ceil_mode=ceil, count_include_pad=include, **attributes)
    agrees(data, path, [pool], [1, 2, *sizes], opset=opset, factor=DIVISIBLE)


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
@given(data=st.data())
@settings(max_examples=10)
def test_global_pools(path, data, kind):
    sizes = lists(data, data.draw(st.integers(1, 2)), 1, 3)
    agrees(data, path, [node(kind, "x")], [2, 2, *sizes], factor=DIVISIBLE)


@settings(max_examples=20)
@given(st.data())
def test_reductions(path, data):
    shape = lists(data, 3, 1, 3)
    kind = data.draw(st.sampled_from(["ReduceMean", "ReduceSum"]))
    axes = data.draw(st.lists(st.integers(-3, 2), max_size=3, unique_by=lambda a: a % 3))
    keep = data.draw(st.integers(0, 1))
    opset = data.draw(st.sampled_from([11, 13, 18]))
    by_input = opset >= (13 if kind == "ReduceSum" else 18)
    if by_input:
        noop = data.draw(st.integers(0, 1))
        nodes = [node(kind, "x a", keepdims=keep, noop_with_empty_axes=noop)]
        agrees(data, path, nodes, shape, [C("a", axes, np.int64)], opset=opset, factor=DIVISIBLE)
    else:
        given_axes = {"axes": axes} if axes else {}
        agrees(
            data, path, [node(kind, "x", keepdims=keep, **given_axes)], shape, opset=opset, factor=DIVISIBLE
        )


@settings(max_examples=20)
@given(st.data())
def test_pad(path, data):
    shape = lists(data, 3, 2, 4)
    mode = data.draw(st.sampled_from(["constant", "reflect", "edge"]))
    pads = lists(data, 6, 0, 1)
    opset = data.draw(st.sampled_from([9, 11, 13, 18]))
    if opset < 11:
        value = {"value": float(data.draw(SMALL))} if mode == "constant" else {}
        agrees(data, path, [node("Pad", "x", mode=mode, pads=pads, **value)], shape, opset=opset)
        return
    tensors = [C("p", pads, np.int64), C("v", data.draw(SMALL))]
    names = "x p v" if data.draw(st.booleans()) else "x p"
    if opset >= 18:
        tensors += [C("p2", pads[:4], np.int64), C("a", [0, -1], np.int64)]
        names = "x p2 v a"
    agrees(data, path, [node("Pad", names, mode=mode)], shape, tensors, opset=opset)


@settings(max_examples=30)
@given(st.data())
def test_slice(path, data):
    shape = lists(data, 2, 2, 5)
    starts, ends, steps = [], [], []
    for size in shape:
        picked = data.draw(st.slices(size).filter(lambda s, n=size: len(range(*s.indices(n)))))
        step = picked.step or 1
        starts.append((0 if step > 0 else size) if picked.start is None else picked.start)
        ends.append((2**31 - 1 if step > 0 else -(2**31)) if picked.stop is None else picked.stop)
        steps.append(step)
    tensors = [C(n, v, np.int64) for n, v in (("s", starts), ("e", ends), ("a", [-2, 1]), ("t", steps))]
    agrees(data, path, [node("Slice", "x s e a t")], shape, tensors)


@pytest.mark.parametrize("axes", [{}, {"axes": [0, 1]}])
@given(data=st.data())
@settings(max_examples=5)
def test_slice_by_attributes(path, data, axes):
    agrees(data, path, [node("Slice", "x", starts=[1, -2], ends=[9, 2], **axes)], [3, 3], opset=9)


@settings(max_examples=30)
@given(st.data())
def test_split(path, data):
    sizes, axis = lists(data, 3, 1, 2), data.draw(st.sampled_from([0, 1, -1]))
    how = data.draw(st.sampled_from(["attribute", "input", "even"]))
    if how == "even":
        sizes = [2, 2, data.draw(st.integers(1, 2))]
    shape = [2, 2]
    shape[axis] = sum(sizes)
    opset = {"attribute": 11, "input": 13, "even": 18}[how]
    attributes = {"attribute": {"split": sizes}, "input": {}, "even": {"num_outputs": 3}}[how]
    inputs = ["x", "s"] if how == "input" else ["x"]
    split = helper.make_node("Split", inputs, ["p", "q", "r"], name="split", axis=axis, **attributes)
    nodes = [split, node("Concat", "r q p q", axis=axis)]
    agrees(data, path, nodes, shape, [C("s", sizes, np.int64)] if how == "input" else [], opset=opset)


@settings(max_examples=30)
@given(st.data())
def test_gather(path, data):
    shape, axis = lists(data, 3, 1, 3), data.draw(st.integers(-3, 2))
    size = shape[axis]
    indices = np.array(lists(data, 4, -size, size - 1))
    indices = data.draw(st.sampled_from([indices, indices.reshape(2, 2), indices[0]]))
    agrees(data, path, [node("Gather", "x i", axis=axis)], shape, [C("i", indices, np.int64)])


@settings(max_examples=20)
@given(st.data())
def test_concat_of_branches(path, data):
    nodes = [
        node("Conv", "x w", "u", pads=[1, 1]),
        node("Relu", "u", "h"),
        node("Concat", "h x u", "c", axis=1),
        node("Conv", "c v"),
    ]
    tensors = [C("w", array(data, 2, 1, 3)), C("v", array(data, 1, 5, 2))]
    agrees(data, path, nodes, [1, 1, 4], tensors)


@settings(max_examples=20)
@given(st.data())
def test_residual_block(path, data):
    nodes = [
        node("Conv", "x w", "u", pads=[1, 1, 1, 1]),
        node("Relu", "u", "h"),
        node("Conv", "h w", "v", pads=[1, 1, 1, 1]),
        node("Add", "v x", "s"),
        node("Relu", "s", "r"),
        node("MaxPool", "r", kernel_shape=[2, 2]),
    ]
    agrees(data, path, nodes, [1, 2, 3, 3], [C("w", array(data, 2, 2, 3, 3))])


@settings(max_examples=20)
@given(st.data())
def test_leaky_relu(path, data):
    alpha = data.draw(st.sampled_from([0.0, 0.25, -0.5, 1.0, 2.0]))
    nodes = [node("Conv", "x w", "u"), node("LeakyRelu", "u", "h", alpha=alpha), node("Conv", "h v")]
    tensors = [C("w", array(data, 2, 1, 2)), C("v", array(data, 1, 2, 2))]
    agrees(data, path, nodes, [1, 1, 4], tensors)


@settings(max_examples=20)
@given(st.data())
def test_prelu(path, data):
    shape = data.draw(st.sampled_from([[1], [3, 1], [1, 2], [3, 2]]))
    slopes = array(data, *shape) / 4
    nodes = [node("PRelu", "x s", "h"), node("GlobalAveragePool", "h")]
    net = agrees(data, path, nodes, [1, 3, 2], [C("s", slopes)])
    assert sum(n.width for n in net.hidden) <= 6


@settings(max_examples=20)
@given(st.data())
def test_clip(path, data):
    low, high = sorted((data.draw(SMALL), data.draw(SMALL)))
    names = data.draw(st.sampled_from(["x", "x l", "x l h", "by attributes"]))
    if names == "by attributes":
        nodes = [node("Clip", "x", min=float(low), max=float(high))]
        agrees(data, path, nodes, [2, 2], opset=9)
        return
    agrees(data, path, [node("Clip", names)], [2, 2], [C("l", low), C("h", high)])


@given(data=st.data())
@settings(max_examples=10)
def test_clip_from_above_alone(path, data):
    clip = helper.make_node("Clip", ["x", "", "h"], ["y"], name="clip")
    agrees(data, path, [clip], [2, 2], [C("h", data.draw(SMALL))])


@settings(max_examples=20)
@given(st.data())
def test_max_min_sum(path, data):
    kind = data.draw(st.sampled_from(["Max", "Min", "Sum"]))
    names = data.draw(st.lists(st.sampled_from(["x", "t", "c", "d"]), min_size=1, max_size=4))
    nodes = [node("Transpose", "x", "t", perm=[1, 0]), node(kind, " ".join(["x", *names]))]
    agrees(data, path, nodes, [2, 2], [C("c", array(data, 2, 2)), C("d", array(data, 1))])


@given(data=st.data())
@settings(max_examples=10)
def test_abs(path, data):
    agrees(data, path, [node("Neg", "x", "n"), node("Abs", "n", "a"), node("Abs", "a")], [3])


@given(data=st.data())
@settings(max_examples=10)
def test_a_shape_is_a_constant(path, data):
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s i", "n", axis=0),
        node("Unsqueeze", "n z", "u"),
        node("Concat", "u m", "r", axis=0),
        node("Reshape", "x r"),
    ]
    tensors = [C("i", 2, np.int64), C("z", [0], np.int64), C("m", [-1], np.int64)]
    agrees(data, path, nodes, [1, 2, 3], tensors)
    agrees(data, path, [node("Shape", "x", "s", start=1, end=3), node("Reshape", "x s")], [1, 2, 3], opset=15)
