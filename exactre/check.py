"""Decide a certificate about two ReLU networks: `python -I exactre/check.py CERT.json A.json B.json`.

Stands alone: standard library only, nothing of the package. It does what proofs/FORMAT.md says and no
more: it derives every expression from the networks, compares, and never searches, rounds or trusts.
The first line on stdout is `valid` (exit code 0) or `invalid` (1; the second line says which step, which
rule, which value). A malformed document, or one beyond a limit, is one line on stderr and exit code 2.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import gcd, lcm
from typing import Any, NamedTuple

# ---- vocabulary --------------------------------------------------------------------------------

# A vector over Q: (n, d, entries) is n/d times the integer vector `entries`, {basis index: value}.
# Invariant: n > 0, d > 0, gcd(n, d) = 1, no zero entry, the entries' gcd is 1; the zero vector is
# (0, 1, {}). So equal vectors are equal tuples. Basis: 0 is the constant 1, 1 + i is input i and
# 1 + inputs + k is atom k.
Vector = tuple[int, int, dict[int, int]]
Fraction = tuple[int, int]  # p/q in lowest terms, q > 0
Row = list[tuple[int, int, int]]  # (column, p, q), columns ascending, no zeros

ZERO: Vector = (0, 1, {})
ONE: Vector = (1, 1, {0: 1})

MAX_BYTES = 2**30  # of a file
READ = 2**20  # bytes at once
MAX_DIGITS = 20_000  # of an integer in a rational
MAX_INDEX_DIGITS = 12  # of any other integer
MAX_INPUTS = 2**20  # of a network, and neurons with steps
MAX_BITS = 2**18  # of an integer computed while checking

CHOOSING = ("split", "active", "inactive", "same")  # the tree's nodes that have children
LEARNING = ("zero", "bound")  # the steps that belong to no neuron
CLAIMS = ("equivalent", "different", "same-argmax", "different-argmax")
PARTS = ("one", "input", "atom", "e")  # of an expression
FACTS = ("one", "relu", "gap", "domain", "bound")

RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")
HASH = re.compile(r"[0-9a-f]{64}")


class Malformed(Exception):
    """Not a document of the format, or one beyond a limit: what was expected, what was found, where."""


class Invalid(Exception):
    """A well-formed certificate that a rule refuses: the step, the rule, the value."""

    def __init__(self, step: str, rule: str, value: str) -> None:
        super().__init__(f"{step}: {rule}: {value}")
        self.step = step
        self.rule = rule
        self.value = value


class Node(NamedTuple):
    """One affine map, then ReLU if `relu`; sources by index, 0 the input, k the k-th node."""

    relu: bool
    sources: list[tuple[int, list[Row]]]
    bias: list[Fraction]


class Network(NamedTuple):
    """A network's inputs, nodes and the SHA-256 of its canonical bytes."""

    inputs: int
    nodes: list[Node]
    sha256: str


Terms = Sequence[tuple[str, int, Fraction]]  # (kind, index, rational) triples, of facts or of basis elements


class Derivation(NamedTuple):
    """The facts of a derivation, or of an exclusion, with their multipliers."""

    terms: Terms


class Goal(NamedTuple):
    """What a case tree has to show: every difference is at most `tolerance`, or with None the same decision.

    `outputs` are A's and B's, as many as differences, and needed for decisions alone.
    """

    differences: list[Vector]
    tolerance: Fraction | None
    outputs: tuple[list[Vector], list[Vector]]


# ---- reading JSON ------------------------------------------------------------------------------


