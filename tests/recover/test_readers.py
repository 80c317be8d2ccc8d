"""The signs of a layer from rows over it and the layer before, whole or with one-sided neurons left out."""

import pytest
from recover_targets import one_sided, random_net, truth

from exactre.network import Network
from exactre.recover.model import Model
from exactre.recover.readers import sides_from_readers
from exactre.recover.row import Row

FIRST, SECOND = [0, 1, 2, 3], [4, 5, 6, 7, 8]


def net_with(second=None, seed=0):
    """4-4-5-3-1, the first neuron of layer 2 with these weights and bias 1."""
    net = random_net((4, 4, 5, 3, 1), seed)
    layers = [(node.inputs[0][1].rows(), [row[0] for row in node.bias.rows()]) for node in net.nodes]
    if second is not None:
        layers[1][0][0], layers[1][1][0] = second, 1
    return Network.from_rows(layers)


def case(net):
    """The model of two layers, the true signs, and the rows of layer 3."""
    known = truth(net)
    rows = [
        Row(known.model.neurons[y].parents, known.model.neurons[y].linear, 1, {}) for y in known.layers[2]
    ]
    return known, Model(4, known.model.neurons[:9]), rows


def lacking(net):
    """The same without the first neuron of layer 2, which is active everywhere."""
    known, model, rows = case(net)
    rows = [one_sided(model, row, 4, 1) for row in rows]
    shifted = [Row({j - (j > 4): a for j, a in row.parents.items()}, row.linear, 1, {}) for row in rows]
    return known, Model(4, (*model.neurons[:4], *model.neurons[5:9])), shifted


@pytest.mark.parametrize("seed", range(4))
def test_whole_rows_tell_the_signs_of_a_layer_wider_than_the_one_before(seed):
    known, model, rows = case(net_with(seed=seed))
    told = sides_from_readers(model, SECOND, known.orientation, [(row, {}) for row in rows])
    assert told == ({z: known.orientation[z] for z in SECOND}, None)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("z", SECOND)
def test_rows_with_a_one_sided_neuron_left_out_tell_the_signs(z, side):
    known, model, rows = case(net_with())
    readers = [(one_sided(model, rows[0], z, side), {z: side}), (rows[1], {}), (rows[2], {})]
    told = sides_from_readers(model, SECOND, known.orientation, readers)
    assert told == ({j: known.orientation[j] for j in SECOND}, None)


@pytest.mark.parametrize("weights", [[2, 3, 1, 5], [3, 1, 5, 7], [1, 7, 2, 64]])
@pytest.mark.parametrize("seed", range(3))
def test_a_neuron_active_everywhere_is_found_up_to_its_bias(weights, seed):
    net = net_with(weights, seed)
    known, model, rows = lacking(net)
    signs, neuron = sides_from_readers(model, SECOND[:-1], known.orientation, [(row, {}) for row in rows])
    assert signs == {z - 1: known.orientation[z] for z in SECOND[1:]}
    true = known.model.neurons[4]
    assert all(neuron.parents[j] * true.parents[0] == true.parents[j] * neuron.parents[0] for j in FIRST)
    assert all(
        v * true.parents[0] == w * neuron.parents[0]
        for v, w in zip(neuron.linear[:-1], true.linear[:-1], strict=True)
    )


@pytest.mark.parametrize("side", [1, -1])
def test_the_same_where_a_reader_is_one_sided(side):
    known, model, rows = lacking(net_with([2, 3, 1, 5]))
    readers = [(rows[0], {}), (one_sided(model, rows[1], 6, side), {6: side}), (rows[2], {})]
    signs, neuron = sides_from_readers(model, SECOND[:-1], known.orientation, readers)
    assert signs == {z - 1: known.orientation[z] for z in SECOND[1:]}
    assert neuron is not None


def test_one_reader_does_not_tell_what_is_lacking():
    known, model, rows = lacking(net_with([2, 3, 1, 5]))
    assert sides_from_readers(model, SECOND[:-1], known.orientation, [(rows[0], {})]) is None


def test_without_a_whole_row_nothing_is_told_of_what_is_lacking():
    known, model, rows = lacking(net_with([2, 3, 1, 5]))
    readers = [(one_sided(model, row, 6, 1), {6: 1}) for row in rows]
    assert sides_from_readers(model, SECOND[:-1], known.orientation, readers) is None


def test_weights_of_both_signs_are_of_no_neuron_active_everywhere():
    known, model, rows = lacking(net_with([2, -3, 1, 5]))
    readers = [(row, {}) for row in rows]
    assert sides_from_readers(model, SECOND[:-1], known.orientation, readers) is None


def test_two_lacking_neurons_are_too_many():
    known, model, rows = lacking(net_with([2, 3, 1, 5]))
    rows = [one_sided(model, row, 4, 1) for row in rows]
    rows = [Row({j - (j > 4): a for j, a in row.parents.items()}, row.linear, 1, {}) for row in rows]
    fewer = Model(4, (*model.neurons[:4], *model.neurons[5:]))
    assert sides_from_readers(fewer, [4, 5, 6], known.orientation, [(row, {}) for row in rows]) is None


def test_rows_of_another_network_tell_nothing():
    known, model, _ = case(net_with())
    _, _, rows = case(net_with(seed=1))
    assert sides_from_readers(model, SECOND, known.orientation, [(row, {}) for row in rows]) is None


def test_a_neuron_that_no_reader_takes_has_no_sign():
    known, model, rows = case(net_with())
    unread = [Row({j: a for j, a in row.parents.items() if j != 8}, row.linear, 1, {}) for row in rows]
    assert sides_from_readers(model, SECOND, known.orientation, [(row, {}) for row in unread]) is None


def test_a_layer_with_too_many_signs_is_left_alone():
    net = random_net((3, 3, 11, 2, 1), 0)
    known = truth(net)
    rows = [
        Row(known.model.neurons[y].parents, known.model.neurons[y].linear, 1, {}) for y in known.layers[2]
    ]
    model = Model(3, known.model.neurons[:14])
    assert sides_from_readers(model, known.layers[1], known.orientation, [(row, {}) for row in rows]) is None
