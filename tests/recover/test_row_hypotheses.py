"""Linear systems and hypotheses: the one row that explains all pieces, what stays open, what contradicts."""

from fractions import Fraction

import numpy as np
import pytest
from campaign import examples
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st
from recover_targets import random_net, random_signs, truth, with_weight

from exactre.recover.line import primitive
from exactre.recover.model import Model, Neuron
from exactre.recover.modular import PRIME, modular
from exactre.recover.row import Hypothesis, Piece, _System

SMALL = st.integers(-4, 4)


def rank(rows):
    return fmpz_mat(rows).rank()


def residues(rows):
    return np.array([modular(row) for row in rows])


@examples(200)
@given(st.data())
def test_a_system_knows_its_rank_its_contradictions_and_its_one_solution(data):
    unknowns = data.draw(st.integers(1, 4))
    rows = data.draw(
        st.lists(st.lists(SMALL, min_size=unknowns + 1, max_size=unknowns + 1), min_size=1, max_size=6)
    )
    if data.draw(st.booleans()):
        c = data.draw(st.lists(SMALL, min_size=unknowns, max_size=unknowns))
        rows = [[*row[:-1], sum(a * b for a, b in zip(row, c, strict=False))] for row in rows]
    system, cut = _System(unknowns), data.draw(st.integers(0, len(rows)))
    for block in (rows[:cut], rows[cut:]):
        if block:
            system.add(residues(block), lambda block=block: block)
    left = rank([row[:-1] for row in rows])
    assert system.is_consistent == (rank(rows) == left)
    if not system.is_consistent:
        assert system.solve(()) is None
        return
    assert system.missing == unknowns - left
    found = system.solve(())
    assert (found is None) == (left < unknowns)
    if found is not None:
        values, den = found
        assert den > 0
        assert all(sum(a * v for a, v in zip(row, values, strict=False)) == den * row[-1] for row in rows)
    one = system.solution()
    if left and one is not None:
        values, den = one
        assert all(sum(a * v for a, v in zip(row, values, strict=False)) == den * row[-1] for row in rows)
    column = data.draw(st.lists(SMALL, min_size=unknowns, max_size=unknowns))
    seen = rank([*(row[:-1] for row in rows), column]) == left
    assert system.is_determined(np.array(column, dtype=np.int64)[:, None] % PRIME) == seen


def test_an_accident_modulo_the_prime_is_noticed_over_the_rationals():
    system = _System(1)
    rows = [[1, 3], [1, 3 + (1 << 31) - 1]]
    system.add(residues(rows), lambda: rows)
    assert system.is_consistent
    assert system.solve(()) is None
    assert not system.is_consistent


def setting(seed, sizes=(4, 3, 2, 1)):
    """(truth, the model of the first layer, its signs, the row of a neuron that reads it)."""
    found = truth(random_net(sizes, seed), random_signs(sum(sizes[1:-1]), seed + 1))
    first = found.layers[0]
    model = Model(sizes[0], found.model.neurons[: len(first)])
    return found, model, {j: found.orientation[j] for j in first}, found.model.neurons[len(first)]


def pieces(model, neuron, *, scaled=True):
    """A piece of a neuron's boundary in every cell that random points reach, with the forms there."""
    rng, found = np.random.default_rng(0), {}
    for reach in (4, 64, 1024):
        grid = rng.integers(-reach, reach + 1, size=(200, model.dim)).tolist()
        for signs in model.signs_at(grid, 2):
            forms = model.forms(signs)
            form = tuple(model.form(neuron, signs, forms))
            if 0 in signs or not any(form[:-1]):
                continue
            short = primitive(form)
            lead = next(i for i, v in enumerate(form) if v)
            found[signs] = (
                Piece(signs, short, Fraction(form[lead], short[lead]) if scaled else Fraction(1)),
                forms,
            )
    return list(found.values())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("known", [True, False])
def test_pieces_give_the_row_and_the_signs(seed, known):
    _, model, orientation, neuron = setting(seed)
    hypothesis = Hypothesis(model, 0, orientation if known else {})
    for piece, forms in pieces(model, neuron):
        hypothesis.add(piece, forms)
    row = hypothesis.row()
    assert row is not None
    assert row.neuron() == neuron
    assert row.orientation == orientation


