"""Lines where known neurons flip, and lines on which seldom ones do."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import function, layers, probe, truth

from exactre.measured.domain import Box
from exactre.measured.foreseen import flips, look_through
from exactre.measured.known import Known, Layer
from exactre.measured.line import Line, scan
from exactre.measured.steer import extremes, largest, steered_line
from exactre.measured.survey import Survey

SEEDS = range(2 * FACTOR)


@pytest.mark.parametrize("seed", SEEDS)
def test_foreseen_flips_are_where_values_change_their_sign(seed):
    net = layers((5, 7, 6, 1), seed)
    known, rng = truth(net), np.random.default_rng(seed)
    line = Line(rng.normal(size=5), rng.normal(size=5))
    found = flips(known, line, -20.0, 20.0)
    t = np.linspace(-20, 20, 40001)
    values = np.hstack(known.values(line.p + t[:, None] * line.v))
    changes = t[:-1][((values[1:] > 0) != (values[:-1] > 0)).any(axis=1)]
    assert found == sorted(found)
    for change in changes:
        assert min(abs(f - change) for f in found) <= 2e-3
    for f in found:
        beside = np.hstack(known.values(line.p + np.array([[f - 1e-7], [f + 1e-7]]) * line.v))
        assert ((beside[0] > 0) != (beside[1] > 0)).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_not_foreseen_is_found_with_fewer_queries_than_a_scan(seed):
    net = layers((8, 16, 3, 1), seed)
    known = Known(8, truth(net).layers[:1])
    plain, quick = probe(function(net), 8), probe(function(net), 8)
    survey = Survey(plain)
    line = survey.random_line()
    before = plain.ledger.queries
    whole = scan(plain, line, survey.ends(line))
    spent, before = plain.ledger.queries - before, quick.ledger.queries
    found = look_through(quick, line, survey.ends(line), known)
    assert quick.ledger.queries - before < spent
    for kink in whole:
        assert min(abs(kink.t - other.t) for other in found) <= 1e-6 * (1 + abs(kink.t))


@pytest.mark.parametrize("seed", SEEDS)
def test_extremes_show_units_larger_beside_the_others_than_random_points_do(seed):
    net = layers((10, 20, 4, 1), seed)
    known, asked = truth(net), probe(function(net), 10)
    steered = extremes(asked, known, 0, 40)
    random = np.random.default_rng(seed).normal(size=(40, 10)) * 32
    shares = []
    for points in (steered, random):
        outputs = np.maximum(known.values(points)[0], 0.0)
        shares.append((outputs / outputs.sum(axis=1, keepdims=True)).max(axis=0))
    assert shares[0].mean() > 1.5 * shares[1].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_one_unit_is_largest_where_it_is_looked_for(seed):
    net = layers((10, 12, 12, 4, 1), seed)
    known, asked = truth(net), probe(function(net), 10)
    for unit in range(3):
        points = largest(asked, known, 1, unit, 30)
        random = (
            np.random.default_rng(seed).normal(size=(30, 10)) * np.linalg.norm(points, axis=1)[:, None] / 3
        )
        shares = []
        for x in (points, random):
            outputs = np.maximum(known.values(x)[1], 0.0)
            shares.append((outputs[:, unit] / outputs.sum(axis=1)).mean())
        assert shares[0] > shares[1]


def test_extremes_and_steered_lines_stay_in_the_box():
    net = layers((6, 10, 4, 1), 0)
    asked = probe(function(net), 6, box=Box(-1.0, 3.0))
    known = truth(net)
    points = extremes(asked, known, 1, 9)
    assert points.shape == (9, 6)
    assert asked.allows(points)
    line, ends = steered_line(asked, known, 0)
    assert asked.allows(np.stack([line.at(ends[0]), line.at(ends[-1])]))


def test_a_layer_of_one_unit_has_extremes():
    known = Known(3, (Layer(np.array([[1.0, 2.0, -1.0]]), np.zeros(1), np.ones(1, dtype=np.int64)),))
    asked = probe(function([(np.array([[1.0, 2.0, -1.0]]), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))]), 3)
    points = extremes(asked, known, 0, 2)
    assert known.values(points)[0][0, 0] > 0
