"""Nearly equal neurons are found whatever their order and scale, and a guess never overflows."""

from fractions import Fraction

import pytest

from exactre.certify.matching import match
from exactre.certify.pairing import nearly_equal
from exactre.network import Network

ROWS = [[3, -2, 5], [1, 4, -1], [-6, 2, 7]]
DEEP = [[2, -3, 1], [-1, 5, 4]]
TINY = Fraction(1, 10**6)


def pair(scales):
    """A network, and one whose neurons are in reverse, rescaled, and each off by a little in one entry."""
    a = Network.from_rows([(ROWS, [1, -2, 3]), (DEEP, [1, 1]), ([[1, -2]], [0])])
    order = [2, 1, 0]
    first = [[(v + TINY * (j == 0)) * scales[i] for j, v in enumerate(ROWS[i])] for i in order]
    bias = [[1, -2, 3][i] * scales[i] for i in order]
    second = [[row[i] / Fraction(scales[i]) for i in order] for row in DEEP]
    return a, Network.from_rows([(first, bias), (second, [1, 1 + TINY]), ([[1, -2]], [0])])


@pytest.mark.parametrize(
    "scales", [(1, 1, 1), (2, Fraction(1, 3), 7), (Fraction(2) ** 3000, 1, Fraction(2) ** -3000)]
)
def test_neurons_are_paired_with_their_exact_factors(scales):
    a, b = pair(scales)
    matching = match(a, b)
    found = nearly_equal(b, matching)
    # A's atoms are 0 to 2 and 3, 4; B's 5 to 7, in reverse, and 8, 9.
    assert {5 + k: found[5 + k] for k in range(3)} == {
        5: (2, scales[2]),
        6: (1, scales[1]),
        7: (0, scales[0]),
    }
    if max(scales) < 10:
        assert {k: found[k] for k in (8, 9)} == {8: (3, 1), 9: (4, 1)}
