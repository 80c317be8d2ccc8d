"""One layer while it is being built from the bends that the layers below it do not explain.

Lines bring bends, and each is looked at once. Neurons whose every entry is certain are kept; the others stay
pending with all that is known of them, and are measured where they show what is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import Candidate
from exactre.measured.grouping import Group, Grouping
from exactre.measured.known import Known, Layer
from exactre.measured.neuron import Neuron
from exactre.measured.orientation import Votes
from exactre.measured.rows import Rows, is_poor, is_rough, says_all_of
from exactre.measured.survey import Bend, Survey, nearest_neuron
from exactre.measured.trace import Tracer

_MANY_INPUTS = 64  # so many entries tell a row of the grid from one bend alone
_LINES_FIRST = 5
_TRACED = 2
_FRUITLESS = 4  # traces that gave no neuron of a layer: the bends are deeper ones


class Building:
    """The layer over `below`: its certain neurons, its pending groups, and the bends that are nobody's."""

    def __init__(self, below: Known, survey: Survey, tracer: Tracer) -> None:
        self.below = below
        self.depth = len(below.layers)
        self.neurons: list[Neuron] = []
        self.pool: list[Bend] = []  # bends that neither the layers below nor the neurons explain
        self.doubtful = False  # whether bends that agree, or rough ones, gave no neuron of the first layer
        self.is_settled = False  # whether lines have long shown no new neuron of it
        self.is_stuck = False  # whether lines go on showing nothing new though a neuron seems to be missing
        self._survey = survey
        self._tracer = tracer
        self._rows = Rows(survey, below)
        self._grouping = Grouping(below, self.depth)
        self._traces: set[int] = set()  # those that were handed to the grouping, by id
        self._votes: Votes | None = None
        self._oriented: tuple[NDArray[np.int64], Known] | None = None
        self._taken: set[int] = set()  # bends, by id

    @property
    def pending(self) -> list[Neuron]:
        """Neurons that are not certain in every entry."""
        return [group.neuron for group in self._grouping.groups if group.neuron is not None]

    @property
    def loose(self) -> list[Candidate]:
        """Candidates of the first layer, seen more than once, that gave no neuron."""
        groups = [group for group in self._grouping.groups if group.neuron is None and not self.depth]
        return [group.candidate for group in groups if len(group.candidate.bends) > 1]

    @property
    def known(self) -> Known:
        """The layers below, and the certain neurons of this one without signs."""
        return self.below.with_layer(layer_of(self.neurons)) if self.neurons else self.below

    def explains(self, bend: Bend) -> bool:
        """Whether the layers below or the certain neurons explain a bend."""
        return nearest_neuron(self.known, bend.point, bend.v, bend.error) is not None

    def build(self, bends: Sequence[Bend]) -> bool:
        """Take in what is new of the bends that `below` leaves; True if there are new certain neurons."""
        before = len(self.neurons)
        self._collect([bend for bend in bends if id(bend) not in self._taken])
        if self.depth and self._survey.lines >= _LINES_FIRST:
            self._more()
        return len(self.neurons) > before

    def oriented(self, signs: NDArray[np.int64]) -> Known:
        """The layers below, and the certain neurons with these signs: one object while nothing changes."""
        if self._oriented is None or not np.array_equal(self._oriented[0], signs):
            layer = replace(layer_of(self.neurons), sign=signs).oriented()
            self._oriented = signs, self.below.with_layer(layer)
        return self._oriented[1]

    def signs(self) -> NDArray[np.int64]:
        """Signs (k,) of the certain neurons as the bends beyond them tell; 0 where they do not."""
        if self._votes is None:
            self._votes = Votes(self.known)
        self._votes.count(self.pool)
        return self._votes.signs()

    def _collect(self, fresh: Sequence[Bend]) -> None:
        """Sort bends into groups, and look at those that have grown."""
        self._taken |= {id(bend) for bend in fresh}
        known = self.known
        fresh = [b for b in fresh if nearest_neuron(known, b.point, b.v, b.error) is None]
        self.pool += fresh
        self._grouping.add(fresh, self._traced() if self.depth else [])
        if self.is_stuck:
            self._grouping.join()
        many = self.depth == 0 and self._survey.probe.dim > _MANY_INPUTS
        least = 1 if many or self._survey.lines > _LINES_FIRST else 2
        for group in self._grouping.groups:
            if group.is_fresh and len(group.candidate.bends) >= least:
                group.neuron = self._rows.settled(group.candidate, group.neuron if group.is_held else None)
                group.is_fresh = False
        self._promote()
        if self.depth == 0:
            self._look_again()

    def _look_again(self) -> None:
        """Measure again what is rough in the first layer."""
        groups = self._grouping.groups
        looked = [group for group in groups if not group.is_fresh]
        rough = [g for g in looked if (is_rough(g.candidate) if g.neuron is None else is_poor(g.neuron))]
        self.doubtful = bool(self.loose) or any(is_rough(group.candidate) for group in groups)
        others = [*self.neurons, *(neuron for neuron in self.pending if not is_poor(neuron))]
        measured = [group.candidate for group in rough]
        fresh = self._rows.look_again(measured, others)
        if fresh:
            self._collect(fresh)

    def _promote(self, hidden: Sequence[Group] = ()) -> None:
        """Make certain neurons of the groups that are, or of which no more will show (`hidden`).

        The bends that they explain are let go of.
        """
        groups = self._grouping.groups
        whole = [g for g in groups if g in hidden or (g.neuron is not None and g.neuron.is_exact)]
        if not whole:
            return
        for neuron in (group.neuron for group in whole if group.neuron is not None):
            if not any(says_all_of(other, neuron) for other in self.neurons):
                self.neurons = [other for other in self.neurons if not says_all_of(neuron, other)]
                self.neurons.append(neuron)
        self._votes = self._oriented = None
        self.is_stuck = False
        known = self.known
        explained = {id(b) for b in self.pool if nearest_neuron(known, b.point, b.v, b.error) is not None}
        self.pool = [bend for bend in self.pool if id(bend) not in explained]
        self._grouping.remove(whole, explained)

    def _traced(self) -> list[Candidate]:
        """What was traced and is nobody's, and a few more; each trace once.

        Bends where no fewer units are active than there are inputs say nothing else. Others are left to lines
        until no line shows a new neuron: then a bend may be a deeper one, or of a neuron that seldom flips.
        """
        below, dim = self.below, self._survey.probe.dim
        fresh = sorted(self._tracer.fresh(below, self.pool), key=lambda bend: bend.quality)
        hard = [b for b in fresh if np.count_nonzero(below.cell(b.point).values[-1] > 0) >= dim]
        for bend in hard[:_TRACED]:
            self._tracer.trace(below, bend)
        found = [trace for trace in self._tracer.over(below) if not self.explains(trace.bends[0])]
        if fresh and not hard and len(found) < _FRUITLESS and self.neurons and self.is_settled:
            trace = self._tracer.trace(below, fresh[0])
            found += [trace] if trace is not None else []
        new = [trace for trace in found if id(trace) not in self._traces]
        self._traces |= {id(trace) for trace in new}
        return [trace.candidate(below) for trace in new]

    def _more(self) -> None:
        """Measure where pending neurons show what is open."""
        known = self.known
        hidden = []
        for group in self._grouping.groups:
            if group.neuron is not None:
                reached = self._rows.reached(known, group.neuron, late=self.is_settled)
                if reached is not group.neuron:
                    group.hold(reached)
                kept = self._rows.hidden(reached) if self.is_settled else None
                if kept is not None:
                    group.hold(kept)
                    hidden.append(group)
        self._promote(hidden)


def layer_of(neurons: Sequence[Neuron]) -> Layer:
    """The rows of neurons, without signs."""
    return Layer(
        np.stack([neuron.row for neuron in neurons]),
        np.array([neuron.bias for neuron in neurons]),
        np.zeros(len(neurons), dtype=np.int64),
    )
