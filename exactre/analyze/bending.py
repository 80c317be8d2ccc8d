"""`bending`: at which earlier boundaries each neuron's boundary bends, and how deep such bends are nested."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx

from exactre.analyze.hypotheses import crossings_of
from exactre.complex.cells import Face
from exactre.complex.cone import rank


def bending_graph(neurons: int, faces: Sequence[Face]) -> nx.DiGraph:
    """Graph over the neurons in network order, an edge j -> z where z's boundary bends at that of j; exact.

    `faces` are all faces of the domain. Node attributes: `pieces`, the number of a neuron's faces, and
    `depth`, the length of the longest chain of bends that ends in it (0: its boundary, if it has one, is
    straight). Ridges where more than two boundaries meet tell nothing.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(neurons), pieces=0, depth=0)
    for face in faces:
        for z in face.neurons:
            graph.nodes[z]["pieces"] += 1
    for j, z, _, (left, right) in crossings_of(faces):
        if rank([faces[left].row, faces[right].row]) == 2:
            graph.add_edge(j, z)
    for depth, generation in enumerate(nx.topological_generations(graph)):
        for z in generation:
            graph.nodes[z]["depth"] = depth
    return graph
