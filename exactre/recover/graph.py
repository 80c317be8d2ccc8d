"""The graph of boundary components: an edge i -> z where B_z bends at B_i; its generations are the layers."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from exactre.network import INPUT, Network
from exactre.recover.model import Model


def bending_graph(model: Model, orientation: Mapping[int, int], net: Network | None) -> nx.DiGraph:
    """Directed graph over the known neurons (0, 1, ...), exact: z's row has a nonzero coefficient on |u_i|.

    Node attributes: `layer` (its topological generation, from 0), `index` (its place in the layer), `sign`
    (+-1, the side of the recovered row on which the neuron is active; 0 where nothing tells), `linear` (the
    row's r + 1 integers "p" on the coordinates that were searched, and on 1). Edge attribute `weight`: "p" of
    the integer coefficient. Where the network `net` of the model is known, also whether a neuron reads the
    input (`input` of a node) and whether z reads the neuron i itself (`direct` of an edge), or bends only
    because of what is between them: a direct edge over a layer is a skip connection.
    Source: Rolnick and Koerding 2020, part (a).
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(model)))
    for z, neuron in enumerate(model.neurons):
        graph.add_edges_from((i, z, {"weight": str(a)}) for i, a in neuron.parents.items())
    layers = [sorted(generation) for generation in nx.topological_generations(graph)]
    for layer, neurons in enumerate(layers):
        for index, z in enumerate(neurons):
            linear = [str(v) for v in model.neurons[z].linear]
            graph.nodes[z].update(layer=layer, index=index, sign=orientation.get(z, 0), linear=linear)
    if net is not None:
        _mark_direct(
            graph, net, {node.name: neurons for node, neurons in zip(net.hidden, layers, strict=True)}
        )
    return graph


def _mark_direct(graph: nx.DiGraph, net: Network, neurons: Mapping[str, list[int]]) -> None:
    read = {z: set[int | str]() for z in graph}
    for node in net.hidden:
        for source, weight in node.inputs:
            for z, entries in zip(neurons[node.name], weight.row_entries(), strict=True):
                read[z].update(INPUT if source == INPUT else neurons[source][j] for j, _ in entries)
    for z in graph:
        graph.nodes[z]["input"] = INPUT in read[z]
    for i, z in graph.edges:
        graph.edges[i, z]["direct"] = i in read[z]
