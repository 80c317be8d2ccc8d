"""`Certificate`: what a producer hands over, written as proofs/FORMAT.md says.

Steps, tree nodes and derivations are the checker's own records, so that there is one vocabulary; the
checker's verdict about them is not asked for here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import gcd
from typing import Any

from exactre.certify.question import Domain
from exactre.check import Derivation, Step, Terms, TreeNode, long_integers
from exactre.network import INPUT, Network


@dataclass(frozen=True)
class Equivalence:
    """Proof that the outputs agree: a step per neuron of A, then of B, and the case tree in preorder."""

    steps_a: tuple[Step, ...]
    steps_b: tuple[Step, ...]
    tree: tuple[TreeNode, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form, steps run-length."""
        return {
            "a": list(_runs(self.steps_a)),
            "b": list(_runs(self.steps_b)),
            "tree": [_tree_node(node) for node in self.tree],
        }


@dataclass(frozen=True)
class Witness:
    """A point `input` (n) at which the outputs (m) differ, all exact."""

    input: tuple[Fraction, ...]
    output_a: tuple[Fraction, ...]
    output_b: tuple[Fraction, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        with long_integers():
            return {
                "input": [str(v) for v in self.input],
                "output_a": [str(v) for v in self.output_a],
                "output_b": [str(v) for v in self.output_b],
            }


@dataclass(frozen=True)
class Certificate:
    """A claim about the networks `a` and `b` on a domain, and its proof.

    `tolerance` is that of the outputs; None is a claim about decisions.

    Their hashes are taken when the document is written: for a million weights that takes longer than a proof.
    """

    a: Network
    b: Network
    domain: Domain | None
    tolerance: Fraction | None
    proof: Equivalence | Witness

    @property
    def claim(self) -> str:
        """`equivalent` or `different`, `same-argmax` or `different-argmax`."""
        outputs, decisions = (
            ("equivalent", "same-argmax")
            if isinstance(self.proof, Equivalence)
            else ("different", "different-argmax")
        )
        return decisions if self.tolerance is None else outputs

    def document(self) -> dict[str, Any]:
        """The JSON form, proofs/FORMAT.md section 3."""
        return {
            "format": "exactre-certificate",
            "version": 1,
            "claim": self.claim,
            "a": digest(self.a),
            "b": digest(self.b),
            "domain": None if self.domain is None else self.domain.document(),
            "tolerance": None if self.tolerance is None else str(self.tolerance),
            "proof": self.proof.document(),
        }

    def dumps(self) -> str:
        """The JSON text, the same bytes for the same certificate."""
        return json.dumps(self.document(), separators=(",", ":")) + "\n"


def digest(net: Network) -> str:
    """SHA-256 of a network's canonical bytes, proofs/FORMAT.md section 4."""
    lines = ["exactre-network 1", f"input {net.input_dim}"]
    places = {INPUT: 0} | {node.name: k for k, node in enumerate(net.nodes, start=1)}
    input_unread = all(source != INPUT for node in net.nodes for source, _ in node.inputs)
    with long_integers():
        for k, node in enumerate(net.nodes):
            lines.append(f"node {'relu' if node.relu else 'affine'} {node.width}")
            if k == 0 and input_unread:  # as the network file spells it, so that it knows its inputs' number
                lines += ["from 0", *[""] * node.width]
            for source, weight in sorted(node.inputs, key=lambda item: places[item[0]]):
                lines.append(f"from {places[source]}")
                over = _Denominators(weight.den)
                for row in weight.row_entries():
                    lines.append(" ".join([f"{j} {v // (c := gcd(v, weight.den))}{over[c]}" for j, v in row]))
            over = _Denominators(node.bias.den)
            entries = [int(v) for v in node.bias.num.entries()]
            words = [f"{v // (c := gcd(v, node.bias.den))}{over[c]}" for v in entries]
            lines += ["bias", " ".join(words)]
    lines.append("")
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


class _Denominators(dict[int, str]):
    """The text behind a numerator by the factor that it shares with `den`: few of them occur often."""

    def __init__(self, den: int) -> None:
        super().__init__({den: ""})
        self.den = den

    def __missing__(self, common: int) -> str:
        self[common] = text = f"/{self.den // common}"
        return text


def _runs(steps: Sequence[Step]) -> Iterator[list[Any]]:
    for rule, group in groupby(steps, key=lambda step: step.rule):
        run = list(group)
        if rule in ("atom", "constant"):
            yield [rule, len(run)]
        elif rule == "scaled":
            yield [rule, [step.atom for step in run], [_text(step.factor) for step in run]]
        elif rule == "zero":
            yield from ([rule, _terms(step.terms), [_tree_node(node) for node in step.tree]] for step in run)
        elif rule == "bound":
            yield from (_bound(step) for step in run)
        else:
            yield from ([rule, _terms(step.derivations[0].terms)] for step in run)


def _bound(step: Step) -> list[Any]:
    derivations = (_terms(derivation.terms) for derivation in step.derivations)
    return ["bound", step.atom, _terms(step.terms), *derivations]


def _tree_node(node: TreeNode) -> list[Any]:
    if node.rule == "split":
        return [node.rule, node.atom]
    if node.rule == "equal":
        return [node.rule]
    if node.rule == "same":
        return [node.rule, node.atom, node.below, _text(node.factor)]
    if node.rule in ("active", "inactive"):
        return [node.rule, node.atom, _terms(node.derivations[0].terms)]
    if node.rule == "infeasible":
        return [node.rule, _terms(node.derivations[0].terms)]
    if node.rule == "decided":
        return [node.rule, [_exclusions(entry) for entry in node.exclusions]]
    return [node.rule, [None if pair is None else [_terms(d.terms) for d in pair] for pair in node.bounds]]


def _exclusions(entry: Derivation | list[Derivation]) -> list[Any]:
    if isinstance(entry, Derivation):
        return ["never", _terms(entry.terms)]
    return ["pairs", [_terms(exclusion.terms) for exclusion in entry]]


def _terms(terms: Terms) -> list[list[Any]]:
    return [[kind, k, _text(number)] for kind, k, number in terms]


def _text(value: tuple[int, int]) -> str:
    p, q = value
    with long_integers():
        return str(p) if q == 1 else f"{p}/{q}"
