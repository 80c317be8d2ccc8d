"""Small networks on which recovery once crashed, accused the oracle or never ended."""

from __future__ import annotations

import pytest

from exactre import Network, recover

AFFINE = [([[0, 0]], [1]), ([[2]], [1])]
ORIGIN = [([[1, 1]], [0]), ([[1]], [1])]
TWO_THROUGH_ORIGIN = [([[1, 2], [3, -1]], [0, 0]), ([[1, 1]], [1])]
BOTTLENECK = [([[-3, -5], [6, -5]], [-7, -1]), ([[1, 2]], [-5]), ([[3]], [-2])]
INVISIBLE = [([[6, -3], [-2, -1]], [4, -3]), ([[2, -7]], [-5]), ([[-1]], [-7])]
NARROW = [
    ([[-5, -2, -9], [3, -9, 8]], [1, -5]),
    ([[-3, 2]], [6]),
    ([[8], [-9], [-9]], [-9, -3, 1]),
    ([[-3, 3, 8]], [4]),
]


@pytest.mark.parametrize("rows", [AFFINE, ORIGIN, TWO_THROUGH_ORIGIN])
def test_networks_through_the_origin_and_affine_ones_are_certified(rows):
    result = recover(Network.from_rows(rows), max_queries=2000)
    assert result.status == "certified"
    assert result.missing == ()


@pytest.mark.parametrize("rows", [BOTTLENECK, INVISIBLE, NARROW])
def test_what_bottlenecks_hide_is_certified_or_named(rows):
    result = recover(Network.from_rows(rows), max_queries=1500)
    assert (result.status == "certified") == (result.certificate is not None)
    assert result.status == "certified" or (result.status == "partial" and result.missing)
