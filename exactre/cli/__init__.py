"""The command line: the verdict word first on stdout, errors as one line on stderr, exit codes as `cmp`.

Every command loads models exactly, calls one public function and prints what it says; files are written
whole or not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from exactre.check import Malformed
from exactre.cli import certifying, checking, describing, querying, recovering
from exactre.cli.options import Parser, refuse_unused
from exactre.cli.output import trouble
from exactre.errors import ExactreError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 established, 1 refuted, 2 trouble, 3 open."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        refuse_unused(options)
        status: int = options.run(options)
    except (ExactreError, Malformed) as error:
        return trouble(str(error))
    except OSError as error:
        return trouble(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return trouble("out of memory")
    except KeyboardInterrupt:
        return trouble("interrupted")
    return status


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--box -1,1` as `--box=-1,1`, since argparse takes -1,1 for an option."""
    joined: list[str] = []
    for text in arguments:
        if joined and joined[-1] == "--box":
            joined[-1] = f"--box={text}"
        else:
            joined.append(text)
    return joined


def _parser() -> Parser:
    parser = Parser(prog="exactre", description="Exact recovery and certified equivalence of ReLU networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for family in (recovering, certifying, querying, checking, describing):
        family.add(commands)
    return parser
