"""Small exact networks at which the assumptions of recovery fail, one builder for each way.

`DEGENERATE` has them by name. The sentence of each says what is special about it; `proofs/DEEP.md` says what
is assumed of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from exactre.network import Network


def dead_neuron() -> Network:
    """Neuron 3 of layer 2 is never active: its weights and its bias are negative."""
    return Network.from_rows(
        [
            ([[2, -1, 1], [1, 3, -2], [-1, 1, 2]], [1, -2, 3]),
            ([[2, -1, 3], [-1, 2, 1], [-1, -2, -3]], [-4, 1, -1]),
            ([[1, -2, 5]], [3]),
        ]
    )


def always_active_neuron() -> Network:
    """Neuron 2 of layer 2 is always active: its weights and its bias are positive."""
    return Network.from_rows(
        [([[2, -1], [1, 3]], [1, -2]), ([[2, -1], [1, 2]], [-4, 1]), ([[1, -2]], [3])],
    )


def duplicate_neurons() -> Network:
    """Neuron 2 of layer 2 is twice neuron 1."""
    return Network.from_rows(
        [([[2, -1], [1, 3]], [1, -2]), ([[2, -1], [4, -2], [-1, 3]], [-1, -2, -1]), ([[1, -2, 3]], [3])]
    )


def opposite_neurons() -> Network:
    """Neuron 2 of layer 1 has the boundary of neuron 1, and the other side."""
    return Network.from_rows(
        [
            ([[2, -1], [-4, 2], [1, 3]], [1, -2, -2]),
            ([[2, -1, 1], [-1, 2, -3]], [-4, 1]),
            ([[1, -2]], [3]),
        ]
    )


def parallel_neurons() -> Network:
    """Neurons 1 and 2 of layer 1 differ in the bias alone."""
    return Network.from_rows(
        [
            ([[2, -1], [2, -1], [1, 3]], [1, -5, -2]),
            ([[2, -1, 1], [-1, 2, -3]], [-4, 1]),
            ([[1, -2]], [3]),
        ]
    )


def boundaries_that_never_meet() -> Network:
    """Neuron 1 of layer 2 reads neuron 3 of layer 1, at whose boundary it never is zero."""
    return Network.from_rows(
        [
            ([[1, 0], [0, 1], [1, 1]], [0, 0, -20]),
            ([[1, 1, -1], [1, -2, 1]], [-1, 1]),
            ([[1, -2]], [3]),
        ]
    )


def disconnected_boundaries() -> Network:
    """The boundary of each neuron of layer 2 is in two parts that do not meet."""
    return Network.from_rows(
        [
            ([[1, 0], [-1, 0], [0, 1], [0, -1]], [-1, -1, -1, -1]),
            ([[1, 1, -2, -2], [-2, -2, 1, 1]], [-1, -1]),
            ([[1, 2]], [0]),
        ]
    )


def masked_neuron() -> Network:
    """Neuron 1 of layer 1 is visible only where neuron 2 is inactive."""
    return Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, -1]], [0]), ([[1]], [0])])


def masked_neurons() -> Network:
    """Each neuron of layer 1 is visible only where the neuron of layer 2 that reads it is active."""
    return Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, -1], [-1, 2]], [-1, -2]), ([[1, 2]], [0])])


def invisible_weight() -> Network:
    """Neuron 1 of layer 2 reads neuron 2 of layer 1, and is never active together with it.

    Any weight there that is not positive gives the same function.
    """
    return Network.from_rows(
        [
            ([[1, 0], [-1, 0], [0, 1]], [-1, -1, 0]),
            ([[1, -3, -1], [1, 1, 1]], [-1, -2]),
            ([[1, 2]], [0]),
        ]
    )


def bottleneck() -> Network:
    """Layer 2 is a single neuron."""
    return Network.from_rows(
        [([[2, -1], [1, 3]], [1, -2]), ([[2, 1]], [-3]), ([[1], [-2]], [-1, 4]), ([[1, 1]], [0])]
    )


def lattice() -> Network:
    """max(min(a, b), min(c, d)) of affine functions: sparse layers, which carry v as relu(v) - relu(-v)."""
    rows = [[2, 1], [2, 0], [1, 2], [-1, -2], [2, -1], [-2, 1]]  # a - b, c - d, a, -a, c, -c
    second = [[1, -1, -1, 1, 1, -1], [-1, 0, 1, -1, 0, 0], [1, 0, -1, 1, 0, 0]]
    return Network.from_rows(
        [(rows, [1, -3, 1, -1, -1, 1]), (second, [0, 0, 0]), ([[1, 1, -1]], [0])],
    )


def homogeneous() -> Network:
    """No neuron has a bias: all boundaries go through the origin."""
    return Network.from_rows(
        [
            ([[1, 2, -1], [2, -1, 3], [-1, 1, 1], [1, -3, 2]], [0, 0, 0, 0]),
            ([[1, -1, 2, 1], [2, 1, -1, -3], [-1, 2, 1, 1]], [0, 0, 0]),
            ([[1, -2, 3]], [0]),
        ]
    )


def homogeneous_in_the_plane() -> Network:
    """The same with two inputs: every boundary consists of rays from the origin."""
    return Network.from_rows(
        [
            ([[1, 2], [2, -1], [-1, 1]], [0, 0, 0]),
            ([[1, -1, 2], [2, 1, -1], [-1, 2, 1]], [0, 0, 0]),
            ([[1, -2, 3]], [0]),
        ]
    )


def weights_of_different_size() -> Network:
    """Weights from 2^-40 to 2^50."""
    return Network.from_rows(
        [
            ([[2**40, -1], [Fraction(1, 2**40), 3]], [Fraction(1, 2**20), -2]),
            ([[Fraction(1, 2**30), -1], [1, 2**50]], [-4, Fraction(1, 2**10)]),
            ([[2**30, Fraction(-1, 2**30)]], [3]),
        ]
    )


def coinciding_ridges() -> Network:
    """The boundaries of both neurons of layer 2 meet that of neuron 2 of layer 1 at the same point."""
    return Network.from_rows(
        [([[1, 0], [0, 1], [1, 2]], [0, 0, 0]), ([[1, 1, 0], [0, 1, 1]], [-1, -1]), ([[1, 3]], [0])]
    )


def shared_boundary() -> Network:
    """The neurons of layer 2 have the same boundary where neuron 2 of layer 1 is inactive."""
    return Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, 1], [1, 2]], [-1, -1]), ([[1, 2]], [0])])


def affine_function() -> Network:
    """relu(u) - relu(-u), which is u."""
    return Network.from_rows([([[1, 2], [-1, -2]], [1, -1]), ([[1, -1]], [3])])


def constant_function() -> Network:
    """Both neurons of layer 2 are never active."""
    return Network.from_rows([([[1, 2], [3, -1]], [1, -1]), ([[-1, -1], [-2, -1]], [0, -2]), ([[1, 3]], [3])])


DEGENERATE: Mapping[str, Callable[[], Network]] = {
    build.__name__: build
    for build in (
        dead_neuron,
        always_active_neuron,
        duplicate_neurons,
        opposite_neurons,
        parallel_neurons,
        boundaries_that_never_meet,
        disconnected_boundaries,
        masked_neuron,
        masked_neurons,
        invisible_weight,
        bottleneck,
        lattice,
        homogeneous,
        homogeneous_in_the_plane,
        weights_of_different_size,
        coinciding_ridges,
        shared_boundary,
        affine_function,
        constant_function,
    )
}
