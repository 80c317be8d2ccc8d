"""`analyze`: regions, bends, stable neurons, injective layers and identifiability, each claim proved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx

from exactre.analyze.bending import bending_graph
from exactre.analyze.hypotheses import Broken, broken_hypotheses
from exactre.analyze.identifiability import Identifiability, identifiability
from exactre.analyze.injectivity import Injectivity, injective
from exactre.analyze.proof import share
from exactre.analyze.stability import Stability, stability
from exactre.certify.question import Domain
from exactre.complex.cells import Cell, Face, cells, domain_cone, faces
from exactre.errors import OutOfBudget, ShapeError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

# What part of the timeout is over when each stage has to be.
_REGIONS, _WHOLE, _STABILITY, _INJECTIVITY = 0.3, 0.5, 0.7, 0.8


@dataclass(frozen=True)
class Analysis:
    """What is established about a network.

    `regions` counts cells with an interior in the domain, or the plane; only those seen so far unless
    `counted`. `bending` (see `bending_graph`) belongs to the same domain, None unless counted. `stability`
    is on the domain, `injectivity` by node with ReLU on all that it reads, `identifiability` on R^n;
    neurons are in network order, `names` their (node, index). `broken` are the hypotheses of proofs/DEEP.md
    that fail on R^n, None where that is not decided; where none does, no other network that satisfies them
    has this function. `status` is "complete" where all questions are decided, else "partial".
    """

    status: str
    seconds: float
    names: tuple[tuple[str, int], ...]
    regions: int
    counted: bool
    bending: nx.DiGraph | None
    stability: tuple[Stability, ...]
    injectivity: tuple[tuple[str, Injectivity], ...]
    identifiability: tuple[Identifiability, ...]
    broken: tuple[Broken, ...] | None


def analyze(
    net: Network,
    *,
    domain: Domain | None = None,
    plane: tuple[int, int] | None = None,
    timeout: float | None = None,
) -> Analysis:
    """Say what can be proved about a network before any query; exact over Q.

    `domain` (None: R^n) is where regions are counted and neurons are called stable. With `plane` (i, j),
    regions and bends are those in the plane of these two inputs, the others 0. `timeout` is in seconds;
    what it cuts off is "not decided". Raises ShapeError, ExactreError where the domain, or its part in the
    plane, has no interior.
    """
    start = time.time()

    def until(part: float) -> float | None:
        return None if timeout is None else start + part * timeout

    shown, shown_domain = (net, domain) if plane is None else in_plane(net, plane, domain)
    seen, counted = _cells(shown, shown_domain, until(_REGIONS))
    between = _faces(seen, shown, shown_domain) if counted else None
    if shown is net and domain is None:
        complete = None if between is None else (seen, between)
    else:
        complete = _whole(net, until(_WHOLE))
    stable = tuple(stability(net, domain, until(_STABILITY)))
    layers = tuple(
        (node.name, injective(node, share(until(_INJECTIVITY), len(net.hidden) - k)))
        for k, node in enumerate(net.hidden)
    )
    known = identifiability(net, complete, until(1))
    broken = None if complete is None else tuple(broken_hypotheses(net, *complete))
    answers = [s.state for s in stable] + [i.answer for _, i in layers] + [i.answer for i in known]
    decided = counted and broken is not None and "not decided" not in answers
    return Analysis(
        "complete" if decided else "partial",
        time.time() - start,
        tuple((node.name, j) for node in net.hidden for j in range(node.width)),
        len(seen),
        counted,
        None if between is None else bending_graph(net, between),
        stable,
        layers,
        tuple(known),
        broken,
    )


def in_plane(net: Network, plane: tuple[int, int], domain: Domain | None) -> tuple[Network, Domain | None]:
    """The network, and the domain, of two inputs, with all others 0. Raises ShapeError on wrong inputs."""
    i, j = plane
    if i == j or not (0 <= i < net.input_dim and 0 <= j < net.input_dim):
        raise ShapeError(f"expected two inputs from 0 to {net.input_dim - 1}, found {i} and {j}")
    nodes = []
    for node in net.nodes:
        inputs = tuple(
            (s, Matrix.from_rows([[row[i], row[j]] for row in w.rows()]) if s == INPUT else w)
            for s, w in node.inputs
        )
        nodes.append(Node(node.name, node.relu, inputs, node.bias))
    if domain is None:
        return Network(2, nodes), None
    rows = [[dict(sparse).get(k, 0) for k in plane] for sparse, _ in domain.rows]
    bounds = [bound for _, bound in domain.rows]
    return Network(2, nodes), Domain.polyhedron(rows, bounds)


def _cells(net: Network, domain: Domain | None, deadline: float | None) -> tuple[list[Cell], bool]:
    found: list[Cell] = []
    try:
        found.extend(cells(net, domain, deadline=deadline))
    except OutOfBudget:
        return found, False
    return found, True


def _faces(found: Sequence[Cell], net: Network, domain: Domain | None) -> list[Face]:
    return faces(found, len(domain_cone(net.input_dim, domain).rows))


def _whole(net: Network, deadline: float | None) -> tuple[list[Cell], list[Face]] | None:
    found, counted = _cells(net, None, deadline)
    return (found, _faces(found, net, None)) if counted else None
