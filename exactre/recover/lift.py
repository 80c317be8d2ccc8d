"""From chart coordinates back to all inputs: full gradients beside the kinks of first-layer neurons.

Only what reads the input has to be looked at: the affine part of a neuron of a later layer follows from its
weights and the rows before it, where it is layered, and is measured like a first-layer row where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from exactre.rational import Matrix
from exactre.recover.jet import Jets
from exactre.recover.line import jump_form
from exactre.recover.row import Row
from exactre.recover.survey import BASE_BITS, Survey

Affine = tuple[Fraction, ...]


def lifted(survey: Survey, full: Jets, rows: Sequence[Row]) -> tuple[list[Affine], list[Row]] | None:
    """Affine parts over the n inputs (n + 1,) of every neuron and output, exact; None where one is not seen.

    `full` asks in the identity chart. A neuron's form over the inputs is what the gradient jumps by at one
    of its kinks, scaled so that it restricts to the chart's form; its affine part is the rest after its
    parents. Between kinks that follow each other on a line one query serves both.
    """
    return _Lift(survey, full).all(rows)


class _Lift:
    def __init__(self, survey: Survey, full: Jets) -> None:
        self._survey = survey
        self._full = full
        self._linear: dict[int, Affine] = {}
        self._pieces: dict[tuple[int, int], Matrix] = {}  # by line and the number of kinks before

    def all(self, rows: Sequence[Row]) -> tuple[list[Affine], list[Row]] | None:
        model = self._survey.model
        for z in model.by_depth():
            neuron = model.neurons[z]
            found = self._layered(neuron.parents, neuron.linear) or self._measured(z)
            if found is None:
                return None
            self._linear[z] = found
        lifted_rows = []
        for output, row in enumerate(rows):
            affine = self._layered(row.parents, row.linear) or self._base_row(output, row)
            lifted_rows.append(row.with_affine(affine))
        return [self._linear[z] for z in range(len(model))], lifted_rows

    def _layered(self, parents: Mapping[int, int], linear: Sequence[int]) -> Affine | None:
        """The affine part over all inputs, if over the chart it is what ReLUs of the parents leave."""
        survey = self._survey
        if not parents or any(j not in survey.orientation for j in parents):
            return None
        top = max(survey.model.depth[j] for j in parents)
        rest, total = [Fraction(v) for v in linear], [Fraction(0)] * (self._full.dim + 1)
        below = {i: Fraction(a) for i, a in parents.items() if survey.model.depth[i] < top}
        for j, a in parents.items():
            if survey.model.depth[j] == top:
                factor = a * survey.orientation[j]
                neuron = survey.model.neurons[j]
                rest = [v - factor * w for v, w in zip(rest, neuron.linear, strict=True)]
                total = [v + factor * w for v, w in zip(total, self._linear[j], strict=True)]
                for i, b in neuron.parents.items():
                    below[i] = below.get(i, Fraction(0)) - factor * b
        if any(rest[:-1]) or any(below.values()):
            return None
        total[-1] += rest[-1]
        return tuple(total)

    def _measured(self, z: int) -> Affine | None:
        survey = self._survey
        kinks = [i for i, owner in enumerate(survey.owner) if owner == z]
        if not kinks:
            return None
        # The line that most neurons are seen on serves most of them at once.
        kink = min(kinks, key=lambda i: survey.line[i])
        left, right = self._around(kink)
        form = jump_form(left, right)
        if form is None:
            return None
        signs, neuron = survey.signs(kink), survey.model.neurons[z]
        factor = _factor(survey.model.forms(signs)[z], survey.jets.chart.restrict(form))
        if factor is None:
            return None
        bends = [(Fraction(-a * signs[j]), self._form_at(j, signs)) for j, a in neuron.parents.items()]
        return _sum([factor * v for v in form], bends)

    def _around(self, kink: int) -> tuple[Matrix, Matrix]:
        """Full pieces before and after a kink, each asked for once."""
        survey = self._survey
        line = survey.line[kink]
        on_line = sorted((i for i, k in enumerate(survey.line) if k == line), key=lambda i: survey.kinks[i].t)
        place = on_line.index(kink)
        found = survey.kinks[kink]
        pieces = []
        for key, t in (((line, place), found.t0), ((line, place + 1), found.t1)):
            if key not in self._pieces:
                num, q = found.line.at([t])
                [self._pieces[key]] = self._full.at(survey.jets.chart.lift_num(num, 1 << q), q)
            pieces.append(self._pieces[key])
        return pieces[0], pieces[1]

    def _form_at(self, j: int, signs: Sequence[int]) -> Affine:
        """A lifted neuron's form (n + 1,) where the neurons have these signs."""
        parents = self._survey.model.neurons[j].parents
        return _sum(
            self._linear[j], [(Fraction(a * signs[i]), self._form_at(i, signs)) for i, a in parents.items()]
        )

    def _base_row(self, output: int, row: Row) -> Affine:
        """An output's affine part, times the row's denominator, from the full gradient at the base point."""
        survey = self._survey
        if (-1, 0) not in self._pieces:
            base = survey.jets.chart.lift_num(survey.base, 1 << BASE_BITS)
            [self._pieces[-1, 0]] = self._full.at(base, BASE_BITS)
        piece, signs = self._pieces[-1, 0], survey.base_signs()
        total = [row.den * piece[output, i] for i in range(piece.shape[1])]
        return _sum(
            total, [(Fraction(-a * signs[j]), self._form_at(j, signs)) for j, a in row.parents.items()]
        )


def _sum(start: Sequence[Fraction], terms: Sequence[tuple[Fraction, Sequence[Fraction]]]) -> Affine:
    total = list(start)
    for a, form in terms:
        total = [v + a * w for v, w in zip(total, form, strict=True)]
    return tuple(total)


def _factor(form: Sequence[int], restricted: Sequence[int]) -> Fraction | None:
    """The factor with form == factor * restricted, exact."""
    lead = next((i for i, v in enumerate(restricted) if v), None)
    if lead is None:
        return None
    factor = Fraction(form[lead], restricted[lead])
    return factor if all(v == factor * w for v, w in zip(form, restricted, strict=True)) else None
