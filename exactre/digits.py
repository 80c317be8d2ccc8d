"""Exact batch evaluation at BLAS speed: integers as planes of digits, digits multiplied in float64.

A batch of integers is a stack of planes (planes, count, width); digit p of `bits` bits stands for
2**(bits * p). All digits but the top one are nonnegative, so the top plane has the sign. Weights are cut
into balanced digits. The sizes of the digits are chosen so that every sum of products stays below
2**53: float64 then adds integers without rounding, in whatever order the BLAS adds them. Carries, and
the sign that ReLU needs, are int64. A sparse weight is multiplied block by block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import frexp, lcm
from typing import Any, Protocol

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.rational import Matrix, Points
from exactre.sparse import Block, integers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Exact = NDArray[Any]  # Python integers

# Digit sizes that values may be cut into; those of the weights follow. At 26 bits a product adds less than
# 2**53 to an int64, which leaves room for 2**9 of them before the carry; beyond 128, FLINT is as fast.
_SIZES = range(8, 27)
_MOST_PRODUCTS = 128
_BLOCK = 1024  # points at a time, and numbers of one layer: planes take many times the memory of their batch
_BLOCK_NUMBERS = 2**20
_LONGEST = 1000  # bits that a float64 can hold as an integer, with room for the planes above it
_OUTPUT_BITS = 24  # whole bytes, to be read back quickly


class Node(Protocol):
    """What evaluation reads of a network's node: `relu(sum of weight @ source + bias)`."""

    @property
    def name(self) -> str:
        """The name by which later nodes call it."""

    @property
    def relu(self) -> bool:
        """Whether ReLU follows."""

    @property
    def inputs(self) -> tuple[tuple[str, Matrix], ...]:
        """(source, weight (width, source width)) pairs."""

    @property
    def bias(self) -> Matrix:
        """Bias column (width, 1)."""


@dataclass(frozen=True)
class _Part:
    """A dense block of a weight cut: planes (k, count * r), and its places; None for a whole weight."""

    planes: Floats
    places: Block | None


