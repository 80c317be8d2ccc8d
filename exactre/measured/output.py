"""The output layer, and the signs of the last hidden one, from values at random points.

With rows u_z exact, f = sum A_z relu(u_z) + B . h + c over the layer h below: linear in A, B and c. B shows
the neurons whose active side is the other one, since relu(-u) = relu(u) - u. Then A and c are solved for
again without B, and snapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exactre.measured.known import Known
from exactre.measured.probe import Probe
from exactre.measured.snap import BFLOAT16, FLOAT16, FLOAT32, INTEGERS, Snapped, on_grid, snap
from exactre.measured.subset import subset, subset_sums
from exactre.oracle.measured import Array

_SPREAD = (0.5, 2.0, 8.0)
_GRID = 2.0**-8
_INTEGERS = -40.0  # binary logarithm of the false-positive bound
_REFINED = 3
_RESIDUAL = 8.0  # error bounds
_CHOICES = 14  # neurons whose sides are chosen in all ways
_ROW = -20.0  # binary logarithm of the chance that one of all choices gives a row of the grid
AGREES = 4.0  # error bounds between an answer and the recovered network's value
_SPREADS = 3.0
_PLACES = 60
_UNIT = 2.0**-53  # relative error of a float64
_SOLVED = 2.0**-44  # relative error of a least squares solution itself


@dataclass(frozen=True)
class Output:
    """Weights (m, k) and bias (m,) of the output, each within its error."""

    weight: Array
    weight_error: Array
    bias: Array
    bias_error: Array


@dataclass(frozen=True)
class Values:
    """Points (count, n) with answers (count, m) and their error bounds (count,)."""

    points: Array
    answers: Array
    errors: Array

    def extended(self, other: Values) -> Values:
        """These and the other's."""
        return Values(
            np.vstack([self.points, other.points]),
            np.vstack([self.answers, other.answers]),
            np.concatenate([self.errors, other.errors]),
        )


def sampled(probe: Probe, count: int, beside: Sequence[Array]) -> Values:
    """Answers at random points of several scales, and at the points `beside` the last layer's boundaries.

    A neuron that is seldom active is active beside its boundary at least.
    """
    rng = probe.rng
    if probe.box is not None:
        points = probe.box.low + rng.random((count, probe.dim)) * probe.box.width
    else:
        points = rng.normal(size=(count, probe.dim)) * rng.choice(_SPREAD, size=(count, 1))
    points = probe.rounded(np.rint(np.vstack([points, *beside]) / _GRID) * _GRID)
    if probe.box is not None:
        points = np.clip(points, probe.box.low, probe.box.high)
    return Values(points, *probe.answers(points))


def unknowns(known: Known, signed: bool) -> int:
    """How many numbers of each output have to be solved for."""
    below = len(known.layers[-2].bias) if len(known.layers) > 1 else known.dim
    return len(known.layers[-1].bias) + 1 + (0 if signed else below)


def last_signs(known: Known, values: Values) -> NDArray[np.int64] | None:
    """Signs (k,) of the last layer's rows; None where the values do not tell."""
    layer = known.layers[-1]
    hidden = known.values(values.points)
    below = values.points if len(known.layers) == 1 else np.maximum(hidden[-2], 0.0)
    k = len(layer.bias)
    features = np.hstack([np.maximum(hidden[-1], 0.0), below, np.ones((len(below), 1))])
    fitted = _fitted(features, values)
    if fitted is None or not np.isfinite(fitted[1][:k]).all():
        return None
    found, errors = fitted
    # B = -sum over the wrong ones of A_z row_z, for every output.
    system = np.vstack([-(layer.weight * a[:, None]).T for a in found[:k].T])
    target = np.concatenate(list(found[k:-1].T))
    slack = np.concatenate([np.abs(layer.weight.T) @ e[:k] + e[k:-1] for e in errors.T])
    told = np.isfinite(slack)
    system, target = system[told], target[told]
    if len(system) < k:
        chosen = subset(system, target, slack[told])
        return None if chosen is None else np.where(chosen, -1, 1)
    wrong, *_ = np.linalg.lstsq(system, target, rcond=None)
    nearest = np.rint(wrong)
    if not np.isin(nearest, (0.0, 1.0)).all() or (np.abs(wrong - nearest) > 0.01).any():
        return None
    return np.where(nearest == 1.0, -1, 1)


def with_constant(known: Known, values: Values) -> tuple[NDArray[np.int64], Snapped] | None:
    """Signs (k,) of the last layer, and the row of one more neuron, which is active everywhere.

    It bends nowhere; but it is what the answers have of the layer below that the neurons with the other
    active side (see `last_signs`) do not explain, and is on the grid. Its bias only shows in the output's.
    None where not exactly one choice of sides leaves a row of one sign on the grid.
    """
    layer = known.layers[-1]
    k = len(layer.bias)
    if len(known.layers) < 2 or k > _CHOICES:
        return None
    hidden = known.values(values.points)
    features = np.hstack([*(np.maximum(h, 0.0) for h in hidden[:-3:-1]), np.ones((len(values.points), 1))])
    fitted = _fitted(features, values)
    if fitted is None or not np.isfinite(fitted[1]).all():
        return None
    for found, errors in zip(*(part.T for part in fitted), strict=True):
        slack = np.abs(layer.weight.T) @ errors[:k] + errors[k:-1]
        rest = found[k:-1] + subset_sums((layer.weight * found[:k, None]).T)
        choices = np.flatnonzero((rest > slack).all(axis=1) | (rest < -slack).all(axis=1))
        rows = [(int(choice), snap(rest[choice], slack, FLOAT32)) for choice in choices]
        fits = [(c, s) for c, s in rows if s is not None and not s.open and s.false_positive + k < _ROW]
        if len(fits) == 1:
            choice, row = fits[0]
            return np.array([-1 if choice >> z & 1 else 1 for z in range(k)]), row
    return None


