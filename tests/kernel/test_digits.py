"""Evaluation by digits gives the answers that FLINT gives, whatever the sizes."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import ldexp

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import dags, points

import exactre
from exactre.digits import DigitNetwork, cut, cut_floats, join
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix, Points

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LONG = st.one_of(st.integers(-(2**150), 2**150), st.integers(-3, 3), st.fractions(max_denominator=99))


def on_flint(net, batch):
    return net.preactivations(Points(batch.num, batch.den), after_relu=True)[net.nodes[-1].name]


def by_digits(net, batch):
    return DigitNetwork(INPUT, net.nodes).evaluate(batch)


@given(dags(st.one_of(st.integers(-3, 3), st.floats(-4, 4, width=16))), st.data())
def test_digits_answer_as_flint_does(net, data):
    batch = Points.of(data.draw(points(net.input_dim, st.floats(-9, 9, width=32))), net.input_dim)
    answer = by_digits(net, batch)
    assert answer == on_flint(net, batch)
    assert (len(answer), answer.dim) == (len(batch), net.output_dim)


@given(dags(LONG), st.data())
def test_long_integers_and_odd_denominators(net, data):
    batch = Points.of(data.draw(points(net.input_dim, LONG)), net.input_dim)
    answer = by_digits(net, batch)
    assert answer is None or answer == on_flint(net, batch)


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), max_size=4))
def test_floats_of_any_exponent(rows):
    array = np.array(rows, dtype=np.float64).reshape(-1, 3)
    batch = Points.from_floats(array)
    assert list(batch) == [tuple(Fraction(v) for v in row) for row in rows]
    answer = by_digits(NET, batch)
    assert answer is None or answer == on_flint(NET, batch)


NET = Network.from_rows([([[1, -2, 3], [Fraction(1, 8), 5, -1]], [1, 0]), ([[1, -1]], [Fraction(-1, 2)])])


def test_denormals_are_numbers():
    tiny = 2.0**-1074
    batch = Points.from_floats(np.array([[tiny, -tiny, 3 * tiny], [1.0, tiny, 0.0]]))
    assert batch[0] == (Fraction(1, 2**1074), Fraction(-1, 2**1074), Fraction(3, 2**1074))
    assert NET.evaluate(batch) == on_flint(NET, batch)


def random_matrix(m, n, bits, seed):
    source = random.Random(seed)
    return Matrix(fmpz_mat(m, n, [source.getrandbits(bits) - 2 ** (bits - 1) for _ in range(m * n)]), 3)


@pytest.mark.parametrize("bits", [1, 24, 53, 150])
def test_inner_dimensions_over_4096(bits):
    """The extreme entries, where sums of products are longest."""
    n = 5000
    top = 2**bits - 1
    net = Network.layered(
        [
            (Matrix(fmpz_mat(2, n, [top] * n + [-top] * n)), Matrix.column([0, 1])),
            (Matrix.from_rows([[1, 1]]), Matrix.column([0])),
        ]
    )
    values = np.array([[2.0**53 - 1] * n, [-(2.0**53 - 1)] * n, [1.0] * n])
    batch = Points.from_floats(values)
    large = n * top * (2**53 - 1)
    assert by_digits(net, batch) == on_flint(net, batch)
    assert list(by_digits(net, batch)) == [(large,), (large + 1,), (n * top,)]


@pytest.mark.parametrize("count", [0, 1, 7, 300, 1025])
@pytest.mark.parametrize("bits", [8, 44, 150])
def test_batches_large_and_small_through_the_network(count, bits):
    net = Network.layered(
        [
            (random_matrix(m, n, bits, m), random_matrix(m, 1, bits, n))
            for n, m in [(30, 40), (40, 20), (20, 3)]
        ]
    )
    floats = Points.from_floats(np.random.default_rng(count).standard_normal((count, 30)))
    integers = Points(floats.num, floats.den)
    assert net.evaluate(floats) == net.evaluate(integers) == on_flint(net, floats) == by_digits(net, floats)
    # The same network again, with numbers of other lengths and another denominator.
    other = Points(floats.num * 12345678901, 7)
    assert net.evaluate(other) == on_flint(net, other)


def test_a_node_that_reads_many_others():
    """Sums over many sources stay within int64, or are left to FLINT."""
    for parents in (3, 60):
        weight = random_matrix(1, 1, 53, parents)
        nodes = [
            Node(f"n{k}", True, ((INPUT, random_matrix(1, 1, 53, k)),), Matrix.column([k]))
            for k in range(parents)
        ]
        sources = tuple((f"n{k}", weight) for k in range(parents))
        net = Network(1, [*nodes, Node("sum", False, sources, Matrix.column([0]))])
        batch = Points.from_floats(np.random.default_rng(0).standard_normal((9, 1)))
        answer = by_digits(net, batch)
        assert (answer is None) == (parents == 60)
        assert net.evaluate(batch) == on_flint(net, batch)
        assert answer is None or answer == on_flint(net, batch)


def test_threads_share_a_network():
    """Batches of other lengths at the same time: no thread sees another one's digits."""
    net = Network.layered([(random_matrix(8, 5, 40, 1), random_matrix(8, 1, 40, 2))])
    rng = np.random.default_rng(0)
    batches = [Points.from_floats(rng.standard_normal((40, 5)) * 2.0 ** (k % 4 * 20)) for k in range(40)]
    digits = DigitNetwork(INPUT, net.nodes)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(digits.evaluate, batches))
    assert answers == [on_flint(net, batch) for batch in batches]


