"""Whatever the network, recovery claims what is true: certified is proved, partial says what is missing."""

import networkx as nx
import pytest
from campaign import examples
from hypothesis import given
from hypothesis import strategies as st
from plain import plain_output, points

import exactre
from exactre.network import Network
from exactre.rational import Matrix
from exactre.testing import assert_equivalent, equivalent_pairs, isomorphic_pairs, networks

QUERIES = 3000  # a bound that is the same on every machine, unlike a time

ONE_LAYER = networks(inputs=(1, 4), depth=1, width=(1, 4), weights="float32")
SHALLOW = st.one_of(
    ONE_LAYER,
    networks(inputs=(1, 3), depth=1, width=(1, 3)),
    networks(inputs=(1, 3), depth=1, width=(1, 3), weights="thirds"),
    networks(inputs=(1, 3), depth=1, width=(1, 3), features={"zero-weights"}),
)
DEEP = networks(inputs=(1, 4), depth=(2, 3), width=(1, 3), weights="float32") | networks(
    depth=2, width=(1, 3)
)
ANY = st.one_of(
    SHALLOW,
    DEEP,
    networks(inputs=(1, 3), depth=(0, 2), width=(1, 2)),
    *(
        networks(inputs=(1, 3), depth=(1, 2), width=(1, 2), weights="float32", features={feature})
        for feature in ("zero-biases", "dead", "always-active", "duplicate", "opposite", "parallel", "skip")
    ),
)


def assert_true(result, net, xs):
    """Every claim of a result about the network, by its certificate and by plain arithmetic at points."""
    assert nx.is_directed_acyclic_graph(result.graph)
    assert result.queries <= QUERIES
    if result.status == "certified":
        exactre.check(result.certificate, net, result.network)
        assert result.certificate.claim == "equivalent"
        assert (result.missing, result.assumptions) == ((), ())
    elif result.status == "consistent":
        assert result.certificate is None
        assert result.assumptions
    else:
        assert result.status == "partial"
        assert result.certificate is None
        assert result.missing
    if result.status != "partial":
        for x in xs:
            assert plain_output(result.network, x) == plain_output(net, x)


def certified(net, **options):
    """The result of a recovery that must succeed."""
    result = exactre.recover(net, max_queries=QUERIES, **options)
    assert (result.status, result.missing) == ("certified", ())
    exactre.check(result.certificate, net, result.network)
    return result


@examples(12)
@given(ANY, st.integers(0, 9), st.data())
def test_no_claim_is_wrong(net, seed, data):
    result = exactre.recover(net, seed=seed, max_queries=QUERIES)
    assert_true(result, net, data.draw(points(net.input_dim)))
    assert result.status != "consistent"


@examples(8)
@given(SHALLOW, st.integers(0, 9))
def test_one_hidden_layer_is_recovered_whatever_its_numbers(net, seed):
    certified(net, seed=seed)


@pytest.mark.parametrize("feature", ["dead", "always-active", "duplicate", "opposite"])
def test_a_degenerate_layer_gives_the_smaller_equal_network(feature):
    @examples(3)
    @given(networks(inputs=(1, 3), depth=1, width=(1, 3), weights="float32", features={feature}))
    def law(net):
        result = certified(net)
        assert result.network.neurons < net.neurons

    law()


@examples(4)
@given(isomorphic_pairs(of=SHALLOW | DEEP), st.integers(0, 9))
def test_order_and_scale_of_the_target_change_nothing(pair, seed):
    a, b = (exactre.recover(net, seed=seed, max_queries=QUERIES) for net in pair)
    assert (a.status, a.network, a.queries, a.missing) == (b.status, b.network, b.queries, b.missing)


@examples(4)
@given(equivalent_pairs(of=SHALLOW), st.integers(0, 9))
def test_another_form_of_the_target_changes_nothing(pair, seed):
    a, b = (certified(net, seed=seed) for net in pair)
    assert (a.network, a.queries) == (b.network, b.queries)


@examples(3)
@given(ONE_LAYER, st.data())
def test_inputs_and_outputs_in_another_order_give_the_network_in_that_order(net, data):
    inputs = data.draw(st.permutations(range(net.input_dim)))
    outputs = data.draw(st.permutations(range(net.output_dim)))
    a, b = certified(net), certified(reordered(net, inputs, outputs))
    assert_equivalent(reordered(a.network, inputs, outputs), b.network)


@examples(3)
@given(ONE_LAYER)
def test_every_seed_finds_the_same_function(net):
    a, b = certified(net, seed=1), certified(net, seed=2)
    assert_equivalent(a.network, b.network)
    assert a.network.neurons == b.network.neurons


@examples(5)
@given(SHALLOW | DEEP, st.integers(0, 9), st.data())
def test_a_black_box_is_never_certified_and_gives_the_same_network(net, seed, data):
    box = exactre.recover(net.__call__, input_dim=net.input_dim, seed=seed, max_queries=QUERIES)
    assert box.status != "certified"
    assert box.equivalence_queries == 0
    assert_true(box, net, data.draw(points(net.input_dim)))
    given_net = exactre.recover(net, seed=seed, max_queries=QUERIES)
    if given_net.equivalence_queries == 0:
        assert given_net.network == box.network


@examples(5)
@given(ONE_LAYER, st.integers(0, 60))
def test_a_budget_is_kept_and_what_is_missing_is_said(net, budget):
    result = exactre.recover(net, max_queries=budget)
    assert result.queries <= budget
    assert result.status in ("certified", "partial")
    assert (result.status == "partial") == bool(result.missing)


def reordered(net, inputs, outputs):
    """The network that reads its inputs, and gives its outputs, in another order."""
    nodes = []
    for node in net.nodes:
        rows = {source: weight.rows() for source, weight in node.inputs}
        bias = node.bias.rows()
        if "input" in rows:
            rows["input"] = [[row[j] for j in inputs] for row in rows["input"]]
        if node is net.nodes[-1]:
            rows = {source: [matrix[i] for i in outputs] for source, matrix in rows.items()}
            bias = [bias[i] for i in outputs]
        weights = tuple((source, Matrix.from_rows(matrix)) for source, matrix in rows.items())
        nodes.append(type(node)(node.name, node.relu, weights, Matrix.from_rows(bias)))
    return Network(net.input_dim, nodes)
