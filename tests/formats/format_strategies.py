"""Networks and numbers that the format tests draw; small, so that failures shrink to something readable."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import strategies as st

from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

THIRDS = st.fractions(min_value=-9, max_value=9, max_denominator=7)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False).map(Fraction)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False).map(Fraction)
SMALL = st.integers(-4, 4).map(Fraction)


@st.composite
def matrices(draw, rows, columns, numbers):
    flat = draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))
    return Matrix.from_rows([flat[i * columns : (i + 1) * columns] for i in range(rows)], columns)


@st.composite
def layered_networks(draw, numbers=THIRDS):
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    return Network.layered(
        [(draw(matrices(m, n, numbers)), draw(matrices(m, 1, numbers))) for n, m in pairwise(widths)]
    )


@st.composite
def networks(draw, numbers=THIRDS):
    """DAGs as `Builder` makes them: ReLU nodes layer1, layer2, ... and an affine output; all of them used."""
    widths = {INPUT: draw(st.integers(1, 3))}
    nodes = []
    hidden = draw(st.integers(0, 3))
    for k in range(1, hidden + 2):
        # Reading the node before it, every node is used.
        before = list(widths)
        sources = {before[-1], *draw(st.sets(st.sampled_from(before)))}
        name, width = (f"layer{k}" if k <= hidden else "output"), draw(st.integers(1, 3))
        weights = [(s, draw(matrices(width, widths[s], numbers))) for s in before if s in sources]
        nodes.append(Node(name, k <= hidden, tuple(weights), draw(matrices(width, 1, numbers))))
        widths[name] = width
    return Network(widths[INPUT], nodes)