def solved(known: Known, values: Values, loose: Array | None = None) -> Output | None:
    """The output layer over an oriented network; None where no output layer gives the values.

    `loose` (count, k) bounds the errors of the last layer's values, where its rows are not exact.
    """
    hidden = np.maximum(known.values(values.points)[-1], 0.0)
    features = np.hstack([hidden, np.ones((len(hidden), 1))])
    fitted = _fitted(features, values)
    if fitted is not None and loose is not None:
        slack = loose @ np.abs(fitted[0][:-1]).max(axis=1)
        values = replace(values, errors=values.errors + 2 * slack)
        fitted = _fitted(features, values, is_independent=False)
    if fitted is None:
        return None
    found, errors = fitted
    if (np.abs(values.answers - features @ found) > _RESIDUAL * values.errors[:, None]).any():
        return None
    return Output(found[:-1].T, errors[:-1].T, found[-1], errors[-1])


def _fitted(features: Array, values: Values, *, is_independent: bool = True) -> tuple[Array, Array] | None:
    """Numbers (c, m) by which the features (count, c) give the values, and a bound on the error of each.

    The error is infinite where a feature is zero at every point. None where the others are dependent.
    """
    weights = 1 / values.errors[:, None]
    seen = (features != 0).any(axis=0)
    system = features[:, seen] * weights
    q, r = np.linalg.qr(system)
    if np.abs(np.diag(r)).min() <= _SOLVED * np.linalg.norm(system):
        return None
    inverse = np.linalg.solve(r, q.T)
    found = np.zeros((len(seen), values.answers.shape[1]))
    for _ in range(_REFINED):  # a product with the inverse alone leaves its rounding times the condition
        found[seen] += inverse @ ((values.answers - features @ found) * weights)
    spread = np.abs(inverse).sum(axis=1)
    if is_independent:  # as roundings of different answers are: their bounds add like squares
        spread = np.minimum(spread, _SPREADS * np.linalg.norm(inverse, axis=1))
    errors = np.full_like(found, np.inf)
    errors[seen] = spread[:, None] + np.abs(found[seen]) * _SOLVED
    return found, errors


def snapped(output: Output) -> Output:
    """The output on the coarsest grid that all its numbers lie on; an error of 0 is an exact number.

    A number that is not certain is the nearest one of the grid, or zero, or the one of fewest binary places
    within its error. Integers times a power of two, or
    floats, whose scale is known here: so a number that hits is certain where the grid leaves it one value.
    """
    values = np.hstack([output.weight, output.bias[:, None]])
    errors = np.hstack([output.weight_error, output.bias_error[:, None]])
    unit = _unit(output)
    if unit is not None:
        integers = np.rint(values / unit)
        if ((np.abs(values - integers * unit) <= errors) & (2 * errors < unit)).all():
            return _parts(integers * unit, np.zeros_like(errors))
    for grid in (BFLOAT16, FLOAT16, FLOAT32):
        nearest, certain = on_grid(values, errors, grid)
        if (np.abs(values - nearest) <= errors).all():
            break
    heard, hits = errors < np.abs(values), np.abs(values - nearest) <= errors
    nearest = np.where(heard, np.where(hits, nearest, _simplest(values, errors)), 0.0)
    return _parts(nearest, np.where(certain & heard, 0.0, errors))


def _simplest(values: Array, errors: Array) -> Array:
    """The numbers of fewest binary places within the errors of values."""
    found = values
    for places in range(_PLACES, -1, -1):
        rounded = np.ldexp(np.rint(np.ldexp(values, places)), -places)
        found = np.where(np.abs(rounded - values) <= errors, rounded, found)
    return found


def with_bias(known: Known, found: Output, values: Values) -> Output:
    """The output, whose weights are exact, with the bias that many answers have in common.

    A neuron that is active everywhere leaves the bias off the grid: its own bias, times its weight, is in it.
    """
    h = values.points.astype(np.longdouble)
    for layer in known.layers:
        h = np.maximum(h @ layer.weight.T + layer.bias, 0.0)
    rest = values.answers - h @ found.weight.T
    weights = values.errors**-2.0
    bias = (weights @ rest / weights.sum()).astype(np.float64)
    error = _SPREADS * weights.sum() ** -0.5 + np.abs(bias) * _UNIT
    return snapped(replace(found, bias=bias, bias_error=error))


def _unit(output: Output) -> float | None:
    """The power of two of which all weights are small integers, if chance does not explain that."""
    found = snap(output.weight.ravel(), output.weight_error.ravel(), INTEGERS)
    if found is None or found.open or found.false_positive > _INTEGERS:
        return None
    return float(2.0 ** np.rint(-np.log2(abs(found.scale))))


def _parts(values: Array, errors: Array) -> Output:
    return Output(values[:, :-1], errors[:, :-1], values[:, -1], errors[:, -1])


def predicted(known: Known, output: Output, points: Array) -> Array:
    """The recovered network's values (count, m) at points (count, n), in float64."""
    hidden = np.maximum(known.values(points)[-1], 0.0)
    return np.asarray(hidden @ output.weight.T + output.bias)


def refuting(known: Known, output: Output, probe: Probe) -> tuple[Array, int]:
    """Points (wrong, n) with answers on record that the network does not give; how many are on record."""
    wrong, count = [], 0
    for points, answers in probe.ledger.replay():
        off = np.abs(predicted(known, output, points) - answers).max(axis=1)
        wrong.append(points[off > AGREES * probe.noise.bound(points)])
        count += len(points)
    return np.concatenate(wrong), count
