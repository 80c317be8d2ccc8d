"""Signs of a layer: the true ones or none."""

import numpy as np
import pytest
from recover_targets import jets_of, random_line, random_net, random_signs, survey_of, truth

from exactre.recover.model import Model
from exactre.recover.orient import Votes, orient_from_rows, orient_in_regions

SEEDS = range(6)


def layer_signs(survey, found, depth):
    layer = found.layers[depth]
    return {j: s for j, s in survey.orientation.items() if j in layer}, {
        j: found.orientation[j] for j in layer
    }


def setting(sizes, seed, *, known=(), without=(), lines=6):
    """(truth, survey that knows all neurons but `without`, and the signs of the layers `known`)."""
    net = random_net(sizes, seed)
    found = truth(net, random_signs(net.neurons, seed + 1))
    kept = [z for z in range(net.neurons) if z not in without]
    assert kept == list(range(len(kept)))
    signs = {j: found.orientation[j] for depth in known for j in found.layers[depth] if j in kept}
    model = Model(sizes[0], found.model.neurons[: len(kept)])
    return found, survey_of(jets_of(net), model, signs, seed, lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_on_a_complete_first_layer_are_its_signs(seed):
    found, survey = setting((6, 5, 1), seed)
    assert Votes(survey, 0).count()
    voted, true = layer_signs(survey, found, 0)
    assert voted == true


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_on_a_deeper_layer_are_true_or_none(seed):
    found, survey = setting((6, 5, 4, 3, 1), seed, known=(0,))
    is_all = Votes(survey, 1).count()
    voted, true = layer_signs(survey, found, 1)
    assert voted.items() <= true.items()
    assert is_all == (voted == true)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_lines_only_add_to_the_votes(seed):
    found, survey = setting((6, 5, 4, 1), seed, lines=1)
    votes = Votes(survey, 0)
    votes.count()
    first = layer_signs(survey, found, 0)[0]
    for k in range(5):
        survey.scan(random_line(6, np.random.default_rng(k)))
    assert votes.count()
    voted, true = layer_signs(survey, found, 0)
    assert first.items() <= voted.items()
    assert voted == true


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wider_layer_than_the_input_has_no_wrong_votes(seed):
    found, survey = setting((3, 7, 4, 1), seed)
    Votes(survey, 0).count()
    voted, true = layer_signs(survey, found, 0)
    assert voted.items() <= true.items()


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_on_a_layer_that_lacks_a_neuron_are_true_or_none(seed):
    found, survey = setting((6, 5, 1), seed, without=(4,))
    Votes(survey, 0).count()
    voted, true = layer_signs(survey, found, 0)
    assert voted.items() <= true.items()


@pytest.mark.parametrize("seed", range(100, 112))
def test_votes_on_a_narrow_layer_that_lacks_neurons_are_true_or_none(seed):
    found, survey = setting((5, 5, 5, 5, 1), seed, known=(0,), without=range(9, 15), lines=4)
    Votes(survey, 1).count()
    voted, true = layer_signs(survey, found, 1)
    assert voted.items() <= true.items()


@pytest.mark.parametrize("seed", SEEDS)
def test_signs_from_regions_are_true_or_none(seed):
    found, survey = setting((4, 6, 5, 4, 1), seed, known=(0,))
    votes = orient_in_regions(survey, 1, np.random.default_rng(seed))
    assert votes.items() <= {j: found.orientation[j] for j in found.layers[1]}.items()


def test_regions_tell_whole_layers():
    told = 0
    for seed in SEEDS:
        found, survey = setting((4, 6, 5, 1), seed, known=(0,))
        votes = orient_in_regions(survey, 1, np.random.default_rng(seed))
        told += votes == {j: found.orientation[j] for j in found.layers[1]}
    assert told > len(SEEDS) // 2


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_of_the_next_layer_give_the_signs(seed):
    found, survey = setting((4, 5, 4, 1), seed)
    assert orient_from_rows(survey, 0)
    voted, true = layer_signs(survey, found, 0)
    assert voted == true
