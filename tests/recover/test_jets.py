"""Value and gradient from one query: exactly the affine piece beside the point, also near and on walls."""

from fractions import Fraction

import numpy as np
import pytest
from campaign import examples
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st
from recover_targets import affine_piece, jets_of, jets_of_function, random_net

from exactre import recover
from exactre.errors import OracleError
from exactre.network import Network
from exactre.rational import Matrix, Points
from exactre.recover.jet import Chart, Jets
from exactre.testing import networks

ANY = st.one_of(
    networks(inputs=(1, 4), depth=(0, 3), outputs=(1, 3)),
    networks(inputs=(1, 4), depth=(1, 2), outputs=(1, 3), weights="thirds"),
    networks(inputs=(1, 4), depth=(1, 3), outputs=(1, 3), weights="float32", scale=Fraction(5, 7)),
    networks(inputs=(1, 3), depth=(1, 2), scale=Fraction(1, 10**30)),
    networks(inputs=(1, 3), depth=(1, 2), scale=10**30),
)


@examples(60)
@given(ANY, st.data())
def test_a_piece_is_the_affine_map_beside_the_point(net, data):
    coordinate = st.integers(-(2**30), 2**30) | st.integers(-2, 2)
    points = data.draw(st.lists(st.tuples(*[coordinate] * net.input_dim), min_size=1, max_size=4))
    q = data.draw(st.integers(0, 40))
    jets = jets_of(net)
    pieces = jets.at(fmpz_mat([list(p) for p in points]), q)
    assert pieces == [affine_piece(net, [Fraction(v, 2**q) for v in p]) for p in points]


@examples(20)
@given(st.integers(0, 400), st.sampled_from([-1, 1]), st.integers(1, 9))
def test_a_wall_far_nearer_than_the_steps_is_not_stepped_over(bits, side, weight):
    # The wall lies at x0 = side * 2^-bits / 3, the point at the origin.
    net = Network.from_rows([([[3 * 2**bits, 1]], [-side]), ([[weight]], [0])])
    assert jets_of(net).at(fmpz_mat([[0, 0], [1, 1]]), 0) == [
        affine_piece(net, [0, 0]),
        affine_piece(net, [1, 1]),
    ]


def test_a_gradient_far_larger_than_the_first_one_is_read_all_the_same():
    def f(x):
        return x[0] + max(0, x[0] - 5) * Fraction(10**60, 7), max(0, x[0] - 9) / Fraction(11 * 2**90)

    pieces = jets_of_function(f).at(fmpz_mat([[0], [6], [10]]), 0)
    assert pieces[1] == Matrix.from_rows([[1 + Fraction(10**60, 7), -5 * Fraction(10**60, 7)], [0, 0]])
    assert pieces[2][1, 0] == Fraction(1, 11 * 2**90)


def test_a_point_costs_one_query_once_windows_are_known():
    jets = jets_of(random_net([6, 5, 2], 0))
    jets.at(fmpz_mat([[0] * 6]), 0)
    before = jets.ledger.queries
    jets.at(fmpz_mat([[k] * 6 for k in range(1, 9)]), 0)
    assert jets.ledger.queries - before == 8


def test_a_denominator_that_cancels_out_of_one_answer_is_found_by_the_next():
    net = Network.from_rows(
        [
            ([[Fraction(2, 3), -8], [Fraction(-3, 2**40), -1]], [0, 0]),
            ([[Fraction(-3, 2**39), Fraction(4, 3)], [Fraction(5, 2**40), -9]], [0, 0]),
            ([[Fraction(4, 7), -2]], [0]),
        ]
    )
    jets = jets_of(net)
    for point in ([-5, 7], [114349209288704, -64871186038792], [65970697666568, -91259465105393]):
        assert jets.at(fmpz_mat([point]), 4) == [affine_piece(net, [Fraction(v, 16) for v in point])]


def test_what_is_not_piecewise_affine_gives_no_piece():
    with pytest.raises(OracleError, match="piecewise affine"):
        jets_of_function(lambda x: (x[0] ** 2,)).at(fmpz_mat([[1], [3]]), 0)


def test_denominators_that_grow_with_the_query_are_no_networks():
    jets = jets_of_function(lambda x: (1 / (1 + x[0] ** 2 + x[1] ** 2),), 2)
    with pytest.raises(OracleError, match="denominators"):
        jets.at(fmpz_mat([[k, 2 * k + 1] for k in range(60)]), 0)
    assert jets.ledger.query_bits < 2**22


@examples(20)
@given(st.integers(0, 9))
def test_a_chart_restricts_forms_as_it_lifts_points(seed):
    rng = np.random.default_rng(seed)
    chart = Chart.random(5, 3, rng)
    form = [int(v) for v in rng.integers(-9, 10, size=6)]
    y = [int(v) for v in rng.integers(-99, 100, size=3)]
    [x] = chart.lift(Points(fmpz_mat([y]), 4))
    inner = sum(a * v for a, v in zip(chart.restrict(form), (*(Fraction(v, 4) for v in y), 1), strict=True))
    assert inner == sum(a * v for a, v in zip(form, (*x, 1), strict=True))


def test_the_same_over_all_inputs_reads_the_lifted_piece():
    net = random_net([7, 4, 2], 3)
    chart = Chart.random(7, 3, np.random.default_rng(0))
    jets = Jets(jets_of(net).ledger, chart)
    [inner] = jets.at(fmpz_mat([[1, 2, 3]]), 1)
    full = jets.over(Chart.identity(7))
    num = chart.lift_num(fmpz_mat([[1, 2, 3]]), 2)
    [outer] = full.at(num, 1)
    assert outer == affine_piece(net, [Fraction(int(v), 2) for v in num.entries()])
    basis = [
        [*(int(v) for v in row), int(o)]
        for row, o in zip(chart.basis.tolist(), chart.origin.entries(), strict=True)
    ]
    assert inner == outer @ Matrix.from_rows([*basis, [0, 0, 0, 1]])


@pytest.mark.parametrize("seed", range(7))
def test_factors_that_cancel_in_sums_of_slopes_are_found(seed):
    """Modulo 3 all steps 2^-(s + k i) are +-1: no smaller ones may tell."""
    first = [["-1/3", "-3", "2", "-7/3"], ["-8/3", "-4/3", "2", "5/3"]]
    rows = [[Fraction(v) for v in row] for row in first]
    net = Network.from_rows([(rows, [0, 0]), ([[Fraction(8, 3), Fraction(-7, 3)]], [Fraction(4, 3)])])
    assert recover(net, seed=seed).status == "certified"


def test_a_random_chart_has_full_rank():
    draws = [Chart.random(3, 2, np.random.default_rng(seed)) for seed in range(3000)]
    assert all(chart.basis.rank() == 2 for chart in draws)
