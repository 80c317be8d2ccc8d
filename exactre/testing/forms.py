"""Changes of a network's form, exact over Q: all but the `with_` ones keep the function.

Each takes a network and returns another; names of nodes stay. Nothing is random here: the strategies
draw what is changed and by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from exactre.errors import ShapeError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

Row = Sequence[Fraction]
Rows = list[list[Fraction]]


def named(net: Network, name: str) -> Node:
    """The node of that name, which the network has."""
    return next(node for node in net.nodes if node.name == name)


def inner(net: Network) -> list[Node]:
    """The nodes with ReLU that others may read: all of `hidden` but an output with ReLU."""
    return [node for node in net.hidden if node is not net.nodes[-1]]


def readers(net: Network, name: str) -> dict[str, int]:
    """The nodes that read a node, each with its width."""
    return {node.name: node.width for node in net.nodes if name in dict(node.inputs)}


def with_neuron(
    net: Network, name: str, incoming: Mapping[str, Row], bias: Fraction, outgoing: Mapping[str, Row]
) -> Network:
    """The network with one more neuron, the last one of node `name`: its row and its column by reader."""
    node = named(net, name)
    inputs = tuple(
        (source, Matrix.from_rows([*weight.rows(), list(incoming[source])])) for source, weight in node.inputs
    )
    grown = Node(name, node.relu, inputs, Matrix.from_rows([*node.bias.rows(), [bias]]))
    return _replaced(
        net,
        grown,
        lambda reader, rows: [[*row, v] for row, v in zip(rows, outgoing[reader], strict=True)],
    )


def with_edge(net: Network, source: str, target: str, rows: Rows) -> Network:
    """The network with `rows @ source` added to the preactivations of node `target`."""
    node = named(net, target)
    inputs = dict(node.inputs)
    added = Matrix.from_rows(rows)
    inputs[source] = inputs[source] + added if source in inputs else added
    return with_node(net, Node(target, node.relu, tuple(inputs.items()), node.bias))


def with_node(net: Network, node: Node) -> Network:
    """The network with another node of that name and width."""
    return _replaced(net, node, lambda _, rows: rows)


def isomorphic(net: Network, name: str, order: Sequence[int], factors: Row) -> Network:
    """Node `name`'s neurons in another order, neuron order[i] times factors[i] > 0."""
    node = named(net, name)

    def change(weight: Matrix) -> Matrix:
        rows = weight.rows()
        return Matrix.from_rows([[v * s for v in rows[i]] for i, s in zip(order, factors, strict=True)])

    inputs = tuple((source, change(weight)) for source, weight in node.inputs)
    return _replaced(
        net,
        Node(name, node.relu, inputs, change(node.bias)),
        lambda _, rows: [[row[i] / s for i, s in zip(order, factors, strict=True)] for row in rows],
    )


def split(net: Network, name: str, j: int, factor: Fraction, moved: Mapping[str, Row]) -> Network:
    """Neuron j twice, the copy times `factor` > 0; `moved` of the outgoing weights goes to the copy."""
    incoming, bias = _row(named(net, name), j, factor)
    rest = _less(net, name, j, moved)
    return with_neuron(rest, name, incoming, bias, _over(moved, factor))


def opposite(net: Network, name: str, j: int, factor: Fraction, moved: Mapping[str, Row]) -> Network:
    """Neuron j of u and one of -factor u: `moved` times relu(u) becomes `moved` times u + relu(-u).

    The u comes by edges from the node's sources to its readers, which are skips.
    """
    node = named(net, name)
    incoming, bias = _row(node, j, -factor)
    result = with_neuron(_less(net, name, j, moved), name, incoming, bias, _over(moved, factor))
    return _with_affine(result, *_row(node, j, Fraction(1)), moved)


def always_active(
    net: Network, name: str, incoming: Mapping[str, Row], bias: Fraction, outgoing: Mapping[str, Row]
) -> Network:
    """One more neuron, whose preactivation is never negative, and what it adds taken away beside it."""
    less = {reader: [-v for v in column] for reader, column in outgoing.items()}
    return _with_affine(with_neuron(net, name, incoming, bias, outgoing), incoming, bias, less)


def identity_layer(net: Network, name: str, factors: Row, *, folded: bool) -> Network:
    """A layer of relu(s u) and relu(-s u) before node `name` of preactivations u, s = factors > 0.

    It is put together again by the node itself, or where not `folded` by an affine node between them.
    """
    node = named(net, name)
    signed = [*factors, *(-s for s in factors)]

    def doubled(weight: Matrix) -> Matrix:
        rows = weight.rows()
        return Matrix.from_rows([[v * s for v in row] for row, s in zip([*rows, *rows], signed, strict=True)])

    m = node.width
    merge = [[int(j % m == i) / signed[j] for j in range(2 * m)] for i in range(m)]
    inputs = tuple((source, doubled(weight)) for source, weight in node.inputs)
    new = [Node(_fresh(net, name), True, inputs, doubled(node.bias))]
    joined: tuple[tuple[str, Matrix], ...] = ((new[0].name, Matrix.from_rows(merge)),)
    zero = Matrix.column([0] * m)
    if not folded:
        new.append(Node(f"{new[0].name}'", False, joined, zero))
        joined = ((new[1].name, Matrix.from_rows(_unit(m))),)
    at = net.nodes.index(node)
    nodes = [*net.nodes[:at], *new, Node(name, node.relu, joined, zero), *net.nodes[at + 1 :]]
    return Network(net.input_dim, nodes)


