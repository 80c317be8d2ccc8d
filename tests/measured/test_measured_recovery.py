"""recover(exact=False): exact where it says so, and never where it cannot know; nothing paid for is lost."""

from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
import torch

import exactre
from exactre.errors import ExactreError, LedgerError
from exactre.formats.floats import FloatNetwork
from exactre.network import Network
from exactre.oracle.measured import ArrayOracle
from exactre.rational import Matrix


def he_random(widths, seed, kind=np.float32):
    rng = np.random.default_rng(seed)
    layers = []
    for n, m in pairwise(widths):
        weight = (rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(kind)
        bias = (rng.normal(size=(m, 1)) / 2).astype(kind)
        layers.append((Matrix.from_floats(weight), Matrix.from_floats(bias)))
    return Network.layered(layers)


def integers(widths, seed):
    rng = np.random.default_rng(seed)
    return Network.layered(
        [
            (
                Matrix.from_floats(rng.integers(-127, 128, size=(m, n)) / 128.0),
                Matrix.from_floats(bias / 128.0),
            )
            for n, m in pairwise(widths)
            for bias in [rng.integers(-127, 128, size=(m, 1))]
        ]
    )


def bfloat16(matrix):
    bits = np.array([[float(v) for v in row] for row in matrix.rows()], dtype=np.float32).view(np.uint32)
    return Matrix.from_floats((((bits + 0x8000) >> 16) << 16).view(np.float32))


def certified(net, **options):
    result = exactre.recover(net, exact=False, **options)
    assert (result.status, result.missing) == ("certified", ())
    exactre.check(result.certificate, net, result.network)
    assert result.measured.log2_false < -40
    return result


@pytest.mark.parametrize(
    ("widths", "seed"), [((8, 5, 1), 0), ((10, 8, 3), 1), ((70, 6, 2), 0), ((6, 12, 1), 0)]
)
def test_one_hidden_layer_is_recovered_bit_by_bit(widths, seed):
    result = certified(he_random(widths, seed), seed=seed)
    assert result.measured.grid == "float32"
    assert result.layers == widths[1:-1]


def test_two_hidden_layers_are_recovered_bit_by_bit():
    assert certified(he_random((12, 8, 6, 2), 3), seed=3).layers == (8, 6)


@pytest.mark.parametrize("widths", [(5, 10, 6, 1), (8, 6, 6, 4, 2)])
def test_wide_layers_and_three_hidden_ones_are_recovered_bit_by_bit(widths):
    """Fewer inputs than neurons: signs are told from boundaries that are followed across the layer."""
    assert certified(he_random(widths, 1), seed=1).layers == widths[1:-1]


@pytest.mark.parametrize("seed", range(2))
def test_a_neuron_that_is_active_everywhere_shows_in_the_output_alone(seed):
    """Its bias is part of the output's, which is on no grid: a proof settles it, answers leave it open."""
    net = he_random((6, 5, 4, 1), seed)
    [(_, weight)] = net.nodes[1].inputs
    rows, biases = weight.rows(), net.nodes[1].bias.rows()
    rows[1], biases[1] = [abs(v) for v in rows[1]], [abs(biases[1][0])]
    layers = [(node.inputs[0][1], node.bias) for node in net.nodes]
    layers[1] = Matrix.from_rows(rows), Matrix.from_rows(biases)
    net = Network.layered(layers)
    result = exactre.recover(net, exact=False, seed=seed)
    assert (result.status, result.layers) == ("certified", (5, 4))
    exactre.check(result.certificate, net, result.network)
    box = exactre.recover(FloatNetwork(net, "float64"), input_dim=6, exact=False, seed=seed)
    assert (box.status, box.network) == ("partial", None)
    [number] = box.measured.open
    [[total]] = result.network.nodes[-1].bias.rows()
    assert number.place == "output 0, bias"
    assert abs(number.value - total) <= number.error


def test_coarse_weights_are_recovered_through_float32_answers():
    result = certified(integers((16, 6, 4), 0), arithmetic="float32")
    assert result.measured.grid == "int8"


def test_coarse_weights_whose_sums_a_float64_holds_are_recovered_bit_by_bit():
    """Answers without rounding are taken to be no better than the float that holds them."""
    assert certified(integers((12, 8, 1), 0)).layers == (8,)
    layers = [(bfloat16(node.inputs[0][1]), bfloat16(node.bias)) for node in he_random((12, 8, 1), 0).nodes]
    assert certified(Network.layered(layers)).layers == (8,)


@pytest.mark.parametrize("seed", range(3))
def test_bfloat16_weights_are_recovered_through_float32_answers(seed):
    net = he_random((32, 12, 4), seed)
    layers = [tuple(bfloat16(m) for m in (node.inputs[0][1], node.bias)) for node in net.nodes]
    result = exactre.recover(Network.layered(layers), exact=False, arithmetic="float32", seed=seed)
    assert (result.status, result.measured.grid) == ("certified", "bfloat16")
    box = FloatNetwork(Network.layered(layers), "float32")
    box = exactre.recover(box, input_dim=32, exact=False, arithmetic="float32", seed=seed)
    assert box.status == ("partial" if box.measured.open else "consistent")
    assert box.measured.nearest == result.network


def test_a_black_box_of_arrays_is_consistent_and_the_same_network():
    net = he_random((8, 5, 1), 0)
    box = exactre.recover(FloatNetwork(net, "float64"), input_dim=8, exact=False)
    assert (box.status, box.certificate) == ("consistent", None)
    assert box.assumptions
    assert box.network == certified(net).network


def test_a_torch_module_and_a_session_are_recovered_from_their_answers(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)).double()
    with torch.no_grad():
        for k, parameter in enumerate(module.parameters()):
            draw = torch.Generator().manual_seed(k)
            parameter.copy_(torch.randn(parameter.shape, generator=draw, dtype=torch.float32))
    result = exactre.recover(module, input_dim=8, exact=False)
    assert result.status == "consistent"
    assert exactre.certify_equivalence(exactre.load(module), result.network).status == "equivalent"
    net = integers((8, 4, 2), 1)
    exactre.save(net, tmp_path / "net.onnx")
    result = exactre.recover(onnxruntime.InferenceSession(tmp_path / "net.onnx"), exact=False)
    assert result.status == "consistent"
    assert exactre.certify_equivalence(net, result.network).status == "equivalent"


