"""`certify_equivalence`: prove that two networks are the same function, or refute it, or say what is left."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction

from exactre.certify.bounding import bounded
from exactre.certify.certificate import Certificate, Equivalence, Witness
from exactre.certify.deciding import decided_at_once
from exactre.certify.matching import Matching, match
from exactre.certify.property import property_domain
from exactre.certify.question import Domain, Question
from exactre.certify.sampling import Sampler
from exactre.certify.split import split
from exactre.certify.stable import Stable
from exactre.certify.sweep import Sweep
from exactre.certify.witness import boundary_witness, early_witness, random_witness, shorten, witness_at
from exactre.check import ZERO, TreeNode
from exactre.network import Network
from exactre.rational import Rational

BUDGETS = (100, 400, 1600)  # programs for one relation; boundaries are looked at after the first


@dataclass(frozen=True)
class Verdict:
    """What is established about two networks; `seconds` is wall-clock time.

    `status` is "equivalent" or "different", each with a certificate (`different` also with its
    witness), or "undecided", whose `reason` says what is left. `method` is "matching", "witness", "bounds" or
    "case-split".
    """

    status: str
    method: str
    seconds: float
    certificate: Certificate | None = None
    witness: Witness | None = None
    reason: str = ""


def certify_equivalence(
    a: Network,
    b: Network,
    *,
    domain: Domain | str | os.PathLike[str] | None = None,
    tolerance: Rational = 0,
    same_argmax: bool = False,
    timeout: float | None = None,
    executor: Executor | None = None,
) -> Verdict:
    """Decide whether two networks' outputs are the same, or at most `tolerance` apart, on a domain.

    With `same_argmax`: whether the first index of a maximal output is the same. Exact over Q: the real-number
    semantics of both is meant, and all of R^n where `domain` is None; a path is that of a VNN-LIB property,
    whose input part is the domain. `timeout` is in seconds; a verdict reached before it is the same for every
    executor. Raises ShapeError when the inputs, the outputs or the domain's dimension differ or `same_argmax`
    has a tolerance, EmptyDomain, and FormatError where a property states no domain.
    """
    start = time.time()
    deadline = None if timeout is None else start + timeout
    if isinstance(domain, str | os.PathLike):
        domain = property_domain(domain)
    question = Question(a, b, domain, Fraction(tolerance), same_argmax)
    sampler = Sampler(domain, a.input_dim)

    def verdict(method: str, proof: Equivalence | Witness) -> Verdict:
        certificate = Certificate(a, b, domain, None if same_argmax else question.tolerance, proof)
        witness = proof if isinstance(proof, Witness) else None
        status = "equivalent" if witness is None else "different"
        return Verdict(status, method, time.time() - start, certificate, witness)

    matching = match(a, b)
    closed = _at_once(question, matching)
    if closed is not None:
        return verdict("matching", Equivalence(matching.steps_a, matching.steps_b, (closed,)))
    witness = random_witness(question, sampler)
    if witness is None and (question.tolerance > 0 or same_argmax) and domain is not None:
        proof = bounded(question, matching, _half(deadline))
        if proof is not None:
            steps, leaf = proof
            return verdict("bounds", Equivalence(matching.steps_a, (*matching.steps_b, *steps), (leaf,)))
    if witness is None and question.tolerance == 0:
        witness = early_witness(question, matching, _half(deadline))
    if witness is None and question.tolerance == 0:
        matching, witness = _swept(question, matching, deadline)
    elif witness is None and _at_once(question, matching) is None:
        witness = boundary_witness(question, matching, _half(deadline))
    if witness is not None:
        return verdict("witness", witness)
    if question.tolerance > 0:
        matching = match(a, b, None, _prover(question, deadline))
    outcome = split(question, matching, deadline=deadline, executor=executor)
    if outcome.refutation is not None:
        return verdict("case-split", witness_at(question, shorten(question, outcome.refutation)))
    if outcome.open_cells:
        reason = f"out of time with {outcome.open_cells} cells of the case split open"
        return Verdict("undecided", "case-split", time.time() - start, reason=reason)
    tree = tuple(node for node in outcome.nodes if isinstance(node, TreeNode))
    return verdict("case-split", Equivalence(matching.steps_a, matching.steps_b, tree))


def _at_once(question: Question, matching: Matching) -> TreeNode | None:
    """The only leaf when the outputs' expressions need no cases, else None."""
    if question.same_argmax:
        return decided_at_once(matching)
    return TreeNode("equal") if all(d == ZERO for d in matching.differences) else None


def _swept(question: Question, matching: Matching, deadline: float | None) -> tuple[Matching, Witness | None]:
    """The matching with all that sweeping proves, or a witness; boundaries are looked at after one walk."""
    sweep = Sweep(question, _half(deadline))
    for budget in BUDGETS:
        found = match(question.a, question.b, sweep.within(budget), _prover(question, deadline))
        matching = max(found, matching, key=_learnt)  # a walk that is out of time learns less
        if sweep.witness is not None:
            return matching, witness_at(question, shorten(question, sweep.witness))
        if _at_once(question, matching) is not None:
            break
        if budget == BUDGETS[0]:
            witness = boundary_witness(question, matching, _half(deadline))
            if witness is not None:
                return matching, witness
        if not sweep.is_short:
            break
    return matching, None


def _learnt(matching: Matching) -> int:
    """Number of equations that the sweep has proved."""
    return sum(step.rule == "zero" for step in matching.steps_b)


def _prover(question: Question, deadline: float | None) -> Stable | None:
    """Bounds need a domain."""
    return None if question.domain is None else Stable(question, _half(deadline))


def _half(deadline: float | None) -> float | None:
    """Half of the time that is left: the other half is for what comes after."""
    return None if deadline is None else (time.time() + deadline) / 2
