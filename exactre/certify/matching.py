"""Bring two networks into one system of atoms, bottom-up: equal neurons become the same atom.

Follows the formal system of proofs/FORMAT.md. Preactivations are primitive integer vectors with a
rational factor, looked up by hash, so that permuted, rescaled, duplicated, opposite and dead neurons
are met in one pass, near-linear in the number of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import gcd, lcm

from exactre.check import ONE, ZERO, Derivation, Step, Vector, combine, scale
from exactre.network import INPUT, Network, Node

# (u, atoms made so far) -> an active or inactive step, when u's sign can be proved.
Stability = Callable[[Vector, list[Vector]], Step | None]


@dataclass(frozen=True)
class Matching:
    """Two networks over one list of atoms; `atoms[k]` is e_k, `outputs_a` and `outputs_b` expressions.

    `preactivations_a` and `_b` are the u of every neuron in file order.
    """

    inputs: int
    atoms: tuple[Vector, ...]
    steps_a: tuple[Step, ...]
    steps_b: tuple[Step, ...]
    outputs_a: tuple[Vector, ...]
    outputs_b: tuple[Vector, ...]

    @property
    def differences(self) -> tuple[Vector, ...]:
        """The expressions d_i of A's outputs less B's."""
        pairs = zip(self.outputs_a, self.outputs_b, strict=True)
        return tuple(combine([(1, 1, p), (-1, 1, q)]) for p, q in pairs)

    def atom_of(self, basis: int) -> int:
        """The atom that a basis index stands for; negative for the constant and the inputs."""
        return basis - 1 - self.inputs


def match(a: Network, b: Network, stability: Stability | None = None) -> Matching:
    """Steps and expressions of both networks, which have the same input dimension; exact over Q.

    `stability` is asked for a proof of each preactivation's sign that has no simpler step.
    """
    system = _System(a.input_dim, stability)
    outputs_a, steps_a = system.walk(a)
    outputs_b, steps_b = system.walk(b)
    return Matching(a.input_dim, tuple(system.atoms), steps_a, steps_b, outputs_a, outputs_b)


class _System:
    def __init__(self, inputs: int, stability: Stability | None) -> None:
        self.inputs = inputs
        self.stability = stability
        self.atoms: list[Vector] = []
        self.found: dict[tuple[int, ...], list[int]] = {}  # by key of the primitive row: atoms

    def walk(self, net: Network) -> tuple[tuple[Vector, ...], tuple[Step, ...]]:
        values: dict[str, list[Vector]] = {INPUT: [(1, 1, {1 + i: 1}) for i in range(self.inputs)]}
        steps: list[Step] = []
        for node in net.nodes:
            rows = _rows(node, values)
            if node.relu:
                values[node.name] = []
                for u in rows:
                    step, h = self.neuron(u)
                    steps.append(step)
                    values[node.name].append(h)
            else:
                values[node.name] = list(rows)
        return tuple(values[net.nodes[-1].name]), tuple(steps)

    def neuron(self, u: Vector) -> tuple[Step, Vector]:
        entries = u[2]
        if not entries.keys() - {0}:
            return Step("constant"), u if entries.get(0, 0) > 0 else ZERO
        key = _key(entries)
        for k in self.found.get(key, ()):
            factor = _ratio(u, self.atoms[k])
            if factor is not None:
                p, q = factor
                r = self.unit(k)
                h = scale(p, q, r) if p > 0 else combine([(-p, q, r), (p, q, self.atoms[k])])
                return Step("scaled", k, factor), h
        step = nonnegative(u, self.inputs)
        if step is None and self.stability is not None:
            step = self.stability(u, self.atoms)
        if step is not None:
            return step, u if step.rule == "active" else ZERO
        self.found.setdefault(key, []).append(len(self.atoms))
        self.atoms.append(u)
        return Step("atom"), self.unit(len(self.atoms) - 1)

    def unit(self, k: int) -> Vector:
        return 1, 1, {1 + self.inputs + k: 1}


def nonnegative(u: Vector, inputs: int) -> Step | None:
    """The step for a u whose sign shows in its coefficients: a sum over `1` and atoms of one sign."""
    n, d, entries = u
    if any(1 <= basis <= inputs for basis in entries):
        return None
    positive = next(iter(entries.values())) > 0
    if any((v > 0) != positive for v in entries.values()):
        return None
    terms = []
    for basis, v in sorted(entries.items()):
        p = n * abs(v)
        g = gcd(p, d)
        kind, k = ("relu", basis - 1 - inputs) if basis else ("one", 0)
        terms.append((kind, k, (p // g, d // g)))
    return Step("active" if positive else "inactive", derivation=Derivation(terms))


def _rows(node: Node, values: dict[str, list[Vector]]) -> Iterator[Vector]:
    biases = [int(v) for v in node.bias.num.entries()]
    weights = [(values[source], weight.num.tolist(), weight.den) for source, weight in node.inputs]
    bases = _distinct_units(weights[0][0]) if len(weights) == 1 else None
    for i, bias in enumerate(biases):
        if bases is not None:
            # Most weights are read here: 8 times faster than a sum of as many vectors.
            den = lcm(weights[0][2], node.bias.den)
            factor = den // weights[0][2]
            row = [int(v) * factor for v in weights[0][1][i]]
            yield _primitive({0: bias * (den // node.bias.den)} | dict(zip(bases, row, strict=True)), den)
            continue
        terms: list[tuple[int, int, Vector]] = [(bias, node.bias.den, ONE)]
        for vectors, rows, den in weights:
            terms += [(int(v), den, vector) for v, vector in zip(rows[i], vectors, strict=True) if v]
        yield combine(terms)


def _distinct_units(vectors: list[Vector]) -> list[int] | None:
    """The basis elements that the vectors are, each another one, or None."""
    bases = [next(iter(entries), 0) for _, _, entries in vectors]
    units = all(n == d == 1 and entries == {b: 1} for b, (n, d, entries) in zip(bases, vectors, strict=True))
    return bases if units and len(set(bases)) == len(bases) and 0 not in bases else None


def _primitive(entries: dict[int, int], den: int) -> Vector:
    """The vector entries / den; exact."""
    if 0 in entries.values():
        entries = {basis: v for basis, v in entries.items() if v}
    content = gcd(*entries.values())
    if content == 0:
        return ZERO
    if content != 1:
        entries = {basis: v // content for basis, v in entries.items()}
    common = gcd(content, den)
    return content // common, den // common, entries


def _key(entries: dict[int, int]) -> tuple[int, ...]:
    """A cheap key that a vector shares with its negative; equal keys are compared entry by entry."""
    top = max(entries)
    return len(entries), abs(sum(entries.values())), sum(entries), abs(entries[top]), top


def _ratio(u: Vector, e: Vector) -> tuple[int, int] | None:
    """s with u = s e, or None when there is none."""
    if u[2] == e[2]:
        sign = 1
    elif u[2] == {basis: -v for basis, v in e[2].items()}:
        sign = -1
    else:
        return None
    p, q = u[0] * e[1], u[1] * e[0]
    g = gcd(p, q)
    return sign * p // g, q // g
