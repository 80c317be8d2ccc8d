"""Exact affine forms over the values of ReLU nodes: what a graph of operators is read into.

A reader gives every tensor its affine form over the input and the ReLUs before it, so that consecutive
affine operators fold into one exact map. `Rows` holds the forms, `Tensor` arranges them: reshapes,
transposes and concatenations touch only its index array, never a weight. `Builder` collects the ReLUs
and makes the Network.

    input -> Rows -> relu -> Rows -> ... -> Rows -> Network
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import lcm

import numpy as np
from flint import fmpz, fmpz_mat
from numpy.typing import NDArray

from exactre.errors import FormatError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Monomial:
    """Matrix (count, width) with one entry per row: `factors[i]` in column `index[i]`; exact over Q.

    A selection, permutation or scaling of a wide source stays as small as its rows.
    """

    index: Index
    factors: Matrix
    width: int

    def dense(self) -> Matrix:
        """The same matrix, written out."""
        num = fmpz_mat(len(self.index), self.width)
        for i, (j, v) in enumerate(zip(self.index.tolist(), self.factors.num.entries(), strict=True)):
            num[i, j] = v
        return Matrix(num, self.factors.den)

    def is_identity(self) -> bool:
        """True when the matrix is the identity."""
        ones = self.factors.den == 1 and all(v == 1 for v in self.factors.num.entries())
        return ones and np.array_equal(self.index, np.arange(self.width))


Term = Matrix | Monomial


@dataclass(frozen=True, eq=False)
class Rows:
    """Affine forms (count,): the sum of `terms[k]` @ value of source k, plus `bias` (count, 1); exact.

    Source 0 is the network's input, source k the k-th ReLU. No terms: constants.
    """

    terms: Mapping[int, Term]
    bias: Matrix

    @property
    def count(self) -> int:
        """Number of forms."""
        return self.bias.shape[0]

    def select(self, index: Index) -> Rows:
        """Forms `index` (count',), in that order."""
        if np.array_equal(index, np.arange(self.count)):
            return self
        return Rows(
            {k: _select(term, index) for k, term in self.terms.items()}, _select_rows(self.bias, index)
        )

    def scale(self, factors: Matrix) -> Rows:
        """Form i times `factors[i]`; factors (count, 1)."""
        return Rows(
            {k: _scale(term, factors) for k, term in self.terms.items()}, _scale_rows(self.bias, factors)
        )

    def apply(self, weight: Matrix) -> Rows:
        """Forms `weight` @ self; weight (m, count)."""
        return Rows({k: _apply(weight, term) for k, term in self.terms.items()}, weight @ self.bias)

    def __add__(self, other: Rows) -> Rows:
        terms = dict(self.terms)
        for k, term in other.terms.items():
            terms[k] = _add(terms[k], term) if k in terms else term
        return Rows(terms, self.bias + other.bias)


@dataclass(frozen=True, eq=False)
class Tensor:
    """Array of affine forms: element p is form `index[p]` of `rows`."""

    rows: Rows
    index: Index

    @classmethod
    def of(cls, rows: Rows, shape: Sequence[int]) -> Tensor:
        """The forms in row-major order."""
        return cls(rows, np.arange(rows.count, dtype=np.int64).reshape(shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.index.shape

    @property
    def is_constant(self) -> bool:
        """True when no element depends on the network's input."""
        return not self.rows.terms

    def flat(self) -> Rows:
        """The elements' forms in row-major order."""
        return self.rows.select(self.index.ravel())


def stack(parts: Sequence[Rows]) -> Rows:
    """The forms of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    sources = sorted({k for part in parts for k in part.terms})
    terms = {k: _stack_terms([(part.terms.get(k), part.count) for part in parts]) for k in sources}
    return Rows(terms, _stack_rows([part.bias for part in parts]))


class Builder:
    """Collects the ReLUs of a graph and makes the Network; `input_dim` inputs."""

    def __init__(self, input_dim: int) -> None:
        self._widths = [input_dim]
        self._relus: list[Rows] = []

    def input(self) -> Rows:
        """The input's coordinates as forms."""
        return self._identity(0)

    def relu(self, rows: Rows) -> Rows:
        """ReLU of every form: constants stay constants, anything else is a new source."""
        if not rows.terms:
            num = fmpz_mat(rows.count, 1, [v if v > 0 else 0 for v in rows.bias.num.entries()])
            return Rows({}, Matrix(num, rows.bias.den))
        self._relus.append(rows)
        self._widths.append(rows.count)
        return self._identity(len(self._relus))

    def network(self, output: Rows) -> Network:
        """Network of the forms `output`: its ReLUs that the output depends on, and an affine output node.

        A chain of them is a layered network. Names are those of `Network.layered`.
        """
        if not output.terms:
            zero = Monomial(np.zeros(output.count, np.int64), _constant(0, output.count), self._widths[0])
            output = Rows({0: zero}, output.bias)
        needed = set(output.terms)
        for k in range(len(self._relus), 0, -1):
            if k in needed:
                needed.update(self._relus[k - 1].terms)
        names = {0: INPUT}
        nodes: list[Node] = []
        for k in sorted(needed - {0}):
            names[k] = f"layer{len(nodes) + 1}"
            nodes.append(self._node(names[k], True, self._relus[k - 1], names))
        return Network(self._widths[0], [*nodes, self._node("output", False, output, names)])

    def _node(self, name: str, relu: bool, rows: Rows, names: Mapping[int, str]) -> Node:
        return Node(name, relu, tuple((names[k], _dense(term)) for k, term in rows.terms.items()), rows.bias)

    def _identity(self, source: int) -> Rows:
        width = self._widths[source]
        term = Monomial(np.arange(width, dtype=np.int64), _constant(1, width), width)
        return Rows({source: term}, _constant(0, width))


def _dense(term: Term) -> Matrix:
    return term if isinstance(term, Matrix) else term.dense()


def _select(term: Term, index: Index) -> Term:
    if isinstance(term, Matrix):
        return _select_rows(term, index)
    return Monomial(term.index[index], _select_rows(term.factors, index), term.width)


def _scale(term: Term, factors: Matrix) -> Term:
    if isinstance(term, Matrix):
        return _scale_rows(term, factors)
    return Monomial(term.index, _scale_rows(term.factors, factors), term.width)


def _apply(weight: Matrix, term: Term) -> Matrix:
    if isinstance(term, Matrix):
        return weight @ term
    if term.is_identity():
        return weight
    # Each column of the weight lands, scaled, in the column that its row of the monomial names.
    columns = list(zip(term.index.tolist(), term.factors.num.entries(), strict=True))
    flat = []
    for row in _row_lists(weight):
        scattered = [fmpz(0)] * term.width
        for v, (j, factor) in zip(row, columns, strict=True):
            scattered[j] += v * factor
        flat += scattered
    return Matrix(fmpz_mat(weight.shape[0], term.width, flat), weight.den * term.factors.den)


def _add(a: Term, b: Term) -> Term:
    if isinstance(a, Monomial) and isinstance(b, Monomial) and np.array_equal(a.index, b.index):
        return Monomial(a.index, a.factors + b.factors, a.width)
    return _dense(a) + _dense(b)


def _stack_terms(parts: Sequence[tuple[Term | None, int]]) -> Term:
    """Terms over one source on top of each other; None stands for `count` rows of zeros."""
    width = next(_width(term) for term, _ in parts if term is not None)
    terms = [
        Monomial(np.zeros(count, np.int64), _constant(0, count), width) if term is None else term
        for term, count in parts
    ]
    monomials = [term for term in terms if isinstance(term, Monomial)]
    if len(monomials) == len(terms):
        index = np.concatenate([term.index for term in monomials])
        return Monomial(index, _stack_rows([term.factors for term in monomials]), width)
    return _stack_rows([_dense(term) for term in terms])


def _width(term: Term) -> int:
    return term.shape[1] if isinstance(term, Matrix) else term.width


def _constant(value: int, count: int) -> Matrix:
    return Matrix(fmpz_mat(count, 1, [value] * count))


def _row_lists(matrix: Matrix) -> list[list[fmpz]]:
    flat, (m, n) = matrix.num.entries(), matrix.shape
    return [flat[i * n : (i + 1) * n] for i in range(m)]


def _select_rows(matrix: Matrix, index: Index) -> Matrix:
    rows = _row_lists(matrix)
    flat = list(chain.from_iterable(rows[i] for i in index.tolist()))
    return Matrix(fmpz_mat(len(index), matrix.shape[1], flat), matrix.den)


def _scale_rows(matrix: Matrix, factors: Matrix) -> Matrix:
    pairs = zip(_row_lists(matrix), factors.num.entries(), strict=True)
    return Matrix(fmpz_mat(*matrix.shape, [v * f for row, f in pairs for v in row]), matrix.den * factors.den)


def _stack_rows(parts: Sequence[Matrix]) -> Matrix:
    den = lcm(*(part.den for part in parts))
    flat = list(chain.from_iterable((part.num * (den // part.den)).entries() for part in parts))
    return Matrix(fmpz_mat(sum(part.shape[0] for part in parts), parts[0].shape[1], flat), den)


def add(a: Tensor, b: Tensor) -> Tensor:
    """Element-wise sum with broadcasting. Raises FormatError when the shapes do not broadcast."""
    left, right = _broadcast(a.index, b.index)
    return Tensor.of(a.rows.select(left.ravel()) + b.rows.select(right.ravel()), left.shape)


def scale(a: Tensor, factors: Tensor) -> Tensor:
    """Element-wise product with constants, with broadcasting. Raises FormatError as `add` does."""
    left, right = _broadcast(a.index, factors.index)
    return Tensor.of(a.rows.select(left.ravel()).scale(factors.rows.select(right.ravel()).bias), left.shape)


def matmul(a: Tensor, weight_t: Matrix) -> Tensor:
    """Product of `a` (..., k) with a constant, given transposed: weight_t (m, k); result (..., m)."""
    *lead, k = a.index.shape
    if weight_t.shape[1] != k:
        raise FormatError(f"expected a factor of {k} rows, found {weight_t.shape[1]}")
    blocks = [a.rows.select(index).apply(weight_t) for index in a.index.reshape(-1, k)]
    return Tensor.of(stack(blocks), [*lead, weight_t.shape[0]])


def rearrange(a: Tensor, arrange: Callable[[Index], Index]) -> Tensor:
    """The same elements elsewhere: `arrange` is applied to the index array."""
    return Tensor(a.rows, arrange(a.index))


def _broadcast(a: Index, b: Index) -> tuple[Index, Index]:
    try:
        left, right = np.broadcast_arrays(a, b)
    except ValueError:
        raise FormatError(f"shapes {a.shape} and {b.shape} do not broadcast") from None
    return left, right
