"""Neurons that flip in a corner only, where more units are active than the input has dimensions."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, survey_of, truth

from exactre.network import Network
from exactre.recover.beyond import close_beyond
from exactre.recover.recovery import recover

N, NEAR, FAR = 5, 6, 7  # inputs; units whose boundaries pass through the origin, and far from it


def with_corner(side, seed):
    """A network with a neuron that flips close to the origin alone, and has one sign, `side`, elsewhere.

    All units whose boundaries are far from there are active where it flips, so that no piece of its boundary
    tells its weights on them one by one.
    """
    rng = np.random.default_rng(seed)
    near = [[int(i == k) for i in range(N)] for k in range(N)] + [[-1] * N]
    far = [[int(v) for v in rng.integers(-3, 4, size=N)] for _ in range(FAR)]
    corner = [4 * side] * NEAR + [Fraction(int(v), 512) for v in rng.integers(1, 9, size=FAR)]
    plain = [int(v) for v in rng.integers(1, 6, size=NEAR + FAR) * rng.choice([-1, 1], size=NEAR + FAR)]
    other = [int(rng.integers(-1, 2)) - v for v in plain]
    return Network.from_rows(
        [
            ([*near, *far], [0] * NEAR + [48] * FAR),
            ([corner, plain, other], [-4 * side, 7, 5]),
            ([[1, 1, 2]], [0]),
        ]
    )


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_neuron_that_no_piece_determines_is_recovered_as_one_that_fits_everywhere(side, seed):
    result = recover(with_corner(side, seed))
    assert result.status == "certified"
    assert result.layers == (NEAR + FAR, 3)


def lacking(net, units, extra=0):
    """A survey that knows all of the network, but for a neuron's weights on units that were kept active.

    There is `extra` of what they add where the units are inactive.
    """
    known = truth(net)
    z = known.layers[1][0]
    survey = survey_of(jets_of(net), known.model, known.orientation, 0, lines=12)
    signs = [survey.signs(i)[z] for i in range(len(survey.kinks))]
    survey.idle[z], survey.of_many = set(units), {z}
    survey.kept_active = {(z, unit) for unit in units}
    for unit in units:
        survey.adjust(z, unit, Fraction(extra))
    return survey, z, signs


@pytest.mark.parametrize("side", [-1, 1])
def test_a_closed_row_has_the_neurons_sign_wherever_it_was_looked_at(side):
    net = with_corner(side, 0)
    survey, z, signs = lacking(net, range(NEAR, NEAR + FAR), -side * 10**12)
    assert [survey.signs(i)[z] for i in range(len(survey.kinks))] != signs
    assert close_beyond(survey)
    assert [survey.signs(i)[z] for i in range(len(survey.kinks))] == signs
    assert not survey.idle[z]
    assert not close_beyond(survey)


def test_a_neuron_that_flips_at_the_boundary_of_an_open_unit_is_not_closed():
    survey, z, _ = lacking(random_net([3, 4, 2, 1], 3), [0])
    assert not close_beyond(survey)
    assert survey.idle[z] == {0}
