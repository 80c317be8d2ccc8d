"""The search: lines, layers from the bottom up, the output; more lines while anything is open.

A layer is built from bends that no known neuron explains. Nothing is built on a layer before every entry of
it is certain, because one wrong bit would pass for noise above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from exactre.measured.approximate import approximate
from exactre.measured.building import Building, layer_of
from exactre.measured.closing import close
from exactre.measured.known import Known, Layer
from exactre.measured.line import Kink, Line
from exactre.measured.neuron import Neuron, loose_neuron
from exactre.measured.output import Output
from exactre.measured.patience import Patience
from exactre.measured.probe import Probe
from exactre.measured.rows import is_poor
from exactre.measured.sharpen import nearest
from exactre.measured.sides import told
from exactre.measured.steer import steered_line
from exactre.measured.survey import Bend, Survey, nearest_neuron
from exactre.measured.trace import Tracer

Watch = Callable[[str, tuple[int, ...]], None]

_STALLED = 8  # lines in a row that show nothing new
_IN_VAIN = 192  # such lines, after which no more are looked at
_MOST = 1024
_FIRST_LINES = 2
_MANY_INPUTS = 64  # so many entries tell a row of the grid from one bend alone
_ROOMIER = 2.0
_RANDOM_LINES = 4  # lines before any is steered
_SELDOM = 5  # every so many lines is random where all that lines show is known
_DEEPER = 6  # so many bends that no neuron explains are worth a trace for the signs of the last layer


class Search:
    """The state of a search; `watch(stage, layers)` is told of every step.

    `layers` are the neurons whose every entry is certain, `pending` those of the layer that is being built.
    """

    def __init__(self, probe: Probe, watch: Watch) -> None:
        self.probe = probe
        self.survey = Survey(probe)
        self.known = self._inputs = Known(probe.dim)
        self.output: Output | None = None
        self.missing = "no line shows a kink"
        self._watch = watch
        self._tracer = Tracer(probe)
        self._buildings: list[Building] = []
        self._depth = 0  # of the layer that is being built
        self._loose: list[Neuron] = []  # rows on no grid, in a network that was finished with them
        self._patience = Patience()

    @property
    def layers(self) -> list[list[Neuron]]:
        """The certain neurons of every layer, up to the one that is being built."""
        return [building.neurons for building in self._buildings[: self._depth + 1]]

    @property
    def pending(self) -> list[Neuron]:
        """The neurons of the layer that is being built that are not certain in every entry."""
        return self._loose or [n for building in self._buildings[self._depth :][:1] for n in building.pending]

    def widths(self) -> tuple[int, ...]:
        """Neurons found by layer."""
        counts = [len(layer) for layer in self.layers]
        if self.pending:
            counts[-1] += len(self.pending)
        return tuple(count for count in counts if count)

    def run(self) -> bool:
        """Search until the network stands; False, with `missing`, once lines go on in vain."""
        for lines in range(1, _MOST + 1):
            self._watch("lines", self.widths())
            line, ends = self._line(lines)
            self.survey.look(line, ends, self._wanted, self._oriented())
            if lines < _FIRST_LINES and self.probe.dim <= _MANY_INPUTS:
                continue
            self._watch("rows", self.widths())
            is_built = self._build()
            idle = self._patience.idle(lines, self._counts())
            if is_built and lines >= _FIRST_LINES:
                self._watch("output", self.widths())
                if self._finish():
                    return True
            elif idle == _STALLED and self._finish_with_nearest():
                return True
            if idle == _IN_VAIN:
                break
        return False

    def _counts(self) -> tuple[int, ...]:
        return (*map(len, self.layers), sum(len(neuron.open) for neuron in self.pending))

    def _oriented(self) -> Known:
        """The known layers, up to the first one without signs."""
        layers = self.known.layers
        count = next((k for k, layer in enumerate(layers) if not layer.sign.all()), len(layers) - 1)
        return Known(self.probe.dim, layers[: count + 1])

    def _line(self, number: int) -> tuple[Line, list[float]]:
        """A random line, or by turns one that makes neurons over an oriented layer flip."""
        depths = [k for k, layer in enumerate(self.known.layers) if layer.sign.all()]
        turns = _SELDOM if self._buildings and self._is_settled(self._buildings[self._depth]) else 2
        if number <= _RANDOM_LINES or not depths or number % turns == 1:
            line = self.survey.random_line()
            return line, self.survey.ends(line)
        # What a layer lacks is found by steering the layer before it, most often the deepest.
        above = min(int(self.probe.rng.geometric(0.5)), len(depths))
        return steered_line(self.probe, self.known, depths[-above])

    def _wanted(self, line: Line, kink: Kink, room: float) -> bool:
        """Whether a kink's normal is worth its queries: nobody's, or that of a row which is still poor."""
        point = line.at(kink.t)
        for neuron in self.pending:
            if self._is_on(neuron, point, line.v, kink.error):
                return is_poor(neuron) and room > _ROOMIER * max(bend.room for bend in neuron.bends)
        return nearest_neuron(self.known, point, line.v, kink.error) is None

    def _is_on(self, neuron: Neuron, point: np.ndarray, v: np.ndarray, error: float) -> bool:
        below = Known(self.known.dim, self.known.layers[: len(self.layers) - 1])
        layer = Layer(neuron.row[None], np.array([neuron.bias]), np.zeros(1, dtype=np.int64))
        if not np.isfinite(neuron.errors).all():
            return False
        slack = error + float(neuron.errors.sum())
        found = nearest_neuron(below.with_layer(layer), point, v, slack)
        return found is not None and found[0] == len(below.layers)

    def _build(self) -> bool:
        """Build layer upon layer from the bends at hand; True when every bend is explained and certain."""
        lines = self.survey.lines
        self.known = self._inputs
        pool: Sequence[Bend] = self.survey.bends
        for depth in range(len(pool)):
            self._depth = depth
            if len(self._buildings) > depth and self._buildings[depth].below is not self.known:
                del self._buildings[depth:]
            if len(self._buildings) == depth:
                self._buildings.append(Building(self.known, self.survey, self._tracer))
            building = self._buildings[depth]
            building.is_settled = self._is_settled(building)
            if building.build(pool):
                del self._buildings[depth + 1 :]
            self.known = building.known
            if building.pending:
                self.missing = (
                    f"layer {depth + 1}: {len(building.pending)} rows are not certain in every entry"
                )
                return False
            if not building.neurons:
                self.missing = f"layer {depth + 1}: no row fits a grid of weights"
                return False
            pool = building.pool
            if not pool:
                return True
            self._watch("signs", self.widths())
            found = building.signs()
            if not found.all() and self._is_settled(building) and len(pool) >= _DEEPER:
                is_due = self._patience.is_due(lines, depth, len(building.neurons))
                found = told(self._tracer, self.known, pool if is_due else [], found)
            if not found.all():
                if self._is_settled(building):  # then this layer lacks a neuron, or one below
                    for deep in self._buildings[1 : depth + 1]:
                        deep.is_stuck = True
                self.missing = f"the active sides of layer {depth + 1} are not known"
                return False
            self.known = building.oriented(found)
        return False

    def _is_settled(self, building: Building) -> bool:
        width = len(building.neurons)
        return self._patience.is_settled(
            self.survey.lines, building.depth, width, doubtful=self._buildings[0].doubtful
        )

    def _finish(self) -> bool:
        """The last layer's signs and the output layer; True when they give the answers."""
        last = self.layers[len(self.known.layers) - 1]
        closed = close(self.probe, self.known, last)
        self.known, self.output = closed.known, closed.output
        if closed.constant is not None and not closed.missing:
            last.append(closed.constant)
        for line in closed.refuting:
            self.survey.look(line, np.linspace(0.0, 1.0, 9).tolist(), self._wanted, self._oriented())
        self.missing = closed.missing
        return not closed.missing

    def _finish_with_nearest(self) -> bool:
        """The network with the nearest values for what is open in the last layer, if it gives all answers.

        What is open stays pending, so that such a network is never called exact.
        """
        if len(self.layers) == 1 and self._buildings[0].loose:
            return self._finish_loosely()
        if not self.pending or any(n.bias_error or not np.isfinite(n.errors).all() for n in self.pending):
            return False
        rows = [*self.layers[-1], *(nearest(neuron) for neuron in self.pending)]
        below = Known(self.probe.dim, self.known.layers[: len(self.layers) - 1])
        closed = close(self.probe, below.with_layer(layer_of(rows)), rows)
        if closed.missing or closed.constant is not None:
            return False
        self.known, self.output, self.missing = closed.known, closed.output, ""
        return True

    def _finish_loosely(self) -> bool:
        """One hidden layer, rows of which are on no grid, with error bounds; these rows stay pending."""
        found = [loose_neuron(Known(self.probe.dim), 0, candidate) for candidate in self._buildings[0].loose]
        rows = [*self.pending, *(neuron for neuron in found if neuron is not None)]
        if not all(np.isfinite(neuron.bias_error) for neuron in rows):
            return False
        closed = approximate(self.probe, [*self.layers[0], *rows])
        if closed is None:
            return False
        self.known, self.output = closed
        self._loose, self.missing = rows, ""
        return True
