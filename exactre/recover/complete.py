"""Weights that no piece of a neuron's boundary has shown, measured where it meets the unit's boundary.

A unit that is inactive along every piece seen leaves its weight open. A point on both boundaries is looked
for in the known network as floats, made exact, and asked beside: the bend there is the weight (design 4.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz_mat

from exactre.rational import Matrix, Rational
from exactre.recover.floats import FloatModel, random_starts
from exactre.recover.folded import folded_weights
from exactre.recover.guess import Crossing, Vector, crossings_at, dyadic, unit_form
from exactre.recover.line import jump_form, primitive
from exactre.recover.model import Forms, Model, Neuron, Signs
from exactre.recover.modular import PRIME, modular, modular_gradient, product
from exactre.recover.program import meeting_hint
from exactre.recover.row import Row
from exactre.recover.survey import Survey
from exactre.recover.trace import BoundaryPiece, Elsewhere, Tracer, continued
from exactre.walk import Walk, unit_normals

_RADII = (1.0, 8.0, 64.0, 1024.0)
_STARTS = 3  # random starts at each radius
KNOWN = 8  # starts on each boundary
_WALKS = 2  # that arrive are enough
_ATTEMPTS = 3
_FORETOLD = 6
_BOX = 256.0  # half the side of the box in which a program looks


class Completion:
    """Looks where a neuron's boundary should be: a row over the model's neurons, with open weights.

    `idle` {unit: sign} are the units whose weights are open, and where these would matter: whatever is looked
    at lies where the units have the other sign.
    `crossed` are the neurons of its layer across whose boundaries it was last seen to go on straight.
    """

    def __init__(
        self,
        tracer: Tracer,
        neuron: Neuron,
        idle: Mapping[int, int],
        seen: Sequence[Vector],
    ):
        self._tracer = tracer
        self._neuron = neuron
        self._idle = sorted(idle)
        self._beyond = idle
        self._floats = tracer.floats.extended(neuron)
        self._seen = list(seen)
        self.crossed: set[int] = set()

    def hint(self, unit: int) -> None:
        """Start from where a mixed-integer program says that the boundaries meet, if it does."""
        inactive = {j: sign for j, sign in self._beyond.items() if j != unit}
        point = meeting_hint(self._floats, (len(self._tracer.model), unit), inactive, _BOX)
        self._seen = [] if point is None else [point]

    def walk(self, unit: int) -> None:
        """Start from where walks on either boundary, from the points seen, come to the other."""
        here = len(self._tracer.model)
        others = [j for j in self._idle if j != unit]
        ways = {on: Walk(self._floats, on, to, others) for on, to in ((here, unit), (unit, here))}
        found: list[Vector] = []
        for start in self._seen:
            values = self._floats.values(start[None])[0]
            on = min(ways, key=lambda j: abs(values[j]))
            inactive = others if on == unit else self._idle
            if len(found) < _WALKS and all(values[j] * self._beyond[j] < 0 for j in inactive):
                met = ways[on].meeting(start)
                found += [] if met is None else [met]
        self._seen = found

    def weight(self, unit: int) -> Fraction | None:
        """w, where u gains w * relu(+-u_unit); None where the boundaries are not found to meet."""
        for point in self._points((len(self._tracer.model), unit), [j for j in self._idle if j != unit]):
            found = self._measured(unit, point)
            if found is not None:
                return found
        return None

    def is_confirmed(self, mates: Sequence[int]) -> bool | None:
        """Whether the function bends where the row foretells it, straight on across its layer's boundaries.

        None where too few places tell. A deeper neuron's boundary fits a row of this layer as long as the
        layer stays as it is, and bends at the boundaries of the layer. Without `mates` the row is tried at
        random places.
        """
        here = len(self._tracer.model)
        tested = failed = 0
        self.crossed.clear()
        for _ in range(_FORETOLD):
            mate = int(self._tracer.rng.choice(mates)) if len(mates) else None
            for point in self._points((here,) if mate is None else (here, mate), self._idle, 1):
                found = self._goes_on(point, mate)
                if found is False:
                    return False
                tested += found is True
                failed += found is None
                if found and mate is not None:
                    self.crossed.add(mate)
            if tested > 1:
                return True
        return True if tested > failed else None

    def bends_throughout(self) -> bool:
        """Whether the function bends as the row foretells it at all places tried, and there are some."""
        points = self._points((len(self._tracer.model),), self._idle, _FORETOLD)
        return len(points) > 1 and all(self._goes_on(point, None) for point in points)

    def is_seen(self) -> bool:
        """Whether the function bends as the row foretells it at one place, and otherwise at none tried."""
        seen = False
        for point in self._points((len(self._tracer.model),), self._idle, _FORETOLD):
            found = self._goes_on(point, None)
            if found is False:
                return False
            seen |= found is True
        return seen

    def _points(self, neurons: Sequence[int], inactive: Sequence[int], most: int = _ATTEMPTS) -> Vector:
        """A few points on these boundaries where some units are inactive."""
        rng, dim = self._tracer.rng, self._tracer.model.dim
        starts = [random_starts((_STARTS, dim), radius, rng) for radius in _RADII]
        starts.append(np.array(self._seen).reshape(-1, dim))
        starts.append(starts[-1] * np.exp2(rng.normal(size=(len(self._seen), 1))))
        points = self._floats.meetings(neurons, np.concatenate(starts))
        signs = np.array([self._beyond[j] for j in inactive])
        points = points[(self._floats.values(points)[:, inactive] * signs < 0).all(axis=1)]
        found: Vector = rng.permutation(points)[:most]
        return found

    def _goes_on(self, point: Vector, mate: int | None) -> bool | None:
        """Whether the row's boundary is on both sides of a mate's; None where it is on neither."""
        model = self._tracer.model
        num, q = dyadic([point])
        [found] = model.signs_at([[int(v) for v in row] for row in num.tolist()], q)
        sides = [found] if mate is None else [(*found[:mate], s, *found[mate + 1 :]) for s in (1, -1)]
        walls = unit_normals(self._floats.forms_at((*sides[0], 1)))
        level = np.abs(walls[:-1, :-1] @ point + walls[:-1, -1])
        aside = np.zeros(model.dim)
        if mate is not None:
            level[mate] = np.inf
            normal = walls[-1, :-1]
            aside = walls[mate, :-1] - normal * (normal @ walls[mate, :-1])
            aside /= max(float(np.linalg.norm(aside)), 1e-300)
        clearance = float(min(level.min(initial=np.inf), 1.0))
        if any(0 in signs for signs in sides) or clearance < 1e-9 * (1 + float(np.linalg.norm(point))):
            return None
        bends = []
        for signs, side in zip(sides, (1, -1), strict=False):
            row = model.form(self._neuron, signs, self._tracer.forms_at(signs))
            if not any(row[:-1]):
                return None
            step = unit_form(row)[:-1] * clearance / 4096
            middle = point + aside * side * clearance / 16
            before, after = self._tracer.jets.at(*dyadic([middle - step, middle + step]))
            bends.append(before != after)
            if before != after and jump_form(before, after) != primitive(row):
                return False
        return all(bends) if any(bends) else None

    def _measured(self, unit: int, point: Vector) -> Fraction | None:
        model, sign = self._tracer.model, self._beyond[unit]
        num, q = dyadic([point])
        [found] = model.signs_at([[int(v) for v in row] for row in num.tolist()], q)
        signs: Signs = (*found[:unit], -sign, *found[unit + 1 :])
        forms = self._tracer.forms_at(signs)
        row = model.form(self._neuron, signs, forms)
        if not any(row[:-1]) or not any(forms[unit][:-1]) or 0 in signs:
            return None
        crossing = self._crossing(signs, unit, point)
        if crossing is None:
            return None
        form = primitive(row)
        lead = next(i for i, v in enumerate(form) if v)
        piece = BoundaryPiece(signs, form, Fraction(row[lead], form[lead]), point)
        try:
            beyond = self._tracer.cross(piece, crossing, len(model))
        except Elsewhere:
            return None
        if beyond is None:
            return None
        known = model.form(self._neuron, beyond.signs, self._tracer.forms_at(beyond.signs))
        lead = next(i for i, v in enumerate(forms[unit]) if v)
        return (beyond.scale * beyond.form[lead] - known[lead]) / (sign * forms[unit][lead])

    def _crossing(self, signs: Signs, unit: int, point: Vector) -> Crossing | None:
        walls = unit_normals(self._floats.forms_at((*signs, 1)))
        side = np.array(signs, dtype=np.float64)
        found = crossings_at(walls[:-1], walls[-1, :-1], side, np.array([unit]), point[None])
        return found[0] if found else None


def with_units(
    model: Model, neuron: Neuron, weights: Mapping[int, Rational], sides: Mapping[int, int]
) -> Neuron:
    """The neuron whose row is `neuron`'s and the sum of weights[j] * relu(sides[j] * u_j), exact."""
    over = 2 * lcm(*(Fraction(w).denominator for w in weights.values()))
    parents = {j: over * a for j, a in neuron.parents.items()}
    linear = [over * v for v in neuron.linear]
    for unit, weight in weights.items():
        half, read = int(weight * over) // 2, model.neurons[unit]
        parents[unit] = parents.get(unit, 0) + half
        for j, a in read.parents.items():
            parents[j] = parents.get(j, 0) + sides[unit] * half * a
        linear = [v + sides[unit] * half * w for v, w in zip(linear, read.linear, strict=True)]
    return Neuron.primitive(parents, linear)


