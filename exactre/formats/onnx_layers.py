"""ONNX operators of convolutional networks: convolutions, poolings, normalization, reductions, activations.

Source: the operator pages of the ONNX standard, opsets 8 and later.
"""

from __future__ import annotations

from functools import reduce
from math import prod

import numpy as np

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine, piecewise
from exactre.formats.affine import Tensor, constants
from exactre.formats.batch_norm import batch_norm
from exactre.formats.onnx_call import Call, Table, Value, axes_of, constant_tensor, fractions
from exactre.formats.windows import Sizes, Windows, averages, convolve, maxima, same_pads, windows

TABLE = Table()

_PADDING = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
_WINDOW = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")


@TABLE.operator("Conv", (2, 3), "group", *_WINDOW)
def _conv(call: Call) -> Value:
    x, weight = call.tensor(0), constant_tensor(call.value(1), "a kernel")
    if len(x.shape) < 3 or len(weight.shape) != len(x.shape):
        raise FormatError(
            f"expected (batch, channels, sizes) and a kernel, found {list(x.shape)}, {list(weight.shape)}"
        )
    group, channels = call.integer("group", 1), weight.shape[0]
    if group < 1 or channels % group or x.shape[1] != weight.shape[1] * group:
        raise FormatError(
            f"a kernel {list(weight.shape)} in {group} groups does not fit {x.shape[1]} channels"
        )
    if _numbers(call, "kernel_shape", weight.shape[2:]) != weight.shape[2:]:
        raise FormatError(f"expected the kernel_shape {list(weight.shape[2:])}")
    result = convolve(x, weight.flat().bias, channels, group, _windows(call, x, weight.shape[2:]))
    if call.optional(2) is None:
        return result
    bias = constant_tensor(call.value(2), "a bias")
    if bias.shape != (channels,):
        raise FormatError(f"expected a bias of {channels} channels, found {list(bias.shape)}")
    return affine.add(result, affine.rearrange(bias, lambda v: v.reshape(-1, *(1 for _ in x.shape[2:]))))


@TABLE.operator("AveragePool", (1, 1), "ceil_mode", "count_include_pad", *_WINDOW)
def _average_pool(call: Call) -> Value:
    x = _image(call)
    return averages(x, _windows(call, x, _kernel(call)), bool(call.integer("count_include_pad", 0)))


@TABLE.operator("MaxPool", (1, 1), "ceil_mode", "storage_order", *_WINDOW)
def _max_pool(call: Call) -> Value:
    x = _image(call)
    return maxima(call.builder, x, _windows(call, x, _kernel(call)))


@TABLE.operator("GlobalAveragePool", (1, 1))
def _global_average_pool(call: Call) -> Value:
    x = _image(call)
    return _reduced(x, tuple(range(2, len(x.shape))), mean=True, keep=True)


@TABLE.operator("GlobalMaxPool", (1, 1))
def _global_max_pool(call: Call) -> Value:
    x = _image(call)
    sizes, ones, zeros = x.shape[2:], [1] * (len(x.shape) - 2), [0] * (len(x.shape) - 2)
    return maxima(call.builder, x, windows(sizes, sizes, ones, ones, zeros, zeros))


@TABLE.operator("BatchNormalization", (5, 5), "epsilon", "momentum", "training_mode", "spatial")
def _batch_normalization(call: Call) -> Value:
    if call.integer("training_mode", 0) or not call.integer("spatial", 1):
        raise UnsupportedOperator("training mode and spatial=0 are not read")
    statistics = [fractions(constant_tensor(call.value(k), "a statistic")) for k in range(1, 5)]
    epsilon = call.number("epsilon", float(np.float32(1e-5)))
    return batch_norm(call.tensor(0), statistics, epsilon, call.rounding)


@TABLE.operator("ReduceMean", (1, 2), "axes", "keepdims", "noop_with_empty_axes")
def _reduce_mean(call: Call) -> Value:
    return _reduce(call, mean=True)


@TABLE.operator("ReduceSum", (1, 2), "axes", "keepdims", "noop_with_empty_axes")
def _reduce_sum(call: Call) -> Value:
    return _reduce(call, mean=False)


@TABLE.operator("Relu", (1, 1))
def _relu(call: Call) -> Value:
    return piecewise.relu(call.builder, call.tensor(0))


@TABLE.operator("LeakyRelu", (1, 1), "alpha")
def _leaky_relu(call: Call) -> Value:
    slope = constants([call.number("alpha", float(np.float32(0.01)))])
    return piecewise.leaky(call.builder, call.tensor(0), Tensor.of(slope, ()))


