"""Neurons of the next layer from a survey: the first layer, signs, groups of kinks, traces.

Steps, after Rolnick and Koerding's two algorithms, in the canonical form (design 4.5, 4.6):
1. hyperplanes that are met on several lines are first-layer hypotheses, confirmed at chosen points;
2. the signs of layer k come from unique combinations, where its forms are independent;
3. kinks with proportional combinations are one neuron's; a row follows from their equations;
4. what is still unexplained is traced across known boundaries until its row is determined.
A row is accepted when the lines bear it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import fmpz_mat

from exactre.recover.complete import Completion, completed
from exactre.recover.floats import random_gains, random_starts
from exactre.recover.group import CONSTANT, Weights, combination, modular, modular_gradient, same_neuron
from exactre.recover.guess import Vector, dyadic
from exactre.recover.line import Line
from exactre.recover.model import Neuron
from exactre.recover.row import Hypothesis, Row
from exactre.recover.signs import solve_signs
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer

_CORNERS = 8
_STEERING_RADIUS = 256.0


def first_layer(survey: Survey) -> int:
    """Accept every hyperplane that bends the function on two lines or more; how many are new."""
    lines: dict[tuple[int, ...], set[int]] = {}
    for i in survey.unexplained():
        lines.setdefault(survey.kinks[i].form, set()).add(survey.line[i])
    new = 0
    for form, seen in lines.items():
        evidence = survey.evidence(Neuron({}, form))
        # A first-layer neuron is missed where it is invisible; a deeper boundary's piece is missed more.
        if len(seen) > 1 and evidence.misses <= len(evidence.explained):
            survey.add(Neuron({}, form))
            new += 1
    return new


class Votes:
    """Signs of one layer from unique combinations at the kinks, free of queries.

    A combination may have no equation to spare, and an incomplete layer then makes a wrong one; but that has
    no zeros, or gives signs that contradict those from other kinks, and then all are given up.
    """

    def __init__(self, survey: Survey, depth: int) -> None:
        self.layer = survey.layer(depth)
        self.version = survey.version
        self._survey = survey
        self._depth = depth
        self._signs: dict[int, int] = {}
        self._contradicted = False
        self._read: dict[tuple[int, ...], int] = {}  # how many kinks were looked at with which signs known

    def count(self) -> bool:
        """Take the survey's new kinks into account; whether all signs are known."""
        # First without the signs found so far, which would hide contradictions; then with them, for the rest.
        self._count({})
        while not self._contradicted and len(self._signs) < len(self.layer):
            before = len(self._signs)
            self._count(dict(self._signs))
            if len(self._signs) == before:
                break
        for j in self.layer:
            self._survey.orientation.pop(j, None)
        if not self._contradicted:
            self._survey.orientation.update(self._signs)
        return not self._contradicted and len(self._signs) == len(self.layer)

    def _count(self, known: Mapping[int, int]) -> None:
        survey, layer = self._survey, self.layer
        key = tuple(known.get(j, 0) for j in layer)
        start = self._read.get(key, 0)
        self._read[key] = len(survey.kinks)
        for i in range(start, len(survey.kinks)):
            owner = survey.owner[i]
            found = [survey.gradient_weights(i, layer, known)]
            if owner is None or survey.model.depth[owner] > self._depth:
                found.append(survey.weights(i, layer, known))
            for weights in found:
                heard = [j for j, c in (weights or {}).items() if c and j != CONSTANT]
                if not weights or (not known and len(heard) == sum(j != CONSTANT for j in weights)):
                    continue
                signs = survey.signs(i)
                for j in heard:
                    if self._signs.setdefault(j, signs[j]) != signs[j]:
                        self._contradicted = True
                        return


def orient_at_corners(survey: Survey, depth: int, rng: np.random.Generator) -> dict[int, int]:
    """Signs of a deeper layer from gradients around points where boundaries of the layer before meet.

    All sectors around such a point share what is downstream, so one combination of the layer's forms
    gives all their gradients; each sector adds an equation. A neuron that contributes nowhere, and was
    always seen on one side, is taken to be inactive there. Nothing where they contradict each other.
    """
    layer, walls = survey.layer(depth), survey.layer(depth - 1)
    floats = survey.floats()
    votes: dict[int, int] = {}
    silent: dict[int, list[int]] = {j: [] for j in layer}
    for attempt in range(_CORNERS):
        count = max(1, min(survey.jets.dim, len(walls), len(layer) + 1) - (attempt + 1) % 3)
        chosen = [int(j) for j in rng.permutation(walls)[:count]]
        start = rng.normal(size=survey.jets.dim) * float(np.exp2(rng.uniform(-1, 6)))
        point = floats.corner(chosen, start)
        if point is None:
            continue
        found, quiet = _corner_signs(survey, layer, floats.sectors(chosen, point))
        if any(votes.get(j, s) != s for j, s in found.items()):
            return {}
        votes.update(found)
        for j, s in quiet.items():
            silent[j].append(s)
        if len(votes) == len(layer):
            break
    for j in layer:
        if j not in votes and len(silent[j]) > 2 and len(set(silent[j])) == 1:
            votes[j] = -silent[j][0]
    return votes


