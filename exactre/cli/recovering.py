"""`exactre recover`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import networkx
from rich.console import Console
from rich.text import Text

from exactre.cli.options import Commands, box, command, load_model, natural, positive_integer, seconds
from exactre.cli.output import check_targets, finish, write
from exactre.errors import FormatError
from exactre.formats import SUFFIXES, json_file
from exactre.recover.recovery import recover
from exactre.recover.result import Progress


def add(commands: Commands) -> None:
    """The command and its arguments."""
    sub = command(commands, "recover", _recover, "Find a network from queries alone, and prove it.", "model")
    answers = sub.add_mutually_exclusive_group()
    answers.add_argument("--exact", action="store_true", help="ask MODEL for exact answers (the default)")
    for kind in ("float64", "float32"):
        answers.add_argument(
            f"--{kind}",
            dest="arithmetic",
            action="store_const",
            const=kind,
            help=f"ask for answers in {kind} arithmetic; MODEL may be http://HOST/v2/models/NAME",
        )
    sub.add_argument("--box", type=box, metavar="LO,HI", help="ask where every input is from LO to HI only")
    sub.add_argument("-o", dest="out", required=True, metavar="OUT.json", help="the recovered network")
    sub.add_argument("--certificate", metavar="CERT.json", help="proof that it equals MODEL")
    sub.add_argument("--graph", metavar="G.json", help="which neuron bends at which, node-link form")
    sub.add_argument("--ledger", metavar="L.sqlite", help="keep every query and answer in this file")
    sub.add_argument("--resume", action="store_true", help="go on with the ledger's run")
    sub.add_argument("--max-queries", type=positive_integer, metavar="N")
    sub.add_argument("--timeout", type=seconds, metavar="S", help="seconds")
    sub.add_argument("--seed", type=natural, default=0, metavar="N")
    sub.add_argument("--jobs", type=positive_integer, metavar="N", help="processes for the proof")


def _recover(options: argparse.Namespace) -> int:
    if options.resume and options.ledger is None:
        raise FormatError("recover: --resume needs --ledger, the file to go on with")
    if Path(options.out).suffix in set(SUFFIXES) - {".json"}:
        raise FormatError(f"{options.out}: expected a .json file, since any exact network fits into it")
    if options.box is not None and options.arithmetic is None:
        raise FormatError("recover: --box needs --float64 or --float32, expected one of them")
    check_targets(options.out, options.certificate, options.graph)
    served = options.model.startswith(("http://", "https://"))
    if served and options.arithmetic is None:
        raise FormatError(f"{options.model}: expected --float64 or --float32 with a server, which rounds")
    net = options.model if served else load_model(options.model, options)
    with ExitStack() as stack:
        executor = stack.enter_context(ProcessPoolExecutor(options.jobs)) if options.jobs else None
        result = recover(
            net,
            exact=options.arithmetic is None,
            arithmetic=options.arithmetic or "float64",
            box=None if options.box is None else _floats(options.box),
            max_queries=options.max_queries,
            timeout=options.timeout,
            seed=options.seed,
            executor=executor,
            ledger=options.ledger,
            resume=options.resume,
            progress=stack.enter_context(_progress()),
        )
    if result.network is not None:
        write(options.out, json_file.dumps(result.network))
    if options.certificate and result.certificate is not None:
        write(options.certificate, result.certificate.dumps())
    if options.graph:
        write(options.graph, json.dumps(networkx.node_link_data(result.graph, edges="edges")) + "\n")
    facts = {
        "status": result.status,
        "layers": list(result.layers),
        "neurons": result.neurons,
        "queries": result.queries,
        "new_queries": result.new_queries,
        "query_bits": result.query_bits,
        "equivalence_queries": result.equivalence_queries,
        "seconds": result.seconds,
        "seed": result.seed,
        "assumptions": list(result.assumptions),
        "missing": list(result.missing),
        "recovered": list(result.shares),
        "not_generic": list(result.failing),
        "not_needed": list(result.redundant),
        "ambiguous": [each.what for each in result.ambiguities],
        "freedom": result.freedom,
        "kernels": [asdict(kernel) for kernel in result.kernels],
        "skips": list(result.skips),
        "either_side": list(result.either_side),
    }
    if result.measured is not None:
        facts["noise"] = list(result.measured.noise)
        facts["grid"] = result.measured.grid
        facts["log2_false_positive"] = result.measured.log2_false
        facts["open"] = [asdict(number) for number in result.measured.open]
    return finish(options, facts, result.report().splitlines()[1:])


def _floats(box: tuple[Fraction, Fraction]) -> tuple[float, float]:
    """The bounds as the floats next to them; one beyond all floats is refused."""
    try:
        return float(box[0]), float(box[1])
    except OverflowError:
        raise FormatError("recover: --box: expected bounds that a float64 can hold") from None


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None] | None]:
    """A line on stderr that follows the run; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status("starting") as line:

        def show(now: Progress) -> None:
            neurons = "-".join(map(str, now.layers)) or "none yet"
            line.update(Text(f"{now.stage}: {now.queries:,} queries, neurons found per layer: {neurons}"))

        yield show
