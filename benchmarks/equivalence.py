"""Pairs of networks: verdict, method, seconds, seconds of the stand-alone check, bytes; and their gaps.

`python -m benchmarks.equivalence [NAME ...]`: rows whose name contains a NAME, all without one. Real models
are read from the folder EXACTRE_MODELS, default ../shared/models; without it their rows are left out.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx

import exactre
from exactre.certify.equivalence import Verdict
from exactre.certify.question import Domain
from exactre.network import Network, Node
from exactre.rational import Matrix

MODELS = Path(os.environ.get("EXACTRE_MODELS", Path(__file__).parents[2] / "shared" / "models"))
CHECKER = Path(exactre.__file__).parent / "check.py"

Layers = list[tuple[np.ndarray, np.ndarray]]
Pair = tuple[Network, Network, dict[str, object]]


def he_layers(seed: int, *sizes: int) -> Layers:
    """He-random float32 weights and non-zero biases."""
    rng = np.random.default_rng(seed)
    return [
        (
            (rng.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32),
            (rng.standard_normal((m, 1)) / 10).astype(np.float32),
        )
        for n, m in pairwise(sizes)
    ]


def network(layers: Layers) -> Network:
    return Network.layered([(Matrix.from_floats(w), Matrix.from_floats(b)) for w, b in layers])


def rescaled(layers: Layers, seed: int = 1) -> Network:
    """The same function: every hidden layer permuted, every neuron multiplied by a rational."""
    draw = random.Random(seed)
    factors, result = [Fraction(1)] * layers[0][0].shape[1], []
    order = list(range(layers[0][0].shape[1]))
    for k, (w, b) in enumerate(layers):
        before, columns = factors, order
        m = len(w)
        order = draw.sample(range(m), m) if k < len(layers) - 1 else list(range(m))
        hidden = k < len(layers) - 1
        factors = [
            Fraction(draw.randint(1, 99), draw.randint(1, 99)) if hidden else Fraction(1) for _ in order
        ]
        rows = [
            [Fraction(float(w[i, j])) * s / t for j, t in zip(columns, before, strict=True)]
            for i, s in zip(order, factors, strict=True)
        ]
        result.append((rows, [Fraction(float(b[i, 0])) * s for i, s in zip(order, factors, strict=True)]))
    return Network.from_rows(result)


def mutated(layers: Layers, layer: int, i: int, j: int, bit: int) -> Layers:
    """One bit of one weight's significand flipped."""
    weight = layers[layer][0].copy()
    weight.view(np.uint32)[i, j] ^= np.uint32(1 << bit)
    return [*layers[:layer], (weight, layers[layer][1]), *layers[layer + 1 :]]


def many_maxima(count: int, order: tuple[int, int, int]) -> Network:
    """The sum of `count` maxima of three inputs, taken in an order: 2 * count unstable neurons."""
    first, second, third = order

    def rows(signs: dict[int, int]) -> list[list[int]]:
        return [[signs.get(i - 3 * t, 0) for i in range(3 * count)] for t in range(count)]

    def node(name: str, relu: bool, inputs: dict[str, list[list[int]]], width: int) -> Node:
        weights = tuple((source, Matrix.from_rows(w)) for source, w in inputs.items())
        return Node(name, relu, weights, Matrix.column([0] * width))

    unit = [[int(i == t) for i in range(count)] for t in range(count)]
    one = node("one", True, {"input": rows({first: 1, second: -1})}, count)
    two = node("two", True, {"input": rows({second: 1, third: -1}), "one": unit}, count)
    last = {"input": [[int(i % 3 == third) for i in range(3 * count)]], "two": [[1] * count]}
    return Network(3 * count, [one, two, node("out", False, last, 1)])


def with_rare_neuron(layers: Layers, threshold: float) -> Network:
    """One more first-layer neuron, active where the inputs' sum is beyond a threshold."""
    (w, b), (after, c), *rest = layers
    weight = np.vstack([w, np.full((1, w.shape[1]), 1, np.float32)])
    bias = np.vstack([b, np.full((1, 1), -threshold, np.float32)])
    out = np.hstack([after, np.full((len(after), 1), 2.0**-20, np.float32)])
    return network([(weight, bias), (out, c), *rest])


def behind_a_gate(layers: Layers, share: float) -> Layers:
    """Neuron 3 of layer 1 made active only where the inputs' sum is beyond a share of its greatest value."""
    (w, b), *rest = layers
    w, b = w.copy(), b.copy()
    w[3], b[3] = 1, -share * w.shape[1]
    return [(w, b), *rest]


