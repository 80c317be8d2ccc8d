"""Small exact networks and points for the kernel's own tests."""

from __future__ import annotations

from hypothesis import strategies as st

from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

ENTRIES = st.one_of(
    st.integers(-3, 3),
    st.fractions(max_denominator=12),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)


def rows(m, n, entries=ENTRIES):
    return st.lists(st.lists(entries, min_size=n, max_size=n), min_size=m, max_size=m)


@st.composite
def dags(draw, entries=ENTRIES):
    """Any DAG: every node reads some earlier ones, with or without ReLU, biased or not."""
    widths = {INPUT: draw(st.integers(1, 4))}
    nodes = []
    for k in range(draw(st.integers(1, 4))):
        sources = draw(st.lists(st.sampled_from(list(widths)), min_size=1, max_size=3, unique=True))
        width = draw(st.integers(1, 4))
        inputs = tuple((s, Matrix.from_rows(draw(rows(width, widths[s], entries)))) for s in sources)
        bias = Matrix.from_rows(draw(rows(width, 1, entries)))
        nodes.append(Node(f"n{k}", draw(st.booleans()), inputs, bias))
        widths[f"n{k}"] = width
    return Network(widths[INPUT], nodes)


def points(n, entries=ENTRIES, max_size=5):
    return st.lists(st.lists(entries, min_size=n, max_size=n), max_size=max_size)
