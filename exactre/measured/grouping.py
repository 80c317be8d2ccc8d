"""The bends that no known neuron explains, sorted into groups: bends of one group are one neuron's.

Bends come line by line, and each is looked at once: what it says over the layer below is compared with what
the groups say. A group that has grown may overlap with more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import AGREEMENT, CLEAR, Candidate, coefficients, quality
from exactre.measured.extend import Place, extend, place
from exactre.measured.joint import joint
from exactre.measured.known import ROUNDING, Known
from exactre.measured.neuron import Neuron
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_COMMON = 2
_TOGETHER = 6  # bends at most that are looked at together
_NEIGHBOURS = 8  # groups that a group is compared with: far away, forms have little in common
_ZERO = 2.0**-200  # the error of an exact zero; none is without one here, since they are divided by


@dataclass(eq=False)
class Group:
    """Bends of one neuron as a candidate, and the neuron if the candidate is known to be one.

    `places` are its bends while they are looked at together; `spare` is how many equations they have more
    than unknowns. `is_silent` while the bends say nothing. `is_fresh` while the candidate has grown since it
    was looked at; `is_held` once the neuron knows more than the bends say; `is_extended` and `is_compared`
    once all others were looked at for bends of it.
    """

    candidate: Candidate
    places: tuple[Place, ...] = ()
    spare: int = 0
    neuron: Neuron | None = None
    is_fresh: bool = True
    is_held: bool = False
    is_extended: bool = False
    is_compared: bool = False
    is_silent: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_silent = not np.isfinite(self.candidate.errors).any()

    def hold(self, neuron: Neuron) -> None:
        """Take what the neuron knows for what the bends say."""
        values = np.append(neuron.row, neuron.bias)
        errors = np.append(neuron.errors, neuron.bias_error)
        errors = np.maximum(errors, np.maximum(np.abs(values) * ROUNDING, _ZERO))
        self.candidate = Candidate(values, errors, list(neuron.bends))
        self.neuron, self.is_held, self.is_extended, self.places = neuron, True, False, ()


class Grouping:
    """Groups over layer `depth` of the known ones."""

    def __init__(self, known: Known, depth: int) -> None:
        self._known, self._depth = known, depth
        self.groups: list[Group] = []

    def add(self, bends: Sequence[Bend], traced: Sequence[Candidate] = ()) -> None:
        """Sort in more bends, the best first, after what was traced; groups seen most often come first."""
        fresh = [Group(candidate) for candidate in traced]
        for bend in sorted(bends, key=lambda bend: bend.quality):
            found = coefficients(self._known, self._depth, bend)
            if found is not None:
                fresh.append(Group(Candidate(*found, [bend])))
            elif self._depth:
                here = place(self._known, self._depth, bend)
                width = len(here.values) + 1
                silent = Candidate(np.zeros(width), np.full(width, np.inf), [bend])
                self.groups.append(Group(silent, (here,)))
        self._merge(fresh)
        self._extend()

    def _extend(self) -> None:
        """Let groups that know some of their row take in bends that say nothing alone."""
        lone = {group.places[0]: group for group in self.groups if group.is_silent and len(group.places) == 1}
        new = [here for here, group in lone.items() if not group.is_extended]
        taken: set[Group] = set()
        for group in self.groups:
            if len(group.candidate.bends) < 2 or group.is_silent:
                continue
            places = [p for p in (new if group.is_extended else lone) if lone[p] not in taken]
            left = set(extend(group.candidate, places))
            own = [p for p in places if p not in left]
            if own:
                taken |= {lone[p] for p in own}
                group.is_fresh = True
                group.places += tuple(own) if group.places else ()
                found = joint(group.places, -1) if group.places else None
                if found is not None:
                    group.candidate, group.spare = found
            group.is_extended = not own
        for here in new:
            lone[here].is_extended = True
        self.groups = [group for group in self.groups if group not in taken]
        self.groups.sort(key=lambda group: -len(group.candidate.bends))

    def remove(self, whole: Sequence[Group], explained: Collection[int]) -> None:
        """Let go of groups that have become neurons, and of all bends (by id) that are explained now."""
        kept, loose = [], []
        for group in self.groups:
            bends = group.candidate.bends
            if group in whole:
                continue
            if any(id(bend) in explained for bend in bends):
                loose += [bend for bend in bends if len(bend.normal) and id(bend) not in explained]
            else:
                kept.append(group)
        self.groups = kept
        self.add(loose)

    def join(self) -> None:
        """Put together groups of few bends that agree beyond chance only if all is solved for at once."""
        waiting = [group for group in self.groups if self._is_joinable(group)]
        while True:
            new = next((group for group in waiting if not group.is_compared), None)
            if new is None:
                break
            new.is_compared = True
            others = [g for g in waiting if g is not new and len(g.places) + len(new.places) <= _TOGETHER]
            for other in _nearest(others, new):
                found = joint((*other.places, *new.places), other.spare + new.spare)
                if found is not None:
                    both = Group(found[0], (*other.places, *new.places), found[1])
                    waiting = [both, *(group for group in waiting if group is not other and group is not new)]
                    self.groups = [both, *(g for g in self.groups if g is not other and g is not new)]
                    break
        self._extend()

    def _is_joinable(self, group: Group) -> bool:
        if group.neuron is not None or len(group.candidate.bends) > _TOGETHER:
            return False
        if not group.places:
            bends = [bend for bend in group.candidate.bends if len(bend.normal)]
            places = tuple(place(self._known, self._depth, bend) for bend in bends)
            found = joint(places, -1) if places else None
            if found is None:
                return False
            group.places, group.spare = places, found[1]
        return True

    def _merge(self, fresh: Sequence[Group]) -> None:
        if not fresh:
            return
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


def _nearest(others: Sequence[Group], new: Group) -> list[Group]:
    """The groups with a bend that the fewest flips of known neurons part from one of a new group."""
    if not others:
        return []
    patterns = np.array([place.pattern for group in others for place in group.places])
    flips = np.min([(patterns ^ place.pattern).sum(axis=1) for place in new.places], axis=0)
    starts = np.cumsum([0, *(len(group.places) for group in others[:-1])])
    order = np.argsort(np.minimum.reduceat(flips, starts), kind="stable")
    return [others[i] for i in order[:_NEIGHBOURS]]


def _merged(old: Group, new: Group) -> Group:
    # The scale's error is that of the better of both only if the better one absorbs the other.
    if (not new.is_held, new.candidate.precision) < (not old.is_held, old.candidate.precision):
        old, new = new, old
    old.candidate.absorb(new.candidate)
    old.places, old.is_fresh, old.is_extended, old.is_compared = (), True, False, False
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