class _Weight:
    """One weight matrix (m, n), and the planes of it that were used last."""

    def __init__(self, matrix: Matrix) -> None:
        self.m, self.n = matrix.shape
        self.matrix = matrix
        sparse = matrix.sparse
        if sparse is None:
            values = [int(v) for v in matrix.num.entries()]
            whole = integers(values).reshape(self.m, self.n)
            self.blocks: list[tuple[Exact, Block | None]] = [(whole, None)]
        else:
            self.blocks = [(block.values, block) for block in sparse.blocks]
        sizes = [abs(values) for values, _ in self.blocks]
        self.height = max((int(size.max()) for size in sizes), default=0)
        # |weight x| <= norm * |x|, in the maximum norm
        self.norm = max((int(size.sum(axis=1).max()) for size in sizes), default=0)
        self.longest = max((values.shape[1] for values, _ in self.blocks), default=1)
        # Products of one evaluation, and numbers gathered for them.
        self.products = sum(values.size * _places(block) for values, block in self.blocks)
        self.gathered = sum(block.columns.size for _, block in self.blocks if block is not None)
        self._last: tuple[tuple[int, int], tuple[_Part, ...]] | None = None

    def bits(self, source_bits: int) -> int:
        """Size of balanced digits, so that sums of products with digits of `source_bits` stay below 2^53."""
        return 54 - source_bits - (self.longest - 1).bit_length()

    def count(self, scale: int, source_bits: int) -> int:
        """Balanced digits that hold `scale` times every entry."""
        return -(-((self.height * scale).bit_length() + 1) // self.bits(source_bits))

    def parts(self, scale: int, source_bits: int) -> tuple[_Part, ...]:
        """Digits of `scale` times the transposed blocks, at most half a base in size."""
        last = self._last
        if last is None or last[0] != (scale, source_bits):
            bits, count = self.bits(source_bits), self.count(scale, source_bits)
            parts = tuple(_Part(_planes(values, scale, bits, count), block) for values, block in self.blocks)
            # One assignment, so that threads that share the network never see half of it.
            self._last = last = (scale, source_bits), parts
        return last[1]


def _places(block: Block | None) -> int:
    return 1 if block is None else len(block.rows)


def _planes(values: Exact, scale: int, bits: int, count: int) -> Floats:
    """Balanced digits (k, count * r) of `scale` times the transpose of values (r, k)."""
    r, k = values.shape
    digits = cut([v * scale for v in values.T.ravel().tolist()], bits, count)
    for low, high in pairwise(digits):
        carry = low + (1 << bits - 1) >> bits
        low -= carry << bits
        high += carry
    stacked = digits.reshape(count, k, r).transpose(1, 0, 2)
    return np.ascontiguousarray(stacked.reshape(k, -1), dtype=np.float64)


@dataclass(frozen=True)
class _Term:
    """One product of a node: planes of `source` times the parts of a weight, `count` planes each."""

    source: str
    source_bits: int
    bits: int
    count: int
    parts: tuple[_Part, ...]


@dataclass(frozen=True)
class _Step:
    """One node: its products, and its digits: their size, the bias (planes, 1, width), the planes to keep."""

    node: Node
    terms: tuple[_Term, ...]
    bits: int
    bias: Integers
    kept: int


@dataclass(frozen=True)
class _Plan:
    """All that depends on the length and denominator of a batch's integers, but not on the integers."""

    input_bits: int
    input_planes: int
    steps: tuple[_Step, ...]
    den: int


class DigitNetwork:
    """The nodes of a network, ready to evaluate batches by digits, exactly as on FLINT."""

    def __init__(self, input_name: str, nodes: Sequence[Node]) -> None:
        self.input_name = input_name
        self.nodes = nodes
        self.weights = {node.name: [(source, _Weight(w)) for source, w in node.inputs] for node in nodes}
        weights = [weight for pairs in self.weights.values() for _, weight in pairs]
        widest = max([*(node.bias.shape[0] for node in nodes), *(w.gathered for w in weights)])
        self.block = max(1, min(_BLOCK, _BLOCK_NUMBERS // widest))
        self._last: tuple[tuple[int, int], _Plan | None] | None = None

    def evaluate(self, points: Points) -> Points | None:
        """Exact values (count, output) at points (count, input); None where digits would not pay."""
        batch = points.floats if points.floats is not None else [int(v) for v in points.num.entries()]
        low = 1 - points.den.bit_length()
        # Rounded up, so that batches of nearly equal length share a plan.
        length = -(-_length(batch, low) // 8) * 8
        plan = self._plan(points.den, length) if length < _LONGEST else None
        if plan is None:
            return None
        values: list[int] = []
        for start in range(0, len(points), self.block):
            stop = min(start + self.block, len(points))
            bits, planes = plan.input_bits, plan.input_planes
            if isinstance(batch, list):
                x = cut(batch[start * points.dim : stop * points.dim], bits, planes).astype(np.float64)
            else:
                x = cut_floats(batch[start:stop], low, bits, planes)
            values += self._block(plan, x.reshape(planes, stop - start, points.dim))
        return Points(fmpz_mat(len(points), plan.steps[-1].bias.shape[2], values), plan.den)

    def _block(self, plan: _Plan, x: Floats) -> list[int]:
        values = {self.input_name: x}
        for step in plan.steps:
            u = _affine(step, values, x.shape[1])
            if step.node.relu:
                u &= ~(u[-1] >> 63)  # all ones unless the top digit is negative
            values[step.node.name] = u[: step.kept].astype(np.float64)
        return join(u, _OUTPUT_BITS)

    def _plan(self, den: int, length: int) -> _Plan | None:
        last = self._last
        if last is None or last[0] != (den, length):
            self._last = last = (den, length), self._new_plan(den, length)
        return last[1]

    def _new_plan(self, den: int, length: int) -> _Plan | None:
        # 1. Upwards: every node's denominator, and the bits that its integers need, sign included.
        dens, lengths = {self.input_name: den}, {self.input_name: length + 1}
        biases: dict[str, list[int]] = {}
        readers: dict[str, list[tuple[_Weight, int]]] = {
            name: [] for name in (self.input_name, *self.weights)
        }
        for node in self.nodes:
            weights = self.weights[node.name]
            total = lcm(node.bias.den, *(w.matrix.den * dens[source] for source, w in weights))
            biases[node.name] = [int(v) * (total // node.bias.den) for v in node.bias.num.entries()]
            bound = max(map(abs, biases[node.name]))
            for source, w in weights:
                scale = total // (w.matrix.den * dens[source])
                bound += w.norm * scale << lengths[source]
                readers[source].append((w, scale))
            dens[node.name], lengths[node.name] = total, bound.bit_length() + (not node.relu)
        # 2. The digit size of every value that costs its readers the fewest products.
        sizes = {}
        for name, weights_and_scales in readers.items():
            costs = {
                b: -(-lengths[name] // b) * sum(w.count(s, b) * w.products for w, s in weights_and_scales)
                for b in _SIZES
            }
            sizes[name] = min(_SIZES, key=lambda b: (costs[b], b))
        sizes[self.nodes[-1].name] = _OUTPUT_BITS
        # 3. The planes of every value: before ReLU there is a sign, and room for the highest product.
        kept = {name: -(-lengths[name] // size) for name, size in sizes.items()}
        planes = {}
        for node in self.nodes:
            bits, products = sizes[node.name], 0
            planes[node.name] = -(-(lengths[node.name] + node.relu) // bits)
            for source, w in self.weights[node.name]:
                count = w.count(dens[node.name] // (w.matrix.den * dens[source]), sizes[source])
                top = (kept[source] - 1) * sizes[source] + (count - 1) * w.bits(sizes[source])
                planes[node.name] = max(planes[node.name], top // bits + 2)
                products += kept[source] * count
            if products > _MOST_PRODUCTS:
                return None
            if not node.relu:
                kept[node.name] = planes[node.name]  # the sign may be in the top one
        # 4. Weights and biases cut.
        steps = []
        for node in self.nodes:
            terms = []
            for source, w in self.weights[node.name]:
                scale, size = dens[node.name] // (w.matrix.den * dens[source]), sizes[source]
                parts = w.parts(scale, size)
                terms.append(_Term(source, size, w.bits(size), w.count(scale, size), parts))
            bits, count = sizes[node.name], planes[node.name]
            bias = cut(biases[node.name], bits, count).reshape(count, 1, -1)
            steps.append(_Step(node, tuple(terms), bits, bias, kept[node.name]))
        return _Plan(sizes[self.input_name], kept[self.input_name], tuple(steps), dens[self.nodes[-1].name])


def _affine(step: _Step, values: Mapping[str, Floats], count: int) -> Integers:
    """Planes (planes, count, width) of a node before its ReLU, carried."""
    width = step.bias.shape[2]
    u = np.repeat(step.bias, count, axis=1)
    for term in step.terms:
        x = values[term.source]
        products = _products(term, x, width)
        for p in range(x.shape[0]):
            for q in range(term.count):
                _add(u, products[p, :, q], p * term.source_bits + q * term.bits, step.bits)
    for low, high in pairwise(u):
        high += low >> step.bits
        low &= (1 << step.bits) - 1
    return u


def _products(term: _Term, x: Floats, width: int) -> Integers:
    """Products (planes of x, points, planes of the weight, width) of x (planes, points, source width)."""
    kept, count, n = x.shape
    if [part.places for part in term.parts] == [None]:
        flat = x.reshape(kept * count, n) @ term.parts[0].planes
        return flat.astype(np.int64).reshape(kept, count, term.count, width)
    products = np.zeros((kept, count, term.count, width), np.int64)
    for part in term.parts:
        assert part.places is not None
        rows, columns = part.places.rows, part.places.columns
        flat = x[:, :, columns].reshape(-1, columns.shape[1]) @ part.planes
        found = flat.astype(np.int64).reshape(kept, count, len(rows), term.count, -1)
        products[:, :, :, rows] = found.transpose(0, 1, 3, 2, 4)
    return products


def _add(planes: Integers, term: Integers, shift: int, bits: int) -> None:
    """Add `term * 2**shift`, |term| < 2**53, cut at the next plane's place so that nothing overflows."""
    plane, rest = divmod(shift, bits)
    if rest == 0:
        planes[plane] += term
    else:
        planes[plane] += (term & (1 << bits) - 1) << rest
        planes[plane + 1] += term >> bits << rest


def _length(values: list[int] | Floats, low: int) -> int:
    """Bits of the longest integer; floats stand for integers in units of 2**low."""
    if isinstance(values, list):
        return max(map(abs, values), default=0).bit_length()
    highest = float(np.abs(values).max(initial=0))
    return max(0, frexp(highest)[1] - low) if highest else 0


def cut(values: list[int], bits: int, planes: int) -> Integers:
    """Digits (planes, number of values): nonnegative but for the top one, which takes the sign."""
    # Every digit lies within 8 bytes that start at the byte of its first bit.
    length = bits * planes // 8 + 9
    data = b"".join([v.to_bytes(length, "little", signed=True) for v in values])
    table = np.frombuffer(data, dtype=np.uint8).reshape(len(values), length)
    digits = np.empty((planes, len(values)), dtype=np.int64)
    for p in range(planes):
        window = np.ascontiguousarray(table[:, bits * p // 8 :][:, :8])
        digits[p] = window.view("<i8").ravel() >> bits * p % 8
    digits[:-1] &= (1 << bits) - 1
    return digits


def cut_floats(values: Floats, low: int, bits: int, planes: int) -> Floats:
    """Digits (planes, number of values) of `values / 2**low`, all with the sign of their value."""
    rest = np.ldexp(values.ravel(), -low)
    digits = np.empty((planes, rest.size))
    for p in reversed(range(planes)):
        # Every step is exact: the digit is the top of the float, the rest is what is below it.
        unit = 2.0 ** (bits * p)
        digits[p] = np.trunc(rest / unit)
        rest -= digits[p] * unit
    return digits


def join(planes: Integers, bits: int) -> list[int]:
    """The integers, in row-major order, of planes (planes, ...) whose digits are whole bytes."""
    size = bits // 8
    data = planes.astype("<i8").reshape(planes.shape[0], -1).view(np.uint8).reshape(planes.shape[0], -1, 8)
    packed = data[:, :, :size].transpose(1, 0, 2).tobytes()
    length = size * planes.shape[0]
    return [
        int.from_bytes(packed[k : k + length], "little", signed=True) for k in range(0, len(packed), length)
    ]
