"""Rows: a point or an answer in canonical form, its bytes, and back to a batch of points."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

from flint import fmpz, fmpz_mat

from exactre.rational import Points

# Integers over their least common denominator, so that equal points have equal rows and equal bytes.
Row = tuple[list[int], int]


def rows_of(points: Points) -> tuple[list[Row], int]:
    """The points as rows, and the bits of all their coordinates (numerator and denominator, lowest terms)."""
    den = fmpz(points.den)
    dyadic = points.den & (points.den - 1) == 0
    rows, bits = [], 0
    for nums in points.num.tolist():
        common = den
        for v in nums:
            shared = v.gcd(den)
            if common != 1:
                common = common.gcd(shared)
            if (
                dyadic
            ):  # the quotients' lengths without the divisions, which would cost more than all the rest
                extra = shared.bit_length() - 1
                bits += max(0, v.bit_length() - extra) + den.bit_length() - extra
            else:
                bits += (v // shared).bit_length() + (den // shared).bit_length()
        if common == 1:
            rows.append(([int(v) for v in nums], points.den))
        else:
            rows.append(([int(v // common) for v in nums], int(den // common)))
    return rows, bits


def batch_of(rows: Sequence[Row], dim: int) -> Points:
    """The rows as points (len(rows), dim) over their least common denominator."""
    den = lcm(*(row[1] for row in rows))
    flat: list[int] = []
    for nums, q in rows:
        flat.extend(nums if q == den else [v * (den // q) for v in nums])
    return Points(fmpz_mat(len(rows), dim, flat), den)


def to_bytes(row: Row) -> bytes:
    """The row's integers, denominator first, each with its length in front: one encoding for each row."""
    parts = []
    for v in (row[1], *row[0]):
        size = (v.bit_length() >> 3) + 1
        parts.append(size.to_bytes(4, "little"))
        parts.append(v.to_bytes(size, "little", signed=True))
    return b"".join(parts)


def from_bytes(data: bytes) -> Row:
    """The row of bytes that `to_bytes` made."""
    values, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        values.append(int.from_bytes(data[at + 4 : end], "little", signed=True))
        at = end
    return values[1:], values[0]
