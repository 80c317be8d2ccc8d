"""Recovery of random and trained networks: status, queries, bits, seconds, processor seconds, peak memory.

    python -m benchmarks.recovery [SEEDS [SECONDS]] [NAME ...]

Weights are He-random float32 with nonzero biases; a run is stopped after SECONDS (default 60). A NAME is a
shape, one of `benchmarks/small_architectures.py`, a degenerate network of the test kit, or a model file;
`digits` is the demo's.
"""

from __future__ import annotations

import resource
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.small_architectures import SMALL, he_layer
from exactre import Network, load, recover
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
    *SMALL,
    "digits",
)


def he_random(widths: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    return Network.layered([he_layer(n, m, rng) for n, m in pairwise(widths)])


def network(name: str, seed: int) -> Network:
    """The network of a name; a file is the same for every seed."""
    if name in DEGENERATE:
        return DEGENERATE[name]()
    if name == "digits" or Path(name).suffix:
        return load(DIGITS if name == "digits" else name)
    if name in SMALL:
        return SMALL[name](seed)
    return he_random([int(w) for w in name.split("-")], seed)


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
