"""A test suite that uses the kit: `pytest examples/test_with_exactre.py`.

`without_dead_neurons` is the code under test. The laws say that it keeps the function of every network, and
that the suite would notice if it did not.
"""

import pytest
from hypothesis import given, settings

from exactre import Network
from exactre.rational import Matrix
from exactre.testing import assert_equivalent, equivalent_pairs, isomorphic_pairs, mutant_pairs, networks


def without_dead_neurons(net: Network) -> Network:
    """The first layer without the neurons that have no positive bias and no weight."""
    first, second, *rest = ((node.inputs[0][1].rows(), node.bias.rows()) for node in net.nodes)
    weights, bias = first
    kept = [i for i, row in enumerate(weights) if any(row) or bias[i][0] > 0] or [0]
    columns = [[row[i] for i in kept] for row in second[0]]
    layers = [([weights[i] for i in kept], [bias[i] for i in kept]), (columns, second[1]), *rest]
    return Network.layered([(Matrix.from_rows(w), Matrix.from_rows(b)) for w, b in layers])


@given(networks(features={"dead", "zero-weights"}))
def test_dead_neurons_do_not_matter(net):
    """The pass keeps every function, degenerate networks included."""
    assert_equivalent(net, without_dead_neurons(net))


@given(isomorphic_pairs(of=networks(weights="float32")))
def test_order_and_scale_do_not_matter(pair):
    """Networks that differ in the order and scale of neurons alone are equal."""
    assert_equivalent(*pair)


@given(equivalent_pairs(forms=["split", "identity"]))
def test_equal_functions_of_other_shapes(pair):
    """So are those with split neurons or identity layers."""
    assert_equivalent(*pair)


@settings(deadline=None, max_examples=25)  # a proof may take longer than the 200 ms of the default
@given(mutant_pairs(of=networks(inputs=(1, 2), width=(1, 2))))
def test_a_mutant_is_caught(mutant):
    """A change that the point x shows makes the assertion fail."""
    a, b, x = mutant
    assert a(x) != b(x)
    with pytest.raises(AssertionError, match="the networks differ by"):
        assert_equivalent(a, b)


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