@TABLE.operator("PRelu", (2, 2))
def _prelu(call: Call) -> Value:
    x, slopes = call.tensor(0), constant_tensor(call.value(1), "a slope")
    result = piecewise.leaky(call.builder, x, slopes)
    if result.shape != x.shape:
        raise FormatError(f"expected slopes that broadcast to {list(x.shape)}, found {list(slopes.shape)}")
    return result


@TABLE.operator("Abs", (1, 1))
def _abs(call: Call) -> Value:
    return piecewise.absolute(call.builder, call.tensor(0))


@TABLE.operator("Clip", (1, 3), "min", "max")
def _clip(call: Call) -> Value:
    bounds = []
    for k, name in ((1, "min"), (2, "max")):
        value = call.optional(k)
        if value is None:
            bounds.append(call.number(name, 0.0) if name in call.attributes else None)
            continue
        found = fractions(constant_tensor(value, f"a {name}"))
        if len(found) != 1:
            raise FormatError(f"expected one number as {name}, found {len(found)}")
        bounds += found
    return piecewise.clip(call.builder, call.tensor(0), *bounds)


@TABLE.operator("Max", (1, 2**31 - 1))
def _max(call: Call) -> Value:
    tensors = [call.tensor(k) for k in range(len(call.inputs))]
    return reduce(lambda a, b: piecewise.maximum(call.builder, a, b), tensors)


@TABLE.operator("Min", (1, 2**31 - 1))
def _min(call: Call) -> Value:
    tensors = [call.tensor(k) for k in range(len(call.inputs))]
    return reduce(lambda a, b: piecewise.minimum(call.builder, a, b), tensors)


def _image(call: Call) -> Tensor:
    x = call.tensor(0)
    if len(x.shape) < 3:
        raise FormatError(f"expected (batch, channels, sizes), found {list(x.shape)}")
    return x


def _kernel(call: Call) -> tuple[int, ...]:
    if "kernel_shape" not in call.attributes:
        raise FormatError("expected the attribute 'kernel_shape', found none")
    return _numbers(call, "kernel_shape", ())


def _numbers(call: Call, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    found = call.integers(name, len(call.inputs))
    return default if found is None else found


def _windows(call: Call, x: Tensor, kernel: Sizes) -> Windows:
    sizes = x.shape[2:]
    ones = (1,) * len(sizes)
    strides, dilations = _numbers(call, "strides", ones), _numbers(call, "dilations", ones)
    pads = _numbers(call, "pads", (0,) * (2 * len(sizes)))
    padding = call.text("auto_pad", _PADDING)
    if len(pads) != 2 * len(sizes):
        raise FormatError(f"expected {2 * len(sizes)} pads, found {len(pads)}")
    begin: Sizes = pads[: len(sizes)]
    end: Sizes = pads[len(sizes) :]
    ceil = bool(call.integer("ceil_mode", 0))
    if padding == "VALID":
        begin = end = (0,) * len(sizes)
    elif padding != "NOTSET":
        if not len(kernel) == len(strides) == len(dilations) == len(sizes) or min(strides) < 1:
            raise FormatError(f"expected {len(sizes)} numbers for each of kernel, strides and dilations")
        begin, end = same_pads(sizes, kernel, strides, dilations, padding == "SAME_UPPER")
    return windows(sizes, kernel, strides, dilations, begin, end, ceil)


def _reduce(call: Call, *, mean: bool) -> Value:
    x, found = call.tensor(0), call.integers("axes", 1)
    if not found and call.integer("noop_with_empty_axes", 0):
        return x
    axes = axes_of(found or range(len(x.shape)), len(x.shape))
    return _reduced(x, axes, mean=mean, keep=bool(call.integer("keepdims", 1)))


def _reduced(x: Tensor, axes: tuple[int, ...], *, mean: bool, keep: bool) -> Tensor:
    """Sum or mean over some axes, which stay with size 1 if `keep`."""
    rest = [axis for axis in range(len(x.shape)) if axis not in axes]
    size = prod(x.shape[axis] for axis in axes)
    index = np.transpose(x.index, [*rest, *axes]).reshape(-1, size)
    rows = affine.sums(x.rows, index, [size if mean else 1] * len(index))
    shape = [1 if axis in axes else x.shape[axis] for axis in range(len(x.shape)) if keep or axis in rest]
    return Tensor.of(rows, shape)
