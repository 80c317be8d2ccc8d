"""Bring two networks into one system of atoms, bottom-up: equal neurons become the same atom.

Follows the formal system of proofs/FORMAT.md. Preactivations are primitive integer vectors with a
rational factor, looked up by hash, so that permuted, rescaled, duplicated, opposite and dead neurons
are met in one pass, near-linear in the number of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm

from exactre.check import ONE, ZERO, Derivation, Step, Vector, coefficient, combine, scale, substitute
from exactre.network import INPUT, Network, Node

Origin = tuple[int, str, int]  # of a neuron: side (0: A, 1: B), node, index
Learner = Callable[["System"], list[Step]]  # proves equations, adds them to the system, says so in steps
Prover = Callable[["System", Vector, Origin], list[Step]]  # u >= 0 or u <= 0: its step, last; or nothing


@dataclass(frozen=True)
class Matching:
    """Two networks over one list of atoms: `atoms[k]` is e_k, and `outputs` are A's and B's expressions.

    All are reduced by the equations that the steps hold.
    """

    inputs: int
    atoms: tuple[Vector, ...]
    steps_a: tuple[Step, ...]
    steps_b: tuple[Step, ...]
    outputs: tuple[tuple[Vector, ...], tuple[Vector, ...]]

    @cached_property
    def differences(self) -> tuple[Vector, ...]:
        """Output i of A less that of B."""
        return tuple(combine([(1, 1, p), (-1, 1, q)]) for p, q in zip(*self.outputs, strict=True))


def match(a: Network, b: Network, learner: Learner | None = None, prover: Prover | None = None) -> Matching:
    """Steps and expressions of both networks, which have the same input dimension; exact over Q.

    `learner` is asked for equations after each of B's nodes, `prover` for the sign of each neuron that shows
    none by itself.
    """
    system = System(a.input_dim, prover)
    outputs_a, steps_a = system.walk(0, a, None)
    outputs_b, steps_b = system.walk(1, b, learner)
    left, right = (
        tuple(substitute(output, system.equations) for output in outputs)
        for outputs in (outputs_a, outputs_b)
    )
    return Matching(a.input_dim, tuple(system.atoms), tuple(steps_a), tuple(steps_b), (left, right))


class System:
    """The atoms made so far, their neurons, and the equations learnt between them.

    Invariant: `atoms[k]`, e_k, and the equations' right sides mention no atom that has an equation.
    """

    def __init__(self, inputs: int, prover: Prover | None = None) -> None:
        self.inputs = inputs
        self.prover = prover
        self.atoms: list[Vector] = []  # one list for good, so that a prover may keep it
        self.origins: list[Origin] = []  # of each atom's neuron
        self.equations: dict[int, Vector] = {}  # basis index -> expression
        self.found: dict[tuple[int, ...], list[int]] = {}  # by key of the primitive row: atoms

    def walk(self, side: int, net: Network, learner: Learner | None) -> tuple[list[Vector], list[Step]]:
        """The outputs' expressions and the steps of a network."""
        values: dict[str, list[Vector]] = {INPUT: [(1, 1, {1 + i: 1}) for i in range(self.inputs)]}
        steps: list[Step] = []
        for node in net.nodes:
            rows = _rows(node, values)
            if not node.relu:
                values[node.name] = list(rows)
                continue
            values[node.name] = []
            for i, u in enumerate(rows):
                found, h = self._neuron(substitute(u, self.equations), (side, node.name, i))
                steps += found
                values[node.name].append(h)
            if learner is not None:
                steps += learner(self)
        return values[net.nodes[-1].name], steps

    def learn(self, t: Vector) -> None:
        """Add the equation t = 0, solved for its highest atom; t is reduced and has one."""
        highest = max(t[2])
        p, q = coefficient(t, highest)
        value = combine([(1, 1, (1, 1, {highest: 1})), (-q if p > 0 else q, abs(p), t)])
        change = {highest: value}
        self.equations = {basis: substitute(v, change) for basis, v in self.equations.items()} | change
        self.atoms[:] = [substitute(e, change) for e in self.atoms]
        self.found = {}
        for k, (_, _, entries) in enumerate(self.atoms):
            if entries.keys() - {0}:
                self.found.setdefault(row_key(entries), []).append(k)

    def unit(self, k: int) -> Vector:
        """r_k."""
        return 1, 1, {1 + self.inputs + k: 1}

    def _neuron(self, u: Vector, origin: Origin) -> tuple[list[Step], Vector]:
        entries = u[2]
        if not entries.keys() - {0}:
            return [Step("constant")], u if entries.get(0, 0) > 0 else ZERO
        key = row_key(entries)
        for k in self.found.get(key, ()):
            factor = ratio(u, self.atoms[k])
            if factor is not None:
                return [Step("scaled", k, factor)], multiple(self.unit(k), self.atoms[k], factor)
        step = nonnegative(u, self.inputs) or self._gap(u)
        steps = [step] if step is not None else self.prover(self, u, origin) if self.prover else []
        if steps:
            return steps, u if steps[-1].rule == "active" else ZERO
        self.found.setdefault(key, []).append(len(self.atoms))
        self.atoms.append(u)
        self.origins.append(origin)
        return [Step("atom")], self.unit(len(self.atoms) - 1)

    def _gap(self, u: Vector) -> Step | None:
        """The step for a multiple of r_k - e_k, which is max(-e_k, 0): what a layer hands on of relu(-x)."""
        k = max(u[2]) - 1 - self.inputs
        if k < 0 or len(u[2]) != len(self.atoms[k][2]) + 1:
            return None
        factor = ratio(u, combine([(1, 1, self.unit(k)), (-1, 1, self.atoms[k])]))
        if factor is None:
            return None
        p, q = factor
        return Step("active" if p > 0 else "inactive", derivations=[Derivation([("gap", k, (abs(p), q))])])


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
    return Step("active" if positive else "inactive", derivations=[Derivation(terms)])


