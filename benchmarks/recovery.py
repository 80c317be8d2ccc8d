"""Recovery of random and trained networks: status, queries, bits, seconds, processor seconds, peak memory.

    python -m benchmarks.recovery [SEEDS [SECONDS]] [NAME ...]

Weights are He-random float32 with nonzero biases; a run is stopped after SECONDS (default 60). A NAME is a
shape, `residual-8-8-8-1`, a degenerate network of the test kit, or a model file; `digits` is the demo's.
"""

from __future__ import annotations

import resource
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from exactre import Network, load, recover
from exactre.network import INPUT, Node
from exactre.rational import Matrix
from exactre.testing.degenerate import DEGENERATE

DIGITS = Path(__file__).parents[1] / "examples" / "digits.onnx"
NAMES = (
    "10-10-1",
    "10-20-1",
    "10-10-10-1",
    "10-20-20-1",
    "80-40-20-1",
    "40-20-10-10-1",
    "784-32-1",
    "784-128-1",
    "20-20-20-20-20-1",
    "2-8-8-1",
    "3-16-8-1",
    "residual-8-8-8-1",
    "digits",
)


def he_layer(n: int, m: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    weight = (rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(np.float32)
    bias = (rng.normal(size=(m, 1)) / 2).astype(np.float32)
    return Matrix.from_floats(weight), Matrix.from_floats(bias)


def he_random(widths: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    return Network.layered([he_layer(n, m, rng) for n, m in pairwise(widths)])


def he_residual(widths: list[int], seed: int) -> Network:
    """A network whose last two hidden layers are added before the output."""
    n, first, second, m = widths
    rng = np.random.default_rng(seed)
    (w1, b1), (w2, b2), (w3, b3) = (
        he_layer(*shape, rng) for shape in ((n, first), (first, second), (second, m))
    )
    return Network(
        n,
        [
            Node("first", True, ((INPUT, w1),), b1),
            Node("second", True, (("first", w2),), b2),
            Node("output", False, (("first", w3), ("second", w3)), b3),
        ],
    )


def network(name: str, seed: int) -> Network:
    """The network of a name; a file is the same for every seed."""
    if name in DEGENERATE:
        return DEGENERATE[name]()
    if name == "digits" or Path(name).suffix:
        return load(DIGITS if name == "digits" else name)
    kind, _, shape = name.partition("-") if name.startswith("residual") else ("", "", name)
    widths = [int(w) for w in shape.split("-")]
    return he_residual(widths, seed) if kind else he_random(widths, seed)


def main(seeds: int, seconds: float, names: tuple[str, ...]) -> None:
    print(
        "network             seed status     layers          queries equiv.     Mbit       s   cpu s  peak MB"
    )
    for name in names:
        for seed in range(1 if name == "digits" or Path(name).suffix else seeds):
            net, start = network(name, seed), time.process_time()
            result = recover(net, timeout=seconds, seed=seed)
            used = time.process_time() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            layers = "-".join(map(str, result.layers))
            print(
                f"{Path(name).name:19} {seed:4} {result.status:10} {layers:15} {result.queries:7} "
                f"{result.equivalence_queries:6} {result.query_bits / 1e6:8.1f} "
                f"{result.seconds:7.2f} {used:7.2f} {peak:8}",
                flush=True,
            )


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if argument.replace(".", "", 1).isdigit()]
    named = tuple(argument for argument in sys.argv[1:] if argument not in numbers)
    main(int(numbers[0]) if numbers else 10, float(numbers[1]) if numbers[1:] else 60.0, named or NAMES)
