"""The command line: the verdict word first on stdout, errors as one line on stderr, exit codes as `cmp`.

Every command loads models exactly, calls one public function and prints what it says; files are written
whole or not at all.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NoReturn, get_args

import networkx
from rich.console import Console
from rich.text import Text

from exactre.analyze import show
from exactre.analyze.report import analyze
from exactre.certify.certificate import Witness, digest
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.gap import Gap, largest_gap
from exactre.certify.property import property_domain
from exactre.certify.question import Domain, decision
from exactre.certify.satisfiability import Answer, decide
from exactre.check import Invalid, Malformed, check_documents, long_integers, read_json
from exactre.errors import ExactreError, FormatError, InvalidCertificate, ShapeError, UnsupportedQuery
from exactre.formats import SUFFIXES, json_file, load, save, vnnlib_file
from exactre.formats.runtime import replay
from exactre.formats.vnnlib_file import Tensor
from exactre.formats.whole_file import write_whole
from exactre.network import Network, Node
from exactre.recover.recovery import recover
from exactre.recover.result import Progress
from exactre.verified import check_verified

TROUBLE = 2
EXIT = {"certified": 0, "consistent": 0, "equivalent": 0, "valid": 0, "complete": 0}
EXIT |= {"sat": 0, "unsat": 0, "unknown": 3, "timed-out": 3}
EXIT |= {"different": 1, "invalid": 1, "partial": 3, "undecided": 3}
Weights = Literal["exact", "float32", "float64"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 established, 1 refuted, 2 trouble, 3 open."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        status: int = options.run(options)
    except (ExactreError, Malformed) as error:
        return _trouble(str(error))
    except OSError as error:
        return _trouble(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return _trouble("out of memory")
    except KeyboardInterrupt:
        return _trouble("interrupted")
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


def _trouble(text: str) -> int:
    print(f"exactre: {' '.join(text.split())}", file=sys.stderr)
    return TROUBLE


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line."""

    def error(self, message: str) -> NoReturn:
        sys.exit(_trouble(f"{self.prog.removeprefix('exactre ')}: {message}"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="exactre", description="Exact recovery and certified equivalence of ReLU networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str, *models: str) -> _Parser:
        sub: _Parser = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
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
            "--shape", type=_shape, metavar="D,D,...", help="of the input where an .onnx file is open"
        )
        sub.add_argument(
            "--cut", action="store_true", help="leave out a Softmax or the like that ends a graph"
        )
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        return sub

    sub = command("recover", _recover, "Find a network from queries alone, and prove it.", "model")
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
    sub.add_argument("--box", type=_box, metavar="LO,HI", help="ask where every input is from LO to HI only")
    sub.add_argument("-o", dest="out", required=True, metavar="OUT.json", help="the recovered network")
    sub.add_argument("--certificate", metavar="CERT.json", help="proof that it equals MODEL")
    sub.add_argument("--graph", metavar="G.json", help="which neuron bends at which, node-link form")
    sub.add_argument("--ledger", metavar="L.sqlite", help="keep every query and answer in this file")
    sub.add_argument("--resume", action="store_true", help="go on with the ledger's run")
    sub.add_argument("--max-queries", type=_positive_integer, metavar="N")
    sub.add_argument("--timeout", type=_seconds, metavar="S", help="seconds")
    sub.add_argument("--seed", type=_natural, default=0, metavar="N")
    sub.add_argument("--jobs", type=_positive_integer, metavar="N", help="processes for the proof")

    sub = command(
        "certify-equivalence", _certify, "Prove or refute that two networks are the same function.", "a", "b"
    )
    sub.add_argument("--certificate", metavar="CERT.json", help="the proof of the verdict")
    sub.add_argument("--witness", metavar="W.json", help="the point that is shown")
    domain = sub.add_mutually_exclusive_group()
    domain.add_argument("--domain", metavar="D.vnnlib", help="compare where this property's input part holds")
    domain.add_argument(
        "--box", type=_box, metavar="LO,HI", help="compare where every input is from LO to HI"
    )
    claim = sub.add_mutually_exclusive_group()
    claim.add_argument(
        "--tolerance", type=_rational, default=Fraction(0), metavar="Q", help="of every output"
    )
    claim.add_argument(
        "--same-argmax", action="store_true", help="compare decisions: the first index of a maximal output"
    )
    claim.add_argument(
        "--gap", action="store_true", help="find and bound the largest difference on the domain"
    )
    sub.add_argument("--timeout", type=_seconds, metavar="S", help="seconds")
    sub.add_argument("--jobs", type=_positive_integer, metavar="N", help="processes for the case split")

    sub = command("vnnlib", _vnnlib, "Decide a VNN-LIB 2.0 query of type real.", "query")
    sub.add_argument(
        "--network", type=_named, action="append", default=[], metavar="NAME=MODEL", help="once per network"
    )
    sub.add_argument("--timeout", type=_seconds, metavar="S", help="seconds")
    sub.add_argument(
        "--certificate", metavar="FOLDER", help="the proofs of unsat, and the networks they are about"
    )

    sub = command("check", _check, "Decide a certificate about two networks.", "certificate", "a", "b")
    sub.add_argument("--verified", action="store_true", help="by the checker extracted from its proof")

    sub = command("analyze", _analyze, "Say what can be proved about a network before any query.", "model")
    sub.add_argument(
        "--box", type=_box, metavar="LO,HI", help="count and judge where inputs are from LO to HI"
    )
    sub.add_argument(
        "--slice", type=_plane, metavar="I,J", help="count in the plane of inputs I and J, others 0"
    )
    sub.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help="seconds, 60 unless given")
    sub.add_argument("--proofs", metavar="FOLDER", help="write networks and certificates for `check`")

    command("info", _info, "Say what a model is, read exactly.", "model")
    return parser


