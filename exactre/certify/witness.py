"""Refutation: a point of the domain at which two networks differ, and a short one.

Random points come first: most differences show almost everywhere. Then the boundaries of neurons that
have no partner: where such a neuron is visible one function bends and the other does not, so one of
a few points on both sides of its boundary is a witness, however small the difference is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import prod

import numpy as np
from flint import fmpz_mat

from exactre.certify.certificate import Witness
from exactre.certify.descent import Descent
from exactre.certify.matching import Matching
from exactre.certify.question import Question
from exactre.certify.sampling import SCALES, Sampler
from exactre.errors import FormatError
from exactre.network import INPUT, Network
from exactre.rational import Matrix, Points

LINES = 2  # through the boundary of each unmatched neuron
EARLY = 4  # neurons that are looked at before relations are swept for
CLIMBS = 8  # gradient steps towards a boundary that a random line does not meet
BISECTIONS = 32
BULK = 16  # batches of 64 random points when nothing else has helped
CORNERS = 4  # neurons that no line met, which are looked for by descents
STARTS = 256  # of descents together, fewer the more weights there are
WEIGHTS = 1 << 19  # that are read in one step of them
RADII = range(0, 20, 2)  # binary logarithms of the distances from zero at which they are


def random_witness(question: Question, sampler: Sampler) -> Witness | None:
    """A short witness among a few random points, where most differences show, or None; exact."""
    return _first(question, (sampler.points(scale, 8) for scale in SCALES), None)


def early_witness(question: Question, matching: Matching, deadline: float | None) -> Witness | None:
    """The same at the few shallowest boundaries that one network has alone: few, after a small change."""
    sampler = Sampler(question.domain, question.a.input_dim)
    neurons = islice(_unmatched(question, matching), EARLY)
    return _first(question, _segments(neurons, sampler, deadline), deadline)


def boundary_witness(question: Question, matching: Matching, deadline: float | None) -> Witness | None:
    """A short witness near a boundary that one network has alone, or at many random points, or None; exact.

    `deadline` is in the seconds of `time.time`.
    """
    return _first(question, _candidates(question, matching, deadline), deadline)


def witness_at(question: Question, point: Sequence[Fraction]) -> Witness:
    """The point with both networks' exact outputs."""
    return Witness(tuple(point), question.a(point), question.b(point))


def shorten(question: Question, point: Sequence[Fraction]) -> list[Fraction]:
    """A witness with few digits and many zeros near a witness `point` (n); each kept step is exact."""
    kept = list(point)
    top = max((abs(v) for v in kept), default=Fraction(0))
    # 1. The coarsest power-of-two grid that still refutes; all are tried in one batch.
    high = top.__ceil__().bit_length()
    grids = [Fraction(2) ** k for k in range(high, high - 60, -1)]
    rounded = [[round(v / grid) * grid for v in kept] for grid in grids]
    refuted = question.refuted_by(Points.of(rounded, len(kept)))
    if refuted:
        kept = rounded[refuted[0]]
    # 2. Zeros: drop ever smaller blocks of coordinates, several blocks at once where that works.
    size = len(kept)
    while size > 1 and size * 64 > len(kept):
        size = (size + 1) // 2
        starts = [i for i in range(0, len(kept), size) if any(kept[i : i + size])]
        for i in starts:
            trial = kept[:i] + [Fraction(0)] * len(kept[i : i + size]) + kept[i + size :]
            if question.refuted_by(Points.of([trial], len(kept))):
                kept = trial
    return kept


def _first(question: Question, candidates: Iterator[Points], deadline: float | None) -> Witness | None:
    for points in candidates:
        refuted = question.refuted_by(points)
        if refuted:
            return witness_at(question, shorten(question, points[refuted[0]]))
        if deadline is not None and time.time() > deadline:
            return None
    return None


def _candidates(question: Question, matching: Matching, deadline: float | None) -> Iterator[Points]:
    sampler = Sampler(question.domain, question.a.input_dim)
    met: set[tuple[str, int, bool]] = set()
    for _ in range(LINES):
        for net, node, index in _unmatched(question, matching):
            segment = _crossing(net, node, index, sampler, deadline)
            if segment is not None:
                met.add((node, index, net is question.a))
                yield segment
    if question.domain is None:
        unmet = (
            (net, node, index)
            for net, node, index in _unmatched(question, matching)
            if (node, index, net is question.a) not in met
        )
        for neuron in islice(unmet, CORNERS):
            yield from _corners(*neuron, deadline)
    for _ in range(BULK):
        for scale in SCALES:
            yield sampler.points(scale, 64)


