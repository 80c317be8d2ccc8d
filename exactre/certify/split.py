"""The case split: over the closed cells of the atoms that still matter, decided by exact LPs.

Atoms are chosen so that in a cell every expression that matters for the next choice is affine in x alone;
atoms that have become the same are joined before any choice. A side that has no interior is left out
with multipliers. Where a difference stays in a leaf, its greatest value there is either within the
tolerance, with multipliers, or gives a point that refutes; so do two decisions that are not the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from exactre.certify.cell import Cell, strictly_inside, value_at, within
from exactre.certify.deciding import alike, decide, margins
from exactre.certify.matching import Matching, first_multiple, multiple, needed_atoms
from exactre.certify.pairing import nearly_equal
from exactre.certify.question import Question
from exactre.certify.sampling import Sampler
from exactre.check import ZERO, Derivation, TreeNode, Vector, combine, scale, substitute

TOP = 6  # splits on the way to a subtree that is a task of its own, whatever the executor


@dataclass(frozen=True)
class Problem:
    """What every cell shares: the number of inputs, the claim, (k, j, s) of nearly equal e_k, s e_j.

    With `same_argmax` the cells' differences are A's margins, then B's.
    """

    inputs: int
    tolerance: Fraction
    same_argmax: bool = False
    pairs: tuple[tuple[int, int, Fraction], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A proof in preorder with the cells still open in their places, or a point that refutes."""

    nodes: tuple[TreeNode | Cell, ...] = ()
    refutation: tuple[Fraction, ...] | None = None

    @property
    def open_cells(self) -> int:
        """Number of cells that nothing is established about."""
        return sum(isinstance(node, Cell) for node in self.nodes)


def split(
    question: Question, matching: Matching, *, deadline: float | None = None, executor: Executor | None = None
) -> Outcome:
    """Decide a question over the atoms of a matching; open cells are left only when `deadline` has passed.

    The outcome is the same for every executor. `deadline` is in the seconds of `time.time`. Raises
    EmptyDomain when the domain is empty.
    """
    pairs = nearly_equal(question.b, matching)
    problem = Problem(
        matching.inputs,
        question.tolerance,
        question.same_argmax,
        tuple((k, *pairs[k]) for k in sorted(pairs)),
    )
    differences = matching.differences
    if question.same_argmax:
        differences = tuple(margin for outputs in matching.outputs for margin in margins(outputs))
    root = whole_domain(question, matching.atoms, differences)
    top = explore(problem, deadline, TOP, root)
    if top.refutation is not None:
        return top
    cells = [node for node in top.nodes if isinstance(node, Cell)]
    task = partial(explore, problem, deadline, None)
    answers = map(task, cells) if executor is None else executor.map(task, cells)
    nodes: list[TreeNode | Cell] = []
    for node in top.nodes:
        if not isinstance(node, Cell):
            nodes.append(node)
            continue
        answer = next(iter(answers))
        if answer.refutation is not None:
            return answer
        nodes += answer.nodes
    return Outcome(tuple(nodes))


def whole_domain(question: Question, atoms: Sequence[Vector], differences: tuple[Vector, ...]) -> Cell:
    """The cell without choices. Raises EmptyDomain when the domain is empty."""
    facts = [] if question.domain is None else question.domain.facts()
    point = tuple(Sampler(question.domain, question.a.input_dim).anchor)
    domain = tuple(("domain", i, fact) for i, fact in enumerate(facts))
    return Cell(domain, dict(enumerate(atoms)), differences, point, 0)


def explore(problem: Problem, deadline: float | None, depth: int | None, root: Cell) -> Outcome:
    """The proof for a cell; cells `depth` splits deep or beyond the deadline stay open."""
    nodes: list[TreeNode | Cell] = []
    waiting = [root]
    while waiting:
        cell = waiting.pop()
        if deadline is not None and time.time() > deadline:
            nodes += [cell, *reversed(waiting)]
            break
        if cell.splits == depth:
            nodes.append(cell)
            continue
        half = len(cell.differences) // 2
        closed = alike(cell.differences[:half], cell.differences[half:]) if problem.same_argmax else None
        k = None if closed else _next_atom(problem, cell)
        if k is None:
            leaf = closed or (decide(cell) if problem.same_argmax else _leaf(problem, cell))
            if not isinstance(leaf, TreeNode):
                return Outcome(refutation=leaf)
            nodes.append(leaf)
            continue
        node, children = _same(problem, cell) or _choose(problem, cell, k)
        nodes.append(node)
        waiting += reversed(children)
    return Outcome(tuple(nodes))