def _positive_integer(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, found {text!r:.60}")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected 0, 1, 2, ..., found {text!r:.60}")
    return int(text)


def _shape(text: str) -> tuple[int, ...]:
    return tuple(_positive_integer(part) for part in text.split(","))


def _seconds(text: str) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) is None or float(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, found {text!r:.60}")
    return float(text)


def _rational(text: str) -> Fraction:
    if re.fullmatch(r"-?[0-9]+(/0*[1-9][0-9]*|(\.[0-9]+)?([eE]-?[0-9]{1,3})?)", text) is None:
        raise argparse.ArgumentTypeError(f"expected a rational like 3, -1/2 or 0.001, found {text!r:.60}")
    return Fraction(text)


def _box(text: str) -> tuple[Fraction, Fraction]:
    low, _, high = text.partition(",")
    box = _rational(low), _rational(high)
    if box[0] > box[1]:
        raise argparse.ArgumentTypeError(f"expected LO <= HI, found {text!r:.60}, an empty box")
    return box


def _named(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"expected NAME=MODEL, found {text!r:.60}")
    return name, path


def _plane(text: str) -> tuple[int, int]:
    i, _, j = text.partition(",")
    return _natural(i), _natural(j)


def _recover(options: argparse.Namespace) -> int:
    if options.resume and options.ledger is None:
        raise FormatError("recover: --resume needs --ledger, the file to go on with")
    if Path(options.out).suffix in set(SUFFIXES) - {".json"}:
        raise FormatError(f"{options.out}: expected a .json file, since any exact network fits into it")
    if options.box is not None and options.arithmetic is None:
        raise FormatError("recover: --box needs --float64 or --float32, expected one of them")
    _check_targets(options.out, options.certificate, options.graph)
    served = options.arithmetic is not None and options.model.startswith(("http://", "https://"))
    net = options.model if served else _load(options.model, options)
    with ExitStack() as stack:
        executor = stack.enter_context(ProcessPoolExecutor(options.jobs)) if options.jobs else None
        result = recover(
            net,
            exact=options.arithmetic is None,
            arithmetic=options.arithmetic or "float64",
            box=None if options.box is None else (float(options.box[0]), float(options.box[1])),
            max_queries=options.max_queries,
            timeout=options.timeout,
            seed=options.seed,
            executor=executor,
            ledger=options.ledger,
            resume=options.resume,
            progress=stack.enter_context(_progress()),
        )
    if result.network is not None:
        _write(options.out, json_file.dumps(result.network))
    if options.certificate and result.certificate is not None:
        _write(options.certificate, result.certificate.dumps())
    if options.graph:
        _write(options.graph, json.dumps(networkx.node_link_data(result.graph, edges="edges")) + "\n")
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
    }
    if result.measured is not None:
        facts["noise"] = list(result.measured.noise)
        facts["grid"] = result.measured.grid
        facts["log2_false_positive"] = result.measured.log2_false
        facts["open"] = [asdict(number) for number in result.measured.open]
    return _finish(options, facts, result.report().splitlines()[1:])


