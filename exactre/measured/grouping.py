"""The bends that no known neuron explains, sorted into groups: bends of one group are one neuron's.

Bends come line by line, and each is looked at once: what it says over the layer below is compared with what
the groups say. A group that has grown may overlap with more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import AGREEMENT, CLEAR, Candidate, coefficients, quality
from exactre.measured.extend import Place, extend, place
from exactre.measured.known import ROUNDING, Known
from exactre.measured.neuron import Neuron
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_COMMON = 2
_ZERO = 2.0**-200  # the error of an exact zero; none is without one here, since they are divided by


@dataclass
class Group:
    """Bends of one neuron as a candidate, and the neuron if the candidate is known to be one.

    `is_fresh` while the candidate has grown since it was looked at; `is_held` once the neuron knows more
    than the bends say.
    """

    candidate: Candidate
    neuron: Neuron | None = None
    is_fresh: bool = True
    is_held: bool = False

    def hold(self, neuron: Neuron) -> None:
        """Take what the neuron knows for what the bends say."""
        values = np.append(neuron.row, neuron.bias)
        errors = np.append(neuron.errors, neuron.bias_error)
        errors = np.maximum(errors, np.maximum(np.abs(values) * ROUNDING, _ZERO))
        self.candidate = Candidate(values, errors, list(neuron.bends))
        self.neuron, self.is_held = neuron, True


class Grouping:
    """Groups over layer `depth` of the known ones."""

    def __init__(self, known: Known, depth: int) -> None:
        self._known, self._depth = known, depth
        self.groups: list[Group] = []
        self._silent: list[Place] = []  # bends that say nothing alone

    def add(self, bends: Sequence[Bend], traced: Sequence[Candidate] = ()) -> None:
        """Sort in more bends, the best first, after what was traced; groups seen most often come first."""
        fresh = [Group(candidate) for candidate in traced]
        for bend in sorted(bends, key=lambda bend: bend.quality):
            found = coefficients(self._known, self._depth, bend)
            if found is not None:
                fresh.append(Group(Candidate(*found, [bend])))
            elif self._depth:
                self._silent.append(place(self._known, self._depth, bend))
        if fresh:
            self._merge(fresh)
        for group in self.groups:
            if len(group.candidate.bends) > 1:
                left = extend(group.candidate, self._silent)
                group.is_fresh |= len(left) < len(self._silent)
                self._silent = left
        self.groups.sort(key=lambda group: -len(group.candidate.bends))

    def remove(self, whole: Sequence[Group], explained: Collection[int]) -> None:
        """Let go of groups that have become neurons, and of all bends (by id) that are explained now."""
        self._silent = [place for place in self._silent if id(place.bend) not in explained]
        kept, loose = [], []
        for group in self.groups:
            bends = group.candidate.bends
            if any(group is other for other in whole):
                continue
            if any(id(bend) in explained for bend in bends):
                loose += [bend for bend in bends if len(bend.normal) and id(bend) not in explained]
            else:
                kept.append(group)
        self.groups = kept
        self.add(loose)

    def _merge(self, fresh: Sequence[Group]) -> None:
        width = len(fresh[0].candidate.values)
        values = np.array([g.candidate.values for g in self.groups]).reshape(-1, width)
        errors = np.array([g.candidate.errors for g in self.groups]).reshape(-1, width)
        for new in fresh:
            while True:
                fits = np.flatnonzero(_proportional(values, errors, new.candidate))
                if not len(fits):
                    break
                old = self.groups.pop(int(fits[0]))
                values, errors = np.delete(values, fits[0], axis=0), np.delete(errors, fits[0], axis=0)
                new = _merged(old, new)
            self.groups.append(new)
            values = np.vstack([values, new.candidate.values])
            errors = np.vstack([errors, new.candidate.errors])


def _merged(old: Group, new: Group) -> Group:
    # The scale's error is that of the better of both only if the better one absorbs the other.
    if (not new.is_held, new.candidate.precision) < (not old.is_held, old.candidate.precision):
        old, new = new, old
    old.candidate.absorb(new.candidate)
    old.is_fresh = True
    return old


def _proportional(values: Array, errors: Array, new: Candidate) -> NDArray[np.bool_]:
    """Which rows (count, p + 1) are proportional to a candidate wherever both are known, not by chance."""
    count = np.arange(len(values))
    common = np.isfinite(errors) & np.isfinite(new.errors)
    ratios = quality(values, errors, new.values, new.errors)
    lead = ratios.argmin(axis=1)
    best = ratios[count, lead]
    fits = (common.sum(axis=1) >= _COMMON) & (best <= CLEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = values[count, lead] / new.values[lead]
        turned = new.values * scale[:, None]
        slack = new.errors * np.abs(scale)[:, None] + np.abs(turned) * best[:, None] + errors
        fits &= ~((np.abs(turned - values) > slack) & common).any(axis=1)
        for i in np.flatnonzero(fits):  # few
            here = common[i]
            typical = np.sort(np.maximum(np.abs(values[i]), np.abs(turned[i]))[here])[here.sum() // 2]
            chance = np.minimum(0.0, np.log2(slack[i] / typical))
            fits[i] = chance[here].sum() - chance[lead[i]] <= AGREEMENT
    return np.asarray(fits)