def _needed(problem: Problem, cell: Cell, vectors: Iterable[Vector]) -> set[int]:
    """The atoms that expressions depend on in this cell, directly or through other atoms."""
    return needed_atoms(problem.inputs, cell.forms, vectors)


def _next_atom(problem: Problem, cell: Cell) -> int | None:
    """An atom whose e is affine in x in this cell and that a difference depends on, None when there is none.

    The lowest that makes the first pair of nearly equal neurons differ, so that cells in which all pairs
    are equal are found before anything else is cut; else the lowest.
    """
    needed = _needed(problem, cell, cell.differences)
    if not needed:
        return None
    for k, j, s in problem.pairs:
        if j in needed and k in needed:
            terms = [(1, 1, cell.forms[k]), (-s.numerator, s.denominator, cell.forms[j])]
            apart = _needed(problem, cell, [combine(terms)])
            if apart:
                return min(apart)
    return min(needed)


def _same(problem: Problem, cell: Cell) -> tuple[TreeNode, list[Cell]] | None:
    """The node for two atoms that are multiples of each other in this cell, when there are such."""
    needed = sorted(_needed(problem, cell, cell.differences))
    found = first_multiple((j, cell.forms[j]) for j in needed)
    if found is None:
        return None
    j, k, factor = found
    value = multiple((1, 1, {1 + problem.inputs + k: 1}), cell.forms[k], factor)
    return TreeNode("same", j, below=k, factor=factor), [_child(problem, cell, j, value)]


def _choose(problem: Problem, cell: Cell, k: int) -> tuple[TreeNode, list[Cell]]:
    """The node for atom k and its children: one where a side has no interior, else both."""
    e = cell.forms[k]
    opposite = scale(-1, 1, e)
    value = value_at(e, cell.point)
    # The point shows one side for nothing; the LP decides the other.
    above = cell.point if value > 0 else strictly_inside(cell, e)
    if isinstance(above, Derivation):
        return TreeNode("inactive", k, [above]), [_child(problem, cell, k, ZERO)]
    below = cell.point if value < 0 else strictly_inside(cell, opposite)
    if isinstance(below, Derivation):
        return TreeNode("active", k, [below]), [_child(problem, cell, k, e)]
    active, inactive = _child(problem, cell, k, e), _child(problem, cell, k, ZERO)
    sides = ((active, ("relu", k, e), above), (inactive, ("gap", k, opposite), below))
    children = [
        replace(child, facts=(*cell.facts, fact), point=point, splits=cell.splits + 1)
        for child, fact, point in sides
    ]
    return TreeNode("split", k), children


def _child(problem: Problem, cell: Cell, k: int, value: Vector) -> Cell:
    """The cell with r_k = value."""
    change = {1 + problem.inputs + k: value}
    forms = {j: substitute(e, change) for j, e in cell.forms.items() if j != k}
    return replace(cell, forms=forms, differences=tuple(substitute(d, change) for d in cell.differences))


def _leaf(problem: Problem, cell: Cell) -> TreeNode | tuple[Fraction, ...]:
    """The proof for a cell where every difference is affine in x, or a point that refutes."""
    if all(d == ZERO for d in cell.differences):
        return TreeNode("equal")
    bounds: list[tuple[Derivation, Derivation] | None] = []
    for d in cell.differences:
        if d == ZERO:
            bounds.append(None)
            continue
        if abs(value_at(d, cell.point)) > problem.tolerance:
            return cell.point
        pair = []
        for sign in (1, -1):
            answer = within(cell, scale(sign, 1, d), problem.tolerance)
            if not isinstance(answer, Derivation):
                return answer
            pair.append(answer)
        bounds.append((pair[0], pair[1]))
    return TreeNode("bounded", bounds=bounds)