def _certify(options: argparse.Namespace) -> int:
    _check_targets(options.certificate, options.witness)
    a, b = (_load(path, options) for path in (options.a, options.b))
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
            _write(options.witness, json.dumps(witness) + "\n")
    if options.certificate and verdict.certificate is not None:
        _write(options.certificate, verdict.certificate.dumps())
    return _finish(options, facts, lines)


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
    proved = "to be the largest" if gap.found == gap.proved else f"at most {_about(gap.proved)}"
    lines = [
        f"largest difference on {place}, in {gap.seconds:.2f} s:",
        f"found       {_about(gap.found)}",
        f"proved      {proved}",
        *_show(gap.witness, witness["replay"], False),
    ]
    if options.witness:
        _write(options.witness, json.dumps(witness) + "\n")
    if options.certificate:
        _write(options.certificate, gap.certificate.dumps())
    return _finish(options, facts, lines)


def _witness(witness: Witness, options: argparse.Namespace) -> dict[str, Any]:
    """The witness as rational strings, and what both files' runtimes answer at the rounded input.

    A file that does not run there is null, and the reason is said on stderr: the verdict stands without it.
    """
    runs: dict[str, list[float | str] | None] = {}
    for name, path in (("a", options.a), ("b", options.b)):
        try:
            found = replay(path, witness.input, **_reading(path, options))
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
            f"input       {_short(witness.input)}",
            f"A decides {decision(a)}, outputs {_short(a)}",
            f"B decides {decision(b)}, outputs {_short(b)}",
        ]
    k = max(range(len(a)), key=lambda k: abs(a[k] - b[k]))
    runs = {name: "" if out is None else f", as it runs {out[k]}" for name, out in replayed.items()}
    return [
        f"input       {_short(witness.input)}",
        f"output {k} of A {_about(a[k])}{runs['a']}",
        f"output {k} of B {_about(b[k])}{runs['b']}",
        f"difference  {_about(abs(a[k] - b[k]))}",
    ]


def _about(value: Fraction) -> str:
    """A rational, exactly where it is short, and to a few digits (of any size, which no float has)."""
    digits = Context(prec=6).divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{digits} = {value}" if value.denominator.bit_length() < 100 else f"about {digits}"


def _vnnlib(options: argparse.Namespace) -> int:
    folder = None if options.certificate is None else Path(options.certificate).resolve()
    if folder is not None and (folder.exists() or not folder.parent.is_dir()):
        raise FormatError(f"{folder}: expected a folder that can be made in an existing one")
    names = [name for name, _ in options.network]
    if len(set(names)) < len(names):
        raise FormatError(f"--network: expected each name once, found {', '.join(names)}")
    networks = {name: _load(path, options) for name, path in options.network}
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
            _write(folder / f"{k}.json", certificate.dumps())
            save(a, folder / f"{k}-a.json")
            save(b, folder / f"{k}-b.json")
    return _finish(options, facts, lines)


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


