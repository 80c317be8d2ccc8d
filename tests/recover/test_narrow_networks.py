"""Narrow deep networks, where much of a boundary is invisible: recovered and proved equal, seed by seed."""

import pytest
from recover_targets import random_net

from benchmarks.recovery import he_random
from exactre import check, recover

NETS = [
    *(((6, 6, 6, 6, 1), seed) for seed in (101, 102)),
    *(((5, 5, 5, 5, 1), seed) for seed in (103, 108)),
    ((6, 4, 6, 4, 1), 102),
    ((4, 4, 4, 1), 109),
    ((8, 4, 8, 1), 100),
]


@pytest.mark.parametrize(("sizes", "seed"), NETS)
def test_a_narrow_network_is_certified(sizes, seed):
    net = random_net(sizes, seed)
    result = recover(net, seed=seed, max_queries=8000)
    assert result.status == "certified"
    check(result.certificate, net, result.network)


def test_a_weight_that_two_neurons_share_beyond_their_kinks_is_told_by_a_later_kink():
    net = he_random([5, 5, 5, 5, 1], 0)
    result = recover(net, seed=0, max_queries=4000)
    assert result.status == "certified"
    assert result.freedom == 0
    check(result.certificate, net, result.network)


@pytest.mark.parametrize(("widths", "seed"), [((5, 5, 5, 5, 1), 2), ((6, 4, 6, 4, 1), 2)])
def test_a_neuron_that_is_active_everywhere_is_found_by_what_its_readers_take(widths, seed):
    net = he_random(list(widths), seed)
    result = recover(net, seed=seed, max_queries=8000)
    assert result.status == "certified"
    assert result.network.is_layered
    check(result.certificate, net, result.network)
    assert any("always active" in text for text in result.redundant)
    # Its bias and those of its readers make up for each other.
    together = [each for each in result.ambiguities if each.what.count("its bias") > 1]
    assert together
    for each in together:
        check(each.certificate, result.network, each.other)


@pytest.mark.parametrize("seed", [2, 3])
def test_rows_over_two_layers_tell_the_sides_of_a_layer_wider_than_the_one_before(seed):
    net = he_random([6, 4, 6, 4, 1], seed)
    result = recover(net, seed=seed, max_queries=4000)
    assert result.status == "certified"
    assert result.layers == (4, 6, 3)
    check(result.certificate, net, result.network)
