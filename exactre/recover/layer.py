"""Neurons of the next layer from a survey: the first layer, signs, groups of kinks, traces.

Steps, after Rolnick and Koerding's two algorithms, in the canonical form (design 4.5, 4.6):
1. hyperplanes that are met on several lines are first-layer hypotheses, confirmed at chosen points;
2. the signs of layer k come from unique combinations, where its forms are independent;
3. kinks with proportional combinations are one neuron's; a row follows from their equations;
4. what is still unexplained is traced across known boundaries until its row is determined.
A row is accepted when the lines bear it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import fmpz_mat

from exactre.recover.group import active_weights, combination, modular, modular_gradient, same_neuron
from exactre.recover.guess import FloatModel, corner, fractions, sectors, unit_forms
from exactre.recover.line import Line, dyadic
from exactre.recover.model import Neuron
from exactre.recover.row import Hypothesis, Row
from exactre.recover.signs import solve_signs
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer


def first_layer(survey: Survey) -> int:
    """Accept every hyperplane that bends the function on two lines or more; how many are new."""
    lines: dict[tuple[int, ...], set[int]] = {}
    for i in survey.unexplained():
        lines.setdefault(survey.kinks[i].form, set()).add(survey.line[i])
    new = 0
    for form, seen in lines.items():
        if len(seen) > 1 and not survey.evidence(Neuron({}, form)).misses:
            survey.add(Neuron({}, form))
            new += 1
    return new


def orient(survey: Survey, depth: int) -> bool:
    """Signs of the layer from unique combinations at the kinks, free of queries; whether all are known.

    A combination may have no equation to spare, so that it shows nothing of a neuron that is missing; but
    then the signs that it gives contradict those from other kinks, and all of them are given up.
    """
    layer = survey.layer(depth)
    for j in layer:
        survey.orientation.pop(j, None)
    votes: dict[int, int] = {}
    # First without the signs found so far, which would hide contradictions; then with them, for the rest.
    for narrowed in (False, True, True):
        known = dict(votes) if narrowed else {}
        if narrowed and len(votes) == len(layer):
            break
        for i, kink in enumerate(survey.kinks):
            signs, forms = survey.signs(i), survey.modular_forms(i, layer)
            owner = survey.owner[i]
            targets = [] if owner is not None and survey.model.depth[owner] <= depth else [kink.form]
            for target in [*map(modular, targets), np.append(modular_gradient(kink.left, 0), 0)]:
                weights = active_weights(layer, signs, forms, target, known)
                for j, c in (weights or {}).items():
                    if c and votes.setdefault(j, signs[j]) != signs[j]:
                        return False
    survey.orientation.update(votes)
    return len(votes) == len(layer)


def orient_at_corners(survey: Survey, depth: int, rng: np.random.Generator, corners: int = 6) -> bool:
    """Signs of a deeper layer from gradients around points where shallower boundaries meet.

    All sectors around such a point share what is downstream, so one combination of the layer's forms
    gives all their gradients; each sector adds an equation. Whether all signs are known afterwards.
    """
    layer = survey.layer(depth)
    model = survey.model
    lower = [j for j, d in enumerate(model.depth) if d < depth]
    most = min(survey.jets.dim - 1, len(layer))
    for _ in range(corners):
        if all(j in survey.orientation for j in layer):
            return True
        kink = int(rng.integers(len(survey.kinks)))
        signs = survey.signs(kink)
        walls = unit_forms(model.forms(signs))
        start = np.array([float(v) for v in survey.kinks[kink].line.at(survey.kinks[kink].t0)])
        reached, point = corner(walls, signs, lower, start, most, rng)
        if not reached:
            continue
        num, q = dyadic([fractions(p) for p in sectors(walls, signs, reached, point)])
        patterns = model.signs_at(num.tolist(), q)
        base = patterns[0]
        keep = [k for k, found in enumerate(patterns) if all(found[j] == base[j] for j in layer)]
        support = [j for j in layer if survey.orientation.get(j, base[j]) == base[j]]
        columns = []
        for k in keep:
            forms = model.forms(patterns[k])
            columns.append(np.stack([modular(forms[j])[:-1] for j in support], axis=1))
        pieces = survey.jets.at(fmpz_mat([num.tolist()[k] for k in keep]), q)
        if len(keep) < 2:
            continue
        for output in range(pieces[0].shape[0]):
            targets = [modular_gradient(piece, output) for piece in pieces]
            # One sector is kept back: it must bear out what the others say.
            if combination(np.concatenate(columns[:-1]), np.concatenate(targets[:-1])) is None:
                continue
            weights = combination(np.concatenate(columns), np.concatenate(targets))
            if weights is not None:
                found = {j: base[j] for j, c in zip(support, weights, strict=True) if c}
                survey.orientation.update(found)
    return all(j in survey.orientation for j in layer)


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
    model = FloatModel(survey.model)
    signs = [survey.orientation[j] for j in layer]
    sets = [rng.permutation(layer)[: rng.integers(1, 2 + len(layer) // 3)].tolist() for _ in range(points)]
    ends = [model.steered(layer, signs, units, 256.0, rng) for units in sets]
    grid = [[Fraction(round(float(v) * 16), 16) for v in end] for end in ends]
    for p, q in pairwise(grid):
        line = Line(tuple(p), tuple(b - a for a, b in zip(p, q, strict=True)))
        survey.scan(line, Fraction(0), Fraction(1))


def grouped(survey: Survey, depth: int) -> Iterator[list[int]]:
    """Groups of unexplained kinks with proportional combinations over one oriented layer, largest first."""
    layer = survey.layer(depth)
    weights = {}
    for i in survey.unexplained():
        forms = survey.modular_forms(i, layer)
        found = active_weights(layer, survey.signs(i), forms, modular(survey.kinks[i].form), survey.orientation)
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


def row_of_group(survey: Survey, tracer: Tracer, depth: int, group: list[int]) -> Row | None:
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
