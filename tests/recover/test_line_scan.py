"""Kinks on a line: all of them, with both pieces, whatever the hints; lines, jumps and primitive forms."""

import itertools
from fractions import Fraction

import pytest
from campaign import examples
from hypothesis import given
from hypothesis import strategies as st
from recover_targets import jets_of, jets_of_function

from exactre.network import Network
from exactre.rational import Matrix
from exactre.recover.line import Line, first_kink, jump_form, primitive, scan

AXIS = Line((0,), (1,), 0)
INTEGERS = st.integers(-(2**70), 2**70)
DYADIC = st.builds(lambda a, b: Fraction(a, 2**b), st.integers(-(2**30), 2**30), st.integers(0, 40))


@st.composite
def zigzags(draw):
    """[(place, bend)] by place, bends +-3^i in any order: no run of them cancels out.

    Places are further apart than the 2^-24 of their size at which a kink is confirmed.
    """
    places = draw(st.lists(st.fractions(-64, 64, max_denominator=64), min_size=1, max_size=6, unique=True))
    powers = draw(st.permutations(range(len(places))))
    signs = draw(st.lists(st.sampled_from([-1, 1]), min_size=len(places), max_size=len(places)))
    return [(t, s * 3**k) for t, s, k in zip(sorted(places), signs, powers, strict=True)]


def function(bends):
    """Two outputs: the zigzag, and twice its negative with another slope."""

    def f(x):
        value = sum(c * abs(x[0] - t) for t, c in bends)
        return value, x[0] - 2 * value

    return f


def piece(bends, t):
    """The affine map of `function(bends)` at t."""
    slope = sum(c if t > place else -c for place, c in bends)
    value = sum(-c * place if t > place else c * place for place, c in bends)
    return Matrix.from_rows([[slope, value], [1 - 2 * slope, -2 * value]])


def assert_all_found(kinks, bends):
    assert [kink.t for kink in kinks] == [t for t, _ in bends]
    for kink, (t, _) in zip(kinks, bends, strict=True):
        assert kink.t0 < t < kink.t1
        assert (kink.left, kink.right) == (piece(bends, kink.t0), piece(bends, kink.t1))
        assert kink.form == primitive([t.denominator, -t.numerator])
    for a, b in itertools.pairwise(kinks):
        assert a.t1 <= b.t0
        assert a.right == b.left


@examples(40)
@given(zigzags())
def test_every_kink_is_found_with_the_pieces_at_both_sides(bends):
    assert_all_found(scan(jets_of_function(function(bends)), AXIS), bends)


@examples(40)
@given(zigzags(), st.data())
def test_hints_right_wrong_and_missing_change_nothing(bends, data):
    right = data.draw(st.lists(st.sampled_from([float(t) for t, _ in bends]), unique=True))
    # Places of no kink, and where no two pieces meet by accident.
    wrong = [k + 0.1234567891 for k in data.draw(st.lists(st.integers(-99, 99), max_size=4))]
    assert_all_found(scan(jets_of_function(function(bends)), AXIS, [*right, *wrong]), bends)


@examples(30)
@given(zigzags())
def test_the_first_kink_after_a_place_is_that_of_the_scan(bends):
    jets = jets_of_function(function(bends))
    low, high = Fraction(-100), Fraction(100)
    for t, _ in bends:
        kink = first_kink(jets, AXIS, piece(bends, low), low, high)
        assert kink is not None
        assert (kink.t, kink.left, kink.right) == (t, piece(bends, kink.t0), piece(bends, kink.t1))
        low = kink.t1
    assert first_kink(jets, AXIS, piece(bends, low), low, high) is None


def test_right_hints_save_the_confirmations():
    bends = [(Fraction(t), 3**k) for k, t in enumerate((-7, -1, 2, 5))]
    with_hints, without = jets_of_function(function(bends)), jets_of_function(function(bends))
    assert_all_found(scan(with_hints, AXIS, [float(t) for t, _ in bends]), bends)
    assert_all_found(scan(without, AXIS), bends)
    assert with_hints.ledger.queries < without.ledger.queries


@pytest.mark.parametrize("places", [(0, 1), (-1, 0, 1), (0, Fraction(1, 2), 1, 2, 4), (-8, -4, 0, 3)])
def test_kinks_at_round_places_where_probes_fall_are_found(places):
    bends = [(Fraction(t), (-3) ** k) for k, t in enumerate(places)]
    jets = jets_of_function(function(bends))
    assert_all_found(scan(jets, AXIS), bends)
    assert jets.ledger.queries < 40 * len(places)


