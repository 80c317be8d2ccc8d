"""Combinations modulo the prime against exact linear algebra, and groups against their definition."""

import numpy as np
from campaign import examples
from flint import fmpq_mat, fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from exactre.rational import Matrix
from exactre.recover.group import CONSTANT, LEAST, Groups, active_weights
from exactre.recover.modular import PRIME, combination, modular, modular_gradient, product

SMALL = st.integers(-4, 4)
RESIDUES = st.sampled_from([0, 1, PRIME - 1, PRIME // 2]) | st.integers(0, PRIME - 1)


def residue(value):
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


@st.composite
def systems(draw):
    """(matrix, right side): half of the time the right side is a combination of the columns."""
    rows, unknowns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    matrix = draw(
        st.lists(st.lists(SMALL, min_size=unknowns, max_size=unknowns), min_size=rows, max_size=rows)
    )
    right = draw(st.lists(SMALL, min_size=rows, max_size=rows))
    if draw(st.booleans()):
        c = draw(st.lists(SMALL, min_size=unknowns, max_size=unknowns))
        right = [sum(a * b for a, b in zip(row, c, strict=True)) for row in matrix]
    return matrix, right


@examples(200)
@given(systems())
def test_a_combination_is_the_unique_solution_or_none(system):
    matrix, right = system
    unknowns = len(matrix[0])
    table, rank = fmpq_mat(fmpz_mat([[*row, b] for row, b in zip(matrix, right, strict=True)])).rref()
    columns = fmpz_mat(matrix).rank()
    found = combination(np.array([modular(row) for row in matrix]), modular(right))
    if columns < unknowns or rank > columns:
        assert found is None
    else:
        assert found.tolist() == [
            int(table[i, unknowns].p) * pow(int(table[i, unknowns].q), -1, PRIME) % PRIME
            for i in range(unknowns)
        ]


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.data())
def test_a_product_is_that_of_the_integers(m, n, k, data):
    a = data.draw(st.lists(st.lists(RESIDUES, min_size=n, max_size=n), min_size=m, max_size=m))
    b = data.draw(st.lists(st.lists(RESIDUES, min_size=k, max_size=k), min_size=n, max_size=n))
    found = product(np.array(a, dtype=np.int64), np.array(b, dtype=np.int64))
    assert found.tolist() == [
        [sum(x * row[j] for x, row in zip(left, b, strict=True)) % PRIME for j in range(k)] for left in a
    ]


def test_a_product_of_the_longest_sums_does_not_overflow():
    terms = 1 << 16
    a = np.full((1, terms), PRIME - 1, dtype=np.int64)
    assert product(a, a.T).tolist() == [[terms % PRIME]]


@given(st.lists(st.fractions(-99, 99), min_size=3, max_size=3))
def test_a_gradient_modulo_the_prime_leaves_out_the_value(row):
    piece = Matrix.from_rows([[0, 0, 0], row])
    assert modular_gradient(piece, 1).tolist() == [residue(v) for v in row[:-1]]


@given(
    st.lists(SMALL, min_size=2, max_size=2).filter(any),
    st.tuples(st.sampled_from([-1, 1]), st.sampled_from([-1, 1])),
    SMALL,
)
def test_active_weights_are_those_of_the_units_on_their_active_side(c, signs, constant):
    forms = {0: modular([1, 0, 5]), 1: modular([0, 1, 7])}
    active = [j for j in (0, 1) if signs[j] == 1]
    target = modular([sum(c[j] for j in active if j == i) for i in range(2)] + [constant])
    found = active_weights([0, 1], signs, forms, target, {0: 1, 1: 1})
    if not active:
        assert found is None
        return
    assert {j: found[j] for j in active} == {j: c[j] % PRIME for j in active}
    assert found[CONSTANT] == (constant - sum(c[j] * (5, 7)[j] for j in active)) % PRIME
    # Without signs every unit may be active, and those that are not have weight zero.
    everything = active_weights([0, 1], signs, forms, target, {})
    assert {j: everything[j] for j in (0, 1)} == {j: c[j] % PRIME * (j in active) for j in (0, 1)}


def test_what_an_inactive_unit_would_have_to_give_has_no_weights():
    forms = {0: modular([1, 0, 0]), 1: modular([0, 1, 0])}
    assert active_weights([0, 1], (1, -1), forms, modular([0, 1]), {0: 1, 1: 1}) is None


def grouped_by_definition(kinks):
    """Members of each group, by comparing ratios one after another."""
    groups = []
    for number, kink in enumerate(kinks):
        for members, known in groups:
            both = [i for i in kink if i in known]
            lead = next((i for i in both if kink[i] and known[i]), None)
            if len(both) < LEAST or lead is None:
                continue
            if any((known[lead] * kink[i] - kink[lead] * known[i]) % PRIME for i in both):
                continue
            members.append(number)
            scale = known[lead] * pow(kink[lead], -1, PRIME)
            for i, v in kink.items():
                known.setdefault(i, v * scale % PRIME)
            break
        else:
            groups.append(([number], dict(kink)))
    return [members for members, _ in groups]


@examples(200)
@given(st.data())
def test_groups_hold_what_is_proportional_wherever_both_speak(data):
    width = data.draw(st.integers(LEAST, 6))
    rows = data.draw(
        st.lists(st.lists(st.integers(0, 3), min_size=width, max_size=width), min_size=1, max_size=3)
    )
    kinks = []
    for _ in range(data.draw(st.integers(1, 12))):
        row, factor = data.draw(st.sampled_from(rows)), data.draw(st.integers(1, PRIME - 1))
        places = data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=width, unique=True))
        kinks.append({i: row[i] * factor % PRIME for i in places})
    groups = Groups(width)
    for number, kink in enumerate(kinks):
        groups.add(number, list(kink), list(kink.values()))
    assert groups.members == grouped_by_definition(kinks)
