"""Batch normalization at inference: affine, but its factor gain / sqrt(variance + epsilon) may be irrational.

An irrational factor is no number of an exact network. It is refused, unless the caller names the float type
to round it to: then it is the float nearest to the real factor, as in a file whose normalization has been
folded into the layer before. Everything else stays exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import affine
from exactre.formats.affine import Tensor, constants
from exactre.formats.floats import Kind, nearest
from exactre.rational import Matrix

# No float64, and no middle of two, has a bit below 2^-1075: between neighbours on this grid all round alike.
_GRID_BITS = 1080


def batch_norm(
    x: Tensor, statistics: Sequence[Sequence[Fraction]], epsilon: Fraction, rounding: Kind | None
) -> Tensor:
    """Normalised x (batch, channels, ...); `statistics`: gains, shifts, means, variances of every channel.

    Exact but for irrational factors, which `rounding` rounds. Raises UnsupportedOperator where it is None.
    """
    if len(x.shape) < 2:
        raise UnsupportedOperator("only a tensor of at least two dimensions is read")
    if {len(values) for values in statistics} != {x.shape[1]}:
        raise FormatError(f"expected statistics of {x.shape[1]} channels")
    gains, shifts, means, variances = statistics
    factors = [_factor(gain, v + epsilon, rounding) for gain, v in zip(gains, variances, strict=True)]
    offsets = [s - m * f for s, m, f in zip(shifts, means, factors, strict=True)]
    shape = (x.shape[1], *(1 for _ in x.shape[2:]))
    scaled = affine.scale(x, Tensor.of(constants(factors), shape))
    return affine.add(scaled, Tensor.of(constants(offsets), shape))


def _factor(gain: Fraction, value: Fraction, rounding: Kind | None) -> Fraction:
    """gain / sqrt(value), rounded to the nearest float where it is irrational."""
    if value <= 0:
        raise UnsupportedOperator(f"the standard deviation sqrt({value!s:.40}) is no positive rational")
    p, q = isqrt(value.numerator), isqrt(value.denominator)
    if Fraction(p * p, q * q) == value:
        return gain / Fraction(p, q)
    if rounding is None:
        raise UnsupportedOperator(
            f"the standard deviation sqrt({value!s:.40}) is no positive rational; "
            "weights='float32' or 'float64' (--weights) rounds its factor to the nearest float"
        )
    square = gain * gain / value
    below = isqrt((square.numerator << 2 * _GRID_BITS) // square.denominator)
    between = Fraction(2 * below + 1, 2 << _GRID_BITS) if gain else Fraction(0)
    rounded = Fraction(float(nearest(Matrix.column([between]), rounding)[0, 0]))
    return rounded if gain > 0 else -rounded
