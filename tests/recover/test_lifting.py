"""Rows over all inputs, from a survey of a chart: each one the true row, scaled as it is on the chart."""

from fractions import Fraction

import numpy as np
import pytest
from recover_targets import jets_of, random_net, random_signs, restricted, survey_of, truth

from exactre.recover.floats import FloatModel
from exactre.recover.jet import Chart, Jets
from exactre.recover.lift import lifted
from exactre.recover.model import Model
from exactre.recover.output import assemble, output_rows
from exactre.recover.trace import Tracer


def setting(sizes, dim, seed, *, signs_known=True):
    """(network, truth on the chart, survey, jets over all inputs, output rows on the chart)."""
    net = random_net(sizes, seed)
    chart = Chart.random(sizes[0], dim, np.random.default_rng(seed))
    found = truth(restricted(net, chart), random_signs(net.neurons, seed))
    full = jets_of(net)
    survey = survey_of(
        Jets(full.ledger, chart), found.model, found.orientation if signs_known else {}, seed, lines=8
    )
    tracer = Tracer(survey.jets, survey.model, FloatModel(survey.model), np.random.default_rng(0))
    rows = output_rows(survey, tracer, range(len(survey.kinks)))
    assert rows is not None
    return net, found, survey, full, rows


@pytest.mark.parametrize("sizes", [(12, 4, 1), (12, 5, 3, 1), (9, 4, 3, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_lifted_rows_are_the_true_ones(sizes, seed):
    net, found, survey, full, rows = setting(sizes, 6, seed)
    lifting = lifted(survey, full, rows)
    assert lifting is not None
    affine, outputs = lifting
    whole = truth(net)
    assert affine == [
        tuple(factor * v for v in linear) for factor, linear in zip(found.factors, whole.linear, strict=True)
    ]
    again = assemble(survey.model, survey.orientation, outputs, affine)
    rng = np.random.default_rng(seed)
    points = [tuple(Fraction(int(v), 8) for v in row) for row in rng.integers(-99, 100, (20, sizes[0]))]
    assert again.evaluate(points) == net.evaluate(points)


def test_without_signs_deeper_rows_are_measured_and_are_the_same():
    with_signs, without = (setting((12, 5, 3, 1), 6, 1, signs_known=known) for known in (True, False))
    without[2].orientation.clear()
    a, b = (lifted(survey, full, rows) for _, _, survey, full, rows in (with_signs, without))
    assert a is not None
    assert b is not None
    assert a[0] == b[0]
    assert without[3].ledger.queries >= with_signs[3].ledger.queries


def test_a_neuron_without_a_kink_on_the_lines_is_not_lifted():
    _, found, survey, full, rows = setting((12, 4, 1), 6, 0)
    survey.owner = [None if owner == 0 else owner for owner in survey.owner]
    assert survey.model == Model(6, found.model.neurons)
    assert lifted(survey, full, rows) is None
