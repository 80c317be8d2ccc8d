"""Small networks on which recovery once crashed, accused the oracle or never ended."""

from __future__ import annotations

import pytest

from exactre import ExactreError, Network, recover

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


def test_a_black_box_is_not_called_consistent_before_its_answers_were_held_against_the_network():
    net = Network.from_rows([([[3, 1], [-1, 2], [2, 5]], [1, -2, 3]), ([[1, -2, 3]], [5])])
    enough = recover(net.__call__, input_dim=2)
    assert enough.status == "consistent"
    # The last queries are those that ask again what was answered before.
    for less in range(1, 6):
        result = recover(net.__call__, input_dim=2, max_queries=enough.queries - less)
        assert (result.status, result.network) == ("partial", None)
        assert result.missing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed: expected an integer of at least 0, found -1"),
        ({"seed": "a"}, "seed: expected an integer"),
        ({"max_queries": -1}, "max_queries: expected an integer of at least 0"),
        ({"max_queries": 1.5}, "max_queries: expected an integer"),
        ({"input_dim": "2"}, "input_dim: expected an integer of at least 1, found '2'"),
        ({"input_dim": 2.5}, "input_dim: expected an integer"),
        ({"input_dim": 0}, "input_dim: expected an integer of at least 1"),
        ({"timeout": -1}, "timeout: expected seconds from 0 on, found -1"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"timeout": float("nan")}, "timeout: expected seconds"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_options_that_cannot_be_meant_are_refused(options, words, exact):
    with pytest.raises(ExactreError, match=words):
        recover(lambda x: x, **{"input_dim": 2, "exact": exact, **options})
