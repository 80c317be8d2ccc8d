"""Both checkers on large certificates: processor seconds and peak memory of whole processes.

`python -m benchmarks.verified`; exactre-check must be built (`make proofs`). Certificates are made here by
construction, without the package's producers. The results go into proofs/README.md.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from exactre.check import read_network
from exactre.verified import verified_checker

Layer = tuple[list[list[Fraction]], list[Fraction]]
Case = tuple[str, list[Layer], list[Layer], dict[str, Any]]


def matching(*sizes: int) -> Case:
    """A He-random float32 network, and the same with every hidden layer permuted and rescaled."""
    rng, choose = np.random.default_rng(0), random.Random(0)
    a: list[Layer] = []
    b: list[Layer] = []
    steps: list[list[Any]] = []
    order, scale, atoms = list(range(sizes[0])), [Fraction(1)] * sizes[0], 0
    for n, m in pairwise(sizes):
        floats = (rng.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32)
        weight = [[Fraction(float(v)) for v in row] for row in floats]
        bias = [Fraction(float(v)) for v in rng.standard_normal(m).astype(np.float32)]
        new_order, new_scale = list(range(m)), [Fraction(1)] * m
        if len(a) < len(sizes) - 2:
            choose.shuffle(new_order)
            new_scale = [Fraction(choose.randint(1, 9), choose.choice([1, 2, 8])) for _ in range(m)]
            steps.append(["scaled", [atoms + i for i in new_order], [str(s) for s in new_scale]])
            atoms += m
        rows = [
            [s * weight[i][j] / t for j, t in zip(order, scale, strict=True)]
            for i, s in zip(new_order, new_scale, strict=True)
        ]
        a.append((weight, bias))
        b.append((rows, [s * bias[i] for i, s in zip(new_order, new_scale, strict=True)]))
        order, scale = new_order, new_scale
    name = "matching " + "-".join(map(str, sizes))
    return name, a, b, {"a": [["atom", atoms]], "b": steps, "tree": [["equal"]]}


def tree(neurons: int, inputs: int, outputs: int) -> Case:
    """A network and itself, its neurons not matched: 4^neurons leaves, all but 2^neurons without interior."""
    choose = random.Random(1)

    def entry() -> Fraction:
        return Fraction(choose.choice([*range(-99, 0), *range(1, 100)]), choose.choice([1, 2, 8, 3]))

    net: list[Layer] = [
        ([[entry() for _ in range(n)] for _ in range(m)], [entry() for _ in range(m)])
        for n, m in pairwise((inputs, neurons, outputs))
    ]
    out = net[1][0]

    def subtree(j: int, torn: tuple[tuple[int, int], ...]) -> Iterator[list[Any]]:
        # `torn` has the neurons that are active in A only (1) or in B only (-1), so that e_j = 0.
        if j == neurons:
            yield ["bounded", [[bound(row, torn, -1), bound(row, torn, 1)] for row in out]]
            return
        yield ["split", j]
        for in_a in (1, 0):
            yield ["split", neurons + j]
            for in_b in (1, 0):
                yield from subtree(j + 1, (*torn, (j, in_a - in_b)) if in_a != in_b else torn)

    def bound(row: list[Fraction], torn: tuple[tuple[int, int], ...], sign: int) -> list[list[Any]]:
        terms: list[list[Any]] = []
        for j, side in torn:
            active, inactive = (j, neurons + j) if side == 1 else (neurons + j, j)
            value = sign * side * row[j]
            terms.append(["relu", active, str(value)] if value > 0 else ["gap", inactive, str(-value)])
        return terms

    proof = {"a": [["atom", neurons]], "b": [["atom", neurons]], "tree": list(subtree(0, ()))}
    return f"case tree, {4**neurons} leaves", net, net, proof


def wide(width: int) -> Case:
    """One hidden layer of great width, and the same in reverse order."""

    def net(order: range) -> list[Layer]:
        hidden = [[Fraction(i + 1), Fraction(1)] for i in order]
        return [(hidden, [Fraction(1)] * width), ([[Fraction(i % 7 + 1) for i in order]], [Fraction(0)])]

    up, down = range(width), range(width - 1, -1, -1)
    steps = [["scaled", list(down), ["1"] * width]]
    return f"width {width}", net(up), net(down), {"a": [["atom", width]], "b": steps, "tree": [["equal"]]}


def document(layers: list[Layer]) -> dict[str, Any]:
    """The network's JSON form."""
    return {
        "format": "exactre-network",
        "version": 1,
        "layers": [
            {"weight": [[str(v) for v in row] for row in weight], "bias": [str(v) for v in bias]}
            for weight, bias in layers
        ],
    }


# A small process between this one and the checker, whose peak memory would else count this one's at the fork.
LAUNCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def run(command: list[str]) -> tuple[float, int]:
    """Processor seconds and peak kilobytes of a process that must print `valid`."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCH, *command]
    answer = subprocess.run(launch, capture_output=True, text=True, check=True).stdout
    match answer.split():
        case ["valid", seconds, kilobytes]:
            return float(seconds), int(kilobytes)
    raise SystemExit(f"{command[0]}: expected valid, found {answer!r}")


def main() -> None:
    """Print the table."""
    print("| certificate | bytes of all files | exactre-check | check.py |")
    print("|---|---|---|---|")
    for name, a, b, proof in (matching(3072, 256, 256, 10), tree(6, 20, 3), wide(100_000)):
        documents = {"A": document(a), "B": document(b)}
        certificate = {
            "format": "exactre-certificate",
            "version": 1,
            "claim": "equivalent",
            "a": check_hash(documents["A"]),
            "b": check_hash(documents["B"]),
            "domain": None,
            "tolerance": "0",
            "proof": proof,
        }
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder) / name) for name in ("CERT.json", "A.json", "B.json")]
            for path, content in zip(paths, (certificate, *documents.values()), strict=True):
                Path(path).write_text(json.dumps(content))
            size = sum(Path(path).stat().st_size for path in paths)
            commands = ([str(verified_checker())], [sys.executable, "-I", str(CHECK)])
            figures = (run([*command, *paths]) for command in commands)
            print(
                f"| {name} | {size:,} | "
                + " | ".join(f"{s:.2f} s, {k // 1024} MB" for s, k in figures)
                + " |"
            )


CHECK = Path(__file__).parents[1] / "exactre" / "check.py"


def check_hash(network: dict[str, Any]) -> str:
    """The SHA-256 of a network document."""
    return read_network(network, "network").sha256


if __name__ == "__main__":
    main()
