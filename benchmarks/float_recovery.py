"""Recovery from rounded answers: status, queries, and whether every bit is the network's own.

    python -m benchmarks.float_recovery [SEEDS [SECONDS]] [SHAPE ...]

Shapes with float32 weights, He-random, are asked in float64 arithmetic. `digits` is the trained network of
`examples/digits.onnx`; `64-32-10:int8` and `64-32-10:bfloat16` have coarse weights and are asked in float32.
"bits" is yes where the recovered network was proved equal to the one that answered.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

from benchmarks.recovery import he_random
from exactre import Network, load, recover
from exactre.rational import Matrix

DIGITS = Path(__file__).parents[1] / "examples" / "digits.onnx"
SHAPES = (
    "784-32-1",
    "784-128-1",
    "10-10-10-1",
    "10-20-20-1",
    "80-40-20-1",
    "40-20-10-10-1",
    "20-20-20-20-20-1",
    "digits",
    "64-32-10:int8",
    "64-32-10:bfloat16",
)


def coarse(net: Network, grid: str) -> Network:
    """The network with int8 weights and biases times one power of two a layer, or with bfloat16 ones."""
    layers = []
    for node in net.nodes:
        [(_, weight)] = node.inputs
        arrays = [np.array([[float(v) for v in row] for row in m.rows()]) for m in (weight, node.bias)]
        if grid == "int8":
            unit = 2.0 ** (math.ceil(math.log2(max(np.abs(a).max() for a in arrays))) - 7)
            arrays = [np.clip(np.rint(a / unit), -127, 127) * unit for a in arrays]
        else:
            bits = [a.astype(np.float32).view(np.uint32) for a in arrays]
            arrays = [(((b + 0x8000) >> 16) << 16).view(np.float32) for b in bits]
        layers.append(tuple(Matrix.from_floats(a) for a in arrays))
    return Network.layered(layers)


def network(shape: str, seed: int) -> Network:
    """The network of a row of the table."""
    if shape == "digits":
        return load(DIGITS)
    widths, _, grid = shape.partition(":")
    net = he_random([int(w) for w in widths.split("-")], seed)
    return coarse(net, grid) if grid else net


def main(seeds: int, seconds: float, shapes: tuple[str, ...]) -> None:
    print("network            seed status     bits layers       queries    2^      s  missing")
    for shape in shapes:
        for seed in range(1 if shape == "digits" else seeds):
            arithmetic = "float32" if ":" in shape else "float64"
            result = recover(
                network(shape, seed), exact=False, arithmetic=arithmetic, seed=seed, timeout=seconds
            )
            bits = "yes" if result.status == "certified" else "no"
            layers = "-".join(map(str, result.layers))
            print(
                f"{shape:18} {seed:4} {result.status:10} {bits:4} {layers:11} {result.queries:8} "
                f"{math.log2(result.queries):5.2f} {result.seconds:6.1f}  {'; '.join(result.missing)}",
                flush=True,
            )


if __name__ == "__main__":
    named = tuple(argument for argument in sys.argv[1:] if argument in SHAPES or "-" in argument)
    numbers = [argument for argument in sys.argv[1:] if argument not in named]
    main(int(numbers[0]) if numbers else 5, float(numbers[1]) if numbers[1:] else 300.0, named or SHAPES)
