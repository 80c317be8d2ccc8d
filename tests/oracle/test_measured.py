"""Oracles over what runs in this process: arrays, torch modules by their looks, ONNX Runtime sessions."""

from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch

from exactre import save
from exactre.errors import OracleError, ShapeError
from exactre.formats.floats import FloatNetwork
from exactre.network import Network, Node
from exactre.oracle.measured import ArrayOracle, MeasuredOracle, session_oracle, torch_oracle

NET = Network.from_rows([([[1, 2], [-1, 1]], [0, 1]), ([[1, -1], [2, 3], [0, 1]], [5, 0, 1])])
POINTS = np.array([[0.5, -2.0], [3.0, 0.25], [1.0, 1.0]])


def answers(oracle, points=POINTS):
    return np.concatenate(list(oracle.query_batches(points)))


def test_an_array_oracle_gets_its_type_and_batches():
    seen = []

    def f(x):
        seen.append((x.dtype.name, len(x)))
        return x.sum(axis=1)

    oracle = ArrayOracle(f, 2, arithmetic="float32", batch=2)
    assert isinstance(oracle, MeasuredOracle)
    assert answers(oracle).tolist() == [[-1.5], [3.25], [2.0]]
    assert seen == [("float32", 2), ("float32", 1)]


def test_an_array_oracle_of_no_inputs_is_refused():
    with pytest.raises(ShapeError, match="at least one input"):
        ArrayOracle(len, 0)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_networks_own_arithmetic_agrees_with_its_exact_values_on_short_numbers(kind):
    found = FloatNetwork(NET, kind)(POINTS.astype(kind))
    assert found.dtype == kind
    exact = NET.evaluate([[*map(int, 4 * x)] for x in POINTS]).num.tolist()
    scaled = FloatNetwork(NET, kind)((4 * POINTS).astype(kind))
    assert scaled.tolist() == [[int(v) for v in row] for row in exact]


def test_a_residual_network_is_evaluated_too():
    hidden = NET.nodes[0]
    [(_, weight)] = hidden.inputs
    net = Network(2, [hidden, Node("output", False, (("layer1", weight), ("input", weight)), hidden.bias)])
    found = FloatNetwork(net, "float64")(np.array([[1.0, 2.0], [-3.0, 1.0]]))
    assert found.tolist() == [[float(v) for v in net(x)] for x in [(1, 2), (-3, 1)]]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_torch_module_is_asked_in_the_type_of_its_parameters(kind):
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    module = module.to(getattr(torch, kind))
    oracle = torch_oracle(module, 2)
    assert oracle.arithmetic == kind
    found = module(torch.tensor(POINTS, dtype=getattr(torch, kind))).detach().numpy()
    assert answers(oracle).tolist() == found.tolist()


@pytest.mark.parametrize("module", [torch.nn.ReLU(), torch.nn.Linear(2, 1).half()])
def test_a_torch_module_of_another_type_is_refused(module):
    with pytest.raises(OracleError, match="expected a module with parameters of float32 or float64"):
        torch_oracle(module, 2)


def test_a_real_session_is_asked_in_batches(tmp_path):
    save(NET, tmp_path / "net.onnx")
    oracle = session_oracle(onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    assert (oracle.input_dim, oracle.arithmetic) == (2, "float32")
    assert answers(oracle).tolist() == FloatNetwork(NET, "float64")(POINTS).tolist()


def session(shape, *, kinds=("tensor(double)",), outputs=1):
    """A session that adds up its input, of one shape."""

    def run(_, feeds):
        [x] = feeds.values()
        assert all(found == size for found, size in zip(x.shape, shape, strict=True) if isinstance(size, int))
        return [np.float64(x).reshape(-1, 2).sum(axis=1, keepdims=True)]

    inputs = [SimpleNamespace(name=f"x{k}", type=kind, shape=shape) for k, kind in enumerate(kinds)]
    return SimpleNamespace(get_inputs=lambda: inputs, get_outputs=lambda: [None] * outputs, run=run)


@pytest.mark.parametrize("shape", [["N", 2], [None, 2, 1], [1, 2], [1, 1, 2, 1], [2]])
def test_sessions_of_any_batch_and_shape_are_asked(shape):
    assert answers(session_oracle(session(shape))).ravel().tolist() == [-1.5, 3.25, 2.0]


@pytest.mark.parametrize(
    "wrong",
    [
        session(["N", 2], kinds=("tensor(int64)",)),
        session(["N", 2], kinds=("tensor(float)", "tensor(float)")),
        session(["N", 2], outputs=2),
        session(["N", "M"]),
        session([8, 2]),
        session(["N"]),
    ],
)
def test_other_sessions_are_refused(wrong):
    with pytest.raises(OracleError, match=r"expected (a session of one output|an input of one point)"):
        session_oracle(wrong)