def _corner_signs(
    survey: Survey, layer: Sequence[int], points: Sequence[Vector]
) -> tuple[dict[int, int], dict[int, int]]:
    """Where the layer's neurons stand around a corner: those that contribute there, and those that do not.

    Nothing where every one seems to: an incomplete layer makes wrong combinations, and those have no zeros.
    """
    model = survey.model
    num, q = dyadic(points)
    rows = [[int(v) for v in row] for row in num.tolist()]
    patterns = model.signs_at(rows, q)
    base = patterns[0]
    keep = [k for k, found in enumerate(patterns) if all(found[j] == base[j] for j in layer)]
    columns = []
    for k in keep:
        forms = model.forms(patterns[k])
        columns.append(np.stack([modular(forms[j])[:-1] for j in layer], axis=1))
    pieces = survey.jets.at(fmpz_mat([rows[k] for k in keep]), q)
    heard: set[int] = set()
    told = False
    for output in range(pieces[0].shape[0]):
        target = np.concatenate([modular_gradient(piece, output) for piece in pieces])
        weights = combination(np.concatenate(columns), target)
        if weights is not None and not weights.all():
            told = True
            heard.update(j for j, c in zip(layer, weights, strict=True) if c)
    quiet = {j: base[j] for j in layer if j not in heard} if told else {}
    return {j: base[j] for j in heard}, quiet


def orient_from_rows(survey: Survey, depth: int) -> bool:
    """Signs of the layer from the rows of the neurons that read it; whether all are known."""
    layer = survey.layer(depth)
    rows = [(neuron.parents, neuron.linear) for neuron in survey.model.neurons]
    known = {j: survey.orientation[j] for j in layer if j in survey.orientation}
    signs = solve_signs(survey.model, layer, rows, known)
    survey.orientation.update(signs or {})
    return all(j in survey.orientation for j in layer)


def steer(survey: Survey, depth: int, points: int, rng: np.random.Generator) -> None:
    """Scan segments between inputs at which a few units of the layer are active and the others are not.

    A neuron of the next layer whose weights on the visited units have both signs flips on the way,
    however rarely it flips elsewhere (design 4.7).
    """
    layer = [j for j in survey.layer(depth) if j in survey.orientation]
    if not layer:
        return
    signs = [survey.orientation[j] for j in layer]
    starts = random_starts(points, survey.jets.dim, _STEERING_RADIUS, rng)
    ends = survey.floats().extremes(layer, signs, random_gains(points, len(layer), rng), starts)
    grid = [[round(float(v) * 16) for v in end] for end in ends]
    for p, q in pairwise(grid):
        survey.scan(Line.through(p, q, 4), Fraction(0), Fraction(1))


def grouped(survey: Survey, depth: int) -> Iterator[list[int]]:
    """Groups of unexplained kinks with proportional combinations over one oriented layer, largest first."""
    layer = survey.layer(depth)
    weights = {}
    for i in survey.unexplained():
        found = survey.weights(i, layer, survey.orientation)
        if found is not None:
            weights[i] = found
    groups: list[list[int]] = []
    for i, found in weights.items():
        for group in groups:
            if any(same_neuron(weights[j], found, 3) for j in group):
                group.append(i)
                break
        else:
            groups.append([i])
    yield from sorted((group for group in groups if len(group) > 1), key=len, reverse=True)


def row_of_group(
    survey: Survey, tracer: Tracer, depth: int, group: list[int]
) -> tuple[Neuron, set[int]] | None:
    """The row that explains a group's kinks, and the units of the layer whose weights it leaves open.

    Every kink gives the weights of the units active there up to one factor. A few that overlap are solved
    together, exactly; units that are active at none are measured where the boundaries meet.
    """
    layer = survey.layer(depth)
    if not all(j in survey.orientation for j in layer):
        row = _traced_group(survey, tracer, depth, group)
        return None if row is None else (row.neuron(), set())
    chosen, seen = _covering([survey.weights(i, layer, survey.orientation) or {} for i in group])
    idle = {j for j in layer if j not in seen}
    hypothesis = Hypothesis(survey.model, depth, survey.orientation, scales=len(chosen) - 1, left_out=idle)
    for k, c in enumerate(chosen):
        piece = survey.piece(group[c])
        hypothesis.add(piece, tracer.forms_at(piece.signs), scale=k - 1 if k else None)
    row = hypothesis.row()
    if row is None:
        return None
    neuron, near = row.neuron(), [survey.near(i) for i in group]
    if not Completion(tracer, neuron, idle, survey.orientation, near).is_confirmed(survey.layer(depth + 1)):
        return None
    return completed(tracer, neuron, idle, survey.orientation, near)


def _covering(weights: Sequence[Weights]) -> tuple[list[int], set[int]]:
    """A few of the group's combinations that overlap and show whatever all of them do; the units shown."""
    chosen, seen = [0], set(weights[0])
    heard = {j for j, c in weights[0].items() if c}
    while True:
        best = max(
            (i for i in range(len(weights)) if any(c and j in heard for j, c in weights[i].items())),
            key=lambda i: len(weights[i].keys() - seen),
            default=None,
        )
        if best is None or weights[best].keys() <= seen:
            return chosen, seen
        chosen.append(best)
        seen |= weights[best].keys()
        heard |= {j for j, c in weights[best].items() if c}


def _traced_group(survey: Survey, tracer: Tracer, depth: int, group: list[int]) -> Row | None:
    """The row that explains all kinks of a group, completed by a trace where they leave it open."""
    hypothesis = Hypothesis(survey.model, depth, survey.orientation, scales=len(group) - 1)
    for k, i in enumerate(group):
        piece = survey.piece(i)
        hypothesis.add(piece, tracer.forms_at(piece.signs), scale=k - 1 if k else None)
    return tracer.trace(survey.piece(group[0]), [hypothesis])


def row_of_kink(survey: Survey, tracer: Tracer, depths: Sequence[int | None], kink: int) -> Row | None:
    """The row of the neuron that bends at one kink, by a trace, under the first hypothesis that fits."""
    piece = survey.piece(kink)
    hypotheses = [Hypothesis(survey.model, depth, survey.orientation) for depth in depths]
    for hypothesis in hypotheses:
        hypothesis.add(piece, tracer.forms_at(piece.signs))
    return tracer.trace(piece, hypotheses)
