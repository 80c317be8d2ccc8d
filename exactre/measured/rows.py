"""Rows as certain as measuring makes them; what was measured, or looked for in vain, is not repeated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exactre.measured.candidate import Candidate
from exactre.measured.known import Known
from exactre.measured.neuron import Neuron, neuron_of
from exactre.measured.reach import shown
from exactre.measured.sharpen import narrowed, sharpened
from exactre.measured.snap import FLOAT32
from exactre.measured.survey import Survey

_AGAIN = 3  # bends of a row after which measuring where there is room has shown what it can
_POOR = 6  # a row with more than one in so many entries open is measured again
_REACHED = 8  # up to so many open entries of a row are looked for on purpose
_REACHED_LATE = 14  # the same where lines show no more: a rare neuron of a deep layer shows few entries alone
_SOUGHT = 4


class Rows:
    """Makes neurons of candidates by further measurements."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._settled: dict[tuple[tuple[int, ...], frozenset[int]], Neuron | None] = {}
        self._roomy: set[frozenset[int]] = set()  # bends (by id) of rows that were measured again
        self._sought: dict[tuple[int, int, bytes], int] = {}  # how often an entry was looked for in vain

    def settled(self, below: Known, depth: int, candidate: Candidate) -> Neuron | None:
        """The candidate's neuron, its open entries looked at again: by its own bends, and by far points."""
        key = below.widths, frozenset(map(id, candidate.bends))
        if key not in self._settled:
            self._settled[key] = self._settle(below, depth, neuron_of(below, depth, candidate))
        return self._settled[key]

    def _settle(self, below: Known, depth: int, neuron: Neuron | None) -> Neuron | None:
        if neuron is None or neuron.is_exact:
            return neuron
        for index in neuron.open:
            for bend in neuron.bends:
                neuron = narrowed(below, depth, neuron, index, bend)
        if depth == 0 and (not is_poor(neuron) or len(neuron.bends) >= _AGAIN):
            neuron = sharpened(self._survey.probe, neuron)
        return neuron

    def look_again(self, rough: Sequence[Candidate], others: Sequence[Neuron]) -> bool:
        """Measure rough first-layer candidates where there is most room; True if that shows a bend."""
        planes = [candidate.values for candidate in rough]
        planes += [np.append(neuron.row, neuron.bias) for neuron in others]
        found = False
        for z, candidate in enumerate(rough):
            bends = frozenset(map(id, candidate.bends))
            if len(bends) < _AGAIN and bends not in self._roomy:
                self._roomy.add(bends)
                found |= self._survey.look_again(np.array(planes), z) is not None
        return found

    def reached(self, known: Known, depth: int, neuron: Neuron, *, late: bool) -> Neuron:
        """A neuron of a deeper layer with what its boundary shows where open entries take part."""
        if len(neuron.open) > (_REACHED_LATE if late else _REACHED) or not np.isfinite(neuron.bias_error):
            return neuron
        for index in neuron.open:
            key = depth, index, neuron.row[neuron.errors == 0].tobytes()
            self._sought[key] = self._sought.get(key, 0) + 1
            if self._sought[key] <= _SOUGHT:
                neuron = shown(self._survey.probe, known, depth, neuron, index)
        return neuron


def is_poor(neuron: Neuron) -> bool:
    """Whether a row is better measured again than entry by entry."""
    return len(neuron.open) * _POOR > len(neuron.row)


def is_rough(candidate: Candidate) -> bool:
    """Whether a row would be poor on the finest grid of weights."""
    values, errors = np.abs(candidate.values[:-1]), candidate.errors[:-1]
    return int(np.count_nonzero(errors * 2.0 ** (FLOAT32.bits + 1) > values)) * _POOR > len(values)
