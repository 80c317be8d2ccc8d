"""The same decision: which facts exclude that two networks decide otherwise, or a point where they do.

A decision is the first index of a maximal output, so that outputs matter up to one common amount: here they
are margins, each output less the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactre.certify.cell import Cell, Fact, exclude
from exactre.certify.matching import Matching, ratio
from exactre.check import ZERO, Derivation, TreeNode, Vector, combine


def margins(outputs: Sequence[Vector]) -> tuple[Vector, ...]:
    """Every output but the first, less the first one."""
    return tuple(_less(v, outputs[0]) for v in outputs[1:])


def decided_at_once(matching: Matching) -> TreeNode | None:
    """The leaf for outputs whose margins show the same decision without cases, else None; exact."""
    return alike(*(margins(outputs) for outputs in matching.outputs))


def alike(left: Sequence[Vector], right: Sequence[Vector]) -> TreeNode | None:
    """The leaf for margins that are equal, or in proportion for every two outputs, else None; exact."""
    if left == right:
        return TreeNode("equal")
    a, b = (ZERO, *left), (ZERO, *right)
    found: dict[tuple[int, int], Derivation] = {}
    for j in range(len(a)):
        for i in range(j):
            p, q = _less(a[i], a[j]), _less(b[i], b[j])
            if p == q == ZERO:  # the later one of two outputs that always tie is never the first
                found[i, j] = Derivation([("b", i, (1, 1))])
                found[j, i] = Derivation([("a", i, (1, 1))])
                continue
            s = ratio(p, q) if q != ZERO else None
            if s is None or s[0] <= 0:
                return None
            found[i, j] = Derivation([("a", j, (1, 1)), ("b", i, s)])
            found[j, i] = Derivation([("a", i, (1, 1)), ("b", j, s)])
    rows = [[found[i, j] for j in range(len(a)) if j != i] for i in range(len(a))]
    return TreeNode("decided", exclusions=rows)


def decide(cell: Cell) -> TreeNode | tuple[Fraction, ...]:
    """The leaf for a cell where every margin is affine in x, or a point with two decisions; exact.

    `cell.differences` has A's margins, then B's.
    """
    half = len(cell.differences) // 2
    a, b = (ZERO, *cell.differences[:half]), (ZERO, *cell.differences[half:])
    entries: list[Derivation | list[Derivation]] = []
    for i in range(len(a)):
        own = _contest("a", a, i)
        never = exclude(cell, own)
        if isinstance(never, Derivation):
            entries.append(never)
            continue
        entry = []
        for j in range(len(b)):
            if j != i:
                exclusion = exclude(cell, [*own, *_contest("b", b, j)])
                if not isinstance(exclusion, Derivation):
                    return exclusion
                entry.append(exclusion)
        entries.append(entry)
    return TreeNode("decided", exclusions=entries)


def _contest(kind: str, outputs: Sequence[Vector], best: int) -> list[tuple[Fact, bool]]:
    """The facts that output `best` is the first maximal one, with whether each is strict."""
    others = (k for k in range(len(outputs)) if k != best)
    return [((kind, k, _less(outputs[best], outputs[k])), k < best) for k in others]


def _less(p: Vector, q: Vector) -> Vector:
    return combine([(1, 1, p), (-1, 1, q)])
