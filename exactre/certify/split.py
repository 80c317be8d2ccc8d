"""The case split: over the closed cells of the atoms that still matter, decided by exact LPs.

Atoms are chosen so that in a cell every expression that matters for the next choice is affine in x alone;
atoms that have become the same are joined before any choice. A side that has no interior is left out
with multipliers. Where a difference stays in a leaf, its greatest value there is either within the
tolerance, with multipliers, or gives a point that refutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from flint import fmpz_mat, nmod_mat

from exactre.certify.matching import Matching, ratio, row_key
from exactre.certify.pairing import nearly_equal
from exactre.certify.question import Question
from exactre.certify.sampling import Sampler
from exactre.check import ONE, ZERO, Derivation, TreeNode, Vector, combine, scale, substitute
from exactre.linalg import pivot_columns, rank
from exactre.lp import Farkas, Optimum, Ray, feasible, maximise
from exactre.rational import Matrix

PRIME = 2**61 - 1
TOP = 6  # splits on the way to a subtree that is a task of its own, whatever the executor

Fact = tuple[str, int, Vector]  # kind, index, expression in x


@dataclass(frozen=True)
class Problem:
    """What every cell shares: the number of inputs, the tolerance, (k, j, s) of nearly equal e_k, s e_j."""

    inputs: int
    tolerance: Fraction
    pairs: tuple[tuple[int, int, Fraction], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A closed cell: its facts in x, e_k of the atoms not chosen yet and the differences, both reduced.

    `point` (n) is in the cell, and inside every fact that does not hold with equality on the whole cell.
    """

    facts: tuple[Fact, ...]
    forms: dict[int, Vector]
    differences: tuple[Vector, ...]
    point: tuple[Fraction, ...]
    splits: int


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
    problem = Problem(matching.inputs, question.tolerance, tuple((k, *pairs[k]) for k in sorted(pairs)))
    root = whole_domain(question, matching.atoms, matching.differences)
    top = explore(problem, deadline, TOP, None, root)
    if top.refutation is not None:
        return top
    cells = [node for node in top.nodes if isinstance(node, Cell)]
    decide = partial(explore, problem, deadline, None, None)
    answers = map(decide, cells) if executor is None else executor.map(decide, cells)
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


def explore(
    problem: Problem, deadline: float | None, depth: int | None, budget: int | None, root: Cell
) -> Outcome:
    """The proof for a cell; cells `depth` splits deep, beyond `budget` nodes or the deadline stay open."""
    nodes: list[TreeNode | Cell] = []
    waiting = [root]
    while waiting:
        cell = waiting.pop()
        late = deadline is not None and time.time() > deadline
        if late or (budget is not None and len(nodes) >= budget):
            nodes += [cell, *reversed(waiting)]
            break
        if cell.splits == depth:
            nodes.append(cell)
            continue
        k = _next_atom(problem, cell)
        if k is None:
            leaf = _leaf(problem, cell)
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
    first = 1 + problem.inputs
    waiting = [basis - first for vector in vectors for basis in vector[2] if basis >= first]
    met = set(waiting)
    while waiting:
        for basis in cell.forms[waiting.pop()][2]:
            if basis >= first and basis - first not in met:
                met.add(basis - first)
                waiting.append(basis - first)
    return met


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
    met: dict[tuple[int, ...], int] = {}
    for j in sorted(_needed(problem, cell, cell.differences)):
        e = cell.forms[j]
        if not e[2].keys() - {0}:
            continue
        k = met.setdefault(row_key(e[2]), j)
        factor = ratio(e, cell.forms[k]) if k != j else None
        if factor is not None:
            p, q = factor
            r = (1, 1, {1 + problem.inputs + k: 1})
            value = scale(p, q, r) if p > 0 else combine([(-p, q, r), (p, q, cell.forms[k])])
            return TreeNode("same", j, below=k, factor=factor), [_child(problem, cell, j, value)]
    return None


def _choose(problem: Problem, cell: Cell, k: int) -> tuple[TreeNode, list[Cell]]:
    """The node for atom k and its children: one where a side has no interior, else both."""
    e = cell.forms[k]
    opposite = scale(-1, 1, e)
    value = _value(e, cell.point)
    # The point shows one side for nothing; the LP decides the other.
    above = cell.point if value > 0 else _strictly_inside(cell, e)
    if isinstance(above, Derivation):
        return TreeNode("inactive", k, [above]), [_child(problem, cell, k, ZERO)]
    below = cell.point if value < 0 else _strictly_inside(cell, opposite)
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


def _strictly_inside(cell: Cell, t: Vector) -> tuple[Fraction, ...] | Derivation:
    """A point of the cell with t > 0, as far inside as the cell's own point, or a derivation of -t >= 0."""
    system = _System([*(fact for _, _, fact in cell.facts), t], len(cell.point))
    answer = feasible(system.A, system.b, strict=[len(cell.facts)])
    if isinstance(answer, Farkas):
        return _derivation(cell, answer.multipliers, scale(-1, 1, t))
    found = system.lift(answer.x)
    if all(_value(fact, found) > 0 for _, _, fact in cell.facts):
        return found
    # From there towards the cell's point as far as t > 0 allows: inside whatever that point is inside of.
    share = Fraction(1, 2)
    while True:
        point = tuple(q + share * (p - q) for p, q in zip(cell.point, found, strict=True))
        if _value(t, point) > 0:
            return point
        share /= 2