def _corners(net: Network, node: str, index: int, deadline: float | None) -> Iterator[Points]:
    """Points close to the neuron's boundary on both sides of it, where descents find that it flips."""
    count = min(STARTS, WEIGHTS // sum(prod(weight.shape) for part in net.nodes for _, weight in part.inputs))
    if not count:
        return
    try:
        descent = Descent(net)
    except FormatError:
        return
    draw = np.random.default_rng(net.input_dim)
    for radius in RADII:
        if deadline is not None and time.time() > deadline:
            return
        starts = draw.normal(size=(count, net.input_dim))
        starts *= 2.0**radius / np.linalg.norm(starts, axis=1, keepdims=True)
        for x, y in descent.to_the_other_side(node, index, starts):
            ends = [[Fraction(v) for v in point.tolist()] for point in (x, y)]
            first, second = net.preactivations(ends)[node]
            if (first[index] > 0) != (second[index] > 0):
                yield _bisect(net, node, index, *ends)
                return


def _segments(
    neurons: Iterable[tuple[Network, str, int]], sampler: Sampler, deadline: float | None
) -> Iterator[Points]:
    for net, node, index in neurons:
        segment = _crossing(net, node, index, sampler, deadline)
        if segment is not None:
            yield segment


def _unmatched(question: Question, matching: Matching) -> Iterator[tuple[Network, str, int]]:
    """(network, node, index) of the neurons whose atom the other network does not use, in order of depth."""
    used_by_b = {step.atom for step in matching.steps_b if step.rule == "scaled"}
    made_by_a = 0
    for net, steps in ((question.a, matching.steps_a), (question.b, matching.steps_b)):
        neurons = [(net, node.name, i) for node in net.hidden for i in range(node.width)]
        of_neurons = (step for step in steps if step.rule not in ("zero", "bound"))
        for neuron, step in zip(neurons, of_neurons, strict=True):
            if step.rule == "atom":
                if net is question.b or made_by_a not in used_by_b:
                    yield neuron
                made_by_a += net is question.a


def _crossing(net: Network, node: str, index: int, sampler: Sampler, deadline: float | None) -> Points | None:
    """Points close to the neuron's boundary on both sides of it, on one segment; None if none is met."""
    x = list(sampler.points(sampler.random.choice(SCALES), 1)[0])
    for _ in range(CLIMBS):
        if deadline is not None and time.time() > deadline:
            return None
        u = net.preactivations([x])
        here = u[node][0][index]
        slope = _gradient(net, node, index, u)
        if not any(slope):
            return None
        # Towards u = 0 along the gradient; where u is already zero, either way will do.
        sign = -1 if here > 0 else 1
        steps = [Fraction(2) ** k for k in range(-8, 24, 2)]
        trials = [sampler.fit([v + sign * t * g for v, g in zip(x, slope, strict=True)]) for t in steps]
        values = [value[index] for value in net.preactivations(trials)[node]]
        for trial, value in zip(trials, values, strict=True):
            if (value > 0) != (here > 0):
                return _bisect(net, node, index, x, trial)
        best = max(range(len(trials)), key=lambda i: sign * values[i])
        if sign * values[best] <= sign * here:
            return None
        x = trials[best]
    return None


def _bisect(net: Network, node: str, index: int, x: list[Fraction], y: list[Fraction]) -> Points:
    """The points of a bisection of the segment from x to y, u > 0 at one end only."""
    positive = net.preactivations([x])[node][0][index] > 0
    ends = Points.of([x, y], net.input_dim)
    rows, den = [[int(v) for v in row] for row in ends.num.tolist()], ends.den
    left, right = rows
    for _ in range(BISECTIONS):
        # The sum of two numerators over twice their denominator: no fraction is ever reduced.
        middle = [p + q for p, q in zip(left, right, strict=True)]
        rows, den = [[2 * v for v in row] for row in rows] + [middle], 2 * den
        left, right = [2 * v for v in left], [2 * v for v in right]
        u = net.preactivations(Points(fmpz_mat(1, len(middle), middle), den))[node]
        if (u.num[0, index] > 0) == positive:
            left = middle
        else:
            right = middle
    return Points(fmpz_mat(rows), den)


def _gradient(net: Network, target: str, index: int, u: dict[str, Points]) -> list[int]:
    """The direction of a preactivation's gradient at the point with preactivations u, to 8 bits."""
    width = next(node.width for node in net.nodes if node.name == target)
    grad = {target: Matrix(fmpz_mat(1, width, [int(j == index) for j in range(width)]))}
    for node in reversed(net.nodes):
        g = grad.get(node.name)
        if g is None:
            continue
        if node.relu and node.name != target:
            entries = [
                v if value > 0 else 0
                for v, value in zip(g.num.entries(), u[node.name].num.entries(), strict=True)
            ]
            g = Matrix(fmpz_mat(1, node.width, entries), g.den)
        for source, weight in node.inputs:
            term = g @ weight
            grad[source] = grad[source] + term if source in grad else term
    if INPUT not in grad:
        return [0] * net.input_dim
    numbers = [int(v) for v in grad[INPUT].num.entries()]
    top = max(map(abs, numbers))
    return [v * 256 // top for v in numbers] if top else numbers
