"""The second decision is right where the answer is known, flat cells and far corners included."""

from fractions import Fraction

import pytest
from enumeration import are_equal, has_interior

from exactre.network import Network

RELU = Network.from_rows([([[1]], [0]), ([[1]], [0])])
IDENTITY = Network.from_rows([([[1]], [0])])
ZERO = Network.from_rows([([[0]], [0])])
FAR = Network.from_rows([([[1]], [-(10**9)]), ([[Fraction(1, 10**9)]], [0])])
NARROW = Network.from_rows([([[1], [-1]], [0, 0]), ([[-(10**6), -(10**6)]], [1]), ([[1]], [0])])
DEAD = Network.from_rows([([[1], [1], [0]], [0, 0, -1]), ([[1, -1, 5]], [-1]), ([[7]], [0])])
MAX = Network.from_rows([([[1, -1], [0, 1], [0, -1]], [0, 0, 0]), ([[1, 1, -1]], [0])])
OTHER_MAX = Network.from_rows([([[-1, 1], [1, 0], [-1, 0]], [0, 0, 0]), ([[1, 1, -1]], [0])])


@pytest.mark.parametrize(
    ("a", "b", "box"),
    [(RELU, IDENTITY, [(0, 1)]), (DEAD, ZERO, None), (FAR, ZERO, [(-5, 10**9)]), (MAX, OTHER_MAX, None)],
)
def test_equal_networks(a, b, box):
    assert are_equal(a, b, box)


@pytest.mark.parametrize(
    ("a", "b", "box"),
    [
        (RELU, IDENTITY, None),
        (RELU, IDENTITY, [(Fraction(-1, 10**9), 1)]),
        (FAR, ZERO, None),
        (FAR, ZERO, [(0, 10**9 + 1)]),
        (NARROW, ZERO, None),
        (NARROW, ZERO, [(-9, 9)]),
    ],
)
def test_different_networks(a, b, box):
    assert not are_equal(a, b, box)


def test_a_cell_with_interior():
    assert has_interior([(0, 1, 0), (0, 0, 1), (1, -1, -1)])


@pytest.mark.parametrize(
    "cell",
    [
        [(0, 1, 0), (0, -1, 0)],  # a line
        [(0, 1, 0), (0, 0, 1), (0, -1, -1)],  # a point
        [(-1, 1, 0), (0, 0, 1), (1, -1, -1)],  # a point at a corner
        [(-2, 1, 1), (1, -1, 0), (0, 0, -1)],  # nothing
        [(0, 0, 0)],
    ],
)
def test_cells_without_interior(cell):
    assert not has_interior(cell)
