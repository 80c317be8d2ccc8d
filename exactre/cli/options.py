"""Arguments that several commands share, and the models that they name."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, NoReturn, TypeAlias, get_args

from exactre.cli.output import trouble
from exactre.errors import FormatError
from exactre.formats import load
from exactre.network import Network

Weights = Literal["exact", "float32", "float64"]
_RATIONAL = r"-?[0-9]+(/0*[1-9][0-9]*|(\.[0-9]+)?([eE]-?[0-9]{1,3})?)"
_ONNX = ("input", "output", "shape", "cut")
Run = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        name = self.prog.partition(" ")[2]
        sys.exit(trouble(f"{name}: {message}" if name else message))


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def command(commands: Commands, name: str, run: Run, text: str, *models: str) -> Parser:
    """A command about models, with the options that every reading of one has."""
    # No abbreviations: a later option would change what they mean.
    sub: Parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    sub.set_defaults(run=run, models=models)
    for model in models:
        sub.add_argument(model, metavar=model.upper())
    sub.add_argument(
        "--weights", choices=get_args(Weights), default="exact", help="round the numbers of text formats"
    )
    sub.add_argument(
        "--no-normalization",
        action="store_true",
        help="leave out what a .nnet file does to its inputs and outputs",
    )
    sub.add_argument(
        "--input", action="append", default=[], metavar="NAME", help="of an .onnx file that has several"
    )
    sub.add_argument(
        "--output", action="append", default=[], metavar="NAME", help="of an .onnx file that has several"
    )
    sub.add_argument(
        "--shape", type=shape, metavar="D,D,...", help="of the input where an .onnx file is open"
    )
    sub.add_argument("--cut", action="store_true", help="leave out a Softmax or the like that ends a graph")
    sub.add_argument("--json", action="store_true", help="print one JSON object")
    return sub


def positive_integer(text: str) -> int:
    """1, 2, 3, ...; this and what follows raise ArgumentTypeError for any other text."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, found {text!r:.60}")
    return int(text)


def natural(text: str) -> int:
    """0, 1, 2, ..."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected 0, 1, 2, ..., found {text!r:.60}")
    return int(text)


def shape(text: str) -> tuple[int, ...]:
    """D,D,..."""
    return tuple(positive_integer(part) for part in text.split(","))


def seconds(text: str) -> float:
    """A positive decimal."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) is None or float(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, found {text!r:.60}")
    return float(text)


def rational(text: str) -> Fraction:
    """p, p/q or a decimal, exactly."""
    if re.fullmatch(_RATIONAL, text) is None or len(text) > 1000:
        raise argparse.ArgumentTypeError(f"expected a rational like 3, -1/2 or 0.001, found {text!r:.60}")
    return Fraction(text)


def box(text: str) -> tuple[Fraction, Fraction]:
    """LO,HI, rationals with LO <= HI."""
    low, comma, high = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"expected two rationals LO,HI, found {text!r:.60}")
    bounds = rational(low), rational(high)
    if bounds[0] > bounds[1]:
        raise argparse.ArgumentTypeError(f"expected LO <= HI, found {text!r:.60}, an empty box")
    return bounds


def named(text: str) -> tuple[str, str]:
    """NAME=MODEL."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"expected NAME=MODEL, found {text!r:.60}")
    return name, path


def plane(text: str) -> tuple[int, int]:
    """I,J."""
    i, comma, j = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"expected I,J, found {text!r:.60}")
    return natural(i), natural(j)


def refuse_unused(options: argparse.Namespace) -> None:
    """Raise FormatError when an option is about a kind of file that no model of the call is."""
    files = [getattr(options, name) for name in options.models]
    files += [path for _, path in getattr(options, "network", ())]
    kinds = {"no_normalization": ".nnet"} | dict.fromkeys(_ONNX, ".onnx")
    for name, suffix in kinds.items():
        if getattr(options, name) and not any(path.lower().endswith(suffix) for path in files):
            raise FormatError(
                f"--{name.replace('_', '-')}: expected an {suffix} file in the call, found none"
            )


def load_model(model: str, options: argparse.Namespace) -> Network:
    """A model of the call, read as its options say."""
    return load(model, **reading(model, options))


def reading(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """The options of `load` for one model of the call: some are about .nnet or .onnx files alone."""
    plain = options.no_normalization and model.lower().endswith(".nnet")
    reading = {"weights": options.weights, "normalization": not plain}
    if model.lower().endswith(".onnx"):
        reading |= {name: getattr(options, name) for name in _ONNX}
    return reading
