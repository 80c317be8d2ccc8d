"""Weights on no grid come out with intervals that hold them, and nothing of it is called exact."""

import numpy as np
import pytest
from campaign import FACTOR
from float_networks import function

import exactre

SEEDS = range(2 * FACTOR)


def arrays(net):
    """Float (weight, bias) of every layer of a layered network."""
    found = []
    for node in net.nodes:
        [(_, weight)] = node.inputs
        found.append(
            tuple(np.array([[float(v) for v in row] for row in m.rows()]) for m in (weight, node.bias))
        )
    return found


def errors(measured, neurons, widths):
    """Stated errors of the hidden weights and biases, and of the output's; 0 where none is stated."""
    n, m = widths
    by_place = {number.place: number.error for number in measured.open}
    return (
        np.array(
            [[by_place.get(f"layer 1, neuron {z}, weight {i}", 0.0) for i in range(n)] for z in neurons]
        ),
        np.array([by_place.get(f"layer 1, neuron {z}, bias", 0.0) for z in neurons]),
        np.array([[by_place.get(f"output {k}, weight {z}", 0.0) for z in neurons] for k in range(m)]),
        np.array([by_place.get(f"output {k}, bias", 0.0) for k in range(m)]),
    )


def double(seed):
    """A network of 6-5-2 with float64 weights."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(5, 6)) * np.sqrt(1 / 3), rng.normal(size=5) / 2),
        (rng.normal(size=(2, 5)) * np.sqrt(2 / 5), rng.normal(size=2) / 2),
    ]


def with_one_row_off_the_grid(seed):
    """The same with float32 weights, but for one row."""
    net = double(seed)
    weight, bias = (part.copy() for part in net[0])
    net[0] = tuple(part.astype(np.float32).astype(float) for part in net[0])
    net[0][0][2], net[0][1][2] = weight[2], bias[2]
    return [net[0], tuple(part.astype(np.float32).astype(float) for part in net[1])]


@pytest.mark.parametrize("make", [double, with_one_row_off_the_grid])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_stated_intervals_hold_the_true_weights(make, seed):
    (true_weight, true_bias), (true_out, true_constant) = net = make(seed)
    result = exactre.recover(function(net), input_dim=6, exact=False, seed=seed, max_queries=20000)
    assert (result.status, result.network) == ("partial", None)
    assert result.measured.nearest is not None
    (weight, bias), (out, constant) = arrays(result.measured.nearest)
    weight_error, bias_error, out_error, constant_error = errors(result.measured, range(5), (6, 2))
    cosines = (true_weight / np.linalg.norm(true_weight, axis=1)[:, None]) @ weight.T
    owner = cosines.argmax(axis=0)
    assert sorted(owner) == list(range(5))
    lead = np.abs(weight).argmax(axis=1)
    scale = weight[range(5), lead] / true_weight[owner, lead]
    rounding = 2.0**-50  # of this comparison
    off = np.abs(weight - true_weight[owner] * scale[:, None])
    assert (off <= weight_error + rounding * np.abs(weight)).all()
    assert (np.abs(bias[:, 0] - true_bias[owner] * scale) <= bias_error + rounding).all()
    assert (np.abs(out - true_out[:, owner] / scale) <= out_error + rounding * np.abs(out)).all()
    assert (np.abs(constant[:, 0] - true_constant) <= constant_error + rounding).all()
    loose = (weight_error > 0).any(axis=1)
    assert sorted(owner[loose]) == ([2] if make is with_one_row_off_the_grid else list(range(5)))
    assert max(weight_error.max(), bias_error.max(), out_error.max()) < 2.0**-30
