"""Each stage stops when its time is over; one that it has time for finds what it looks for."""

from fractions import Fraction

import pytest

from exactre.certify.bounding import bounded
from exactre.certify.matching import System, match
from exactre.certify.question import Domain, Question
from exactre.certify.split import split
from exactre.certify.stable import Stable
from exactre.certify.sweep import Sweep
from exactre.network import Network

# min(relu(x), 1) in two ways, and networks that are nearly the same.
ONE_WAY = Network.from_rows([([[1], [1]], [0, -1]), ([[1, -1]], [0])])
OTHER_WAY = Network.from_rows([([[-1]], [1]), ([[-1]], [1]), ([[1]], [0])])
NEAR = Network.from_rows([([[1], [Fraction(101, 100)]], [0, -1]), ([[1, -1]], [0])])
EQUAL = Question(ONE_WAY, OTHER_WAY)
CLOSE = Question(ONE_WAY, NEAR, Domain.box([-1], [1]), Fraction(1))


def swept(deadline):
    """The steps that a sweep learns of both networks' neurons."""
    system = System(1)
    system.walk(0, ONE_WAY, None)
    system.walk(1, OTHER_WAY, None)
    return Sweep(EQUAL, deadline).within(1000)(system)


def cells(deadline):
    outcome = split(EQUAL, match(ONE_WAY, OTHER_WAY), deadline=deadline)
    return [] if outcome.open_cells else list(outcome.nodes)


def bounds(deadline):
    return list(bounded(CLOSE, match(ONE_WAY, NEAR), deadline) or [])


def stable(deadline):
    above = Network.from_rows([([[1]], [2]), ([[1]], [0])])
    prover = Stable(Question(above, above, Domain.box([-1], [1])), deadline)
    return [step for step in match(above, above, None, prover).steps_a if step.rule != "atom"]


@pytest.mark.parametrize("stage", [swept, cells, bounds, stable])
def test_a_stage_proves_something_unless_it_is_too_late(stage):
    assert stage(None) != []
    assert stage(0.0) == []
