"""Which neurons of two networks are nearly the same: a guess in floats.

A wrong guess costs time and nothing else: what is built on a pair is proved exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from exactre.certify.matching import Matching
from exactre.check import coefficient
from exactre.network import Network

ALIKE = 0.9  # least cosine of two neurons' rows
SAME_BITS = 30  # of two ratios that count as one: each is off by a few roundings
SHORT = 64  # greatest denominator of a factor that no majority of the entries agrees on

ONE = Fraction(1)
HUGE = Fraction(2**500)  # factors beyond it are taken for it: a float's square must not overflow

Pairs = dict[int, tuple[int, Fraction]]  # atom of B -> atom of A, s > 0: e_B is nearly s * e_A


def nearly_equal(b: Network, matching: Matching) -> Pairs:
    """Pairs of atoms that only B and only A use, whose preactivations are nearly multiples of each other.

    Layer by layer: a pair found counts as one basis element for the layers after it.
    """
    used = {step.atom for step in matching.steps_b if step.rule == "scaled"}
    made_by_a = sum(step.rule == "atom" for step in matching.steps_a)
    free = [j for j in range(made_by_a) if j not in used]
    size = 1 + matching.inputs + len(matching.atoms)
    left = _directions(matching, free, {}, size)
    pairs: Pairs = {}
    for layer in _layers(b, matching, made_by_a):
        rows = _directions(matching, layer, pairs, size)
        alike = rows @ left.T
        for row, k, direction in zip(alike, layer, rows, strict=True):
            if free and row.max() > ALIKE:
                i = int(row.argmax())
                pairs[k] = free[i], _factor(matching, pairs, k, direction, free[i], left[i])
                alike[:, i] = 0  # each atom of A once
    return pairs


def _layers(b: Network, matching: Matching, made_by_a: int) -> list[list[int]]:
    """B's own atoms, by node."""
    steps = (step for step in matching.steps_b if step.rule not in ("zero", "bound"))
    layers, k = [], made_by_a
    for node in b.hidden:
        count = sum(next(steps).rule == "atom" for _ in range(node.width))
        layers.append(list(range(k, k + count)))
        k += count
    return layers


def _directions(matching: Matching, atoms: Sequence[int], pairs: Pairs, size: int) -> NDArray[np.float64]:
    """The rows e_k of some atoms, each of length 1, with a paired atom of B written as its multiple of A's.

    The largest entry is divided out first, so that none overflows.
    """
    rows = np.zeros((len(atoms), size))
    first = 1 + matching.inputs
    for row, k in zip(rows, atoms, strict=True):
        entries = matching.atoms[k][2]
        top = max(map(abs, entries.values()), default=1)
        for basis, v in entries.items():
            j, s = pairs.get(basis - first, (basis - first, ONE))
            row[first + j] += v / top * float(min(max(s, 1 / HUGE), HUGE))
        row /= np.linalg.norm(row) or 1.0
    return rows


def _factor(
    matching: Matching, pairs: Pairs, k: int, row: NDArray[np.float64], j: int, other: NDArray[np.float64]
) -> Fraction:
    """s > 0 with e_k = s * e_j in most entries, else a short one near the ratio of the largest entries."""
    common = np.flatnonzero((row != 0) & (other != 0))
    ratios = row[common] / other[common]
    mantissa, exponent = np.frexp(ratios)
    rounded = np.ldexp(np.round(mantissa * 2**SAME_BITS), exponent)
    _, where, counts = np.unique(rounded, return_index=True, return_counts=True)
    most = int(counts.argmax())
    s = _ratio(matching, pairs, k, j, int(common[where[most]]))
    if s > 0 and 2 * counts[most] > np.count_nonzero(row):
        return s
    s = _ratio(matching, pairs, k, j, int(common[np.abs(other[common]).argmax()]))
    return s.limit_denominator(SHORT) if s > Fraction(1, SHORT) else abs(s) or Fraction(1)


def _ratio(matching: Matching, pairs: Pairs, k: int, j: int, basis: int) -> Fraction:
    """The exact ratio of e_k's entry to e_j's in one column, where both have one."""
    first = 1 + matching.inputs
    entry = sum(
        (
            Fraction(*coefficient(matching.atoms[k], own)) * pairs.get(own - first, (0, ONE))[1]
            for own in matching.atoms[k][2]
            if first + pairs.get(own - first, (own - first, ONE))[0] == basis
        ),
        Fraction(0),
    )
    return entry / Fraction(*coefficient(matching.atoms[j], basis))
