"""`exactre analyze` and `exactre info`: what one network is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactre.analyze import show
from exactre.analyze.report import analyze
from exactre.certify.certificate import digest
from exactre.certify.question import Domain
from exactre.cli.options import Commands, box, command, load_model, plane, seconds
from exactre.cli.output import finish
from exactre.errors import FormatError
from exactre.network import Node


def add(commands: Commands) -> None:
    """Both commands and their arguments."""
    sub = command(
        commands, "analyze", _analyze, "Say what can be proved about a network before any query.", "model"
    )
    sub.add_argument(
        "--box", type=box, metavar="LO,HI", help="count and judge where inputs are from LO to HI"
    )
    sub.add_argument(
        "--slice", type=plane, metavar="I,J", help="count in the plane of inputs I and J, others 0"
    )
    sub.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="seconds, 60 unless given")
    sub.add_argument("--proofs", metavar="FOLDER", help="write networks and certificates for `check`")

    command(commands, "info", _info, "Say what a model is, read exactly.", "model")


def _analyze(options: argparse.Namespace) -> int:
    if options.proofs is not None and not Path(options.proofs).is_dir():
        raise FormatError(f"{options.proofs}: expected an existing folder")
    net = load_model(options.model, options)
    domain = options.box and Domain.box(*([bound] * net.input_dim for bound in options.box))
    analysis = analyze(net, domain=domain, plane=options.slice, timeout=options.timeout)
    if options.proofs is not None:
        show.write_proofs(analysis, Path(options.proofs))
    return finish(options, show.facts(analysis), list(show.lines(analysis)))


def _info(options: argparse.Namespace) -> int:
    net = load_model(options.model, options)
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
