"""Rolnick and Koerding's two algorithms beside `recover`, on one float64 oracle and the same networks.

    python -m benchmarks.float_baseline [SEEDS [QUERIES]] [SHAPE ...] [DRAWING.svg]

Per hidden layer (the first two, as in the paper's experiments): neurons found, the median and largest
relative error of one, log2 of the queries by then, and how many are found twice or are none of the network's.
The error is that of the preactivation's numbers for |u_j|, x and 1, up to scale (see `rolnick_koerding.py`);
0 is bit by bit, and - stands for a network that is not whole, where `recover` tells none. Each method stops
before QUERIES (default 2^20) are exceeded. In the drawing a dot is a neuron: when it was found, and how well.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.recovery import he_random
from benchmarks.rolnick_koerding import Array, Neuron, Search
from exactre import Network, recover
from exactre.errors import OutOfBudget
from exactre.formats.floats import FloatNetwork, nearest
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import ArrayOracle
from exactre.recover.result import Progress

SHAPES = ("10-10-1", "10-20-1", "10-10-10-1")
LAYERS = 2
QUERIES = 1 << 20
MATCH = 1e-2  # a relative error beyond it is no match
EXACT, WORST = -18, 0  # powers of ten at the drawing's bottom, where an error of 0 is, and at its top


@dataclass
class Found:
    """What one method found of one layer of `width` neurons: per neuron queries asked by then, and error."""

    width: int
    queries: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    false: int = 0


def forms(net: Network) -> list[list[Neuron]]:
    """The first two hidden layers of a layered network, in the form in which signs are left out."""
    (w1, b1), *deeper = [
        (nearest(node.inputs[0][1], "float64"), nearest(node.bias, "float64").ravel()) for node in net.hidden
    ]
    layers = [[Neuron(np.zeros(0), row, float(b), 0) for row, b in zip(w1, b1, strict=True)]]
    for w2, b2 in deeper[: LAYERS - 1]:
        constants = b2 + w2 @ b1 / 2
        rows = zip(w2 / 2, w2 @ w1 / 2, constants.tolist(), strict=True)
        layers.append([Neuron(bends, linear, constant, 0) for bends, linear, constant in rows])
    return layers


def matched(found: list[list[Neuron]], true: list[list[Neuron]]) -> list[Found]:
    """Each found neuron held against the layer's; of several that match one the first counts."""
    numbers: list[int] = []  # of the true neuron for each column of the next layer
    scales: list[float] = []
    result = []
    for layer, originals in zip(found, true, strict=True):
        score = Found(len(originals))
        targets = np.stack([_vector(z.bends[numbers], z) for z in originals])
        seen: list[int] = []
        units = []
        for z in layer:
            v = _vector(z.bends * scales, z)
            factors = targets @ v / (targets**2).sum(axis=1)
            errors = np.linalg.norm(v - factors[:, None] * targets, axis=1) / np.linalg.norm(v)
            j = int(errors.argmin())
            if errors[j] > MATCH or j in seen:
                score.false += 1
            else:
                score.queries.append(z.queries)
                score.errors.append(float(errors[j]))
            seen.append(j)
            units.append(abs(float(factors[j])))
        numbers, scales = seen, units
        result.append(score)
    return result


def _vector(bends: Array, z: Neuron) -> Array:
    return np.concatenate([bends, z.linear, [z.constant]])


def baseline(net: Network, seed: int, queries: int) -> list[Found]:
    """What the paper's algorithms find of the first two layers."""
    oracle = ArrayOracle(FloatNetwork(net, "float64"), net.input_dim)
    true = forms(net)
    with FloatLedger(oracle, max_queries=queries) as book:
        search = Search(book.ask, lambda: book.queries, net.input_dim, np.random.default_rng(seed))
        try:
            search.first_layer()
            if len(true) > 1:
                search.second_layer()
        except OutOfBudget:
            pass  # what was found by then counts
    return matched([search.first, search.second][: len(true)], true)


