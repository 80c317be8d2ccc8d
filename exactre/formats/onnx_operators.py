"""The ONNX operators that are read, one small function each, with real-number semantics.

An operator gets its inputs as stored constants (arrays) or as exact affine tensors and returns its
first output. To add one: write a function under `@operator(name, arity, attributes...)`.
Attributes that are not declared are refused, so that none is silently ignored.
Source: the operator pages of the ONNX standard, opsets 8 and later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import onnx
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine
from exactre.formats.affine import Builder, Rows, Tensor
from exactre.rational import Matrix

Array = NDArray[Any]
Value = Array | Tensor

FLOATS = {
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
}
INTEGERS = {getattr(onnx.TensorProto, f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class Call:
    """One use of an operator: its attributes and inputs (None where an optional one is left out)."""

    attributes: Mapping[str, object]
    inputs: Sequence[Value | None]
    builder: Builder

    def value(self, k: int) -> Value:
        """Input k. Raises FormatError when it is left out."""
        value = self.optional(k)
        if value is None:
            raise FormatError(f"expected input {k}, found none")
        return value

    def optional(self, k: int) -> Value | None:
        """Input k, or None."""
        return self.inputs[k] if k < len(self.inputs) else None

    def tensor(self, k: int) -> Tensor:
        """Input k as an exact tensor."""
        return as_tensor(self.value(k))

    def integer(self, name: str, default: int) -> int:
        """Integer attribute. Raises FormatError when it is something else."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise FormatError(f"attribute {name!r}: expected an integer, found {value!r:.60}")
        return value

    def number(self, name: str, default: float) -> Fraction:
        """Float attribute, as the exact rational it is. Raises FormatError when it is not finite."""
        value = self.attributes.get(name, default)
        if not isinstance(value, float) or not np.isfinite(value):
            raise FormatError(f"attribute {name!r}: expected a finite float, found {value!r:.60}")
        return Fraction(value)

    def axes(self, k: int) -> tuple[int, ...] | None:
        """Axes from the attribute (before opset 13) or from input k (since), or None."""
        if "axes" in self.attributes:
            return _integers(np.asarray(self.attributes["axes"]), "axes")
        value = self.optional(k)
        return None if value is None else _integers(value, "axes")


Operator = Callable[[Call], Value]


@dataclass(frozen=True)
class Entry:
    """What the table knows of an operator."""

    function: Operator
    arity: range
    attributes: tuple[str, ...]


OPERATORS: dict[str, Entry] = {}


def operator(name: str, arity: tuple[int, int], *attributes: str) -> Callable[[Operator], Operator]:
    """Enter a function in the table, with its least and greatest number of inputs and its attributes."""

    def enter(function: Operator) -> Operator:
        OPERATORS[name] = Entry(function, range(arity[0], arity[1] + 1), attributes)
        return function

    return enter


def as_tensor(value: Value) -> Tensor:
    """Exact tensor of a value. Raises FormatError on NaN and infinity."""
    if isinstance(value, Tensor):
        return value
    return Tensor.of(Rows({}, _exact(value.reshape(-1, 1))), value.shape)


def is_constant(value: Value) -> bool:
    """True when the value does not depend on the network's input."""
    return not isinstance(value, Tensor) or value.is_constant


@operator("Constant", (0, 0), "value", "value_float", "value_floats", "value_int", "value_ints")
def _constant(call: Call) -> Value:
    if len(call.attributes) != 1:
        raise FormatError(f"expected one value, found {len(call.attributes)}")
    ((name, value),) = call.attributes.items()
    if isinstance(value, onnx.TensorProto):
        return stored(value)
    array = np.asarray(value)
    if array.dtype.kind != ("f" if "float" in name else "i") or not np.isfinite(array).all():
        raise FormatError(f"attribute {name!r}: expected finite numbers, found {value!r:.60}")
    return array