def completed(
    tracer: Tracer,
    neuron: Neuron,
    idle: Mapping[int, int],
    seen: Sequence[Vector],
) -> tuple[Neuron, dict[int, int]]:
    """The neuron with every open weight that a meeting of boundaries shows, and the units still open."""
    idle = dict(idle)
    progress = True
    while idle and progress:
        progress = False
        for unit in sorted(idle):
            weight = Completion(tracer, neuron, idle, seen).weight(unit)
            if weight is not None:
                neuron = with_units(tracer.model, neuron, {unit: weight}, idle)
                del idle[unit]
                progress = True
    return neuron, idle


def complete_from_kink(survey: Survey, tracer: Tracer, z: int, unit: int, kink: int) -> bool:
    """Read an open weight off an unexplained kink where the unit is active, if the kink is the neuron's."""
    signs = survey.signs(kink)
    mattering = {j for j in survey.idle[z] if signs[j] == survey.beyond(z, j)}
    if mattering != {unit} or survey.owner[kink] is not None:
        return False
    forms = tracer.forms_at(signs)
    row, form = tuple(forms[z]), survey.kinks[kink].form
    scale = continued(row, forms[unit], form)
    # Where the row rises along the unit's gradient or not at all, every boundary that does fits.
    if scale is None or fmpz_mat([row[:-1], forms[unit][:-1]]).rank() < 2:
        return False
    lead = next(i for i, v in enumerate(forms[unit]) if v)
    weight = (scale * form[lead] - row[lead]) / (survey.beyond(z, unit) * forms[unit][lead])
    settle(survey, z, unit, weight)
    return True


