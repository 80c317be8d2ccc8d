"""Small networks with everything that recovery has to find out about them, worked out in Fractions."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from flint import fmpz_mat

from exactre.network import Network
from exactre.oracle.exact import CallableOracle, NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.rational import Matrix
from exactre.recover.jet import Chart, Jets
from exactre.recover.line import Line
from exactre.recover.model import Model, Neuron
from exactre.recover.row import Row
from exactre.recover.survey import Survey


@dataclass(frozen=True)
class Truth:
    """A layered network's canonical form: row z of `model` is factors[z] times neuron z's preactivation.

    `linear[z]` (n + 1,) is what the preactivation is beside multiples of |earlier preactivations|.
    """

    model: Model
    orientation: dict[int, int]
    factors: list[Fraction]
    linear: list[list[Fraction]]
    layers: list[list[int]]


def truth(net, signs=None):
    """The canonical form of a layered network, where row z has the sign `signs[z]`, or else +1."""
    rows, factors, neurons, layers = [], [], [], []
    n, before = net.input_dim, None
    for node in net.nodes[:-1]:
        [(_, weight)] = node.inputs
        layer = []
        for row, (bias,) in zip(weight.rows(), node.bias.rows(), strict=True):
            parents, linear = {}, [*([Fraction(0)] * n), bias]
            if before is None:
                linear[:n] = row
            else:
                for w, j in zip(row, before, strict=True):
                    parents[j] = parents.get(j, 0) + w / 2 / abs(factors[j])
                    for i, a in rows[j][0].items():
                        parents[i] = parents.get(i, 0) + w / 2 * a
                    linear = [v + w / 2 * u for v, u in zip(linear, rows[j][1], strict=True)]
            z = len(rows)
            rows.append((parents, linear))
            den = lcm(*(v.denominator for v in (*parents.values(), *linear)))
            content = gcd(*(int(v * den) for v in (*parents.values(), *linear)))
            factor = Fraction(den, content) * (signs[z] if signs else 1)
            factors.append(factor)
            neurons.append(
                Neuron.primitive(
                    {j: int(a * factor) for j, a in parents.items()}, [int(v * factor) for v in linear]
                )
            )
            layer.append(z)
        layers.append(layer)
        before = layer
    orientation = {z: 1 if factor > 0 else -1 for z, factor in enumerate(factors)}
    return Truth(Model(n, tuple(neurons)), orientation, factors, [row[1] for row in rows], layers)


def affine_piece(net, x):
    """The affine map (m, n + 1) of a layered network just beside x: to the side of e_1, then e_2, ..."""
    n = net.input_dim
    forms = [[Fraction(i == k) for k in range(n + 1)] for i in range(n)]
    for node in net.nodes:
        [(_, weight)] = node.inputs
        found = []
        for row, (bias,) in zip(weight.rows(), node.bias.rows(), strict=True):
            form = [
                sum((w * f[k] for w, f in zip(row, forms, strict=True)), Fraction(0)) for k in range(n + 1)
            ]
            form[n] += bias
            value = sum(f * v for f, v in zip(form, (*x, 1), strict=True))
            side = next((v for v in (value, *form[:n]) if v), 0)
            found.append(form if side > 0 or not node.relu else [Fraction(0)] * (n + 1))
        forms = found
    return Matrix.from_rows(forms)


def jets_of(net):
    """Jets over the inputs of a network."""
    return Jets(Ledger(NetworkOracle(net)), Chart.identity(net.input_dim))


def jets_of_function(f, n=1):
    """Jets over the inputs of a callable."""
    return Jets(Ledger(CallableOracle(f, n)), Chart.identity(n))


def random_net(sizes, seed):
    """A layered network with normal float32 weights and biases."""
    rng = np.random.default_rng(seed)
    layers = []
    for n, m in itertools.pairwise(sizes):
        weight = rng.normal(size=(m, n)) * np.sqrt(2 / n)
        bias = rng.normal(size=(m, 1)) / 2
        layers.append(tuple(Matrix.from_floats(a.astype(np.float32)) for a in (weight, bias)))
    return Network.layered(layers)


def random_signs(count, seed):
    """Signs +-1."""
    return [int(s) for s in np.random.default_rng(seed).choice([-1, 1], size=count)]


def random_line(dim, rng):
    """A line in general position through the middle."""
    p, v = rng.integers(-16, 17, size=dim), rng.integers(-64, 65, size=dim)
    return Line(tuple(int(a) for a in p), tuple(int(a) * 2 + 1 for a in v), 4)


def survey_of(jets, model, orientation, seed, lines=4):
    """A survey of random lines that knows a model's neurons."""
    rng = np.random.default_rng(seed)
    survey = Survey(jets, [int(v) for v in rng.integers(-4096, 4097, size=jets.dim)])
    for neuron in model.neurons:
        survey.add(neuron)
    survey.orientation.update(orientation)
    for _ in range(lines):
        survey.scan(random_line(jets.dim, rng))
    return survey


def one_sided(model, row, z, side):
    """A row as it is where neuron z has this sign: a |u_z| is a * side * u_z there."""
    parents, neuron = dict(row.parents), model.neurons[z]
    a = parents.pop(z, 0) * side
    for j, b in neuron.parents.items():
        parents[j] = parents.get(j, 0) + a * b
    linear = tuple(v + a * w for v, w in zip(row.linear, neuron.linear, strict=True))
    return Row(parents, linear, row.den, {})


def restricted(net, chart):
    """The layered network over chart coordinates."""
    [(_, weight)], bias = net.nodes[0].inputs, net.nodes[0].bias
    basis, origin = Matrix(chart.basis), Matrix(chart.origin.transpose())
    first = (weight @ basis, weight @ origin + bias)
    return Network.layered([first, *((node.inputs[0][1], node.bias) for node in net.nodes[1:])])


def with_weight(net, layer, row, column, value):
    """The layered network with another weight in one place."""
    layers = []
    for k, node in enumerate(net.nodes):
        rows = node.inputs[0][1].rows()
        if k == layer:
            rows[row][column] = Fraction(value)
        layers.append((Matrix.from_rows(rows), node.bias))
    return Network.layered(layers)


def grid(points):
    """Integer points as a matrix."""
    return fmpz_mat([list(p) for p in points])
