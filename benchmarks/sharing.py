"""Queries that the weight sharing of convolutions saves: of recovery that uses it, and of one that does not.

    python -m benchmarks.sharing [SEEDS [SECONDS]] [NAME ...]

The networks are those of `benchmarks/small_architectures.py`; a run is stopped after SECONDS (default 60).
"""

from __future__ import annotations

import sys

from benchmarks.small_architectures import SMALL
from exactre import Network, recover
from exactre.recover import search
from exactre.recover.result import Result

NAMES = ("conv-6x6", "conv-6x6-dense", "conv-conv-8x8")


class Unused(search.Translates):
    """Kernels that are not looked for."""

    def first_layer(self) -> int:
        """No neuron."""
        return 0

    def later_layer(self, depth: int) -> int:
        """No neuron."""
        return 0

    def orient(self, depth: int) -> bool:
        """No sign."""
        return False


def without_sharing(net: Network, seed: int, seconds: float) -> Result:
    used = search.Translates
    search.Translates = Unused
    try:
        return recover(net, seed=seed, timeout=seconds)
    finally:
        search.Translates = used


def main(seeds: int, seconds: float, names: tuple[str, ...]) -> None:
    print("network             seed  with sharing          without")
    for name in names:
        for seed in range(seeds):
            net = SMALL[name](seed)
            results = recover(net, seed=seed, timeout=seconds), without_sharing(net, seed, seconds)
            print(f"{name:19} {seed:4}", *(f"{r.status:10} {r.queries:7}  " for r in results), flush=True)


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if argument.replace(".", "", 1).isdigit()]
    named = tuple(argument for argument in sys.argv[1:] if argument not in numbers)
    main(int(numbers[0]) if numbers else 10, float(numbers[1]) if numbers[1:] else 60.0, named or NAMES)
