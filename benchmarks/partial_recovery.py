"""How much of a network is recovered rightly that is not recovered whole: the rows found, held against it.

    python -m benchmarks.partial_recovery [SECONDS [MODEL]]

Default: 600 seconds of acasxu_1_1.onnx in the folder EXACTRE_MODELS, default ../shared/models. Per hidden
layer: neurons of the network, those whose preactivation has both signs among 100,000 random points, neurons
found, and found ones whose row over all that it reads is exactly a true one up to scale, where those without
both signs are taken to be inactive.
"""

from __future__ import annotations

import os
import sys
import time
from fractions import Fraction
from pathlib import Path

import networkx as nx
import numpy as np

from exactre import Network, load, recover
from exactre.formats.floats import nearest

MODELS = Path(os.environ.get("EXACTRE_MODELS", Path(__file__).parents[2] / "shared" / "models"))
POINTS = 100_000

Row = tuple[list[dict[int, Fraction]], list[Fraction]]  # on |u_j| of each layer before, and on x and 1


def flipping(net: Network) -> list[set[int]]:
    """Neurons of each hidden layer whose preactivation has both signs among random points of all sizes."""
    rng = np.random.default_rng(0)
    h = rng.normal(size=(POINTS, net.input_dim))
    h *= 10 ** rng.uniform(-2, 6, size=(POINTS, 1)) / np.linalg.norm(h, axis=1, keepdims=True)
    found = []
    for node in net.hidden:
        u = h @ nearest(node.inputs[0][1], "float64").T + nearest(node.bias, "float64").ravel()
        found.append(set(np.flatnonzero((u > 0).any(axis=0) & (u < 0).any(axis=0)).tolist()))
        h = np.maximum(u, 0)
    return found


def true_rows(net: Network, depth: int, live: list[set[int]]) -> list[list[Row]]:
    """The first `depth` hidden layers, with relu(u) = (|u| + u) / 2 for `live` neurons and 0 for others."""
    layers: list[list[Row]] = []
    for k, node in enumerate(net.hidden[:depth]):
        weight, bias = node.inputs[0][1].rows(), node.bias.rows()
        rows: list[Row] = []
        for w, (b,) in zip(weight, bias, strict=True):
            if not k:
                rows.append(([], [*w, b]))
                continue
            bends: list[dict[int, Fraction]] = [{} for _ in range(k)]
            linear = [Fraction(0)] * net.input_dim + [b]
            for j in live[k - 1]:
                below, plain = layers[k - 1][j]
                half = w[j] / 2
                bends[k - 1][j] = half
                for total, part in zip(bends, below, strict=False):
                    for i, a in part.items():
                        total[i] = total.get(i, Fraction(0)) + half * a
                linear = [v + half * p for v, p in zip(linear, plain, strict=True)]
            rows.append((bends, linear))
        layers.append(rows)
    return layers


def agreeing(graph: nx.DiGraph, layers: list[list[Row]]) -> list[int]:
    """How many rows of each layer of a graph are true ones up to scale; what they read has to be, too."""
    place: dict[int, tuple[int, int, Fraction]] = {}  # layer, true neuron, |scale|
    counts = [0] * len(layers)
    known = [{_direction(row)[0]: (j, row) for j, row in enumerate(rows)} for rows in layers]
    for z in nx.topological_sort(graph):
        k = graph.nodes[z]["layer"]
        bends: list[dict[int, Fraction]] = [{} for _ in range(k)]
        if k >= len(layers) or any(i not in place for i in graph.predecessors(z)):
            continue
        for i in graph.predecessors(z):
            layer, j, scale = place[i]
            bends[layer][j] = int(graph.edges[i, z]["weight"]) * scale
        key, lead = _direction((bends, [Fraction(v) for v in graph.nodes[z]["linear"]]))
        if key in known[k]:
            j, row = known[k][key]
            place[z] = k, j, abs(lead / _direction(row)[1])
            counts[k] += 1
    return counts


def _direction(row: Row) -> tuple[object, Fraction]:
    """The row over its first number that is not zero, which names it up to scale; and that number."""
    entries = [(k, j, a) for k, part in enumerate(row[0]) for j, a in sorted(part.items()) if a]
    numbers = [*(a for _, _, a in entries), *row[1]]
    lead = next((v for v in numbers if v), Fraction(1))
    return (tuple((k, j, a / lead) for k, j, a in entries), tuple(v / lead for v in row[1])), lead


def main(seconds: float, path: Path) -> None:
    net = load(path)
    start = time.process_time()
    result = recover(net, timeout=seconds)
    used = time.process_time() - start
    live = flipping(net)
    depth = len(result.layers)
    right = agreeing(result.graph, true_rows(net, depth, live))
    print(
        f"{path.name}: {result.status}, {result.queries} queries, {result.seconds:.0f} s, "
        f"{used:.0f} processor seconds"
    )
    print("layer  neurons  flipping  found  exactly right")
    for k, node in enumerate(net.hidden):
        found, good = (result.layers[k], right[k]) if k < depth else (0, 0)
        print(f"{k + 1:5} {node.width:8} {len(live[k]):9} {found:6} {good:14}")
    for text in result.missing:
        print(f"missing: {text}")


if __name__ == "__main__":
    main(
        float(sys.argv[1]) if sys.argv[1:] else 600.0,
        Path(sys.argv[2]) if sys.argv[2:] else MODELS / "acasxu_1_1.onnx",
    )
