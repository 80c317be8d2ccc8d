"""The ONNX operators that are read, one small function each, with real-number semantics.

An operator gets its inputs as stored constants (arrays) or as exact affine tensors and returns its
first output. To add one: write a function under `@TABLE.operator(name, arity, attributes...)`.
Attributes that are not declared are refused, so that none is silently ignored.
Source: the operator pages of the ONNX standard, opsets 8 and later.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import onnx
from flint import fmpz_mat

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine
from exactre.formats.affine import Rows, Tensor
from exactre.formats.onnx_call import (
    FLOATS,
    INTEGERS,
    Array,
    Call,
    Table,
    Value,
    arranged,
    as_tensor,
    exact,
    is_constant,
    stored,
    type_name,
)
from exactre.rational import Matrix

TABLE = Table()


@TABLE.operator("Constant", (0, 0), "value", "value_float", "value_floats", "value_int", "value_ints")
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


@TABLE.operator("Identity", (1, 1))
def _identity(call: Call) -> Value:
    return call.value(0)


@TABLE.operator("Dropout", (1, 3), "ratio", "seed")
def _dropout(call: Call) -> Value:
    training = call.optional(2)
    if training is not None and (isinstance(training, Tensor) or training.any()):
        raise UnsupportedOperator("training mode is not read")
    return call.value(0)


@TABLE.operator("Cast", (1, 1), "to", "saturate")
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


@TABLE.operator("Add", (2, 2))
def _add(call: Call) -> Value:
    return affine.add(call.tensor(0), call.tensor(1))


@TABLE.operator("Sum", (1, 2**31 - 1))
def _sum(call: Call) -> Value:
    return reduce(affine.add, [call.tensor(k) for k in range(len(call.inputs))])


@TABLE.operator("Sub", (2, 2))
def _sub(call: Call) -> Value:
    return affine.add(call.tensor(0), affine.negative(call.tensor(1)))


@TABLE.operator("Neg", (1, 1))
def _neg(call: Call) -> Value:
    return affine.negative(call.tensor(0))


@TABLE.operator("Mul", (2, 2))
def _mul(call: Call) -> Value:
    a, b = call.tensor(0), call.tensor(1)
    if not (a.is_constant or b.is_constant):
        raise UnsupportedOperator("a product of two factors that depend on the input is not read")
    return affine.scale(a, b) if b.is_constant else affine.scale(b, a)


@TABLE.operator("Div", (2, 2))
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


@TABLE.operator("MatMul", (2, 2))
def _matmul(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if not a.shape or not b.shape:
        raise FormatError("expected factors of at least one dimension, found a scalar")
    # A vector on the right is a column, one on the left is a row; the added dimension goes away again.
    column, row = len(b.shape) == 1, len(a.shape) == 1
    result = _product(
        arranged(a, lambda x: x[np.newaxis, :]) if row else a,
        arranged(b, lambda x: x[:, np.newaxis]) if column else b,
    )
    if column:
        result = affine.rearrange(result, lambda x: x[..., 0])
    return affine.rearrange(result, lambda x: x[..., 0, :] if not column else x[..., 0]) if row else result


@TABLE.operator("Gemm", (2, 3), "alpha", "beta", "transA", "transB")
def _gemm(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise FormatError(f"expected two matrices, found shapes {list(a.shape)} and {list(b.shape)}")
    product = affine.times(
        _product(
            arranged(a, np.transpose) if call.integer("transA", 0) else a,
            arranged(b, np.transpose) if call.integer("transB", 0) else b,
        ),
        call.number("alpha", 1.0),
    )
    if call.optional(2) is None:
        return product
    total = affine.add(product, affine.times(call.tensor(2), call.number("beta", 1.0)))
    if total.shape != product.shape:
        raise FormatError(f"expected a summand that broadcasts to {list(product.shape)}")
    return total


def _product(a: Value, b: Value) -> Tensor:
    """Matrix product of (..., n, k) and (..., k, m), one of which is a constant matrix."""
    if a.shape[-1] != b.shape[-2]:
        raise FormatError(f"shapes {list(a.shape)} and {list(b.shape)} do not multiply")
    if is_constant(b):
        return affine.matmul(as_tensor(a), _matrix(arranged(_plain(b), np.transpose)))
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
        return exact(value)
    flat = value.flat().bias
    m, n = value.shape
    return Matrix(fmpz_mat(m, n, flat.num.entries()), flat.den)


def _same(a: Array, b: Array) -> bool:
    return exact(a.reshape(-1, 1)) == exact(b.reshape(-1, 1))
