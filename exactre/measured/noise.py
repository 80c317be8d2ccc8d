"""How far an oracle's answers are from the function: noise, rounding, saturation, non-determinism.

Measured before anything else, on micro-segments: three points so close together that hardly any boundary
lies between them, whose answers would be collinear without noise. The bound grows with the point's size,
since the sums inside a network do. A bound is five standard deviations of an answer; errors of answers are
independent, so bounds of sums of many add like their squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exactre.measured.domain import Box
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import Array

_SCALES = (2.0**-2, 1.0, 2.0**4, 2.0**8)
_SEGMENTS = 16
_QUANTILE = 0.8
# The 0.8 quantile of a normal second difference is 3.1 standard deviations of one answer; 5 bound them all.
_SAFETY = 1.6
_REPEATED = 6
_SIGNIFICANDS = (8, 11, 24)
_DIGITS = range(1, 10)
_ENOUGH = 10  # bits of an answer without which not even eight-bit weights can be told apart


@dataclass(frozen=True)
class Noise:
    """Bound `constant + slope * |x|` (Euclidean length) on the error of every entry of an answer at x.

    `bits` is about how many bits of an answer carry the function, `statements` what was found, for a person.
    """

    constant: float
    slope: float
    bits: float
    statements: tuple[str, ...]

    def bound(self, points: Array) -> Array:
        """Error bounds (count,) of the answers at points (count, n)."""
        return self.constant + self.slope * np.linalg.norm(points, axis=-1)

    @property
    def is_hopeless(self) -> bool:
        """Whether the answers are too rough for every grid of weights."""
        return self.bits < _ENOUGH


def measure(ledger: FloatLedger, box: Box | None, rng: np.random.Generator) -> Noise:
    """Measure the noise of an oracle with about 200 queries. Raises what the ledger raises."""
    n = ledger.input_dim
    fine = 2.0**-16 if ledger.arithmetic == "float64" else 2.0**-10
    scales = _SCALES if box is None else (min(1.0, box.width) / 4, box.width / 2)
    levels, points, answers = [], [], []
    for scale in scales:
        # On a grid of `fine`, so that the three points are floats and exactly collinear.
        base = np.clip(np.rint(rng.normal(size=(_SEGMENTS, n)) / fine) * fine, -3, 3) * scale
        if box is not None:
            base = box.middle + base / 8
            base = np.asarray(base / (fine * scale)).round() * (fine * scale)
        step = fine * scale * rng.choice([-1.0, 1.0], size=(_SEGMENTS, n))
        x = np.concatenate([base - step, base, base + step])
        y = ledger.ask(x)
        before, middle, after = np.split(y, 3)
        bends = np.abs(before - 2 * middle + after).max(axis=1)
        levels.append(_SAFETY * float(np.quantile(bends, _QUANTILE)))
        points.append(x[_SEGMENTS : 2 * _SEGMENTS])
        answers.append(middle)
    everything = np.concatenate(answers)
    statements = []
    for i, (text, error) in enumerate(_rounding(everything)):
        if i == 0:
            statements.append(text)
        levels = [max(a, error(y)) for a, y in zip(levels, answers, strict=True)]
    spread = _spread(ledger, np.concatenate([x[:_REPEATED] for x in points[:2]]))
    if spread > max(levels[:2]):
        statements.append(f"the same query has answers up to {spread:.2g} apart")
        levels = [max(a, 2 * spread) for a in levels]
    statements += _saturation(points, answers)
    constant = max(levels[0], float(np.finfo(np.float64).tiny))
    sizes = [float(np.linalg.norm(x, axis=1).min()) for x in points]
    slope = max(0.0, *((a - constant) / s for a, s in zip(levels, sizes, strict=True)))
    at_one = next(i for i, scale in enumerate(scales) if scale >= min(1.0, scales[-1]))
    signal = float(np.ptp(answers[at_one], axis=0).max())
    bits = float(np.log2(signal / levels[at_one])) if signal > 0 else 0.0
    statements.insert(0, f"an answer at x is wrong by at most {constant:.2g} + {slope:.2g} |x|")
    return Noise(constant, slope, bits, tuple(statements))


def _rounding(answers: Array) -> list[tuple[str, Callable[[Array], float]]]:
    """Roundings that all answers have gone through: what they are, and the error of an answer."""
    found: list[tuple[str, Callable[[Array], float]]] = []
    values = answers[answers != 0]
    if len(np.unique(values)) < 4:
        return found
    for digits in _DIGITS:
        if np.array_equal(np.round(values, digits), values):
            half = 0.5 * 10.0**-digits
            found.append((f"answers are rounded to {digits} decimal places", lambda _: half))
            break
    for digits in _DIGITS:
        if all(float(f"{v:.{digits}g}") == v for v in values.tolist()):
            part = 0.5 * 10.0 ** (1 - digits)
            found.append((f"answers are rounded to {digits} digits", lambda y: part * float(np.abs(y).max())))
            break
    for bits in _SIGNIFICANDS:
        scaled = np.ldexp(np.frexp(values)[0], bits)
        if np.array_equal(np.rint(scaled), scaled):
            unit = 2.0**-bits
            found.append((f"answers have {bits} significant bits", lambda y: unit * float(np.abs(y).max())))
            break
    return found


def _spread(ledger: FloatLedger, points: Array) -> float:
    """The largest difference between two answers to one query."""
    before, now = ledger.again(points)
    return float(np.abs(before - now).max())


def _saturation(points: Sequence[Array], answers: Sequence[NDArray[np.float64]]) -> list[str]:
    """Outputs that hold one value at a quarter or more of the farthest points."""
    found = []
    for k, column in enumerate(answers[-1].T):
        values, counts = np.unique(column, return_counts=True)
        if counts.max() * 4 >= len(column):
            far = float(np.abs(points[-1]).max())
            found.append(f"output {k} is {values[counts.argmax()]:.6g} at many points up to {far:.3g} away")
    return found
