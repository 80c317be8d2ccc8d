"""Candidates for neurons of the next layer: bends with proportional coefficients, and what they say together.

At a bend of a neuron over a known layer the normal is a combination of the forms of the layer's *active*
neurons; its coefficients are the neuron's weights there, up to one scale, each with an error bound. Bends of
one neuron agree where they overlap, and each entry is taken from the bend that shows it best.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import ROUNDING, Known
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

CLEAR = 2.0**-8  # relative error of the scale
AGREEMENT = -24.0  # binary logarithm of the chance that two strangers agree
_SPARE = 1
RESIDUAL = 2.0
_PLACES = 3
_LONG = 512
_DROPPED = 8  # up to one in so many places may be another neuron's
_FITS = 2.0  # error bounds


@dataclass
class Candidate:
    """A row and its bias (p + 1,) up to scale: `values` within `errors`, infinite where not shown."""

    values: Array
    errors: Array
    bends: list[Bend] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Relative error of the entry that is known best."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.nanmin(self.errors / np.abs(self.values)))

    def absorb(self, other: Candidate) -> None:
        """Take in the bends of a candidate that is proportional."""
        ratios = quality(self.values, self.errors, other.values, other.errors)
        lead = int(ratios.argmin())
        scale = self.values[lead] / other.values[lead]
        turned = other.values * scale
        turned_errors = other.errors * abs(scale) + np.abs(turned) * ratios[lead]
        # Independent measurements: weighted by precision. An infinite error has weight zero.
        own, others = self.errors**-2.0, turned_errors**-2.0
        with np.errstate(invalid="ignore", divide="ignore"):
            self.values = np.where(
                own + others > 0, (self.values * own + turned * others) / (own + others), 0.0
            )
            self.errors = (own + others) ** -0.5
        self.bends += other.bends


def quality(values: Array, errors: Array, others: Array, other_errors: Array) -> Array:
    """Relative error of the ratio of entries, infinite where it has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = errors / np.abs(values) + other_errors / np.abs(others)
    return np.where(np.isnan(found), np.inf, found)


def coefficients(known: Known, depth: int, bend: Bend) -> tuple[Array, Array] | None:
    """Weights and bias (p + 1,) up to scale, and errors, of a neuron over layer `depth` that bends here.

    Depth 0 are the inputs. None where the normal is no combination of the active neurons' forms, or where
    there are so many of them that any normal would be. The bias tells parallel boundaries apart: those of
    deeper neurons over one active unit are parallel to the unit's.
    """
    values, forms = known.cell(bend.point).below(depth)
    row, errors = bend.normal, bend.normal_error
    if depth:
        active = np.flatnonzero(values > 0)
        found = combination(forms[active], active, len(values), bend, _SPARE)
        if found is None:
            return None
        row, errors = found
    shown = np.isfinite(errors)
    error = abs(float(bend.normal @ bend.v)) * bend.error + float(
        np.hypot.reduce(errors[shown] * values[shown])
    )
    error += float(np.abs(row) @ np.abs(values)) * ROUNDING
    return np.append(row, -float(row @ values)), np.append(errors, error)


def combination(
    forms: Array, index: NDArray[np.int64], width: int, bend: Bend, spare: int
) -> tuple[Array, Array] | None:
    """The unique c with c forms = normal, as entries `index` of a row of `width`, with error bounds."""
    n = forms.shape[1]
    if not len(index) or len(index) > n - spare:
        return None
    u, s, vt = np.linalg.svd(forms, full_matrices=False)
    if s[-1] <= s[0] * 2.0**-20:
        return None
    inverse = (vt.T / s) @ u.T  # (n, active)
    error = bend.normal_error + np.abs(bend.normal).max() * ROUNDING
    found = bend.normal @ inverse
    residual = bend.normal - found @ forms
    if np.linalg.norm(residual) > RESIDUAL * np.linalg.norm(error):
        return None
    values, errors = np.zeros(width), np.full(width, np.inf)
    values[index] = found
    errors[index] = np.sqrt(error**2 @ inverse**2) + np.abs(found) * ROUNDING
    return values, errors


def refined(known: Known, depth: int, candidate: Candidate) -> Candidate:
    """The candidate with what the places of its bends say: row . h + bias = 0 at each, far apart as they are.

    Weighted least squares over the entries and the bias, the leading entry held. Left as it is where that
    does not fit, or where there is nothing to gain.
    """
    entries = np.flatnonzero(np.isfinite(candidate.errors[:-1]))
    values, errors = candidate.values[entries], candidate.errors[entries]
    if len(candidate.bends) < _PLACES or len(entries) > _LONG or not len(entries):
        return candidate
    with np.errstate(divide="ignore", invalid="ignore"):
        lead = int(np.argmin(np.where(values != 0, errors / np.abs(values), np.inf)))
    if not values[lead]:
        return candidate
    relative = errors[lead] / abs(values[lead])
    prior = values / values[lead]
    spread = errors / abs(values[lead]) + np.abs(prior) * relative
    rows, targets, places = [], [], []
    for place, bend in enumerate(candidate.bends):
        cell = known.cell(bend.point)
        below = cell.below(depth)[0]
        if np.delete(below, entries).any():
            continue
        here = below[entries]
        error = abs(float(prior @ cell.speeds(depth, bend.v)[entries])) * bend.error
        error += float(np.abs(prior) @ np.abs(here)) * ROUNDING
        if error > 0:
            rows.append(np.append(here, 1.0) / error)
            targets.append(-here[lead] / error)
            places.append(place)
    free = [k for k in range(len(entries)) if k != lead]
    # Unknowns are the differences from the prior, in units of its spread, and the bias.
    scale = np.append(spread[free], 1.0)
    dropped: list[int] = []
    while True:
        if len(rows) < _PLACES:
            return candidate
        table = np.array(rows)
        known_part = np.array(targets) - table[:, free] @ prior[free]
        whole = np.vstack([np.eye(len(free), len(free) + 1), table[:, [*free, len(entries)]] * scale])
        target = np.concatenate([np.zeros(len(free)), known_part])
        inverse = np.linalg.pinv(whole, rcond=2.0**-50)
        found = inverse @ target
        off = np.abs(whole @ found - target)
        if (off <= _FITS).all():
            break
        # A kink of another neuron may have been taken for one of this.
        worst = int(off[len(free) :].argmax())
        dropped.append(places.pop(worst))
        del rows[worst], targets[worst]
        if len(dropped) * _DROPPED > len(candidate.bends):
            return candidate
    better_values, better_errors = candidate.values.copy(), candidate.errors.copy()
    better_values[entries[free]] = (prior[free] + found[:-1] * scale[:-1]) * values[lead]
    deviations = np.sqrt((inverse**2).sum(axis=1))[:-1] * scale[:-1]
    better_errors[entries[free]] = deviations * abs(values[lead])
    # The scale is free, so that the leading entry may be taken for exact.
    better_errors[entries[lead]] = abs(values[lead]) * ROUNDING
    bends = [bend for place, bend in enumerate(candidate.bends) if place not in dropped]
    return Candidate(better_values, better_errors, bends)
