"""`exactre vnnlib`: the answer in the standard's words."""

from __future__ import annotations

import argparse
import sys
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactre.certify.satisfiability import Answer, decide
from exactre.check import long_integers
from exactre.cli.options import Commands, command, load_model, named, seconds
from exactre.cli.output import finish, write
from exactre.errors import FormatError, ShapeError, UnsupportedQuery
from exactre.formats import save, vnnlib_file
from exactre.formats.vnnlib_file import Tensor


def add(commands: Commands) -> None:
    """The command and its arguments."""
    sub = command(commands, "vnnlib", _vnnlib, "Decide a VNN-LIB 2.0 query of type real.", "query")
    sub.add_argument(
        "--network", type=named, action="append", default=[], metavar="NAME=MODEL", help="once per network"
    )
    sub.add_argument("--timeout", type=seconds, metavar="S", help="seconds")
    sub.add_argument(
        "--certificate", metavar="FOLDER", help="the proofs of unsat, and the networks they are about"
    )


def _vnnlib(options: argparse.Namespace) -> int:
    folder = None if options.certificate is None else Path(options.certificate).resolve()
    if folder is not None and (folder.exists() or not folder.parent.is_dir()):
        raise FormatError(f"{folder}: expected a folder that can be made in an existing one")
    names = [name for name, _ in options.network]
    if len(set(names)) < len(names):
        raise FormatError(f"--network: expected each name once, found {', '.join(names)}")
    networks = {name: load_model(path, options) for name, path in options.network}
    tensors: list[Tensor] = []
    try:
        query = vnnlib_file.read(options.query)
    except UnsupportedQuery as error:
        answer = Answer("unknown", reason=str(error))
    else:
        tensors = [tensor for network in query.networks for tensor in (network.input, network.output)]
        try:
            answer = decide(query, networks, timeout=options.timeout)
        except (FormatError, ShapeError) as error:
            raise FormatError(f"{options.query}: {error}") from None
    if answer.reason:
        print(f"exactre: {answer.reason}", file=sys.stderr)
    facts: dict[str, Any] = {"status": answer.status}
    lines: list[str] = []
    if answer.assignment is not None:
        with long_integers():
            facts["assignment"] = {name: list(map(str, row)) for name, row in answer.assignment.items()}
            for tensor in tensors:
                lines.append(f"{tensor.name} {tensor.type} [{','.join(map(str, tensor.shape))}]")
                lines += map(_decimal, answer.assignment[tensor.name])
    if folder is not None and answer.proofs:
        folder.mkdir()
        for k, (certificate, a, b) in enumerate(answer.proofs, start=1):
            write(folder / f"{k}.json", certificate.dumps())
            save(a, folder / f"{k}-a.json")
            save(b, folder / f"{k}-b.json")
    return finish(options, facts, lines)


def _decimal(value: Fraction) -> str:
    """A rational as the decimal that it is; one that is none is rounded to 40 digits."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{Context(prec=40).divide(Decimal(value.numerator), Decimal(value.denominator)):f}"
    places = max(twos, fives, 1)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"
