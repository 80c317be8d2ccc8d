"""`Region`: activation pattern -> closed polyhedron, and the exact affine maps of the network on it.

The polyhedron is where every hidden preactivation has the sign that the pattern says, zero included: cells
are closed, and neighbouring cells share their faces. A sign 0 keeps the point on the boundary itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm

from flint import fmpz, fmpz_mat

from exactre.errors import ShapeError
from exactre.network import INPUT, Network
from exactre.rational import Matrix, Points, Rational

Pattern = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Affine:
    """The affine map `x -> weight x + bias`: weight (m, n), bias (m, 1), exact over Q."""

    weight: Matrix
    bias: Matrix

    def __call__(self, points: Iterable[Sequence[Rational]]) -> Points:
        """Exact values (count, m) at points (count, n)."""
        batch = Points.of(points, self.weight.shape[1])
        ones = fmpz_mat(len(batch), 1, [1] * len(batch))
        scale = batch.den * self.weight.den
        num = self.weight.apply_t(batch.num) * self.bias.den + ones * self.bias.num_t * scale
        return Points(num, scale * self.bias.den)


@dataclass(frozen=True)
class Region:
    """One closed cell of a network: `A x <= b`, with equality at the rows in `equal`.

    A is (neurons, n), b is (neurons, 1): one row for each ReLU neuron, in the order of `neurons`, which names
    (node, index). `forms` holds the affine map of every node on the cell, before its ReLU; `output`
    is the network's. Exact over Q.
    """

    neurons: tuple[tuple[str, int], ...]
    signs: tuple[int, ...]
    A: Matrix
    b: Matrix
    equal: tuple[int, ...]
    forms: Mapping[str, Affine]
    output: Affine

    def __contains__(self, point: Sequence[Rational]) -> bool:
        slack = Affine(self.A.scale(-1), self.b)([point]).num.entries()
        return all(v == 0 if i in self.equal else v >= 0 for i, v in enumerate(slack))


def region(net: Network, pattern: Pattern) -> Region:
    """The closed cell of an activation pattern: signs (-1, 0, 1) of every hidden preactivation, by node.

    The cell may be empty or flat: `exactre.lp.feasible` decides. Raises ShapeError when the pattern does
    not name every hidden neuron of the network.
    """
    expected = {node.name: node.width for node in net.hidden}
    found = {name: len(signs) for name, signs in pattern.items()}
    if found != expected:
        raise ShapeError(f"expected a pattern with the widths {expected}, found {found}")
    if not all(sign in (-1, 0, 1) for signs in pattern.values() for sign in signs):
        raise ShapeError("expected the signs -1, 0 and 1 in a pattern")
    forms = _forms(net, pattern)
    neurons = tuple((node.name, j) for node in net.hidden for j in range(node.width))
    signs = tuple(sign for node in net.hidden for sign in pattern[node.name])
    A, b = _stack([forms[node.name] for node in net.hidden], signs, net.input_dim)
    equal = tuple(i for i, sign in enumerate(signs) if sign == 0)
    last = net.nodes[-1]
    output = forms[last.name]
    if last.relu:
        output = _split(_relu(_join(output), pattern[last.name]))
    return Region(neurons, signs, A, b, equal, forms, output)


def _forms(net: Network, pattern: Pattern) -> dict[str, Affine]:
    """Affine map of every node before its ReLU, from the identity on the input upwards."""
    n = net.input_dim
    identity = [[int(i == j) for j in range(n + 1)] for i in range(n)]
    values = {INPUT: Matrix.from_rows(identity)}
    forms = {}
    for node in net.nodes:
        total = Matrix(_column_last(node.bias.num, n), node.bias.den)
        for source, weight in node.inputs:
            total = total + weight @ values[source]
        forms[node.name] = _split(total)
        values[node.name] = _relu(total, pattern[node.name]) if node.relu else total
    return forms


def _column_last(column: fmpz_mat, n: int) -> fmpz_mat:
    flat: list[int | fmpz] = []
    for v in column.entries():
        flat += [0] * n
        flat.append(v)
    return fmpz_mat(column.nrows(), n + 1, flat)


def _relu(joined: Matrix, signs: Sequence[int]) -> Matrix:
    """The rows of inactive neurons set to zero."""
    n = joined.shape[1]
    flat: list[int | fmpz] = []
    for row, sign in zip(joined.num.tolist(), signs, strict=True):
        if sign > 0:
            flat += row
        else:
            flat += [0] * n
    return Matrix(fmpz_mat(*joined.shape, flat), joined.den)


def _join(form: Affine) -> Matrix:
    """(weight | bias) as one matrix (m, n + 1)."""
    den = lcm(form.weight.den, form.bias.den)
    p, q = den // form.weight.den, den // form.bias.den
    m, n = form.weight.shape
    rows, last = form.weight.num.tolist(), form.bias.num.entries()
    flat: list[int | fmpz] = []
    for row, c in zip(rows, last, strict=True):
        flat += [a * p for a in row]
        flat.append(c * q)
    return Matrix(fmpz_mat(m, n + 1, flat), den)


def _split(joined: Matrix) -> Affine:
    m, n = joined.shape
    rows = joined.num.tolist()
    weight = Matrix(fmpz_mat(m, n - 1, [v for row in rows for v in row[:-1]]), joined.den)
    return Affine(weight, Matrix(fmpz_mat(m, 1, [row[-1] for row in rows]), joined.den))


def _stack(forms: Sequence[Affine], signs: Sequence[int], n: int) -> tuple[Matrix, Matrix]:
    """A x <= b that says `-sign u <= 0` (`u <= 0` for sign 0) for every preactivation u."""
    den = lcm(*(m.den for form in forms for m in (form.weight, form.bias)))
    a, b = [], []
    for form in forms:
        p, q = den // form.weight.den, den // form.bias.den
        a += [[v * p for v in row] for row in form.weight.num.tolist()]
        b += [-v * q for v in form.bias.num.entries()]
    flips = [-1 if sign > 0 else 1 for sign in signs]
    A = fmpz_mat(len(a), n, [v * f for row, f in zip(a, flips, strict=True) for v in row])
    return Matrix(A, den), Matrix(fmpz_mat(len(b), 1, [v * f for v, f in zip(b, flips, strict=True)]), den)
