"""Roundings are to the nearest float, once, and exactness is decided exactly."""

from fractions import Fraction

import numpy as np
import pytest
from format_strategies import FLOAT32, networks
from hypothesis import example, given
from hypothesis import strategies as st

from exactre.errors import FormatError
from exactre.formats.floats import exact_kind, nearest, rounded
from exactre.network import Network
from exactre.rational import Matrix

DTYPES = {"float32": np.float32, "float64": np.float64}
HALF_ULP = Fraction(1, 2**24)  # of float32 at 1
TINY = Fraction(1, 2**80)  # below what float64 sees at 1


@pytest.mark.parametrize("kind", DTYPES)
@given(value=st.one_of(st.fractions(-(10**30), 10**30), st.fractions(-1, 1).map(lambda v: v / 2**1000)))
@example(value=1 + HALF_ULP + TINY)
@example(value=1 + HALF_ULP - TINY)
@example(value=-1 - 3 * HALF_ULP - TINY)
@example(value=-1 - 3 * HALF_ULP + TINY)
@example(value=Fraction(1, 2**150) + Fraction(1, 2**250))
@example(value=Fraction(1, 2**150))
@example(value=Fraction(3, 2**150) - Fraction(1, 2**250))
def test_no_other_float_is_nearer(kind, value):
    dtype = DTYPES[kind]
    (found,) = nearest(Matrix.column([value]), kind).ravel()
    assert found.dtype == dtype
    for other in (np.nextafter(found, dtype(np.inf)), np.nextafter(found, dtype(-np.inf))):
        here, there = (abs(Fraction(float(v)) - value) for v in (found, other))
        # A tie goes to the float whose significand is even.
        assert here < there or (here == there and found.view(f"u{found.itemsize}") % 2 == 0)


@pytest.mark.parametrize(
    ("kind", "value"), [("float32", 10**39), ("float64", 10**400), ("float32", -(10**400))]
)
def test_what_is_beyond_the_range_is_refused(kind, value):
    with pytest.raises(FormatError, match=f"expected numbers in the range of {kind}"):
        nearest(Matrix.column([value]), kind)


@given(networks(FLOAT32))
def test_a_network_of_floats_is_exact_and_does_not_change_when_rounded(net):
    assert exact_kind(net) == "float32"
    assert rounded(net, "float32") == net == rounded(net, "float64")


@given(networks())
def test_rounding_makes_a_network_of_floats(net):
    assert exact_kind(rounded(net, "float32")) == "float32"
    for kind in DTYPES:
        assert rounded(rounded(net, kind), kind) == rounded(net, kind)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Fraction(1, 3), "1/3"),
        (Fraction(2**53 + 1, 2), "9007199254740993/2"),
        (Fraction(1, 2**1075), "1/40480450"),
    ],
)
def test_the_first_weight_that_is_no_float_is_named(value, place):
    with pytest.raises(FormatError, match=rf"node 'output', weight of 'input': .* entry \[0, 1\], {place}"):
        exact_kind(Network.from_rows([([[1, value]], [0])]))