def _rows(node: Node, values: dict[str, list[Vector]]) -> Iterator[Vector]:
    biases = [int(v) for v in node.bias.num.entries()]
    weights = [(values[source], weight.row_entries(), weight.den) for source, weight in node.inputs]
    bases = _distinct_units(weights[0][0]) if len(weights) == 1 else None
    for bias in biases:
        if bases is not None:
            # Most weights are read here: 8 times faster than a sum of as many vectors.
            _, rows, den = weights[0]
            common = lcm(den, node.bias.den)
            factor = common // den
            entries = {bases[j]: v * factor for j, v in next(rows)}
            yield _primitive({0: bias * (common // node.bias.den)} | entries, common)
            continue
        terms: list[tuple[int, int, Vector]] = [(bias, node.bias.den, ONE)]
        for vectors, rows, den in weights:
            terms += [(v, den, vectors[j]) for j, v in next(rows)]
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


def row_key(entries: dict[int, int]) -> tuple[int, ...]:
    """A cheap key that a vector shares with its negative; equal keys are compared entry by entry."""
    top = max(entries)
    return len(entries), abs(sum(entries.values())), sum(entries), abs(entries[top]), top


def ratio(u: Vector, e: Vector) -> tuple[int, int] | None:
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


def multiple(r: Vector, e: Vector, factor: tuple[int, int]) -> Vector:
    """max(s e, 0) of a factor s != 0, where r is max(e, 0)."""
    p, q = factor
    return scale(p, q, r) if p > 0 else combine([(-p, q, r), (p, q, e)])


def first_multiple(forms: Iterable[tuple[int, Vector]]) -> tuple[int, int, tuple[int, int]] | None:
    """(j, k, s) of the first atom j that is a multiple s e_k of an earlier one, no constant; or None."""
    met: dict[tuple[int, ...], tuple[int, Vector]] = {}
    for j, e in forms:
        if e[2].keys() - {0}:
            k, earlier = met.setdefault(row_key(e[2]), (j, e))
            factor = ratio(e, earlier) if k != j else None
            if factor is not None:
                return j, k, factor
    return None


def needed_atoms(
    inputs: int, forms: Mapping[int, Vector] | Sequence[Vector], vectors: Iterable[Vector]
) -> set[int]:
    """The atoms that expressions depend on, directly or through the e_k in `forms`."""
    first = 1 + inputs
    waiting = list(vectors)
    met: set[int] = set()
    while waiting:
        atoms = {basis - first for basis in waiting.pop()[2] if basis >= first} - met
        met |= atoms
        waiting += [forms[k] for k in atoms]
    return met
