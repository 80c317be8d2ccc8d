"""Sweeping: linear relations between neurons of both networks, proposed by values and proved by small trees.

Exact values at sample points propose every relation there is among the inputs and the neurons so far,
among them equal neurons, equal sums of neurons, and neurons always active or never. Each is proved
by a case split over the few atoms that it depends on; a point that refutes one joins the samples.
"""

from __future__ import annotations

import time
from fractions import Fraction
from math import lcm

from flint import fmpz_mat, nmod_mat

from exactre.certify.matching import System
from exactre.certify.question import Question
from exactre.certify.sampling import SCALES, Sampler
from exactre.certify.split import Problem, explore, whole_domain
from exactre.check import Step, Terms, TreeNode, Vector, coefficient, combine
from exactre.rational import Points

PRIME = 2**61 - 1
SAMPLE_BITS = 12  # more than a witness needs: equal points propose relations that are none
SPARE = 16  # sample points more than columns
MAX_COLUMNS = 600  # of the values' matrix: the elimination is cubic
BUDGET = 300  # nodes of one relation's tree


class Sweep:
    """Learns equations between the atoms of a system, after each node of B that is walked."""

    def __init__(self, question: Question, deadline: float | None) -> None:
        self.question = question
        self.deadline = deadline
        self.sampler = Sampler(question.domain, question.a.input_dim)
        self.points: list[tuple[Fraction, ...]] = []

    def __call__(self, system: System) -> list[Step]:
        """Prove what relations can be proved, add them to the system, and return their steps."""
        steps: list[Step] = []
        tried: set[int] = set()
        again = True
        while again:
            again = False
            for t in self._relations(system):
                highest = max(t[2])
                if highest in tried or (self.deadline is not None and time.time() > self.deadline):
                    continue
                problem = Problem(system.inputs, tuple(system.atoms), Fraction(0))
                outcome = explore(problem, self.deadline, None, BUDGET, whole_domain(self.question, (t,)))
                if outcome.refutation is not None:
                    self.points.append(outcome.refutation)
                    again = True
                    break
                tried.add(highest)
                if outcome.open_cells == 0:
                    tree = tuple(node for node in outcome.nodes if isinstance(node, TreeNode))
                    steps.append(Step("zero", terms=_terms(t, system.inputs), tree=tree))
                    system.learn(t)
        return steps

    def _relations(self, system: System) -> list[Vector]:
        """Expressions that vanish at all sample points, one for each atom that earlier ones determine."""
        first = 1 + system.inputs
        atoms = range(first, first + len(system.atoms))
        bases = [*range(first), *(basis for basis in atoms if basis not in system.equations)]
        if len(bases) > MAX_COLUMNS:
            return []
        values = self._values(system, bases)
        residues = nmod_mat(len(self.points), len(bases), [v % PRIME for row in values for v in row], PRIME)
        echelon, rank = residues.rref()
        pivots = [next(j for j in range(len(bases)) if echelon[i, j]) for i in range(rank)]
        relations = []
        for j in sorted(set(range(first, len(bases))) - set(pivots)):
            # Modulo a prime the support is seen; the coefficients are solved for over Q.
            support = [p for i, p in enumerate(pivots) if p < j and echelon[i, j]] + [j]
            chosen = [row[p] for row in values for p in support]
            kernel, nullity = fmpz_mat(len(values), len(support), chosen).nullspace()
            if nullity == 1:
                entries = {bases[p]: int(kernel[i, 0]) for i, p in enumerate(support) if kernel[i, 0]}
                relations.append(combine([(v, 1, (1, 1, {basis: 1})) for basis, v in entries.items()]))
        return relations

    def _values(self, system: System, bases: list[int]) -> list[list[int]]:
        """The value of each basis element at each sample point, as integers over one denominator."""
        for k in range(len(self.points), len(bases) + SPARE):
            self.points += self.sampler.points(SCALES[k % len(SCALES)], 1, SAMPLE_BITS)
        points = Points.of(self.points, system.inputs)
        nets = self.question.a, self.question.b
        neurons = [net.preactivations(points, after_relu=True) for net in nets]
        den = lcm(points.den, *(p.den for values in neurons for p in values.values()))
        columns = [[den] * len(points)]
        columns += [_column(points, j, den) for j in range(system.inputs)]
        for basis in bases[1 + system.inputs :]:
            side, node, i = system.origins[basis - 1 - system.inputs]
            columns.append(_column(neurons[side][node], i, den))
        return [list(row) for row in zip(*columns, strict=True)]


def _column(points: Points, j: int, den: int) -> list[int]:
    return [int(points.num[i, j]) * (den // points.den) for i in range(len(points))]


def _terms(t: Vector, inputs: int) -> Terms:
    terms = []
    for basis in sorted(t[2]):
        part, k = ("one", 0) if basis == 0 else ("input", basis - 1)
        if basis > inputs:
            part, k = "atom", basis - 1 - inputs
        terms.append((part, k, coefficient(t, basis)))
    return terms
