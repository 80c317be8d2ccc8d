"""Hypothesis strategies for networks, and changes of form that keep or break a function; plain lists only."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import strategies as st

from exactre.network import Network

NUMBERS = st.sampled_from(
    [Fraction(p, q) for p in range(-4, 5) for q in (1, 2, 3)] + [Fraction(1, 7), Fraction(-9)]
)
FACTORS = st.sampled_from([Fraction(p, q) for p in (1, 2, 5) for q in (1, 3, 4)])


@st.composite
def layer_lists(draw, *, inputs=(1, 3), depth=(1, 3), width=(1, 4), outputs=(1, 2)):
    """[(weight rows, bias), ...] of a small layered network, zeros included."""
    sizes = [draw(st.integers(*inputs))]
    sizes += [draw(st.integers(*width)) for _ in range(draw(st.integers(*depth)))]
    sizes.append(draw(st.integers(*outputs)))
    layers = []
    for n, m in pairwise(sizes):
        rows = [[draw(NUMBERS) for _ in range(n)] for _ in range(m)]
        layers.append((rows, [draw(NUMBERS) for _ in range(m)]))
    return layers


def permuted(draw, layers, k):
    """Layer k's neurons in another order."""
    order = draw(st.permutations(range(len(layers[k][1]))))
    return _reorder(layers, k, order)


def rescaled(draw, layers, k):
    """Layer k's neurons multiplied by positive factors, their outgoing weights divided."""
    factors = [draw(FACTORS) for _ in layers[k][1]]
    (rows, bias), (after, bias_after) = layers[k], layers[k + 1]
    new = [[v * s for v in row] for row, s in zip(rows, factors, strict=True)]
    out = [[v / s for v, s in zip(row, factors, strict=True)] for row in after]
    return _replace(layers, k, (new, [v * s for v, s in zip(bias, factors, strict=True)]), (out, bias_after))


def duplicated(draw, layers, k):
    """A neuron of layer k twice, its outgoing weights split between the two in some ratio."""
    j, share = draw(st.integers(0, len(layers[k][1]) - 1)), draw(NUMBERS)
    (rows, bias), (after, bias_after) = layers[k], layers[k + 1]
    out = [[*row[:j], row[j] * (1 - share), *row[j + 1 :], row[j] * share] for row in after]
    return _replace(layers, k, ([*rows, list(rows[j])], [*bias, bias[j]]), (out, bias_after))


def with_dead_neuron(draw, layers, k):
    """One more neuron in layer k: never active, or with no outgoing weight."""
    (rows, bias), (after, bias_after) = layers[k], layers[k + 1]
    if draw(st.booleans()):
        row, offset = [Fraction(0)] * len(rows[0]), -abs(draw(NUMBERS))
        outgoing = [draw(NUMBERS) for _ in after]
    else:
        row, offset = [draw(NUMBERS) for _ in rows[0]], draw(NUMBERS)
        outgoing = [Fraction(0)] * len(after)
    out = [[*line, v] for line, v in zip(after, outgoing, strict=True)]
    return _replace(layers, k, ([*rows, row], [*bias, offset]), (out, bias_after))


def with_identity_layer(draw, layers, k):
    """A layer relu(t), relu(-t) of layer k's preactivations t before it."""
    rows, bias = layers[k]
    negative = [[-v for v in row] for row in rows]
    m = len(bias)
    merge = [[Fraction((j == i) - (j == i + m)) for j in range(2 * m)] for i in range(m)]
    split = ([*rows, *negative], [*bias, *[-v for v in bias]])
    return [*layers[:k], split, (merge, [Fraction(0)] * m), *layers[k + 1 :]]


CHANGES = (permuted, rescaled, duplicated, with_dead_neuron, with_identity_layer)


@st.composite
def equal_pairs(draw, **sizes):
    """Two networks that are the same function, one made from the other by up to four changes of form."""
    layers = draw(layer_lists(**sizes))
    other = layers
    for _ in range(draw(st.integers(1, 4))):
        change = draw(st.sampled_from(CHANGES))
        other = change(draw, other, draw(st.integers(0, len(other) - 2)))
    return Network.from_rows(layers), Network.from_rows(other)


@st.composite
def mutant_pairs(draw, **sizes):
    """Two networks of one form, one number of one of them changed; perhaps the same function all the same."""
    layers = draw(layer_lists(**sizes))
    k = draw(st.integers(0, len(layers) - 1))
    rows, bias = layers[k]
    i = draw(st.integers(0, len(bias) - 1))
    j = draw(st.integers(0, len(rows[0])))
    delta = draw(st.sampled_from([Fraction(1), Fraction(-1, 2), Fraction(1, 2**24)]))
    rows = [list(row) for row in rows]
    bias = list(bias)
    if j < len(rows[0]):
        rows[i][j] += delta
    else:
        bias[i] += delta
    other = [*layers[:k], (rows, bias), *layers[k + 1 :]]
    if draw(st.booleans()) and len(other) > 1:
        other = permuted(draw, other, draw(st.integers(0, len(other) - 2)))
    return Network.from_rows(layers), Network.from_rows(other)


def plain_value(net, point):
    """The outputs at a point by Fraction arithmetic alone, the tests' own evaluation."""
    values = {"input": list(point)}
    for node in net.nodes:
        out = [row[0] for row in node.bias.rows()]
        for source, weight in node.inputs:
            for i, row in enumerate(weight.rows()):
                out[i] += sum(w * v for w, v in zip(row, values[source], strict=True))
        values[node.name] = [max(v, Fraction(0)) for v in out] if node.relu else out
    return tuple(values[net.nodes[-1].name])


def _reorder(layers, k, order):
    (rows, bias), (after, bias_after) = layers[k], layers[k + 1]
    new = ([rows[i] for i in order], [bias[i] for i in order])
    return _replace(layers, k, new, ([[row[i] for i in order] for row in after], bias_after))


def _replace(layers, k, layer, after):
    return [*layers[:k], layer, after, *layers[k + 2 :]]
