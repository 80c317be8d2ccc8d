"""Rows that are one kernel at several places of an image are found with stride and padding; no others."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactre.network import Network, Node
from exactre.rational import Matrix
from exactre.recover.kernels import shared_kernels
from exactre.recover.sharing import Kernel, Shared, SparseRow, images, shared

# Different primes, so that no part of a kernel is a multiple of another part.
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67)


@st.composite
def convolutions(draw):
    """A kernel of 2 to 3 in both directions on an image, a stride, and all places with some padding."""
    image = draw(st.integers(1, 2)), draw(st.integers(5, 7)), draw(st.integers(5, 7))
    size = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    *values, bias = [v * draw(st.sampled_from((1, -1))) for v in draw(st.permutations(PRIMES))]
    taps = dict(zip(product(range(image[0]), range(size[0]), range(size[1])), values, strict=False))
    stride, pad = draw(st.sampled_from([(1, 0), (1, 1), (2, 0)]))
    rows, columns = (range(-pad, image[axis + 1] + pad - size[axis] + 1, stride) for axis in (0, 1))
    return Kernel(image, taps, bias), stride, list(product(rows, columns))


@given(convolutions(), st.randoms(use_true_random=False))
def test_a_kernel_is_found_in_its_rows_whatever_their_signs(convolution, random):
    kernel, stride, places = convolution
    rows = [kernel.row_at(place) for place in random.sample(places, len(places))]
    signs = [random.choice((1, -1)) for _ in rows]
    rows = {
        i: row if sign > 0 else row.negative() for i, (row, sign) in enumerate(zip(rows, signs, strict=True))
    }
    channels, height, width = kernel.image
    [found] = shared(rows, images(channels * height * width), oriented=False)
    assert found.kernel.image == kernel.image
    assert sorted(found.places) == places == found.lattice()
    assert found.stride == (stride, stride)
    for place, i in found.places.items():
        expected = found.kernel.row_at(place)
        assert rows[i] == (expected if found.signs[i] > 0 else expected.negative())
    relative = {signs[i] * sign for i, sign in found.signs.items()}
    assert len(relative) == 1


@given(convolutions())
def test_padding_is_how_far_the_places_reach_out(convolution):
    kernel, _, places = convolution
    found = Shared(kernel, dict.fromkeys(places, 0), {})
    (_, height, width), (h, w) = kernel.image, kernel.size
    (top, left), (bottom, right) = places[0], places[-1]
    assert found.padding == tuple(max(0, v) for v in (-top, -left, bottom + h - height, right + w - width))


@given(convolutions())
def test_a_row_that_differs_in_one_number_is_left_out(convolution):
    kernel, _, places = convolution
    rows = {i: kernel.row_at(place) for i, place in enumerate(places)}
    rows[0] = SparseRow.primitive(rows[0].weights, rows[0].constant + 10**6)
    for found in shared(rows, [kernel.image], oriented=True):
        assert 0 not in found.signs


def test_opposite_rows_are_not_one_kernel_where_sides_are_known():
    kernel = Kernel((1, 1, 6), {(0, 0, 0): 3, (0, 0, 1): -5}, 7)
    rows = {x: kernel.row_at((0, x)) for x in range(5)}
    rows[4] = rows[4].negative()
    [found] = shared(rows, images(6), oriented=True)
    assert sorted(found.signs) == [0, 1, 2, 3]
    [found] = shared(rows, images(6), oriented=False)
    assert [found.signs[x] for x in range(5)] in ([1, 1, 1, 1, -1], [-1, -1, -1, -1, 1])


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {0: SparseRow({}, 1), 1: SparseRow({}, 1)},
        {0: SparseRow({0: 1, 1: 2, 2: 3}, 1), 1: SparseRow({0: 2, 1: 1, 2: 3}, 1)},
        {0: SparseRow({0: 1, 1: 2}, 1), 1: SparseRow({1: 1, 2: 3}, 1)},
        {0: SparseRow({0: 1, 1: 2}, 1), 1: SparseRow({1: 1, 2: 2}, 2)},
    ],
)
def test_no_kernel_is_seen_where_there_is_none(rows):
    assert shared(rows, images(3), oriented=False) == []


def test_the_content_is_what_the_padding_leaves_to_divide_by():
    kernel = Kernel((1, 1, 3), {(0, 0, 0): 3, (0, 0, 1): 4}, 6)
    assert kernel.content_at((0, 0)) == 1
    assert kernel.content_at((0, -1)) == 2
    assert kernel.row_at((0, -1)) == SparseRow({0: 2}, 3)


def test_two_layers_of_kernels_are_found_in_a_network_whose_neurons_are_scaled_and_shuffled():
    # 1 x 6, a kernel of 3, then one of 2 over the four values of each of two channels.
    first = [([1, -2, 4], 3), ([5, 1, -1], -2)]
    rows = [([0] * x + taps + [0] * (3 - x), bias) for taps, bias in first for x in range(4)]
    order, scales = [3, 6, 0, 5, 1, 7, 2, 4], [Fraction(k + 1, 3) for k in range(8)]
    w1 = Matrix.from_rows([[scales[k] * v for v in rows[i][0]] for k, i in enumerate(order)])
    b1 = Matrix.column([scales[k] * rows[i][1] for k, i in enumerate(order)])
    second = {0: 2, 1: -3, 4: 7, 5: 1}  # over channel * 4 + position
    w2 = Matrix.from_rows(
        [
            [second.get(i - x, 0) / scales[k] if i - x in (0, 1, 4, 5) else 0 for k, i in enumerate(order)]
            for x in range(3)
        ]
    )
    net = Network.layered(
        [(w1, b1), (w2, Matrix.column([5, 5, 5])), (Matrix.from_rows([[1, 2, 3]]), Matrix.column([0]))]
    )
    kernels = shared_kernels(net)
    assert [(k.layer, k.reads, k.image, k.size, k.stride, k.padding) for k in kernels] == [
        ("layer1", "input", (1, 1, 6), (1, 3), (1, 1), (0, 0, 0, 0)),
        ("layer1", "input", (1, 1, 6), (1, 3), (1, 1), (0, 0, 0, 0)),
        ("layer2", "layer1", (2, 1, 4), (1, 2), (1, 1), (0, 0, 0, 0)),
    ]
    assert {tuple(v for *_, v in k.taps) for k in kernels[:2]} == {tuple(taps) for taps, _ in first}
    assert kernels[2].bias == 5
    assert sorted(v for *_, v in kernels[2].taps) == [-3, 1, 2, 7]
    assert kernels[2].describe() == (
        "layer2: 3 neurons share a kernel 1x2 over layer1 as 2x1x4, stride 1x1, padding 0,0,0,0"
    )


def test_a_dense_network_has_no_kernels():
    node = Node("output", False, (("input", Matrix.from_rows([[1, 2]])),), Matrix.column([0]))
    assert shared_kernels(Network(2, [node])) == ()
    assert shared_kernels(Network.from_rows([([[1, 2], [3, 4]], [1, 1]), ([[1, 1]], [0])])) == ()
