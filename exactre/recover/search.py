"""The search for a network that explains every kink seen: lines, layers, steering, repair.

Rounds of more evidence. Each round uses what the lines already say, for every depth, and then asks for
more where something is unexplained: random lines find what is common, steered segments what is rare,
traces what was seen once. A neuron that the lines contradict is dropped with all that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from exactre.recover import first, layer
from exactre.recover.beyond import close_beyond
from exactre.recover.complete import (
    Completion,
    complete_from_kink,
    complete_from_outputs,
    complete_from_skips,
    complete_known,
    reopen,
)
from exactre.recover.folded import is_layered
from exactre.recover.jet import Chart, Jets
from exactre.recover.lacking import lacking
from exactre.recover.line import Form, Line, jump_form
from exactre.recover.model import Neuron
from exactre.recover.orient import Votes, orient_from_rows, orient_in_regions
from exactre.recover.output import output_rows
from exactre.recover.parts import Parts
from exactre.recover.planes import Planes
from exactre.recover.pooling import Pooling
from exactre.recover.readers import Reader, sides_from_readers
from exactre.recover.row import Row
from exactre.recover.signs import solve_signs, sparsest_signs
from exactre.recover.standing import layers
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer
from exactre.recover.translates import Translates

_FIRST_LINES = 3
_ROUNDS = 24
_STEERED = 12
_STEERED_MAXIMA = 4
_TRACES = 2
_WIDE_TRACES = 12  # most kinks are deeper than one wide layer without signs
_FRUITLESS = 384  # kinks in a row that tell nothing, after which other evidence is looked for
_PATIENCE = 2
_SOUGHT = 24  # open weights that walks look for in one round
_PROGRAMS = 2  # mixed-integer programs in one recovery
_READERS = 4  # that are looked for at a time
_ASKED = 16  # kinks, whether they are readers'
_ACROSS = 3  # segments across the boundary of a neuron of which the row is known
_DOUBTS = 1  # rounds of second thoughts where no signs make the network layered

Watch = Callable[[str, tuple[int, ...]], None]


class Search:
    """Rounds of recovery in one chart. `watch(stage, layers)` is told of every step."""

    def __init__(self, jets: Jets, rng: np.random.Generator, watch: Watch) -> None:
        self.rng = rng
        self.survey = Survey(jets, [int(v) for v in rng.integers(-4096, 4097, size=jets.dim)])
        self._watch = watch
        self._translates = Translates(self.survey, self._tracer)
        self._pooling = Pooling(self.survey, self._tracer)
        self._tried: set[tuple[int, ...]] = set()
        self._sought: set[tuple[Form, Form, int]] = set()
        self._programmed: set[tuple[int, int, int]] = set()
        self._met: set[tuple[int, int, int]] = set()
        self._traced: set[tuple[int, int, int, int]] = set()
        self._parts: dict[int, tuple[tuple[int, int], Parts]] = {}  # by depth, with the state of the layers
        self._followed: set[tuple[int, int, int, int]] = set()
        self._deeper: dict[int, int] = {}  # kink: the least depth that its neuron's row is over
        self._doubted: set[tuple[int, ...]] = set()  # linear parts of rows that were dropped for their skips
        self._general: set[tuple[int, ...]] = set()  # of rows that were traced with skips
        self._votes: dict[int, Votes] = {}
        self._regions: dict[tuple[int, ...], dict[int, int]] = {}  # signs from regions, by the neurons known
        self._tried_regions: dict[tuple[int, ...], int] = {}  # in which round
        self._readers: dict[tuple[int, ...], list[Reader]] = {}  # of a layer without signs
        self._lacking: dict[tuple[int, ...], list[Neuron]] = {}  # rows that such a layer lacks
        # Signs from them, by the rows of all the layer.
        self._sides: dict[frozenset[Form], dict[Form, int]] = {}
        self._steered = 0
        self._fits = 0  # rows of the outputs that explained everything
        self._last: Tracer | None = None
        self._idle = 0  # rounds without a new neuron
        self._rounds = 0  # in which more evidence was asked for
        self.planes = Planes(self.survey, rng, self._outputs, self._orient_all)

    def layers(self) -> tuple[int, ...]:
        """Known neurons by depth."""
        return layers(self.survey)

    def rows(self) -> list[Row] | None:
        """Search until the known neurons explain every kink and the outputs; None when rounds run out."""
        survey = self.survey
        self.first_lines()
        while self._rounds < _ROUNDS:
            known = len(survey.model)
            while self._groups():
                pass
            if survey.unexplained() and survey.is_late():
                self._trace_some()
                while self._groups():
                    pass
            rows = None
            if not survey.unexplained():
                self._say("outputs")
                rows = self._outputs()
                if rows is not None and self._drop_unread(rows):
                    self._rounds += 1
                    continue
                is_layered = rows is not None and self._orient_all(rows)
                if rows is not None and (
                    complete_from_outputs(survey, self._tracer(), rows) or complete_from_skips(survey, rows)
                ):
                    continue
                if rows is None and close_beyond(survey):
                    continue
                if self._seek_weights():
                    continue
                if rows is not None and (
                    complete_from_outputs(survey, self._tracer(), rows, together=True)
                    or complete_from_skips(survey, rows, shared=True)
                ):
                    continue
                if rows is not None:
                    self._fits += 1
                    if is_layered or self._fits > _DOUBTS:
                        return rows
            if rows is None and self.planes.tell and self.look_at_plane():
                continue
            self._rounds += 1
            self._more()
            self._idle = 0 if len(survey.model) > known else self._idle + 1
        return None

    def first_lines(self) -> None:
        """Scan the first whole lines, and take from them the hyperplanes that they share."""
        while len(self.survey.lines) < _FIRST_LINES:
            self._say("lines")
            self.survey.scan(self._line())
            first.first_layer(self.survey, self.rng)
            self._translates.first_layer()

    def reads_few_inputs(self) -> bool:
        """Whether a neuron that the first lines found has a row over the inputs with zeros; two queries."""
        survey = self.survey
        known = next((i for i, owner in enumerate(survey.owner) if owner is not None), None)
        if known is None:
            return False
        kink, chart = survey.kinks[known], survey.jets.chart
        num, q = kink.line.at([kink.t0, kink.t1])
        full = survey.jets.over(Chart.identity(survey.jets.ledger.input_dim))
        form = jump_form(*full.at(chart.lift_num(num, 1 << q), q))
        return form is not None and not all(form[:-1])

    def look_at_plane(self) -> bool:
        """Take the neurons that one more plane shows; False where no more are looked at."""
        self._say("planes")
        return self.planes.look()

    def _outputs(self) -> list[Row] | None:
        return output_rows(self.survey, self._tracer(), self._order())

    def repair(self, segment: Line) -> None:
        """Look along a segment 0 <= t <= 1 that ends where a recovered network was found wrong."""
        self._say("repair")
        self._rounds = max(0, self._rounds - 2)
        reopen(self.survey)
        self.survey.scan(segment, Fraction(0), Fraction(1))
        if self.planes.tell and not self.survey.unexplained():
            self.look_at_plane()  # a neuron bends where the function does not: the planes were read wrongly
        if not self.survey.unexplained():
            close_beyond(self.survey)
        self._drop_contradicted()

    def _say(self, stage: str) -> None:
        self._watch(stage, self.layers())

    def _tracer(self) -> Tracer:
        """A tracer over the model as it is, with the forms it has computed so far."""
        survey = self.survey
        if self._last is None or self._last.model is not survey.model:
            self._last = Tracer(survey.jets, survey.model, survey.floats(), self.rng)
        return self._last

    def _order(self) -> list[int]:
        return [int(i) for i in self.rng.permutation(len(self.survey.kinks))]

    def _line(self) -> Line:
        """A random line through the middle of the chart, short integers over 16."""
        dim = self.survey.jets.dim
        p, v = self.rng.integers(-16, 17, size=dim), self.rng.integers(-64, 65, size=dim)
        v[int(self.rng.integers(dim))] += 129
        return Line(tuple(int(a) for a in p), tuple(int(a) for a in v), 4)

    def _groups(self) -> bool:
        """Accept the neurons that groups of kinks determine, depth by depth; whether there were any."""
        found = self._pooling.readers()
        for depth in range(self._pooling.depth, len(self.layers())):
            self._say("signs")
            self._orient(depth)
            self._say("groups")
            for group in layer.grouped(self.survey, depth):
                fresh = [i for i in group if self.survey.owner[i] is None]
                key = (sum(d <= depth for d in self.survey.model.depth), *fresh)
                # One piece of a wide layer's reader that is met twice is as good as one kink.
                forms = {self.survey.kinks[i].form for i in fresh}
                seen = forms if self.survey.model.is_wide(depth) else fresh
                if len(seen) < 2 or key in self._tried:
                    continue
                self._tried.add(key)
                row = layer.row_of_group(self.survey, self._tracer(), depth, fresh)
                if row is not None and self._says_enough(depth, row) and self._accept(*row):
                    found = True
                    self._translates.later_layer(depth + 1)
            found |= self._complete(depth + 1)
        return found

    def _complete(self, depth: int) -> bool:
        """Measure what is open in the rows of one layer, once for each state of the model."""
        survey, found = self.survey, False
        for z in survey.layer(depth):
            for unit in self._open(z):
                shown = survey.showing(z, unit)
                if any(complete_from_kink(survey, self._tracer(), z, unit, i) for i in shown):
                    found = True
                    continue
                key = (z, unit, len(survey.model))
                if key not in self._met:
                    self._met.add(key)
                    self._say("weights")
                    found |= complete_known(survey, self._tracer(), z, unit)
        return found

    def _orient(self, depth: int) -> None:
        """Signs of one layer: from what is paid for, else around corners, once for each set of neurons."""
        survey = self.survey
        votes = self._votes.get(depth)
        if votes is None or votes.layer != survey.layer(depth) or votes.version != survey.version:
            votes = self._votes[depth] = Votes(survey, depth)
        if votes.count() or orient_from_rows(survey, depth):
            return
        if self._translates.orient(depth):
            return
        state = (survey.drops, depth, *survey.layer(depth - 1), *survey.layer(depth))
        rows = {survey.model.neurons[j].linear: j for j in survey.layer(depth)}
        if frozenset(rows) in self._sides:
            survey.orientation.update({rows[row]: s for row, s in self._sides[frozenset(rows)].items()})
            return
        is_told = len(self._regions.get(state, {})) == len(rows) and self._idle < _PATIENCE
        is_tried = is_told or self._tried_regions.get(state) == self._rounds
        if depth and self._has_signs(depth - 1) and not is_tried:
            self._tried_regions[state] = self._rounds
            self._regions[state] = orient_in_regions(survey, depth, self.rng)
        for j, sign in self._regions.get(state, {}).items():
            survey.orientation.setdefault(j, sign)

    def _open(self, z: int) -> list[int]:
        """Units whose weights are open in a neuron's row, if all their active sides are known."""
        units = sorted(self.survey.idle.get(z, ()))
        return units if all(j in self.survey.orientation for j in units) else []

    def _seek_weights(self) -> bool:
        """Search harder for where the boundaries of what is open meet; last of all by an integer program."""
        if self._walk_to_weights():
            return True
        survey = self.survey
        for z, unit in self._pairs():
            key = (z, unit, len(survey.model))
            if key not in self._programmed and len(self._programmed) < _PROGRAMS:
                self._programmed.add(key)
                self._say("programs")
                if complete_known(survey, self._tracer(), z, unit, Completion.hint):
                    return True
        return False

    def _walk_to_weights(self) -> bool:
        """Walk to where the boundaries of what is open meet, once for each pair, a few at a time."""
        survey, depth = self.survey, self.survey.model.depth
        sought, found = 0, False
        for z, unit in self._pairs():
            neurons = survey.model.neurons
            # What a walk sees: both boundaries, and what lies before them.
            state = neurons[z].linear, neurons[unit].linear, sum(d < depth[z] for d in depth)
            if state in self._sought or sought == _SOUGHT:
                continue
            self._sought.add(state)
            sought += 1
            self._say("weights")
            found |= complete_known(survey, self._tracer(), z, unit, Completion.walk)
        return found

    def _pairs(self) -> list[tuple[int, int]]:
        """The open weights (neuron, unit) that can be measured."""
        return [(z, unit) for z in range(len(self.survey.model)) for unit in self._open(z)]

    def _accept(
        self,
        neuron: Neuron,
        idle: set[int],
        goes_on: bool = False,
        kept_active: frozenset[int] = frozenset(),
        orientation: Mapping[int, int] | None = None,
        *,
        least: int = 2,
    ) -> bool:
        """Take a neuron that explains `least` kinks or more, none of them another's, few flips against it.

        More may speak against one that goes on across boundaries of its layer: it is invisible there.
        Rows of the next layer were found without it: what it weighs in them is open.
        """
        survey = self.survey
        evidence = survey.evidence(neuron, idle, kept_active)
        if not evidence.is_borne_out(survey.owner, least, weight=1 if goes_on else 3):
            return False
        z = survey.add(neuron, idle, kept_active)
        survey.orientation.update(orientation or {})
        for reader in survey.layer(survey.model.depth[z] + 1):
            survey.idle.setdefault(reader, set()).add(z)
        self._say("neurons")
        return True

    def _orient_all(self, rows: Sequence[Row]) -> bool:
        """Signs of every layer from all rows and outputs; False when some layer has no or no single one.

        That happens for networks with skips, and where a neuron is missing (design 4.7).
        """
        survey = self.survey
        free = survey.of_many
        known = [neuron for z, neuron in enumerate(survey.model.neurons) if z not in free]
        everything = [(neuron.parents, neuron.linear) for neuron in known]
        everything += [(row.parents, row.linear) for row in rows]
        layered = True
        for depth in range(len(self.layers())):
            signs = solve_signs(survey.model, survey.layer(depth), everything, {})
            layered &= signs is not None
            if signs is None and not survey.hidden.intersection(survey.layer(depth)):
                signs = sparsest_signs(survey.model, survey.layer(depth), everything)
            survey.orientation.update(signs or {})
            layered &= self._has_signs(depth)
        return layered

    def _more(self) -> None:
        """More evidence: a random line, a steered chain, second thoughts, traces of what was seen once."""
        survey = self.survey
        self._say("lines")
        survey.scan(self._line())
        self._pooling.find()
        if self._pooling.maxima and self._idle < _PATIENCE:
            # Lines find what is still missing of maxima; what looks odd until then is theirs.
            self._pooling.steer(_STEERED_MAXIMA, self.rng)
            return
        first.first_layer(survey, self.rng)
        if not self._pooling.maxima:
            self._translates.first_layer()
        if survey.unexplained() and survey.is_late() and not self._idle % 2:
            self._say("around")
            layer.look_around(survey, self.rng)
            while self._groups():
                pass
            self._trace_some()
            return
        # The units of a wide layer cannot be turned on and off apart, and lines show most of what reads them.
        oriented = [
            d
            for d in range(len(self.layers()))
            if self._has_signs(d) and (self._idle or not survey.model.is_wide(d))
        ]
        if oriented:
            self._say("steering")
            # What a layer lacks is found by steering the layer before it: each in turn, deepest first.
            depth = oriented[-1 - self._steered % len(oriented)]
            layer.steer(survey, depth, _STEERED, self.rng)
            self._steered += 1
        self._drop_contradicted()
        known = len(survey.model)
        while self._groups():
            pass
        # Where an open weight matters, kinks of all that it bears on are left unexplained.
        if len(survey.model) > known or not (self._walk_to_weights() or self._seek_lacking()):
            self._trace_some()

    def _seek_lacking(self) -> bool:
        """Find neurons that layers without signs lack by what their readers take; whether there were any."""
        survey = self.survey
        for depth in reversed(range(1, len(self.layers()))):
            if self._has_signs(depth) or not self._has_signs(depth - 1):
                continue
            self._say("readers")
            state, asked = self._state(depth), 0
            for i in self.rng.permutation(survey.unexplained())[:_ASKED].tolist():
                if state in self._lacking or asked == _READERS:
                    break
                if self._tracer().bends_at(survey.piece(i), survey.layer(depth)):
                    asked += 1
                    if self._told_by_readers(depth, i):
                        return True
            for neuron in self._lacking.get(state, ()):
                layer.steer_across(survey, neuron, _ACROSS, self.rng)
            if state in self._lacking and self._groups():
                return True
        return False

    def _trace_some(self) -> None:
        """Look around some unexplained kinks, deepest layer first, for rows that foretell other kinks.

        While a layer has no signs its neurons count twice in a layered row, and a general row, with skips,
        may need fewer equations; two or three rows then give the signs. A general row is also allowed for
        where nothing layered has come out.
        """
        self._say("traces")
        survey = self.survey
        if self._idle and self._take_part():
            return
        depths = range(len(self.layers()))
        unsigned = [d for d in reversed(depths) if not self._has_signs(d)]
        wanted = [d for d in unsigned if not d or (self._idle >= _PATIENCE and survey.model.is_wide(d))]
        general = _WIDE_TRACES if any(survey.model.is_wide(d) for d in wanted) else _TRACES
        if depths and len(survey.layer(0)) > survey.jets.dim:
            # Its forms depend on each other, so that no trace tells what a row takes of them without bends.
            unsigned = [d for d in unsigned if d]
        fruitless = 0
        for i in self.rng.permutation(survey.unexplained()).tolist():
            if fruitless == _FRUITLESS:
                return  # most of what is left is deeper
            # What is left at last is looked at again: some of what is asked lies at random places.
            key = (i, len(survey.model), survey.version, self._idle if survey.is_late() else 0)
            if survey.owner[i] is not None or key in self._traced:
                continue
            self._traced.add(key)
            fruitless += 1
            if self._has_signs(0) and self._alone(i):
                fruitless = 0
                continue
            if general and (wanted or self._idle >= _PATIENCE):
                general -= 1
                if any(self._told_by_readers(d, i) for d in unsigned if d and self._has_signs(d - 1)):
                    return
                row = layer.row_of_kink(survey, self._tracer(), [*unsigned, None], i)
                if row is None or not self._accept(row.neuron(), set(), orientation=row.orientation):
                    continue
                self._general.add(survey.model.neurons[-1].linear)
                fruitless = 0
                if any(orient_from_rows(survey, d) for d in wanted):
                    return

    def _told_by_readers(self, depth: int, kink: int) -> bool:
        """Take a layer's signs and the neuron active everywhere that it may lack, once its readers tell.

        One more of them is read at a kink.
        """
        survey, own = self.survey, self.survey.layer(depth)
        found = layer.row_over_two(survey, self._tracer(), depth, kink)
        if found is None:
            return False
        state = self._state(depth)
        readers = self._readers.setdefault(state, [])
        readers.append(found)
        spanning = lacking(survey.model, own, survey.orientation, readers)
        if spanning:
            self._lacking[state] = spanning
        told = sides_from_readers(survey.model, own, survey.orientation, readers)
        if told is None:
            return False
        signs, neuron = told
        if neuron is not None:
            z = survey.add(neuron)
            survey.certain.add(z)
            signs[z] = 1
        survey.orientation.update(signs)
        rows = {survey.model.neurons[j].linear: sign for j, sign in signs.items()}
        self._sides[frozenset(rows)] = rows
        return True

    def _state(self, depth: int) -> tuple[int, ...]:
        """What the rows of a layer's readers rest on: the layer and the one before it, as they are."""
        survey = self.survey
        return (survey.version, *survey.layer(depth - 1), *survey.layer(depth))

    def _take_part(self) -> bool:
        """Accept a neuron that meets too few boundaries for one row: any row that fits what is seen of it."""
        survey = self.survey
        for depth in reversed([d for d in range(len(self.layers())) if self._has_signs(d)]):
            for part in self._parts_over(depth).largest():
                if any(survey.owner[i] is None for i in part.kinks):
                    row = layer.row_of_part(survey, self._tracer(), depth, part)
                    if row is not None and self._accept(*row, least=1):
                        return True
        return False

    def _alone(self, kink: int) -> bool:
        """Accept the neuron of one kink, if a row over an oriented layer foretells other kinks.

        Boundaries of layers before the last one that it bends at are rather those that it reads.
        """
        survey = self.survey
        doubtful: list[layer.Found] = []
        for depth in reversed(range(self._deeper.get(kink, 0), len(self.layers()))):
            if not self._has_signs(depth):
                continue
            # What follows in the model does not matter over a wide layer.
            state = (kink, depth, sum(d <= depth for d in survey.model.depth), survey.version)
            if survey.model.is_wide(depth) and state in self._followed:
                continue
            self._followed.add(state)
            bends = self._tracer().bends_at(survey.piece(kink), survey.layer(depth + 1))
            if bends:
                self._deeper[kink] = depth + 1
                return False
            # A neuron that flips in a small corner only may meet no boundary of its layer there. That it is
            # no deeper one is told by one that it goes straight across, or it is of the last layer.
            untold = 0
            if survey.is_late() and (bends is False or depth + 2 == len(self.layers())):
                untold = layer.FEW if self._idle < _PATIENCE else len(survey.model)
            is_settled = self._is_settled(depth, kink)
            if is_settled:
                row = layer.row_of_group(survey, self._tracer(), depth, [kink], untold=untold)
            if not is_settled or (row is not None and not self._says_enough(depth, row)):
                parts = self._parts_over(depth) if survey.model.is_wide(depth) else None
                row = layer.row_by_trace(survey, self._tracer(), depth, kink, untold=untold, parts=parts)
            if row is not None:
                reads = self._tracer().bends_at(survey.piece(kink), survey.layer(depth))
                is_first = depth + 1 == len(self.layers())
                if reads is False or (reads is None and is_first):
                    # What is left of the last layer fits a row over it, in the corners that it flips in.
                    doubtful += [] if is_first and self._idle < _PATIENCE else [row]
                elif self._accept(*row, least=1):
                    return True
        return any(self._accept(*row, least=1) for row in doubtful)

    def _parts_over(self, depth: int) -> Parts:
        """What traces over a layer have shown, as long as the layer stays the same."""
        survey = self.survey
        state = (sum(d <= depth for d in survey.model.depth), survey.version)
        if depth not in self._parts or self._parts[depth][0] != state:
            self._parts[depth] = state, Parts(survey.model, depth, dict(survey.orientation))
        return self._parts[depth][1]

    def _says_enough(self, depth: int, row: layer.Found) -> bool:
        """Whether so few weights are open that a row over a wide layer is no part of another's boundary."""
        return len(row.idle) <= layer.FEW or not self.survey.model.is_wide(depth)

    def _is_settled(self, depth: int, kink: int) -> bool:
        """Whether one kink determines the weights of the layer's active units."""
        survey = self.survey
        return self._has_signs(depth) and bool(survey.weights(kink, survey.layer(depth), survey.orientation))

    def _has_signs(self, depth: int) -> bool:
        return all(j in self.survey.orientation for j in self.survey.layer(depth))

    def _drop_contradicted(self) -> None:
        """Forget neurons that the lines speak against, to be found again with what is known by now.

        A true neuron can be contradicted where all that it feeds is inactive. So a few contradictions count
        only for one that was found before a neuron of a shallower layer, which it may have to read. A row
        with skips that was found before it may have them in its place.
        """
        depth = self.survey.model.depth
        if self.planes.tell and not self.survey.unexplained():
            return  # every bend of a plane is explained: what is missed is hidden
        contradicted = set()
        for z in range(len(depth)):
            if z in self.survey.certain:
                continue
            if not depth[z]:
                if first.is_contradicted(self.survey, z, self.rng):
                    contradicted.add(z)
                continue
            evidence = self.survey.evidence_of(z)
            is_stale = any(d < depth[z] for d in depth[z + 1 :])
            is_wrong = evidence.misses > (0 if is_stale else len(evidence.explained))
            is_early = is_stale and self.survey.model.neurons[z].linear in self._general
            if is_wrong or is_early or self._goes_around(z):
                contradicted.add(z)
        if contradicted:
            self.survey.without(contradicted)

    def _drop_unread(self, rows: Sequence[Row]) -> bool:
        """Forget neurons of the last layer that no output reads: what they explain is another's."""
        last = self.survey.layer(len(self.layers()) - 1)
        unread = {z for z in last if not any(z in row.parents for row in rows)}
        if unread:
            self.survey.without(unread)
        return bool(unread)

    def _goes_around(self, z: int) -> bool:
        """Whether a row is not layered though most of its layer are; asked once of each row.

        A skip can stand for a neuron that was not known yet, and holds on one side of its boundary only. One
        that is found again is a skip.
        """
        model, orientation = self.survey.model, self.survey.orientation
        depth, row = model.depth[z], model.neurons[z].linear
        if row in self._doubted or not self._has_signs(depth - 1) or is_layered(model, z, orientation):
            return False
        if z in self.survey.of_many:
            return False
        mates = self.survey.layer(depth)
        if 2 * sum(is_layered(model, j, orientation) for j in mates) <= len(mates):
            return False
        self._doubted.add(row)
        return True
