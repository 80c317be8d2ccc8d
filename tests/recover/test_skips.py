"""Skip connections are named, and so is what they leave open, where two networks are the same function."""

import networkx as nx
import pytest
from recover_targets import random_net, truth

from exactre import certify_equivalence, recover
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.recover.model import Model, Neuron
from exactre.recover.signs import solve_signs, sparsest_signs
from exactre.recover.skips import either_side, skips

W1, B1 = Matrix.from_rows([[3, -5], [2, 7]]), Matrix.column([1, -4])
W2, B2 = Matrix.from_rows([[4, -3], [-2, 9]]), Matrix.column([2, 5])
W3, B3 = Matrix.from_rows([[1, -2]]), Matrix.column([7])


def skipping(first, second, last, skip):
    """Three layers (weight, bias), of which the second also reads the input through `skip`."""
    return Network(
        skip.shape[1],
        [
            Node("layer1", True, ((INPUT, first[0]),), first[1]),
            Node("layer2", True, ((INPUT, skip), ("layer1", second[0])), second[1]),
            Node("output", False, (("layer2", last[0]),), last[1]),
        ],
    )


def small(skip):
    """2-2-2-1."""
    return skipping((W1, B1), (W2, B2), (W3, B3), Matrix.from_rows(skip))


def test_a_layered_network_has_no_skips_and_every_side_is_told():
    net = random_net([3, 4, 3, 1], 0)
    assert skips(net) == ()
    assert either_side(net) == ()


def test_a_sparse_skip_tells_the_sides():
    net = small([[1, 0], [0, 1]])
    assert skips(net) == ("layer2 reads input",)
    assert either_side(net) == ()


def test_a_dense_skip_leaves_the_sides_before_it_open():
    net = small([[1, 6], [8, 1]])
    assert either_side(net) == ("layer1, neurons 1-2, with other skips",)


@pytest.mark.parametrize("j", [0, 1])
def test_the_other_side_is_the_same_function_with_as_few_weights(j):
    net = small([[1, 6], [8, 1]])
    # relu(u) = u + relu(-u) for neuron j of the first layer.
    rows, biases = W1.rows(), [b for (b,) in B1.rows()]
    extra = [[row[j] * v for v in (*rows[j], biases[j])] for row in W2.rows()]
    rows[j], biases[j] = [-v for v in rows[j]], -biases[j]
    second = [
        [a + b for a, b in zip(row, more[:2], strict=True)]
        for row, more in zip([[1, 6], [8, 1]], extra, strict=True)
    ]
    shift = B2 + Matrix.column([more[2] for more in extra])
    first = Matrix.from_rows(rows), Matrix.column(biases)
    other = skipping(first, (W2, shift), (W3, B3), Matrix.from_rows(second))
    assert other.nonzero == net.nonzero
    assert certify_equivalence(net, other).status == "equivalent"


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_sides_under_which_a_skip_is_sparsest_are_found(signs):
    """The canonical rows of a network with the identity as a skip, worked out here for chosen sides."""
    forms = [[3_000_017, -5_000_011, 1], [2_000_003, 7_000_003, -4]]
    weights = [[4_000_037, -3_000_017], [-2_000_003, 9_000_011]]
    first = [Neuron({}, tuple(form)) for form in forms]
    # 2 relu(s u) = |u| + s u, and twice x_i.
    rows = []
    for i, row in enumerate(weights):
        linear = [
            sum(w * s * form[k] for w, s, form in zip(row, signs, forms, strict=True)) for k in range(3)
        ]
        linear[i] += 2
        rows.append((dict(enumerate(row)), linear))
    model = Model(2, (*first, *(Neuron(dict(parents), tuple(linear)) for parents, linear in rows)))
    assert solve_signs(model, [0, 1], rows, {}) is None
    assert sparsest_signs(model, [0, 1], rows) == dict(enumerate(signs))


def test_no_sides_are_told_by_a_dense_skip():
    known = truth(random_net([3, 4, 3, 1], 1))
    layer = known.layers[0]
    rows = [
        (known.model.neurons[z].parents, [v + 10**9 + k for k, v in enumerate(known.model.neurons[z].linear)])
        for z in known.layers[1]
    ]
    assert sparsest_signs(known.model, layer, rows) == {}


def test_an_input_that_no_neuron_before_reads_tells_no_side():
    model = Model(2, (Neuron({}, (1, 0, 5)),))
    assert sparsest_signs(model, [0], [({0: 1}, [1, 3, 0])]) == {}


@pytest.mark.parametrize(
    ("dense", "either"), [(False, ()), (True, ("layer1, neurons 1-5, with other skips",))]
)
def test_a_recovered_network_says_what_it_skips_and_what_is_open(dense, either):
    layers = [(node.inputs[0][1], node.bias) for node in random_net([5, 5, 5, 1], 0).nodes]
    skip = random_net([5, 5], 1).nodes[0].inputs[0][1] if dense else identity(5)
    result = recover(skipping(*layers, skip), seed=1, max_queries=3000)
    assert result.status == "certified"
    assert result.skips == ("layer2 reads input",)
    assert result.either_side == either
    assert ("either side " in result.report()) == bool(either)
    assert "skip            layer2 reads input" in result.report()
    graph = result.graph
    assert all(graph.nodes[z]["input"] for z in graph)
    assert all(graph.edges[edge]["direct"] for edge in graph.edges)


def test_the_graph_tells_a_skip_from_what_is_read_through_a_layer():
    layers = [(node.inputs[0][1], node.bias) for node in random_net([6, 4, 4, 3, 1], 1).nodes]
    result = recover(Network.layered(layers), seed=0, max_queries=3000)
    assert result.status == "certified"
    graph, net = result.graph, result.network
    weights = {
        (source, node.name, j, i): weight[i, j]
        for node in net.hidden
        for source, weight in node.inputs
        for i in range(weight.shape[0])
        for j in range(weight.shape[1])
    }
    place = {z: (f"layer{at['layer'] + 1}", at["index"]) for z, at in graph.nodes.items()}
    for (i, z), edge in graph.edges.items():
        (before, j), (after, k) = place[i], place[z]
        assert edge["direct"] == bool(weights.get((before, after, j, k), 0))
    assert set(nx.get_edge_attributes(graph, "direct").values()) == {False, True}
    reads = {
        (node.name, i)
        for node in net.hidden
        for source, weight in node.inputs
        for i, row in enumerate(weight.rows())
        if source == INPUT and any(row)
    }
    assert {place[z] for z, at in graph.nodes.items() if at["input"]} == reads


def identity(n):
    return Matrix.from_rows([[int(i == j) for j in range(n)] for i in range(n)])
