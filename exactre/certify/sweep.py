"""Sweeping: linear relations between neurons of both networks, proposed by values and proved by small trees.

Exact values at sample points propose every relation there is among the inputs and the neurons so far,
among them equal neurons, equal sums of neurons, and neurons always active or never. Each is proved by
a tree over the atoms that it depends on (`emptiness`); a point that refutes one joins the samples, or is
a witness.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz_mat, nmod_mat

from exactre.certify.cell import PRIME
from exactre.certify.emptiness import Open, Refuted, Spent, Vanishing
from exactre.certify.matching import System, needed_atoms
from exactre.certify.question import Question
from exactre.certify.sampling import SCALES, Sampler
from exactre.check import Step, Terms, TreeNode, Vector, coefficient, combine
from exactre.linalg import pivot_columns, solve
from exactre.rational import Matrix, Points

SAMPLE_BITS = 12  # more than a witness needs: equal points propose relations that are none
SPARE = 16  # sample points more than columns
MAX_COLUMNS = 2000  # of the values' matrix: the elimination is cubic
SIZE = 64  # atoms that a program of one relation's tree may have; there are fewer larger programs
LEAST = 8  # programs, below which no tree is begun


class Sweep:
    """Learns equations between the atoms of a system, after each node of B that is walked.

    What the samples of one walk say is kept for the next: see `within`.
    """

    def __init__(self, question: Question, deadline: float | None) -> None:
        self.question = question
        self._budget = 0
        self.is_short = False  # whether more programs might prove more
        self.deadline = deadline
        self.sampler = Sampler(question.domain, question.a.input_dim)
        self.facts = [] if question.domain is None else question.domain.facts()
        self.witness: tuple[Fraction, ...] | None = None  # a point at which the question has its answer
        self._failed: dict[int, int] = {}  # by atom: equations known when its proof was too long
        self.samples: list[tuple[Points, list[dict[str, Points]]]] = []  # with both networks' neurons

    def within(self, budget: int) -> Sweep:
        """The same, for a walk from the start, with so many programs for one relation's tree."""
        self._budget = budget
        self._failed = {}
        self.is_short = False
        return self

    def __call__(self, system: System) -> list[Step]:
        """Prove what relations can be proved, add them to the system, and return their steps."""
        steps: list[Step] = []
        again = True
        while again:
            again = False
            for t in self._relations(system):
                if self._is_over():
                    return steps
                highest = max(t[2])
                if self._failed.get(highest) == len(system.equations):
                    continue
                try:
                    tree = self._tree(system, t)
                except Refuted as found:
                    point = Points.of([found.point], system.inputs)
                    if self.question.refuted_by(point):
                        self.witness = found.point
                        return steps
                    self._add(point)
                    again = True
                    break
                except Open as open_:
                    self.is_short |= isinstance(open_, Spent)
                    self._failed[highest] = len(system.equations)
                    continue
                steps.append(Step("zero", terms=_terms(t, system.inputs), tree=tree))
                system.learn(t)
        return steps

    def _tree(self, system: System, t: Vector) -> list[TreeNode]:
        """The proof that t is zero, guided by the samples. Raises Refuted, Open or Spent."""
        first = 1 + system.inputs
        needed = needed_atoms(system.inputs, system.atoms, [t])
        budget = self._budget * SIZE**2 // max(SIZE, len(needed)) ** 2
        if budget < LEAST:
            raise Spent
        rows = self._values(system, [*range(first), *(first + k for k in sorted(needed))])
        active = np.array([[v > 0 for v in row[first:]] for row in rows]).T
        forms = {k: system.atoms[k] for k in needed}
        return Vanishing(system.inputs, forms, t, self.facts, active, budget, self.deadline).tree()

    def _relations(self, system: System) -> Iterator[Vector]:
        """Expressions that vanish at all sample points, one for each atom that earlier ones determine."""
        first = 1 + system.inputs
        atoms = range(first, first + len(system.atoms))
        bases = [*range(first), *(basis for basis in atoms if basis not in system.equations)]
        if len(bases) > MAX_COLUMNS:
            return
        if not self._sample(len(bases)):
            return
        values = self._values(system, bases)
        residues = nmod_mat(len(values), len(bases), [v % PRIME for row in values for v in row], PRIME)
        reduced = residues.rref()[0]
        echelon, pivots = reduced.tolist(), pivot_columns(reduced)
        for j in sorted(set(range(first, len(bases))) - set(pivots)):
            # Modulo a prime the support is seen; the coefficients are solved for over Q.
            support = [p for p, row in zip(pivots, echelon, strict=False) if p < j and row[j]]
            A = Matrix(fmpz_mat([[row[p] for p in support] for row in values]))
            x = solve(A, Matrix(fmpz_mat([[row[j]] for row in values])))
            if x is not None:
                terms = [(-int(v), x.den, bases[p]) for p, v in zip(support, x.num.entries(), strict=True)]
                yield combine([(p, q, (1, 1, {basis: 1})) for p, q, basis in [*terms, (1, 1, bases[j])]])

    def _is_over(self) -> bool:
        return self.witness is not None or (self.deadline is not None and time.time() > self.deadline)

    def _sample(self, columns: int) -> bool:
        """Take enough sample points for so many columns; False when it is too late for that."""
        missing = columns + SPARE - sum(len(points) for points, _ in self.samples)
        for scale in SCALES if missing > 0 else ():
            if self._is_over():
                return False
            self._add(self.sampler.points(scale, -(-missing // len(SCALES)), SAMPLE_BITS))
        return not self._is_over()

    def _values(self, system: System, bases: list[int]) -> list[list[int]]:
        """The values of the basis elements at the sample points, each row a multiple of one point's."""
        origins = [system.origins[basis - 1 - system.inputs] for basis in bases[1 + system.inputs :]]
        rows = []
        for points, neurons in self.samples:
            den = lcm(points.den, *(p.den for values in neurons for p in values.values()))
            inputs = _whole(points, den)
            outputs = [{name: _whole(p, den) for name, p in values.items()} for values in neurons]
            for i, row in enumerate(inputs):
                rows.append([den, *row, *(outputs[side][node][i][j] for side, node, j in origins)])
        return rows

    def _add(self, points: Points) -> None:
        nets = self.question.a, self.question.b
        self.samples.append((points, [net.preactivations(points, after_relu=True) for net in nets]))


def _whole(points: Points, den: int) -> list[list[int]]:
    factor = den // points.den
    return [[int(v) * factor for v in row] for row in points.num.tolist()]


def _terms(t: Vector, inputs: int) -> Terms:
    terms = []
    for basis in sorted(t[2]):
        part, k = ("one", 0) if basis == 0 else ("input", basis - 1)
        if basis > inputs:
            part, k = "atom", basis - 1 - inputs
        terms.append((part, k, coefficient(t, basis)))
    return terms