def test_the_same_seed_asks_the_same():
    net = he_random((8, 5, 1), 0)
    a, b = (exactre.recover(net, exact=False, seed=3) for _ in range(2))
    assert (a.queries, a.network) == (b.queries, b.network)


def test_weights_on_no_grid_are_never_exact():
    """Weights of float64 are on none of the grids, and its answers cannot show all of their bits."""
    result = exactre.recover(he_random((8, 5, 1), 0, np.float64), exact=False, max_queries=4000)
    assert (result.status, result.network) == ("partial", None)
    assert result.missing


@pytest.mark.parametrize("seed", range(3))
def test_one_bit_beyond_the_grid_is_never_called_exact(seed):
    net = he_random((8, 5, 1), seed)
    [(_, weight)] = net.nodes[0].inputs
    rows = weight.rows()
    rows[2][3] += abs(rows[2][3]) / 2**26
    other = Network.layered(
        [
            (Matrix.from_rows(rows), net.nodes[0].bias),
            (net.nodes[1].inputs[0][1], net.nodes[1].bias),
        ]
    )
    black_box = FloatNetwork(other, "float64")
    result = exactre.recover(black_box, input_dim=8, exact=False, seed=seed, max_queries=4000)
    assert (result.status, result.network) == ("partial", None)
    assert result.missing


def test_answers_of_two_decimals_are_refused_before_the_budget_is_spent():
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")
    result = exactre.recover(lambda x: np.round(net(x), 2), input_dim=8, exact=False)
    assert result.status == "partial"
    assert "too few for any grid of weights" in result.missing[0]
    assert "answers are rounded to 2 decimal places" in result.measured.noise
    assert result.queries < 500


def test_a_constant_is_named_as_such():
    result = exactre.recover(lambda x: np.full((len(x), 1), 0.25), input_dim=8, exact=False)
    assert (result.status, result.missing) == ("partial", ("the answers do not change with the input",))
    assert result.queries < 1000


