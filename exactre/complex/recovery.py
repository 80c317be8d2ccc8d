"""`recover_from_boundaries`: the hidden layers of a network from the pieces of region boundaries alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

import networkx as nx

from exactre.complex.hinges import Hinge, generations, hinge_network
from exactre.complex.joining import Joining, joinings
from exactre.complex.orientation import Orientation, orient
from exactre.complex.pieces import Complex, Piece
from exactre.complex.replay import Replay, replay
from exactre.complex.ridges import ridges
from exactre.errors import ShapeError
from exactre.network import Network

_TRIES = 32


@dataclass(frozen=True)
class BoundaryRecovery:
    """What the pieces tell.

    `status` is "consistent": the boundaries of `hinges` in the complex's domain are the pieces, no more and
    no less, under some output layer; or "partial", and `missing` says why. `assumptions` are what the
    answer takes for granted (proofs/BOUNDARIES.md proves when it is the only one). `undetermined` is what
    no set of boundaries, or not this one, tells. `neuron_of` gives the hinge of each piece, or None.
    `network` has the hidden layers: its outputs are the ReLUs of the last one, or of all hinges where no
    layered network fits. `graph` has an edge j -> z, with the integer coefficient `weight`, where the
    boundary of z bends at that of j; node attributes `layer` and `sign` (+-1 as in `hinges`, 0 where not
    determined).
    """

    status: str
    hinges: tuple[Hinge, ...]
    layers: tuple[int, ...]
    graph: nx.DiGraph
    network: Network | None
    neuron_of: tuple[int | None, ...]
    assumptions: tuple[str, ...]
    missing: tuple[str, ...]
    undetermined: tuple[str, ...]


def recover_from_boundaries(complex_: Complex) -> BoundaryRecovery:
    """Find the hidden layers of a ReLU network from the pieces of its region boundaries alone; exact over Q.

    Only `input_dim`, `domain` and `pieces` are read: no function value, no label, no order. Neurons come in
    the orientation-free form, up to order and scale. The pieces have to be face to face, as
    `boundary_complex` makes them. Raises ShapeError in dimension 1, where boundaries are points that never
    meet, and ComplexError, naming the pieces, where they contradict each other. Source: Rolnick and
    Koerding 2020, part (a).
    """
    n = complex_.input_dim
    if n < 2:
        raise ShapeError(
            f"expected boundaries in dimension 2 or more, found dimension {n}: points never meet"
        )
    for i, piece in enumerate(complex_.pieces):
        if len(piece.normal) != n:
            raise ShapeError(f"piece {i}: expected dimension {n}, found {len(piece.normal)}")
    joining, replayed = _likeliest(complex_)
    hinges = joining.hinges
    if replayed is None:
        missing = [_left(complex_, joining)] if complex_.pieces else []
        nothing = tuple(None for _ in complex_.pieces)
        status, untold = "partial" if missing else "consistent", ("all: there is no boundary",)
        return BoundaryRecovery(status, (), (), nx.DiGraph(), None, nothing, (), tuple(missing), untold)
    depth = generations(hinges)
    layers = tuple(depth.count(k) for k in range(max(depth) + 1))
    oriented = orient(hinges, n)
    missing = list(_missing(complex_, joining, replayed))
    return BoundaryRecovery(
        "partial" if missing else "consistent",
        tuple(hinges),
        layers,
        _graph(hinges, depth, oriented),
        oriented.network or hinge_network(hinges, n),
        tuple(joining.owner.get(i) for i in range(len(complex_.pieces))),
        tuple(_assumptions(joining, replayed)),
        tuple(missing),
        tuple(_undetermined(hinges, depth, oriented, replayed)),
    )


def _likeliest(complex_: Complex) -> tuple[Joining, Replay | None]:
    """The first hinges that have exactly the given pieces, or else the likeliest, with their replay.

    Where ends are hidden `Joining` guesses, and those come first that are nearest to the likeliest guesses.
    """
    first = None
    for joining in islice(joinings(complex_.pieces, ridges(complex_)), _TRIES):
        replayed = None
        if joining.hinges and (first is None or not joining.components()):
            replayed = replay(complex_, joining.hinges)
            if not any(_missing(complex_, joining, replayed)):
                return joining, replayed
        first = first or (joining, replayed)
    assert first is not None
    return first


def _graph(hinges: Sequence[Hinge], depth: Sequence[int], oriented: Orientation) -> nx.DiGraph:
    graph = nx.DiGraph()
    for z, hinge in enumerate(hinges):
        graph.add_node(z, layer=depth[z], sign=oriented.signs[z])
        graph.add_edges_from((j, z, {"weight": a}) for j, a in hinge.parents.items())
    return graph


def _assumptions(joining: Joining, replayed: Replay) -> Iterator[str]:
    yield "a neuron that reads another is seen to bend at its boundary, in the domain"
    yield "no piece belongs to two neurons"
    if joining.merged:
        yield f"components apart are one neuron's where one hinge fits both ({joining.merged} joined so)"
    if joining.unseen or replayed.hidden:
        yield f"boundaries are hidden in places ({replayed.hidden} faces): others may hide other faces"


def _missing(complex_: Complex, joining: Joining, replayed: Replay) -> Iterator[str]:
    if joining.components():
        yield _left(complex_, joining)
    if replayed.lost:
        yield f"{len(replayed.lost)} pieces are on no boundary of what was found, first {replayed.lost[0]}"
    if replayed.added:
        yield f"{len(replayed.added)} faces of what was found are no pieces, first {replayed.added[0]}"


def _left(complex_: Complex, joining: Joining) -> str:
    left = joining.components()
    first: Piece = complex_.pieces[left[0][0]]
    count = sum(map(len, left))
    return f"{count} pieces in {len(left)} components to which no single hinge fits, first {first}"


def _undetermined(
    hinges: Sequence[Hinge], depth: Sequence[int], oriented: Orientation, replayed: Replay
) -> Iterator[str]:
    yield "order and scale of the neurons"
    yield (
        f"the output layer: any weights of the hinges from a space of dimension {replayed.outputs}, but for "
        "finitely many hyperplanes of it, and any affine function added"
    )
    for k, choices in enumerate(oriented.choices):
        own = [z for z, d in enumerate(depth) if d == k]
        open_signs = [z for z in own if oriented.signs[z] == 0]
        if choices == 0:
            yield f"the active sides in layer {k + 1}: no signs fit, so there are skips or unseen weights"
        elif choices is None:
            yield f"the active sides in layer {k + 1}: too many choices to go through"
        elif k == len(oriented.choices) - 1:
            yield f"the active sides in the last hidden layer: all {choices} choices fit"
        elif open_signs:
            yield f"the active sides of neurons {open_signs} in layer {k + 1}: {choices} choices fit"
    unseen = [
        (j, z)
        for j, z in product(range(len(hinges)), repeat=2)
        if depth[z] == depth[j] + 1 and j not in hinges[z].parents
    ]
    if unseen:
        yield f"weights between boundaries that are not seen to bend at each other, taken as 0: {unseen}"
