"""How far an oracle's answers are from the function: noise, rounding, saturation, non-determinism.

Measured before anything else, on micro-segments: three points so close together that hardly any boundary
lies between them, whose answers would be collinear without noise. The bound grows with the point's size,
since the sums inside a network do, and is smaller where the coordinates are short numbers, whose products
with weights are exact. Errors of different answers are independent, so that their bounds add like
squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exactre.measured.domain import Box
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import Array

_SCALES = (2.0**-2, 1.0, 2.0**4, 2.0**8)
_SEGMENTS = 16
_QUANTILE = 0.8
# The 0.8 quantile of a normal second difference is 3.1 standard deviations of one answer; 6
# are more than enough at most points, but the noise is not the same everywhere.
_SAFETY = 2.0
_REPEATED = 6
_SIGNIFICANDS = (8, 11, 24)
_DIGITS = range(1, 10)
_ENOUGH = 10  # bits of an answer without which not even eight-bit weights can be told apart
_ULPS = 2.0**-46  # what another order of summation changes is not worth a word
_SHORT_BITS = 26  # of a coordinate, relative to the largest one


@dataclass(frozen=True)
class Level:
    """Bound `constant + slope * |x|` (Euclidean length) on the error of every entry of an answer at x."""

    constant: float
    slope: float

    def bound(self, sizes: Array) -> Array:
        """Bounds (count,) at points of these lengths (count,)."""
        return self.constant + self.slope * sizes


@dataclass(frozen=True)
class Noise:
    """Error bounds at points of short and of long coordinates.

    `bits` is about how many bits of an answer carry the function, `statements` what was found, for a person.
    """

    short: Level
    long: Level
    bits: float
    statements: tuple[str, ...]

    def bound(self, points: Array) -> Array:
        """Error bounds (count,) of the answers at points (count, n)."""
        sizes = np.linalg.norm(points, axis=-1)
        largest = np.abs(points).max(axis=-1, keepdims=True)
        unit = np.ldexp(1.0, np.frexp(largest)[1] - _SHORT_BITS)
        is_short = (np.rint(points / unit) * unit == points).all(axis=-1)
        return np.where(is_short, self.short.bound(sizes), self.long.bound(sizes))

    @property
    def is_hopeless(self) -> bool:
        """Whether the answers are too rough for every grid of weights."""
        return self.bits < _ENOUGH


def measure(ledger: FloatLedger, box: Box | None, rng: np.random.Generator) -> Noise:
    """Measure the noise of an oracle with about 400 queries. Raises what the ledger raises."""
    double = ledger.arithmetic == "float64"
    near = 2.0**-16 if double else 2.0**-10
    # Long steps have to be long numbers too: a sum that grows by a short one is rounded as before.
    grids = (near, 2.0**-49 if double else 2.0**-20)
    (short, points, answers), (long, more_points, more) = (
        _segments(ledger, box, grid, near, rng) for grid in grids
    )
    statements = []
    errors = [np.zeros(len(_SCALES)) for _ in range(2)]
    rounding = _rounding(np.concatenate([*answers, *more]))
    if rounding is not None:
        statements.append(rounding.text)
        errors = [np.array([rounding.error(y) for y in found]) for found in (answers, more)]
    again = np.concatenate([x[:_REPEATED] for x in points[:2]])
    before, now = ledger.again(again)
    spread = float(np.abs(before - now).max())
    if spread > _ULPS * float(np.abs(now).max()):
        statements.append(f"the same query has answers up to {spread:.2g} apart")
        errors = [np.maximum(error, 2 * spread) for error in errors]
    statements += _saturation(points, answers)
    # Coarse weights and short coordinates may add up without rounding: a level of zero would be no bound.
    form = np.finfo(ledger.arithmetic)
    least = [np.array([form.eps * np.abs(y).max() + form.tiny for y in found]) for found in (answers, more)]
    levels = [np.maximum.reduce(found) for found in zip((short, long), errors, least, strict=True)]
    fitted = [_level(found, x) for found, x in zip(levels, (points, more_points), strict=True)]
    signal = float(np.ptp(more[1], axis=0).max())
    bits = float(np.log2(signal) - np.log2(levels[1][1])) if signal > 0 else 0.0
    worst = fitted[1]
    text = f"an answer at x is wrong by at most {worst.constant:.2g} + {worst.slope:.2g} |x|"
    return Noise(fitted[0], worst, bits, (text, *statements))


def _segments(
    ledger: FloatLedger, box: Box | None, grid: float, near: float, rng: np.random.Generator
) -> tuple[Array, list[Array], list[Array]]:
    """Noise bounds, points and answers at every scale, for coordinates that are multiples of `grid` of it."""
    scales = _SCALES if box is None else [box.width * 2.0**-k for k in (5, 4, 3, 2)]
    centre = 0.0 if box is None else box.middle
    levels, points, answers = [], [], []
    for scale in scales:
        unit = 2.0 ** np.ceil(np.log2(grid * max(scale, abs(centre))))
        shape = _SEGMENTS, ledger.input_dim
        spread = np.clip(rng.normal(size=shape), -1.75, 1.75)
        base = np.rint((centre + spread * scale) / unit) * unit
        length = np.maximum(np.rint(near * scale * rng.uniform(0.5, 1, shape) / unit), 1.0) * unit
        step = length * rng.choice([-1.0, 1.0], size=shape)
        x = np.concatenate([base - step, base, base + step])
        before, middle, after = np.split(ledger.ask(x), 3)
        bends = np.abs(before - 2 * middle + after).max(axis=1)
        levels.append(_SAFETY * float(np.quantile(bends, _QUANTILE)))
        points.append(base)
        answers.append(middle)
    return np.array(levels), points, answers


def _level(levels: Array, points: Sequence[Array]) -> Level:
    """The least constant, and then slope, above the levels at all scales."""
    constant = float(levels[0])
    sizes = np.array([np.linalg.norm(x, axis=1).min() for x in points])
    return Level(constant, max(0.0, float(((levels - constant) / sizes).max())))


@dataclass(frozen=True)
class _Rounding:
    """A rounding of all answers, whose error is `absolute` or `relative` to the largest one."""

    text: str
    absolute: float
    relative: float

    def error(self, answers: Array) -> float:
        return self.absolute + self.relative * float(np.abs(answers).max())


def _rounding(answers: Array) -> _Rounding | None:
    """What all answers are rounded to, if anything."""
    values = answers[answers != 0]
    if len(np.unique(values)) < 4:
        return None
    for digits in _DIGITS:
        if np.array_equal(np.round(values, digits), values):
            return _Rounding(f"answers are rounded to {digits} decimal places", 0.5 * 10.0**-digits, 0.0)
    for digits in _DIGITS:
        if all(float(f"{v:.{digits}g}") == v for v in values.tolist()):
            return _Rounding(f"answers are rounded to {digits} digits", 0.0, 0.5 * 10.0 ** (1 - digits))
    for bits in _SIGNIFICANDS:
        scaled = np.ldexp(np.frexp(values)[0], bits)
        if np.array_equal(np.rint(scaled), scaled):
            return _Rounding(f"answers have {bits} significant bits", 0.0, 2.0**-bits)
    return None


def _saturation(points: Sequence[Array], answers: Sequence[Array]) -> list[str]:
    """Outputs that hold one value at a quarter or more of the farthest points."""
    found = []
    for k, column in enumerate(answers[-1].T):
        values, counts = np.unique(column, return_counts=True)
        if counts.max() * 4 >= len(column):
            far = float(np.abs(points[-1]).max())
            value = values[counts.argmax()]
            found.append(f"output {k} is {value:.6g} at many points up to {far:.3g} away")
    return found
