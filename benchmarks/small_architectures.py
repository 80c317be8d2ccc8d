"""Small convolutional, max-pooling and residual networks with He-random float32 weights, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from exactre.formats.affine import Builder, Rows, Tensor
from exactre.formats.piecewise import relu
from exactre.formats.windows import convolve, maxima, windows
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix


def he_layer(n: int, m: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    weight = (rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(np.float32)
    bias = (rng.normal(size=(m, 1)) / 2).astype(np.float32)
    return Matrix.from_floats(weight), Matrix.from_floats(bias)


def residual(seed: int) -> Network:
    """8-8-8-1, whose last two hidden layers are added before the output."""
    (w1, b1), (w2, b2), (w3, b3) = _layers([(8, 8), (8, 8), (8, 1)], seed)
    first, second = Node("first", True, ((INPUT, w1),), b1), Node("second", True, (("first", w2),), b2)
    return Network(8, [first, second, Node("output", False, (("first", w3), ("second", w3)), b3)])


def residual_identity(seed: int) -> Network:
    """8-8-8-1, where the second hidden layer is relu(W relu(V x + a) + b + x)."""
    (w1, b1), (w2, b2), (w3, b3) = _layers([(8, 8), (8, 8), (8, 1)], seed)
    same = Matrix.from_rows([[int(i == j) for j in range(8)] for i in range(8)])
    return _skipping(w1, b1, w2, same, b2, w3, b3)


def residual_projection(seed: int) -> Network:
    """8-8-8-1, where the second hidden layer is relu(W relu(V x + a) + b + P x)."""
    (w1, b1), (w2, b2), (w3, b3), (p, _) = _layers([(8, 8), (8, 8), (8, 1), (8, 8)], seed)
    return _skipping(w1, b1, w2, p, b2, w3, b3)


def _skipping(w1: Matrix, b1: Matrix, w2: Matrix, p: Matrix, b2: Matrix, w3: Matrix, b3: Matrix) -> Network:
    first = Node("first", True, ((INPUT, w1),), b1)
    second = Node("second", True, (("first", w2), (INPUT, p)), b2)
    return Network(8, [first, second, Node("output", False, (("second", w3),), b3)])


def _layers(shapes: list[tuple[int, int]], seed: int) -> list[tuple[Matrix, Matrix]]:
    rng = np.random.default_rng(seed)
    return [he_layer(n, m, rng) for n, m in shapes]


class _Stack:
    """Layers on an image (1, channels, height, width), as one writes them down in a framework."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._builder = Builder(int(np.prod(shape)))
        self._x = Tensor.of(self._builder.input(), shape)

    def conv(self, channels: int, size: int = 3, *, stride: int = 1, pad: int = 0) -> _Stack:
        weight, bias = he_layer(self._x.shape[1] * size * size, channels, self._rng)
        spatial = self._x.shape[2:]
        w = windows(spatial, [size] * 2, [stride] * 2, [1, 1], [pad] * 2, [pad] * 2)
        column = Matrix.column([v for row in weight.rows() for v in row])
        y = convolve(self._x, column, channels, 1, w)
        repeated = [v for row in bias.rows() for v in row for _ in range(len(w.index))]
        self._x = Tensor(y.rows + Rows({}, Matrix.column(repeated)), y.index)
        return self

    def relu(self) -> _Stack:
        self._x = relu(self._builder, self._x)
        return self

    def max_pool(self, size: int = 2) -> _Stack:
        w = windows(self._x.shape[2:], [size] * 2, [size] * 2, [1, 1], [0, 0], [0, 0])
        self._x = maxima(self._builder, self._x, w)
        return self

    def dense(self, width: int) -> _Stack:
        rows = self._x.flat()
        weight, bias = he_layer(rows.count, width, self._rng)
        self._x = Tensor.of(rows.apply(weight) + Rows({}, bias), (1, width))
        return self

    def network(self) -> Network:
        return self._builder.network(self._x.flat())


SMALL: dict[str, Callable[[int], Network]] = {
    "residual-8-8-8-1": residual,
    "residual-identity": residual_identity,
    "residual-projection": residual_projection,
    # Two 3x3 filters on 1x6x6, then the outputs, or a hidden dense layer before them.
    "conv-6x6": lambda seed: _Stack((1, 1, 6, 6), seed).conv(2).relu().dense(2).network(),
    "conv-6x6-dense": lambda seed: (
        _Stack((1, 1, 6, 6), seed).conv(2).relu().dense(8).relu().dense(1).network()
    ),
    "conv-conv-8x8": lambda seed: _Stack((1, 1, 8, 8), seed).conv(2).relu().conv(2).relu().dense(1).network(),
    # As conv_mp1: convolution, ReLU, 2x2 maxima, a hidden dense layer.
    "conv-max-6x6": lambda seed: (
        _Stack((1, 1, 6, 6), seed).conv(2).relu().max_pool().dense(8).relu().dense(2).network()
    ),
}
