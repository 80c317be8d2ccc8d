"""A row that is on a grid is found exactly; everything that is not certain is refused."""

import numpy as np
import pytest
from campaign import examples
from hypothesis import given
from hypothesis import strategies as st

from exactre.measured.candidate import Candidate
from exactre.measured.known import Known, Layer
from exactre.measured.neuron import Neuron, neuron_of, offset
from exactre.measured.snap import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    GRIDS,
    INTEGERS,
    RATIONALS,
    _misses,
    _near_integers,
    _survivors,
    on_grid,
    snap,
    snaps,
)
from exactre.measured.survey import Bend

CERTAIN = -40


def row(grid, seed, n):
    """A row of n random entries on a grid."""
    values = np.random.default_rng(seed).normal(size=n)
    if grid.top is not None:
        return np.rint(values / np.abs(values).max() * min(grid.top, 127))
    spacing = 2.0 ** (np.frexp(values)[1] - grid.bits)
    return np.rint(values / spacing) * spacing


def measured(entries, seed, bits):
    """The row at a random scale, off by up to 2^-bits of its largest entry, with that error."""
    rng = np.random.default_rng(seed + 1)
    error = 2.0**-bits * np.abs(entries).max()
    scale = float(np.exp(rng.normal()))
    values = (entries + error * rng.uniform(-1, 1, size=len(entries))) * scale
    return values, np.full(len(entries), error * scale)


def is_multiple(found, entries):
    """Whether one row is the other times a number that is a ratio of small integers or a power of two."""
    lead = np.abs(entries).argmax()
    return np.array_equal(found * entries[lead], entries * found[lead])


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.name)
@examples(4)
@given(st.integers(0, 10**6), st.integers(12, 40))
def test_a_row_of_the_grid_is_found_exactly(grid, seed, n):
    entries = row(grid, seed, n)
    values, errors = measured(entries, seed, 42)
    found = snap(values, errors, grid)
    assert found is not None
    certain = [i for i in range(n) if i not in found.open]
    assert is_multiple(found.entries[certain], entries[certain])
    assert found.false_positive < CERTAIN


@examples(4)
@given(st.integers(0, 10**6), st.integers(12, 40))
def test_floats_keep_their_bits_up_to_a_power_of_two(seed, n):
    entries = row(FLOAT32, seed, n)
    found = snap(*measured(entries, seed, 42), FLOAT32)
    lead = np.abs(entries).argmax()
    ratio = found.entries[lead] / entries[lead]
    assert abs(np.frexp(ratio)[0]) == 0.5


@examples(10)
@given(st.sampled_from(GRIDS), st.integers(0, 10**6), st.integers(12, 40))
def test_a_row_that_is_on_no_grid_is_refused(grid, seed, n):
    entries = np.random.default_rng(seed).normal(size=n)
    assert snap(*measured(entries, seed, 42), grid) is None


@examples(10)
@given(
    st.sampled_from([(BFLOAT16, FLOAT32), (INTEGERS, FLOAT32), (FLOAT16, FLOAT32), (BFLOAT16, FLOAT16)]),
    st.integers(0, 10**6),
    st.integers(12, 40),
)
def test_a_row_of_a_finer_grid_is_not_on_the_coarser_one(grids, seed, n):
    coarse, fine = grids
    assert snap(*measured(row(fine, seed, n), seed, 42), coarse) is None


@examples(6)
@given(st.sampled_from([FLOAT32, FLOAT16, RATIONALS]), st.integers(0, 10**6), st.integers(2, 40))
def test_errors_too_large_for_the_grid_leave_nothing_certain(grid, seed, n):
    found = snap(*measured(row(grid, seed, n), seed, 6), grid)
    assert found is None or found.false_positive > CERTAIN


@examples(6)
@given(st.sampled_from(GRIDS), st.integers(0, 10**6))
def test_one_entry_is_on_every_grid_and_so_on_none(grid, seed):
    assert snap(*measured(row(grid, seed, 1), seed, 42), grid) is None


@examples(6)
@given(st.integers(0, 10**6), st.integers(12, 40), st.data())
def test_one_entry_off_the_grid_by_a_third_of_its_spacing_spoils_the_row(seed, n, data):
    entries = row(FLOAT32, seed, n)
    k = data.draw(st.integers(0, n - 1))
    bent = entries.copy()
    bent[k] += 2.0 ** (np.frexp(entries[k])[1] - 24) / 3
    error = np.abs(entries) * 2.0**-30  # each entry's own
    found = snap(bent, error, FLOAT32)
    assert found is None or k in found.open


def test_an_entry_much_smaller_than_its_error_is_open_and_the_rest_certain():
    entries = row(FLOAT32, 5, 20)
    entries[7] = 2.0**-50
    found = snap(*measured(entries, 5, 40), FLOAT32)
    assert found.open == (7,)


def test_a_zero_is_open_among_floats_and_certain_among_integers():
    floats, integers = row(FLOAT32, 5, 20), row(INTEGERS, 5, 20)
    floats[7] = integers[7] = 0
    assert snap(*measured(floats, 5, 40), FLOAT32).open == (7,)
    found = snap(*measured(integers, 5, 40), INTEGERS)
    assert (found.open, found.entries[7]) == ((), 0)


def test_the_row_of_zeros_and_a_row_of_noise_have_no_scale():
    assert snap(np.zeros(20), np.full(20, 1e-9), FLOAT32) is None
    assert snap(np.full(20, 1e-9), np.full(20, 1e-9), FLOAT32) is None


