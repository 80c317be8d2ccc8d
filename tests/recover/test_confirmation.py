"""A first-layer hyperplane bends in other cells too; a deeper piece does not, in a cell that an LP finds."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, truth

from exactre.recover.confirm import bends_elsewhere
from exactre.recover.line import primitive


def foot(form, x):
    """The point nearest to x on the hyperplane, exact."""
    size = Fraction(sum(v * v for v in form[:-1]))
    level = sum(f * v for f, v in zip(form, x, strict=False)) + form[-1]
    return [v - level * f / size for f, v in zip(form, x, strict=False)]


@pytest.mark.parametrize("seed", range(6))
def test_a_first_layer_hyperplane_is_confirmed(seed):
    net = random_net([4, 6, 3], seed)
    walls = [primitive(neuron.linear) for neuron in truth(net).model.neurons]
    x = truth(net).model.neurons[0].linear[:4]
    for form in walls:
        seen = foot(primitive(form), x)
        assert bends_elsewhere(jets_of(net), primitive(form), walls, seen, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
def test_a_piece_of_a_deeper_boundary_is_not(seed):
    net = random_net([4, 6, 3, 2], seed)
    known = truth(net)
    walls = [primitive(known.model.neurons[z].linear) for z in known.layers[0]]
    pieces = 0
    for x in np.random.default_rng(seed).integers(-9, 10, size=(40, 4)).tolist():
        [signs] = known.model.signs_at([x], 0)
        forms = known.model.forms(signs)
        for z in known.layers[1]:
            if any(forms[z][:-1]):
                form = primitive(forms[z])
                seen = foot(form, x)
                cell = [
                    sum(f * v for f, v in zip(forms[j], (*seen, 1), strict=True)) > 0 for j in known.layers[0]
                ]
                if cell == [signs[j] > 0 for j in known.layers[0]]:
                    pieces += 1
                    assert not bends_elsewhere(jets_of(net), form, walls, seen, np.random.default_rng(seed))
    assert pieces


def test_a_hyperplane_where_nothing_bends_is_not():
    net = random_net([3, 4, 2], 0)
    walls = [primitive(neuron.linear) for neuron in truth(net).model.neurons]
    form = primitive((3, 5, -7, 11))
    assert not bends_elsewhere(jets_of(net), form, walls, foot(form, [1, 2, 3]), np.random.default_rng(0))


def test_without_walls_there_is_no_other_cell():
    net = random_net([3, 1, 1], 0)
    form = primitive(truth(net).model.neurons[0].linear)
    assert not bends_elsewhere(jets_of(net), form, [form], foot(form, [1, 2, 3]), np.random.default_rng(0))
