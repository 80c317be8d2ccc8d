"""Recovery that uses what a convolution's rows share needs fewer queries, and finds the same network."""

import numpy as np
import pytest
from recover_targets import random_line, survey_of, truth

from exactre import recover
from exactre.network import Network
from exactre.oracle.exact import NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.rational import Matrix
from exactre.recover.jet import Chart, Jets
from exactre.recover.model import Model
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer
from exactre.recover.translates import Translates


def convolution(channels, height, width, kernels, rng):
    """Weights and biases of 3x3 kernels on (channels, height, width) without padding, each one of a kind."""
    rows, biases = [], []
    for _ in range(kernels):
        kernel = rng.normal(size=(channels, 3, 3)).astype(np.float32)
        bias = float(rng.normal())
        for y in range(height - 2):
            for x in range(width - 2):
                image = np.zeros((channels, height, width), dtype=np.float32)
                image[:, y : y + 3, x : x + 3] = kernel
                rows.append(image.ravel())
                biases.append([bias])
    return Matrix.from_floats(np.array(rows)), Matrix.from_floats(np.array(biases, dtype=np.float32))


def convolutional(seed):
    """1x5x5, two 3x3 kernels, two of 3x3 on these, two outputs."""
    rng = np.random.default_rng(seed)
    last = rng.normal(size=(2, 2)).astype(np.float32), rng.normal(size=(2, 1)).astype(np.float32)
    return Network.layered(
        [convolution(1, 5, 5, 2, rng), convolution(2, 3, 3, 2, rng), tuple(map(Matrix.from_floats, last))]
    )


def wide(seed):
    """1x5x5, three 3x3 kernels, more neurons than inputs, one output."""
    rng = np.random.default_rng(seed)
    last = rng.normal(size=(1, 27)).astype(np.float32), np.ones((1, 1), dtype=np.float32)
    return Network.layered([convolution(1, 5, 5, 3, rng), tuple(map(Matrix.from_floats, last))])


def translates_of(survey):
    tracer = Tracer(survey.jets, survey.model, survey.floats(), np.random.default_rng(0))
    return Translates(survey, lambda: tracer)


@pytest.mark.parametrize("seed", range(2))
def test_one_line_shows_the_kernels_and_so_the_first_layer(seed):
    net = wide(seed)
    survey = Survey(Jets(Ledger(NetworkOracle(net)), Chart.identity(25)), [1] * 25)
    survey.scan(random_line(25, np.random.default_rng(seed)))
    translates = Translates(
        survey, lambda: Tracer(survey.jets, survey.model, survey.floats(), np.random.default_rng(0))
    )
    assert translates.first_layer() == len(survey.model)
    known = {neuron.linear for neuron in truth(net).model.neurons}
    assert known == {
        n.linear if n.linear in known else tuple(-v for v in n.linear) for n in survey.model.neurons
    }


@pytest.mark.parametrize("seed", range(3))
def test_kernels_tell_the_sides_of_a_layer_that_is_wider_than_the_input(seed):
    net = wide(seed)
    known = truth(net)
    survey = survey_of(Jets(Ledger(NetworkOracle(net)), Chart.identity(25)), known.model, {}, seed, lines=1)
    assert translates_of(survey).orient(0)
    assert survey.orientation == known.orientation


def test_without_kernels_nothing_is_told():
    rng = np.random.default_rng(0)
    layers = [
        (
            Matrix.from_floats(rng.normal(size=(m, n)).astype(np.float32)),
            Matrix.from_floats(np.ones((m, 1), np.float32)),
        )
        for n, m in ((5, 8), (8, 1))
    ]
    net = Network.layered(layers)
    survey = survey_of(Jets(Ledger(NetworkOracle(net)), Chart.identity(5)), Model(5), {}, 0)
    assert translates_of(survey).first_layer() == 0
    assert translates_of(survey).later_layer(1) == 0
    for neuron in truth(net).model.neurons:
        survey.add(neuron)
    assert not translates_of(survey).orient(0)
    assert survey.orientation == {}


@pytest.mark.parametrize("net", [convolutional(0), wide(0)], ids=["two layers", "wide"])
def test_sharing_saves_queries(net, monkeypatch):
    result = recover(net, seed=0, max_queries=3000)
    assert result.status == "certified"
    assert (
        sum(len(kernel.neurons) for kernel in result.kernels if kernel.layer == "layer1") == result.layers[0]
    )
    assert all(kernel.stride == (1, 1) and kernel.padding == (0, 0, 0, 0) for kernel in result.kernels)
    for kernel in result.kernels:
        assert f"kernel          {kernel.describe()}" in result.report()
    monkeypatch.setattr(Translates, "first_layer", lambda self: 0)
    monkeypatch.setattr(Translates, "later_layer", lambda self, depth: 0)
    monkeypatch.setattr(Translates, "orient", lambda self, depth: False)
    plain = recover(net, seed=0, max_queries=3000)
    assert plain.queries > result.queries
