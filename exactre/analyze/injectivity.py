"""`injective`: whether one layer, x -> relu(W x + b) on R^n, maps no two points to one; with its proof.

If relu(W x + b) is the same at x and y, it is the same on the segment between them: a row with w . (y - x)
!= 0 has u <= 0 at both ends, so u < 0 between them. So the layer is injective if and only if at every x the
rows w_j with u_j(x) >= 0 span R^n. Where they do not, they lie in a maximal set of rows that do not span,
and u < 0 for all rows outside it: one linear program for each. Source: Puthawala et al. 2022 ("Globally
injective ReLU networks"), directed spanning sets: the case b = 0.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from exactre.linalg import nullspace, rank
from exactre.lp import Farkas, feasible
from exactre.network import Node
from exactre.rational import Matrix


@dataclass(frozen=True)
class Injectivity:
    """`answer` is "yes", "no" or "not decided".

    For "no", `points` are two of equal value. For "yes", `proofs` has, for every maximal set of rows that
    do not span R^n, the multipliers by which no x has u < 0 in all `rows` outside it.
    """

    answer: str
    points: tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None = None
    proofs: tuple[tuple[tuple[int, ...], Farkas], ...] = ()


def injective(node: Node, deadline: float | None = None) -> Injectivity:
    """Whether the layer of a node is injective on R^n, n the number of values that it reads; exact over Q.

    The number of linear programs grows like m^(n-1); at the `deadline` (`time.time()`) the answer is "not
    decided".
    """
    parts = [w.rows() for _, w in node.inputs]
    weight = [[v for rows in parts for v in rows[j]] for j in range(node.width)]
    bias = [b for (b,) in node.bias.rows()]
    proofs = []
    for inside, direction in _flats(weight):
        if deadline is not None and time.time() > deadline:
            return Injectivity("not decided")
        rows = tuple(j for j in range(len(weight)) if j not in inside)
        if not rows:
            # The rows do not span: the direction is lost everywhere.
            return Injectivity("no", (tuple(Fraction(0) for _ in direction), tuple(direction)))
        A, b = [weight[j] for j in rows], [-bias[j] for j in rows]
        answer = feasible(Matrix.from_rows(A, len(direction)), b, strict=range(len(rows)))
        if not isinstance(answer, Farkas):
            return Injectivity("no", (answer.x, _step(answer.x, direction, A, b)))
        proofs.append((rows, answer))
    return Injectivity("yes", None, tuple(proofs))


def _flats(weight: list[list[Fraction]]) -> Iterator[tuple[frozenset[int], list[Fraction]]]:
    """Every maximal set of rows that do not span R^n, each once, with a direction that is zero on them."""
    n, seen = len(weight[0]), set()
    if rank(Matrix.from_rows(weight)) < n:
        basis = nullspace(Matrix.from_rows(weight)).transpose().rows()
        yield frozenset(range(len(weight))), basis[0]
        return
    for chosen in combinations(range(len(weight)), n - 1):
        basis = nullspace(Matrix.from_rows([[0] * n, *(weight[j] for j in chosen)])).transpose().rows()
        if len(basis) > 1:
            continue
        direction = basis[0]
        inside = frozenset(j for j, row in enumerate(weight) if not _dot(row, direction))
        if inside not in seen:
            seen.add(inside)
            yield inside, direction


def _dot(row: Sequence[Fraction], vector: Sequence[Fraction]) -> Fraction:
    return sum((v * w for v, w in zip(row, vector, strict=True)), Fraction(0))


def _step(
    x: Sequence[Fraction],
    direction: Sequence[Fraction],
    A: Sequence[Sequence[Fraction]],
    b: Sequence[Fraction],
) -> tuple[Fraction, ...]:
    """A point from x along the direction at which every A x < b still holds."""
    length = Fraction(1)
    for row, bound in zip(A, b, strict=True):
        slope = _dot(row, direction)
        if slope > 0:
            length = min(length, (bound - _dot(row, x)) / slope / 2)
    return tuple(v + length * w for v, w in zip(x, direction, strict=True))
