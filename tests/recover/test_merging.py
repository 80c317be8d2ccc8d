"""Neurons found apart that are one are put into one row; neurons that are two are not."""

import numpy as np
from recover_targets import jets_of

from exactre.network import Network
from exactre.recover.merging import mergers
from exactre.recover.model import Model, Neuron
from exactre.recover.planar import look_at_plane
from exactre.recover.row import Row
from exactre.recover.survey import Survey

# |u| of the neuron of layer 2 is |x| - 1, whose boundary is two lines that do not meet.
X, APART = (
    Neuron({}, (1, 0, 0)),
    Network.from_rows(
        [([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ([[1, 1, 0], [0, 0, 1]], [-1, 0]), ([[1, 1]], [0])]
    ),
)


def edges_of(net):
    survey = Survey(jets_of(net), [1, 1])
    bends = look_at_plane(survey, np.random.default_rng(0))
    return bends.edges


def row(parents):
    return Row(parents, (0, 0, 0), 1, {})


def test_parts_with_one_output_weight_are_put_into_one_row():
    # x - 1 seen right of x = 0 and -x - 1 left of it, each straight as far as it is seen, and y.
    model = Model(2, (X, Neuron({0: 1}, (3, 0, -4)), Neuron({0: 1}, (-3, 0, -4)), Neuron({}, (0, 1, 0))))
    found = list(mergers(model, [row({1: 1, 2: 1})], edges_of(APART)))
    assert (X, Neuron({}, (0, 1, 0)), Neuron({0: 1}, (0, 0, -1))) in map(tuple, found)


def test_neurons_with_other_output_weights_are_left_alone():
    model = Model(2, (X, Neuron({0: 1}, (3, 0, -4)), Neuron({0: 1}, (-3, 0, -4)), Neuron({}, (0, 1, 0))))
    edges = edges_of(APART)
    assert not list(mergers(model, [row({1: 1, 2: 1}), row({1: 1, 2: 2})], edges))
    assert not list(mergers(model, [row({1: 1})], edges))
    assert all(
        Neuron({0: 1}, (0, 0, -1)) not in neurons for neurons in mergers(model, [row({1: 1, 2: 3})], edges)
    )


def test_the_first_layer_is_whole_as_it_is():
    model = Model(2, (X, Neuron({}, (0, 1, 0))))
    assert list(mergers(model, [row({0: 1, 1: 1})], edges_of(APART))) == []


def test_a_neuron_that_another_reads_is_left_alone():
    parts = (X, Neuron({0: 1}, (3, 0, -4)), Neuron({0: 1}, (-3, 0, -4)), Neuron({1: 1}, (0, 1, 0)))
    assert list(mergers(Model(2, parts), [row({1: 1, 2: 1, 3: 1})], edges_of(APART))) == []
