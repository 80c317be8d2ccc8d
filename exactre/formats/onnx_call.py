"""What every ONNX operator is written with: `Call`, one use of it, and `Table`, in which it is entered.

A value is a stored constant (an array) or an exact affine tensor. To add an operator, write a function under
`@TABLE.operator(name, arity, attributes...)`: attributes that are not declared are refused, so that none is
silently ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine
from exactre.formats.affine import Builder, Rows, Tensor
from exactre.formats.floats import Kind
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
    """One use of an operator: its attributes and inputs (None where an optional one is left out).

    `outputs` is how many outputs the node names; `rounding` is the float type that an irrational number may
    be rounded to, or None.
    """

    attributes: Mapping[str, object]
    inputs: Sequence[Value | None]
    builder: Builder
    outputs: int
    rounding: Kind | None

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

    def text(self, name: str, choices: Sequence[str]) -> str:
        """Text attribute, one of `choices`, by default the first. Raises UnsupportedOperator else."""
        value = self.attributes.get(name, choices[0].encode())
        if not isinstance(value, bytes) or value.decode(errors="replace") not in choices:
            raise UnsupportedOperator(
                f"attribute {name!r}: expected one of {', '.join(choices)}, found {value!r:.60}"
            )
        return value.decode()

    def integers(self, name: str, k: int) -> tuple[int, ...] | None:
        """Integers from the attribute (in older operator sets) or from input k (since), or None."""
        if name in self.attributes:
            return integers(np.asarray(self.attributes[name]), name)
        value = self.optional(k)
        return None if value is None else integers(value, name)


Operator = Callable[[Call], Value | list[Value]]


@dataclass(frozen=True)
class Entry:
    """What the table knows of an operator."""

    function: Operator
    arity: range
    attributes: tuple[str, ...]


class Table(dict[str, Entry]):
    """Operators by name."""

    def operator(self, name: str, arity: tuple[int, int], *attributes: str) -> Callable[[Operator], Operator]:
        """Enter a function, with its least and greatest number of inputs and its attributes."""

        def enter(function: Operator) -> Operator:
            self[name] = Entry(function, range(arity[0], arity[1] + 1), attributes)
            return function

        return enter


def as_tensor(value: Value) -> Tensor:
    """Exact tensor of a value. Raises FormatError on NaN and infinity."""
    if isinstance(value, Tensor):
        return value
    return Tensor.of(Rows({}, exact(value.reshape(-1, 1))), value.shape)


def is_constant(value: Value) -> bool:
    """True when the value does not depend on the network's input."""
    return not isinstance(value, Tensor) or value.is_constant


def constant_tensor(value: Value, what: str) -> Tensor:
    """Exact tensor of a constant. Raises UnsupportedOperator naming `what` depends on the input."""
    if not is_constant(value):
        raise UnsupportedOperator(f"{what} that depends on the input is not read")
    return as_tensor(value)


def fractions(value: Tensor) -> list[Fraction]:
    """The elements of a constant tensor in row-major order."""
    return [v for (v,) in value.flat().bias.rows()]


def exact(array: Array) -> Matrix:
    """Exact matrix of a 2-D array of numbers. Raises FormatError on NaN, infinity and truth values."""
    if array.dtype.kind == "b":
        raise FormatError("expected numbers, found truth values")
    if array.dtype.kind in "iu":
        m, n = array.shape
        return Matrix(fmpz_mat(m, n, array.ravel().tolist()))
    return Matrix.from_floats(array)


def arranged(value: Value, arrange: Callable[[Array], Array]) -> Value:
    """The same elements elsewhere, of a stored or an affine tensor. Raises FormatError when that fails."""
    try:
        return affine.rearrange(value, arrange) if isinstance(value, Tensor) else arrange(value)
    except (ValueError, IndexError, OverflowError) as error:  # numpy's complaint about shapes or axes
        raise FormatError(f"a tensor of shape {list(value.shape)}: {error}") from None


def integers(value: Value, what: str) -> tuple[int, ...]:
    """Constant integers. Raises FormatError naming `what` else."""
    if isinstance(value, Tensor):
        rows = value.flat()
        if not value.is_constant or rows.bias.den != 1:
            raise UnsupportedOperator(f"{what}: only constant integers are read")
        return tuple(map(int, rows.bias.num.entries()))
    if value.dtype.kind not in "iu":
        raise FormatError(f"{what}: expected integers, found {value.dtype}")
    return tuple(int(v) for v in value.ravel())


def axis_of(axis: int, rank: int, bound: int) -> int:
    """Axis in 0..bound-1, counted from the end where it is negative."""
    if not -rank <= axis < bound:
        raise FormatError(f"axis: expected one of {rank} dimensions, found {axis}")
    return axis + rank if axis < 0 else axis


def axes_of(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes in 0..rank-1, counted from the end where they are negative, each of them once."""
    found = tuple(axis_of(axis, rank, rank) for axis in axes)
    if len(set(found)) != len(found):
        raise FormatError(f"expected each axis once, found {list(axes)}")
    return found


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
