"""Weights between boundaries that never meet come out as in the layered network, where that is determined."""

import pytest
from recover_targets import random_net, truth

from exactre import certify_equivalence, recover
from exactre.recover.layering import layered
from exactre.recover.line import primitive
from exactre.recover.model import Model, Neuron
from exactre.recover.row import Row
from exactre.testing.degenerate import DEGENERATE


def rows_of(net):
    """The canonical rows up to sign, the parents named by their own rows."""
    names = []
    for neuron in truth(net).model.neurons:
        parents = sorted((names[j], a) for j, a in neuron.parents.items())
        row = primitive([*(a for _, a in parents), *neuron.linear])
        names.append((tuple(name for name, _ in parents), row))
    return set(names)


def test_rows_of_neurons_that_hide_each_other_are_those_of_the_network():
    net = DEGENERATE["masked_neurons"]()
    found = recover(net).network
    assert found.is_layered
    assert rows_of(found) == rows_of(net)


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_a_network_of_few_inputs_comes_back_as_it_is(seed):
    net = random_net((2, 2, 2, 1), seed)
    found = recover(net).network
    assert found.is_layered
    assert certify_equivalence(net, found).method == "matching"


@pytest.mark.parametrize("name", ["dead_neuron", "duplicate_neurons", "parallel_neurons"])
def test_the_smaller_network_is_layered_as_the_given_one(name):
    assert recover(DEGENERATE[name]()).network.is_layered


def test_larger_networks_and_other_depths_are_not_looked_at():
    row = Row({0: 1}, (0, 0, 0), 1, {})
    units = tuple(Neuron({}, (1, k, 0)) for k in range(10))
    assert list(layered(Model(2, (*units, Neuron({0: 1}, (0, 1, 0)))), [row], [])) == []
    assert list(layered(Model(2, units[:2]), [row], [])) == []
    assert list(layered(Model(2), [row], [])) == []