def _check(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as folder:
        a = _exact_file(options.a, Path(folder, "a.json"), options)
        b = _exact_file(options.b, Path(folder, "b.json"), options)
        try:
            if options.verified:
                check_verified(options.certificate, a, b)
            else:
                check_documents(*map(read_json, (options.certificate, a, b)))
        except Malformed as error:
            raise FormatError(f"{options.certificate} about {options.a} and {options.b}: {error}") from None
        except (Invalid, InvalidCertificate) as error:
            facts = {"status": "invalid", "step": error.step, "rule": error.rule, "value": error.value}
            return _finish(options, facts, [str(error)])
    return _finish(options, {"status": "valid"}, [])


def _exact_file(model: str, converted: Path, options: argparse.Namespace) -> str:
    """The exact network file of a model: itself where it is one, so that the checker reads what was given."""
    if model.endswith(".json") and options.weights == "exact":
        return model
    save(_load(model, options), converted)
    return str(converted)


def _load(model: str, options: argparse.Namespace) -> Network:
    return load(model, **_reading(model, options))


def _reading(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """The options of `load` for one model of the call: some are about .nnet or .onnx files alone."""
    plain = options.no_normalization and model.lower().endswith(".nnet")
    reading = {"weights": options.weights, "normalization": not plain}
    if model.lower().endswith(".onnx"):
        names = ("input", "output", "shape", "cut")
        reading |= {name: getattr(options, name) for name in names}
    return reading


def _analyze(options: argparse.Namespace) -> int:
    if options.proofs is not None and not Path(options.proofs).is_dir():
        raise FormatError(f"{options.proofs}: expected an existing folder")
    net = _load(options.model, options)
    domain = options.box and Domain.box(*([bound] * net.input_dim for bound in options.box))
    analysis = analyze(net, domain=domain, plane=options.slice, timeout=options.timeout)
    if options.proofs is not None:
        show.write_proofs(analysis, Path(options.proofs))
    return _finish(options, show.facts(analysis), list(show.lines(analysis)))


def _info(options: argparse.Namespace) -> int:
    net = _load(options.model, options)
    facts = {
        "inputs": net.input_dim,
        "layers": [node.width for node in net.hidden],
        "outputs": net.output_dim,
        "neurons": net.neurons,
        "parameters": net.parameters,
        "nonzero": net.nonzero,
        "distinct": net.distinct,
        "layered": net.is_layered,
        "sha256": digest(net),
    }
    graph = [] if net.is_layered else [_node(node) for node in net.nodes]
    if options.json:
        print(json.dumps(facts if net.is_layered else {**facts, "nodes": graph}))
        return 0
    for name, value in facts.items():
        print(f"{name:11}{'-'.join(map(str, value)) if isinstance(value, list) else value}")
    for node in graph:
        kind = "relu" if node["relu"] else "affine"
        print(f"{node['name']:11}{kind:7}{node['width']:6} of {', '.join(node['inputs'])}")
    return 0


def _node(node: Node) -> dict[str, Any]:
    """A node of a DAG without its numbers."""
    inputs = [source for source, _ in node.inputs]
    return {"name": node.name, "relu": node.relu, "width": node.width, "inputs": inputs}


def _finish(options: argparse.Namespace, facts: Mapping[str, Any], lines: Sequence[str]) -> int:
    print(json.dumps(facts) if options.json else "\n".join([facts["status"], *lines]))
    return EXIT[facts["status"]]


def _short(values: Sequence[object]) -> str:
    """A list of numbers in one line of a terminal."""
    text = ", ".join(map(str, values))
    return text if len(text) <= 100 else f"{text[:97]}..."


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


def _check_targets(*paths: str | None) -> None:
    """Refuse files that cannot be written before any work is done."""
    named = [Path(path).resolve() for path in paths if path is not None]
    for path in named:
        if path.is_dir() or not path.parent.is_dir():
            raise FormatError(f"{path}: expected a file to write in an existing folder")
        if named.count(path) > 1:
            raise FormatError(f"{path}: expected one output a file, found two")


def _write(path: str | Path, text: str) -> None:
    """Write a file whole or not at all; what is no file (a pipe, a device) cannot be replaced."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        target.write_text(text)
    else:
        write_whole(target, text.encode())


if __name__ == "__main__":
    sys.exit(main())
