"""Which neurons of two networks are nearly the same: a guess in floats.

A wrong guess costs time and nothing else: what is built on a pair is proved exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from exactre.certify.matching import Matching
from exactre.check import Vector, coefficient
from exactre.network import Network

ALIKE = 0.9  # least cosine of two neurons' rows
SHORT = 64  # greatest denominator of a factor that no majority of the entries agrees on

Pairs = dict[int, tuple[int, Fraction]]  # atom of B -> atom of A, s > 0: e_B is nearly s * e_A


def nearly_equal(b: Network, matching: Matching) -> Pairs:
    """Pairs of atoms that only B and only A use, whose preactivations are nearly multiples of each other.

    Layer by layer: a pair found counts as one basis element for the layers after it.
    """
    used = {step.atom for step in matching.steps_b if step.rule == "scaled"}
    made_by_a = sum(step.rule == "atom" for step in matching.steps_a)
    free = [j for j in range(made_by_a) if j not in used]
    size = 1 + matching.inputs + len(matching.atoms)
    left = _directions([_form(matching.atoms[j]) for j in free], size)
    pairs: Pairs = {}
    for layer in _layers(b, matching, made_by_a):
        forms = [_renamed(_form(matching.atoms[k]), pairs, matching.inputs) for k in layer]
        alike = _directions(forms, size) @ left.T
        for row, k, form in zip(alike, layer, forms, strict=True):
            if free and row.max() > ALIKE:
                i = int(row.argmax())
                pairs[k] = free[i], _factor(form, _form(matching.atoms[free[i]]))
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


def _form(e: Vector) -> dict[int, Fraction]:
    return {basis: Fraction(*coefficient(e, basis)) for basis in e[2]}


def _renamed(form: dict[int, Fraction], pairs: Pairs, inputs: int) -> dict[int, Fraction]:
    """The form with each paired atom of B written as its multiple of A's."""
    result: dict[int, Fraction] = {}
    for basis, v in form.items():
        j, s = pairs.get(basis - 1 - inputs, (basis - 1 - inputs, Fraction(1)))
        result[1 + inputs + j] = result.get(1 + inputs + j, Fraction(0)) + v * s
    return result


def _directions(forms: Sequence[dict[int, Fraction]], size: int) -> NDArray[np.float64]:
    """The forms as rows of length 1; the largest entry is divided out first, so that none overflows."""
    rows = np.zeros((len(forms), size))
    for row, form in zip(rows, forms, strict=True):
        top = max((abs(v) for v in form.values()), default=Fraction(0)) or Fraction(1)
        for basis, v in form.items():
            row[basis] = float(v / top)
        row /= np.linalg.norm(row) or 1.0
    return rows


def _factor(form: dict[int, Fraction], other: dict[int, Fraction]) -> Fraction:
    """s > 0 with form = s * other in most entries, else a short one near the ratio of the largest entries."""
    ratios = Counter(v / other[basis] for basis, v in form.items() if other.get(basis))
    s, count = ratios.most_common(1)[0]
    if s > 0 and 2 * count > len(form):
        return s
    largest = max(form.keys() & other.keys(), key=lambda basis: abs(other[basis]))
    s = form[largest] / other[largest]
    return s.limit_denominator(SHORT) if s > Fraction(1, SHORT) else abs(s) or Fraction(1)
