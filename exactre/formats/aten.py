"""The ATen operators of exported PyTorch graphs, most of them read as ONNX operators of another name.

Source: the schemas of ATen, which name the arguments, and the ONNX standard's operator pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine, onnx_layers, onnx_layout, onnx_operators, piecewise
from exactre.formats.affine import Builder, Tensor, constants
from exactre.formats.batch_norm import batch_norm
from exactre.formats.floats import Kind
from exactre.formats.onnx_call import Call, Value, arranged, as_tensor, axis_of, constant_tensor, fractions

CUT = ("argmax", "log_softmax", "sigmoid", "softmax")

_ONNX = onnx_operators.TABLE | onnx_layout.TABLE | onnx_layers.TABLE


@dataclass(frozen=True)
class Arguments:
    """The arguments of one node by their names in the schema, tensors as values."""

    given: Mapping[str, Any]
    builder: Builder
    rounding: Kind | None

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    def value(self, name: str) -> Value:
        """A tensor, or a number as one."""
        found = self.given[name]
        return found if isinstance(found, Tensor) else np.asarray(found)

    def tensor(self, name: str) -> Tensor:
        """An exact tensor."""
        return as_tensor(self.value(name))

    def number(self, name: str) -> Fraction | None:
        """A finite number, or None."""
        found = self.given[name]
        if found is None:
            return None
        if not isinstance(found, int | float) or not np.isfinite(found):
            raise FormatError(f"{name}: expected a finite number, found {found!r:.60}")
        return Fraction(found)

    def factor(self, name: str) -> Fraction:
        """A finite number."""
        found = self.number(name)
        if found is None:
            raise FormatError(f"{name}: expected a number, found none")
        return found

    def sizes(self, name: str, count: int) -> list[int]:
        """One number for each of `count` dimensions; a single one stands for all."""
        found = self.given[name]
        listed = [found] if isinstance(found, int) else list(found)
        return listed * count if len(listed) == 1 else listed

    def onnx(self, kind: str, inputs: Sequence[Value | None], **attributes: Any) -> Value:
        """The ONNX operator's value for these inputs and attributes."""
        result = _ONNX[kind].function(Call(attributes, inputs, self.builder, 1, self.rounding))
        assert not isinstance(result, list)
        return result


Operator = Callable[[Arguments], "Value | list[Value]"]
OPERATORS: dict[str, Operator] = {}


