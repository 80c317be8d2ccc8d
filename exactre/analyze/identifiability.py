"""`identifiability`: which neurons the function alone determines, and which it does not, before any query.

- "recoverable": pieces of its boundary at which the function bends, and which are no other neuron's, leave
  one row up to scale over the neurons that it reads, and those are recoverable too. So whoever knows them,
  and which pieces are its own, has the neuron.
- "ambiguous": another network, with another row or other outgoing weights, is proved to be the same function.
- "not decided": neither is proved.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from exactre.analyze.proof import Proof, decide, share
from exactre.analyze.visible import Boundaries, VisiblePiece, visible_faces
from exactre.complex.cells import Cell, Face
from exactre.linalg import rank
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix


@dataclass(frozen=True)
class Identifiability:
    """`answer` as above, why in words, and for "ambiguous" the two networks with their certificate."""

    answer: str
    reason: str
    proof: Proof | None = None


def identifiability(
    net: Network, found: tuple[Sequence[Cell], Sequence[Face]] | None, deadline: float | None
) -> list[Identifiability]:
    """The answer for every hidden neuron in network order, on R^n; exact over Q.

    `found` has all cells and faces on R^n; None where there are too many: then some pieces of
    each boundary are searched. `deadline` is in the seconds of `time.time`.
    """
    names = [(node, j) for node in net.hidden for j in range(node.width)]
    numbers = {(node.name, j): z for z, (node, j) in enumerate(names)}
    boundaries = Boundaries(net)
    answers: list[Identifiability] = []
    for z, (node, j) in enumerate(names):
        if deadline is not None and time.time() > deadline:
            answers.append(Identifiability("not decided", "out of time"))
            continue
        pieces = boundaries.visible_pieces(node, j)
        if found is not None:
            pieces = chain(pieces, visible_faces(net, node, j, z, *found))
        own = [w[j, k] for _, w in node.inputs for k in range(w.shape[1])]
        left = _rows_left(pieces, [*own, node.bias[j, 0]])
        read = [numbers[key] for key in _reads(net, node, j)]
        unknown = [k for k in read if answers[k].answer != "recoverable"]
        if left is None:
            # Where the function bends on a boundary alone, none of the changes tried here keeps it.
            answers.append(_unseen(net, node, j, share(deadline, len(names) - z)))
        elif left > 1:
            why = f"its visible boundary, as far as it is known, leaves rows in {left} dimensions"
            answers.append(Identifiability("not decided", why))
        elif unknown:
            why = f"it reads neurons {unknown}, which are not recoverable"
            answers.append(Identifiability("not decided", why))
        else:
            answers.append(Identifiability("recoverable", "its visible boundary leaves one row up to scale"))
    return answers


def _unseen(net: Network, node: Node, j: int, deadline: float | None) -> Identifiability:
    for change, other in _variants(net, node, j):
        answer = decide(net, other, None, deadline)
        if isinstance(answer, Proof):
            return Identifiability("ambiguous", change, answer)
    return Identifiability("not decided", "no place is known where the function bends on its boundary alone")


def _variants(net: Network, node: Node, j: int) -> Iterator[tuple[str, Network]]:
    """Networks that differ from the given one in neuron j of the node, beyond order and scale."""
    readers = [(own, dict(own.inputs)[node.name]) for own in net.nodes if node.name in dict(own.inputs)]
    if node is net.nodes[-1]:
        return
    if not any(weight[i, j] for own, weight in readers for i in range(own.width)):
        yield "nothing reads it: its bias may be 1 more", _changed(net, node, j, shift=1)
        return
    # No positive scale of the neuron does this to its outgoing weights.
    yield "its outgoing weights may be negated", _changed(net, node, j, factor=-2)
    yield "its bias may be 1 more, taken off where it is read", _changed(net, node, j, shift=1, less=True)


def _changed(
    net: Network, node: Node, j: int, *, shift: int = 0, factor: int = 0, less: bool = False
) -> Network:
    """The network with `shift` added to neuron j's bias, `factor` times its outgoing weights to themselves.

    With `less`, what an always active neuron gains by the shift is taken from the biases of its readers.
    """
    nodes = []
    unit = [int(k == j) for k in range(node.width)]
    for own in net.nodes:
        bias = own.bias + Matrix.column(unit).scale(shift) if own is node else own.bias
        inputs = []
        for source, weight in own.inputs:
            if source == node.name:
                column = Matrix.column([weight[i, j] for i in range(own.width)])
                weight = weight + (column @ Matrix.from_rows([unit])).scale(factor)
                bias = bias + column.scale(-shift * less)
            inputs.append((source, weight))
        nodes.append(Node(own.name, own.relu, tuple(inputs), bias))
    return Network(net.input_dim, nodes)


def _reads(net: Network, node: Node, j: int) -> set[tuple[str, int]]:
    """The ReLU neurons that neuron j of the node reads, through affine nodes too."""
    nodes = {own.name: own for own in net.nodes}
    read = set()
    for source, weight in node.inputs:
        for k in range(weight.shape[1]):
            if source != INPUT and weight[j, k]:
                read |= {(source, k)} if nodes[source].relu else _reads(net, nodes[source], k)
    return read


def _rows_left(pieces: Iterable[VisiblePiece], own: Sequence[Fraction]) -> int | None:
    """The dimension of the rows that fit the pieces, `own` among them; None without a piece. Exact.

    Near a piece the values that the neuron reads are affine, and a row over them is zero on the piece's
    hyperplane if it is a multiple of its form: linear equations, which the own row solves. It is the only
    solution up to scale if all columns but one in which it is not zero are independent.
    """
    pivot = next((k for k, v in enumerate(own) if v), None)
    equations: list[list[Fraction]] = []
    unknowns, independent = len(own) - 1, 0
    for piece in pieces:
        if [source for source, _ in piece.node.inputs] == [INPUT]:
            # x and 1 are independent: one piece leaves one row.
            return 1
        first = next(k for k, v in enumerate(piece.form) if v)
        others = [v for k, v in enumerate(piece.values()) if k != pivot]
        for k, v in enumerate(piece.form):
            if k != first:
                equations.append([piece.form[first] * w[k] - v * w[first] for w in others])
        independent = rank(Matrix.from_rows(equations, unknowns))
        if independent == unknowns:
            break
    return 1 + unknowns - independent if equations else None