def test_a_kink_at_a_round_place_is_not_hidden_by_a_probe_there():
    bends = [
        (0, -1),
        (1, -3),
        (Fraction(715, 29), -9),
        (Fraction(126, 5), -243),
        (Fraction(93, 2), 81),
        (63, -27),
    ]
    bends = [(Fraction(t), c) for t, c in bends]
    assert_all_found(scan(jets_of_function(function(bends)), AXIS), bends)


@examples(20)
@given(zigzags(), st.tuples(DYADIC, DYADIC))
def test_a_segment_shows_the_kinks_inside_it(bends, ends):
    low, high = sorted(ends)
    if low == high or any(t in ends for t, _ in bends):
        return
    kinks = scan(jets_of_function(function(bends)), AXIS, low=low, high=high)
    assert [kink.t for kink in kinks] == [t for t, _ in bends if low < t < high]


def test_an_affine_function_has_no_kinks_and_costs_two_probes():
    jets = jets_of_function(lambda x: (3 * x[0] - 1,))
    jets.at(*AXIS.at([Fraction(1, 4)]))
    before = jets.ledger.queries
    assert scan(jets, AXIS) == []
    assert jets.ledger.queries - before == 2


def test_a_place_where_two_boundaries_meet_on_the_line_says_nothing():
    net = Network.from_rows([([[1, 0], [0, 1]], [0, 0]), ([[1, 2], [2, 1]], [0, 0])])
    assert scan(jets_of(net), Line((0, 0), (1, 1), 0)) == []


@given(
    st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=4), st.lists(DYADIC, min_size=1, max_size=4)
)
def test_points_of_a_line_are_where_its_parameters_say(ends, parameters):
    line = Line(tuple(a for a, _ in ends), tuple(b for _, b in ends), 3)
    num, q = line.at(parameters)
    for row, t in zip(num.tolist(), parameters, strict=True):
        assert [Fraction(int(v), 2**q) for v in row] == [(a + t * b) / 8 for a, b in ends]


@given(st.lists(st.tuples(INTEGERS, INTEGERS, INTEGERS), min_size=1, max_size=4), INTEGERS, DYADIC)
def test_a_form_along_a_line_is_its_restriction(rows, constant, t):
    line = Line(tuple(a for a, _, _ in rows), tuple(b for _, b, _ in rows), 5)
    [(const, slope)] = line.restrict(Matrix.from_rows([[*(c for _, _, c in rows), constant]]).num)
    value = sum(c * (a + t * b) / 32 for a, b, c in rows) + constant
    assert (const + t * slope) / 32 == value


@given(st.lists(INTEGERS, min_size=2, max_size=5).filter(any), INTEGERS.filter(bool))
def test_a_primitive_form_forgets_the_factor_and_nothing_else(row, factor):
    form = primitive(row)
    assert primitive([factor * v for v in row]) == form
    assert next(v for v in form if v) > 0
    assert all(a * d == b * c for a, c in zip(row, form, strict=True) for b, d in zip(row, form, strict=True))


@given(
    st.lists(INTEGERS, min_size=3, max_size=3),
    st.lists(st.fractions(-9, 9), min_size=1, max_size=3).filter(any),
    st.lists(st.lists(st.fractions(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3),
)
def test_the_form_of_a_rank_one_jump_is_its_row(form, effects, base):
    left = base[: len(effects)]
    right = [
        [v + a * w for v, w in zip(row, form, strict=True)] for row, a in zip(left, effects, strict=True)
    ]
    found = jump_form(Matrix.from_rows(left), Matrix.from_rows(right))
    assert found == (primitive(form) if any(form[:-1]) else None)


@pytest.mark.parametrize(
    "jump", [[[0, 0, 0]], [[0, 0, 5]], [[1, 0, 0], [0, 1, 0]], [[1, 2, 3], [0, 0, 0], [1, 2, 4]]]
)
def test_no_jump_a_jump_of_the_value_and_a_jump_of_rank_two_have_no_form(jump):
    assert jump_form(Matrix.from_rows([[0, 0, 0]] * len(jump)), Matrix.from_rows(jump)) is None


@pytest.mark.parametrize("hinted", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("size", [Fraction(1, 2**33), Fraction(1), Fraction(2**33)])
def test_kinks_close_together_are_told_apart_whichever_is_expected(size, hinted):
    bends = [(size * place, bend) for place, bend in ((3, 1), (5, -3), (8, 9))]
    hints = [float(bends[i][0]) for i in hinted]
    assert_all_found(
        scan(jets_of_function(function(bends), 1), AXIS, hints, low=Fraction(0), high=2**40), bends
    )