def _enter(*names: str) -> Callable[[Operator], Operator]:
    def enter(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return enter


@_enter("clone", "detach", "_to_copy")
def _same(call: Arguments) -> Value:
    dtype = call.given.get("dtype")
    if dtype is not None and not getattr(dtype, "is_floating_point", False):
        raise UnsupportedOperator(f"a cast to {dtype} is not read")
    return call.value("self")


@_enter("conv1d", "conv2d", "conv3d")
def _conv(call: Arguments) -> Value:
    x, weight = call.value("input"), call.value("weight")
    count = len(weight.shape) - 2
    padding = call["padding"]
    given: dict[str, Any] = {
        "strides": call.sizes("stride", count),
        "dilations": call.sizes("dilation", count),
    }
    if isinstance(padding, str):
        given["auto_pad"] = {"same": b"SAME_UPPER", "valid": b"VALID"}[padding]
    else:
        given["pads"] = call.sizes("padding", count) * 2
    bias = None if call["bias"] is None else call.value("bias")
    return call.onnx("Conv", [x, weight, bias], group=call["groups"], **given)


@_enter("linear")
def _linear(call: Arguments) -> Value:
    product = call.onnx("MatMul", [call.value("input"), arranged(call.value("weight"), np.transpose)])
    return product if call["bias"] is None else affine.add(as_tensor(product), call.tensor("bias"))


@_enter("addmm")
def _addmm(call: Arguments) -> Value:
    product = as_tensor(call.onnx("MatMul", [call.value("mat1"), call.value("mat2")]))
    summand = affine.times(call.tensor("self"), call.factor("beta"))
    return affine.add(summand, affine.times(product, call.factor("alpha")))


@_enter("matmul", "mm")
def _matmul(call: Arguments) -> Value:
    second = "other" if "other" in call.given else "mat2"
    return call.onnx("MatMul", [call.value("self"), call.value(second)])


@_enter("_native_batch_norm_legit_no_training")
def _batch_norm(call: Arguments) -> Value:
    x = call.tensor("input")
    statistics = []
    for name, default in (("weight", 1), ("bias", 0), ("running_mean", None), ("running_var", None)):
        if call[name] is None and default is not None:
            statistics.append([Fraction(default)] * x.shape[1])
        else:
            statistics.append(fractions(constant_tensor(call.value(name), "a statistic")))
    return batch_norm(x, statistics, call.factor("eps"), call.rounding)


@_enter("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(call: Arguments) -> Value:
    count = len(call.value("self").shape) - 2
    return call.onnx(
        "MaxPool", [call.value("self")], dilations=call.sizes("dilation", count), **_pooling(call, count)
    )


@_enter("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(call: Arguments) -> Value:
    if call.given.get("divisor_override") is not None:
        raise UnsupportedOperator("divisor_override is not read")
    count = len(call.value("self").shape) - 2
    include = int(call["count_include_pad"])
    return call.onnx("AveragePool", [call.value("self")], count_include_pad=include, **_pooling(call, count))


def _pooling(call: Arguments, count: int) -> dict[str, Any]:
    kernel = call.sizes("kernel_size", count)
    return {
        "kernel_shape": kernel,
        "strides": call.sizes("stride", count) or kernel,
        "pads": call.sizes("padding", count) * 2,
        "ceil_mode": int(call["ceil_mode"]),
    }


@_enter("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(call: Arguments) -> Value:
    x = call.value("self")
    sizes, wanted = x.shape[2:], call.sizes("output_size", len(x.shape) - 2)
    if len(sizes) != len(wanted) or any(size % count for size, count in zip(sizes, wanted, strict=True)):
        raise UnsupportedOperator(f"an output of {wanted}, which does not divide {list(sizes)}, is not read")
    kernel = [size // count for size, count in zip(sizes, wanted, strict=True)]
    return call.onnx("AveragePool", [x], kernel_shape=kernel, strides=kernel)


@_enter("relu")
def _relu(call: Arguments) -> Value:
    return piecewise.relu(call.builder, call.tensor("self"))


@_enter("leaky_relu")
def _leaky_relu(call: Arguments) -> Value:
    slope = constants([call.factor("negative_slope")])
    return piecewise.leaky(call.builder, call.tensor("self"), Tensor.of(slope, ()))


@_enter("prelu")
def _prelu(call: Arguments) -> Value:
    x, slopes = call.tensor("self"), constant_tensor(call.value("weight"), "a slope")
    ones = (1,) * (len(x.shape) - 2)
    return piecewise.leaky(call.builder, x, affine.rearrange(slopes, lambda v: v.reshape(-1, *ones)))


@_enter("abs")
def _abs(call: Arguments) -> Value:
    return piecewise.absolute(call.builder, call.tensor("self"))


@_enter("clamp", "clamp_min", "clamp_max")
def _clamp(call: Arguments) -> Value:
    bounds = [call.number(name) if name in call.given else None for name in ("min", "max")]
    return piecewise.clip(call.builder, call.tensor("self"), *bounds)


@_enter("hardtanh")
def _hardtanh(call: Arguments) -> Value:
    return piecewise.clip(call.builder, call.tensor("self"), call.number("min_val"), call.number("max_val"))


@_enter("maximum")
def _maximum(call: Arguments) -> Value:
    return piecewise.maximum(call.builder, call.tensor("self"), call.tensor("other"))


@_enter("minimum")
def _minimum(call: Arguments) -> Value:
    return piecewise.minimum(call.builder, call.tensor("self"), call.tensor("other"))


@_enter("add")
def _add(call: Arguments) -> Value:
    return affine.add(call.tensor("self"), affine.times(call.tensor("other"), call.factor("alpha")))


@_enter("sub")
def _sub(call: Arguments) -> Value:
    other = affine.times(call.tensor("other"), call.factor("alpha"))
    return affine.add(call.tensor("self"), affine.negative(other))


@_enter("rsub")
def _rsub(call: Arguments) -> Value:
    return affine.add(
        call.tensor("other"), affine.negative(affine.times(call.tensor("self"), call.factor("alpha")))
    )


@_enter("mul")
def _mul(call: Arguments) -> Value:
    return call.onnx("Mul", [call.value("self"), call.value("other")])


@_enter("div")
def _div(call: Arguments) -> Value:
    if call.given.get("rounding_mode") is not None:
        raise UnsupportedOperator("a division that rounds is not read")
    return call.onnx("Div", [call.tensor("self"), call.value("other")])


@_enter("neg")
def _neg(call: Arguments) -> Value:
    return affine.negative(call.tensor("self"))


@_enter("view")
def _view(call: Arguments) -> Value:
    return arranged(call.value("self"), lambda v: v.reshape(call["size"]))


@_enter("permute")
def _permute(call: Arguments) -> Value:
    return arranged(call.value("self"), lambda v: np.transpose(v, call["dims"]))


@_enter("transpose")
def _transpose(call: Arguments) -> Value:
    return arranged(call.value("self"), lambda v: np.swapaxes(v, call["dim0"], call["dim1"]))


@_enter("t")
def _t(call: Arguments) -> Value:
    return arranged(call.value("self"), np.transpose)


@_enter("squeeze")
def _squeeze(call: Arguments) -> Value:
    x, found = call.value("self"), call.given.get("dim")
    dims = range(len(x.shape)) if found is None else [found] if isinstance(found, int) else found
    places = [axis_of(dim, len(x.shape), len(x.shape)) for dim in dims]
    return arranged(x, lambda v: np.squeeze(v, tuple(k for k in places if v.shape[k] == 1)))


@_enter("unsqueeze")
def _unsqueeze(call: Arguments) -> Value:
    return arranged(call.value("self"), lambda v: np.expand_dims(v, call["dim"]))


@_enter("cat")
def _cat(call: Arguments) -> Value:
    return call.onnx("Concat", call["tensors"], axis=call["dim"])


@_enter("slice")
def _slice(call: Arguments) -> Value:
    x = call.value("self")
    cuts = [slice(None)] * len(x.shape)
    cuts[axis_of(call["dim"], len(x.shape), len(x.shape))] = slice(call["start"], call["end"], call["step"])
    return arranged(x, lambda v: v[tuple(cuts)])


@_enter("select")
def _select(call: Arguments) -> Value:
    return arranged(call.value("self"), lambda v: np.take(v, call["index"], call["dim"]))


@_enter("index_select")
def _index_select(call: Arguments) -> Value:
    return call.onnx("Gather", [call.value("self"), call.value("index")], axis=call["dim"])


@_enter("split_with_sizes", "split")
def _split(call: Arguments) -> list[Value]:
    x = call.value("self")
    axis = axis_of(call["dim"], len(x.shape), len(x.shape))
    total = x.shape[axis]
    if "split_sizes" in call.given:
        ends = list(accumulate(call["split_sizes"]))
    else:
        ends = [*range(call["split_size"], total, call["split_size"]), total]
    parts = [np.arange(start, end) for start, end in pairwise([0, *ends])]
    return [arranged(x, partial(np.take, indices=part, axis=axis)) for part in parts]


@_enter("mean")
def _mean(call: Arguments) -> Value:
    return call.onnx("ReduceMean", [call.value("self")], **_reduction(call))


@_enter("sum")
def _sum(call: Arguments) -> Value:
    return call.onnx("ReduceSum", [call.value("self")], **_reduction(call))


def _reduction(call: Arguments) -> dict[str, Any]:
    dims = call.given.get("dim")
    axes = [dims] if isinstance(dims, int) else list(dims or ())
    given = {"axes": axes} if axes else {}
    return {**given, "keepdims": int(call.given.get("keepdim", False))}


@_enter("pad")
def _pad(call: Arguments) -> Value:
    x, pads = call.value("self"), call["pad"]
    modes = {"constant": b"constant", "reflect": b"reflect", "replicate": b"edge"}
    mode = call["mode"]
    if mode not in modes:
        raise UnsupportedOperator(f"the mode {mode!r} is not read")
    # Pairs from the last dimension on: (before, after).
    widths = [0] * (2 * len(x.shape))
    for k in range(len(pads) // 2):
        widths[len(x.shape) - 1 - k], widths[-1 - k] = pads[2 * k], pads[2 * k + 1]
    filling = np.asarray(float(call.number("value") or 0))
    return call.onnx("Pad", [x, None, filling], pads=widths, mode=modes[mode])
