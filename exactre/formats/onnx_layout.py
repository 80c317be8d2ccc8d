"""ONNX operators that arrange elements and compute nothing: reshapes, slices, paddings, concatenations.

Source: the operator pages of the ONNX standard, opsets 8 and later.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate

import numpy as np

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine
from exactre.formats.affine import Tensor, constants
from exactre.formats.onnx_call import (
    Call,
    Table,
    Value,
    arranged,
    as_tensor,
    axes_of,
    axis_of,
    constant_tensor,
    integers,
)

TABLE = Table()


@TABLE.operator("Flatten", (1, 1), "axis")
def _flatten(call: Call) -> Value:
    x = call.value(0)
    axis = axis_of(call.integer("axis", 1), len(x.shape), len(x.shape) + 1)
    return arranged(x, lambda v: v.reshape(int(np.prod(v.shape[:axis])), -1))


@TABLE.operator("Reshape", (2, 2), "allowzero")
def _reshape(call: Call) -> Value:
    x, shape = call.value(0), list(integers(call.value(1), "shape"))
    if not call.integer("allowzero", 0):
        for k, size in enumerate(shape):
            if size == 0 and k < len(x.shape):
                shape[k] = x.shape[k]
    if min(shape, default=0) < -1:
        raise FormatError(f"expected sizes of at least -1, found {shape}")
    return arranged(x, lambda v: v.reshape(shape))


@TABLE.operator("Squeeze", (1, 2), "axes")
def _squeeze(call: Call) -> Value:
    axes = call.integers("axes", 1)
    return arranged(call.value(0), lambda v: np.squeeze(v, axes))


@TABLE.operator("Unsqueeze", (1, 2), "axes")
def _unsqueeze(call: Call) -> Value:
    axes = call.integers("axes", 1)
    if axes is None:
        raise FormatError("expected axes, found none")
    return arranged(call.value(0), lambda v: np.expand_dims(v, axes))


@TABLE.operator("Transpose", (1, 1), "perm")
def _transpose(call: Call) -> Value:
    perm = call.attributes.get("perm")
    axes = None if perm is None else integers(np.asarray(perm), "perm")
    return arranged(call.value(0), lambda v: np.transpose(v, axes))


@TABLE.operator("Concat", (1, 2**31 - 1), "axis")
def _concat(call: Call) -> Value:
    values = [call.value(k) for k in range(len(call.inputs))]
    if "axis" not in call.attributes:
        raise FormatError("expected the attribute 'axis', found none")
    axis = axis_of(call.integer("axis", 0), len(values[0].shape), len(values[0].shape))
    shapes = {(*value.shape[:axis], *value.shape[axis + 1 :]) for value in values}
    if len(shapes) != 1:
        raise FormatError(f"expected shapes that agree off axis {axis}, found {[v.shape for v in values]}")
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if len(arrays) == len(values):
        return np.concatenate(arrays, axis)
    return affine.concatenate([as_tensor(value) for value in values], axis)


@TABLE.operator("Shape", (1, 1), "start", "end")
def _shape(call: Call) -> Value:
    shape = call.value(0).shape
    stop = call.integer("end", len(shape))
    return np.array(shape[call.integer("start", 0) : stop], np.int64)


@TABLE.operator("Gather", (2, 2), "axis")
def _gather(call: Call) -> Value:
    x, places = call.value(0), call.value(1)
    indices = np.array(integers(places, "indices"), np.int64).reshape(places.shape)
    axis = axis_of(call.integer("axis", 0), len(x.shape), len(x.shape))
    return arranged(x, lambda v: np.take(v, indices, axis))


@TABLE.operator("Slice", (1, 5), "starts", "ends", "axes")
def _slice(call: Call) -> Value:
    x = call.value(0)
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    if starts is None or ends is None:
        raise FormatError("expected starts and ends, found none")
    axes = call.integers("axes", 3) or tuple(range(len(starts)))
    steps = call.optional(4)
    strides = (1,) * len(starts) if steps is None else integers(steps, "steps")
    if not len(starts) == len(ends) == len(axes) == len(strides):
        raise FormatError("expected as many starts as ends, axes and steps")
    cuts = [slice(None)] * len(x.shape)
    for start, end, axis, step in zip(starts, ends, axes_of(axes, len(x.shape)), strides, strict=True):
        cuts[axis] = slice(start, end, step)
    return arranged(x, lambda v: v[tuple(cuts)])


@TABLE.operator("Split", (1, 2), "axis", "split", "num_outputs")
def _split(call: Call) -> list[Value]:
    x = call.value(0)
    axis = axis_of(call.integer("axis", 0), len(x.shape), len(x.shape))
    if call.integer("num_outputs", call.outputs) != call.outputs:
        raise FormatError(f"expected num_outputs outputs, found {call.outputs}")
    sizes = call.integers("split", 1)
    if sizes is None:
        share = -(-x.shape[axis] // call.outputs)
        sizes = (*[share] * (call.outputs - 1), x.shape[axis] - share * (call.outputs - 1))
    if len(sizes) != call.outputs or sum(sizes) != x.shape[axis] or min(sizes) < 1:
        raise FormatError(
            f"expected {call.outputs} positive sizes of sum {x.shape[axis]}, found {list(sizes)}"
        )
    parts = [np.arange(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return [arranged(x, partial(np.take, indices=part, axis=axis)) for part in parts]


@TABLE.operator("Pad", (1, 4), "mode", "pads", "value")
def _pad(call: Call) -> Value:
    x = call.tensor(0)
    mode = call.text("mode", ("constant", "reflect", "edge"))
    pads, value = call.integers("pads", 1), call.optional(2)
    axes = call.integers("axes", 3) or tuple(range(len(x.shape)))
    if pads is None or len(pads) != 2 * len(axes):
        raise FormatError(f"expected {2 * len(axes)} pads, found {'none' if pads is None else len(pads)}")
    if min(pads, default=0) < 0:
        raise UnsupportedOperator("a negative pad is not read")
    widths = [(0, 0)] * len(x.shape)
    for k, axis in enumerate(axes_of(axes, len(x.shape))):
        widths[axis] = pads[k], pads[len(axes) + k]
    if mode == "edge":
        return arranged(x, lambda v: np.pad(v, widths, "edge"))
    if mode == "reflect":
        if any(max(w) >= size for w, size in zip(widths, x.shape, strict=True)):
            raise FormatError("expected pads that are smaller than what they reflect")
        return arranged(x, lambda v: np.pad(v, widths, "reflect"))
    filling = constants([call.number("value", 0.0)])
    if value is not None:
        filling = constant_tensor(value, "a padding").flat()
        if filling.count != 1:
            raise FormatError(f"expected one number to pad with, found {filling.count}")
    # One more form, which every place in the padding shows.
    index = np.pad(x.index, widths, constant_values=x.rows.count)
    return Tensor(affine.stack([x.rows, filling]), index)
