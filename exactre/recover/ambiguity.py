"""What a function does not tell of its network: other networks that are proved to be the same function.

Two kinds of change keep a function and are no change of order and scale. Weights may go in a direction in
which no sampled answer changes (`families`): of a weight on a neuron that is inactive wherever its reader is
active, of weights that make up for each other wherever they are seen. And some neurons of a layer may change
their active sides together, relu(u) = u + relu(-u), where the u cancel in the next one.
Each is only a candidate here; it counts with a certificate that the two networks are equal everywhere. What
refutes a candidate is a point, and joins the samples.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from exactre.certify.certificate import Certificate
from exactre.certify.equivalence import Verdict, certify_equivalence
from exactre.certify.sampling import SCALES, Sampler
from exactre.complex.orientation import sign_choices
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix, Points
from exactre.recover.families import Direction, Tangent, Weight, changed
from exactre.recover.scouting import Scout

_LARGEST = 500  # weights and biases of a network whose derivatives are taken
_FEW = 8  # points of each scale, beside some for every weight
_RARE = 1024  # regions that are looked at where that leaves something open
_NEAR = (12, 40, 80)  # binary digits of how far from a point that refutes a direction others are taken
_MOST = 48  # proofs asked for
_SECONDS = 5.0  # for one of them
_FACTORS = [Fraction(-1), Fraction(1), Fraction(-1, 1 << 12), Fraction(1, 1 << 12)]
_SHORT = _FACTORS[2:]  # for several weights, which have no short numbers anyway
_FARTHER = (256, 16)
_WIDEST = 40


@dataclass(frozen=True)
class Ambiguity:
    """`what` may be otherwise: `other` is the same function as the recovered network, by `certificate`.

    `family` says which others are too. Where that is a hidden neuron's weight, `of_neuron` is the certificate
    that the neuron alone is the same; None where an output reads it, so that `certificate` says it. The
    larger weight may then be lowered at will: with e >= 0 what it adds to the other, relu(u) = relu(u - e)
    says that e = 0 where u > 0, and elsewhere u - te <= 0 for t >= 0.
    """

    what: str
    other: Network
    certificate: Certificate
    family: str = ""
    of_neuron: Certificate | None = None


def ambiguities(
    net: Network, suspects: Sequence[Weight] = (), seconds: float | None = None
) -> tuple[list[Ambiguity], int | None]:
    """Ambiguities, each proved, and the most dimensions that networks of this function have nearby; exact.

    Scalings are no dimension here. None where the network is too large for its derivatives: then the weights
    that are `suspects` are asked about. What takes long to prove is left out, and the rest with it.
    """
    search = _Search(net, seconds)
    try:
        for what, other in _sides(net):
            search.prove(what, other)
        if net.parameters <= _LARGEST and all(node.relu for node in net.nodes[:-1]):
            search.directions()
        else:
            for weight in suspects:
                search.go({weight: Fraction(1)})
    except _Undecided:
        pass
    return search.found, None if search.tangent is None else search.tangent.freedom


def with_weight(net: Network, at: int, i: int, below: int, j: int, change: Fraction) -> Network:
    """The network with a change of neuron i's weight, in node number `at`, on neuron j of node `below`."""
    return changed(net, {Weight(at, i, net.nodes[below].name, j): change})


class _Undecided(Exception):
    """A proof took too long, or there were too many."""


