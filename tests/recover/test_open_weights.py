"""Weights that nothing has shown: named, and looked for only where the sides of their units are known."""

import numpy as np
from recover_targets import jets_of, random_net, truth

from exactre.recover.search import Search


def known_search(net):
    known = truth(net)
    search = Search(jets_of(net), np.random.default_rng(0), lambda *_: None)
    for neuron in known.model.neurons:
        search.survey.add(neuron)
    return search, known


def test_a_unit_without_a_known_side_is_left_alone():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    unit, z = known.layers[0][0], known.layers[1][0]
    search.survey.idle[z] = {unit}
    assert not search._complete(1)
    assert not search._ask_program()
    assert search.survey.idle[z] == {unit}


def test_open_weights_are_named():
    search, known = known_search(random_net([3, 4, 2, 1], 1))
    search.survey.idle[known.layers[1][1]] = {known.layers[0][2]}
    assert search.open_weights() == [
        "layer 2, neuron 2: its weight on neuron 3 of the layer before was not seen"
    ]


def test_a_weight_of_zero_is_measured_as_zero():
    net = random_net([3, 4, 2, 1], 2)
    search, known = known_search(net)
    search.survey.orientation.update(known.orientation)
    unit, z = known.layers[0][1], known.layers[1][0]
    row = search.survey.model.neurons[z]
    search.survey.idle[z] = {unit}
    search.first_lines()
    search._complete(1)
    assert search.survey.model.neurons[z] == row
