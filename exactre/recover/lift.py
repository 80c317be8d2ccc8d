"""From chart coordinates back to all inputs: full gradients beside one kink of each neuron."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from exactre.recover.jet import Jets
from exactre.recover.line import jump_form
from exactre.recover.row import Row
from exactre.recover.survey import BASE_BITS, Survey


def lifted(survey: Survey, full: Jets, rows: Sequence[Row]) -> tuple[list[list[Fraction]], list[Row]] | None:
    """Affine parts over the n inputs (n + 1,) of every neuron and output, exact; None where one is not seen.

    `full` asks in the identity chart. A neuron's form over the inputs is what the gradient jumps by at one
    of its kinks, scaled so that it restricts to the chart's form; its affine part is the rest after its
    parents. Two queries a neuron, and one for the outputs.
    """
    chart = survey.jets.chart
    forms: dict[tuple[int, ...], list[list[Fraction]]] = {}
    linear: list[list[Fraction]] = []

    def forms_at(signs: tuple[int, ...]) -> list[list[Fraction]]:
        """Full forms of the neurons lifted so far."""
        known = forms.setdefault(signs, [])
        for z in range(len(known), len(linear)):
            parents = survey.model.neurons[z].parents
            known.append(_over(linear[z], [(Fraction(a * signs[j]), known[j]) for j, a in parents.items()]))
        return known

    for z, neuron in enumerate(survey.model.neurons):
        kink = next((i for i, owner in enumerate(survey.owner) if owner == z), None)
        if kink is None:
            return None
        found = survey.kinks[kink]
        num, q = found.line.at([found.t0, found.t1])
        left, right = full.at(chart.lift_num(num, 1 << q), q)
        form = jump_form(left, right)
        if form is None:
            return None
        signs = survey.signs(kink)
        here = survey.model.forms(signs)[z]
        factor = _factor(here, chart.restrict(form))
        if factor is None:
            return None
        known = forms_at(signs)
        bends = [(Fraction(-a * signs[j]), known[j]) for j, a in neuron.parents.items()]
        linear.append(_over([factor * v for v in form], bends))
    signs = survey.base_signs()
    [piece] = full.at(chart.lift_num(survey.base, 1 << BASE_BITS), BASE_BITS)
    lifted_rows = []
    for output, row in enumerate(rows):
        total = [Fraction(int(piece.num[output, i]), piece.den) for i in range(piece.shape[1])]
        bends = [(Fraction(-a * signs[j], row.den), forms_at(signs)[j]) for j, a in row.parents.items()]
        affine = _over(total, bends)
        den = lcm(row.den, *(v.denominator for v in affine))
        scaled = {j: a * (den // row.den) for j, a in row.parents.items()}
        lifted_rows.append(Row(scaled, tuple(int(v * den) for v in affine), den, row.orientation))
    return linear, lifted_rows


def _over(start: Sequence[Fraction], terms: Sequence[tuple[Fraction, Sequence[Fraction]]]) -> list[Fraction]:
    total = [Fraction(v) for v in start]
    for a, form in terms:
        total = [v + a * w for v, w in zip(total, form, strict=True)]
    return total


def _factor(form: Sequence[int], restricted: Sequence[int]) -> Fraction | None:
    """The factor with form == factor * restricted, exact."""
    lead = next((i for i, v in enumerate(restricted) if v), None)
    if lead is None:
        return None
    factor = Fraction(form[lead], restricted[lead])
    return factor if all(v == factor * w for v, w in zip(form, restricted, strict=True)) else None
