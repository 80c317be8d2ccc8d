"""Skip connections of a recovered network, and what they leave open: the sides on which neurons are active.

relu(u) = u + relu(-u): where a skip takes up u, the other side does as well. A side is told where the other
one needs more weights, as it does in a layered network.
"""

from __future__ import annotations

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
        either = [j + 1 for j in range(node.width) if _more_weights(net, node, j) <= 0]
        if either:
            found.append(f"{node.name}, neurons {_ranges(either)}, with other skips")
    return tuple(found)


def _more_weights(net: Network, node: Node, j: int) -> int:
    """How many weights more the readers of neuron j need if it is active on its other side."""
    more = 0
    for reader in net.nodes:
        inputs = dict(reader.inputs)
        if node.name not in inputs:
            continue
        for i in range(reader.width):
            w = inputs[node.name][i, j]
            for source, weight in node.inputs if w else ():
                for c in range(weight.shape[1]):
                    u = weight[j, c]
                    if u:
                        old = inputs[source][i, c] if source in inputs else 0
                        more += bool(old + w * u) - bool(old)
    return more


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers as ranges: 1-3, 5."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
