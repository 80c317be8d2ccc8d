"""Weight sharing used: what the rows of one kernel have in common is found once for all of them.

A kernel that a few rows show is a hypothesis about its other places, and about the sides on which they are
active. Kinks that are paid for confirm it exactly, or else two queries at a place that it foretells; what is
contradicted is not taken.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import lcm

from exactre.recover.complete import Completion
from exactre.recover.line import primitive
from exactre.recover.model import Neuron
from exactre.recover.modular import modular_gradient
from exactre.recover.sharing import Kernel, Layout, Shared, SparseRow, images, layout, shared
from exactre.recover.survey import Evidence, Survey
from exactre.recover.trace import Tracer

_MOST_KERNELS = 8
_KINKS = 12
_MANY = 9  # places that make a kernel by themselves where most of them are seen


class Translates:
    """Kernels of the survey's layers, and what they foretell; `tracer` gives the current tracer."""

    def __init__(self, survey: Survey, tracer: Callable[[], Tracer]) -> None:
        self._survey = survey
        self._tracer = tracer
        self._oriented: dict[int, tuple[int, list[int], dict[int, int]]] = {}  # signs, and what told them

    def first_layer(self) -> int:
        """Accept kernels that the forms of kinks show and the lines bear out; how many neurons are new."""
        survey, source = self._survey, self._inputs()
        forms = {survey.kinks[i].form for i in survey.unexplained()}
        known = {survey.model.neurons[j].linear for j in survey.layer(0)}
        sparse = (form for form in sorted(known | forms) if not all(form[:-1]))
        rows = [SparseRow.primitive(dict(enumerate(form[:-1])), form[-1]) for form in sparse]
        new = 0
        for found in shared(dict(enumerate(rows)), source.images, oriented=False):
            neurons = [self._over_inputs(found.kernel.row_at(place)) for place in found.lattice()]
            evidence = [survey.evidence(neuron) for neuron in neurons]
            explained, misses = sum(len(e.explained) for e in evidence), sum(e.misses for e in evidence)
            # Pieces of a deeper layer can be translates too, but not many, and the lines miss them elsewhere;
            # those of maxima are missed by most lines.
            many = 3 * len(found.places) >= 2 * max(_MANY, len(neurons)) and 2 * explained >= misses
            if many or explained >= 3 * misses:
                for neuron, e in zip(neurons, evidence, strict=True):
                    if neuron.linear not in known:
                        new += self._is_at_a_kink(neuron, e) or self._is_seen(neuron)
        return new

    def later_layer(self, depth: int) -> int:
        """Accept neurons of a deeper layer that are another's translates; how many are new.

        Queries are for the places that those which kinks confirm leave out.
        """
        source = self._source(depth)
        if source is None:
            return 0
        survey, count = self._survey, len(self._survey.model)
        rows = self._rows(depth, source)
        known = {key for row, _ in rows.values() for key in (row.key, row.negative().key)}
        for z, (row, _) in rows.items():
            if survey.idle.get(z):
                continue
            kernel = Kernel.of(row, source.images[0])
            places = {}
            for place in kernel.places():
                moved = kernel.row_at(place)
                neuron = self._neuron(source, moved)
                if moved.key == row.key or (
                    moved.key not in known and self._is_at_a_kink(neuron, survey.evidence(neuron))
                ):
                    known |= {moved.key, moved.negative().key}
                    places[place] = z
            if len(places) > 1:
                for place in Shared(kernel, places, {}).lattice():
                    moved = kernel.row_at(place)
                    if moved.key not in known and self._is_seen(self._neuron(source, moved)):
                        known |= {moved.key, moved.negative().key}
        return len(survey.model) - count

    def orient(self, depth: int) -> bool:
        """Signs of a layer's kernels: those under which gradients are combinations of active rows.

        Free of queries. A neuron that is still unknown spoils the gradients where it is active; nothing where
        several signs of the kernels fit a gradient.
        """
        survey = self._survey
        state = survey.version, survey.layer(depth)
        if depth not in self._oriented or self._oriented[depth][:2] != state:
            self._oriented[depth] = *state, self._common_signs(depth)
        survey.orientation.update(self._oriented[depth][2])
        return all(j in survey.orientation for j in survey.layer(depth))

    def _common_signs(self, depth: int) -> dict[int, int]:
        survey, source = self._survey, self._source(depth)
        if source is None:
            return {}
        rows = self._rows(depth, source)
        kernels = shared({z: row for z, (row, _) in rows.items()}, source.images, oriented=False)
        if not 0 < len(kernels) <= _MOST_KERNELS:
            return {}
        layer = survey.layer(depth)
        kinks = [i for i, kink in enumerate(survey.kinks) if modular_gradient(kink.left, 0).any()]
        kinks = kinks[:: max(1, len(kinks) // _KINKS)]  # from all lines
        fits: list[tuple[int, dict[int, int]]] = []
        for chosen in product((1, -1), repeat=len(kernels)):
            signs = {
                z: c * s for found, c in zip(kernels, chosen, strict=True) for z, s in found.signs.items()
            }
            told = sum(survey.gradient_weights(i, layer, signs) is not None for i in kinks)
            fits.append((told, signs))
        fits.sort(key=lambda fit: -fit[0])
        # Where a kernel is never heard, both of its signs fit.
        is_told = fits[0][0] > max(1, fits[1][0])
        return fits[0][1] if is_told else {}

    def _is_at_a_kink(self, neuron: Neuron, evidence: Evidence) -> bool:
        """Accept a neuron that is exactly what bends at an unexplained kink."""
        survey = self._survey
        for i in evidence.explained:
            signs = survey.signs(i)
            form = survey.model.form(neuron, signs, self._tracer().forms_at(signs))
            if survey.owner[i] is None and any(form[:-1]) and primitive(form) == survey.kinks[i].form:
                self._add(neuron)
                return True
        return False

    def _is_seen(self, neuron: Neuron) -> bool:
        """Accept a neuron that queries show where it should be."""
        if not Completion(self._tracer(), neuron, {}, ()).is_seen():
            return False
        self._add(neuron)
        return True

    def _add(self, neuron: Neuron) -> None:
        survey = self._survey
        z = survey.add(neuron)
        survey.certain.add(z)
        for reader in survey.layer(survey.model.depth[z] + 1):
            survey.idle.setdefault(reader, set()).add(z)

    def _source(self, depth: int) -> Layout | None:
        """What a layer reads; None where it is not an image."""
        survey = self._survey
        if not depth:
            return self._inputs()
        before = self._source(depth - 1)
        layer = survey.layer(depth - 1)
        if before is None or any(j not in survey.orientation or survey.idle.get(j) for j in layer):
            return None
        rows = self._rows(depth - 1, before)
        kernels = shared({z: row for z, (row, _) in rows.items()}, before.images, oriented=False)
        return layout(kernels, len(layer), lambda j: abs(rows[j][1]))

    def _inputs(self) -> Layout:
        dim = self._survey.jets.dim
        return Layout(images(dim), range(dim), [Fraction(1)] * dim)

    def _rows(self, depth: int, source: Layout) -> dict[int, tuple[SparseRow, Fraction]]:
        """The layer's rows over the source's columns, and how many times them the model's rows are."""
        survey, rows = self._survey, {}
        for z in survey.layer(depth):
            neuron = survey.model.neurons[z]
            if not depth:
                weights, constant = dict(enumerate(neuron.linear[:-1])), neuron.linear[-1]
                rows[z] = SparseRow.primitive(weights, constant), Fraction(1)
                continue
            rest = _rest(survey, neuron, depth)
            if rest is None:
                continue
            scaled = {
                c: neuron.parents[j] * source.factors[c]
                for c, j in enumerate(source.units)
                if j in neuron.parents
            }
            row = SparseRow.of(scaled, Fraction(rest))
            c = next(iter(row.weights))
            rows[z] = row, scaled[c] / row.weights[c]
        return rows

    def _over_inputs(self, row: SparseRow) -> Neuron:
        linear = [row.weights.get(i, 0) for i in range(self._survey.jets.dim)]
        return Neuron.primitive({}, [*linear, row.constant])

    def _neuron(self, source: Layout, row: SparseRow) -> Neuron:
        """The neuron of a row over the source's columns."""
        survey = self._survey
        weights = {source.units[c]: v / source.factors[c] for c, v in row.weights.items()}
        den = lcm(*(v.denominator for v in weights.values()))
        parents: dict[int, int] = {}
        total = [0] * survey.jets.dim + [row.constant * den]
        for j, v in weights.items():
            a, unit = int(v * den), survey.model.neurons[j]
            parents[j] = parents.get(j, 0) + a
            a *= survey.orientation[j]
            total = [x + a * w for x, w in zip(total, unit.linear, strict=True)]
            for i, b in unit.parents.items():
                parents[i] = parents.get(i, 0) + a * b
        return Neuron.primitive(parents, total)


def _rest(survey: Survey, neuron: Neuron, depth: int) -> int | None:
    """c with u = sum of a_j (|u_j| + s_j u_j) + c over the layer before; None where u is not of this kind."""
    linear, model = list(neuron.linear), survey.model
    lower: dict[int, int] = {}
    for j, a in neuron.parents.items():
        if model.depth[j] < depth - 1:
            lower[j] = lower.get(j, 0) + a
            continue
        factor = a * survey.orientation[j]
        linear = [v - factor * w for v, w in zip(linear, model.neurons[j].linear, strict=True)]
        for i, b in model.neurons[j].parents.items():
            lower[i] = lower.get(i, 0) - factor * b
    return None if any(linear[:-1]) or any(lower.values()) else linear[-1]