def test_answers_of_six_decimals_give_no_exact_float32_network():
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")
    result = exactre.recover(lambda x: np.round(net(x), 6), input_dim=8, exact=False, max_queries=4000)
    assert (result.status, result.network) == ("partial", None)


def test_no_query_leaves_the_box():
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")

    def refuses(x):
        if (np.abs(x) > 4).any():
            raise ValueError("outside of the box")
        return net(x)

    result = exactre.recover(refuses, input_dim=8, exact=False, box=(-4.0, 4.0))
    assert not any("outside of the box" in text for text in result.missing)
    assert result.layers[0] > 0


def test_an_oracle_that_refuses_points_gives_a_partial_result_with_its_words():
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")

    def refuses(x):
        if (np.abs(x) > 4).any():
            raise ValueError("outside of the box")
        return net(x)

    result = exactre.recover(refuses, input_dim=8, exact=False)
    assert result.status == "partial"
    assert result.missing == ("the oracle raised ValueError: outside of the box",)


def broken_after(net, count, fault):
    asked = [0]

    def f(x):
        asked[0] += len(x)
        y = net(x)
        if asked[0] > count:
            fault(y)
        return y

    return f


def to_nan(y):
    y[-1] = np.nan


def to_other(y):
    y += 1e-3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (to_nan, "the oracle answered nan"),
        (to_other, "the oracle contradicts itself: an answer has changed by"),
    ],
)
def test_an_oracle_that_goes_wrong_gives_a_partial_result_that_says_how(fault, words):
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")
    result = exactre.recover(broken_after(net, 900, fault), input_dim=8, exact=False)
    assert (result.status, result.network) == ("partial", None)
    assert any(words in text for text in result.missing)


def test_what_was_paid_for_is_not_asked_again(tmp_path):
    net = FloatNetwork(he_random((8, 5, 1), 0), "float64")
    path = tmp_path / "l.sqlite"
    first = exactre.recover(broken_after(net, 700, to_nan), input_dim=8, exact=False, ledger=path)
    assert first.status == "partial"
    whole = exactre.recover(net, input_dim=8, exact=False)
    second = exactre.recover(net, input_dim=8, exact=False, ledger=path, resume=True)
    assert (second.status, second.network, second.queries) == ("consistent", whole.network, whole.queries)
    # Points that are asked again on purpose are paid for twice.
    assert second.new_queries + first.new_queries <= whole.new_queries + 20


def test_a_budget_is_kept():
    result = exactre.recover(he_random((8, 5, 1), 0), exact=False, max_queries=600)
    assert result.queries <= 600
    assert result.status == "partial"
    assert "exceed max_queries=600" in result.missing[0]


def test_a_constant_and_an_affine_oracle_are_partial():
    for f in (lambda x: np.ones((len(x), 1)), lambda x: x[:, :1] * 0.5):
        result = exactre.recover(f, input_dim=4, exact=False, max_queries=2000)
        assert (result.status, result.network) == ("partial", None)
        assert result.missing[0]


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (len, {}, "input_dim: expected the number of inputs for a callable"),
        (3, {}, "expected a Network, a path, a MeasuredOracle or a callable, found int"),
        (ArrayOracle(len, 2), {"box": (1.0, 1.0)}, "expected a box of finite LO < HI"),
        (Network.from_rows([([[1]], [0])]), {"exact": True, "box": (0.0, 1.0)}, "expected exact=False"),
        ("http://127.0.0.1/nowhere", {}, "expected http://HOST/v2/models/NAME"),
    ],
)
def test_unusable_arguments_are_refused(target, options, words):
    with pytest.raises(ExactreError, match=words):
        exactre.recover(target, **{"exact": False, **options})


def test_a_ledger_of_exact_answers_is_another_runs(tmp_path):
    net = he_random((3, 2, 1), 0)
    exactre.recover(net, ledger=tmp_path / "l.sqlite")
    with pytest.raises(LedgerError, match="expected a run with arithmetic float64"):
        exactre.recover(net, exact=False, ledger=tmp_path / "l.sqlite", resume=True)