def complete_known(
    survey: Survey, tracer: Tracer, z: int, unit: int, how: Callable[[Completion, int], None] | None = None
) -> bool:
    """Measure an open weight of a known neuron and adjust its row; whether it was found.

    `how`, Completion.walk or Completion.hint, says where the search for a meeting starts.
    """
    own, its = (
        [survey.near(i) for i, owner in enumerate(survey.owner) if owner == j][:KNOWN] for j in (z, unit)
    )
    # Among neurons of which none reads it: its own boundary is no wall to it.
    depth = survey.model.depth
    kept = [j for j, d in enumerate(depth) if d <= depth[z] and j != z]
    place = {j: k for k, j in enumerate(kept)}
    sides = [*survey.sides_of(z), *survey.open_sides(depth[z] - 1)]
    if len({j for j, _ in sides}) < len(sides):
        return False  # a weight matters on one side of a unit, and another one on the other
    alone = Model(survey.model.dim, tuple(_renamed(survey.model.neurons[j], place) for j in kept))
    completion = Completion(
        Tracer(survey.jets, alone, FloatModel(alone), tracer.rng),
        _renamed(survey.model.neurons[z], place),
        # Where an open weight matters to what it reads, that is not where the model has it.
        {place[j]: side for j, side in sides},
        own + its,
    )
    if how is not None:
        how(completion, place[unit])
    weight = completion.weight(place[unit])
    if weight is None:
        return False
    settle(survey, z, unit, weight)
    return True


def _renamed(neuron: Neuron, place: Mapping[int, int]) -> Neuron:
    return Neuron({place[j]: a for j, a in neuron.parents.items()}, neuron.linear)


