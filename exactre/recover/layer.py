"""Neurons of the next layer from a survey: signs, groups of kinks, traces.

Steps, after Rolnick and Koerding's second algorithm, in the canonical form (design 4.6), once `first` has
the first layer:
1. the signs of layer k come from unique combinations, where its forms are independent;
2. kinks with proportional combinations are one neuron's; a row follows from their equations;
3. what is still unexplained is traced across known boundaries until its row is determined.
A row is accepted when the lines bear it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from exactre.recover.complete import KNOWN, Completion, completed
from exactre.recover.floats import random_gains, random_starts
from exactre.recover.group import CONSTANT, Groups, Weights
from exactre.recover.guess import unit_form
from exactre.recover.model import Forms, Neuron
from exactre.recover.parts import Joined, Parts
from exactre.recover.row import Hypothesis, Row
from exactre.recover.survey import Survey
from exactre.recover.trace import BoundaryPiece, Tracer

_STEERING_RADII = (16.0, 256.0)
_TRIES = 8  # ascents for each point that lines are steered to
_CORNERS = 3  # kinks beside which lines look for more
_ASIDE = (1 / 8, 1 / 2, 1.0, 2.0)  # how far, in distances of the kink from the origin
_SPARE = 4  # equations of a kink, half of which a cell has, beside those that a trace leaves to it
FEW = 8  # units of a wide layer that may be left to be measured alone


class Found(NamedTuple):
    """A row, the units whose weights it leaves open, whether it goes on across boundaries of its layer.

    `kept_active` are those of the units that are active wherever its boundary was seen.
    """

    neuron: Neuron
    idle: set[int]
    goes_on: bool = False
    kept_active: frozenset[int] = frozenset()


def steer(survey: Survey, depth: int, points: int, rng: np.random.Generator) -> None:
    """Scan segments between inputs at which a few units of the layer are active and the others are not.

    A neuron of the next layer whose weights on the visited units have both signs flips on the way,
    however rarely it flips elsewhere (design 4.7).
    """
    layer = [j for j in survey.layer(depth) if j in survey.orientation]
    if not layer:
        return
    signs = [survey.orientation[j] for j in layer]
    radius = float(rng.choice(_STEERING_RADII))
    starts = random_starts((_TRIES, points, survey.jets.dim), radius, rng)
    ends = survey.floats().extremes(layer, signs, random_gains(points, len(layer), rng), starts)
    survey.scan_chain(ends)


def steer_across(survey: Survey, neuron: Neuron, points: int, rng: np.random.Generator) -> None:
    """Scan segments between inputs on which a row, with any constant, takes both signs by turns.

    A neuron that hardly ever flips does so on the way, where its row is known but for the constant.
    """
    floats, radius = survey.floats().extended(neuron), float(rng.choice(_STEERING_RADII))
    starts = random_starts((_TRIES, points, survey.jets.dim), radius, rng)
    ends = [floats.extremes([len(survey.model)], [sign], np.ones((points, 1)), starts) for sign in (1, -1)]
    survey.scan_chain(np.concatenate(np.stack(ends, axis=1)))


def look_around(survey: Survey, rng: np.random.Generator) -> None:
    """Scan segments across the boundaries of unexplained kinks, beside the kinks.

    A neuron that flips in a corner only flips on them more often than on lines through everything.
    """
    for kink in survey.unexplained()[:_CORNERS]:
        point, normal = survey.near(kink), unit_form(survey.kinks[kink].form)[:-1]
        for reach in _ASIDE:
            aside = rng.normal(size=len(point))
            aside -= (aside @ normal) * normal
            length = reach * (1 + float(np.linalg.norm(point)))
            size = float(np.linalg.norm(aside))  # zero with one input
            middle = point + aside * (length / size) if size else point
            survey.scan_chain(np.stack([middle - normal * length, middle + normal * length]))


def grouped(survey: Survey, depth: int) -> list[list[int]]:
    """Groups of unexplained kinks with proportional combinations over one oriented layer, largest first."""
    layer = survey.layer(depth)
    place = {CONSTANT: len(layer), **{j: k for k, j in enumerate(layer)}}
    groups = Groups(len(layer) + 1)
    unexplained = survey.unexplained()
    spare = survey.spare(unexplained, layer, survey.orientation)
    for i in (i for i, count in zip(unexplained, spare.tolist(), strict=True) if count >= 0):
        found = survey.weights(i, layer, survey.orientation)
        if found is not None:
            groups.add(i, [place[j] for j in found], list(found.values()))
    return sorted((group for group in groups.members if len(group) > 1), key=len, reverse=True)


def row_of_group(
    survey: Survey, tracer: Tracer, depth: int, group: list[int], *, untold: int = 0
) -> Found | None:
    """The row that explains a group's kinks, and the units of the layer whose weights it leaves open.

    `untold` is how many units may be left open by a trace that meets no other boundary of its layer.

    Every kink gives the weights of the units active there up to one factor. A few that overlap are solved
    together, exactly; units that are active at none are measured where the boundaries meet.
    """
    layer = survey.layer(depth)
    if not all(j in survey.orientation for j in layer):
        row = _traced_group(survey, tracer, depth, group)
        return None if row is None else Found(row.neuron(), set())
    chosen, seen = _covering([survey.weights(i, layer, survey.orientation) or {} for i in group])
    idle = {j for j in layer if j not in seen}
    hypothesis = Hypothesis(survey.model, depth, survey.orientation, left_out=idle)
    first, *others = _pieces(survey, tracer, [group[c] for c in chosen])
    hypothesis.add(*first)
    row = hypothesis.joined(others).row()
    if row is None:
        return None
    found = _confirmed(survey, tracer, depth, row.neuron(), idle, group)
    if found is None and untold:
        return row_by_trace(survey, tracer, depth, group[0], untold=untold)
    return found


def row_by_trace(
    survey: Survey,
    tracer: Tracer,
    depth: int,
    kink: int,
    *,
    untold: int = 0,
    parts: Parts | None = None,
) -> Found | None:
    """The same from one kink where the active units' weights are not unique: from the pieces around it.

    Pieces that do not tell enough are joined to those in `parts` that are the same neuron's.
    """
    piece = survey.piece(kink)
    # Most boundaries of a wide layer are in reach; the many inactive units could hardly be measured alone.
    hypothesis = Hypothesis(survey.model, depth, survey.orientation, partial=not survey.model.is_wide(depth))
    hypothesis.add(piece, tracer.forms_at(piece.signs))
    row = tracer.trace(piece, hypothesis)
    if row is None and not hypothesis.partial:
        hypothesis.partial = True
        row = hypothesis.row() if len(hypothesis.idle) <= FEW and not hypothesis.missing else None
    if parts is not None and len(hypothesis.idle) > max(FEW, len(hypothesis.crossed)):
        row = None  # so little is said of a neuron by many parts of its boundary, and of deeper ones
    kinks = [kink]
    if row is None and parts is not None and hypothesis.is_consistent:
        joined = parts.add(kink, hypothesis)
        if joined is not None:
            kinks, hypothesis = list(joined.kinks), joined.hypothesis
            row = hypothesis.row()
    if row is None:
        return None
    return _confirmed(survey, tracer, depth, row.neuron(), hypothesis.idle, kinks, untold)


def row_of_part(survey: Survey, tracer: Tracer, depth: int, part: Joined) -> Found | None:
    """One of the rows that fit a part of a boundary which leaves weights of active units open too."""
    kept_active, row = part.hypothesis.kept_active(), part.hypothesis.row(of_many=True)
    if row is None or kept_active is None:
        return None
    return _confirmed(
        survey,
        tracer,
        depth,
        row.neuron(),
        part.hypothesis.idle | kept_active,
        part.kinks,
        len(survey.model),
        frozenset(kept_active),
    )


def _confirmed(
    survey: Survey,
    tracer: Tracer,
    depth: int,
    neuron: Neuron,
    idle: set[int],
    kinks: Sequence[int],
    untold: int = 0,
    kept_active: frozenset[int] = frozenset(),
) -> Found | None:
    near = [survey.near(i) for i in kinks[:KNOWN]]
    mates = survey.layer(depth + 1)
    beyond = {j: survey.side(j, j in kept_active) for j in idle}
    completion = Completion(tracer, neuron, beyond, near)
    told = completion.is_confirmed(mates)
    if told is False or (told is None and not (untold or completion.bends_throughout())):
        return None
    neuron, still = completed(tracer, neuron, beyond, near)
    if told is None and still != beyond:
        # Where more units may be active it may meet its layer's boundaries.
        completion = Completion(tracer, neuron, still, near)
        told = completion.is_confirmed(mates)
    if told is False or (told is None and len(still) > max(untold, FEW)):
        return None  # so little of a row fits a deeper neuron too, as long as its layer stays as it is
    return Found(neuron, set(still), len(completion.crossed) > 1, kept_active & still.keys())


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
    hypothesis = Hypothesis(survey.model, depth, survey.orientation)
    first, *others = _pieces(survey, tracer, group)
    hypothesis.add(*first)
    return tracer.trace(first[0], hypothesis.joined(others))


def _pieces(survey: Survey, tracer: Tracer, kinks: Sequence[int]) -> list[tuple[BoundaryPiece, Forms]]:
    """The boundary pieces at kinks, each with the known forms in its cell."""
    return [(piece, tracer.forms_at(piece.signs)) for piece in map(survey.piece, kinks)]


def row_of_kink(survey: Survey, tracer: Tracer, depths: Sequence[int | None], kink: int) -> Row | None:
    """The row of the neuron that bends at one kink, by a trace, under the first hypothesis that fits."""
    piece = survey.piece(kink)
    for depth in depths:
        hypothesis = Hypothesis(survey.model, depth, survey.orientation)
        hypothesis.add(piece, tracer.forms_at(piece.signs))
        row = tracer.trace(piece, hypothesis)
        if row is not None:
            return row
    return None


def row_over_two(survey: Survey, tracer: Tracer, depth: int, kink: int) -> tuple[Row, dict[int, int]] | None:
    """The row of the neuron of one kink over a layer without signs and the layer before it.

    A trace tells most of it, and other kinks that fit what it tells the rest. What the boundary stays on one
    side of is left out: its signs there {neuron: sign}.
    """
    piece = survey.piece(kink)
    hypothesis = Hypothesis(survey.model, depth, survey.orientation, layers=2)
    hypothesis.add(piece, tracer.forms_at(piece.signs))
    wanting = max(0, survey.jets.dim // 2 - _SPARE)  # a kink has to tell them, and itself
    row = tracer.trace(piece, hypothesis, wanting=wanting)
    if row is None and hypothesis.is_consistent and 0 < hypothesis.missing <= wanting:
        more = [
            i
            for i in survey.unexplained()
            if i != kink
            and hypothesis.fits(survey.signs(i), survey.modular_forms(i), survey.modular_target(i))
        ]
        hypothesis = hypothesis.joined(_pieces(survey, tracer, more))
        row = hypothesis.row() if more else tracer.trace(piece, hypothesis)
    if row is not None or not hypothesis.is_consistent:
        return None if row is None else (row, {})
    sides = hypothesis.one_sided
    fewer = hypothesis.leaving_out(sides)
    row = fewer.row() if fewer.is_tested else None
    return None if row is None else (row, sides)
