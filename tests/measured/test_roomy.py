"""A normal is measured again where its hyperplane is far from all others."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import function, layers, probe

from exactre.measured.domain import Box
from exactre.measured.roomy import roomy_line
from exactre.measured.survey import Survey

SEEDS = range(2 * FACTOR)


@pytest.mark.parametrize("box", [None, Box(-2.0, 3.0)])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_line_crosses_its_own_hyperplane_and_no_step_beside_it_crosses_another(seed, box):
    (weight, bias), *_ = net = layers((70, 12, 1), seed)
    asked = probe(function(net), 70, box=box, seed=seed)
    planes = np.hstack([weight, bias[:, None]])
    for z in range(12):
        line, length = roomy_line(asked, planes, z)
        ends = np.stack([line.at(-length), line.at(length)])
        assert asked.allows(ends)
        steps = np.concatenate(
            [ends + side * length * axis for side in (-1.0, 1.0) for axis in np.eye(70)[:, None]]
        )
        sides = np.vstack([ends, steps]) @ weight.T + bias > 0
        assert sides[0, z] != sides[1, z]
        others = np.delete(sides, z, axis=1)
        assert (others == others[0]).all()


def test_a_lone_hyperplane_has_a_line_of_finite_length():
    (weight, bias), *_ = net = layers((5, 1, 1), 0)
    line, length = roomy_line(probe(function(net), 5), np.hstack([weight, bias[:, None]]), 0)
    assert 0 < length < np.inf
    assert np.isfinite(line.at(length)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_normal_between_close_boundaries_is_known_better_after_another_look(seed):
    net = layers((70, 12, 1), seed)
    net[0][0][1] = net[0][0][0] + net[0][0][1] / 2**9
    net[0][1][1] = net[0][1][0]
    survey = Survey(probe(function(net), 70, seed=seed))
    line = survey.random_line()
    survey.look(line, survey.ends(line))
    planes = np.hstack([net[0][0], net[0][1][:, None]])
    before = [b for b in survey.bends if abs(planes[0] @ np.append(b.point, 1.0)) < 1e-9]
    again = survey.look_again(planes, 0)
    assert len(before) == 1
    assert again.quality * 4 < before[0].quality
    errors = again.normal_error**-2.0
    scale = (again.normal * planes[0, :-1] * errors).sum() / (planes[0, :-1] ** 2 * errors).sum()
    assert (np.abs(again.normal - scale * planes[0, :-1]) <= again.normal_error).all()
