"""What a function does not tell of its network: other networks that are proved to be the same function.

Two kinds of change keep a function and are no change of order and scale. A weight on a neuron that is
inactive wherever its reader is active may be anything that leaves the reader inactive there. And some neurons
of a layer may change their active sides together, relu(u) = u + relu(-u), where the u cancel in the next one.
Each is only a candidate here; it counts with a certificate that the two networks are equal everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise, product

from exactre.certify.certificate import Certificate
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.sampling import SCALES, Sampler
from exactre.complex.orientation import sign_choices
from exactre.network import Network, Node
from exactre.rational import Matrix, Points

_POINTS = 24  # of each scale
_MOST = 24  # weights asked about
_SECONDS = 0.75  # for one of them
_LARGEST = 24  # neurons of a network that is asked about
_WIDEST = 12
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Ambiguity:
    """`what` may be otherwise: `other` is the same function as the recovered network, by `certificate`."""

    what: str
    other: Network
    certificate: Certificate


def ambiguities(net: Network) -> list[Ambiguity]:
    """Ambiguities of a small network, each proved; exact. Larger networks are not asked about.

    What takes long to prove is left out, and the rest of the candidates with it.
    """
    if net.neurons > _LARGEST:
        return []
    found = []
    for what, other in (*_sides(net), *islice(_weights(net), _MOST)):
        verdict = certify_equivalence(net, other, timeout=_SECONDS)
        if verdict.status == "undecided":
            break
        if verdict.status == "equivalent" and verdict.certificate is not None:
            found.append(Ambiguity(what, other, verdict.certificate))
    return found


def with_weight(net: Network, at: int, i: int, below: int, j: int, change: Fraction) -> Network:
    """The network with a change of neuron i's weight, in node number `at`, on neuron j of node `below`."""
    source = net.nodes[below]
    return _adding(net, at, i, {source.name: [change * (k == j) for k in range(source.width)]})


def _less_opposite(net: Network, at: int, i: int, below: int, j: int) -> Network:
    """The same with relu(-u) of neuron j taken off, u its preactivation: u - relu(u) added."""
    source = net.nodes[below]
    terms = {name: weight.rows()[j] for name, weight in source.inputs}
    terms[source.name] = [Fraction(-(k == j)) for k in range(source.width)]
    return _adding(net, at, i, terms, source.bias[j, 0])


def _adding(
    net: Network, at: int, i: int, terms: Mapping[str, Sequence[Fraction]], constant: Fraction = _ZERO
) -> Network:
    """The network with weights (by source) and a constant added to neuron i of node number `at`."""
    reader = net.nodes[at]
    weights = {name: weight.rows() for name, weight in reader.inputs}
    for name, row in terms.items():
        rows = weights.setdefault(name, [[_ZERO] * len(row) for _ in range(reader.width)])
        rows[i] = [v + w for v, w in zip(rows[i], row, strict=True)]
    bias = [reader.bias[k, 0] + constant * (k == i) for k in range(reader.width)]
    inputs = tuple((name, Matrix.from_rows(rows)) for name, rows in weights.items())
    changed = Node(reader.name, reader.relu, inputs, Matrix.column(bias))
    return Network(net.input_dim, [changed if node is reader else node for node in net.nodes])


def _weights(net: Network) -> Iterator[tuple[str, Network]]:
    """One less of relu(u), and with skips of relu(-u), where a reader seems never active together with it."""
    sampler = Sampler(None, net.input_dim)
    points = [p for scale in SCALES for p in sampler.points(scale, _POINTS)]
    values = net.preactivations(Points.of(points, net.input_dim))
    signs = {
        node.name: [
            [(v > 0) - (v < 0) for v in (values[node.name].num[k, j] for k in range(len(points)))]
            for j in range(node.width)
        ]
        for node in net.hidden
    }
    for below, at in pairwise([k for k, node in enumerate(net.nodes) if node.relu]):
        source, reader = net.nodes[below], net.nodes[at]
        for i, j in product(range(reader.width), range(source.width)):
            pairs = set(zip(signs[reader.name][i], signs[source.name][j], strict=True))
            place = f"{reader.name}, neuron {i + 1}: its weight on"
            if (1, 1) not in pairs:
                weight = dict(reader.inputs).get(source.name)
                now = _ZERO if weight is None else weight[i, j]
                what = f"{place} neuron {j + 1} of {source.name}, {now} or {now - 1}"
                yield what, with_weight(net, at, i, below, j, Fraction(-1))
            if (1, -1) not in pairs and not net.is_layered:
                what = f"{place} the opposite of neuron {j + 1} of {source.name}, relu(-u): 0 or -1"
                yield what, _less_opposite(net, at, i, below, j)


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
