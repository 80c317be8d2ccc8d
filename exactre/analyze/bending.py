"""`bending`: at which earlier boundaries each neuron's boundary bends, and how deep such bends are nested."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx

from exactre.analyze.hypotheses import canonical_rows, ridges_of
from exactre.complex.cells import Face
from exactre.complex.cone import rank
from exactre.network import Network


def bending_graph(net: Network, faces: Sequence[Face]) -> nx.DiGraph:
    """Graph over the neurons in network order, an edge j -> z where z's boundary bends on that of j; exact.

    z's row has a weight on |u_j|. Where boundaries of several such neurons meet in one ridge, z bends on each
    of them. `faces` are all faces of the domain. Node attributes: `pieces`, the number of its faces, and
    `depth`, the length of the longest chain of bends that ends in it (0: its boundary, if it has one, is
    straight).
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(net.neurons), pieces=0, depth=0)
    for face in faces:
        for z in face.neurons:
            graph.nodes[z]["pieces"] += 1
    read = [a.keys() for a, _ in canonical_rows(net)]
    for members in ridges_of(faces):
        present = {z for i in members for z in faces[i].neurons}
        for z in present:
            if rank([faces[i].row for i in members if z in faces[i].neurons]) > 1:
                graph.add_edges_from((j, z) for j in present & read[z])
    for depth, generation in enumerate(nx.topological_generations(graph)):
        for z in generation:
            graph.nodes[z]["depth"] = depth
    return graph
