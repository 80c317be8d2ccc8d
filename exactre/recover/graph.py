"""The graph of boundary components: an edge i -> z where B_z bends at B_i; its generations are the layers."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from exactre.recover.model import Model


def bending_graph(model: Model, orientation: Mapping[int, int]) -> nx.DiGraph:
    """Directed graph over the known neurons (0, 1, ...), exact: z's row has a nonzero coefficient on |u_i|.

    Node attributes: `layer` (its topological generation, from 0), `index` (its place in the layer), `sign`
    (+-1, the side of the recovered row on which the neuron is active; 0 where nothing tells), `linear` (the
    row's r + 1 integers "p" on the coordinates that were searched, and on 1). Edge attribute `weight`: "p" of
    the integer coefficient. Source: Rolnick and Koerding 2020, part (a).
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(model)))
    for z, neuron in enumerate(model.neurons):
        graph.add_edges_from((i, z, {"weight": str(a)}) for i, a in neuron.parents.items())
    for layer, generation in enumerate(nx.topological_generations(graph)):
        for index, z in enumerate(sorted(generation)):
            linear = [str(v) for v in model.neurons[z].linear]
            graph.nodes[z].update(layer=layer, index=index, sign=orientation.get(z, 0), linear=linear)
    return graph