def complete_from_outputs(
    survey: Survey, tracer: Tracer, rows: Sequence[Row], *, together: bool = False
) -> bool:
    """Read an open weight of the last layer off an output's piece where its unit is active (design 4.8).

    The rows are right where no open weight matters. Where one does, they miss the neuron's output weight
    times what the unit adds to it, or all of it, if the neuron is active only thanks to the unit. Of several
    that matter `together` one is given all that is missed: where they always do, no query tells them apart.
    """
    top = max(survey.model.depth, default=-1)
    pairs = [(z, unit) for z in survey.layer(top) for unit in sorted(survey.idle.get(z, ()))]
    pairs = [(z, unit) for z, unit in pairs if z in survey.orientation and unit in survey.orientation]
    if not pairs:
        return False
    matters = survey.matters_before(pairs)
    heard = matters.sum(axis=0)
    for kink in np.flatnonzero(heard > 1 if together else heard == 1).tolist():
        signs, found = survey.signs(kink), survey.kinks[kink]
        forms = tracer.forms_at(signs)
        speaking = [pairs[k] for k in np.flatnonzero(matters[:, kink]).tolist()]
        if together:
            speaking = [(z, unit) for z, unit in speaking if signs[z] == survey.orientation[z]]
        for output, row in enumerate(rows):
            if not _is_missed(found.left, output, row, signs, forms):
                continue
            foretold = survey.model.form(Neuron(row.parents, row.linear), signs, forms)
            rest = [found.left[output, k] - Fraction(v, row.den) for k, v in enumerate(foretold)]
            for z, unit in speaking:
                gain = Fraction(2 * row.parents.get(z, 0), row.den)
                weight = _extra(rest, gain, forms[z], forms[unit], survey.orientation[z])
                if weight is not None:
                    if together and (z, unit) not in survey.kept_active:
                        survey.given.add((z, unit))
                    settle(survey, z, unit, weight * survey.beyond(z, unit))
                    return True
    return False


def complete_from_skips(survey: Survey, rows: Sequence[Row], *, shared: bool = False) -> bool:
    """Put weights that the outputs' rows show as skips where they are open, if rows are layered then.

    With `shared` also those that are open for several neurons: see `folded_weights`.
    """
    last = survey.layer(max(survey.model.depth, default=-1))
    idle = {z: units for z in last if (units := survey.idle.get(z))}
    read = {j for units in idle.values() for j in units}
    if not idle or survey.kept_active or not survey.orientation.keys() >= {*last, *read}:
        return False
    weights = folded_weights(survey.model, rows, survey.orientation, idle, shared=shared) or {}
    scales: dict[int, Fraction] = {}
    for (z, unit), weight in weights.items():
        scale = scales.get(z, Fraction(1))
        scales[z] = scale * settle(survey, z, unit, scale * weight)
        if shared:
            survey.given.add((z, unit))
    return bool(weights)


def reopen(survey: Survey) -> None:
    """Take back the weights that were given to one of several neurons, of a network that turned out wrong."""
    for z, unit in sorted(survey.given):
        # A layered row reads relu(+-u), which is half of |u| and an affine part.
        weight = 2 * survey.model.neurons[z].parents.get(unit, 0)
        if weight:
            survey.adjust(z, unit, Fraction(-weight))
        survey.idle[z].add(unit)
    survey.given.clear()


def _is_missed(piece: Matrix, output: int, row: Row, signs: Signs, forms: Forms) -> bool:
    """Whether an output's gradient in a cell is not what its row foretells, modulo the prime."""
    parents = list(row.parents)
    weights = modular([row.parents[j] * signs[j] for j in parents])
    foretold = (modular(row.linear) + product(weights[None, :], forms.modular[parents])[0]) % PRIME
    return bool((foretold[:-1] != modular_gradient(piece, output) * (row.den % PRIME) % PRIME).any())


def _extra(
    rest: Sequence[Fraction], gain: Fraction, row: Sequence[int], form: Sequence[int], sign: int
) -> Fraction | None:
    """w != 0 with rest = gain * (sign * w * form), or gain * sign * (row + w * form); exact."""
    lead = next((k for k, v in enumerate(form) if v), None)
    if not gain or lead is None or not any(rest):
        return None
    for share in (0, 1):
        extra = [sign * v / gain - share * w for v, w in zip(rest, row, strict=True)]
        weight = extra[lead] / form[lead]
        if weight and all(e == weight * f for e, f in zip(extra, form, strict=True)):
            return weight
    return None


def settle(survey: Survey, z: int, unit: int, weight: Fraction) -> Fraction:
    """Close an open weight; by what the row is multiplied then."""
    survey.idle[z].discard(unit)
    survey.revise()
    scale = survey.adjust(z, unit, weight) if weight else Fraction(1)
    survey.kept_active.discard((z, unit))
    return scale