def pairs() -> Iterator[tuple[str, Callable[[], Pair]]]:
    """(name, maker of A, B and options) of every row."""
    for sizes in ((784, 128, 1), (784, 256, 256, 10), (3072, 256, 256, 10)):
        layers = he_layers(0, *sizes)
        name = "-".join(map(str, sizes))
        yield f"{name} permuted and rescaled", lambda layers=layers: (network(layers), rescaled(layers), {})
    layers = he_layers(0, 784, 256, 256, 10)
    for k in range(3):
        mutant = mutated(layers, k, 3, 5, 0)
        yield (
            f"784-256-256-10 last bit of one weight of layer {k + 1}",
            lambda mutant=mutant: (network(layers), network(mutant), {}),
        )
    small = he_layers(0, 10, 20, 20, 1)
    for threshold in (8, 12, 1000):
        yield (
            f"10-20-20-1 and a neuron of effect 2^-20 beyond {threshold}",
            lambda threshold=threshold: (network(small), with_rare_neuron(small, threshold), {}),
        )
    for count in (1, 3, 6, 10, 20):
        yield (
            f"{2 * count} unstable neurons, not isomorphic",
            lambda count=count: (many_maxima(count, (0, 1, 2)), many_maxima(count, (2, 0, 1)), {}),
        )
    tiny = he_layers(0, 2, 8, 8, 1)
    nearly = [*tiny[:2], (tiny[2][0] + np.float32(2**-10), tiny[2][1])]
    for tolerance in (Fraction(1, 50), Fraction(1, 1000)):
        options = {"domain": Domain.box([-1] * 2, [1] * 2), "tolerance": tolerance}
        yield (
            f"2-8-8-1 within {tolerance} on a box",
            lambda options=options: (network(tiny), network(nearly), options),
        )
    controller = he_layers(0, 8, 32, 32, 2)
    rounded = [(np.round(w * 2**20) / np.float32(2**20), b) for w, b in controller]
    yield (
        "8-32-32-2 and weights rounded to 2^-20, within 1/1000 on a box",
        lambda: (
            network(controller),
            network(rounded),
            {"domain": Domain.box([-1] * 8, [1] * 8), "tolerance": Fraction(1, 1000)},
        ),
    )
    classifier = he_layers(0, 784, 256, 256, 10)
    twice = [*classifier[:2], (classifier[2][0] * np.float32(2), classifier[2][1] * np.float32(2))]
    yield (
        "784-256-256-10 and its outputs doubled, same decision",
        lambda: (network(classifier), network(twice), {"same_argmax": True}),
    )
    corner = {"domain": Domain.box([Fraction(99, 100)] * 8, [1] * 8), "same_argmax": True}
    yield (
        "8-32-32-2 and weights rounded to 2^-20, same decision on a small box",
        lambda: (network(controller), network(rounded), corner),
    )
    for threshold in (0.9, 0.99):
        for seed in range(2):
            gated = behind_a_gate(he_layers(seed, 10, 20, 20, 1), threshold)
            yield (
                f"10-20-20-1 on a box, last bit behind a gate at {threshold} (seed {seed})",
                lambda gated=gated: (
                    network(gated),
                    network(mutated(gated, 1, 5, 3, 0)),
                    {"domain": Domain.box([-1] * 10, [1] * 10)},
                ),
            )
    if MODELS.is_dir():
        yield from model_pairs()


def model_pairs() -> Iterator[tuple[str, Callable[[], Pair]]]:
    """The rows of real models."""
    for a, b in (
        ("acasxu_1_1.onnx", "acasxu_1_1.nnet"),
        ("mnist8x8_student_36_10.onnx", "mnist8x8_student_36_10-mirror.onnx"),
        ("cartpole.onnx", "cartpole.onnx"),
        ("tll_2_8.onnx", "tll_2_8.onnx"),
    ):
        yield f"{a} and {b}", lambda a=a, b=b: (exactre.load(MODELS / a), exactre.load(MODELS / b), {})
    for words, normalization in (("", True), (", not normalized", False)):
        yield (
            f"acasxu_1_1.onnx and .nnet rounded to float32{words}",
            lambda normalization=normalization: (
                exactre.load(MODELS / "acasxu_1_1.onnx"),
                exactre.load(MODELS / "acasxu_1_1.nnet", weights="float32", normalization=normalization),
                {},
            ),
        )

    for a, b in (("cifar_base_kw.onnx", "cifar_base_kw_simp.onnx"), ("resnet_2b.onnx", "resnet_2b.onnx")):
        yield f"{a} and {b}", lambda a=a, b=b: (exactre.load(MODELS / a), exactre.load(MODELS / b), {})
    yield "cifar_base_kw.onnx and the last bit of one kernel weight", last_bit_of_a_kernel
    for tolerance in (Fraction(1, 10), 100, 500):
        yield (
            f"lhc_2_80.onnx and its pruned one, Softmax cut, within {tolerance} on a box",
            lambda tolerance=tolerance: (
                exactre.load(MODELS / "lhc_2_80.onnx", cut=True),
                exactre.load(MODELS / "lhc_2_80_pruned.onnx", cut=True),
                {"domain": Domain.box([-1] * 16, [1] * 16), "tolerance": tolerance},
            ),
        )

    def twin() -> Pair:
        net = exactre.load(MODELS / "twin_ladder_5.nnet")
        value = net([0] * net.input_dim)[0]
        return net, Network.from_rows([([[0] * net.input_dim], [value])]), {}

    yield "twin_ladder_5.nnet and its value at 0", twin


