"""Every measured value comes with an interval, and the true value lies in it: noise, kinks, normals."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import function, layers, probe, truth

from exactre.errors import ShapeError
from exactre.measured.domain import Box
from exactre.measured.line import Line, scan
from exactre.measured.survey import Survey, nearest_neuron

SEEDS = range(2 * FACTOR)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(6, 5, 1), (8, 6, 4, 3), (70, 6, 2)])
@pytest.mark.parametrize("seed", SEEDS)
def test_kinks_and_normals_are_within_their_bounds(widths, kind, seed):
    net = layers(widths, seed)
    survey = Survey(probe(function(net, kind), widths[0], arithmetic=kind, seed=seed))
    for _ in range(3):
        line = survey.random_line()
        survey.look(line, survey.ends(line))
    known = truth(net)
    assert len(survey.bends) >= widths[1]
    for bend in survey.bends:
        owner = nearest_neuron(known, bend.point, bend.v, bend.error)
        assert owner is not None
        cell = known.cell(bend.point)
        form, value = cell.forms[owner[0]][owner[1]], cell.values[owner[0]][owner[1]]
        assert abs(value) <= abs(form @ bend.v) * bend.error
        weights = bend.normal_error**-2.0
        scale = (bend.normal * form * weights).sum() / (form * form * weights).sum()
        assert (np.abs(bend.normal - scale * form) <= bend.normal_error).all()


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_answers_are_within_the_noise_bound(kind, seed):
    net = layers((20, 16, 8, 3), seed)
    asked = probe(function(net, kind), 20, arithmetic=kind, seed=seed)
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(500, 20)) * np.exp2(rng.uniform(-2, 8, size=(500, 1)))
    points = asked.rounded(points)
    precise = [(w.astype(np.longdouble), b) for w, b in net]
    exact = function(precise, "longdouble")(points.astype(np.longdouble))
    answers, bounds = asked.answers(points)
    assert (np.abs(answers - exact) <= bounds[:, None]).all()


def test_two_kinks_close_together_are_two_and_no_third():
    """The outer pieces meet beside both kinks, where there is none."""
    hidden = np.array([[1.0], [1.0]]), np.array([0.0, -(2.0**-9)])
    f = function([hidden, (np.array([[3.0, -2.0]]), np.zeros(1))])
    kinks = scan(probe(f, 1), Line(np.zeros(1), np.ones(1)), [-8.3, 9.1])
    assert len(kinks) == 2
    for kink, true in zip(kinks, (0, 2.0**-9), strict=True):
        assert abs(kink.t - true) <= kink.error


@pytest.mark.parametrize("other", [3.3, 40.0])
@pytest.mark.parametrize("at", [2.0**-24, -(2.0**-20), 0.0])
def test_a_kink_where_intervals_meet_is_found(at, other):
    """On either side it is too near to the end to be told from noise."""
    hidden = np.array([[1.0], [1.0]]), np.array([-at, -other])
    f = function([hidden, (np.array([[1.0, 2.0]]), np.ones(1))], "float32")
    kinks = scan(probe(f, 1, arithmetic="float32"), Line(np.zeros(1), np.ones(1)), [-8.0, 0.0, 8.0])
    assert [abs(kink.t - true) <= kink.error for kink, true in zip(kinks, (at, other), strict=False)] == [
        True
    ] * (1 + (other < 8))


def test_no_kink_is_found_where_there_is_none():
    f = function([(np.array([[1.0, -3.0]]), np.array([0.25]))])
    assert scan(probe(f, 2), Line(np.ones(2), np.array([1.0, 0.5])), [-8.0, 0.0, 16.0]) == []


def rounded_to(digits):
    net = layers((6, 5, 2), 0)
    return lambda x: np.round(function(net)(x), digits)


def test_rounding_to_decimals_is_found_and_bounds_the_error():
    found = probe(rounded_to(4), 6).noise
    assert "answers are rounded to 4 decimal places" in found.statements
    assert found.bound(np.zeros((1, 6)))[0] >= 0.5e-4


def test_rounding_to_two_places_is_hopeless_and_to_nine_is_not():
    assert probe(rounded_to(2), 6).noise.is_hopeless
    assert not probe(rounded_to(9), 6).noise.is_hopeless


def test_float32_answers_of_a_float64_input_are_found():
    net = layers((6, 5, 2), 0)
    found = probe(lambda x: function(net)(x).astype(np.float32), 6).noise
    assert "answers have 24 significant bits" in found.statements


def test_an_oracle_that_changes_its_mind_is_noisy_by_that_much():
    rng = np.random.default_rng(1)
    net = layers((6, 5, 2), 0)
    found = probe(lambda x: function(net)(x) + rng.normal(size=(len(x), 2)) * 1e-6, 6).noise
    assert any("the same query has answers up to" in text for text in found.statements)
    assert 1e-6 < found.bound(np.zeros((1, 6)))[0] < 1e-4


def test_saturation_is_said():
    net = layers((6, 5, 2), 0)
    found = probe(lambda x: np.clip(function(net)(x), -1, 1), 6).noise
    assert any(text.startswith("output 0 is 1 at many points") for text in found.statements) or any(
        text.startswith("output 0 is -1 at many points") for text in found.statements
    )


def test_a_clean_oracle_is_said_to_be_nothing_else():
    [text] = probe(function(layers((6, 5, 2), 0)), 6).noise.statements
    assert text.startswith("an answer at x is wrong by at most")


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_box_without_interior_is_refused(low, high):
    with pytest.raises(ShapeError, match="expected a box of finite LO < HI"):
        Box(low, high)


def test_in_a_box_no_query_is_outside():
    net = layers((6, 5, 2), 0)

    def strict(x):
        assert (x >= -1).all()
        assert (x <= 1).all()
        return function(net)(x)

    survey = Survey(probe(strict, 6, box=Box(-1.0, 1.0)))
    for _ in range(3):
        line = survey.random_line()
        survey.look(line, survey.ends(line))
    assert survey.bends
