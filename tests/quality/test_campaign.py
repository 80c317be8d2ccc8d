"""No wrong verdict: random small pairs, each decided a second time by enumerating regions.

`EXACTRE_CAMPAIGN=50 pytest tests/quality` is the campaign of 10,000 pairs.
"""

from campaign import examples
from enumeration import are_equal
from hypothesis import event, given
from hypothesis import strategies as st

import exactre
from exactre.certify.question import Domain
from exactre.testing import equivalent_pairs, isomorphic_pairs, mutant_pairs, networks

PLANE = networks(inputs=(1, 2), depth=(1, 2), width=(1, 3), outputs=(1, 2))
SPACE = networks(inputs=3, depth=1, width=(1, 3), outputs=1)
THIRDS = networks(inputs=(1, 2), depth=(1, 2), width=(1, 2), weights="thirds", features={"zero-weights"})
TIED = networks(inputs=(1, 2), depth=1, width=(1, 2), features={"zero-biases", "parallel", "opposite"})
SMALL = st.one_of(PLANE, SPACE, THIRDS, TIED)
TINY = networks(inputs=(1, 2), depth=(1, 2), width=(1, 2), outputs=1)
BOX = (-2, 3)


def decide(a, b, on_box):
    """The verdict, whose certificate the checker accepts, and the enumeration's answer."""
    n = a.input_dim
    domain = Domain.box([BOX[0]] * n, [BOX[1]] * n) if on_box else None
    verdict = exactre.certify_equivalence(a, b, domain=domain)
    exactre.check(verdict.certificate, a, b)
    event(f"{verdict.status} by {verdict.method}")
    return verdict.status, "equivalent" if are_equal(a, b, [BOX] * n if on_box else None) else "different"


@examples(40)
@given(isomorphic_pairs(of=SMALL))
def test_isomorphic_pairs(pair):
    assert decide(*pair, False) == ("equivalent", "equivalent")


@examples(50)
@given(equivalent_pairs(of=TINY))
def test_equivalent_pairs(pair):
    assert decide(*pair, False) == ("equivalent", "equivalent")


@examples(30)
@given(mutant_pairs(of=SMALL, mutations=["number"]) | mutant_pairs(of=TINY, mutations=["bump"]))
def test_mutants(mutant):
    a, b, _ = mutant
    assert decide(a, b, False) == ("different", "different")


@examples(30)
@given(mutant_pairs(of=TINY))
def test_mutants_on_a_box_may_be_equal(mutant):
    a, b, _ = mutant
    found, expected = decide(a, b, True)
    assert found == expected


@examples(50)
@given(st.integers(1, 2).flatmap(lambda n: st.tuples(*[unlike(n)] * 2)), st.booleans())
def test_unlike_networks_on_a_box_or_on_all_of_space(pair, on_box):
    found, expected = decide(*pair, on_box)
    assert found == expected


def unlike(inputs):
    """Networks of so few numbers that two of them are sometimes one function."""
    return networks(inputs=inputs, depth=(0, 1), width=(1, 2), outputs=1, features=()) | networks(
        inputs=inputs, depth=1, width=1, outputs=1, features={"dead"}
    )