def last_bit_of_a_kernel() -> Pair:
    """A convolutional network and the same with one bit of a weight that 64 neurons share flipped."""
    model = onnx.load(MODELS / "cifar_base_kw.onnx")
    (tensor,) = (t for t in model.graph.initializer if t.name == "3")
    kernel = onnx.numpy_helper.to_array(tensor).copy()
    kernel.ravel().view(np.uint32)[17] ^= 1
    tensor.CopyFrom(onnx.numpy_helper.from_array(kernel, tensor.name))
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, Path(folder) / "mutant.onnx")
        return exactre.load(MODELS / "cifar_base_kw.onnx"), exactre.load(Path(folder) / "mutant.onnx"), {}


def check_seconds(verdict: Verdict, a: Network, b: Network) -> float:
    """Wall-clock seconds of the stand-alone checker on files, start of Python included."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("CERT.json", "A.json", "B.json")]
        paths[0].write_text(verdict.certificate.dumps())
        exactre.save(a, paths[1])
        exactre.save(b, paths[2])
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", CHECKER, *paths], capture_output=True, text=True, check=False
        )
        if done.stdout != "valid\n":
            raise SystemExit(f"the checker says {done.stdout or done.stderr}")
        return time.perf_counter() - start


def bit_mutants(count: int, name: str, domain: Domain | None) -> None:
    """Random single-bit mutants of 64-32-16-10: how many are refuted, how many proved invisible."""
    draw, layers = random.Random(0), he_layers(0, 64, 32, 16, 10)
    a, found, slowest = network(layers), {"different": 0, "equivalent": 0, "undecided": 0}, 0.0
    for _ in range(count):
        k = draw.randrange(3)
        i, j = (draw.randrange(size) for size in layers[k][0].shape)
        b = network(mutated(layers, k, i, j, draw.randrange(23)))
        verdict = exactre.certify_equivalence(a, b, domain=domain, timeout=60)
        found[verdict.status] += 1
        slowest = max(slowest, verdict.seconds)
    print(f"{count} {name}: {found}, slowest {slowest:.2f} s", flush=True)


def gaps() -> Iterator[tuple[str, Network, Network, Domain]]:
    """(name, A, B, box) of the pairs whose largest difference is asked for."""
    for sizes in ((2, 8, 8, 1), (8, 32, 32, 2), (8, 16, 16, 16, 16, 16, 2), (16, 64, 64, 64, 5)):
        layers = he_layers(0, *sizes)
        rounded = [(np.round(w * 2**20) / np.float32(2**20), b) for w, b in layers]
        box = Domain.box([-1] * sizes[0], [1] * sizes[0])
        name = "-".join(map(str, sizes))
        yield f"gap of {name} and weights rounded to 2^-20", network(layers), network(rounded), box


def print_gaps(names: list[str]) -> None:
    """The largest difference found and the proved bound, in at most 30 seconds each."""
    for name, a, b, box in gaps():
        if not names or any(part in name for part in names):
            gap = exactre.largest_gap(a, b, domain=box, timeout=30)
            size = len(gap.certificate.dumps())
            figures = f"found {float(gap.found):.3g}, proved {float(gap.proved):.3g}"
            print(f"{name:68} {figures:35} {gap.seconds:6.2f} {size:9}", flush=True)


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"{'pair':68} {'verdict':11} {'method':10} {'seconds':>8} {'check':>7} {'bytes':>9}")
    for name, make in pairs():
        if names and not any(part in name for part in names):
            continue
        a, b, options = make()
        verdict = exactre.certify_equivalence(a, b, timeout=300, **options)
        if verdict.certificate is None:
            print(
                f"{name:68} {verdict.status:11} {verdict.method:10} {verdict.seconds:8.2f} {verdict.reason}"
            )
            continue
        seconds, size = check_seconds(verdict, a, b), len(verdict.certificate.dumps())
        head = f"{name:68} {verdict.status:11} {verdict.method:10}"
        print(f"{head} {verdict.seconds:8.2f} {seconds:7.2f} {size:9}", flush=True)
    print_gaps(names)
    name = "single-bit mutants of 64-32-16-10"
    for place, domain in (("", None), (" on [0, 1]^64", Domain.box([0] * 64, [1] * 64))):
        if not names or any(part in name + place for part in names):
            bit_mutants(100, name + place, domain)


if __name__ == "__main__":
    main(sys.argv[1:])