def test_the_choice_falls_on_digits_for_large_batches_alone(monkeypatch):
    net = Network.layered([(random_matrix(200, 100, 24, 1), random_matrix(200, 1, 24, 2))])
    chosen = []
    monkeypatch.setattr(DigitNetwork, "evaluate", lambda self, batch: chosen.append(len(batch)))
    for count in (1, 500):
        net.evaluate(Points.from_floats(np.ones((count, 100))))
        net.evaluate([[1] * 100] * count)
        net.evaluate(Points(fmpz_mat(count, 100), 2**3000))
    assert chosen == [500, 500]  # the floats and the integers, not the numbers of 3,000 bits


@given(st.lists(st.integers(-(2**200), 2**200), min_size=1), st.integers(8, 26))
def test_cutting_and_joining(values, bits):
    planes = max(map(abs, values)).bit_length() // bits + 1
    digits = cut(values, bits, planes)
    assert [sum(int(d) << bits * p for p, d in enumerate(column)) for column in digits.T] == values
    assert (digits[:-1] >= 0).all()
    assert (digits[:-1] < 2**bits).all()
    assert join(cut(values, 24, 9), 24) == values


@given(st.lists(st.tuples(st.integers(-(2**53), 2**53), st.integers(-1074, -174))), st.integers(8, 26))
def test_floats_are_cut_into_digits_of_their_integers(pairs, bits):
    low = min((e for _, e in pairs), default=0)
    values = [w << e - low for w, e in pairs]
    planes = max(map(abs, values), default=0).bit_length() // bits + 1
    digits = cut_floats(np.array([ldexp(w, e) for w, e in pairs]), low, bits, planes)
    assert (np.abs(digits) < 2**bits).all()
    assert [sum(int(d) << bits * p for p, d in enumerate(column)) for column in digits.T] == values


@pytest.mark.parametrize(
    "name",
    ["cartpole.onnx", "vdp.onnx", "drones_AC1.onnx", "acasxu_1_1.onnx", "acasxu_1_1.nnet", "mnist2x10.onnx"],
)
def test_real_networks_by_digits_and_on_flint(models, name):
    net = exactre.load(models / name)
    rng = np.random.default_rng(0)
    batch = Points.from_floats(rng.standard_normal((50, net.input_dim)))
    assert by_digits(net, batch) == net.evaluate(batch) == on_flint(net, batch)
