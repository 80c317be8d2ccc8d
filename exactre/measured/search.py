"""The search: lines, layers from the bottom up, the output; more lines while anything is open.

A layer is built from bends that no known neuron explains. Nothing is built on a layer before every entry of
it is certain, because one wrong bit would pass for noise above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from exactre.measured.approximate import approximate
from exactre.measured.candidate import Candidate, grouped
from exactre.measured.closing import close
from exactre.measured.extend import extend
from exactre.measured.known import Known, Layer
from exactre.measured.line import Kink, Line
from exactre.measured.neuron import Neuron, loose_neuron
from exactre.measured.orientation import signs
from exactre.measured.output import Output
from exactre.measured.patience import Patience
from exactre.measured.probe import Probe
from exactre.measured.rows import Rows, is_poor, is_rough
from exactre.measured.sharpen import nearest
from exactre.measured.sides import told
from exactre.measured.steer import steered_line
from exactre.measured.survey import Bend, Survey, nearest_neuron
from exactre.measured.trace import Tracer

Watch = Callable[[str, tuple[int, ...]], None]

_ROUNDS = 96
_FIRST_LINES = 2
_MANY_INPUTS = 64  # so many entries tell a row of the grid from one bend alone
_ROOMIER = 2.0
_LINES_FIRST = 5
_RANDOM_LINES = 4  # lines before any is steered
_SELDOM = 5  # every so many lines is random where all that lines show is known
_TRACED = 2
_FRUITLESS = 4  # traces that gave no neuron of a layer: the bends are deeper ones
_DEEPER = 6  # so many bends that no neuron explains are worth a trace for the signs of the last layer


class Search:
    """The state of a search; `watch(stage, layers)` is told of every step.

    `layers` are the neurons whose every entry is certain, `pending` those of the layer that is being built.
    """

    def __init__(self, probe: Probe, watch: Watch) -> None:
        self.probe = probe
        self.survey = Survey(probe)
        self.layers: list[list[Neuron]] = []
        self.pending: list[Neuron] = []
        self.known = Known(probe.dim)
        self.output: Output | None = None
        self.missing = "no line shows a kink"
        self._watch = watch
        self._tracer = Tracer(probe)
        self._loose: list[Candidate] = []  # of the first layer, seen more than once, that gave no neuron
        self._doubtful = False  # whether bends that agree, or rough ones, gave no neuron of the first layer
        self._rows = Rows(self.survey)
        self._patience = Patience()

    def widths(self) -> tuple[int, ...]:
        """Neurons found by layer."""
        counts = [len(layer) for layer in self.layers]
        if self.pending:
            counts[-1] += len(self.pending)
        return tuple(count for count in counts if count)

    def run(self) -> bool:
        """Search until the network stands; False, with `missing`, when the rounds are over."""
        for lines in range(1, _ROUNDS + 1):
            self._watch("lines", self.widths())
            line, ends = self._line(lines)
            self.survey.look(line, ends, self._wanted, self._oriented())
            if lines < _FIRST_LINES and self.probe.dim <= _MANY_INPUTS:
                continue
            self._watch("rows", self.widths())
            if self._build() and lines >= _FIRST_LINES:
                self._watch("output", self.widths())
                if self._finish():
                    return True
            elif self._patience.is_stalled(self.survey.lines, self._counts()) and self._finish_with_nearest():
                return True
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
        turns = _SELDOM if self.layers and self._is_settled(len(self.layers) - 1) else 2
        if number <= _RANDOM_LINES or not depths or number % turns == 1:
            line = self.survey.random_line()
            return line, self.survey.ends(line)
        return steered_line(self.probe, self.known, int(self.probe.rng.choice(depths)))

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
        pool: Sequence[Bend] = self.survey.bends
        self.known = Known(self.probe.dim)
        self.pending = []
        for depth in range(len(self.survey.bends)):
            if not self._layer(depth, pool):
                return False
            self.known = self.known.with_layer(_layer_of(self.layers[depth]))
            pool = self._unexplained(pool)
            if not pool:
                del self.layers[depth + 1 :]
                return True
            self._watch("signs", self.widths())
            found = signs(self.known, pool)
            if not found.all() and self._is_settled(depth) and len(pool) >= _DEEPER:
                is_due = self._patience.is_due(self.survey.lines, depth, len(self.layers[depth]))
                found = told(self._tracer, self.known, pool if is_due else [], found)
            if not found.all():
                self.missing = f"the active sides of layer {depth + 1} are not known"
                return False
            oriented = replace(self.known.layers[-1], sign=found).oriented()
            self.known = self.known.with_last(oriented)
        return False

    def _is_settled(self, depth: int) -> bool:
        width = len(self.layers[depth])
        return self._patience.is_settled(self.survey.lines, depth, width, doubtful=self._doubtful)

    def _layer(self, depth: int, pool: Sequence[Bend]) -> bool:
        """Find the neurons of one layer among the bends; True when there are some and all are certain."""
        if len(self.layers) == depth:
            self.layers.append([])
        self._collect(depth, pool)
        if depth and self.survey.lines >= _LINES_FIRST:
            self._more(depth, self.known)
        if self.pending:
            self.missing = f"layer {depth + 1}: {len(self.pending)} rows are not certain in every entry"
            # What is known of the layer explains kinks that need not be measured again.
            done = self.layers[depth]
            if done:
                self.known = self.known.with_layer(_layer_of(done))
        if not self.layers[depth]:
            self.missing = f"layer {depth + 1}: no row fits a grid of weights"
        return not self.pending and bool(self.layers[depth])

    def _collect(self, depth: int, pool: Sequence[Bend]) -> None:
        """Sort the bends into neurons that are certain and neurons that are not."""
        done = self.layers[depth]
        below = self.known
        if done:
            layer = below.with_layer(_layer_of(done))
            pool = [b for b in pool if nearest_neuron(layer, b.point, b.v, b.error) is None]
        self.pending = []
        self._doubtful = False
        self._loose = []
        many = depth == 0 and self.probe.dim > _MANY_INPUTS
        least = 1 if many or self.survey.lines > _LINES_FIRST else 2
        fresh: list[Neuron] = []
        rough: list[Candidate] = []
        traced = self._traced(below, pool) if depth else []
        candidates = grouped(below, depth, pool, traced)
        if depth:
            grouped_bends = {id(bend) for candidate in candidates for bend in candidate.bends}
            rest = [bend for bend in pool if id(bend) not in grouped_bends]
            extend(below, depth, [c for c in candidates if len(c.bends) > 1], rest)
        for candidate in candidates:
            seems_rough = depth == 0 and is_rough(candidate)
            self._doubtful |= seems_rough
            if len(candidate.bends) < least:
                continue
            neuron = self._rows.settled(below, depth, candidate)
            if neuron is not None:
                (fresh if neuron.is_exact else self.pending).append(neuron)
            elif depth == 0 and len(candidate.bends) > 1:
                self._doubtful = True
                self._loose.append(candidate)
            if seems_rough if neuron is None else depth == 0 and is_poor(neuron):
                rough.append(candidate)
        if fresh:
            done += fresh
            del self.layers[depth + 1 :]
        others = [*self.layers[0], *(neuron for neuron in self.pending if not is_poor(neuron))]
        if self._rows.look_again(rough, others):
            self._collect(depth, self.survey.bends)

    def _traced(self, below: Known, pool: Sequence[Bend]) -> list[Candidate]:
        """What was traced and is nobody's, and a few more.

        Bends where no fewer units are active than there are inputs say nothing else. Others are left to lines
        until no line shows a new neuron: then a bend may be a deeper one, or of a neuron that seldom flips.
        """
        depth = len(below.layers)
        layer = below.with_layer(_layer_of(self.layers[depth])) if self.layers[depth] else below
        fresh = sorted(self._tracer.fresh(below, pool), key=lambda bend: bend.quality)
        hard = [b for b in fresh if np.count_nonzero(below.cell(b.point).values[-1] > 0) >= self.probe.dim]
        for bend in hard[:_TRACED]:
            self._tracer.trace(below, bend)
        starts = [(trace, trace.bends[0]) for trace in self._tracer.over(below)]
        found = [t for t, bend in starts if nearest_neuron(layer, bend.point, bend.v, bend.error) is None]
        if fresh and not hard and len(found) < _FRUITLESS and self.layers[depth] and self._is_settled(depth):
            trace = self._tracer.trace(below, fresh[0])
            found += [trace] if trace is not None else []
        return [trace.candidate(below) for trace in found]

    def _more(self, depth: int, below: Known) -> None:
        """Measure where pending neurons of a deeper layer show what is open."""
        done = self.layers[depth]
        known = below.with_layer(_layer_of(done)) if done else below
        late = self._is_settled(depth)
        looked = [self._rows.reached(known, depth, neuron, late=late) for neuron in self.pending]
        fresh = [neuron for neuron in looked if neuron.is_exact]
        if fresh:
            done += fresh
            del self.layers[depth + 1 :]
        self.pending = [neuron for neuron in looked if not neuron.is_exact]

    def _unexplained(self, pool: Sequence[Bend]) -> list[Bend]:
        return [b for b in pool if nearest_neuron(self.known, b.point, b.v, b.error) is None]

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
        if len(self.layers) == 1 and self._loose:
            return self._finish_loosely()
        if not self.pending or any(n.bias_error or not np.isfinite(n.errors).all() for n in self.pending):
            return False
        rows = [*self.layers[-1], *(nearest(neuron) for neuron in self.pending)]
        below = Known(self.probe.dim, self.known.layers[: len(self.layers) - 1])
        closed = close(self.probe, below.with_layer(_layer_of(rows)), rows)
        if closed.missing or closed.constant is not None:
            return False
        self.known, self.output, self.missing = closed.known, closed.output, ""
        return True

    def _finish_loosely(self) -> bool:
        """One hidden layer, rows of which are on no grid, with error bounds; these rows stay pending."""
        found = [loose_neuron(Known(self.probe.dim), 0, candidate) for candidate in self._loose]
        rows = [*self.pending, *(neuron for neuron in found if neuron is not None)]
        if not all(np.isfinite(neuron.bias_error) for neuron in rows):
            return False
        closed = approximate(self.probe, [*self.layers[0], *rows])
        if closed is None:
            return False
        self.known, self.output = closed
        self.pending, self.missing = rows, ""
        return True


def _layer_of(neurons: Sequence[Neuron]) -> Layer:
    return Layer(
        np.stack([neuron.row for neuron in neurons]),
        np.array([neuron.bias for neuron in neurons]),
        np.zeros(len(neurons), dtype=np.int64),
    )
