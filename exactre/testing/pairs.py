"""Pairs of networks: isomorphic, equal though not isomorphic, and different with a witness."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Literal, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from exactre.errors import ExactreError, ShapeError
from exactre.network import INPUT, Network
from exactre.testing import forms
from exactre.testing.features import add_dead, add_skip, fixed_row, outgoing
from exactre.testing.mutations import Mutation, bump, change_number
from exactre.testing.networks import networks
from exactre.testing.numbers import COORDINATES, FACTORS, SHARES

Form = Literal["split", "opposite", "dead", "unused", "always-active", "cases", "identity", "carry"]
Point = tuple[Fraction, ...]


def isomorphic_pairs(*, of: SearchStrategy[Network] | None = None) -> SearchStrategy[tuple[Network, Network]]:
    """Strategy for pairs (a, b) of one function, b with a's hidden neurons in another order and rescaled.

    `of` gives a (default `networks()`). Factors are positive rationals. Shrinks to equal networks.
    """
    return _isomorphic(networks() if of is None else of)


def equivalent_pairs(
    *, of: SearchStrategy[Network] | None = None, forms: Collection[Form] = get_args(Form)
) -> SearchStrategy[tuple[Network, Network]]:
    """Strategy for pairs (a, b) of one function, one of them with more neurons: equal, not isomorphic.

    `of` gives the smaller network (default `networks()`), which one to three of these forms change: a neuron
    "split" into two, or into itself and its "opposite" beside a skip; one more neuron that is "dead",
    "unused" or "always-active", or dead for reasons that only "cases" show; an "identity" layer relu(u),
    relu(-u), folded or with an affine node;
    "carry", where one network has a skip and the other one carries it through its layers (for networks with
    ReLU in every node but the last). The neurons are then reordered and rescaled.
    Raises ExactreError on another form.
    """
    unknown = [word for word in forms if word not in get_args(Form)]
    if unknown or not forms:
        raise ExactreError(f"forms: expected some of {get_args(Form)}, found {list(forms)!r:.60}")
    return _equivalent(networks() if of is None else of, tuple(forms))


def mutant_pairs(
    *, of: SearchStrategy[Network] | None = None, mutations: Collection[Mutation] = get_args(Mutation)
) -> SearchStrategy[tuple[Network, Network, Point]]:
    """Strategy for (a, b, x): two networks and a witness x (n), a(x) != b(x), exact.

    `of` gives a (default `networks()`), without ReLU at its outputs. b is a with one "number" changed, by a
    little or more, or with a "bump" that is zero but near x; its neurons are then reordered and rescaled.
    Raises ExactreError on another mutation, ShapeError on a ReLU at the outputs.
    """
    unknown = [word for word in mutations if word not in get_args(Mutation)]
    if unknown or not mutations:
        raise ExactreError(f"mutations: expected some of {get_args(Mutation)}, found {list(mutations)!r:.60}")
    return _mutants(networks() if of is None else of, tuple(mutations))


@st.composite
def _isomorphic(draw: DrawFn, of: SearchStrategy[Network]) -> tuple[Network, Network]:
    net = draw(of)
    return net, _shuffled(draw, net)


@st.composite
def _equivalent(
    draw: DrawFn, of: SearchStrategy[Network], words: tuple[Form, ...]
) -> tuple[Network, Network]:
    net = draw(of)
    chosen = draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
    other = net
    deep = bool(forms.inner(net))
    if "carry" in chosen and deep:
        # First, while every node but the last one has ReLU.
        if net.is_layered:
            net = add_skip(draw, net, FACTORS)
        other = forms.layered(net)
    for word in chosen:
        if word == "carry" and deep:
            continue
        # A network without neurons gets an identity layer, whatever was asked for.
        if word == "cases":
            other = _cases(draw, other)
        elif word in ("identity", "carry") or not forms.inner(other):
            other = _identity(draw, other)
        else:
            other = CHANGES[word](draw, other, draw(st.sampled_from(forms.inner(other))).name)
    other = _shuffled(draw, other)
    return (other, net) if draw(st.booleans()) else (net, other)


@st.composite
def _mutants(
    draw: DrawFn, of: SearchStrategy[Network], words: tuple[Mutation, ...]
) -> tuple[Network, Network, Point]:
    net = draw(of)
    if net.nodes[-1].relu:
        raise ShapeError(f"of: expected networks without ReLU at their outputs, found {net}")
    point = tuple(draw(COORDINATES) for _ in range(net.input_dim))
    change = change_number if draw(st.sampled_from(words)) == "number" else bump
    return net, _shuffled(draw, change(draw, net, point)), point


def _shuffled(draw: DrawFn, net: Network) -> Network:
    for node in forms.inner(net):
        order = draw(st.permutations(range(node.width)))
        net = forms.isomorphic(net, node.name, order, [draw(FACTORS) for _ in order])
    return net


def _identity(draw: DrawFn, net: Network) -> Network:
    node = draw(st.sampled_from(net.nodes))
    factors = [draw(FACTORS) for _ in range(node.width)]
    return forms.identity_layer(net, node.name, factors, folded=draw(st.booleans()))


def _cases(draw: DrawFn, net: Network) -> Network:
    widths = {INPUT: net.input_dim} | {node.name: node.width for node in forms.inner(net)}
    source = draw(st.sampled_from(list(widths)))
    rows = [[draw(SHARES) for _ in range(widths[source])] for _ in range(2)]
    return forms.subadditive(net, source, rows, [draw(FACTORS) for _ in range(net.output_dim)])


def _split(draw: DrawFn, net: Network, name: str) -> Network:
    j, moved = _neuron(draw, net, name), outgoing(draw, net, name, SHARES)
    return forms.split(net, name, j, draw(FACTORS), moved)


def _opposite(draw: DrawFn, net: Network, name: str) -> Network:
    j, moved = _neuron(draw, net, name), outgoing(draw, net, name, SHARES)
    return forms.opposite(net, name, j, draw(FACTORS), moved)


def _dead(draw: DrawFn, net: Network, name: str) -> Network:
    return add_dead(draw, net, name, FACTORS)


def _unused(draw: DrawFn, net: Network, name: str) -> Network:
    node = forms.named(net, name)
    incoming = {source: [draw(SHARES) for _ in range(w.shape[1])] for source, w in node.inputs}
    return forms.with_neuron(
        net, name, incoming, draw(SHARES), outgoing(draw, net, name, st.just(Fraction(0)))
    )


def _always_active(draw: DrawFn, net: Network, name: str) -> Network:
    incoming, bias = fixed_row(draw, net, name, FACTORS, 1)
    return forms.always_active(net, name, incoming, bias, outgoing(draw, net, name, SHARES))


def _neuron(draw: DrawFn, net: Network, name: str) -> int:
    return draw(st.integers(0, forms.named(net, name).width - 1))


CHANGES: dict[str, Callable[[DrawFn, Network, str], Network]] = {
    "split": _split,
    "opposite": _opposite,
    "dead": _dead,
    "unused": _unused,
    "always-active": _always_active,
}
