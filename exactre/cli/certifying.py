"""`exactre certify-equivalence`: a verdict, or the largest difference, and the witness beside its replay."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from math import isfinite
from typing import Any

from exactre.certify.certificate import Witness
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.gap import Gap, largest_gap
from exactre.certify.property import property_domain
from exactre.certify.question import Domain, decision
from exactre.cli.options import (
    Commands,
    box,
    command,
    load_model,
    positive_integer,
    rational,
    reading,
    seconds,
)
from exactre.cli.output import about, check_targets, finish, short, write
from exactre.errors import FormatError
from exactre.formats.runtime import replay


def add(commands: Commands) -> None:
    """The command and its arguments."""
    sub = command(
        commands,
        "certify-equivalence",
        _certify,
        "Prove or refute that two networks are the same function.",
        "a",
        "b",
    )
    sub.add_argument("--certificate", metavar="CERT.json", help="the proof of the verdict")
    sub.add_argument("--witness", metavar="W.json", help="the point that is shown")
    domain = sub.add_mutually_exclusive_group()
    domain.add_argument("--domain", metavar="D.vnnlib", help="compare where this property's input part holds")
    domain.add_argument("--box", type=box, metavar="LO,HI", help="compare where every input is from LO to HI")
    claim = sub.add_mutually_exclusive_group()
    claim.add_argument("--tolerance", type=rational, default=Fraction(0), metavar="Q", help="of every output")
    claim.add_argument(
        "--same-argmax", action="store_true", help="compare decisions: the first index of a maximal output"
    )
    claim.add_argument(
        "--gap", action="store_true", help="find and bound the largest difference on the domain"
    )
    sub.add_argument("--timeout", type=seconds, metavar="S", help="seconds")
    sub.add_argument("--jobs", type=positive_integer, metavar="N", help="processes for the case split")


def _certify(options: argparse.Namespace) -> int:
    check_targets(options.certificate, options.witness)
    a, b = (load_model(path, options) for path in (options.a, options.b))
    domain: Domain | None = None
    shown: dict[str, Any] | None = None
    place = f"all of R^{a.input_dim}"
    if options.box is not None:
        domain = Domain.box(*([bound] * a.input_dim for bound in options.box))
        place = f"[{options.box[0]}, {options.box[1]}]^{a.input_dim}"
        shown = {"box": [str(bound) for bound in options.box]}
    elif options.domain is not None:
        domain = property_domain(options.domain)
        place, shown = f"the domain of {options.domain}", {"vnnlib": options.domain}
    with ExitStack() as stack:
        executor = stack.enter_context(ProcessPoolExecutor(options.jobs)) if options.jobs else None
        if options.gap:
            if domain is None:
                raise FormatError("certify-equivalence: --gap needs --box or --domain, a bounded domain")
            gap = largest_gap(a, b, domain=domain, timeout=options.timeout, executor=executor)
            return _report_gap(options, gap, place, shown)
        verdict = certify_equivalence(
            a,
            b,
            domain=domain,
            tolerance=options.tolerance,
            same_argmax=options.same_argmax,
            timeout=options.timeout,
            executor=executor,
        )
    facts: dict[str, Any] = {
        "status": verdict.status,
        "method": verdict.method,
        "seconds": verdict.seconds,
        "domain": shown,
        "tolerance": None if options.same_argmax else str(options.tolerance),
    }
    claim = "same decision" if options.same_argmax else f"tolerance {options.tolerance}"
    lines = [f"by {verdict.method} in {verdict.seconds:.2f} s, on {place}, {claim}"]
    if verdict.reason:
        facts["reason"] = verdict.reason
        lines.append(verdict.reason)
    if verdict.witness is not None:
        facts["witness"] = witness = _witness(verdict.witness, options)
        lines += _show(verdict.witness, witness["replay"], options.same_argmax)
        if options.witness:
            write(options.witness, json.dumps(witness) + "\n")
    if options.certificate and verdict.certificate is not None:
        write(options.certificate, verdict.certificate.dumps())
    return finish(options, facts, lines)


def _report_gap(options: argparse.Namespace, gap: Gap, place: str, shown: dict[str, Any] | None) -> int:
    """The networks are equal when no difference is proved possible, and different when one is found."""
    status = "different" if gap.found else "undecided" if gap.proved else "equivalent"
    witness = _witness(gap.witness, options)
    facts = {
        "status": status,
        "seconds": gap.seconds,
        "domain": shown,
        "gap": {"found": str(gap.found), "proved": str(gap.proved)},
        "witness": witness,
    }
    proved = "to be the largest" if gap.found == gap.proved else f"at most {about(gap.proved)}"
    lines = [
        f"largest difference on {place}, in {gap.seconds:.2f} s:",
        f"found       {about(gap.found)}",
        f"proved      {proved}",
        *_show(gap.witness, witness["replay"], False),
    ]
    if options.witness:
        write(options.witness, json.dumps(witness) + "\n")
    if options.certificate:
        write(options.certificate, gap.certificate.dumps())
    return finish(options, facts, lines)


def _witness(witness: Witness, options: argparse.Namespace) -> dict[str, Any]:
    """The witness as rational strings, and what both files' runtimes answer at the rounded input.

    A file that does not run there is null, and the reason is said on stderr: the verdict stands without it.
    """
    runs: dict[str, list[float | str] | None] = {}
    for name, path in (("a", options.a), ("b", options.b)):
        try:
            found = replay(path, witness.input, **reading(path, options))
        except FormatError as error:
            print(f"exactre: no replay of {path}: {error}", file=sys.stderr)
            runs[name] = None
        else:
            # JSON has no word for an overflow, so that one is a string.
            runs[name] = [v if isfinite(v) else str(v) for v in map(float, found)]
    return {**witness.document(), "replay": runs}


def _show(witness: Witness, replayed: Mapping[str, Sequence[object] | None], decisions: bool) -> list[str]:
    """The witness and the output that differs most, or the decisions; each line fits into a terminal."""
    a, b = witness.output_a, witness.output_b
    if decisions:
        return [
            f"input       {short(witness.input)}",
            f"A decides {decision(a)}, outputs {short(a)}",
            f"B decides {decision(b)}, outputs {short(b)}",
        ]
    k = max(range(len(a)), key=lambda k: abs(a[k] - b[k]))
    runs = {name: "" if out is None else f", as it runs {out[k]}" for name, out in replayed.items()}
    return [
        f"input       {short(witness.input)}",
        f"output {k} of A {about(a[k])}{runs['a']}",
        f"output {k} of B {about(b[k])}{runs['b']}",
        f"difference  {about(abs(a[k] - b[k]))}",
    ]
