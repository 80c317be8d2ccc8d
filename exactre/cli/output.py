"""What every command writes: the verdict first, numbers that fit into a line, files whole or not at all."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactre.errors import FormatError
from exactre.formats.whole_file import write_whole

TROUBLE = 2
EXIT = {"certified": 0, "consistent": 0, "equivalent": 0, "valid": 0, "complete": 0}
EXIT |= {"sat": 0, "unsat": 0, "unknown": 3, "timed-out": 3}
EXIT |= {"different": 1, "invalid": 1, "partial": 3, "undecided": 3}


def trouble(text: str) -> int:
    """One line on stderr; the exit code."""
    print(f"exactre: {' '.join(text.split())}", file=sys.stderr)
    return TROUBLE


def finish(options: argparse.Namespace, facts: Mapping[str, Any], lines: Sequence[str]) -> int:
    """The verdict, as lines or as one JSON object; its exit code."""
    print(json.dumps(facts) if options.json else "\n".join([facts["status"], *lines]))
    return EXIT[facts["status"]]


def short(values: Sequence[object]) -> str:
    """A list of numbers in one line of a terminal."""
    text = ", ".join(map(str, values))
    return text if len(text) <= 100 else f"{text[:97]}..."


def about(value: Fraction) -> str:
    """A rational, exactly where it is short, and to a few digits (of any size, which no float has)."""
    digits = Context(prec=6).divide(Decimal(value.numerator), Decimal(value.denominator))
    if str(digits) == str(value):
        return str(value)
    return f"{digits} = {value}" if value.denominator.bit_length() < 100 else f"about {digits}"


def check_targets(*paths: str | None) -> None:
    """Refuse files that cannot be written before any work is done."""
    named = [Path(path).resolve() for path in paths if path is not None]
    for path in named:
        if path.is_dir() or not path.parent.is_dir():
            raise FormatError(f"{path}: expected a file to write in an existing folder")
        if named.count(path) > 1:
            raise FormatError(f"{path}: expected one output a file, found two")


def write(path: str | Path, text: str) -> None:
    """Write a file whole or not at all; what is no file (a pipe, a device) cannot be replaced."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        target.write_text(text)
    else:
        write_whole(target, text.encode())
