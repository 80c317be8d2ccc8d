"""Products of long numbers most of whose digits are zero: what lies in a gap is not multiplied; exact.

A query that reads a whole gradient moves every input by a power of two of its own, tens of thousands of bits
below the point itself. Cut into digits of `_DIGIT` bits such a number has two that are not zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from flint import fmpz, fmpz_mat

_DIGIT = 4096
_LEAST = 8  # digits of a number, below which there is little to gain
_SHARE = 4  # at most one digit in so many is not zero
_PROBES = 8


def has_gaps(num: fmpz_mat) -> bool:
    """Whether some entries, taken as they lie, are long and most of their digits are zero."""
    count, n = num.nrows(), num.ncols()
    size = count * n
    probes = [num[k // n, k % n] for k in range(0, size, max(1, size // _PROBES))]
    length = max((v.bit_length() for v in probes), default=0) // _DIGIT
    return length >= _LEAST and sum(len(list(_digits(v))) for v in probes) * _SHARE <= length * len(probes)


def product(num: fmpz_mat, matrix: fmpz_mat, rows: Sequence[Sequence[fmpz]]) -> fmpz_mat:
    """`num` (count, n) times a matrix (n, m), of which `rows` are the rows."""
    count, n, m = num.nrows(), num.ncols(), matrix.ncols()
    places: dict[int, list[tuple[int, int, fmpz]]] = defaultdict(list)
    for k, v in enumerate(num.entries()):
        for d, digit in _digits(v):
            places[d].append((k // n, k % n, digit))
    total, last = [fmpz(0)] * (count * m), max(places, default=0)
    for d in sorted(places, reverse=True):
        columns = sorted({j for _, j, _ in places[d]})
        at = {j: k for k, j in enumerate(columns)}
        part = fmpz_mat(count, len(columns))
        for i, j, digit in places[d]:
            part[i, at[j]] = digit
        term = part * (matrix if len(columns) == n else fmpz_mat([rows[j] for j in columns]))
        shift, last = _DIGIT * (last - d), d
        total = [(v << shift) + w for v, w in zip(total, term.entries(), strict=True)]
    return fmpz_mat(count, m, [v << (_DIGIT * last) for v in total])


def _digits(v: fmpz) -> Iterator[tuple[int, fmpz]]:
    """The digits of a number that are not zero, the highest first, each with its place.

    They are the nearest ones and have signs: a step down from a point is one digit, not a row of ones.
    """
    while v:
        d = (v.bit_length() - 1) // _DIGIT
        digit = (v + (1 << (_DIGIT * d - 1))) >> (_DIGIT * d) if d else v
        yield d, digit
        v -= digit << (_DIGIT * d)