def read_json(path: str) -> Any:
    """The JSON document in a file, refusing duplicate fields, floats and long integers."""
    data = bytearray()
    with open(path, "rb") as file:
        # In parts: asking for the limit at once would take as much memory.
        while part := file.read(READ):
            data += part
            if len(data) > MAX_BYTES:
                raise Malformed(f"{path}: expected at most {MAX_BYTES} bytes")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_short_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"{path}: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"{path}: not JSON: {error}") from None
    except RecursionError:
        raise Malformed(f"{path}: nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"field {twice!r:.60} is given twice")
    return found


def _short_integer(text: str) -> int:
    if len(text) > MAX_INDEX_DIGITS:
        raise Malformed(f"expected an integer of at most {MAX_INDEX_DIGITS} digits, found {text:.20}...")
    return int(text)


def _no_float(text: str) -> None:
    raise Malformed(f"expected no floating-point number, found {text:.20}")


def show(value: Any) -> str:
    """A short text of any value for a message, which takes no longer when the value is deep or large."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def fields(value: Any, where: str, *names: str) -> list[Any]:
    """The values of an object's fields, which must be exactly `names`."""
    if type(value) is not dict:
        raise Malformed(f"{where}: expected an object, found {show(value)}")
    for name in names:
        if name not in value:
            raise Malformed(f"{where}: field {name!r} is missing")
    for name in value:
        if name not in names:
            raise Malformed(f"{where}: unknown field {show(name)}")
    return [value[name] for name in names]


def array(value: Any, where: str, length: int | None = None) -> list[Any]:
    """A JSON array, of a given length if one is given."""
    if type(value) is not list:
        raise Malformed(f"{where}: expected an array, found {show(value)}")
    if length is not None and len(value) != length:
        raise Malformed(f"{where}: expected {length} entries, found {len(value)}")
    return value


def index(value: Any, where: str, least: int = 0) -> int:
    """A JSON integer >= least."""
    if type(value) is not int or value < least:
        raise Malformed(f"{where}: expected an integer >= {least}, found {show(value)}")
    return value


def text(value: Any, where: str) -> str:
    """A JSON string."""
    if type(value) is not str:
        raise Malformed(f"{where}: expected a string, found {show(value)}")
    return value


def rational(value: Any, where: str, *place: int) -> Fraction:
    """A rational `"p"` or `"p/q"` in lowest terms."""
    match = RATIONAL.fullmatch(value) if type(value) is str else None
    at = "".join(f"[{i}]" for i in place) if match is None or len(value) > MAX_DIGITS else ""
    if match is None:
        raise Malformed(f'{where}{at}: expected a rational "p" or "p/q", found {show(value)}')
    p, q = match.groups()
    if len(value) > MAX_DIGITS and max(len(p.lstrip("-")), len(q or "")) > MAX_DIGITS:
        raise Malformed(f"{where}{at}: an integer of more than {MAX_DIGITS} digits")
    if q is None:
        return int(p), 1
    top, bottom = int(p), int(q)
    if bottom == 1 or gcd(top, bottom) != 1:
        raise Malformed(f"{where}{''.join(f'[{i}]' for i in place)}: {show(value)} is not in lowest terms")
    return top, bottom


def rationals(value: Any, where: str, length: int | None = None) -> list[Fraction]:
    """An array of rationals."""
    return [rational(v, where, i) for i, v in enumerate(array(value, where, length))]


# ---- reading networks --------------------------------------------------------------------------


def read_network(document: Any, where: str) -> Network:
    """A network document in either form, "layers" or "nodes"."""
    kind = "nodes" if type(document) is dict and "nodes" in document else "layers"
    name, version, items = fields(document, where, "format", "version", kind)
    if name != "exactre-network":
        raise Malformed(f"{where}.format: expected 'exactre-network', found {show(name)}")
    if type(version) is not int or version != 1:
        raise Malformed(f"{where}.version: expected 1, found {show(version)}")
    if not array(items, f"{where}.{kind}"):
        raise Malformed(f"{where}.{kind}: expected at least one entry, found none")
    places: dict[str, int] = {"input": 0}
    widths: list[int | None] = [None]  # by source index; the input's is known once a weight reads it
    nodes: list[Node] = []
    lines: list[str] = []
    for k, item in enumerate(items):
        at = f"{where}.{kind}[{k}]"
        if kind == "layers":
            weight, bias_value = fields(item, at, "weight", "bias")
            relu, inputs = k < len(items) - 1, [(k, weight, f"{at}.weight")]
        else:
            node_name, relu, sources, bias_value = fields(item, at, "name", "relu", "inputs", "bias")
            if not text(node_name, f"{at}.name") or node_name in places:
                raise Malformed(f"{at}.name: {show(node_name)} is empty or taken")
            if type(relu) is not bool:
                raise Malformed(f"{at}.relu: expected true or false, found {show(relu)}")
            inputs = _named_inputs(sources, places, at)
            places[node_name] = k + 1
        bias = rationals(bias_value, f"{at}.bias")
        if not bias:
            raise Malformed(f"{at}.bias: expected at least one entry, found none")
        lines.append(f"node {'relu' if relu else 'affine'} {len(bias)}")
        weights = []
        for source, weight, place in inputs:
            lines.append(f"from {source}")
            columns, rows = read_weight(weight, place, len(bias), widths[source], lines)
            widths[source] = columns
            weights.append((source, rows))
        lines += ["bias", " ".join(bias_value)]
        widths.append(len(bias))
        nodes.append(Node(relu, weights, bias))
    if widths[0] is None:
        raise Malformed(f"{where}: no node reads the input")
    canonical = "\n".join(["exactre-network 1", f"input {widths[0]}", *lines, ""])
    return Network(widths[0], nodes, hashlib.sha256(canonical.encode("ascii")).hexdigest())


def _named_inputs(value: Any, places: dict[str, int], at: str) -> list[tuple[int, Any, str]]:
    if type(value) is not dict:
        raise Malformed(f"{at}.inputs: expected an object, found {show(value)}")
    for name in value:
        if name not in places:
            raise Malformed(f"{at}.inputs: {show(name)} is no earlier node")
    return sorted((places[name], weight, f"{at}.inputs[{show(name)}]") for name, weight in value.items())


def read_weight(
    value: Any, where: str, height: int, width: int | None, lines: list[str]
) -> tuple[int, list[Row]]:
    """A weight's number of columns and rows, dense or sparse; appends its canonical lines."""
    if type(value) is dict:
        shape, entries = fields(value, where, "shape", "entries")
        m, n = (index(v, f"{where}.shape", 1) for v in array(shape, f"{where}.shape", 2))
        sparse: list[list[tuple[int, str]]] = [[] for _ in range(height)]
        last = (-1, -1)
        for position, entry in enumerate(array(entries, f"{where}.entries")):
            i, j, number = array(entry, f"{where}.entries[{position}]", 3)
            here = index(i, f"{where}.entries[{position}]"), index(j, f"{where}.entries[{position}]")
            if not (last < here and here[0] < min(m, height) and here[1] < n) or number == "0":
                raise Malformed(
                    f"{where}.entries[{position}]: expected non-zero entries of shape {[m, n]} "
                    f"in row-major order, found {show(entry)}"
                )
            last = here
            sparse[here[0]].append((here[1], number))
        rows: list[Iterable[tuple[int, Any]]] = list(sparse)
    else:
        m = len(array(value, where))
        n = len(array(value[0], f"{where}[0]")) if m else 0
        rows = [enumerate(array(row, f"{where}[{i}]", n)) for i, row in enumerate(value)]
    if m != height or n < 1 or n > MAX_INPUTS or (width is not None and n != width):
        expected = f"{height} x {'n' if width is None else width}"
        raise Malformed(f"{where}: expected a weight of shape {expected}, found {m} x {n}")
    result = []
    for i, row in enumerate(rows):
        kept, words = [], []
        for j, number in row:
            if number != "0":
                p, q = rational(number, where, i, j)
                kept.append((j, p, q))
                words.append(f"{j} {number}")
        result.append(kept)
        lines.append(" ".join(words))
    return n, result


# ---- vectors -----------------------------------------------------------------------------------


def combine(terms: Iterable[tuple[int, int, Vector]]) -> Vector:
    """The sum of p/q * vector over (p, q, vector)."""
    parts = []
    common = 1
    for p, q, (n, d, entries) in terms:
        if n != 1 or d != 1:
            p, q = p * n, q * d
            g = gcd(p, q)
            p, q = p // g, q // g
        if common % q:
            common = lcm(common, q)
            limit(common)
        parts.append((p, q, entries))
    total: dict[int, int] = {}
    for p, q, entries in parts:
        factor = p * (common // q)
        for k, v in entries.items():
            total[k] = total.get(k, 0) + factor * v
    if 0 in total.values():
        total = {k: v for k, v in total.items() if v}
    if not total:
        return ZERO
    limit(max(total.values()))
    limit(min(total.values()))
    content = gcd(*total.values())
    if content != 1:
        total = {k: v // content for k, v in total.items()}
    g = gcd(content, common)
    return content // g, common // g, total


def limit(value: int) -> None:
    """Refuse an integer that hostile numbers have blown up."""
    if value.bit_length() > MAX_BITS:
        raise Malformed(f"an expression needs an integer of more than {MAX_BITS} bits")


def scale(p: int, q: int, vector: Vector) -> Vector:
    """p/q times the vector."""
    return combine([(p, q, vector)])


def coefficient(vector: Vector, basis: int) -> Fraction:
    """The vector's coefficient of one basis element."""
    n, d, entries = vector
    p = n * entries.get(basis, 0)
    g = gcd(p, d)
    return p // g, d // g


def substitute(vector: Vector, replaced: dict[int, Vector]) -> Vector:
    """The vector with each basis element in `replaced` replaced by its vector."""
    found = [b for b in vector[2] if b in replaced] if replaced else []
    if not found:
        return vector
    terms = [(1, 1, vector)]
    for basis in found:
        p, q = coefficient(vector, basis)
        terms += [(-p, q, (1, 1, {basis: 1})), (p, q, replaced[basis])]
    return combine(terms)


# ---- neurons -----------------------------------------------------------------------------------


class Context:
    """The atoms made so far, the domain and the inputs' number: what every fact is about."""

    def __init__(self, inputs: int, domain: list[Vector]) -> None:
        self.inputs = inputs
        self.domain = domain  # b_i - a_i . x, row by row
        self.atoms: list[Vector] = []  # e_k
        # Learnt, and in a tree its cell's: basis index -> its vector. Invariant: no vector mentions a key.
        self.equations: dict[int, Vector] = {}
        # By an atom's basis index, where it may occur: (in a difference?, key); perhaps no longer.
        self.places: dict[int, set[tuple[bool, int]]] = {}
        self.bounds: list[Vector] = []  # t - r_j

    def atom(self, k: int, step: str, rule: str) -> Vector:
        """e_k, or a refusal when there is no atom k yet."""
        if k >= len(self.atoms):
            raise Invalid(step, rule, f"atom {k} does not exist, only {len(self.atoms)} do")
        return self.atoms[k]

    def note(self, in_difference: bool, key: int, vector: Vector) -> None:
        """Remember where the vector's atoms occur, so that a choice looks at nothing else."""
        for basis in vector[2]:
            if basis > self.inputs:
                self.places.setdefault(basis, set()).add((in_difference, key))

    def unit(self, k: int) -> Vector:
        """r_k."""
        return 1, 1, {1 + self.inputs + k: 1}

    def multiple(self, k: int, factor: Fraction) -> Vector:
        """max(s * e_k, 0) of a factor s: s * r_k, or -s * (r_k - e_k) of a negative one."""
        p, q = factor
        r = self.unit(k)
        return scale(p, q, r) if p > 0 else combine([(-p, q, r), (p, q, self.atoms[k])])

    def weighed(
        self, kind: str, k: int, factor: Fraction, step: str, rule: str
    ) -> list[tuple[int, int, Vector]]:
        """A fact's expression times a factor, as terms of a sum."""
        p, q = factor
        if kind == "one":
            return [(p, q, ONE)]
        if kind == "domain":
            if k >= len(self.domain):
                raise Invalid(step, rule, f"domain row {k} does not exist, only {len(self.domain)} do")
            return [(p, q, self.domain[k])]
        if kind == "bound":
            if k >= len(self.bounds):
                raise Invalid(step, rule, f"bound {k} does not exist, only {len(self.bounds)} do")
            return [(p, q, self.bounds[k])]
        e = self.atom(k, step, rule)
        return [(p, q, self.unit(k))] if kind == "relu" else [(p, q, self.unit(k)), (-p, q, e)]

    def learn(self, step: Step, at: str) -> None:
        """Accept a step that belongs to no neuron, and keep its fact or its equation."""
        if step.rule == "bound":
            self.learn_bound(step, at)
        else:
            self.learn_zero(step, at)

    def learn_bound(self, step: Step, at: str) -> None:
        """Accept a `bound` step and keep its fact."""
        e = self.atom(step.atom, at, "bound")
        t = self.expression(step.terms, at, "bound")
        above_e, above_zero = step.derivations
        self.derive(combine([(1, 1, t), (-1, 1, e)]), above_e, self.equations, at, "bound")
        self.derive(t, above_zero, self.equations, at, "bound")
        self.bounds.append(combine([(1, 1, t), (-1, 1, self.unit(step.atom))]))

    def expression(self, terms: Terms, at: str, rule: str) -> Vector:
        """The sum of an expression's parts."""
        parts = []
        for part, k, (p, q) in terms:
            if part == "input" and k >= self.inputs:
                raise Invalid(at, rule, f"input {k} does not exist, only {self.inputs} do")
            if part in ("atom", "e"):
                e = self.atom(k, at, rule)
            basis = {"one": 0, "input": 1 + k, "atom": 1 + self.inputs + k, "e": 0}[part]
            parts.append((p, q, e if part == "e" else (1, 1, {basis: 1})))
        return combine(parts)

    def learn_zero(self, step: Step, at: str) -> None:
        """Accept a `zero` step and keep its equation."""
        t = substitute(self.expression(step.terms, at, "zero"), self.equations)
        highest = max(t[2], default=0)
        if highest <= self.inputs:
            raise Invalid(at, "zero", f"the expression is {self.words(t)}, expected one with an atom")
        check_tree(step.tree, self, Goal([t], (0, 1), ([], [])), f"{at}, ")
        p, q = coefficient(t, highest)
        value = combine([(1, 1, (1, 1, {highest: 1})), (-q if p > 0 else q, abs(p), t)])
        for in_difference, key in self.places.get(highest, ()):
            if not in_difference and key in self.equations:
                self.equations[key] = substitute(self.equations[key], {highest: value})
                self.note(False, key, value)
        self.equations[highest] = value
        self.note(False, highest, value)

    def derive(
        self, target: Vector, derivation: Derivation, replaced: dict[int, Vector], step: str, rule: str
    ) -> None:
        """Accept `target >= 0` when the facts' sum is the target, modulo the cell's equations."""
        terms = [(-1, 1, target)]
        for kind, k, factor in derivation.terms:
            terms += self.weighed(kind, k, factor, step, rule)
        rest = substitute(combine(terms), replaced)
        if rest != ZERO:
            raise Invalid(step, rule, f"the facts less the target leave {self.words(rest)}, expected 0")

    def words(self, vector: Vector) -> str:
        """The beginning of a vector, for a message."""
        n, d, entries = vector
        parts = []
        for b in sorted(entries)[:4]:
            i = b - 1 - self.inputs
            name = "" if b == 0 else f" x[{b - 1}]" if i < 0 else f" r[{i}]"
            p, q = coefficient((n, d, entries), b)
            number = f"{p}" if q == 1 else f"{p}/{q}"
            parts.append((number if len(number) < 40 else number[:37] + "...") + name)
        return (" + ".join(parts) or "0") + (" + ..." if len(entries) > 4 else "")


def affine(node: Node, values: list[list[Vector]]) -> Iterator[Vector]:
    """Each preactivation of a node, from the vectors of its sources."""
    for i, (p, q) in enumerate(node.bias):
        terms = [(p, q, ONE)]
        for source, rows in node.sources:
            vectors = values[source]
            terms += [(a, b, vectors[j]) for j, a, b in rows[i]]
        yield combine(terms)


def expressions(network: Network, steps: list[Step], context: Context, name: str) -> list[Vector]:
    """The outputs' expressions, every neuron's step accepted on the way."""
    count = sum(len(node.bias) for node in network.nodes if node.relu)
    given = sum(step.rule not in LEARNING for step in steps)
    if given != count:
        raise Invalid(f"network {name}", "one step per neuron", f"{given} steps for {count} neurons")
    values = [[(1, 1, {1 + i: 1}) for i in range(network.inputs)]]
    waiting = enumerate(steps)
    for node in network.nodes:
        if node.relu:
            values.append([neuron(u, waiting, context, name) for u in affine(node, values)])
        else:
            values.append(list(affine(node, values)))
    for place, step in waiting:  # only steps that belong to no neuron are left
        context.learn(step, f"{name}, step {place}")
    return values[-1]


def neuron(u: Vector, waiting: Iterator[tuple[int, Step]], context: Context, name: str) -> Vector:
    """A neuron's expression from its preactivation u, by the next step that belongs to one."""
    place, step = next(waiting)
    while step.rule in LEARNING:
        context.learn(step, f"{name}, step {place}")
        place, step = next(waiting)
    at, rule = f"{name}, step {place}", step.rule
    u = substitute(u, context.equations)
    if rule == "atom":
        context.atoms.append(u)
        return context.unit(len(context.atoms) - 1)
    if rule == "scaled":
        e, (p, q) = context.atom(step.atom, at, rule), step.factor
        if u != substitute(scale(p, q, e), context.equations):
            rest = substitute(combine([(1, 1, u), (-p, q, e)]), context.equations)
            raise Invalid(at, rule, f"u - s * e[{step.atom}] is {context.words(rest)}, expected 0")
        return context.multiple(step.atom, step.factor)
    if rule == "constant":
        if any(u[2].keys() - {0}):
            raise Invalid(at, rule, f"u is {context.words(u)}, expected a constant")
        return u if u[2].get(0, 0) > 0 else ZERO
    if rule == "active":
        context.derive(u, step.derivations[0], context.equations, at, rule)
        return u
    context.derive(scale(-1, 1, u), step.derivations[0], context.equations, at, rule)  # inactive
    return ZERO


# ---- the case tree -----------------------------------------------------------------------------


class Cell:
    """The cell that the walk is in: its and the learnt equations, and the differences d_i reduced by them.

    Moving down and up changes this one object and a trail of what to restore, so that memory goes
    with what a choice changes, not with depth times width.
    """

    def __init__(self, context: Context, differences: list[Vector]) -> None:
        self.context = context
        # Invariant: no vector in either dictionary mentions an atom that is a key of `replaced`, which is the
        # context's own dictionary: a walk to the tree's end takes out again what it puts in.
        self.replaced = context.equations
        self.differences = {i: substitute(d, self.replaced) for i, d in enumerate(differences)}
        self.trail: list[list[tuple[dict[int, Vector], int, Vector]]] = []
        for i, d in self.differences.items():
            context.note(True, i, d)

    def choose(self, k: int, value: Vector) -> None:
        """Enter the part of the cell where r_k is the value: e_k, zero, or what another neuron makes it."""
        basis = 1 + self.context.inputs + k
        value = substitute(value, self.replaced)
        changed = []
        for in_difference, key in self.context.places.get(basis, ()):
            vectors = self.differences if in_difference else self.replaced
            vector = vectors.get(key, ZERO)
            if basis in vector[2]:
                changed.append((vectors, key, vector))
                vectors[key] = substitute(vector, {basis: value})
                self.context.note(in_difference, key, value)
        self.trail.append(changed)
        self.replaced[basis] = value
        self.context.note(False, basis, value)

    def leave(self, k: int) -> None:
        """Undo the last choice, which was on atom k."""
        del self.replaced[1 + self.context.inputs + k]
        for vectors, key, vector in self.trail.pop():
            vectors[key] = vector


def check_tree(tree: Sequence[TreeNode], context: Context, goal: Goal, where: str = "") -> None:
    """Accept the case tree, which is in preorder."""
    cell = Cell(context, goal.differences)
    # Invariant: `open_splits` has the path's atoms; True marks those with no further side to visit.
    open_splits: list[tuple[int, bool]] = []
    for place, node in enumerate(tree):
        at = f"{where}tree[{place}]"
        if node.rule in CHOOSING:
            cell.choose(node.atom, chosen_value(node, cell, at))
            # The inactive side of a split is still to come.
            open_splits.append((node.atom, node.rule != "split"))
            continue
        check_leaf(node, cell, goal, at)
        while open_splits:
            k, last_side = open_splits.pop()
            cell.leave(k)
            if not last_side:
                cell.choose(k, ZERO)
                open_splits.append((k, True))
                break


def chosen_value(node: TreeNode, cell: Cell, at: str) -> Vector:
    """What r_k is in the first child of a node that chooses atom k, the node accepted."""
    context, rule = cell.context, node.rule
    e = context.atom(node.atom, at, rule)
    atoms = (node.atom, node.below) if rule == "same" else (node.atom,)
    for k in atoms:
        if 1 + context.inputs + k in cell.replaced:
            raise Invalid(at, rule, f"atom {k} is chosen or learnt already")
    if rule == "same":
        (p, q), k = node.factor, node.below
        if k >= node.atom:
            raise Invalid(at, rule, f"atom {k} is not before atom {node.atom}")
        other = context.atom(k, at, rule)
        rest = substitute(combine([(1, 1, e), (-p, q, other)]), cell.replaced)
        if rest != ZERO:
            raise Invalid(at, rule, f"e[{node.atom}] - s * e[{k}] is {context.words(rest)}, expected 0")
        return context.multiple(k, node.factor)
    if rule != "split":
        side = e if rule == "active" else scale(-1, 1, e)
        context.derive(side, node.derivations[0], cell.replaced, at, rule)
    return ZERO if rule == "inactive" else e


def check_leaf(node: TreeNode, cell: Cell, goal: Goal, at: str) -> None:
    """Accept a leaf in its cell."""
    rule = node.rule
    if rule == "infeasible":
        cell.context.derive(scale(-1, 1, ONE), node.derivations[0], cell.replaced, at, rule)
    elif rule == "equal":
        # The same decision is had by outputs that differ by one and the same amount.
        expected = ZERO if goal.tolerance is not None else cell.differences[0]
        for i, d in cell.differences.items():
            if d != expected:
                words = cell.context.words
                raise Invalid(
                    f"{at}, output {i}", rule, f"the difference is {words(d)}, expected {words(expected)}"
                )
    elif rule == "bounded":
        if goal.tolerance is None:
            raise Invalid(at, rule, "a bound says nothing about decisions")
        check_bounded(node, cell, goal.tolerance, at)
    else:  # decided
        if goal.tolerance is not None:
            raise Invalid(at, rule, "decisions say nothing about differences")
        check_decided(node, cell, goal.outputs, at)


def check_bounded(node: TreeNode, cell: Cell, tolerance: Fraction, at: str) -> None:
    """Accept a leaf that bounds every difference by the tolerance."""
    if len(node.bounds) != len(cell.differences):
        raise Invalid(at, node.rule, f"{len(node.bounds)} bounds for {len(cell.differences)} outputs")
    for i, pair in enumerate(node.bounds):
        d, place = cell.differences[i], f"{at}, output {i}"
        if pair is not None:
            for sign, derivation in zip((-1, 1), pair, strict=True):
                target = combine([(*tolerance, ONE), (sign, 1, d)])
                cell.context.derive(target, derivation, cell.replaced, place, node.rule)
        elif d != ZERO:
            raise Invalid(place, node.rule, f"the difference is {cell.context.words(d)}, expected 0")


def check_decided(node: TreeNode, cell: Cell, outputs: tuple[list[Vector], list[Vector]], at: str) -> None:
    """Accept a leaf that excludes every two decisions that are not the same."""
    count = len(outputs[0])
    if len(node.exclusions) != count:
        raise Invalid(at, node.rule, f"{len(node.exclusions)} entries for {count} outputs")
    for i, entry in enumerate(node.exclusions):
        if isinstance(entry, Derivation):
            exclude(cell, entry, outputs, (i, None), f"{at}, output {i}", node.rule)
            continue
        if len(entry) != count - 1:
            raise Invalid(f"{at}, output {i}", node.rule, f"{len(entry)} exclusions for {count - 1} outputs")
        others = (j for j in range(count) if j != i)
        for j, exclusion in zip(others, entry, strict=True):
            exclude(cell, exclusion, outputs, (i, j), f"{at}, outputs {i} and {j}", node.rule)


def exclude(
    cell: Cell,
    exclusion: Derivation,
    outputs: tuple[list[Vector], list[Vector]],
    decisions: tuple[int, int | None],
    at: str,
    rule: str,
) -> None:
    """Accept that in the cell A and B do not have these decisions (None: whatever B's is)."""
    terms: list[tuple[int, int, Vector]] = []
    strict = False
    for kind, k, (p, q) in exclusion.terms:
        if kind not in ("a", "b"):
            terms += cell.context.weighed(kind, k, (p, q), at, rule)
            strict = strict or kind == "one"
            continue
        best, values = decisions[kind == "b"], outputs[kind == "b"]
        assert best is not None  # an exclusion whatever B's decision is has no fact of B
        if k >= len(values):
            raise Invalid(at, rule, f"output {k} does not exist, only {len(values)} do")
        terms += [(p, q, values[best]), (-p, q, values[k])]
        strict = strict or k < best
    rest = substitute(combine(terms), cell.replaced)
    if rest != ZERO:
        raise Invalid(at, rule, f"the facts' sum is {cell.context.words(rest)}, expected 0")
    if not strict:
        raise Invalid(at, rule, "expected a strict fact, found none")


# ---- reading certificates ----------------------------------------------------------------------


class Step(NamedTuple):
    """How one neuron gets its expression, or what is learnt before it."""

    rule: str
    atom: int = 0
    factor: Fraction = (1, 1)
    derivations: Sequence[Derivation] = ()
    terms: Terms = ()  # of the expression of `zero` or `bound`
    tree: Sequence[TreeNode] = ()


class TreeNode(NamedTuple):
    """One node of the case tree."""

    rule: str
    atom: int = 0
    derivations: Sequence[Derivation] = ()
    bounds: Sequence[tuple[Derivation, Derivation] | None] = ()
    exclusions: Sequence[Derivation | list[Derivation]] = ()  # by A's decision: with any or each other of B's
    below: int = 0  # k of `same`, whose j is `atom`
    factor: Fraction = (1, 1)


class Certificate(NamedTuple):
    """A certificate as read; `domain` in rows (sparse row, bound)."""

    claim: str
    a: str
    b: str
    domain: list[tuple[Row, Fraction]]
    tolerance: Fraction | None  # None for a claim about decisions
    steps: tuple[list[Step], list[Step]]
    tree: list[TreeNode]
    witness: tuple[list[Fraction], list[Fraction], list[Fraction]]


def read_certificate(document: Any) -> Certificate:
    """A certificate from its document."""
    where = "certificate"
    name, version, claim, a, b, domain, tolerance, proof = fields(
        document, where, "format", "version", "claim", "a", "b", "domain", "tolerance", "proof"
    )
    if name != "exactre-certificate":
        raise Malformed(f"{where}.format: expected 'exactre-certificate', found {show(name)}")
    if type(version) is not int or version != 1:
        raise Malformed(f"{where}.version: expected 1, found {show(version)}")
    for side, value in (("a", a), ("b", b)):
        if not HASH.fullmatch(text(value, f"{where}.{side}")):
            raise Malformed(f"{where}.{side}: expected 64 hexadecimal digits, found {show(value)}")
    rows = [] if domain is None else array(domain, f"{where}.domain")
    polyhedron = [_read_domain_row(row, f"{where}.domain[{i}]") for i, row in enumerate(rows)]
    if claim not in CLAIMS:
        raise Malformed(f"{where}.claim: expected one of {', '.join(CLAIMS)}, found {show(claim)}")
    allowed = None
    if claim.endswith("argmax"):
        if tolerance is not None:
            raise Malformed(f"{where}.tolerance: expected null for this claim, found {show(tolerance)}")
    else:
        allowed = rational(tolerance, f"{where}.tolerance")
        if allowed[0] < 0:
            raise Malformed(f"{where}.tolerance: expected a number >= 0, found {show(tolerance)}")
    steps: tuple[list[Step], list[Step]] = [], []
    tree: list[TreeNode] = []
    witness: tuple[list[Fraction], list[Fraction], list[Fraction]] = [], [], []
    if claim in ("equivalent", "same-argmax"):
        steps_a, steps_b, nodes = fields(proof, f"{where}.proof", "a", "b", "tree")
        steps = read_steps(steps_a, f"{where}.proof.a"), read_steps(steps_b, f"{where}.proof.b")
        tree = read_tree(nodes, f"{where}.proof.tree")
    else:
        names = ("input", "output_a", "output_b")
        x, y, z = fields(proof, f"{where}.proof", *names)
        lists = [rationals(v, f"{where}.proof.{n}") for n, v in zip(names, (x, y, z), strict=True)]
        witness = lists[0], lists[1], lists[2]
    return Certificate(claim, a, b, polyhedron, allowed, steps, tree, witness)


def _read_domain_row(value: Any, where: str) -> tuple[Row, Fraction]:
    entries, bound = array(value, where, 2)
    row: Row = []
    for entry in array(entries, where):
        j, number = array(entry, where, 2)
        p, q = rational(number, where)
        if p == 0 or (row and index(j, where) <= row[-1][0]):
            raise Malformed(f"{where}: expected ascending indices and no zeros, found {show(entry)}")
        row.append((index(j, where), p, q))
    return row, rational(bound, where)


def read_terms(value: Any, where: str, kinds: tuple[str, ...]) -> Terms:
    """(kind, index, rational) triples, each kind one of `kinds`."""
    terms = []
    for i, item in enumerate(array(value, where)):
        kind, k, number = array(item, f"{where}[{i}]", 3)
        if kind not in kinds:
            raise Malformed(f"{where}[{i}]: expected one of {', '.join(kinds)}, found {show(kind)}")
        if index(k, f"{where}[{i}]") != 0 and kind == "one":
            raise Malformed(f"{where}[{i}]: expected index 0 for 'one', found {k}")
        terms.append((kind, k, rational(number, where, i)))
    return terms


def read_derivation(value: Any, where: str, *more: str) -> Derivation:
    """A derivation, or with `more` kinds of facts an exclusion, from its list of triples."""
    terms = read_terms(value, where, (*FACTS, *more))
    for i, (_, _, (p, q)) in enumerate(terms):
        if p <= 0:
            raise Malformed(f"{where}[{i}]: expected a multiplier > 0, found {show(f'{p}/{q}')}")
    return Derivation(terms)


def read_steps(value: Any, where: str) -> list[Step]:
    """Steps from their run-length form; more neurons than MAX_INPUTS are refused."""
    steps: list[Step] = []
    for i, item in enumerate(array(value, where)):
        at = f"{where}[{i}]"
        rule = array(item, at)[0] if item else None
        if rule in ("atom", "constant"):
            count = index(array(item, at, 2)[1], at, 1)
            if len(steps) + count > MAX_INPUTS:
                raise Malformed(f"{at}: expected at most {MAX_INPUTS} neurons, found {count} more")
            steps += [Step(rule)] * count
        elif rule == "scaled":
            atoms = array(array(item, at, 3)[1], at)
            factors = rationals(item[2], at, len(atoms))
            if not atoms or any(p == 0 for p, _ in factors):
                raise Malformed(f"{at}: expected at least one factor and none that is zero")
            steps += [Step(rule, index(k, at), s) for k, s in zip(atoms, factors, strict=True)]
        elif rule in ("active", "inactive"):
            steps.append(Step(rule, derivations=[read_derivation(array(item, at, 2)[1], at)]))
        elif rule == "zero":
            terms = read_terms(array(item, at, 3)[1], at, PARTS)
            steps.append(Step(rule, terms=terms, tree=read_tree(item[2], at)))
        elif rule == "bound":
            atom, expression, *derivations = array(item, at, 5)[1:]
            terms = read_terms(expression, at, PARTS)
            steps.append(
                Step(rule, index(atom, at), (1, 1), [read_derivation(d, at) for d in derivations], terms)
            )
        else:
            raise Malformed(f"{at}: unknown step {show(rule)}")
    return steps


def read_tree(value: Any, where: str) -> list[TreeNode]:
    """The case tree in preorder; it must end where the list ends."""
    tree: list[TreeNode] = []
    missing = 1  # subtrees still to come
    for i, item in enumerate(array(value, where)):
        at = f"{where}[{i}]"
        if missing == 0:
            raise Malformed(f"{at}: the tree has ended before this node")
        missing -= 1
        rule = array(item, at)[0] if item else None
        if rule == "split":
            tree.append(TreeNode(rule, atom=index(array(item, at, 2)[1], at)))
            missing += 2
        elif rule in ("active", "inactive"):
            k, derivation = array(item, at, 3)[1:]
            tree.append(TreeNode(rule, index(k, at), [read_derivation(derivation, at)]))
            missing += 1
        elif rule == "same":
            j, k, s = array(item, at, 4)[1:]
            factor = rational(s, at)
            if factor[0] == 0:
                raise Malformed(f"{at}: expected a factor that is not zero")
            tree.append(TreeNode(rule, index(j, at), below=index(k, at), factor=factor))
            missing += 1
        elif rule == "infeasible":
            tree.append(TreeNode(rule, derivations=[read_derivation(array(item, at, 2)[1], at)]))
        elif rule == "equal":
            array(item, at, 1)
            tree.append(TreeNode(rule))
        elif rule == "bounded":
            tree.append(TreeNode(rule, bounds=_read_bounds(array(item, at, 2)[1], at)))
        elif rule == "decided":
            entries = array(array(item, at, 2)[1], at)
            tree.append(TreeNode(rule, exclusions=[_read_exclusions(entry, at) for entry in entries]))
        else:
            raise Malformed(f"{at}: unknown node {show(rule)}")
    if missing:
        raise Malformed(f"{where}: the tree ends early, {missing} subtrees are missing")
    return tree


def _read_bounds(value: Any, where: str) -> list[tuple[Derivation, Derivation] | None]:
    pairs: list[tuple[Derivation, Derivation] | None] = []
    for pair in array(value, where):
        if pair is None:
            pairs.append(None)
        else:
            upper, lower = (read_derivation(d, where) for d in array(pair, where, 2))
            pairs.append((upper, lower))
    return pairs


def _read_exclusions(value: Any, where: str) -> Derivation | list[Derivation]:
    word, given = array(value, where, 2)
    if word == "never":
        return read_derivation(given, where, "a")
    if word != "pairs":
        raise Malformed(f"{where}: expected never or pairs, found {show(word)}")
    return [read_derivation(exclusion, where, "a", "b") for exclusion in array(given, where)]


# ---- the claims --------------------------------------------------------------------------------


def check_documents(certificate: Any, a: Any, b: Any) -> None:
    """Accept a certificate for two network documents, or raise Malformed or Invalid."""
    with long_integers():
        claim = read_certificate(certificate)
        networks = read_network(a, "A"), read_network(b, "B")
        check_claim(claim, *networks)


def check_claim(claim: Certificate, a: Network, b: Network) -> None:
    """Accept a certificate for two networks, or raise Invalid."""
    for name, network, sha256 in (("A", a, claim.a), ("B", b, claim.b)):
        if network.sha256 != sha256:
            raise Invalid(f"network {name}", "hash", f"{network.sha256}, the certificate is for {sha256}")
    sizes = [(network.inputs, len(network.nodes[-1].bias)) for network in (a, b)]
    if sizes[0] != sizes[1]:
        raise Invalid("networks", "same inputs and outputs", f"A has {sizes[0]}, B has {sizes[1]}")
    if claim.claim.startswith("different"):
        check_witness(claim, a, b)
        return
    context = Context(a.inputs, domain_facts(claim, a.inputs))
    out_a = expressions(a, claim.steps[0], context, "A")
    out_b = expressions(b, claim.steps[1], context, "B")
    differences = [combine([(1, 1, p), (-1, 1, q)]) for p, q in zip(out_a, out_b, strict=True)]
    check_tree(claim.tree, context, Goal(differences, claim.tolerance, (out_a, out_b)))


def domain_facts(claim: Certificate, inputs: int) -> list[Vector]:
    """b - a . x of every row of the domain."""
    facts = []
    for i, (row, bound) in enumerate(claim.domain):
        for j, _, _ in row:
            if j >= inputs:
                raise Invalid(f"domain[{i}]", "domain", f"input {j} does not exist, only {inputs} do")
        facts.append(combine([(*bound, ONE), *((-p, q, (1, 1, {1 + j: 1})) for j, p, q in row)]))
    return facts


def check_witness(claim: Certificate, a: Network, b: Network) -> None:
    """Accept a point of the domain at which outputs differ beyond the tolerance, or decisions differ."""
    x, *claimed = claim.witness
    if len(x) != a.inputs:
        raise Invalid("witness.input", "length", f"{len(x)} coordinates for {a.inputs} inputs")
    point = [scale(p, q, ONE) for p, q in x]
    for i, fact in enumerate(domain_facts(claim, a.inputs)):
        value = substitute(fact, {1 + j: v for j, v in enumerate(point)})
        if coefficient(value, 0)[0] < 0:
            raise Invalid("witness.input", f"domain[{i}]", f"the slack is {value_text(value)}, expected >= 0")
    outputs = [evaluate(network, point) for network in (a, b)]
    for name, values, stated in zip(("output_a", "output_b"), outputs, claimed, strict=True):
        if [scale(p, q, ONE) for p, q in stated] != values:
            raise Invalid(f"witness.{name}", "value", f"computed {', '.join(map(value_text, values[:4]))}")
    if claim.tolerance is None:
        first, second = (decision(values) for values in claimed)
        if first == second:
            raise Invalid("witness", "decision", f"both decide {first}")
        return
    t, u = claim.tolerance
    for p, q in zip(*outputs, strict=True):
        n, d = coefficient(combine([(1, 1, p), (-1, 1, q)]), 0)
        if abs(n) * u > t * d:
            return
    raise Invalid("witness", "difference", f"no output differs by more than {t}/{u}")


def decision(values: list[Fraction]) -> int:
    """The first index of a greatest value."""
    best = 0
    for k, (p, q) in enumerate(values):
        if p * values[best][1] > values[best][0] * q:
            best = k
    return best


def evaluate(network: Network, point: list[Vector]) -> list[Vector]:
    """The network's exact outputs at a point, every value a multiple of ONE."""
    values = [point]
    for node in network.nodes:
        out = list(affine(node, values))
        values.append([u if u[2].get(0, 0) > 0 else ZERO for u in out] if node.relu else out)
    return values[-1]


def value_text(value: Vector) -> str:
    """A constant vector as a short text."""
    p, q = coefficient(value, 0)
    return show(f"{p}/{q}")


@contextmanager
def long_integers() -> Iterator[None]:
    """Let Python print and read integers of any length that the format allows."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def main(arguments: list[str]) -> int:
    """Run on three paths; the exit code."""
    if len(arguments) != 3:
        print("usage: python -I check.py CERT.json A.json B.json", file=sys.stderr)
        return 2
    gc.disable()  # all that is read is kept to the end: a third of the time would go into walking over it
    try:
        check_documents(*(read_json(path) for path in arguments))
    except Invalid as error:
        print(f"invalid\n{error}")
        return 1
    except (Malformed, OSError) as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    except MemoryError:
        print("out of memory", file=sys.stderr)
        return 2
    print("valid")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
