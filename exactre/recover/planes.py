"""The planes that have been looked at, and the neurons that they show together, held against the lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from exactre.recover.bends import Bends, Edge
from exactre.recover.layering import layered
from exactre.recover.merging import mergers
from exactre.recover.model import Model, Neuron
from exactre.recover.output import assemble
from exactre.recover.planar import follow_unexplained, look_at_plane, readings
from exactre.recover.row import Row
from exactre.recover.survey import Survey
from exactre.recover.verify import first_mismatch, random_points

_MOST = 6
_AGREEING = 24
_TRIES = 8
_SHOWN = 8

Outputs = Callable[[], list[Row] | None]
Orient = Callable[[Sequence[Row]], bool]


class Planes:
    """Planes of a survey's chart. Neurons that they show are put into the survey in place of all others.

    `outputs` are the rows over the survey's neurons, if any fit; `orient` says whether they are layered.
    """

    def __init__(self, survey: Survey, rng: np.random.Generator, outputs: Outputs, orient: Orient) -> None:
        self._survey = survey
        self._rng = rng
        self._outputs = outputs
        self._orient = orient
        self._planes: list[Bends] = []
        self._read_with = 0  # kinks known when the planes were read

    @property
    def tell(self) -> bool:
        """Whether the survey's neurons come from planes."""
        return bool(self._planes)

    def special(self) -> list[str]:
        """What is not generic where boundaries meet, a few places of each plane."""
        return [text for bends in self._planes for text in islice(bends.special(), _SHOWN)]

    def look(self) -> bool:
        """Take the neurons that all planes and one more show; False where no more are looked at.

        The plane passes by something unexplained, if there is any. Two inputs have one plane, which is
        followed further, or read again where there are more lines.
        """
        survey = self._survey
        unexplained = survey.unexplained()
        near = survey.kinks[int(self._rng.choice(unexplained))].point() if unexplained else None
        if len(self._planes) == _MOST:
            return False
        if survey.jets.dim == 2 and self._planes:
            if not follow_unexplained(survey, self._planes[0]) and self._read_with == len(survey.kinks):
                return False
        else:
            bends = look_at_plane(survey, self._rng, near)
            if bends is None:
                self._planes = []
                return False
            self._planes.append(bends)
        self._read(list(readings(self._planes)))
        return True

    def _read(self, found: Sequence[Sequence[Neuron]]) -> None:
        """Take a reading that is a layered network, else the smallest that agrees; put parts together."""
        self._read_with = len(self._survey.kinks)
        rows, others = None, []
        for neurons in found:
            rows = self._outputs_of(neurons)
            if rows is not None and self._orient(rows) and (len(found) == 1 or self._agrees(rows)):
                break
            others += [neurons] if rows is not None else []
        else:
            for neurons in [*sorted(others, key=self._size)[:_TRIES], *found[:1]]:
                rows = self._outputs_of(neurons)
                if rows is not None and self._agrees(rows):
                    break
        edges = [edge for bends in self._planes for edge in bends.edges]
        while rows is not None:
            known = self._survey.model.neurons
            tried = (self._outputs_of(fewer) for fewer in mergers(self._survey.model, rows, edges))
            rows = next((merged for merged in tried if merged is not None and self._agrees(merged)), None)
            if rows is None:
                self._layer(known, self._outputs_of(known), edges)

    def _size(self, neurons: Sequence[Neuron]) -> tuple[int, int]:
        """Neurons and layers."""
        return len(neurons), max(Model(self._survey.jets.dim, tuple(neurons)).depth, default=-1)

    def _layer(self, known: Sequence[Neuron], rows: list[Row] | None, edges: Sequence[Edge]) -> None:
        """Choose the weights that no edge shows so that the network is layered, where that is found."""
        if rows is None or self._orient(rows):
            return
        for neurons in layered(self._survey.model, rows, edges):
            found = self._outputs_of(neurons)
            if found is not None and self._orient(found) and self._agrees(found):
                return
        self._outputs_of(known)

    def _outputs_of(self, neurons: Sequence[Neuron]) -> list[Row] | None:
        """Take these neurons; the outputs over them, if they explain everything."""
        survey = self._survey
        survey.without(set(range(len(survey.model))))
        for neuron in neurons:
            survey.add(neuron)
        return None if survey.unexplained() else self._outputs()

    def _agrees(self, rows: Sequence[Row]) -> bool:
        """Whether the known neurons and these outputs give all pieces seen, and a few random values."""
        survey = self._survey
        for i, kink in enumerate(survey.kinks):
            signs = survey.signs(i)
            forms = survey.model.forms(signs)
            for output, row in enumerate(rows):
                form = survey.model.form(Neuron(row.parents, row.linear), signs, forms)
                if any(v != row.den * kink.left[output, k] for k, v in enumerate(form)):
                    return False
        linear = [neuron.linear for neuron in survey.model.neurons]
        net = assemble(survey.model, survey.orientation, rows, linear)
        return first_mismatch(survey.jets, net, random_points(survey.jets.dim, _AGREEING, self._rng)) is None
