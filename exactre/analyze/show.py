"""An analysis as the facts of `--json`, as lines for a person, and its proofs as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exactre.analyze.hypotheses import Broken
from exactre.analyze.injectivity import Injectivity
from exactre.analyze.proof import Proof
from exactre.analyze.report import Analysis
from exactre.formats import json_file
from exactre.formats.whole_file import write_whole


def facts(analysis: Analysis) -> dict[str, Any]:
    """The analysis as JSON, all rationals as strings."""
    return {
        "status": analysis.status,
        "seconds": analysis.seconds,
        "regions": analysis.regions,
        "regions_counted": analysis.counted,
        "layers": [_layer(name, answer) for name, answer in analysis.injectivity],
        "neurons": [_neuron(analysis, z) for z in range(len(analysis.names))],
        "broken_hypotheses": None
        if analysis.broken is None
        else [_broken(analysis, b) for b in analysis.broken],
    }


def _broken(analysis: Analysis, broken: Broken) -> dict[str, Any]:
    neurons = [_name(analysis, z) for z in broken.neurons]
    return {"hypothesis": broken.hypothesis, "neurons": neurons, "reason": broken.reason}


def _layer(name: str, answer: Injectivity) -> dict[str, Any]:
    points = None if answer.points is None else [[str(v) for v in x] for x in answer.points]
    return {"node": name, "injective": answer.answer, "points": points, "programs": len(answer.proofs)}


def _neuron(analysis: Analysis, z: int) -> dict[str, Any]:
    stable, known, graph = analysis.stability[z], analysis.identifiability[z], analysis.bending
    return {
        "neuron": _name(analysis, z),
        "signs": stable.state,
        "pieces": None if graph is None else graph.nodes[z]["pieces"],
        "depth": None if graph is None else graph.nodes[z]["depth"],
        "bends_at": None if graph is None else [_name(analysis, j) for j in sorted(graph.predecessors(z))],
        "identifiability": known.answer,
        "reason": known.reason,
    }


def lines(analysis: Analysis) -> Iterator[str]:
    """The analysis in lines for a terminal, after the status."""
    yield f"regions  {'' if analysis.counted else 'at least '}{analysis.regions}, {analysis.seconds:.2f} s"
    for name, answer in analysis.injectivity:
        proof = f", {len(answer.proofs)} linear programs without a solution" if answer.proofs else ""
        yield f"{name}  injective: {answer.answer}{proof}"
    for z in range(len(analysis.names)):
        neuron = _neuron(analysis, z)
        bends = ""
        if neuron["pieces"] is not None:
            at = ", ".join(neuron["bends_at"]) or "nothing"
            bends = f"; {neuron['pieces']} pieces, depth {neuron['depth']}, bends at {at}"
        known = f"{neuron['identifiability']}: {neuron['reason']}"
        yield f"{neuron['neuron']}  signs: {neuron['signs']}{bends}; {known}"
    if analysis.broken == ():
        yield "the hypotheses of proofs/DEEP.md hold: no other network under them has this function"
    for broken in analysis.broken or ():
        named = ", ".join(_name(analysis, z) for z in broken.neurons)
        yield f"{broken.hypothesis} fails for {named}: {broken.reason}"


def write_proofs(analysis: Analysis, folder: Path) -> None:
    """Write both networks and the certificate of every proof, as `exactre check` reads them."""
    for z in range(len(analysis.names)):
        stable, known = analysis.stability[z], analysis.identifiability[z]
        for word, proof in (("signs", stable.proof), ("ambiguous", known.proof)):
            if proof is not None:
                _write(folder, f"{_name(analysis, z)}.{word}", proof)


def _write(folder: Path, stem: str, proof: Proof) -> None:
    write_whole(folder / f"{stem}.a.json", json_file.dumps(proof.a).encode())
    write_whole(folder / f"{stem}.b.json", json_file.dumps(proof.b).encode())
    write_whole(folder / f"{stem}.certificate.json", proof.certificate.dumps().encode())


def _name(analysis: Analysis, z: int) -> str:
    node, j = analysis.names[z]
    return f"{node}_{j}"