def stored(tensor: onnx.TensorProto) -> Array:
    """Array of a stored tensor, with bfloat16 widened to float32. Raises FormatError on what is no number."""
    if tensor.data_type not in {*FLOATS, *INTEGERS, onnx.TensorProto.BOOL}:
        raise UnsupportedOperator(f"element type {type_name(tensor.data_type)} is not read")
    try:
        array: Array = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise FormatError(f"expected data of shape {list(tensor.dims)}: {error}") from None
    if tensor.data_type == onnx.TensorProto.BFLOAT16:
        array = array.astype(np.float32)
    if tensor.data_type in FLOATS and not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise FormatError(f"entry {place} is {array[tuple(place)]}, expected a finite number")
    return array


def type_name(data_type: int) -> str:
    """Name of an ONNX element type."""
    names = {number: name for name, number in onnx.TensorProto.DataType.items()}
    return str(names.get(data_type, data_type))


@operator("Identity", (1, 1))
def _identity(call: Call) -> Value:
    return call.value(0)


@operator("Dropout", (1, 3), "ratio", "seed")
def _dropout(call: Call) -> Value:
    training = call.optional(2)
    if training is not None and (isinstance(training, Tensor) or training.any()):
        raise UnsupportedOperator("training mode is not read")
    return call.value(0)


@operator("Cast", (1, 1), "to", "saturate")
def _cast(call: Call) -> Value:
    """Cast: the real numbers stay. A stored constant that would be rounded is refused."""
    value, to = call.value(0), call.integer("to", 0)
    if to not in FLOATS | INTEGERS:
        raise UnsupportedOperator(f"a cast to {type_name(to)} is not read")
    if isinstance(value, Tensor):
        if to in INTEGERS:
            raise UnsupportedOperator(f"a cast of computed numbers to {type_name(to)} is not read")
        return value
    with np.errstate(over="ignore", invalid="ignore"):
        cast = value.astype(onnx.helper.tensor_dtype_to_np_dtype(to))
    if to == onnx.TensorProto.BFLOAT16:
        cast = cast.astype(np.float32)
    if (to in FLOATS and not np.isfinite(cast).all()) or not _same(cast, value):
        raise UnsupportedOperator(f"the cast to {type_name(to)} would round a stored constant")
    return cast


@operator("Relu", (1, 1))
def _relu(call: Call) -> Value:
    x = call.tensor(0)
    return Tensor(call.builder.relu(x.rows), x.index)


@operator("Add", (2, 2))
def _add(call: Call) -> Value:
    return affine.add(call.tensor(0), call.tensor(1))


@operator("Sub", (2, 2))
def _sub(call: Call) -> Value:
    return affine.add(call.tensor(0), _times(call.tensor(1), Fraction(-1)))


@operator("Neg", (1, 1))
def _neg(call: Call) -> Value:
    return _times(call.tensor(0), Fraction(-1))


@operator("Mul", (2, 2))
def _mul(call: Call) -> Value:
    a, b = call.tensor(0), call.tensor(1)
    if not (a.is_constant or b.is_constant):
        raise UnsupportedOperator("a product of two factors that depend on the input is not read")
    return affine.scale(a, b) if b.is_constant else affine.scale(b, a)


