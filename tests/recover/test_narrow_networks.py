"""Narrow deep networks, where much of a boundary is invisible: recovered and proved equal, seed by seed."""

import pytest
from recover_targets import random_net

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
