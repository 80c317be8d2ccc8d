"""What is not generic: assumptions that fail, and neurons of the given network that are not needed."""

from __future__ import annotations

from collections.abc import Sequence

from exactre.analyze.hypotheses import broken_hypotheses
from exactre.certify.certificate import Certificate, Equivalence
from exactre.check import Step
from exactre.complex.cells import complete
from exactre.network import Network

_LEARNT = ("zero", "bound")  # the steps that are of no neuron
_LARGEST = {1: 24, 2: 20, 3: 10}  # neurons, by inputs, up to which all regions are enumerated

_MEANING = {
    "hidden in places": "visible on a part of the boundary only: elsewhere all that reads it is inactive",
    "boundary empty": "the boundary is empty",
    "boundary shared": "a part of the boundary is another neuron's too",
    "zero beside its boundary": "zero also where nothing bends",
    "boundary in parts that meet at no ridge": "the boundary is in parts that do not meet",
    "a weight without a ridge": "boundaries never meet although one neuron reads the other",
}


def failing(net: Network) -> list[str]:
    """The hypotheses of proofs/DEEP.md that fail for a small network, each with its neurons; exact."""
    if net.neurons > _LARGEST.get(net.input_dim, 0) or not net.neurons:
        return []
    names = [f"{node.name}, neuron {j + 1}" for node in net.hidden for j in range(node.width)]
    return [
        f"{_MEANING[broken.reason]}: {'; '.join(names[z] for z in broken.neurons)}"
        for broken in broken_hypotheses(net, *complete(net))
    ]


def redundant(certificate: Certificate) -> list[str]:
    """The neurons of network A that its certificate of equality does without, and why; exact."""
    net, proof = certificate.a, certificate.proof
    if not isinstance(proof, Equivalence):
        return []
    names = [f"{node.name}, neuron {j + 1}" for node in net.hidden for j in range(node.width)]
    steps = [step for step in proof.steps_a if step.rule not in _LEARNT]
    atoms = [name for name, step in zip(names, steps, strict=True) if step.rule == "atom"]
    return [
        f"{name}: {_why(step, atoms)}" for name, step in zip(names, steps, strict=True) if step.rule != "atom"
    ]


def _why(step: Step, atoms: Sequence[str]) -> str:
    if step.rule != "scaled":
        return {"constant": "constant", "active": "always active", "inactive": "never active"}[step.rule]
    side = "the boundary and the side" if step.factor[0] > 0 else "the boundary, and not the side,"
    return f"it has {side} of {atoms[step.atom]}"


def shares(result: Sequence[int], known: Sequence[tuple[int, int]], given: Network | None) -> list[str]:
    """For every layer: neurons, weights (seen, all), and the width of that layer of a given network."""
    widths = [node.width for node in given.hidden] if given is not None else []
    return [
        f"layer {k + 1}: {count} neurons"
        + (f" (given: {widths[k]})" if k < len(widths) else "")
        + f", {seen} of {total} weights"
        for k, (count, (seen, total)) in enumerate(zip(result, known, strict=True))
    ]
