"""What the scanned lines say, and how well a hypothesised neuron explains it.

A survey holds every kink found on every line, the known neurons, and their exact values at the probes
beside each kink. A neuron that flips at a kink explains it; a neuron that flips between two probes where
the lines show no kink is contradicted there (or invisible: all that it feeds is inactive).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.recover.floats import FloatModel
from exactre.recover.group import Weights, active_weights
from exactre.recover.guess import Vector
from exactre.recover.jet import Jets
from exactre.recover.line import REACH, Form, Kink, Line, is_at, scan
from exactre.recover.model import Model, Neuron, Sampled, Signs
from exactre.recover.modular import PRIME, Residues, modular, modular_gradient
from exactre.recover.trace import BoundaryPiece

BASE_BITS = 12
_FEW = 8  # unexplained kinks
_SHARED = 16  # kinks of a neuron to one that seems another's too


@dataclass(frozen=True)
class Evidence:
    """Kinks where a neuron flips, and the number of flips between probes where no kink was found."""

    explained: tuple[int, ...]
    misses: int

    def is_borne_out(self, owner: Sequence[int | None], least: int = 2, *, weight: int = 3) -> bool:
        """Whether `least` kinks or more speak for a neuron, hardly any another's, and few flips against it.

        A flip that is missed weighs as much as so many kinks. Where a kink was expected by mistake, two that
        are close pass for one.
        """
        taken = sum(owner[kink] is not None for kink in self.explained)
        return _SHARED * taken <= len(self.explained) >= max(least, weight * self.misses)


class Survey:
    """Scanned lines and known neurons. `orientation` is {neuron: +-1}; `owner[i]` explains kink i.

    `base` (r,) is a generic chart point over 2^12: the outputs' pieces there say what no kink says.
    """

    def __init__(self, jets: Jets, base: Sequence[int]) -> None:
        self.jets = jets
        self.kinks: list[Kink] = []
        self.line: list[int] = []
        self.lines: list[Line] = []
        self.owner: list[int | None] = []
        self._confirmed: dict[int, bool] = {}
        self._targets: list[NDArray[np.int64]] = []  # the kinks' forms modulo the prime
        self.orientation: dict[int, int] = {}
        self.idle: dict[int, set[int]] = {}  # units of the layer before whose weight was not seen
        self.kept_active: set[tuple[int, int]] = set()  # those of them active wherever a neuron was seen
        self.of_many: set[int] = set()  # neurons with such units: other rows fit too, this one may have skips
        self.given: set[tuple[int, int]] = set()  # weights (neuron, unit) that others may have a share in
        self.certain: set[int] = set()  # neurons whose rows rest on more than the kinks that they explain
        self.hidden: set[int] = set()  # those of them that flip unseen, or where two others do, in a maximum
        self.straight: set[int] = set()  # first-layer neurons that were seen to go on across the others
        self.bent: set[Form] = set()  # hyperplanes that a boundary leaves where it meets another
        self._sampled = Sampled(Model(jets.dim))
        self.base = fmpz_mat(1, jets.dim, list(base))
        self.base_piece = jets.at(self.base, BASE_BITS)[0]
        self._sampled.add_points([(*base, 1 << BASE_BITS)])
        # Consecutive probes, and the kink between them or -1.
        self._steps: NDArray[np.int64] = np.zeros((0, 3), dtype=np.int64)
        self._before: list[int] = []  # the probe just before each kink
        self._modular: list[NDArray[np.int64]] = []  # (kinks, r + 1) forms of each neuron before each kink
        self._floats: tuple[Model, FloatModel] | None = None
        self._weights: dict[tuple[int, ...], dict[tuple[int, bool], Weights | None]] = {}
        self.version = 0  # of what is known of neurons that are not new
        self.drops = 0  # how often the neurons' numbers have changed

    @property
    def model(self) -> Model:
        """The known neurons."""
        return self._sampled.model

    def scan(self, line: Line, low: Fraction = -REACH, high: Fraction = REACH) -> list[int]:
        """Scan a line and index its kinks; the known neurons' flips are looked at first."""
        number = len(self.lines)
        self.lines.append(line)
        flips = self.floats().flips(*line.floats(), float(low), float(high))
        sure, doubtful = ([t for t, z in flips if (z in self.hidden) == is_hidden] for is_hidden in (0, 1))
        kinks = scan(self.jets, line, sure, doubtful=doubtful, low=low, high=high)
        ends = [low, *(t for kink in kinks for t in (kink.t0, kink.t1)), high]
        start = len(self._sampled.points)
        num, q = line.at(ends)
        self._sampled.add_points([(*(int(v) for v in row), 1 << q) for row in num.tolist()])
        first = len(self.kinks)
        steps = [(start + i, start + i + 1, first + i // 2 if i % 2 else -1) for i in range(len(ends) - 1)]
        self._steps = np.vstack([self._steps, np.array(steps, dtype=np.int64)])
        self._before += [start + 1 + 2 * i for i in range(len(kinks))]
        self.kinks += kinks
        self._targets += [modular(kink.form) for kink in kinks]
        self.line += [number] * len(kinks)
        self.owner += [None] * len(kinks)
        for z in self.model.by_depth():
            fresh = self._modular_forms(self.model.neurons[z], np.arange(first, len(self.kinks)))
            self._modular[z] = np.vstack([self._modular[z], fresh])
            self._explain(z)
        return list(range(first, len(self.kinks)))

    def scan_chain(self, points: Vector) -> None:
        """Scan the segments from each of the points (P, r), in sixteenths, to the next."""
        grid = [[round(float(v) * 16) for v in point] for point in points]
        for p, q in pairwise(grid):
            self.scan(Line.through(p, q, 4), Fraction(0), Fraction(1))

    def add(self, neuron: Neuron, idle: Collection[int] = (), kept_active: Collection[int] = ()) -> int:
        """Accept a neuron whose parents are known, and which leaves weights open; its index."""
        self._sampled.add_neuron(neuron)
        self._modular.append(self._modular_forms(neuron, np.arange(len(self.kinks))))
        z = len(self.model) - 1
        self.idle[z] = set(idle)
        self.kept_active |= {(z, j) for j in kept_active}
        self.of_many |= {z} if kept_active else set()
        self._explain(z)
        return z

    def confirms(self, kink: int) -> bool:
        """Whether queries show a kink that was expected; two, once for each kink.

        Where a neuron was expected by mistake, two kinks on two hyperplanes pass for one on a third.
        """
        found = self.kinks[kink]
        if kink not in self._confirmed:
            self._confirmed[kink] = found.confirmed or is_at(self.jets, found)
        return self._confirmed[kink]

    def unexplained(self) -> list[int]:
        """Kinks that no known neuron explains."""
        return [i for i, owner in enumerate(self.owner) if owner is None]

    def is_late(self) -> bool:
        """Whether so little is unexplained that a neuron is believed as long as nothing speaks against it."""
        return self.owner.count(None) <= _FEW

    def signs(self, kink: int) -> Signs:
        """Signs of the known neurons just before a kink."""
        return tuple(self._sampled.signs[:, self._before[kink]].tolist())

    def signs_after(self, kink: int) -> Signs:
        """Signs of the known neurons just after a kink."""
        return tuple(self._sampled.signs[:, self._before[kink] + 1].tolist())

    def sides_of(self, z: int) -> list[tuple[int, int]]:
        """The oriented units on which a neuron's weights are open, with the signs where they would matter."""
        return [(j, self.beyond(z, j)) for j in sorted(self.idle.get(z, ())) if j in self.orientation]

    def beyond(self, z: int, unit: int) -> int:
        """The sign of an oriented unit where a neuron's open weight on it, added to its row, would matter.

        That is where the unit is active, or inactive if it is active wherever the boundary was seen.
        """
        return self.side(unit, (z, unit) in self.kept_active)

    def side(self, unit: int, is_kept_active: bool) -> int:
        """The sign of an oriented unit where it is active; where it is not, if it is kept active."""
        return -self.orientation[unit] if is_kept_active else self.orientation[unit]

    def matters_before(self, pairs: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
        """Whether each of these open weights (neuron, unit) matters just before each kink (pairs, kinks)."""
        signs = self._sampled.signs[np.ix_([unit for _, unit in pairs], self._before)]
        matters: NDArray[np.bool_] = signs == _column([self.beyond(*pair) for pair in pairs])
        return matters

    def base_signs(self) -> Signs:
        """Signs of the known neurons at the base point, whose affine piece is `base_piece`."""
        return tuple(self._sampled.signs[:, 0].tolist())

    def piece(self, kink: int) -> BoundaryPiece:
        """The boundary piece at a kink, at scale one."""
        return BoundaryPiece(self.signs(kink), self.kinks[kink].form, Fraction(1), self.near(kink))

    def modular_forms(self, kink: int) -> Residues:
        """The known neurons' forms (N, r + 1) just before a kink, modulo the prime."""
        forms: Residues = np.stack([table[kink] for table in self._modular])
        return forms

    def modular_target(self, kink: int) -> Residues:
        """A kink's form (r + 1,) modulo the prime."""
        return self._targets[kink]

    def near(self, kink: int) -> Vector:
        """The kink's point (r,) as floats."""
        p, v = self.kinks[kink].line.floats()
        return p + float(self.kinks[kink].t) * v

    def weights(self, kink: int, layer: Sequence[int], orientation: Mapping[int, int]) -> Weights | None:
        """The layer's combination, with its constant, that gives a kink's form; None where not unique."""
        return self._combination(kink, layer, orientation, False)

    def gradient_weights(
        self, kink: int, layer: Sequence[int], orientation: Mapping[int, int]
    ) -> Weights | None:
        """The layer's combination that gives the first output's gradient just before a kink."""
        return self._combination(kink, layer, orientation, True)

    def _combination(
        self, kink: int, layer: Sequence[int], orientation: Mapping[int, int], gradient: bool
    ) -> Weights | None:
        if self.spare([kink], layer, orientation)[0] < 0:
            return None
        known = self._weights.setdefault((*layer, *(orientation.get(j, 0) for j in layer)), {})
        if (kink, gradient) not in known:
            forms = {j: self._modular[j][kink] for j in layer}
            target = modular_gradient(self.kinks[kink].left, 0) if gradient else self._targets[kink]
            known[kink, gradient] = active_weights(layer, self.signs(kink), forms, target, orientation)
        return known[kink, gradient]

    def spare(
        self, kinks: Sequence[int] | NDArray[np.int64], layer: Sequence[int], orientation: Mapping[int, int]
    ) -> NDArray[np.int64]:
        """How many equations (kinks,) a combination of the layer has to spare before kinks, at the most.

        The rank is bounded by the active neurons of each layer before, and the layer's units that may be
        active are unknowns. Negative where it cannot be unique, or an open weight matters.
        """
        signs = self._sampled.signs[:, np.array(self._before, dtype=np.int64)[list(kinks)]]
        depth = self.model.depth[layer[0]]
        rank = np.full(len(kinks), self.jets.dim)
        for lower in (self.layer(d) for d in range(depth)):
            if all(j in self.orientation for j in lower):
                oriented = _column([self.orientation[j] for j in lower])
                rank = np.minimum(rank, (signs[lower] == oriented).sum(axis=0))
        given = np.array([orientation.get(j, 0) for j in layer], dtype=np.int8)[:, None]
        active = ((signs[layer] == given) | (given == 0)).sum(axis=0)
        return np.where(_any_beyond(signs, self.open_sides(depth)), -1, rank - active)

    def showing(self, z: int, unit: int) -> list[int]:
        """Unexplained kinks that fit a neuron's row with another weight on an open unit, modulo the prime.

        Of the row's open units this one alone is active there, and the kink's form is a combination of both.
        """
        idle = sorted(self.idle[z])
        expected = np.array([j == unit for j in idle])
        fits = (self.matters_before([(z, j) for j in idle]) == expected[:, None]).all(axis=0)
        found = np.flatnonzero(fits & np.array([owner is None for owner in self.owner], dtype=bool))
        if not len(found):
            return []
        row, form = self._modular[z][found], self._modular[unit][found]
        target = np.stack([self._targets[i] for i in found.tolist()])
        # With the row taken out by its first column, what is left of the other two has to be parallel.
        lead = row[:, :1]
        form, target = ((lead * v % PRIME - v[:, :1] * row) % PRIME for v in (form, target))
        parallel = (form[:, 1:2] * target - target[:, 1:2] * form) % PRIME == 0
        kept: list[int] = found[parallel.all(axis=1)].tolist()
        return kept

    def layer(self, depth: int) -> list[int]:
        """The known neurons of one depth."""
        return [j for j, d in enumerate(self.model.depth) if d == depth]

    def is_reliable_at(self, values: Sequence[float] | NDArray[np.generic], depth: int) -> bool:
        """Whether no open weight matters to neurons up to a depth, where the neurons have these values."""
        return not any(values[unit] * side > 0 for unit, side in self.open_sides(depth))

    def open_sides(self, depth: int) -> list[tuple[int, int]]:
        """The oriented units whose weights are open in rows of neurons up to a depth, where they matter."""
        open_ = {
            (j, self.beyond(z, j))
            for z, units in self.idle.items()
            if self.model.depth[z] <= depth
            for j in units & self.orientation.keys()
        }
        return sorted(open_)

    def evidence(
        self, neuron: Neuron, idle: Collection[int] = (), kept_active: Collection[int] = ()
    ) -> Evidence:
        """What the scanned lines say about a neuron over known ones: late, where no open weight matters.

        `idle` are the units whose weights its own row leaves open, `kept_active` those that matter where they
        are inactive. While much is unexplained, a wrong row with open weights is told by where the lines
        speak against it; but where units are kept active, the row is any of those that fit.
        """
        depth = 1 + max((self.model.depth[j] for j in neuron.parents), default=-1)
        sides = [(j, self.side(j, j in kept_active)) for j in idle if j in self.orientation]
        unsure = self._unsure([*self.open_sides(depth - 1), *sides], bool(kept_active))
        return self._evidence(self._sampled.evaluate(neuron) > 0, unsure)

    def evidence_of(self, z: int) -> Evidence:
        """What the scanned lines say about a known neuron, where no open weight before it matters.

        Late, where none of its own does.
        """
        before = _any_beyond(self._sampled.signs, self.open_sides(self.model.depth[z] - 1))
        own = self._unsure(self.sides_of(z), z in self.of_many)
        return self._evidence(self._sampled.signs[z] > 0, before | own)

    def _unsure(self, sides: Sequence[tuple[int, int]], is_free: bool) -> NDArray[np.bool_]:
        """The probes at which open weights matter, at these sides; none before it is late.

        Always, if the row is free to be another.
        """
        if not self.is_late() and not is_free:
            return np.zeros(len(self._sampled.points), dtype=bool)
        return _any_beyond(self._sampled.signs, sides)

    def evidence_of_choice(self, forms: Sequence[Sequence[int]]) -> Evidence:
        """What the scanned lines say about a maximum of forms: it bends where the greatest one changes."""
        values = np.stack([self._sampled.evaluate(Neuron({}, tuple(form))) for form in forms])
        greatest = values.argmax(axis=0)
        first, second, kinks = self._steps.T
        changes = kinks[greatest[first] != greatest[second]]
        return Evidence(tuple(changes[changes >= 0].tolist()), int((changes < 0).sum()))

    def _evidence(self, positive: NDArray[np.bool_], unsure: NDArray[np.bool_]) -> Evidence:
        first, second, kinks = self._steps.T
        kinks = kinks[self._flips(positive) & ~(unsure[first] | unsure[second])]
        explained = kinks[kinks >= 0]
        return Evidence(tuple(explained.tolist()), len(kinks) - len(explained))

    def without(self, dropped: set[int]) -> None:
        """Forget neurons, and those that read them."""
        self.drops += 1
        model = self.model
        kept: dict[int, int] = {}
        for z in model.by_depth():
            if z not in dropped and all(j in kept for j in model.neurons[z].parents):
                kept[z] = len(kept)
        self.certain = {kept[z] for z in self.certain if z in kept}
        self.hidden = {kept[z] for z in self.hidden if z in kept}
        self.straight = {kept[z] for z in self.straight if z in kept}
        self._sampled.keep(list(kept))
        self._modular = [self._modular[z] for z in kept]
        self.orientation = {kept[z]: s for z, s in self.orientation.items() if z in kept}
        self.idle = {
            kept[z]: {kept[j] for j in units if j in kept} for z, units in self.idle.items() if z in kept
        }
        self.given = {(kept[z], kept[unit]) for z, unit in self.given if z in kept and unit in kept}
        self.of_many = {kept[z] for z in self.of_many if z in kept}
        self.kept_active = {(kept[z], kept[j]) for z, j in self.kept_active if z in kept and j in kept}
        self.revise()
        self._explain_all()

    def revise(self) -> None:
        """Forget what was computed from the neurons as they were."""
        self.version += 1
        self._weights = {}

    def adjust(self, z: int, unit: int, weight: Fraction) -> Fraction:
        """Add weight * relu(+-u_unit) to a neuron's row, and to all that read it in a layered way.

        Returns by what the sum is multiplied to be a row of integers again.
        """
        model, side = self.model, self.beyond(z, unit)
        changes: dict[int, _Terms] = {z: _relu_terms(model, unit, side, weight)}
        scales: dict[int, Fraction] = {}
        neurons: dict[int, Neuron] = {}
        for y in model.by_depth():
            neuron = model.neurons[y]
            read = [p for p in neuron.parents if p in changes]
            if y != z and not read:
                continue
            change = changes.setdefault(y, ({}, [Fraction(0)] * (model.dim + 1)))
            for p in read:
                # a |u_p| + a s u_p is what a ReLU of u_p contributes; |u_p| follows by itself.
                _add(change, changes[p], neuron.parents[p] * self.orientation.get(p, 0))
            parents = {p: a / scales.get(p, Fraction(1)) for p, a in neuron.parents.items()}
            total: _Terms = (
                {p: Fraction(a) for p, a in parents.items()},
                [Fraction(v) for v in neuron.linear],
            )
            _add(total, ({p: a / scales.get(p, Fraction(1)) for p, a in change[0].items()}, change[1]), 1)
            den = lcm(*(v.denominator for v in (*total[0].values(), *total[1])))
            ints = {p: int(a * den) for p, a in total[0].items()}, [int(v * den) for v in total[1]]
            neurons[y] = Neuron.primitive(*ints)
            scales[y] = Fraction(den, gcd(*ints[0].values(), *ints[1]) or 1)
        changed = self._sampled.signs[unit] == side
        self._sampled.replace(neurons, scales, changed)
        self.revise()
        kinks = np.flatnonzero(changed[self._before])
        for y in (y for y in self.model.by_depth() if y in neurons):
            scale = scales[y].numerator % PRIME * pow(scales[y].denominator, -1, PRIME) % PRIME
            self._modular[y] = self._modular[y] * scale % PRIME
            self._modular[y][kinks] = self._modular_forms(self.model.neurons[y], kinks)
        self._explain_all()
        return scales[z]

    def least_gain(self, z: int, sign: int) -> Fraction:
        """The least weight on all open units with which a neuron has this sign where they matter."""
        sides = self.sides_of(z)
        least = Fraction(0)
        for probe in np.flatnonzero(_any_beyond(self._sampled.signs, sides)).tolist():
            if self._sampled.signs[z, probe] != sign:
                gain = sum(
                    self._sampled.size(j, probe) for j, s in sides if self._sampled.signs[j, probe] == s
                )
                least = max(least, Fraction(self._sampled.size(z, probe), gain))
        return least

    def _explain(self, z: int) -> None:
        """Let a neuron own the kinks where it flips, if its row is not one of many there."""
        sides = self.sides_of(z) if z in self.of_many else []
        unsure = _any_beyond(self._sampled.signs, sides)
        for step in np.flatnonzero(self._flips(self._sampled.signs[z] > 0)).tolist():
            first, second, kink = self._steps[step].tolist()
            if kink >= 0 and not (unsure[first] or unsure[second]):
                self.owner[kink] = z

    def _explain_all(self) -> None:
        self.owner = [None] * len(self.kinks)
        for z in range(len(self.model)):
            self._explain(z)

    def _flips(self, positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """In which steps between probes these values change sign."""
        first, second, _ = self._steps.T
        found: NDArray[np.bool_] = positive[first] != positive[second]
        return found

    def _modular_forms(self, neuron: Neuron, kinks: NDArray[np.int64]) -> Residues:
        """The neuron's forms (kinks, r + 1) modulo the prime before some kinks."""
        before = np.array(self._before, dtype=np.int64)[kinks]
        total = np.tile(modular(neuron.linear), (len(kinks), 1))
        for j, a in neuron.parents.items():
            weights = a % PRIME * self._sampled.signs[j, before].astype(np.int64) % PRIME
            total = (total + weights[:, None] * self._modular[j][kinks]) % PRIME
        return total

    def floats(self) -> FloatModel:
        """The known neurons as floats."""
        if self._floats is None or self._floats[0] is not self.model:
            self._floats = (self.model, FloatModel(self.model))
        return self._floats[1]


def _column(signs: Sequence[int]) -> NDArray[np.int8]:
    return np.array(signs, dtype=np.int8)[:, None]


def _any_beyond(signs: NDArray[np.int8], sides: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """At which points (count,) of signs (neurons, count) one of the (neuron, sign) has this sign."""
    found: NDArray[np.bool_] = (signs[[j for j, _ in sides]] == _column([s for _, s in sides])).any(axis=0)
    return found


# Coefficients {neuron: a} on |u|, and an affine part (r + 1,).
_Terms = tuple[dict[int, Fraction], list[Fraction]]


def _relu_terms(model: Model, unit: int, sign: int, weight: Fraction) -> _Terms:
    """weight * relu(sign * u_unit) in the canonical form: (|u| + sign u) / 2."""
    neuron, half = model.neurons[unit], weight / 2
    terms = {j: sign * half * a for j, a in neuron.parents.items()}
    return {**terms, unit: half}, [sign * half * v for v in neuron.linear]


def _add(total: _Terms, terms: _Terms, factor: int) -> None:
    for j, a in terms[0].items():
        total[0][j] = total[0].get(j, Fraction(0)) + factor * a
    total[1][:] = [v + factor * w for v, w in zip(total[1], terms[1], strict=True)]
