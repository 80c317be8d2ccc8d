"""`certify_equivalence`: prove that two networks are the same function, or refute it, or say what is left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

from exactre.certify.certificate import Certificate, Equivalence, Witness, digest
from exactre.certify.matching import match
from exactre.certify.question import Question
from exactre.certify.witness import find_witness
from exactre.check import ZERO, TreeNode
from exactre.network import Network


@dataclass(frozen=True)
class Verdict:
    """What is established about two networks; `seconds` is wall-clock time.

    `status` is "equivalent" or "different", each with a certificate (`different` also with its
    witness), or "undecided", whose `reason` says what is left. `method` is "matching" or "witness".
    """

    status: str
    method: str
    seconds: float
    certificate: Certificate | None = None
    witness: Witness | None = None
    reason: str = ""


def certify_equivalence(a: Network, b: Network, *, timeout: float | None = None) -> Verdict:
    """Decide whether two networks are the same function on all of R^n; exact over Q.

    The real-number semantics of both is meant. `timeout` is in seconds. Raises ShapeError when the
    inputs or outputs differ in number.
    """
    start = time.monotonic()
    question = Question(a, b)
    matching = match(a, b)
    if all(d == ZERO for d in matching.differences):
        proof = Equivalence(matching.steps_a, matching.steps_b, (TreeNode("equal"),))
        certificate = _certificate(question, proof)
        return Verdict("equivalent", "matching", time.monotonic() - start, certificate)
    witness = find_witness(question, matching, None if timeout is None else start + timeout)
    if witness is not None:
        certificate = _certificate(question, witness)
        return Verdict("different", "witness", time.monotonic() - start, certificate, witness)
    unmatched = sum(d != ZERO for d in matching.differences)
    reason = f"{unmatched} of {a.output_dim} outputs differ in form, and no point found at which they differ"
    return Verdict("undecided", "witness", time.monotonic() - start, reason=reason)


def _certificate(question: Question, proof: Equivalence | Witness) -> Certificate:
    return Certificate(
        digest(question.a), digest(question.b), question.domain, Fraction(question.tolerance), proof
    )
