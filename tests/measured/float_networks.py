"""Float networks, the oracles that answer for them, and what is true of them."""

from itertools import pairwise

import numpy as np

from exactre.measured import noise as noises
from exactre.measured.candidate import coefficients
from exactre.measured.known import Known, Layer
from exactre.measured.probe import Probe
from exactre.measured.survey import Survey, nearest_neuron
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import ArrayOracle


def layers(widths, seed):
    """He-random float32 (weight, bias) of every layer."""
    rng = np.random.default_rng(seed)
    found = []
    for n, m in pairwise(widths):
        weight = (rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(np.float32)
        found.append((weight.astype(float), (rng.normal(size=m) / 2).astype(np.float32).astype(float)))
    return found


def function(net, kind="float64"):
    def f(x):
        for k, (weight, bias) in enumerate(net):
            x = x @ weight.T.astype(kind) + bias.astype(kind)
            if k < len(net) - 1:
                x = np.maximum(x, 0)
        return x

    return f


def probe(f, n, *, arithmetic="float64", box=None, seed=0):
    ledger = FloatLedger(ArrayOracle(f, n, arithmetic=arithmetic))
    rng = np.random.default_rng(seed)
    return Probe(ledger, noises.measure(ledger, box, rng), box, rng)


def truth(net):
    """The network as a known one, to compare with."""
    hidden = net[:-1]
    return Known(net[0][0].shape[1], tuple(Layer(w, b, np.ones(len(b), dtype=np.int64)) for w, b in hidden))


def third_layer(seed, widths=(12, 7, 10, 5, 1)):
    """The layers below the third, its true one, and its bends that say nothing alone, by neuron."""
    net = layers(widths, seed)
    survey = Survey(probe(function(net), widths[0], seed=seed))
    for _ in range(12):
        line = survey.random_line()
        survey.look(line, survey.ends(line))
    known = truth(net)
    below = Known(known.dim, known.layers[:2])
    bends = {z: [] for z in range(widths[3])}
    for bend in survey.bends:
        owner = nearest_neuron(known, bend.point, bend.v, bend.error)
        if owner is not None and owner[0] == 2 and coefficients(below, 2, bend) is None:
            bends[owner[1]].append(bend)
    return below, known.layers[2], bends
