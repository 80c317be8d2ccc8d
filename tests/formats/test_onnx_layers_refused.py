"""What a convolution, pooling, slice or bend cannot have is refused, operator and node named."""

import numpy as np
import pytest
from graphs import constant, graph, node, write
from onnx import helper

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats.onnx_file import read

C = constant
W = np.ones((2, 1, 3))
IMAGE = [1, 2, 4]
INPUT_KERNEL = [node("Conv", "x w", "u"), node("Conv", "x u")]
REFUSED = {
    "kernel of the input": (
        INPUT_KERNEL,
        [1, 1, 4],
        [C("w", W)],
        "conv': a kernel that depends on the input",
    ),
    "bias of the input": (
        [node("Flatten", "x", "f", axis=0), node("Squeeze", "f", "b"), node("Conv", "x w b")],
        [1, 1, 2],
        [C("w", np.ones((2, 1, 1)))],
        "conv': a bias that depends on the input",
    ),
    "unknown padding": (
        [node("Conv", "x w", auto_pad="SAME")],
        [1, 1, 4],
        [C("w", W)],
        "conv': attribute 'auto_pad': expected one of NOTSET, SAME_UPPER, SAME_LOWER, VALID",
    ),
    "unknown attribute of Conv": (
        [node("Conv", "x w", transposed=1)],
        [1, 1, 4],
        [C("w", W)],
        "conv': the attribute 'transposed' is not read",
    ),
    "indices of a pooling": (
        [
            helper.make_node("MaxPool", ["x"], ["p", "i"], name="pool", kernel_shape=[2]),
            node("Gather", "x i"),
        ],
        IMAGE,
        [],
        "gather': its input 'i' is defined by nothing",
    ),
    "power of a pooling": ([node("LpPool", "x", kernel_shape=[2])], IMAGE, [], "operator LpPool is not read"),
    "wrapped padding": (
        [node("Pad", "x", mode="wrap", pads=[0] * 6)],
        IMAGE,
        [],
        "pad': attribute 'mode': expected one of constant, reflect, edge",
    ),
    "cropping": (
        [node("Pad", "x p")],
        IMAGE,
        [C("p", [0, 0, -1, 0, 0, 0], np.int64)],
        "pad': a negative pad",
    ),
    "padding with the input": (
        [node("Pad", "x p x")],
        [1],
        [C("p", [1, 1], np.int64)],
        "pad': a padding that depends on the input",
    ),
    "slopes of the input": ([node("PRelu", "x x")], IMAGE, [], "prelu': a slope that depends on the input"),
    "bounds of the input": ([node("Clip", "x x")], [1], [], "clip': a min that depends on the input"),
    "places of the input": ([node("Gather", "x x")], [1], [], "gather': indices: only constant integers"),
    "statistics of the input": (
        [node("BatchNormalization", "x x x x x")],
        [1, 1],
        [],
        "batchnormalization': a statistic that depends on the input",
    ),
    "statistics of every place": (
        [node("BatchNormalization", "x o o o o", spatial=0)],
        [1, 1],
        [C("o", [1])],
        "batchnormalization': training mode and spatial=0",
    ),
}
BROKEN = {
    "kernel of other channels": (
        [node("Conv", "x w")],
        IMAGE,
        [C("w", W)],
        "conv': a kernel .2, 1, 3. in 1 groups",
    ),
    "groups that divide nothing": (
        [node("Conv", "x w", group=2)],
        IMAGE,
        [C("w", np.ones((3, 1, 2)))],
        "conv': a kernel .3, 1, 2. in 2 groups",
    ),
    "no groups": (
        [node("Conv", "x w", group=0)],
        IMAGE,
        [C("w", W)],
        "conv': a kernel .2, 1, 3. in 0 groups",
    ),
    "kernel of other dimensions": (
        [node("Conv", "x w")],
        [1, 1, 4, 4],
        [C("w", W)],
        "conv': expected .batch, channels, sizes. and a kernel",
    ),
    "image without channels": (
        [node("Conv", "x w")],
        [4, 4],
        [C("w", W[0])],
        "expected .batch, channels, sizes",
    ),
    "another kernel_shape": (
        [node("Conv", "x w", kernel_shape=[2])],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected the kernel_shape .3.",
    ),
    "bias of other channels": (
        [node("Conv", "x w b")],
        [1, 1, 4],
        [C("w", W), C("b", [1, 2, 3])],
        "conv': expected a bias of 2 channels",
    ),
    "large kernel": (
        [node("Conv", "x w")],
        [1, 1, 2],
        [C("w", W)],
        "conv': a window of 3 with dilation 1 is larger than 2",
    ),
    "dilated beyond": (
        [node("Conv", "x w", dilations=[3])],
        [1, 1, 4],
        [C("w", W)],
        "conv': a window of 3 with dilation 3 is larger than 4",
    ),
    "zero stride": (
        [node("Conv", "x w", strides=[0])],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected positive sizes",
    ),
    "zero stride and SAME": (
        [node("Conv", "x w", strides=[0], auto_pad="SAME_UPPER")],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected 1 numbers",
    ),
    "negative padding": (
        [node("Conv", "x w", pads=[-1, 0])],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected positive sizes, strides and dilations, and no negative pads",
    ),
    "one padding": (
        [node("Conv", "x w", pads=[1])],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected 2 pads, found 1",
    ),
    "two strides": (
        [node("Conv", "x w", strides=[1, 1])],
        [1, 1, 4],
        [C("w", W)],
        "conv': expected 1 numbers",
    ),
    "text for strides": (
        [node("Conv", "x w", strides=["a"])],
        [1, 1, 4],
        [C("w", W)],
        "conv': strides: expected int",
    ),
    "pooling without a window": (
        [node("MaxPool", "x")],
        IMAGE,
        [],
        "maxpool': expected the attribute 'kernel_shape'",
    ),
    "pooling of a matrix": (
        [node("MaxPool", "x", kernel_shape=[2])],
        [2, 2],
        [],
        "maxpool': expected .batch",
    ),
    "window in the padding": (
        [node("MaxPool", "x", kernel_shape=[1], pads=[1, 1])],
        IMAGE,
        [],
        "maxpool': a window lies in the padding alone",
    ),
    "average of the padding": (
        [node("AveragePool", "x", kernel_shape=[1], pads=[1, 1])],
        IMAGE,
        [],
        "averagepool': a window lies in the padding alone",
    ),
    "wrong axis of a mean": (
        [node("ReduceMean", "x", axes=[3])],
        IMAGE,
        [],
        "reducemean': axis: expected one of 3",
    ),
    "an axis twice": (
        [node("ReduceMean", "x", axes=[0, -3])],
        IMAGE,
        [],
        "reducemean': expected each axis once",
    ),
    "large slopes": (
        [node("PRelu", "x s")],
        [1, 2],
        [C("s", np.ones((2, 2)))],
        "prelu': expected slopes that",
    ),
    "bounds crossed": (
        [node("Clip", "x l h")],
        IMAGE,
        [C("l", 1), C("h", 0)],
        "clip': expected min <= max, found 1 and 0",
    ),
    "several bounds": (
        [node("Clip", "x l")],
        IMAGE,
        [C("l", [1, 2])],
        "clip': expected one number as min, found 2",
    ),
    "shapes of a maximum": ([node("Max", "x c")], IMAGE, [C("c", [1, 2, 3])], "max': shapes"),
    "index out of range": (
        [node("Gather", "x i")],
        IMAGE,
        [C("i", 1, np.int64)],
        "gather': a tensor of shape",
    ),
    "fractional index": (
        [node("Gather", "x i")],
        IMAGE,
        [C("i", 0.5)],
        "gather': indices: expected integers",
    ),
    "zero step": (
        [node("Slice", "x s e a t")],
        IMAGE,
        [C(n, v, np.int64) for n, v in (("s", [0]), ("e", [1]), ("a", [0]), ("t", [0]))],
        "slice': a tensor of shape",
    ),
    "empty slice": (
        [node("Slice", "x s s")],
        IMAGE,
        [C("s", [0], np.int64)],
        "slice': its output has zero width",
    ),
    "a slice of one axis twice": (
        [node("Slice", "x s e a")],
        IMAGE,
        [C(n, v, np.int64) for n, v in (("s", [0, 0]), ("e", [1, 1]), ("a", [1, -2]))],
        "slice': expected each axis once",
    ),
    "no ends": ([node("Slice", "x s")], IMAGE, [C("s", [0], np.int64)], "slice': expected starts and ends"),
    "more starts than ends": (
        [node("Slice", "x s e")],
        IMAGE,
        [C("s", [0, 0], np.int64), C("e", [1], np.int64)],
        "slice': expected as many starts",
    ),
    "parts that do not add up": (
        [node("Split", "x s")],
        IMAGE,
        [C("s", [2], np.int64)],
        "split': expected 1 positive sizes of sum 1",
    ),
    "more parts than names": ([node("Split", "x", num_outputs=2)], IMAGE, [], "split': expected num_outputs"),
    "no pads": ([node("Pad", "x")], IMAGE, [], "pad': expected 6 pads, found none"),
    "too few pads": ([node("Pad", "x p")], IMAGE, [C("p", [1], np.int64)], "pad': expected 6 pads, found 1"),
    "pads of one axis twice": (
        [node("Pad", "x p v a")],
        IMAGE,
        [C("p", [0, 1, 1, 0], np.int64), C("v", 0), C("a", [2, -1], np.int64)],
        "pad': expected each axis once",
    ),
    "several paddings": (
        [node("Pad", "x p v")],
        IMAGE,
        [C("p", [0] * 6, np.int64), C("v", [1, 2])],
        "pad': expected one number to pad with, found 2",
    ),
    "a reflection beyond": (
        [node("Pad", "x p", mode="reflect")],
        IMAGE,
        [C("p", [0, 0, 4, 0, 0, 0], np.int64)],
        "pad': expected pads that are smaller",
    ),
}


@pytest.mark.parametrize("case", [*REFUSED, *BROKEN])
def test_what_does_not_fit_is_refused_by_operator_and_node(case, tmp_path):
    nodes, shape, tensors, message = (REFUSED | BROKEN)[case]
    with pytest.raises(FormatError, match=message) as caught:
        read(write(graph(nodes, shape, tensors), tmp_path / "model.onnx"))
    assert isinstance(caught.value, UnsupportedOperator) == (case in REFUSED and "nothing" not in message)
    assert "\n" not in str(caught.value)