def subadditive(net: Network, source: str, rows: Sequence[Row], outgoing: Row) -> Network:
    """A neuron relu(relu(p + q) - relu(p) - relu(q)), which is 0 though no sign of its weights says so.

    p and q are the two rows over the outputs of `source` (a node or the input); the output's node reads the
    neuron with the weights `outgoing`. Only the cases of p + q show that it is dead.
    """
    p, q = rows
    weight = Matrix.from_rows([p, q, [a + b for a, b in zip(p, q, strict=True)]])
    *nodes, last = net.nodes
    parts = Node(_fresh(net, last.name), True, ((source, weight),), Matrix.column([0] * 3))
    excess = ((parts.name, Matrix.from_rows([[-1, -1, 1]])),)
    dead = Node(f"{parts.name}'", True, excess, Matrix.column([0]))
    grown = Network(net.input_dim, [*nodes, parts, dead, last])
    return with_edge(grown, dead.name, last.name, [[v] for v in outgoing])


def layered(net: Network) -> Network:
    """The network without skips: what a later node reads is carried through every layer between.

    Raises ShapeError unless all nodes but the last have ReLU.
    """
    for node in net.nodes:
        if node.relu == (node is net.nodes[-1]):
            raise ShapeError(f"node {node.name!r}: expected ReLU in all nodes but the last")
    last_reader = {source: k for k, node in enumerate(net.nodes) for source, _ in node.inputs}
    # Invariant: source = forms[source] @ outputs of the layer below.
    forms = {INPUT: Matrix.from_rows(_unit(net.input_dim))}
    layers = []
    for k, node in enumerate(net.nodes):
        below = next(iter(forms.values())).shape[1]
        weight = Matrix.from_rows([[0] * below] * node.width)
        for source, own in node.inputs:
            weight = weight + own @ forms[source]
        rows = weight.rows()
        signs: dict[str, tuple[int, ...]] = {node.name: (1,)}
        for source, form in forms.items():
            if last_reader.get(source, 0) > k:
                # A neuron h >= 0 is relu(h), an input x is relu(x) - relu(-x).
                signs[source] = (1, -1) if source == INPUT else (1,)
                rows += [row for s in signs[source] for row in form.scale(s).rows()]
        bias = [*(b for (b,) in node.bias.rows()), *[Fraction(0)] * (len(rows) - node.width)]
        layers.append((Matrix.from_rows(rows), Matrix.column(bias)))
        widths = {source: node.width if source == node.name else forms[source].shape[0] for source in signs}
        forms, start = {}, 0
        for source, m in widths.items():
            places = [[Fraction(0)] * len(rows) for _ in range(m)]
            for t, sign in enumerate(signs[source]):
                for i in range(m):
                    places[i][start + t * m + i] = Fraction(sign)
            forms[source] = Matrix.from_rows(places)
            start += m * len(signs[source])
    return Network.layered(layers)


def _row(node: Node, j: int, factor: Fraction) -> tuple[dict[str, list[Fraction]], Fraction]:
    """Neuron j's incoming row and bias, times a factor."""
    incoming = {source: [v * factor for v in weight.rows()[j]] for source, weight in node.inputs}
    return incoming, node.bias[j, 0] * factor


def _less(net: Network, name: str, j: int, moved: Mapping[str, Row]) -> Network:
    """The network with `moved` taken from neuron j's outgoing weights."""
    return _replaced(
        net,
        named(net, name),
        lambda reader, rows: [
            [*row[:j], row[j] - v, *row[j + 1 :]] for row, v in zip(rows, moved[reader], strict=True)
        ],
    )


def _over(columns: Mapping[str, Row], factor: Fraction) -> dict[str, Row]:
    return {reader: [v / factor for v in column] for reader, column in columns.items()}


def _with_affine(
    net: Network, incoming: Mapping[str, Row], bias: Fraction, outgoing: Mapping[str, Row]
) -> Network:
    """The network with `outgoing` times an affine function of some nodes added to its readers."""
    for reader, column in outgoing.items():
        for source, row in incoming.items():
            if any(row):
                net = with_edge(net, source, reader, [[v * w for w in row] for v in column])
        node = named(net, reader)
        total = node.bias + Matrix.column([v * bias for v in column])
        net = with_node(net, Node(reader, node.relu, node.inputs, total))
    return net


def _replaced(net: Network, node: Node, outgoing: Callable[[str, Rows], Rows]) -> Network:
    """The network with another node of that name, read with the weights `outgoing(reader, rows)`."""
    nodes = []
    for old in net.nodes:
        if old.name == node.name:
            nodes.append(node)
            continue
        inputs = tuple(
            (source, Matrix.from_rows(outgoing(old.name, weight.rows())) if source == node.name else weight)
            for source, weight in old.inputs
        )
        nodes.append(Node(old.name, old.relu, inputs, old.bias))
    return Network(net.input_dim, nodes)


def _fresh(net: Network, name: str) -> str:
    """A name longer than those of all nodes made from `name`."""
    return max((node.name for node in net.nodes if node.name.rstrip("'") == name.rstrip("'")), key=len) + "'"


def _unit(n: int) -> Rows:
    return [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