def _leaf(problem: Problem, cell: Cell) -> TreeNode | tuple[Fraction, ...]:
    """The proof for a cell where every difference is affine in x, or a point that refutes."""
    if all(d == ZERO for d in cell.differences):
        return TreeNode("equal")
    bounds: list[tuple[Derivation, Derivation] | None] = []
    for d in cell.differences:
        if d == ZERO:
            bounds.append(None)
            continue
        if abs(_value(d, cell.point)) > problem.tolerance:
            return cell.point
        pair = []
        for sign in (1, -1):
            answer = _bound(problem, cell, scale(sign, 1, d))
            if not isinstance(answer, Derivation):
                return answer
            pair.append(answer)
        bounds.append((pair[0], pair[1]))
    return TreeNode("bounded", bounds=bounds)


def _bound(problem: Problem, cell: Cell, d: Vector) -> Derivation | tuple[Fraction, ...]:
    """A derivation of tolerance - d >= 0 in the cell, or a point of it with d > tolerance."""
    system = _System([*(fact for _, _, fact in cell.facts), d], problem.inputs)
    cost = [Fraction(-v * d[0], d[1]) for v in system.A[-1]]
    rows = Matrix.from_rows(system.A[:-1], len(system.columns))  # on all of R^n there may be none
    answer = maximise(cost, rows, system.b[:-1])
    if isinstance(answer, Ray):
        x, direction = system.lift(answer.x), system.lift(answer.direction)
        reach = Fraction(1)
        while True:
            point = tuple(p + reach * v for p, v in zip(x, direction, strict=True))
            if _value(d, point) > problem.tolerance:
                return point
            reach *= 2
    assert isinstance(answer, Optimum)  # the cell has a point
    found = system.lift(answer.x)
    if _value(d, found) > problem.tolerance:
        return found
    bounded = combine([(*problem.tolerance.as_integer_ratio(), ONE), (-1, 1, d)])
    return _with_constant(cell, answer.multipliers, bounded)


class _System:
    """Expressions f >= 0 as rows -f . x <= f_0 of primitive integers, in the fewest coordinates that matter.

    Columns that span all others are kept: with the other coordinates zero the rows still take all their
    values, so that a cell of few facts in 784 inputs is a program in a few unknowns.
    """

    def __init__(self, vectors: list[Vector], inputs: int) -> None:
        rows = [[-entries.get(1 + j, 0) for j in range(inputs)] for _, _, entries in vectors]
        self.inputs = inputs
        self.columns = list(range(inputs))
        if len(vectors) < inputs:
            matrix = Matrix(fmpz_mat(rows))
            columns = pivot_columns(nmod_mat(matrix.num, PRIME).rref()[0])
            if len(columns) == rank(matrix):  # over Q, so that the prime has hidden none
                self.columns = columns or [0]
                rows = [[row[j] for j in self.columns] for row in rows]
        self.A = rows
        self.b = [entries.get(0, 0) for _, _, entries in vectors]

    def lift(self, x: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """The point in all coordinates."""
        point = [Fraction(0)] * self.inputs
        for j, v in zip(self.columns, x, strict=True):
            point[j] = v
        return tuple(point)


def _derivation(cell: Cell, multipliers: Mapping[int, int], target: Vector) -> Derivation:
    """The derivation of target >= 0 that Farkas multipliers hold, `-target` being the last row."""
    last = Fraction(target[0], target[1]) / multipliers[len(cell.facts)]
    facts = {i: v * last for i, v in multipliers.items() if i < len(cell.facts)}
    return _with_constant(cell, facts, target)


def _with_constant(cell: Cell, multipliers: Mapping[int, Fraction], target: Vector) -> Derivation:
    """The derivation from multipliers of the primitive facts, and what is left, a constant >= 0, of `one`."""
    terms: list[tuple[str, int, tuple[int, int]]] = []
    rest = [(1, 1, target)]
    for i, y in sorted(multipliers.items()):
        kind, k, fact = cell.facts[i]
        n, d, _ = fact
        p, q = (y * Fraction(d, n)).as_integer_ratio()
        terms.append((kind, k, (p, q)))
        rest.append((-p, q, fact))
    n, d, entries = combine(rest)
    if entries:
        terms.append(("one", 0, (n, d)))
    return Derivation(terms)


def _value(vector: Vector, point: Sequence[Fraction]) -> Fraction:
    """An expression's value at a point, of an expression in x alone."""
    n, d, entries = vector
    total = sum((v * point[basis - 1] for basis, v in entries.items() if basis), Fraction(entries.get(0, 0)))
    return total * Fraction(n, d)
