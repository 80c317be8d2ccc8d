"""Convolutions and poolings of any number of spatial dimensions, on exact tensors.

`Windows` says which elements of the flattened spatial dimensions each output position reads; what lies in the
padding is -1. A convolution's map is a sparse matrix of the stored weights, an average's one of equal shares;
a maximum goes through ReLU.
Source: Conv, AveragePool and MaxPool of the ONNX standard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from exactre.errors import FormatError
from exactre.formats import affine
from exactre.formats.affine import Builder, Tensor
from exactre.formats.piecewise import largest
from exactre.rational import Matrix
from exactre.sparse import Index, Sparse, integers

Sizes = Sequence[int]


@dataclass(frozen=True, eq=False)
class Windows:
    """Elements (positions, kernel elements) read by each output position; `shape` is the positions' shape.

    `padded` counts the elements of each window that lie in the input or in its padding, (positions,).
    """

    shape: tuple[int, ...]
    index: Index
    padded: Index


def windows(
    sizes: Sizes,
    kernel: Sizes,
    strides: Sizes,
    dilations: Sizes,
    begin: Sizes,
    end: Sizes,
    ceil: bool = False,
) -> Windows:
    """The windows over spatial dimensions of `sizes` with paddings `begin` and `end`.

    With `ceil` the last window may reach beyond the padding, if it begins in the input or before it. Raises
    FormatError when the numbers do not fit together or no window fits.
    """
    numbers = (kernel, strides, dilations, begin, end)
    if any(len(values) != len(sizes) for values in numbers):
        raise FormatError(f"expected {len(sizes)} numbers for each of kernel, strides, dilations and pads")
    if any(v < 1 for values in numbers[:3] for v in values) or any(v < 0 for v in (*begin, *end)):
        raise FormatError("expected positive sizes, strides and dilations, and no negative pads")
    shape, index, padded = [], np.zeros((1, 1), np.int64), np.ones(1, np.int64)
    for size, k, stride, dilation, low, high in zip(sizes, *numbers, strict=True):
        span = size + low + high - dilation * (k - 1) - 1
        if span < 0:
            raise FormatError(
                f"a window of {k} with dilation {dilation} is larger than {size} with pads {low}, {high}"
            )
        count = span // stride + 1
        if ceil and span % stride and count * stride < size + low:
            count += 1
        starts = np.arange(count)[:, np.newaxis] * stride - low
        places = starts + dilation * np.arange(k)
        inside = (places >= 0) & (places < size)
        # One more dimension, the fastest: -1 stays -1.
        wide = index[:, np.newaxis, :, np.newaxis] * size + places[np.newaxis, :, np.newaxis, :]
        valid = (index >= 0)[:, np.newaxis, :, np.newaxis] & inside[np.newaxis, :, np.newaxis, :]
        index = np.where(valid, wide, -1).reshape(len(index) * count, -1)
        padded = np.outer(padded, (places < size + high).sum(axis=1)).ravel()
        shape.append(count)
    return Windows(tuple(shape), index, padded)


def same_pads(
    sizes: Sizes, kernel: Sizes, strides: Sizes, dilations: Sizes, upper: bool
) -> tuple[list[int], list[int]]:
    """The paddings that give ceil(size / stride) positions; the odd one at the end if `upper`."""
    begin, end = [], []
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((-(-size // stride) - 1) * stride + dilation * (k - 1) + 1 - size, 0)
        begin.append(total // 2 if upper else total - total // 2)
        end.append(total - begin[-1])
    return begin, end


def convolve(x: Tensor, weight: Matrix, channels: int, group: int, w: Windows) -> Tensor:
    """Convolution of x (batch, inputs, *sizes): (batch, channels, *positions); exact.

    `weight` is the column (channels * inputs / group * kernel elements, 1) in row-major order.
    """
    batch, inputs, area = x.shape[0], x.shape[1], prod(x.shape[2:])
    positions, k = w.index.shape
    per_group = inputs // group
    values = integers([int(v) for v in weight.num.entries()]).reshape(channels, 1, per_group, k)
    channel = np.arange(channels).reshape(-1, 1, 1, 1)
    source = channel // (channels // group) * per_group + np.arange(per_group).reshape(1, 1, -1, 1)
    place = w.index[np.newaxis, :, np.newaxis, :]
    rows, columns, values, inside = np.broadcast_arrays(
        channel * positions + np.arange(positions).reshape(1, -1, 1, 1),
        source * area + place,
        values,
        place >= 0,
    )
    kept = inside & (values != 0)
    shape = (channels * positions, inputs * area)
    matrix = Matrix(Sparse.of(shape, rows[kept], columns[kept], values[kept]), weight.den)
    points = x.index.reshape(batch, -1)
    result = affine.stack([x.rows.select(index).apply(matrix) for index in points])
    return Tensor.of(result, (batch, channels, *w.shape))


def averages(x: Tensor, w: Windows, include_pad: bool) -> Tensor:
    """Average of each window of x (batch, channels, *sizes); `include_pad` counts the padding; exact."""
    index = _elements(x, w)
    counts = w.padded if include_pad else (w.index >= 0).sum(axis=1)
    if not counts.all():
        raise FormatError("a window lies in the padding alone")
    divisors = np.tile(counts, x.shape[0] * x.shape[1]).tolist()
    return Tensor.of(affine.sums(x.rows, index, divisors), (*x.shape[:2], *w.shape))


def maxima(builder: Builder, x: Tensor, w: Windows) -> Tensor:
    """Greatest element of each window of x (batch, channels, *sizes), the padding left out; exact."""
    if not (w.index >= 0).any(axis=1).all():
        raise FormatError("a window lies in the padding alone")
    return Tensor.of(largest(builder, x.rows, _elements(x, w)), (*x.shape[:2], *w.shape))


def _elements(x: Tensor, w: Windows) -> Index:
    """Forms (batch * channels * positions, kernel elements) of all windows, -1 in the padding."""
    planes = x.index.reshape(x.shape[0] * x.shape[1], -1)
    found: Index = np.where(w.index >= 0, planes[:, w.index], -1)
    return found.reshape(-1, w.index.shape[1])