@operator("Div", (2, 2))
def _div(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if not is_constant(b):
        raise UnsupportedOperator("a division by something that depends on the input is not read")
    if isinstance(a, np.ndarray) and a.dtype.kind in "iu":
        raise UnsupportedOperator("a division of integers is not read")
    divisor = as_tensor(b)
    values = [v for (v,) in divisor.rows.bias.rows()]
    if 0 in values:
        raise FormatError("expected a divisor without zeros, found one")
    inverse = Tensor(Rows({}, Matrix.column([1 / v for v in values])), divisor.index)
    return affine.scale(as_tensor(a), inverse)


@operator("MatMul", (2, 2))
def _matmul(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if not a.shape or not b.shape:
        raise FormatError("expected factors of at least one dimension, found a scalar")
    # A vector on the right is a column, one on the left is a row; the added dimension goes away again.
    column, row = len(b.shape) == 1, len(a.shape) == 1
    result = _product(
        _arranged(a, lambda x: x[np.newaxis, :]) if row else a,
        _arranged(b, lambda x: x[:, np.newaxis]) if column else b,
    )
    if column:
        result = affine.rearrange(result, lambda x: x[..., 0])
    return affine.rearrange(result, lambda x: x[..., 0, :] if not column else x[..., 0]) if row else result


@operator("Gemm", (2, 3), "alpha", "beta", "transA", "transB")
def _gemm(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise FormatError(f"expected two matrices, found shapes {list(a.shape)} and {list(b.shape)}")
    product = _times(
        _product(
            _arranged(a, np.transpose) if call.integer("transA", 0) else a,
            _arranged(b, np.transpose) if call.integer("transB", 0) else b,
        ),
        call.number("alpha", 1.0),
    )
    if call.optional(2) is None:
        return product
    total = affine.add(product, _times(call.tensor(2), call.number("beta", 1.0)))
    if total.shape != product.shape:
        raise FormatError(f"expected a summand that broadcasts to {list(product.shape)}")
    return total


@operator("BatchNormalization", (5, 5), "epsilon", "momentum", "training_mode")
def _batch_normalization(call: Call) -> Value:
    """Batch normalization at inference, where sqrt(variance + epsilon) is rational."""
    if call.integer("training_mode", 0):
        raise UnsupportedOperator("training mode is not read")
    x, epsilon = call.tensor(0), call.number("epsilon", float(np.float32(1e-5)))
    if not all(is_constant(call.value(k)) for k in range(1, 5)) or len(x.shape) < 2:
        raise UnsupportedOperator("only constant statistics of a tensor of at least two dimensions are read")
    gains, shifts, means, variances = ([v for (v,) in call.tensor(k).flat().bias.rows()] for k in range(1, 5))
    if {len(gains), len(shifts), len(means), len(variances)} != {x.shape[1]}:
        raise FormatError(f"expected statistics of {x.shape[1]} channels")
    factors = [gain / _square_root(v + epsilon) for gain, v in zip(gains, variances, strict=True)]
    offsets = [s - m * f for s, m, f in zip(shifts, means, factors, strict=True)]
    shape = (x.shape[1], *(1 for _ in x.shape[2:]))
    scaled = affine.scale(x, Tensor.of(Rows({}, Matrix.column(factors)), shape))
    return affine.add(scaled, Tensor.of(Rows({}, Matrix.column(offsets)), shape))


@operator("Flatten", (1, 1), "axis")
def _flatten(call: Call) -> Value:
    x = call.value(0)
    axis = _axis(call.integer("axis", 1), len(x.shape), len(x.shape) + 1)
    return _arranged(x, lambda v: v.reshape(int(np.prod(v.shape[:axis])), -1))


@operator("Reshape", (2, 2), "allowzero")
def _reshape(call: Call) -> Value:
    x, shape = call.value(0), list(_integers(call.value(1), "shape"))
    if not call.integer("allowzero", 0):
        for k, size in enumerate(shape):
            if size == 0 and k < len(x.shape):
                shape[k] = x.shape[k]
    return _arranged(x, lambda v: v.reshape(shape))


@operator("Squeeze", (1, 2), "axes")
def _squeeze(call: Call) -> Value:
    axes = call.axes(1)
    return _arranged(call.value(0), lambda v: np.squeeze(v, axes))


@operator("Unsqueeze", (1, 2), "axes")
def _unsqueeze(call: Call) -> Value:
    axes = call.axes(1)
    if axes is None:
        raise FormatError("expected axes, found none")
    return _arranged(call.value(0), lambda v: np.expand_dims(v, axes))


@operator("Transpose", (1, 1), "perm")
def _transpose(call: Call) -> Value:
    perm = call.attributes.get("perm")
    axes = None if perm is None else _integers(np.asarray(perm), "perm")
    return _arranged(call.value(0), lambda v: np.transpose(v, axes))


@operator("Concat", (1, 2**31 - 1), "axis")
def _concat(call: Call) -> Value:
    values = [call.value(k) for k in range(len(call.inputs))]
    if "axis" not in call.attributes:
        raise FormatError("expected the attribute 'axis', found none")
    axis = _axis(call.integer("axis", 0), len(values[0].shape), len(values[0].shape))
    shapes = {(*value.shape[:axis], *value.shape[axis + 1 :]) for value in values}
    if len(shapes) != 1:
        raise FormatError(f"expected shapes that agree off axis {axis}, found {[v.shape for v in values]}")
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if len(arrays) == len(values):
        return np.concatenate(arrays, axis)
    tensors = [as_tensor(value) for value in values]
    starts = np.cumsum([0, *(tensor.rows.count for tensor in tensors)])
    index = [tensor.index + start for tensor, start in zip(tensors, starts, strict=False)]
    return Tensor(affine.stack([tensor.rows for tensor in tensors]), np.concatenate(index, axis))


def _product(a: Value, b: Value) -> Tensor:
    """Matrix product of (..., n, k) and (..., k, m), one of which is a constant matrix."""
    if a.shape[-1] != b.shape[-2]:
        raise FormatError(f"shapes {list(a.shape)} and {list(b.shape)} do not multiply")
    if is_constant(b):
        return affine.matmul(as_tensor(a), _matrix(_arranged(_plain(b), np.transpose)))
    if not is_constant(a):
        raise UnsupportedOperator("a product of two factors that depend on the input is not read")
    flipped = affine.rearrange(as_tensor(b), lambda x: np.swapaxes(x, -1, -2))
    return affine.rearrange(affine.matmul(flipped, _matrix(_plain(a))), lambda x: np.swapaxes(x, -1, -2))


def _plain(value: Value) -> Value:
    if len(value.shape) != 2:
        raise UnsupportedOperator(f"a constant factor of shape {list(value.shape)} is not read")
    return value


def _matrix(value: Value) -> Matrix:
    """Exact matrix of a constant with two dimensions."""
    if not isinstance(value, Tensor):
        return _exact(value)
    flat = value.flat().bias
    m, n = value.shape
    return Matrix(fmpz_mat(m, n, flat.num.entries()), flat.den)


def _exact(array: Array) -> Matrix:
    if array.dtype.kind == "b":
        raise FormatError("expected numbers, found truth values")
    if array.dtype.kind in "iu":
        m, n = array.shape
        return Matrix(fmpz_mat(m, n, array.ravel().tolist()))
    return Matrix.from_floats(array)


def _same(a: Array, b: Array) -> bool:
    return _exact(a.reshape(-1, 1)) == _exact(b.reshape(-1, 1))


def _times(a: Tensor, factor: Fraction) -> Tensor:
    if factor == 1:
        return a
    return Tensor(a.rows.scale(Matrix.column([factor] * a.rows.count)), a.index)


def _arranged(value: Value, arrange: Callable[[Array], Array]) -> Value:
    """The same elements elsewhere, of a stored or an affine tensor. Raises FormatError when that fails."""
    try:
        return affine.rearrange(value, arrange) if isinstance(value, Tensor) else arrange(value)
    except (ValueError, IndexError, OverflowError) as error:  # numpy's complaint about shapes or axes
        raise FormatError(f"a tensor of shape {list(value.shape)}: {error}") from None


def _integers(value: Value, what: str) -> tuple[int, ...]:
    if isinstance(value, Tensor):
        rows = value.flat()
        if not value.is_constant or rows.bias.den != 1:
            raise UnsupportedOperator(f"{what}: only constant integers are read")
        return tuple(map(int, rows.bias.num.entries()))
    if value.dtype.kind not in "iu":
        raise FormatError(f"{what}: expected integers, found {value.dtype}")
    return tuple(int(v) for v in value.ravel())


def _axis(axis: int, rank: int, bound: int) -> int:
    """Axis in 0..bound-1, counted from the end where it is negative."""
    if not -rank <= axis < bound:
        raise FormatError(f"axis: expected one of {rank} dimensions, found {axis}")
    return axis + rank if axis < 0 else axis


def _square_root(value: Fraction) -> Fraction:
    p, q = isqrt(max(value.numerator, 0)), isqrt(value.denominator)
    if value <= 0 or Fraction(p * p, q * q) != value:
        raise UnsupportedOperator(f"the standard deviation sqrt({value!s:.40}) is no positive rational")
    return Fraction(p, q)
