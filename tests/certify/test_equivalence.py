"""Equal pairs are proved equal, mutants refuted by true witnesses, and the checker accepts every verdict."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from pairs import equal_pairs, mutant_pairs, plain_value

import exactre
from exactre.certify.question import Domain
from exactre.errors import ShapeError
from exactre.network import Network
from exactre.rational import Matrix


def assert_true(verdict, a, b):
    """A verdict's certificate is accepted, and its witness is one by the tests' own evaluation."""
    exactre.check(verdict.certificate, a, b)
    assert verdict.certificate.claim == verdict.status
    if verdict.status == "different":
        witness = verdict.witness
        assert witness.output_a == plain_value(a, witness.input)
        assert witness.output_b == plain_value(b, witness.input)
        assert witness.output_a != witness.output_b


@settings(max_examples=150, deadline=None)
@given(equal_pairs())
def test_changes_of_form_are_proved_equal(pair):
    verdict = exactre.certify_equivalence(*pair)
    assert verdict.status == "equivalent"
    assert_true(verdict, *pair)


@settings(max_examples=150, deadline=None)
@given(mutant_pairs())
def test_mutants_get_a_true_verdict(pair):
    verdict = exactre.certify_equivalence(*pair)
    assert verdict.status in ("equivalent", "different")
    assert_true(verdict, *pair)


def he_network(seed, sizes):
    rng = np.random.default_rng(seed)
    layers = []
    for n, m in pairwise(sizes):
        weight = (rng.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32)
        layers.append((weight, (rng.standard_normal((m, 1)) / 10).astype(np.float32)))
    return layers


def network(layers):
    return Network.layered([(Matrix.from_floats(w), Matrix.from_floats(b)) for w, b in layers])


@pytest.mark.parametrize("domain", [None, Domain.box([0] * 784, [1] * 784)], ids=["everywhere", "pixels"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_last_bit_of_one_weight_is_refuted_with_a_short_witness(layer, domain):
    layers = he_network(7, (784, 256, 256, 10))
    a = network(layers)
    weight = layers[layer][0]
    weight[3, 5] = np.nextafter(weight[3, 5], np.float32(9))
    b = network(layers)
    verdict = exactre.certify_equivalence(a, b, domain=domain)
    assert verdict.status == "different"
    assert verdict.witness.output_a != verdict.witness.output_b
    assert domain is None or verdict.witness.input in domain
    assert sum(len(str(v)) for v in verdict.witness.input) < 2 * 784
    exactre.check(verdict.certificate, a, b)


def handed_on(layers):
    """The layers with relu(x0) and relu(-x0) as two more neurons of each hidden layer, 3 x0 of output 0."""
    (first, bias), *middle, (last, end) = layers
    unit = [1] + [0] * (len(first[0]) - 1)
    result = [([*first, unit, [-v for v in unit]], [*bias, 0, 0])]
    for rows, bias in middle:
        none = [0] * len(rows[0])
        result.append(([*([*row, 0, 0] for row in rows), [*none, 1, 0], [*none, 0, 1]], [*bias, 0, 0]))
    skips = [[3, -3] if i == 0 else [0, 0] for i in range(len(last))]
    return [*result, ([[*row, *skip] for row, skip in zip(last, skips, strict=True)], end)]


@pytest.mark.parametrize("factor", [1, 1 + Fraction(1, 2**40)])
def test_a_skip_is_what_layers_hand_on_as_two_neurons(factor):
    # However large the rest is: relu(r - x0) of r = relu(x0) is r - x0 again.
    rng = np.random.default_rng(3)
    layers = [
        (rng.integers(-9, 10, (m, n)).tolist(), rng.integers(-9, 10, m).tolist())
        for n, m in pairwise((4, 20, 20, 20, 2))
    ]
    plain = Network.from_rows(layers)
    *hidden, last = plain.nodes
    skip = Matrix.from_rows([[3 * factor, 0, 0, 0], [0, 0, 0, 0]])
    a = Network(4, [*hidden, replace(last, inputs=(*last.inputs, ("input", skip)))])
    b = Network.from_rows(handed_on(layers))
    verdict = exactre.certify_equivalence(a, b)
    assert (verdict.status, verdict.method) == (
        ("equivalent", "matching") if factor == 1 else ("different", "witness")
    )
    assert_true(verdict, a, b)


def test_a_difference_in_a_rare_cell_is_refuted():
    # B adds relu(relu(x0 - 40) + relu(x1 - 40) - 1), which is zero but beyond 40 in two directions.
    plain = Network.from_rows([([[1, 0]], [0]), ([[1]], [0]), ([[1]], [0])])
    rare = Network.from_rows(
        [([[1, 0], [1, 0], [0, 1]], [0, -40, -40]), ([[1, 0, 0], [0, 1, 1]], [0, -1]), ([[1, 3]], [0])]
    )
    verdict = exactre.certify_equivalence(plain, rare)
    assert verdict.status == "different"
    assert_true(verdict, plain, rare)


def test_two_files_of_one_real_model(models):
    a = exactre.load(models / "acasxu_1_1.onnx")
    b = exactre.load(models / "acasxu_1_1.nnet")
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "different"
    assert_true(verdict, a, b)


@pytest.mark.parametrize("name", ["cartpole.onnx", "vdp.onnx", "drones_AC1.onnx", "tll_2_8.onnx"])
def test_real_models_equal_themselves(models, name):
    net = exactre.load(models / name)
    verdict = exactre.certify_equivalence(net, net)
    assert verdict.status == "equivalent"
    assert_true(verdict, net, net)


def test_networks_of_other_dimensions_are_refused():
    one = Network.from_rows([([[1]], [0])])
    with pytest.raises(ShapeError, match="same inputs and outputs"):
        exactre.certify_equivalence(one, Network.from_rows([([[1, 1]], [0])]))
    with pytest.raises(ShapeError, match="same inputs and outputs"):
        exactre.certify_equivalence(one, Network.from_rows([([[1], [1]], [0, 0])]))
