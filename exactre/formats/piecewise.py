"""Piecewise linear functions of exact tensors, written with ReLU: the same real-number function, no rounding.

What uses its argument twice keeps it as a node of its own first, so that weights stay as short as the file's.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from exactre.errors import FormatError
from exactre.formats import affine
from exactre.formats.affine import Builder, Rows, Tensor, constants
from exactre.sparse import Index


def relu(builder: Builder, x: Tensor) -> Tensor:
    """max(x, 0)."""
    return Tensor(builder.relu(x.rows), x.index)


def maximum(builder: Builder, a: Tensor, b: Tensor) -> Tensor:
    """max(a, b) = a + relu(b - a), with broadcasting; a constant takes the part of a."""
    if b.is_constant:
        a, b = b, a
    a = _kept(builder, a)
    return affine.add(a, relu(builder, affine.add(b, affine.negative(a))))


def minimum(builder: Builder, a: Tensor, b: Tensor) -> Tensor:
    """min(a, b) = -max(-a, -b), with broadcasting."""
    return affine.negative(maximum(builder, affine.negative(a), affine.negative(b)))


def absolute(builder: Builder, x: Tensor) -> Tensor:
    """|x| = 2 relu(x) - x."""
    x = _kept(builder, x)
    return affine.add(affine.times(relu(builder, x), Fraction(2)), affine.negative(x))


def leaky(builder: Builder, x: Tensor, slopes: Tensor) -> Tensor:
    """slope * x + (1 - slope) * relu(x), which is x where x > 0, else slope * x; the slopes are constants."""
    x = _kept(builder, x)
    rest = affine.add(Tensor.of(constants([Fraction(1)]), ()), affine.negative(slopes))
    return affine.add(affine.scale(x, slopes), affine.scale(relu(builder, x), rest))


def clip(builder: Builder, x: Tensor, low: Fraction | None, high: Fraction | None) -> Tensor:
    """min(max(x, low), high) = low + relu(x - low) - relu(x - high). Raises FormatError when low > high."""
    if low is not None and high is not None and low > high:
        raise FormatError(f"expected min <= max, found {low} and {high}")
    if high is None and low is not None:
        return maximum(builder, x, Tensor.of(constants([low]), ()))
    if low is None or high is None:
        return x if high is None else minimum(builder, x, Tensor.of(constants([high]), ()))
    # Both at once, so that what follows reads one node.
    rows = x.flat()
    count = rows.count
    shifted = affine.stack([rows + constants([-bound] * count) for bound in (low, high)])
    steps = builder.relu(shifted)
    above, beyond = steps.select(np.arange(count)), steps.select(np.arange(count, 2 * count))
    total = constants([low] * count) + above + beyond.times(Fraction(-1))
    return Tensor.of(total, x.shape)


def largest(builder: Builder, rows: Rows, index: Index) -> Rows:
    """The greatest of the forms of each row of `index` (count, k), -1 standing for none; pair by pair."""
    rows = builder.keep(rows)
    index = np.take_along_axis(index, np.argsort(index < 0, axis=1, kind="stable"), axis=1)
    while index.shape[1] > 1:
        if index.shape[1] % 2:
            index = np.hstack([index, np.full((len(index), 1), -1)])
        left, right = index[:, 0::2].copy(), index[:, 1::2]
        both = right >= 0
        if not both.any():  # one element in every row
            index = left
            continue
        a, b = rows.select(left[both]), rows.select(right[both])
        greater = a + builder.relu(b + a.times(Fraction(-1)))
        left[both] = rows.count + np.arange(greater.count)
        rows, index = affine.stack([rows, greater]), left
    return rows.select(index[:, 0])


def _kept(builder: Builder, x: Tensor) -> Tensor:
    return Tensor(builder.keep(x.rows), x.index)
