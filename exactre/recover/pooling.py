"""Maxima as neurons of the model, and the neurons that read them.

max(f_1, ..., f_m) is the last of M_1 = f_1, M_k = M_{k-1} + relu(f_k - M_{k-1}), so that the differences
f_k - M_{k-1} are neurons of their own. A line does not show where one flips that the maximum does not choose.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np

from exactre.recover.floats import random_gains, random_starts
from exactre.recover.group import CONSTANT, Groups
from exactre.recover.line import Form
from exactre.recover.maxima import Maximum, find_maxima
from exactre.recover.model import Neuron
from exactre.recover.modular import PRIME
from exactre.recover.reading import Reading, ReadWeights, Unit, combination, joined, reader
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer

_RADIUS = 256.0
_TRACES = 4


class Pooling:
    """The maxima that a survey shows; `tracer` gives the current tracer."""

    def __init__(self, survey: Survey, tracer: Callable[[], Tracer]) -> None:
        self._survey = survey
        self._tracer = tracer
        self.maxima: list[Maximum] = []
        self._read = 0, 0, 0  # kinks, neurons and their version when readers were looked for

    @property
    def depth(self) -> int:
        """How many layers of neurons the maxima take."""
        return max((len(maximum.forms) - 1 for maximum in self.maxima), default=0)

    def find(self) -> bool:
        """Look for maxima in all kinks that may be theirs; whether others are known than before."""
        survey = self._survey
        chains = {j for unit in self._units() for j in unit.chain}
        kinks: dict[Form, list[int]] = {}
        for i, owner in enumerate(survey.owner):
            # What looks like a neuron of the first layer can be a boundary of a maximum that is seen often.
            is_first = owner is not None and not survey.model.neurons[owner].parents
            if owner is None or owner in chains or (is_first and owner not in survey.straight):
                kinks.setdefault(survey.kinks[i].form, []).append(i)
        maxima = find_maxima(survey, kinks)
        if {frozenset(m.forms) for m in maxima} == {frozenset(m.forms) for m in self.maxima}:
            return False
        edges = {edge for maximum in maxima for edge in maximum.edges}
        alone = {z for z in survey.layer(0) if survey.model.neurons[z].linear in edges}
        survey.without(chains | alone)
        self.maxima = maxima
        self._units()
        return True

    def readers(self) -> bool:
        """Accept neurons that read maxima alone and whose rows kinks determine; whether there were any."""
        survey = self._survey
        state = len(survey.kinks), len(survey.model), survey.version
        if state == self._read:
            return False
        self._read = state
        units = self._units()
        told: dict[int, ReadWeights] = {}
        groups = Groups(len(units) + 1)
        for i in survey.unexplained() if units else ():
            piece = survey.piece(i)
            weights = combination(survey.model, units, piece, self._tracer().forms_at(piece.signs))
            if weights is not None:
                told[i] = weights
                places = [len(units) if k == CONSTANT else k for k in weights]
                residues = [v.numerator * pow(v.denominator, -1, PRIME) % PRIME for v in weights.values()]
                groups.add(i, places, residues)
        found, traces = False, _TRACES
        for group in groups.members:
            weights = joined([told[i] for i in group])
            if weights is not None and len(weights) > len(units):
                found |= self._accept(reader(survey.jets.dim, units, weights))
            elif traces and survey.owner[group[0]] is None:
                traces -= 1
                found |= self._trace(group[0], units)
        return found

    def _trace(self, kink: int, units: list[Unit]) -> bool:
        """Accept the neuron of one kink, whose boundary is followed to where all maxima tell."""
        tracer, piece = self._tracer(), self._survey.piece(kink)
        reading = Reading(tracer.model, units)
        reading.add(piece, tracer.forms_at(piece.signs))
        row = tracer.trace(piece, reading)
        return row is not None and self._accept(row.neuron())

    def _accept(self, neuron: Neuron) -> bool:
        if not self._survey.evidence(neuron).is_borne_out(self._survey.owner, 1):
            return False
        self._survey.add(neuron)
        return True

    def steer(self, points: int, rng: np.random.Generator) -> None:
        """Scan segments between inputs at which a few maxima are great and the others are not.

        A neuron that reads them flips there however rarely it does elsewhere (compare `layer.steer`).
        """
        survey, units = self._survey, self._units()
        floats, first = survey.floats(), len(survey.model)
        for unit in units:
            floats = floats.extended(unit.row)
        starts = random_starts((1, points, survey.jets.dim), _RADIUS, rng)
        gains = random_gains(points, len(units), rng)
        ends = floats.extremes(range(first, first + len(units)), [1] * len(units), gains, starts)
        survey.scan_chain(ends)

    def _units(self) -> list[Unit]:
        """All maxima over the model's neurons, which are added where they are not known."""
        return [self._unit(maximum) for maximum in self.maxima]

    def _unit(self, maximum: Maximum) -> Unit:
        survey = self._survey
        # M is (sum of parents[j] |u_j| + linear . (y, 1)) / scale.
        parents: dict[int, int] = {}
        linear, scale, chain = list(maximum.forms[0]), 1, []
        for form in maximum.forms[1:]:
            scaled = [scale * v for v in form]
            row = {j: -a for j, a in parents.items()}, [a - b for a, b in zip(scaled, linear, strict=True)]
            neuron = Neuron.primitive(*row)
            if neuron in survey.model.neurons:
                z = survey.model.neurons.index(neuron)
            else:
                z = survey.add(neuron)
                survey.certain.add(z)
                survey.hidden.add(z)
                survey.orientation[z] = 1
            chain.append(z)
            # max(M, f) = (M + f + |f - M|) / 2, and u_z is f - M but for a positive factor.
            parents |= {z: gcd(*row[0].values(), *row[1])}
            linear, scale = [a + b for a, b in zip(linear, scaled, strict=True)], 2 * scale
        return Unit(Neuron(parents, tuple(linear)), tuple(chain))
