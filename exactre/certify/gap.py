"""`largest_gap`: how far apart two networks' outputs are on a bounded domain: a point, and a proved bound.

Points and moves of single coordinates find a large difference, linear bounds prove that none is much larger,
and case splits close in: each either proves that the largest one found is the largest, or finds a larger one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction

from exactre.certify.bounding import bounded_gap
from exactre.certify.certificate import Certificate, Equivalence, Witness
from exactre.certify.linear import Sides
from exactre.certify.matching import match
from exactre.certify.question import Domain, Question
from exactre.certify.sampling import Sampler
from exactre.certify.split import split
from exactre.certify.stable import Stable
from exactre.certify.witness import witness_at
from exactre.check import TreeNode
from exactre.errors import ExactreError
from exactre.network import Network
from exactre.rational import Points

DRAWN = 256  # points to start from
ROUNDS = 12  # of moves towards a larger difference
MOVED = 256  # coordinates tried in a round


@dataclass(frozen=True)
class Gap:
    """What is known of the largest |a_i(x) - b_i(x)| on a domain, over all outputs i; exact.

    `found` is that of `witness`; none is larger than `proved`, which `certificate` shows. They are the same
    when the largest one is known. `seconds` is wall-clock time.
    """

    found: Fraction
    witness: Witness
    proved: Fraction
    certificate: Certificate
    seconds: float


def largest_gap(
    a: Network,
    b: Network,
    *,
    domain: Domain,
    timeout: float | None = None,
    executor: Executor | None = None,
) -> Gap:
    """The largest difference found between two networks' outputs on a bounded domain, and a proved bound.

    Exact over Q; without `timeout`, in seconds, both are the largest difference itself, and a first bound is
    proved whatever the time. Raises ShapeError
    when the inputs, the outputs or the domain's dimension differ, ExactreError when the domain is empty or
    unbounded.
    """
    start = time.time()
    deadline = None if timeout is None else start + timeout
    question = Question(a, b, domain)
    sampler = Sampler(domain, a.input_dim)  # refuses an empty domain
    _require_bounded(domain)
    matching = match(a, b)
    drawn = [sampler.points(0, DRAWN), Points.of([sampler.anchor], a.input_dim)]
    x = max((_farthest(question, points) for points in drawn), key=lambda best: best[0])[1]
    found, x = _climb(question, sampler, x, deadline)
    bounds = bounded_gap(question, matching)
    assert bounds is not None  # the domain is bounded
    proved, steps, leaf = bounds
    tree: tuple[TreeNode, ...] = (leaf,)
    if found < proved:
        cases = match(a, b, None, Stable(question, deadline))
    while found < proved:
        outcome = split(replace(question, tolerance=found), cases, deadline=deadline, executor=executor)
        if outcome.refutation is not None:
            found, x = _climb(question, sampler, outcome.refutation, deadline)
        elif outcome.open_cells:
            break
        else:
            proved, steps, matching = found, (), cases
            tree = tuple(node for node in outcome.nodes if isinstance(node, TreeNode))
    proof = Equivalence(matching.steps_a, (*matching.steps_b, *steps), tree)
    certificate = Certificate(a, b, domain, proved, proof)
    return Gap(found, witness_at(question, x), proved, certificate, time.time() - start)


def _require_bounded(domain: Domain) -> None:
    sides = Sides(domain)
    for j in range(domain.input_dim):
        for up in (True, False):
            if sides.bound(j, up) is None:
                raise ExactreError(f"expected a bounded domain, found one without a bound for input {j}")


def _climb(
    question: Question, sampler: Sampler, x: Sequence[Fraction], deadline: float | None
) -> tuple[Fraction, Sequence[Fraction]]:
    """A point with a larger difference, coordinates moved to their bounds one by one or together."""
    best, x = _farthest(question, Points.of([x], len(x)))
    for _ in range(ROUNDS):
        if deadline is not None and time.time() > deadline:
            break
        tried = sampler.random.sample(range(len(x)), min(len(x), MOVED))
        ends = [(j, v) for j in tried for v in (sampler.low[j], sampler.high[j])]
        moves = [(j, v) for j, v in ends if v is not None and v != x[j]]
        if not moves:
            break
        gaps = question.gaps(Points.of([_moved(sampler, x, [move]) for move in moves], len(x)))
        gains = sorted((gap, move) for gap, move in zip(gaps, moves, strict=True) if gap > best)
        if not gains:
            break
        together = [_moved(sampler, x, [move for _, move in gains[-k:]]) for k in {1, 2, 4, len(gains)}]
        best, x = _farthest(question, Points.of(together, len(x)))
    return best, x


def _moved(sampler: Sampler, x: Sequence[Fraction], moves: Sequence[tuple[int, Fraction]]) -> list[Fraction]:
    """The point with coordinates replaced, back in the domain; of two values for one the last counts."""
    moved = dict(moves)
    return sampler.fit([moved.get(j, v) for j, v in enumerate(x)])


def _farthest(question: Question, points: Points) -> tuple[Fraction, Sequence[Fraction]]:
    """The point with the largest difference."""
    gaps = question.gaps(points)
    best = max(gaps)
    return best, points[gaps.index(best)]
