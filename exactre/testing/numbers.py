"""The numbers that generated networks are made of, and what they shrink to.

All shrink to 1 (or to 0 where zero is allowed), small numerators before large ones.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from exactre.errors import ExactreError

WeightKind = Literal["integers", "thirds", "float32"]

# Of changes of form, where any rational will do: short ones keep a shrunk pair readable.
FACTORS = st.builds(Fraction, st.integers(1, 5), st.sampled_from([1, 2, 3]))
SHARES = st.builds(Fraction, st.integers(-4, 4), st.sampled_from([1, 2, 3]))
COORDINATES = st.builds(Fraction, st.integers(-20, 20), st.sampled_from([1, 2, 3, 16]))


def nonzero(kind: WeightKind, scale: Fraction) -> SearchStrategy[Fraction]:
    """Non-zero rationals of a kind times `scale`; shrinks to `scale`. Raises ExactreError on another kind."""
    if kind not in get_args(WeightKind):
        raise ExactreError(f"weights: expected one of {get_args(WeightKind)}, found {kind!r:.60}")
    if scale <= 0:
        raise ExactreError(f"scale: expected a positive number, found {scale}")
    if kind == "integers":
        return _signed(9).map(lambda p: p * scale)
    if kind == "thirds":
        return st.builds(lambda p, q: Fraction(p, q) * scale, _signed(9), st.sampled_from([1, 3]))
    return st.builds(lambda m, e: _float(m, e) * scale, _signed(2**24 - 1), st.integers(-4, 4))


def _signed(most: int) -> SearchStrategy[int]:
    """-most .. -1 and 1 .. most; a filter for zero would spend draws instead."""
    return st.integers(-most, most - 1).map(lambda v: v if v < 0 else v + 1)


def _float(significand: int, exponent: int) -> Fraction:
    """The significand moved into [1, 2), times 2^exponent: 1 is 1, and 3 is 3/2."""
    return Fraction(significand, 2 ** (abs(significand).bit_length() - 1)) * Fraction(2) ** exponent
