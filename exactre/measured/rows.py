"""Rows as certain as measuring makes them; what was measured, or looked for in vain, is not repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from exactre.measured.candidate import Candidate
from exactre.measured.known import Known
from exactre.measured.meeting import Pair
from exactre.measured.neuron import Neuron, located, neuron_of
from exactre.measured.reach import shown
from exactre.measured.sharpen import grown, narrowed, sharpened
from exactre.measured.snap import FLOAT32
from exactre.measured.survey import Bend, Survey

_AGAIN = 3  # bends of a row after which measuring where there is room has shown what it can
_POOR = 6  # a row with more than one in so many entries open is measured again
_REACHED = 8  # up to so many open entries of a row are looked for on purpose
_REACHED_LATE = 14  # the same where lines show no more: a rare neuron of a deep layer shows few entries alone
_VAIN = 8  # times that an entry was looked for in vain, after which it is taken for hidden
_LARGE = 4.0  # how many times larger than the others a hidden entry is made, which keeps its neuron's side
_SOUGHT = 4  # times in a row that an entry is looked for; then ever less often


class Rows:
    """Makes neurons of candidates by further measurements."""

    def __init__(self, survey: Survey, below: Known) -> None:
        self._survey = survey
        self._below = below
        self._depth = len(below.layers)
        self._roomy: set[frozenset[int]] = set()  # bends (by id) of rows that were measured again
        self._sought: dict[tuple[int, bytes], int] = {}  # how often an entry was looked for in vain

    def settled(self, candidate: Candidate, held: Neuron | None) -> Neuron | None:
        """The candidate's neuron, its open entries looked at again: by its own bends, and by far points.

        `held` is the neuron if it knows more than the candidate's bends say; the candidate has its scale.
        """
        if held is None:
            neuron = neuron_of(self._below, self._depth, candidate)
        else:
            neuron = grown(held, candidate)
            neuron = located(self._below, self._depth, neuron) or neuron
        if neuron is None or neuron.is_exact:
            return neuron
        for index in neuron.open:
            for bend in neuron.bends:
                neuron = narrowed(self._below, self._depth, neuron, index, bend)
        if self._depth == 0 and (not is_poor(neuron) or len(neuron.bends) >= _AGAIN):
            neuron = sharpened(self._survey.probe, neuron)
        return neuron

    def look_again(self, rough: Sequence[Candidate], others: Sequence[Neuron]) -> list[Bend]:
        """Measure rough first-layer candidates where there is most room; the bends that this shows."""
        planes = [candidate.values for candidate in rough]
        planes += [np.append(neuron.row, neuron.bias) for neuron in others]
        found = []
        for z, candidate in enumerate(rough):
            bends = frozenset(map(id, candidate.bends))
            if len(bends) < _AGAIN and bends not in self._roomy:
                self._roomy.add(bends)
                bend = self._survey.look_again(np.array(planes), z)
                found += [] if bend is None else [bend]
        return found

    def reached(self, known: Known, neuron: Neuron, *, late: bool) -> Neuron:
        """A neuron of a deeper layer with what its boundary shows where open entries take part."""
        if len(neuron.open) > (_REACHED_LATE if late else _REACHED) or not np.isfinite(neuron.bias_error):
            return neuron
        for index in neuron.open:
            key = _place(neuron, index)
            self._sought[key] = self._sought.get(key, 0) + 1
            if self._sought[key] <= _SOUGHT or self._sought[key].bit_count() == 1:
                walked = late and self._sought[key] > 1
                neuron = shown(self._survey.probe, known, self._depth, neuron, index, walked=walked)
        return neuron

    def hidden(self, neuron: Neuron) -> Neuron | None:
        """The neuron with a value in place of entries looked for in vain; None where others are open.

        Wherever the unit below is active the neuron keeps one side, the sign of what it is at the unit's
        boundary, and the entry's value makes sure of that. Its error stays infinite.
        """
        if neuron.is_exact or is_poor(neuron) or neuron.bias_error:
            return None
        vain = all(self._sought.get(_place(neuron, index), 0) >= _VAIN for index in neuron.open)
        if not vain or np.isfinite(neuron.errors[neuron.open]).any():
            return None
        exact = np.where(neuron.errors == 0, neuron.row, 0.0)
        row = exact.copy()
        for index in neuron.open:
            side = Pair(self._below, exact, neuron.bias, index).side(self._survey.probe.rng)
            if not side:
                return None
            row[index] = side * _LARGE * np.abs(exact).max()
        return replace(neuron, row=row)


def _place(neuron: Neuron, index: int) -> tuple[int, bytes]:
    """An entry of a row, known by the exact ones beside it."""
    return index, neuron.row[neuron.errors == 0].tobytes()


def is_poor(neuron: Neuron) -> bool:
    """Whether a row is better measured again than entry by entry."""
    return len(neuron.open) * _POOR > len(neuron.row)


def is_rough(candidate: Candidate) -> bool:
    """Whether a row would be poor on the finest grid of weights."""
    values, errors = np.abs(candidate.values[:-1]), candidate.errors[:-1]
    return int(np.count_nonzero(errors * 2.0 ** (FLOAT32.bits + 1) > values)) * _POOR > len(values)


def says_all_of(neuron: Neuron, other: Neuron) -> bool:
    """Whether two rows are one up to a factor, and the first has every number that the second has."""
    shown = other.errors == 0
    if (neuron.errors[shown] != 0).any():
        return False
    mine, others = (np.append(z.row[shown], z.bias) for z in (neuron, other))
    lead = int(np.abs(others).argmax())
    return bool(mine[lead]) and bool((mine * others[lead] == others * mine[lead]).all())
