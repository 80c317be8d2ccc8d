"""Networks at which an assumption fails: proved equal or said to be missing, and what is special named."""

import pytest

from exactre import check, recover
from exactre.testing.degenerate import DEGENERATE

# All boundaries are rays from one point, at which nothing tells what belongs together.
OPEN = {"homogeneous_in_the_plane"}


@pytest.fixture(scope="module", params=DEGENERATE)
def case(request):
    net = DEGENERATE[request.param]()
    return request.param, net, recover(net, max_queries=6000)


def test_the_end_is_a_proof_or_says_what_is_missing(case):
    name, net, result = case
    if name in OPEN:
        assert result.status == "partial"
        assert result.missing
        assert result.network is None
    else:
        assert result.status == "certified"
        check(result.certificate, net, result.network)
        assert result.missing == ()


def test_every_ambiguity_is_another_network_with_a_proof_of_equality(case):
    _, _, result = case
    for ambiguity in result.ambiguities:
        assert ambiguity.other != result.network
        assert ambiguity.certificate.claim == "equivalent"
        check(ambiguity.certificate, result.network, ambiguity.other)


def test_the_report_says_it_all(case):
    _, _, result = case
    text = result.report()
    said = [*result.shares, *result.failing, *result.redundant, *result.missing]
    said += [ambiguity.what for ambiguity in result.ambiguities]
    assert all(line in text for line in said)
    assert len(result.shares) == len(result.layers)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dead_neuron", ["layer2, neuron 3: never active"]),
        ("always_active_neuron", ["layer2, neuron 2: always active"]),
        ("duplicate_neurons", ["layer2, neuron 2: it has the boundary and the side of layer2, neuron 1"]),
        (
            "opposite_neurons",
            ["layer1, neuron 2: it has the boundary, and not the side, of layer1, neuron 1"],
        ),
        ("constant_function", ["layer2, neuron 1: never active", "layer2, neuron 2: never active"]),
        ("bottleneck", []),
    ],
)
def test_neurons_that_are_not_needed_are_named(name, words):
    net = DEGENERATE[name]()
    result = recover(net)
    assert list(result.redundant) == words
    assert result.network.neurons <= net.neurons - len(words)


def test_what_fails_is_named_with_its_neurons():
    lines = recover(DEGENERATE["disconnected_boundaries"]()).failing
    assert "the boundary is in parts that do not meet: layer2, neuron 1; layer2, neuron 2" in lines
    assert any(line.startswith("visible on a part of the boundary only") for line in lines)


def test_without_a_network_the_places_that_are_special_are_named():
    result = recover(DEGENERATE["homogeneous_in_the_plane"](), max_queries=6000)
    assert result.status == "partial"
    assert "more than two boundaries meet at (0, 0)" in result.failing


def test_a_weight_that_no_query_tells_is_shown():
    result = recover(DEGENERATE["invisible_weight"]())
    assert result.network.is_layered
    [ambiguity] = result.ambiguities
    assert "its weight on neuron" in ambiguity.what
    assert ambiguity.what.endswith("0 or -1")


def test_active_sides_that_no_query_tells_are_shown():
    result = recover(DEGENERATE["disconnected_boundaries"]())
    assert result.network.is_layered
    assert len(result.ambiguities) == 3  # each pair of opposite neurons, or both pairs
    assert all("active sides" in ambiguity.what for ambiguity in result.ambiguities)


@pytest.mark.parametrize("x", [(0, 0), (3, -2), (-5, 4), (7, 7), (-6, -8)])
def test_the_lattice_is_the_function_that_it_says(x):
    a, b, c, d = x[0] + 2 * x[1] + 1, x[1] - x[0], 2 * x[0] - x[1] - 1, 2 - x[1]
    assert DEGENERATE["lattice"]()(x) == (max(min(a, b), min(c, d)),)
