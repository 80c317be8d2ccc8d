"""The largest difference: against an enumeration of regions, its point and certificate, and bad domains."""

from fractions import Fraction

import pytest
from brute_force import largest_gap as enumerated_gap
from hypothesis import given, settings
from pairs import mutant_pairs, plain_value

import exactre
from exactre.certify.question import Domain
from exactre.errors import ExactreError, ShapeError
from exactre.network import Network

SIZES = {"inputs": (1, 2), "depth": (1, 2), "width": (1, 2), "outputs": (1, 2)}
RELU = Network.from_rows([([[1]], [0]), ([[1]], [0])])
IDENTITY = Network.from_rows([([[1]], [0])])
PLANE = Network.from_rows([([[1, 1]], [0])])
PLANE_ZERO = Network.from_rows([([[0, 0]], [0])])


def measured(a, b, domain, **options):
    """The gap: its certificate accepted, its point's difference that by plain arithmetic."""
    gap = exactre.largest_gap(a, b, domain=domain, **options)
    exactre.check(gap.certificate, a, b)
    assert gap.certificate.claim == "equivalent"
    assert gap.certificate.tolerance == gap.proved >= gap.found
    x = gap.witness.input
    assert x in domain
    assert gap.found == max(abs(p - q) for p, q in zip(plain_value(a, x), plain_value(b, x), strict=True))
    return gap


@settings(max_examples=60, deadline=None)
@given(mutant_pairs(**SIZES))
def test_the_gap_is_the_largest_of_all_regions(pair):
    a, b = pair
    box = Domain.box([-2] * a.input_dim, [3] * a.input_dim)
    gap = measured(a, b, box)
    assert gap.found == gap.proved == enumerated_gap(a, b, box)


@settings(max_examples=30, deadline=None)
@given(mutant_pairs(**SIZES))
def test_out_of_time_the_bound_still_holds(pair):
    a, b = pair
    box = Domain.box([-2] * a.input_dim, [3] * a.input_dim)
    gap = measured(a, b, box, timeout=1e-9)
    assert gap.found <= enumerated_gap(a, b, box) <= gap.proved


def test_the_largest_difference_inside_a_box():
    # relu(x) - x is largest at the left end; 1 - |x| is largest in the middle, where no coordinate ends.
    assert measured(RELU, IDENTITY, Domain.box([-7], [2])).witness.input == (-7,)
    tent = Network.from_rows([([[1], [-1]], [Fraction(-1, 3), Fraction(1, 3)]), ([[-1, -1]], [9])])
    gap = measured(tent, Network.from_rows([([[0]], [0])]), Domain.box([-1], [1]))
    assert (gap.found, gap.witness.input) == (9, (Fraction(1, 3),))


def test_equal_networks_have_none():
    twice = Network.from_rows([([[2]], [0]), ([["1/2"]], [0])])
    gap = measured(RELU, twice, Domain.box([-1], [1]))
    assert (gap.found, gap.proved) == (0, 0)


def test_a_polyhedron_without_rows_of_one_coordinate():
    # A triangle: x + y is largest on its long side.
    triangle = Domain.polyhedron([[-1, 1], [-1, -1], [1, 0]], [0, 0, 2])
    slanted = Domain.polyhedron([[-1, 1], [-1, -1], [2, 1]], [0, 0, 3])
    assert measured(PLANE, PLANE_ZERO, triangle).proved == 4
    assert measured(PLANE, PLANE_ZERO, slanted).proved == 2


def test_a_single_point_and_a_segment():
    assert measured(RELU, IDENTITY, Domain.box([-3], [-3])).found == 3
    assert (
        measured(
            PLANE, PLANE_ZERO, Domain.polyhedron([[1, -1], [-1, 1], [1, 0], [-1, 0]], [0, 0, 2, 1])
        ).found
        == 4
    )


@pytest.mark.parametrize(
    ("rows", "bounds"), [([[1, 0], [-1, 0], [0, 1]], [1, 1, 1]), ([[1, -1], [-1, 1]], [0, 0])]
)
def test_an_unbounded_domain_is_refused(rows, bounds):
    with pytest.raises(ExactreError, match="bounded domain"):
        exactre.largest_gap(PLANE, PLANE_ZERO, domain=Domain.polyhedron(rows, bounds))


def test_an_empty_domain_is_refused():
    with pytest.raises(ExactreError, match="at least one point"):
        exactre.largest_gap(RELU, IDENTITY, domain=Domain.polyhedron([[1], [-1]], [0, -1]))


def test_other_dimensions_are_refused():
    with pytest.raises(ShapeError, match="domain with 2 inputs"):
        exactre.largest_gap(PLANE, PLANE_ZERO, domain=Domain.box([0], [1]))
