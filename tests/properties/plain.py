"""The tests' own evaluation of a network, in Fractions, and the points that it is asked about."""

from fractions import Fraction

from hypothesis import strategies as st

COORDINATES = st.fractions(-(2**40), 2**40, max_denominator=2**20) | st.integers(-3, 3)


def points(n):
    """A few rational points with n coordinates, near and far."""
    return st.lists(st.tuples(*[COORDINATES] * n), min_size=1, max_size=4)


def plain_values(net, point):
    """{node name: (preactivations, outputs)} by the definition of a network, number by number."""
    values = {"input": list(point)}
    found = {}
    for node in net.nodes:
        u = [bias for (bias,) in node.bias.rows()]
        for source, weight in node.inputs:
            for i, row in enumerate(weight.rows()):
                u[i] += sum(w * v for w, v in zip(row, values[source], strict=True))
        values[node.name] = [max(v, Fraction(0)) for v in u] if node.relu else u
        found[node.name] = tuple(u), tuple(values[node.name])
    return found


def plain_output(net, point):
    """The network's value at a point."""
    return plain_values(net, point)[net.nodes[-1].name][1]
