"""The first layer: hyperplanes that bend the function on several lines (Rolnick and Koerding; design 4.5).

In low input dimension, and where few units of a layer are active, pieces of deeper boundaries repeat on
several lines too; and where all that reads it is inactive, a first-layer boundary does not bend the function.
Where lines leave a doubt, what happens where boundaries meet tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exactre.recover.confirm import bends_elsewhere, goes_straight
from exactre.recover.line import Form
from exactre.recover.model import Neuron
from exactre.recover.survey import Survey

_KNOWN = 2  # neurons of the first layer that are little to go by


def first_layer(survey: Survey, rng: np.random.Generator) -> int:
    """Accept every hyperplane that bends the function on several lines; how many are new.

    Two lines make a hypothesis, which a point that an LP chooses has to confirm; more lines are enough. Where
    lines miss it, it is told by whether its boundary goes straight on across others.
    """
    kinks: dict[Form, list[int]] = {}
    for i in survey.unexplained():
        kinks.setdefault(survey.kinks[i].form, []).append(i)
    lines = {form: len({survey.line[i] for i in found}) for form, found in kinks.items()}
    # What is seen most often first: the others are held against it.
    hypotheses = sorted((f for f, count in lines.items() if count > 1), key=lambda f: -lines[f])
    hypotheses = [form for form in hypotheses if form not in survey.bent]
    walls, new = hypotheses + _known(survey), 0
    for form in hypotheses:
        evidence, is_straight = survey.evidence(Neuron({}, form)), None
        is_accepted = evidence.is_borne_out(survey.owner)
        if not evidence.misses and lines[form] == 2:
            found = survey.kinks[kinks[form][0]]
            is_accepted &= bends_elsewhere(survey.jets, form, walls, found.point(), rng)
        elif evidence.misses:
            if lines[form] > 2:  # another line costs less
                is_straight = _goes_straight(survey, form, kinks[form], hypotheses, rng)
            is_accepted = is_accepted if is_straight is None else is_straight
        if not is_accepted:
            continue
        # Deeper neurons that were taken for this one where they have the same hyperplane.
        owned = zip(survey.owner, survey.kinks, strict=True)
        mistaken = {z for z, kink in owned if z is not None and kink.form == form}
        z = survey.add(Neuron({}, form))
        survey.straight = {z} if is_straight else set()  # what the others cross is more by now
        if mistaken:
            survey.without(mistaken)
        new += 1
    return new


def is_contradicted(survey: Survey, z: int, rng: np.random.Generator) -> bool:
    """Whether a known first-layer neuron is none: where lines leave a doubt its boundary is followed."""
    evidence, form = survey.evidence_of(z), survey.model.neurons[z].linear
    if z in survey.straight or 3 * evidence.misses <= len(evidence.explained):
        return False
    kinks = [i for i in evidence.explained if survey.kinks[i].form == form]
    is_straight = _goes_straight(survey, form, kinks, (), rng) if kinks else None
    if is_straight:
        survey.straight.add(z)
    return evidence.misses > len(evidence.explained) if is_straight is None else not is_straight


def _known(survey: Survey) -> list[Form]:
    return [neuron.linear for neuron in survey.model.neurons if not neuron.parents]


def _goes_straight(
    survey: Survey, form: Form, kinks: Sequence[int], hypotheses: Sequence[Form], rng: np.random.Generator
) -> bool | None:
    """`goes_straight` at what is known of the first layer, or at hypotheses while that is little."""
    known = _known(survey)
    doubtful = [other for other in hypotheses if other not in known]
    walls, doubtful = (known, doubtful) if len(known) > _KNOWN else (known + doubtful, [])
    found = goes_straight(survey.jets, [survey.kinks[i] for i in kinks], walls, rng, doubtful=doubtful)
    if found is False:
        survey.bent.add(form)
    return found