@pytest.mark.parametrize("seed", range(4))
def test_pieces_of_unknown_scale_give_the_row_too(seed):
    _, model, orientation, neuron = setting(seed)
    known = pieces(model, neuron, scaled=False)
    hypothesis = Hypothesis(model, 0, orientation, scales=len(known) - 1)
    for k, (piece, forms) in enumerate(known):
        hypothesis.add(piece, forms, scale=k - 1 if k else None)
    row = hypothesis.row()
    assert row is not None
    opposite = Neuron({j: -a for j, a in neuron.parents.items()}, tuple(-v for v in neuron.linear))
    assert row.neuron() in (neuron, opposite)


def half_told(seed):
    """A hypothesis that some pieces of a neuron leave open, the others, and pieces of another neuron."""
    found, model, orientation, neuron = setting(seed, (6, 4, 2, 1))
    own, others = (pieces(model, each, scaled=False) for each in (neuron, found.model.neurons[5]))
    hypothesis, rest = Hypothesis(model, 0, orientation), []
    for piece, forms in pieces(model, neuron):
        if hypothesis.missing > 1:
            hypothesis.add(piece, forms)
    rest = [
        (piece, forms) for piece, forms in own if all(piece.signs != p.signs for p, _ in hypothesis.pieces)
    ]
    return hypothesis, rest, others, neuron


def fits(hypothesis, piece, forms):
    return hypothesis.fits(piece.signs, forms.modular, modular(piece.form))