def ours(net: Network, seed: int, queries: int) -> list[Found]:
    """What `recover` finds of them from the same oracle."""
    true = forms(net)
    seen: list[list[int]] = [[] for _ in true]

    def watch(progress: Progress) -> None:
        for found, count in zip(seen, progress.layers, strict=False):
            del found[count:]
            found += [progress.queries] * (count - len(found))

    result = recover(net, exact=False, seed=seed, max_queries=queries, progress=watch)
    assert result.measured is not None
    best = result.measured.nearest
    if best is None:  # neurons of a network that is not whole: their errors are not told
        return [Found(len(layer), found) for layer, found in zip(true, seen, strict=True)]
    scores = matched(forms(best), true)
    for score, found in zip(scores, seen, strict=True):
        score.queries = sorted(found)[: len(score.errors)]
        if (
            result.status == "certified"
        ):  # proved equal: what is left of an error is this comparison's rounding
            score.errors = [0.0] * score.width
    return scores


def _errors(found: Found) -> str:
    if not found.errors:
        return f"{'-':>9} {'-':>9}"
    return f"{np.median(found.errors):9.1e} {max(found.errors):9.1e}"


METHODS = (("Rolnick, Koerding", baseline, "#c33"), ("recover", ours, "#339"))


def drawing(dots: list[tuple[str, int, float]]) -> str:
    """An SVG: across log2 of queries from 8 to 20, up log10 of the error, 0 at the bottom."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="440" font-family="sans-serif" '
        'font-size="12">',
        '<rect width="640" height="440" fill="white"/>',
    ]
    for power in range(8, 21, 2):
        x = _across(1 << power)
        lines.append(f'<text x="{x:.0f}" y="420" text-anchor="middle">2^{power}</text>')
    for power in range(EXACT, WORST + 1, 3):
        y = _up(10.0**power if power > EXACT else 0.0)
        label = f"1e{power}" if power > EXACT else "exact"
        lines.append(f'<path d="M60 {y:.0f}H620" stroke="#ddd"/><text x="10" y="{y + 4:.0f}">{label}</text>')
    for k, (name, _, colour) in enumerate(METHODS):
        lines.append(f'<text x="{70 + 200 * k}" y="20" fill="{colour}">{name}</text>')
    lines.append('<text x="400" y="20">error of a neuron by queries asked</text>')
    for colour, queries, error in dots:
        lines.append(
            f'<circle cx="{_across(queries):.1f}" cy="{_up(error):.1f}" r="3" fill="{colour}" '
            'fill-opacity="0.4"/>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _across(queries: int) -> float:
    return 60 + (math.log2(queries) - 8) * 560 / 12


def _up(error: float) -> float:
    power = max(EXACT, math.log10(error)) if error else EXACT
    return 40 + (WORST - power) * 360 / (WORST - EXACT)


def main(seeds: int, queries: int, shapes: tuple[str, ...], path: Path | None) -> None:
    print("network       seed method            layer   found    median   largest     2^  false  seconds")
    dots = []
    for shape in shapes:
        for seed in range(seeds):
            net = he_random([int(w) for w in shape.split("-")], seed)
            for name, method, colour in METHODS:
                start = time.monotonic()
                for k, found in enumerate(method(net, seed, queries), 1):
                    count = f"{len(found.queries)}/{found.width}"
                    by = f"{math.log2(max(found.queries)):6.2f}" if found.queries else f"{'-':>6}"
                    print(
                        f"{shape:13} {seed:4} {name:17} {k:5} {count:>7} {_errors(found)} {by} "
                        f"{found.false:6} {time.monotonic() - start:8.1f}",
                        flush=True,
                    )
                    dots += [(colour, *dot) for dot in zip(found.queries, found.errors, strict=False)]
    if path is not None:
        path.write_text(drawing(dots))


if __name__ == "__main__":
    named = tuple(argument for argument in sys.argv[1:] if "-" in argument and "." not in argument)
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    files = [Path(argument) for argument in sys.argv[1:] if argument.endswith(".svg")]
    main(
        numbers[0] if numbers else 5,
        numbers[1] if numbers[1:] else QUERIES,
        named or SHAPES,
        files[0] if files else None,
    )
