"""Exact evaluation of 784-128-1 beside numpy float64, FLINT and Fraction: `python -m benchmarks.evaluation`.

He-random float32 weights, non-zero biases, batches of 100. Every figure is the best of many runs that
alternate with numpy's in one process on one BLAS thread, so the ratio is of one run; the answers
of all methods are compared before anything is printed. Reading the floats exactly is part of our time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # has to be set before numpy is imported

import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from exactre.digits import DigitNetwork
from exactre.network import INPUT, Network
from exactre.rational import Matrix, Points

Layer = tuple[list[list[Fraction]], list[list[Fraction]]]

BATCH = 100
ROUNDS = 60


def he_network(widths: list[int], rng: np.random.Generator) -> tuple[Network, list[NDArray[np.float64]]]:
    layers, arrays = [], []
    for n, m in pairwise(widths):
        weight = (rng.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32).astype(np.float64)
        bias = rng.standard_normal((m, 1)).astype(np.float32).astype(np.float64)
        layers.append((Matrix.from_floats(weight), Matrix.from_floats(bias)))
        arrays += [np.ascontiguousarray(weight.T), bias.ravel()]
    return Network.layered(layers), arrays


def in_float64(arrays: list[NDArray[np.float64]], x: NDArray[np.float64]) -> NDArray[np.float64]:
    for k in range(0, len(arrays), 2):
        x = x @ arrays[k] + arrays[k + 1]
        if k + 2 < len(arrays):
            np.maximum(x, 0, out=x)
    return x


def in_fractions(layers: list[Layer], point: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    value = list(point)
    for k, (weight, bias) in enumerate(layers, start=1):
        sums = zip(weight, bias, strict=True)
        value = [sum((a * v for a, v in zip(row, value, strict=True)), b[0]) for row, b in sums]
        if k < len(layers):
            value = [max(v, Fraction(0)) for v in value]
    return tuple(value)


def seconds(work: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    rng = np.random.default_rng(0)
    net, arrays = he_network([784, 128, 1], rng)
    fractions = [(node.inputs[0][1].rows(), node.bias.rows()) for node in net.nodes]
    inputs = {
        "8-bit pixels": rng.integers(0, 256, (BATCH, 784)) / 256,
        "float32 in [0, 1)": rng.random((BATCH, 784), dtype=np.float32).astype(np.float64),
        "float64 in [0, 1)": rng.random((BATCH, 784)),
        "float64, normal": rng.standard_normal((BATCH, 784)),
    }
    print(f"{net} in batches of {BATCH}, microseconds a point\n")
    print(f"{'inputs':<20}{'numpy':>9}{'exactre':>9}{'ratio':>7}{'FLINT':>9}{'Fraction':>11}")
    for name, x in inputs.items():
        batch = Points.from_floats(x)
        on_flint = Points(batch.num, batch.den)
        truth = net.preactivations(on_flint, after_relu=True)["output"]
        point = batch[0]
        assert net.evaluate(batch) == DigitNetwork(INPUT, net.nodes).evaluate(batch) == truth
        assert in_fractions(fractions, point) == truth[0]
        floats = ours = float("inf")
        for _ in range(ROUNDS):
            floats = min(floats, seconds(lambda x=x: in_float64(arrays, x), 1))
            ours = min(ours, seconds(lambda x=x: net.evaluate(Points.from_floats(x)), 1))
        flint = seconds(lambda b=on_flint: net.preactivations(b, after_relu=True), 3)
        plain = seconds(lambda p=point: in_fractions(fractions, p), 1) * BATCH
        row = [f"{value / BATCH * 1e6:.2f}" for value in (floats, ours, flint, plain)]
        print(f"{name:<20}{row[0]:>9}{row[1]:>9}{ours / floats:>7.1f}{row[2]:>9}{row[3]:>11}")


if __name__ == "__main__":
    main()
