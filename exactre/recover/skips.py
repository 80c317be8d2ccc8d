"""Skip connections of a recovered network, and what they leave open: the sides on which neurons are active.

relu(u) = u + relu(-u): where a skip takes up u, the other side does as well. A side is told where the other
one needs more weights, as it does in a layered network.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from exactre.network import INPUT, Network, Node


def skips(net: Network) -> tuple[str, ...]:
    """The nodes that read another source than the node before them, in words."""
    names = [INPUT, *(node.name for node in net.nodes)]
    return tuple(
        f"{node.name} reads {source}"
        for before, node in zip(names, net.nodes, strict=False)
        for source, _ in node.inputs
        if source != before
    )


def either_side(net: Network) -> tuple[str, ...]:
    """The neurons that can be active on either side with as few weights, in words; exact."""
    found = []
    for node in net.hidden:
        own = {source: list(weight.row_entries()) for source, weight in node.inputs}
        rows = [{source: dict(entries[j]) for source, entries in own.items()} for j in range(node.width)]
        either = [j + 1 for j, row in enumerate(rows) if _more_weights(net, node, j, row) <= 0]
        if either:
            found.append(f"{node.name}, neurons {_ranges(either)}, with other skips")
    return tuple(found)


def _more_weights(net: Network, node: Node, j: int, row: Mapping[str, Mapping[int, int]]) -> int:
    """How many weights more the readers of neuron j need if it is active on its other side.

    `row` {source: {column: numerator}} is what it reads.
    """
    more = 0
    for reader in net.nodes:
        inputs = dict(reader.inputs)
        for i in range(reader.width if node.name in inputs else 0):
            w = inputs[node.name][i, j]
            for source, weight in node.inputs if w else ():
                if source not in inputs:
                    more += len(row[source])
                    continue
                for c in row[source]:
                    old = inputs[source][i, c]
                    more += bool(old + w * weight[j, c]) - bool(old)
    return more


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers as ranges: 1-3, 5."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
