"""Parts of one boundary that lie apart: joined where they agree, and what they leave open together."""

from fractions import Fraction

import pytest
from recover_targets import random_net, random_signs, truth

from exactre.recover.line import primitive
from exactre.recover.model import Model
from exactre.recover.parts import Parts
from exactre.recover.row import Hypothesis, Piece

SEEDS = range(4)
UNITS = 8


def known(seed):
    """Two neurons over eight units of two inputs: the units' model, the rows, the units' active sides."""
    net = random_net([2, UNITS, 2, 1], seed)
    found = truth(net, random_signs(UNITS + 2, seed))
    return Model(2, found.model.neurons[:UNITS]), found.model.neurons[UNITS:], found.orientation


def seen(model, row, orientation, crossed, factor=1, inactive=()):
    """What pieces of a row's boundary tell, times a factor, from where each of some units was crossed."""
    hypothesis = Hypothesis(model, 0, orientation, partial=True)
    start = [-orientation[j] if j in inactive else orientation[j] for j in range(UNITS)]
    for unit in (None, *crossed):
        signs = tuple(-s if j == unit else s for j, s in enumerate(start))
        forms = model.forms(signs)
        form = model.form(row, signs, forms)
        short = primitive(form)
        scale = next(Fraction(a, b) for a, b in zip(form, short, strict=True) if b)
        hypothesis.add(Piece(signs, short, scale * factor), forms)
    return hypothesis


@pytest.mark.parametrize("factor", [Fraction(1), Fraction(-3, 7)])
@pytest.mark.parametrize("seed", SEEDS)
def test_parts_that_agree_determine_a_row_that_none_of_them_does(seed, factor):
    model, (row, _), orientation = known(seed)
    parts = Parts(model, 0, orientation)
    one = seen(model, row, orientation, range(5))
    other = seen(model, row, orientation, range(3, 8), factor)
    assert one.missing
    assert other.missing
    assert parts.add(0, one) is None
    joined = parts.add(1, other)
    assert set(joined.kinks) == {0, 1}
    assert joined.hypothesis.row().neuron() == row
    assert not parts.largest()


@pytest.mark.parametrize("seed", SEEDS)
def test_three_parts_are_joined_one_after_the_other(seed):
    model, (row, _), orientation = known(seed)
    parts = Parts(model, 0, orientation)
    assert parts.add(0, seen(model, row, orientation, [0, 1, 2])) is None
    assert parts.add(1, seen(model, row, orientation, [1, 2, 3, 4], Fraction(5, 3))) is None
    joined = parts.add(2, seen(model, row, orientation, [3, 4, 5, 6], -1))
    assert set(joined.kinks) == {0, 1, 2}
    assert joined.hypothesis.row().neuron() == row


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_of_two_neurons_are_not_joined(seed):
    model, (row, another), orientation = known(seed)
    parts = Parts(model, 0, orientation)
    assert parts.add(0, seen(model, row, orientation, range(5))) is None
    assert parts.add(1, seen(model, another, orientation, range(3, 8))) is None
    assert [part.kinks for part in parts.largest()] == [(0,), (1,)]


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_that_have_too_little_in_common_are_not_joined(seed):
    model, (row, _), orientation = known(seed)
    parts = Parts(model, 0, orientation)
    assert parts.add(0, seen(model, row, orientation, [0, 1])) is None
    assert parts.add(1, seen(model, row, orientation, [6, 7], inactive=[3, 4, 5])) is None
    assert [part.kinks for part in parts._known] == [(0,), (1,)]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_row_that_fits_is_right_where_the_units_that_were_kept_active_are_active(seed):
    model, (row, _), orientation = known(seed)
    hypothesis = seen(model, row, orientation, range(4), inactive=[4])
    assert hypothesis.row() is None
    assert hypothesis.idle == {4}
    assert hypothesis.kept_active() == {5, 6, 7}
    found = hypothesis.row(of_many=True).neuron()
    assert found != row
    for piece, forms in hypothesis.pieces:
        assert primitive(model.form(found, piece.signs, forms)) == piece.form


@pytest.mark.parametrize("seed", SEEDS)
def test_few_units_that_were_kept_active_leave_nothing_open(seed):
    model, (row, _), orientation = known(seed)
    hypothesis = seen(model, row, orientation, range(5), inactive=[5])
    assert hypothesis.kept_active() == set()
    hypothesis = seen(model, row, orientation, range(6))
    assert hypothesis.kept_active() == set()
    assert hypothesis.row().neuron() == row


@pytest.mark.parametrize("seed", SEEDS)
def test_no_row_is_taken_while_a_scale_is_open(seed):
    model, (row, _), orientation = known(seed)
    own = seen(model, row, orientation, range(4))
    hypothesis = Hypothesis(model, 0, orientation, scales=1, partial=True)
    for piece, forms in own.pieces:
        hypothesis.add(piece, forms, scale=0)
    assert not hypothesis.are_scales_known
    assert hypothesis.kept_active() is None
