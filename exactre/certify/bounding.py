"""Proofs without cases, by linear bounds on all neurons and on the differences of paired neurons.

Networks whose weights are nearly the same are thus proved nearly the same, and one decision on a small
domain is proved, in a number of steps linear in the neurons.
"""

from __future__ import annotations

from fractions import Fraction

from exactre.certify.linear import Bounds, rounded_up
from exactre.certify.matching import Matching
from exactre.certify.pairing import nearly_equal
from exactre.certify.question import Question, decision
from exactre.certify.sampling import Sampler
from exactre.check import Derivation, Step, TreeNode, combine, scale


def bounded(
    question: Question, matching: Matching, deadline: float | None
) -> tuple[tuple[Step, ...], TreeNode] | None:
    """`bound` steps and the leaf that they suffice for, None when they do not or it is too late; exact.

    `deadline` is in the seconds of `time.time`.
    """
    bounds = _learn_all(question, matching, deadline)
    if bounds is None:
        return None
    leaf = (
        _one_decision(question, matching, bounds)
        if question.same_argmax
        else _near(matching, bounds, question.tolerance)
    )
    return None if leaf is None else (tuple(bounds.steps), leaf)


def bounded_gap(question: Question, matching: Matching) -> tuple[Fraction, tuple[Step, ...], TreeNode] | None:
    """The least tolerance that bounds prove, their steps and leaf, None on an unbounded domain; exact."""
    bounds = _learn_all(question, matching, None)
    if bounds is None:
        return None
    found = [bounds.upper(scale(sign, 1, d)) for d in matching.differences for sign in (1, -1)]
    tolerance = rounded_up(max(bound.value for bound in found if bound is not None))
    leaf = _near(matching, bounds, tolerance)
    assert leaf is not None  # inputs that bound every neuron bound the differences
    return tolerance, tuple(bounds.steps), leaf


def _learn_all(question: Question, matching: Matching, deadline: float | None) -> Bounds | None:
    """The bounds of every atom and every pair; None when the domain gives none or it is too late."""
    assert question.domain is not None
    bounds = Bounds(question.domain, matching.atoms, deadline)
    pairs = nearly_equal(question.b, matching)
    bounds.pairs = {j: pair for j, pair in pairs.items() if bounds.depth(j) == bounds.depth(pair[0])}
    for j in range(len(matching.atoms)):
        if not bounds.learn(j) or (j in bounds.pairs and not bounds.learn_pair(j, *bounds.pairs[j])):
            return None
    return bounds


def _near(matching: Matching, bounds: Bounds, tolerance: Fraction) -> TreeNode | None:
    """The leaf for differences within the tolerance, None when the bounds do not show it."""
    pairs: list[tuple[Derivation, Derivation] | None] = []
    for d in matching.differences:
        both = []
        for sign in (1, -1):
            bound = bounds.upper(scale(sign, 1, d))
            if bound is None or bound.value > tolerance:
                return None
            both.append(Derivation(bound.derivation(tolerance)))
        pairs.append((both[0], both[1]))
    return TreeNode("bounded", bounds=pairs)


def _one_decision(question: Question, matching: Matching, bounds: Bounds) -> TreeNode | None:
    """The leaf for one and the same decision on the whole domain, None when the bounds do not show it."""
    count = question.a.output_dim
    best = decision(question.a(Sampler(question.domain, question.a.input_dim).anchor))
    others = [k for k in range(count) if k != best]
    entries: list[Derivation | list[Derivation]] = [[]] * count
    never_b = []
    for k in others:
        never_a, exclusion = (_behind(matching, bounds, kind, k, best) for kind in ("a", "b"))
        if never_a is None or exclusion is None:
            return None
        entries[k] = never_a
        never_b.append(exclusion)
    entries[best] = never_b
    return TreeNode("decided", exclusions=entries)


def _behind(matching: Matching, bounds: Bounds, kind: str, k: int, best: int) -> Derivation | None:
    """The exclusion of decision k by output k being behind output `best`, None when no bound shows it."""
    outputs = matching.outputs[kind == "b"]
    bound = bounds.upper(combine([(1, 1, outputs[k]), (-1, 1, outputs[best])]))
    if bound is None or bound.value > 0 or (bound.value == 0 and k < best):
        return None
    return Derivation([(kind, best, (1, 1)), *bound.derivation(Fraction(0))])
