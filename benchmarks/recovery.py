"""Recovery of random and trained networks: status, queries, bits, seconds, peak memory.

    python -m benchmarks.recovery [SEEDS [SECONDS]] [SHAPE ...]

Weights are He-random float32 with nonzero biases; a run is stopped after SECONDS (default 60).
"""

from __future__ import annotations

import resource
import sys
from itertools import pairwise

import numpy as np

from exactre import Network, recover
from exactre.rational import Matrix

SHAPES = (
    "10-10-1",
    "10-20-1",
    "10-10-10-1",
    "10-20-20-1",
    "40-20-10-10-1",
    "80-40-20-1",
    "2-8-8-1",
    "3-16-8-1",
)


def he_random(widths: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    layers = []
    for n, m in pairwise(widths):
        weight = (rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(np.float32)
        bias = (rng.normal(size=(m, 1)) / 2).astype(np.float32)
        layers.append((Matrix.from_floats(weight), Matrix.from_floats(bias)))
    return Network.layered(layers)


def main(seeds: int, seconds: float, shapes: tuple[str, ...]) -> None:
    print("network          seed status     layers          queries     Mbit       s  peak MB")
    for shape in shapes:
        for seed in range(seeds):
            net = he_random([int(w) for w in shape.split("-")], seed)
            result = recover(net, timeout=seconds)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            layers = "-".join(map(str, result.layers))
            print(
                f"{shape:16} {seed:4} {result.status:10} {layers:14} {result.queries:8} "
                f"{result.query_bits / 1e6:8.1f} {result.seconds:7.2f} {peak:8}",
                flush=True,
            )


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if "-" not in argument]
    named = tuple(argument for argument in sys.argv[1:] if "-" in argument)
    main(int(numbers[0]) if numbers else 10, float(numbers[1]) if numbers[1:] else 60.0, named or SHAPES)
