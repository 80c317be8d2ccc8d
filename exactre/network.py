"""`Network`: a feed-forward ReLU DAG with exact rational weights, and its exact evaluation.

The meaning of a network is its real-number semantics: relu(u) = max(u, 0) and exact affine maps,
not the rounding of a runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from flint import fmpz_mat

from exactre.digits import DigitNetwork
from exactre.errors import ShapeError
from exactre.rational import Matrix, Points, Rational

INPUT = "input"


@dataclass(frozen=True)
class Node:
    """One affine map of the DAG, `sum of weight @ source + bias`, followed by ReLU if `relu`.

    `inputs` pairs each source (an earlier node's name, or "input") with its weight
    (width, source width); `bias` is (width, 1). Exact over Q.
    """

    name: str
    relu: bool
    inputs: tuple[tuple[str, Matrix], ...]
    bias: Matrix

    @property
    def width(self) -> int:
        """Number of outputs of this node."""
        return self.bias.shape[0]


class Network:
    """Feed-forward ReLU network, exact over Q: nodes in topological order, the last one the output.

    Raises ShapeError when the nodes do not fit together: an unknown or later source, a duplicate
    name, a width that differs, a node of no outputs.
    """

    def __init__(self, input_dim: int, nodes: Sequence[Node]) -> None:
        if input_dim < 1:
            raise ShapeError(f"expected at least one input, found {input_dim}")
        if not nodes:
            raise ShapeError("expected at least one node, found none")
        widths = {INPUT: input_dim}
        for node in nodes:
            _check_node(node, widths)
            widths[node.name] = node.width
        self.input_dim = input_dim
        self.nodes = tuple(nodes)
        self.output_dim = nodes[-1].width

    @classmethod
    def layered(cls, layers: Sequence[tuple[Matrix, Matrix]]) -> Network:
        """Layered network from (weight (m, n), bias (m, 1)) pairs: ReLU after every layer but the last."""
        if not layers:
            raise ShapeError("expected at least one layer, found none")
        source, nodes = INPUT, []
        for k, (weight, bias) in enumerate(layers, start=1):
            last = k == len(layers)
            name = "output" if last else f"layer{k}"
            nodes.append(Node(name, not last, ((source, weight),), bias))
            source = name
        return cls(layers[0][0].shape[1], nodes)

    @classmethod
    def from_rows(cls, layers: Iterable[tuple[Sequence[Sequence[Rational]], Sequence[Rational]]]) -> Network:
        """Layered network from (weight rows, bias) pairs of rationals, for small networks by hand."""
        return cls.layered([(Matrix.from_rows(w), Matrix.column(b)) for w, b in layers])

    @cached_property
    def is_layered(self) -> bool:
        """True when every node reads only the node before it and all but the last have ReLU."""
        names = [INPUT, *(node.name for node in self.nodes)]
        return all(
            [source for source, _ in node.inputs] == [names[k]] and node.relu == (k < len(self.nodes) - 1)
            for k, node in enumerate(self.nodes)
        )

    @property
    def hidden(self) -> tuple[Node, ...]:
        """The nodes with ReLU, in topological order."""
        return tuple(node for node in self.nodes if node.relu)

    @property
    def neurons(self) -> int:
        """Number of ReLU neurons."""
        return sum(node.width for node in self.hidden)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(node.width + sum(w.shape[0] * w.shape[1] for _, w in node.inputs) for node in self.nodes)

    @property
    def nonzero(self) -> int:
        """Number of weights and biases that are not zero."""
        return sum(len(row) for matrix in self._matrices() for row in matrix.row_entries())

    @property
    def distinct(self) -> int:
        """Number of different weights and biases that are not zero in each matrix: shared ones count once."""
        return sum(len({v for row in matrix.row_entries() for _, v in row}) for matrix in self._matrices())

    def _matrices(self) -> Iterator[Matrix]:
        for node in self.nodes:
            yield from (weight for _, weight in node.inputs)
            yield node.bias

    def evaluate(self, points: Iterable[Sequence[Rational]]) -> Points:
        """Exact values (count, output_dim) at points (count, input_dim). Raises ShapeError."""
        batch = Points.of(points, self.input_dim)
        answer = self._digits.evaluate(batch) if self._digits_pay(batch) else None
        if answer is None:
            answer = self.preactivations(batch, after_relu=True)[self.nodes[-1].name]
        return answer

    @cached_property
    def _digits(self) -> DigitNetwork:
        return DigitNetwork(INPUT, self.nodes)

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        """Products and values of one evaluation."""
        weights = [weight for node in self.nodes for _, weight in node.inputs]
        sizes = (w.shape[0] * w.shape[1] if w.sparse is None else len(w.sparse.values) for w in weights)
        return sum(sizes), sum(node.width for node in self.nodes)

    def _digits_pay(self, batch: Points) -> bool:
        """Whether digits are likely faster than FLINT: both are exact, so this decides nothing but time."""
        products, width = self._sizes
        # Nanoseconds, measured on layers of 20 to 784 with 24- to 300-bit numbers (benchmarks/evaluation.py).
        flint = len(batch) * (2 * products + 250 * width)
        digits = 300_000 + len(batch) * (products // 2 + 60 * width)
        if batch.floats is None:
            # Integers from FLINT have to be taken apart, and weights may have to be cut for their length.
            digits += 300 * (len(batch) * self.input_dim + products)
        return digits < flint and (batch.floats is not None or batch.den.bit_length() < 256)

    def preactivations(
        self, points: Iterable[Sequence[Rational]], *, after_relu: bool = False
    ) -> dict[str, Points]:
        """Exact value of every node before its ReLU (or after it), (count, width) by node name."""
        batch = Points.of(points, self.input_dim)
        values = {INPUT: batch}
        result: dict[str, Points] = {}
        for node in self.nodes:
            u = _affine(node, values)
            values[node.name] = _relu(u) if node.relu else u
            result[node.name] = values[node.name] if after_relu else u
        return result

    def pattern(self, point: Sequence[Rational]) -> dict[str, tuple[int, ...]]:
        """Activation pattern at a point: the sign (-1, 0, 1) of every hidden preactivation, by node."""
        u = self.preactivations([point])
        return {
            node.name: tuple((v > 0) - (v < 0) for v in u[node.name].num.entries()) for node in self.hidden
        }

    def __call__(self, point: Sequence[Rational]) -> tuple[Fraction, ...]:
        """Exact value at one point."""
        return self.evaluate([point])[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.input_dim == other.input_dim and self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash((self.input_dim, self.nodes))

    def __reduce__(self) -> tuple[type[Network], tuple[object, ...]]:
        return Network, (self.input_dim, self.nodes)  # without what was cached

    def __repr__(self) -> str:
        widths = "-".join(str(w) for w in (self.input_dim, *(node.width for node in self.nodes)))
        return f"Network({widths}{'' if self.is_layered else ', DAG'})"


def _check_node(node: Node, widths: Mapping[str, int]) -> None:
    if node.name in widths:
        raise ShapeError(f"node {node.name!r}: the name is taken")
    if node.width < 1 or node.bias.shape[1] != 1:
        raise ShapeError(
            f"node {node.name!r}: expected a bias column of at least one entry, found shape {node.bias.shape}"
        )
    seen = set()
    for source, weight in node.inputs:
        if source not in widths or source in seen:
            raise ShapeError(f"node {node.name!r}: source {source!r} is no earlier node, or is named twice")
        seen.add(source)
        if weight.shape != (node.width, widths[source]):
            raise ShapeError(
                f"node {node.name!r}: expected a weight of shape "
                f"{(node.width, widths[source])} for {source!r}, found {weight.shape}"
            )


def _affine(node: Node, values: Mapping[str, Points]) -> Points:
    count = len(values[INPUT])
    ones = fmpz_mat(count, 1, [1] * count)
    num, den = ones * node.bias.num_t, node.bias.den
    for source, weight in node.inputs:
        term = weight.apply_t(values[source].num)
        num, den = _add(num, den, term, values[source].den * weight.den)
    return Points(num, den)


def _add(a: fmpz_mat, p: int, b: fmpz_mat, q: int) -> tuple[fmpz_mat, int]:
    if q % p == 0:
        return a * (q // p) + b, q
    if p % q == 0:
        return a + b * (p // q), p
    return a * q + b * p, p * q


def _relu(u: Points) -> Points:
    entries = [v if v > 0 else 0 for v in u.num.entries()]
    return Points(fmpz_mat(u.num.nrows(), u.num.ncols(), entries), u.den)