class _Search:
    """Proofs asked for within some seconds, and the ambiguities `found`."""

    def __init__(self, net: Network, seconds: float | None) -> None:
        self._net = net
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._left = _MOST
        self.found: list[Ambiguity] = []
        self.tangent: Tangent | None = None

    def directions(self) -> None:
        """Try every direction of every node in which no sampled answer changes."""
        tangent = self.tangent = Tangent(self._net)
        sampler = Sampler(None, self._net.input_dim)
        for scale in SCALES:
            tangent.add(sampler.points(scale, _FEW + len(tangent.weights) // (5 * self._net.output_dim)))
        if not tangent.freedom:
            return
        scout = Scout(self._net, np.random.default_rng(0))
        tangent.add(Points.from_floats(scout.rare(_RARE)))
        tried: list[Direction] = []
        for node in range(len(self._net.nodes)):
            while open_ := [each for each in tangent.directions(node) if each not in tried]:
                telling = np.concatenate([scout.telling(each, _FACTORS[-1]) for each in open_])
                if len(telling):
                    tangent.add(Points.from_floats(telling))
                if all(map(tangent.is_silent, open_)):
                    tried.append(open_[0])
                    self.go(open_[0], scout)

    def go(self, direction: Direction, scout: Scout | None = None) -> None:
        """Go in a direction, then the other way, then less far, until the function stays the same.

        Not once a point tells that it does not even a little way.
        """
        factors = _FACTORS if len(direction) == 1 else _SHORT
        if scout is not None:
            factors = [factor for factor in factors if not len(scout.telling(direction, factor))]
            if len(direction) > 1:  # first the way in which it can be gone farther
                factors.sort(
                    key=lambda factor: [len(scout.telling(direction, factor * by)) for by in _FARTHER]
                )
        for factor in factors:
            what = _described(self._net, direction, factor)
            witness = self.prove(what, changed(self._net, direction, factor), (direction, factor))
            if witness is None:
                return
            if self.tangent is not None:
                self.tangent.add(_near(witness))
                if not self.tangent.is_silent(direction):
                    return

    def prove(
        self, what: str, other: Network, change: tuple[Direction, Fraction] | None = None
    ) -> tuple[Fraction, ...] | None:
        """Record an ambiguity, if it is one; else a point at which the networks differ."""
        verdict = self._verdict(self._net, other)
        if verdict.certificate is None or verdict.witness is not None:
            return None if verdict.witness is None else verdict.witness.input
        family, of_neuron = ("", None) if change is None else self._family(*change)
        self.found.append(Ambiguity(what, other, verdict.certificate, family, of_neuron))
        return None

    def _family(self, direction: Direction, factor: Fraction) -> tuple[str, Certificate | None]:
        """What else is the same function, and the proof about the one neuron that changes."""
        if all(weight.node == len(self._net.nodes) - 1 for weight in direction):
            return "any multiple of the change", None
        weight = next(iter(direction))
        if len(direction) > 1 or weight.source not in {None, *(node.name for node in self._net.hidden)}:
            return "", None
        most = _value(self._net, weight) + max(factor * direction[weight], Fraction(0))
        family = f"any value up to {most}"
        if _is_read(self._net, weight):
            return family, None  # the outputs differ by their weights times what the neuron differs by
        other = changed(self._net, direction, factor)
        verdict = self._verdict(*(_alone(net, weight.node, weight.neuron) for net in (self._net, other)))
        return (family, verdict.certificate) if verdict.status == "equivalent" else ("", None)

    def _verdict(self, a: Network, b: Network) -> Verdict:
        left = _SECONDS if self._deadline is None else min(_SECONDS, self._deadline - time.monotonic())
        self._left -= 1
        if self._left < 0 or left <= 0:
            raise _Undecided
        verdict = certify_equivalence(a, b, timeout=left)
        if verdict.status == "undecided":
            raise _Undecided
        return verdict


def _near(point: Sequence[Fraction]) -> Points:
    """The point and others close to it, where no neuron is likely to be zero."""
    random = Sampler(None, len(point)).points(0, 4 * len(_NEAR))
    points = [tuple(point)]
    for k, step in enumerate(random):
        unit = Fraction(1, 1 << _NEAR[k % len(_NEAR)])
        points.append(tuple(p + unit * v for p, v in zip(point, step, strict=True)))
    return Points.of(points, len(point))


def _alone(net: Network, at: int, i: int) -> Network:
    """One hidden neuron as the only output."""
    node = net.nodes[at]
    pick = Matrix.from_rows([[int(k == i) for k in range(node.width)]])
    inputs = tuple((name, pick @ weight) for name, weight in node.inputs)
    neuron = Node("neuron", True, inputs, pick @ node.bias)
    same = Node("output", False, (("neuron", Matrix.from_rows([[1]])),), Matrix.column([0]))
    return Network(net.input_dim, [*net.nodes[:at], neuron, same])


def _is_read(net: Network, weight: Weight) -> bool:
    """Whether a neuron is one of the last hidden layer that an output reads."""
    last, name = net.nodes[-1], net.nodes[weight.node].name
    column = dict(last.inputs).get(name) if weight.node == len(net.nodes) - 2 else None
    return column is not None and any(column[k, weight.neuron] for k in range(last.width))


def _value(net: Network, weight: Weight) -> Fraction:
    node = net.nodes[weight.node]
    matrix = node.bias if weight.source is None else dict(node.inputs).get(weight.source)
    return Fraction(0) if matrix is None else matrix[weight.neuron, weight.column]


def _described(net: Network, direction: Direction, factor: Fraction) -> str:
    """What changes, in words."""
    changes: dict[str, list[str]] = {}
    for weight in sorted(direction, key=lambda weight: (weight.node, weight.neuron)):
        node, number, column = net.nodes[weight.node], weight.neuron + 1, weight.column + 1
        place = f"{node.name}, neuron {number}" if node.relu else f"output {number}"
        on = f"input {column}" if weight.source == INPUT else f"neuron {column} of {weight.source}"
        changes.setdefault(place, []).append("its bias" if weight.source is None else f"its weight on {on}")
    text = "; ".join(f"{place}: {', '.join(words)}" for place, words in changes.items())
    if len(direction) > 1:
        return f"{text}, together"
    [weight] = direction
    now = _value(net, weight)
    return f"{text}, {now} or {now + factor * direction[weight]}"


def _sides(net: Network) -> Iterator[tuple[str, Network]]:
    """The active sides in one layer of a layered network, all choices that fit the next layer."""
    if not net.is_layered:
        return
    for at, (node, reader) in enumerate(pairwise(net.nodes)):
        own, read = node.inputs[0][1], reader.inputs[0][1]
        if node.width > _WIDEST:
            continue
        table = [
            [*terms, sum(terms)]
            for i in range(reader.width)
            for k in range(own.shape[1])
            for terms in [[int(read.num[i, j] * own.num[j, k]) for j in range(node.width)]]
        ]
        for signs in sign_choices(table) or []:
            turned = [j for j, s in enumerate(signs) if s < 0]
            if turned:
                names = ", ".join(str(j + 1) for j in turned)
                yield f"{node.name}: the active sides of neurons {names} together", _turned(net, at, signs)


def _turned(net: Network, at: int, signs: list[int]) -> Network:
    """The layered network with the neurons of node number `at` multiplied by the signs inside their ReLUs."""
    node, reader = net.nodes[at], net.nodes[at + 1]
    [(source, weight)] = node.inputs
    [(name, read)] = reader.inputs
    turn = Matrix.from_rows([[s * (i == j) for j in range(node.width)] for i, s in enumerate(signs)])
    lost = Matrix.from_rows([[int(s < 0 and i == j) for j in range(node.width)] for i, s in enumerate(signs)])
    turned = Node(node.name, True, ((source, turn @ weight),), turn @ node.bias)
    kept = Node(reader.name, reader.relu, ((name, read),), reader.bias + read @ lost @ node.bias)
    return Network(net.input_dim, [*net.nodes[:at], turned, kept, *net.nodes[at + 2 :]])