def test_a_multiple_of_an_integer_row_is_the_primitive_row():
    entries = np.array([1.0, -2, 3, 5, 7, -11, 13, 17, 19, 23, 29, 31])
    for factor in (1, 2, 3):
        assert is_multiple(snap(*measured(factor * entries, 1, 40), INTEGERS).entries, entries)


@pytest.mark.parametrize("grid", [BFLOAT16, FLOAT16, INTEGERS], ids=lambda grid: grid.name)
def test_no_more_wrong_scales_survive_than_the_bound_expects(grid):
    """Rows on no grid, with errors so large that some scales pass by chance: all of them are false."""
    survivors = expected = 0.0
    for seed in range(300):
        values, errors = measured(np.random.default_rng(seed).normal(size=4), seed, grid.bits + 2)
        lead = np.abs(values).argmax()
        ratios = values / abs(values[lead])
        slack = errors / abs(values[lead]) * (1 + np.abs(ratios))
        chances = np.delete(_misses(ratios, slack, grid), lead)
        order = [i for i in range(4) if i != lead]
        survivors += len(_survivors(ratios, slack, grid, order))
        expected += (grid.top or 2 ** (grid.bits - 1)) * 2.0 ** chances.sum()
    assert 0 < survivors <= expected


@pytest.mark.parametrize(
    ("value", "error", "certain"),
    [
        (1.0, 2.0**-30, True),
        (1 + 2.0**-23, 2.0**-30, True),
        (1 + 2.0**-24, 2.0**-30, False),  # half-way: misses the grid
        (1 + 2.0**-24, 2.0**-24, False),  # two numbers are within the error
        (1.0, 2.0**-24, False),
        (3e-5, 1e-13, True),
        (3e-5, 1e-11, False),
    ],
)
def test_with_a_known_scale_a_number_is_certain_where_one_is_within_the_error(value, error, certain):
    value = float(np.float32(value)) if certain else value
    nearest, found = on_grid(np.array([value]), np.array([error]), FLOAT32)
    assert found[0] == certain
    assert nearest[0] == value or not certain


@examples(6)
@given(
    st.floats(0.5, 2),
    st.sampled_from([2.0**-20, 2.0**-12, 2.0**-4]),
    st.sampled_from([(1, 256), (1 << 15, 1 << 16)]),
)
def test_numbers_whose_multiples_are_near_integers_are_all_found(factor, within, span):
    q = np.arange(*span, dtype=float)
    off = np.abs(q * factor - np.rint(q * factor))
    found = _near_integers(factor, within, *span)
    assert np.isin(q[off <= within], found).all()
    assert (off[np.isin(q, found)] <= within + 2.0**-20).all()


def multiples_of_three(seed, n):
    """Floats whose significands, as odd integers of 24 bits, are multiples of three."""
    rng = np.random.default_rng(seed)
    significands = 3.0 * (2 * rng.integers(2**23 // 6 + 1, 2**24 // 6, n) + 1)
    return significands * rng.choice([-1, 1], n) * 2.0 ** -rng.integers(24, 28, n)


def test_a_row_of_multiples_of_three_has_another_on_its_side_and_is_not_told():
    entries = multiples_of_three(3, 12)
    values, errors = measured(entries, 3, 42)
    assert snap(values, errors, FLOAT32) is None
    found = snaps(values, errors, FLOAT32)
    assert len(found) == 2
    assert all(is_multiple(other.entries, entries) for other in found)
    assert sum(np.frexp(abs(other.entries[0] / entries[0]))[0] == 0.5 for other in found) == 1


def test_a_row_that_is_on_the_grid_at_too_many_scales_has_none():
    assert snaps(*measured(row(BFLOAT16, 1, 12), 1, 42), FLOAT32) == []


@pytest.mark.parametrize(("more", "is_told"), [(2, True), (6, False)])
def test_of_several_rows_the_bias_chooses_if_it_can(more, is_told):
    """A bias that is a multiple of three too leaves the row open."""
    entries = multiples_of_three(3, 12)
    bias = (3 * (2**22 + 1) + more) * 2.0**-24
    rng = np.random.default_rng(3)
    bends = []
    for _ in range(4):
        point = rng.normal(size=12)
        point -= entries * ((entries @ point + bias) / (entries @ entries))
        bends.append(Bend(point, rng.normal(size=12), 1e-13, entries, np.full(12, 1e-12), 1.0))
    found = neuron_of(Known(12), 0, Candidate(np.append(entries, bias), np.full(13, 1e-12), bends))
    assert (found is not None) == is_told
    if found is not None:
        assert is_multiple(np.append(found.row, found.bias), np.append(entries, bias))
        assert abs(np.frexp(found.row[0] / entries[0])[0]) == 0.5


def test_a_bend_where_nothing_below_is_active_says_nothing_of_the_bias():
    below = Known(2, (Layer(np.eye(2), np.full(2, -1.0), np.ones(2, dtype=np.int64)),))
    neuron = Neuron(np.array([3.0, 5.0]), np.zeros(2), 0.0, np.inf, INTEGERS, -60.0, ())
    bends = [
        Bend(np.array(x), np.ones(2), 1e-13, np.ones(2), np.full(2, 1e-12), 1.0) for x in ([0, 0], [2, 2])
    ]
    assert offset(below, 1, neuron, bends[0]) == (0.0, np.inf)
    value, error = offset(below, 1, neuron, bends[1])
    assert value == 8.0
    assert 0 < error < 1e-11
