"""Exact affine forms over the values of ReLU nodes: what a graph of operators is read into.

A reader gives every tensor its affine form over the input and the ReLUs before it, so that consecutive
affine operators fold into one exact map. `Rows` holds the forms, `Tensor` arranges them: reshapes,
transposes, slices and concatenations touch only its index array, never a weight. A selection, a
convolution or a pooling is a sparse term, which stays as small as its entries. `Builder` collects the ReLUs
and makes the Network.

    input -> Rows -> relu -> Rows -> ... -> Rows -> Network
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz_mat

from exactre.errors import FormatError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.sparse import Index, Sparse, integers


@dataclass(frozen=True, eq=False)
class Rows:
    """Affine forms (count,): the sum of `terms[k]` @ value of source k, plus `bias` (count, 1); exact.

    Source 0 is the network's input, source k the k-th node of the builder. No terms: constants.
    """

    terms: Mapping[int, Matrix]
    bias: Matrix

    @property
    def count(self) -> int:
        """Number of forms."""
        return self.bias.shape[0]

    def select(self, index: Index) -> Rows:
        """Forms `index` (count',), in that order."""
        if np.array_equal(index, np.arange(self.count)):
            return self
        return Rows({k: term.select(index) for k, term in self.terms.items()}, self.bias.select(index))

    def scale(self, factors: Matrix) -> Rows:
        """Form i times `factors[i]`; factors (count, 1)."""
        terms = {k: term.scale_rows(factors) for k, term in self.terms.items()}
        return Rows(terms, self.bias.scale_rows(factors))

    def times(self, factor: Fraction) -> Rows:
        """Every form times a number."""
        return self.scale(Matrix.column([factor] * self.count)) if factor != 1 else self

    def apply(self, weight: Matrix) -> Rows:
        """Forms `weight` @ self; weight (m, count)."""
        return Rows({k: _apply(weight, term) for k, term in self.terms.items()}, weight @ self.bias)

    def __add__(self, other: Rows) -> Rows:
        terms = dict(self.terms)
        for k, term in other.terms.items():
            terms[k] = terms[k] + term if k in terms else term
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


def constants(values: Sequence[Fraction]) -> Rows:
    """Forms that do not depend on the input."""
    return Rows({}, Matrix.column(values))


def stack(parts: Sequence[Rows]) -> Rows:
    """The forms of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    sources = sorted({k for part in parts for k in part.terms})
    terms = {k: _stack_terms([(part.terms.get(k), part.count) for part in parts]) for k in sources}
    return Rows(terms, Matrix.stack([part.bias for part in parts]))


class Builder:
    """Collects the ReLUs of a graph, and what is kept beside them, and makes the Network."""

    def __init__(self, input_dim: int) -> None:
        self._widths = [input_dim]
        self._nodes: list[tuple[bool, Rows]] = []  # ReLU or affine, and the forms before it

    def input(self) -> Rows:
        """The input's coordinates as forms."""
        return self._identity(0)

    def relu(self, rows: Rows) -> Rows:
        """ReLU of every form: constants stay constants, anything else is a new source."""
        if not rows.terms:
            num = fmpz_mat(rows.count, 1, [v if v > 0 else 0 for v in rows.bias.num.entries()])
            return Rows({}, Matrix(num, rows.bias.den))
        return self._source(True, rows)

    def keep(self, rows: Rows) -> Rows:
        """The same forms as a new affine source, where they are longer than a coordinate of a source each."""
        short = all(term.sparse is not None for term in rows.terms.values())
        entries = sum(len(term.sparse.values) for term in rows.terms.values() if term.sparse is not None)
        return rows if short and entries <= rows.count else self._source(False, rows)

    def network(self, output: Rows) -> Network:
        """Network of the forms `output`: the sources that the output depends on, and an affine output node.

        A chain of them is a layered network. Names are those of `Network.layered`.
        """
        if not output.terms:
            output = Rows({0: _zeros(output.count, self._widths[0])}, output.bias)
        needed = set(output.terms)
        for k in range(len(self._nodes), 0, -1):
            if k in needed:
                needed.update(self._nodes[k - 1][1].terms)
        names = {0: INPUT}
        nodes: list[Node] = []
        for k in sorted(needed - {0}):
            names[k] = f"layer{len(nodes) + 1}"
            nodes.append(self._node(names[k], *self._nodes[k - 1], names))
        return Network(self._widths[0], [*nodes, self._node("output", False, output, names)])

    def _node(self, name: str, relu: bool, rows: Rows, names: Mapping[int, str]) -> Node:
        return Node(name, relu, tuple((names[k], term.packed()) for k, term in rows.terms.items()), rows.bias)

    def _source(self, relu: bool, rows: Rows) -> Rows:
        self._nodes.append((relu, rows))
        self._widths.append(rows.count)
        return self._identity(len(self._nodes))

    def _identity(self, source: int) -> Rows:
        width = self._widths[source]
        return Rows({source: Matrix(Sparse.identity(width))}, Matrix(fmpz_mat(width, 1)))


def _apply(weight: Matrix, term: Matrix) -> Matrix:
    identity = term.sparse is not None and term.den == 1 and term.sparse.is_identity
    return weight if identity else weight @ term


def _stack_terms(parts: Sequence[tuple[Matrix | None, int]]) -> Matrix:
    """Terms over one source on top of each other; None stands for `count` rows of zeros."""
    width = next(term.shape[1] for term, _ in parts if term is not None)
    return Matrix.stack([_zeros(count, width) if term is None else term for term, count in parts])


def _zeros(count: int, width: int) -> Matrix:
    nothing = np.zeros(0, np.int64)
    return Matrix(Sparse.of((count, width), nothing, nothing, integers([])))


def add(a: Tensor, b: Tensor) -> Tensor:
    """Element-wise sum with broadcasting. Raises FormatError when the shapes do not broadcast."""
    left, right = _broadcast(a.index, b.index)
    return Tensor.of(a.rows.select(left.ravel()) + b.rows.select(right.ravel()), left.shape)


def scale(a: Tensor, factors: Tensor) -> Tensor:
    """Element-wise product with constants, with broadcasting. Raises FormatError as `add` does."""
    left, right = _broadcast(a.index, factors.index)
    return Tensor.of(a.rows.select(left.ravel()).scale(factors.rows.select(right.ravel()).bias), left.shape)


def times(a: Tensor, factor: Fraction) -> Tensor:
    """Every element times a number."""
    return Tensor(a.rows.times(factor), a.index)


def negative(a: Tensor) -> Tensor:
    """Every element times -1."""
    return times(a, Fraction(-1))


def sums(rows: Rows, index: Index, divisors: Sequence[int]) -> Rows:
    """Sums of the forms `index` (count, k), -1 standing for none, over `divisors` (count,); exact."""
    den = lcm(*divisors)
    factors = integers([den // divisor for divisor in divisors])
    counted = index >= 0
    places = np.repeat(np.arange(len(index)), counted.sum(axis=1))
    matrix = Sparse.of((len(index), rows.count), places, index[counted], factors[places])
    return rows.apply(Matrix(matrix, den))


def concatenate(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors side by side along an axis."""
    starts = np.cumsum([0, *(part.rows.count for part in parts)])
    index = [part.index + start for part, start in zip(parts, starts, strict=False)]
    return Tensor(stack([part.rows for part in parts]), np.concatenate(index, axis))


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
