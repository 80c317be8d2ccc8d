"""`networks`: exact networks of a shape, a weight kind and degenerate features on request."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from exactre.errors import ExactreError, ShapeError
from exactre.network import Network
from exactre.rational import Rational
from exactre.testing.features import (
    NEURONS,
    Feature,
    Number,
    add_skip,
    add_zero_biases,
    add_zero_weights,
    matrix,
)
from exactre.testing.numbers import WeightKind, nonzero

Size = int | tuple[int, int]  # a number, or the least and the most


def networks(
    *,
    inputs: Size = (1, 3),
    hidden: Sequence[Size] | None = None,
    depth: Size = (1, 3),
    width: Size = (1, 4),
    outputs: Size = (1, 2),
    weights: WeightKind = "integers",
    scale: Rational = 1,
    features: Collection[Feature] = (),
) -> SearchStrategy[Network]:
    """Strategy for exact networks; layered unless "skip" is among the features.

    A size is a number or (least, most). `hidden` gives the width of every hidden layer, or else there are
    `depth` layers of `width` neurons. No weight or bias is zero unless a feature says so; each is one of a
    kind times `scale`: "integers" up to 9, "thirds" up to 9 of them, "float32" with all 24 bits and exponents
    from -4 to 4. Nothing else is avoided: small numbers make ties and parallel neurons by chance.
    Each feature is in every network: "zero-weights" (at least one), "zero-biases" (all of the hidden neurons
    but those of other features), one more neuron that is "dead", "always-active", a "duplicate" (a
    positive multiple), "opposite" (a negative one) or "parallel" to a neuron of its layer, one more layer
    of one neuron ("bottleneck"), one edge that leaves out a layer ("skip").
    Shrinks to one neuron a layer and to weights `scale`. Raises ShapeError on sizes, ExactreError on words.
    """
    unknown = [word for word in features if word not in get_args(Feature)]
    if unknown:
        raise ExactreError(f"features: expected some of {get_args(Feature)}, found {unknown[0]!r:.60}")
    _check_size("inputs", inputs, 1)
    _check_size("depth", depth, 1 if features else 0)
    _check_size("width", width, 1)
    _check_size("outputs", outputs, 1)
    for k, size in enumerate(hidden or ()):
        _check_size(f"hidden[{k}]", size, 1)
    if features and hidden is not None and not hidden:
        raise ShapeError("hidden: expected at least one layer for the features, found none")
    number = nonzero(weights, Fraction(scale))
    return _networks(inputs, hidden, depth, width, outputs, number, frozenset(features))


@st.composite
def _networks(
    draw: DrawFn,
    inputs: Size,
    hidden: Sequence[Size] | None,
    depth: Size,
    width: Size,
    outputs: Size,
    number: Number,
    features: frozenset[Feature],
) -> Network:
    shape = hidden if hidden is not None else [width] * draw(_size(depth))
    widths = [draw(_size(size)) for size in shape]
    wide = list(range(len(widths)))  # the layers that a feature may add neurons to
    if "bottleneck" in features:
        at = draw(st.integers(0, len(widths)))
        widths.insert(at, 1)
        wide = [k for k in range(len(widths)) if k != at]
    sizes = [draw(_size(inputs)), *widths, draw(_size(outputs))]
    net = Network.from_rows(
        [(matrix(draw, m, n, number), [draw(number) for _ in range(m)]) for n, m in pairwise(sizes)]
    )
    if "zero-weights" in features:
        net = add_zero_weights(draw, net)
    if "zero-biases" in features:
        net = add_zero_biases(net)
    for word, add in NEURONS.items():
        if word in features:
            net = add(draw, net, net.nodes[draw(st.sampled_from(wide))].name, number)
    return add_skip(draw, net, number) if "skip" in features else net


def _size(size: Size) -> SearchStrategy[int]:
    return st.just(size) if isinstance(size, int) else st.integers(*size)


def _check_size(name: str, size: Size, least: int) -> None:
    low, high = (size, size) if isinstance(size, int) else size
    if not least <= low <= high:
        raise ShapeError(f"{name}: expected a size of at least {least} or (least, most), found {size}")
