"""A maximum of affine functions is found from the parts of hyperplanes on which it bends."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from recover_targets import jets_of, random_line

from exactre import recover
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.recover.line import primitive
from exactre.recover.maxima import Maximum, find_maxima
from exactre.recover.survey import Survey


def of_maxima(groups, readers, biases):
    """The network whose hidden layer reads max(forms) of each group; forms (n + 1,), readers (m, groups).

    Chains M + relu(f - M), so that node k has every group's k-th difference.
    """
    n = len(groups[0][0]) - 1
    nodes = []
    for k in range(1, len(groups[0])):
        inputs = [
            (
                INPUT,
                Matrix.from_rows([[a - b for a, b in zip(g[k][:n], g[0][:n], strict=True)] for g in groups]),
            )
        ]
        for node in nodes:
            inputs.append(
                (
                    node.name,
                    Matrix.from_rows(
                        [[-int(i == j) for j in range(len(groups))] for i in range(len(groups))]
                    ),
                )
            )
        nodes.append(Node(f"d{k}", True, tuple(inputs), Matrix.column([g[k][n] - g[0][n] for g in groups])))
    first = [
        [sum(w * g[0][c] for w, g in zip(row, groups, strict=True)) for c in range(n + 1)] for row in readers
    ]
    reading = [(INPUT, Matrix.from_rows([row[:n] for row in first]))]
    reading += [(node.name, Matrix.from_rows(readers)) for node in nodes]
    shift = [b + row[n] for b, row in zip(biases, first, strict=True)]
    nodes.append(Node("reader", True, tuple(reading), Matrix.column(shift)))
    out = Matrix.from_rows([[11, -5, 3]])
    return Network(n, [*nodes, Node("output", False, (("reader", out),), Matrix.column([1]))])


def random_groups(count, size, n, seed):
    """Groups of forms, of which the first is zero and the others have zeros."""
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(count):
        forms = rng.integers(-999, 1000, size=(size, n + 1))
        forms[0] = 0
        groups.append([[int(v) for v in form] for form in forms])
    return groups


def surveyed(net, lines, seed):
    survey = Survey(jets_of(net), [1] * net.input_dim)
    rng = np.random.default_rng(seed)
    for _ in range(lines):
        survey.scan(random_line(net.input_dim, rng))
    kinks = {}
    for i, kink in enumerate(survey.kinks):
        kinks.setdefault(kink.form, []).append(i)
    return survey, kinks


def edges(group):
    """The hyperplanes on which two of the forms are equal, worked out here."""
    return {primitive([a - b for a, b in zip(f, g, strict=True)]) for f, g in combinations(group, 2)}


@pytest.mark.parametrize("size", [3, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_maxima_are_found_up_to_an_affine_function_and_a_positive_factor(size, seed):
    groups = random_groups(2, size, 5, seed)
    net = of_maxima(groups, [[1, 2], [2, 1], [1, 1]], [1, 2, 3])
    survey, kinks = surveyed(net, 24, seed)
    found = find_maxima(survey, kinks)
    assert {frozenset(m.edges) for m in found} == {frozenset(edges(group)) for group in groups}
    for maximum in found:
        [group] = [g for g in groups if edges(g) == set(maximum.edges)]
        # Both maxima bend in the same way at points around: their differences from one form are proportional.
        for x in np.random.default_rng(seed).integers(-99, 100, size=(20, 5)).tolist():
            ours, theirs = (
                [sum(a * v for a, v in zip(f, (*x, 1), strict=True)) for f in forms]
                for forms in (maximum.forms, group)
            )
            order = [theirs.index(v) for v in sorted(theirs)]
            assert sorted(ours)[-1] - sorted(ours)[-2] == ratio(maximum, group) * (
                theirs[order[-1]] - theirs[order[-2]]
            )


def ratio(maximum, group):
    """How many times the differences of the group's forms those of the maximum are."""
    content = {edge: gap(f, g, edge) for edge, (f, g) in maximum.edges.items()}
    other = {
        primitive(d): abs(Fraction(next(v for v in d if v), next(v for v in primitive(d) if v)))
        for f, g in combinations(group, 2)
        for d in [[a - b for a, b in zip(f, g, strict=True)]]
    }
    [found] = {content[edge] / other[edge] for edge in content}
    return found


def gap(f, g, edge):
    """How many times an edge two forms differ by."""
    return abs(next(Fraction(a - b, e) for a, b, e in zip(f, g, edge, strict=True) if e))


@pytest.mark.parametrize("seed", range(3))
def test_neurons_of_a_layer_are_no_maximum(seed):
    rng = np.random.default_rng(seed)
    weights = [
        Matrix.from_rows(rng.integers(-99, 100, size=shape).tolist()) for shape in ((6, 5), (3, 6), (1, 3))
    ]
    biases = [Matrix.column(rng.integers(-99, 100, size=w.shape[0]).tolist()) for w in weights]
    survey, kinks = surveyed(Network.layered(list(zip(weights, biases, strict=True))), 12, seed)
    assert find_maxima(survey, kinks) == []


def test_the_sparsest_maximum_leaves_out_what_all_have_in_common():
    vertices = [[5, 1, 2], [5, 4, 2], [9, 1, 2]]
    maximum = Maximum.sparsest([tuple(map(Fraction, f)) for f in vertices])
    assert maximum.forms == ((0, 0, 0), (4, 0, 0), (0, 3, 0))


def test_translates_keep_the_constants_and_stay_inside():
    maximum = Maximum(((0, 0, 0, 0, 7), (0, 1, 2, 0, 5)))
    assert [m.forms[1] for m in maximum.translates()] == [(1, 2, 0, 0, 5), (0, 0, 1, 2, 5)]


def pooled(count, seed):
    """Maxima of zero and of a 3x3 kernel at the four places of a 4x4 image, for `count` kernels."""
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(count):
        kernel, bias = rng.integers(-999, 1000, size=(3, 3)), int(rng.integers(-999, 1000))
        forms = [[0] * 17]
        for y, x in product(range(2), repeat=2):
            image = np.zeros((4, 4), dtype=int)
            image[y : y + 3, x : x + 3] = kernel
            forms.append([*image.ravel().tolist(), bias])
        groups.append(forms)
    return groups


def test_a_network_that_pools_is_recovered():
    net = of_maxima(pooled(3, 1), [[1, 2, -1], [3, -1, 1], [-2, 1, 1]], [1000, -3000, 2000])
    result = recover(net, seed=1, max_queries=2500)
    assert result.status == "certified"
    assert result.layers == (3, 3, 3, 3, 3)
