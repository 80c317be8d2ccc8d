"""Neurons seen in a corner only: any row that flips there, and nowhere else, is as good (design 4.8).

Where more units are active along a boundary than the input has dimensions, and the boundary meets none of
theirs, no piece of it tells its weights on them one by one. Beyond these units' boundaries the neuron has one
sign, so that other weights describe the same ReLU, but for what reads it beside.
"""

from __future__ import annotations

from fractions import Fraction

from exactre.recover.complete import settle
from exactre.recover.survey import Survey

_SAFE = 16  # by how much the weights are above what the probes ask for


def close_beyond(survey: Survey) -> bool:
    """Give all such neurons weights with which they keep their sign beyond; whether there were any."""
    closed = [_close(survey, z) for z in sorted(survey.of_many)]
    return any(closed)


def _close(survey: Survey, z: int) -> bool:
    """The same for one neuron; False where nothing is open, or it has no one sign there."""
    sign = _sign_beyond(survey, z) if survey.idle[z] else None
    if sign is None:
        return False
    gain = Fraction(_SAFE << survey.least_gain(z, sign).__ceil__().bit_length())
    for unit in sorted(survey.idle[z]):
        gain *= settle(survey, z, unit, sign * gain)
    return True


def _sign_beyond(survey: Survey, z: int) -> int | None:
    """The sign that a neuron has where the boundaries of units are crossed on which it is open, if it is one.

    It is looked at where its row is certain on one side of the boundary: it does not flip there.
    """
    sides = dict(survey.sides_of(z))
    found = set()
    for kink, owner in enumerate(survey.owner):
        if owner in sides:
            for signs in (survey.signs(kink), survey.signs_after(kink)):
                if all(signs[j] != side for j, side in sides.items()):
                    found.add(signs[z])
    return found.pop() if len(found) == 1 else None