@pytest.mark.parametrize("seed", range(4))
def test_pieces_that_fit_a_row_that_is_partly_told_tell_the_rest(seed):
    hypothesis, rest, others, neuron = half_told(seed)
    assert hypothesis.row() is None
    more = [each for each in rest if fits(hypothesis, *each)]
    assert more
    assert not any(fits(hypothesis, *each) for each in others)
    row = hypothesis.joined(more).row()
    assert row is not None
    assert row.neuron() in (
        neuron,
        Neuron({j: -a for j, a in neuron.parents.items()}, tuple(-v for v in neuron.linear)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_without_an_equation_to_spare_no_piece_fits(seed):
    _, model, orientation, neuron = setting(seed, (6, 4, 2, 1))
    empty = Hypothesis(model, 0, orientation)
    assert not any(fits(empty, *each) for each in pieces(model, neuron, scaled=False))


@pytest.mark.parametrize("seed", range(4))
def test_a_bent_piece_does_not_fit_or_contradicts_what_it_is_joined_to(seed):
    hypothesis, rest, _, _ = half_told(seed)
    piece, forms = next(each for each in rest if fits(hypothesis, *each))
    bent = Piece(piece.signs, (piece.form[0] + 1, *piece.form[1:]), piece.scale)
    assert not fits(hypothesis, bent, forms)
    assert not hypothesis.joined([(bent, forms)]).is_consistent


@pytest.mark.parametrize("seed", range(4))
def test_one_piece_that_is_no_part_of_the_row_contradicts_it(seed):
    _, model, orientation, neuron = setting(seed)
    *known, (piece, forms) = pieces(model, neuron)
    hypothesis = Hypothesis(model, 0, orientation)
    for other, its_forms in known:
        hypothesis.add(other, its_forms)
    bent = Piece(piece.signs, (piece.form[0] + 1, *piece.form[1:]), piece.scale)
    hypothesis.add(bent, forms)
    assert not hypothesis.is_consistent
    assert hypothesis.row() is None


@pytest.mark.parametrize("seed", range(4))
def test_the_row_of_a_deeper_neuron_contradicts_the_hypothesis_of_the_first_layer(seed):
    found, _, orientation, _ = setting(seed, (4, 3, 3, 2, 1))
    deep = found.layers[2][0]
    model = Model(4, found.model.neurons[:deep])
    first = {j: found.orientation[j] for j in found.layers[0]}
    hypothesis = Hypothesis(model, 0, first)
    for piece, forms in pieces(model, found.model.neurons[deep]):
        hypothesis.add(piece, forms)
    assert hypothesis.row() is None
    assert not hypothesis.is_consistent
    assert orientation.items() <= found.orientation.items()


@pytest.mark.parametrize("seed", range(4))
def test_too_few_pieces_leave_equations_wanting_and_give_no_row(seed):
    _, model, _orientation, neuron = setting(seed)
    hypothesis = Hypothesis(model, None, {})
    piece, forms = pieces(model, neuron)[0]
    hypothesis.add(piece, forms)
    assert hypothesis.missing == 3  # 3 units' weights and 5 of the affine part, less 5 equations
    assert hypothesis.is_consistent
    assert hypothesis.row() is None
    assert not hypothesis.is_tested


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unit", range(3))
def test_a_partial_row_leaves_open_the_unit_that_is_inactive_everywhere(seed, unit):
    net = random_net((4, 3, 2, 1), seed)
    _, model, orientation, neuron = setting(seed)
    hypothesis = Hypothesis(model, 0, orientation, partial=True)
    for piece, forms in pieces(model, neuron):
        if piece.signs[unit] != orientation[unit]:
            hypothesis.add(piece, forms)
    assert hypothesis.idle == {unit}
    row = hypothesis.row()
    assert row is not None
    assert row.neuron() == truth(with_weight(net, 1, 0, unit, 0), random_signs(5, seed + 1)).model.neurons[3]


def test_a_prediction_is_made_where_the_equations_determine_it_and_only_there():
    _, model, orientation, neuron = setting(0)
    (first, forms), *others = pieces(model, neuron)
    hypothesis = Hypothesis(model, None, {})
    hypothesis.add(first, forms)
    assert hypothesis.predicted(first.signs, forms) == [first.scale * v for v in first.form]
    assert all(hypothesis.predicted(piece.signs, its_forms) is None for piece, its_forms in others)
    settled = Hypothesis(model, 0, orientation)
    for piece, its_forms in others:
        settled.add(piece, its_forms)
    assert settled.predicted(first.signs, forms) == [first.scale * v for v in first.form]


def test_what_a_boundary_stays_on_one_side_of_is_left_out():
    # The row over two layers reads z; on pieces where z has one sign it is known but for a multiple of |u_z|.
    found = truth(random_net((4, 3, 3, 2, 1), 0))
    model, orientation = Model(4, found.model.neurons[:6]), {j: found.orientation[j] for j in range(3)}
    y, z = found.model.neurons[6], 3
    here = [(piece, forms) for piece, forms in pieces(model, y) if piece.signs[z] == 1]
    hypothesis = Hypothesis(model, 1, orientation, layers=2)
    for piece, forms in here:
        hypothesis.add(piece, forms)
    assert hypothesis.is_consistent
    assert hypothesis.one_sided == {z: 1}
    assert hypothesis.row() is None
    fewer = hypothesis.leaving_out({z})
    assert fewer.pieces == hypothesis.pieces
    row = fewer.row()
    assert row is not None
    assert z not in row.parents
    for piece, forms in here:
        form = model.form(row.neuron(), piece.signs, forms)
        assert primitive(form) == piece.form
    # Leaving out another neuron, at which the boundary bends, contradicts the pieces.
    assert not hypothesis.leaving_out({4}).is_consistent


@pytest.mark.parametrize("seed", range(4))
def test_a_combination_of_forms_is_the_sum_of_their_multiples(seed):
    model = truth(random_net([3, 4, 4, 2], seed), random_signs(8, seed)).model
    rng = np.random.default_rng(seed)
    signs = tuple(random_signs(8, seed + 1))
    weights = {j: int(rng.integers(-9, 10)) for j in rng.permutation(8)[:5].tolist()}
    total = [0] * 4
    for j, w in weights.items():
        total = [v + w * u for v, u in zip(total, model.forms(signs)[j], strict=True)]
    assert model.forms(signs).combination(weights) == total
    assert model.forms(signs).combination({}) == [0] * 4
