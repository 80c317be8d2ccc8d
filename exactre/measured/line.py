"""Kinks of f on a line, each with an interval that holds it.

Level by level, so that each level is one batch of queries: an interval on which f is affine is done; one
whose two ends are affine pieces that meet inside, and hold up to where they meet, has one kink; all others
are halved (design 4.1, with tolerances that are bounds of the noise).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exactre.measured.probe import Probe
from exactre.oracle.measured import Array

_LEVELS = 30
_SHORT = 1 << 14
_NEAR = 2.0**-6
# Where the pieces that meet in a kink are checked, as shares of the interval: near to it for a long lever,
# and nearer, since the outer pieces of a zigzag can meet outside of it.
_AROUND = (-_NEAR, -(2.0**-12), 2.0**-12, _NEAR)


@dataclass(frozen=True)
class Line:
    """Points p + t v; p, v (n,)."""

    p: Array
    v: Array

    def at(self, t: float) -> Array:
        """The point (n,) at t."""
        return self.p + t * self.v


@dataclass(frozen=True)
class Kink:
    """A kink at `t`, off by at most `error`."""

    t: float
    error: float


class Samples:
    """Answers along one line, each t asked once."""

    def __init__(self, probe: Probe, line: Line) -> None:
        self._probe, self._line = probe, line
        self.y: dict[float, Array] = {}
        self.sigma: dict[float, float] = {}

    def ask(self, ts: list[float]) -> None:
        """Ask at those of the parameters that are new."""
        fresh = sorted({t for t in ts if t not in self.y})
        if fresh:
            x = self._probe.rounded(np.array([self._line.at(t) for t in fresh]))
            y, sigma = self._probe.answers(x)
            self.y.update(zip(fresh, y, strict=True))
            self.sigma.update(zip(fresh, sigma.tolist(), strict=True))

    def affine(self, *ts: float) -> bool:
        """Whether the answers in between lie on the chord from the first to the last t."""
        a, b = ts[0], ts[-1]
        for t in ts[1:-1]:
            chord = self.y[a] + (self.y[b] - self.y[a]) * ((t - a) / (b - a))
            if (np.abs(self.y[t] - chord) > 2 * max(self.sigma[a], self.sigma[b], self.sigma[t])).any():
                return False
        return True

    def slope(self, a: float, b: float) -> Array:
        """Slope (m,) of the chord from a to b."""
        return (self.y[b] - self.y[a]) / (b - a)


def scan(probe: Probe, line: Line, ends: list[float], levels: int = _LEVELS) -> list[Kink]:
    """The kinks on a line between the first and the last of `ends`, in order; intervals between `ends` first.

    Kinks closer together than the noise lets see, or than `levels` halvings tell apart, are left out.
    """
    samples = Samples(probe, line)
    found: list[Kink] = []
    pieces: list[tuple[float, ...]] = []
    open_intervals = list(pairwise(ends))
    for _ in range(levels):
        kinks, affine, split = _sorted_out(samples, open_intervals)
        found += kinks
        pieces += affine
        open_intervals = [pair for a, b in split for pair in ((a, (a + b) / 2), ((a + b) / 2, b))]
        if not open_intervals:
            break
    # A kink so near to where intervals meet that both of them seem to end in one piece.
    near = [
        (before[-1], min(before[-1] - before[0], after[-1] - after[0]))
        for before, after in pairwise(sorted(pieces))
        if before[-1] == after[0] and not samples.affine(*before, *after)
    ]
    found += _sorted_out(samples, [(t - length, t + length) for t, length in near])[0]
    return sorted(found, key=lambda kink: kink.t)


def _sorted_out(
    samples: Samples, intervals: Sequence[tuple[float, float]]
) -> tuple[list[Kink], list[tuple[float, ...]], list[tuple[float, float]]]:
    """The kinks of intervals that have one or none, their affine pieces by stations, the other intervals."""
    samples.ask([t for a, b in intervals for t in _stations(a, b)])
    found: list[Kink] = []
    affine: list[tuple[float, ...]] = []
    split = []
    maybe: list[tuple[float, float, float]] = []
    for a, b in intervals:
        if samples.affine(*_stations(a, b)):
            affine.append(_stations(a, b))
            continue
        meet = _meeting(samples, a, b)
        if meet is None:
            split.append((a, b))
        else:
            maybe.append((a, b, meet))
    near = [_around(a, b, t) for a, b, t in maybe]
    samples.ask([t for around in near for t in around])
    for (a, b, _), (before, just_before, just_after, after) in zip(maybe, near, strict=True):
        left = a, a + (b - a) / 4, before, just_before
        right = just_after, after, b - (b - a) / 4, b
        kink = _kink(samples, a, before, after, b)
        if samples.affine(*left) and samples.affine(*right) and kink is not None:
            found.append(kink)
            affine += [left, right]
        else:
            split.append((a, b))
    return found, affine, split


def _stations(a: float, b: float) -> tuple[float, ...]:
    length = b - a
    return a, a + length / 8, a + length / 4, b - length / 4, b - length / 8, b


def _around(a: float, b: float, t: float) -> tuple[float, ...]:
    """Where the pieces that meet at t are checked, at short numbers."""
    share = round((t - a) / (b - a) * _SHORT) / _SHORT
    return tuple(a + (share + beside) * (b - a) for beside in _AROUND)


def _meeting(samples: Samples, a: float, b: float) -> float | None:
    """Where the pieces at both ends of an interval meet, if that is between them."""
    length = b - a
    if not (
        samples.affine(a, a + length / 8, a + length / 4)
        and samples.affine(b - length / 4, b - length / 8, b)
    ):
        return None
    left, right = samples.slope(a, a + length / 4), samples.slope(b - length / 4, b)
    k = int(np.abs(right - left).argmax())
    jump = right[k] - left[k]
    if not jump:
        return None
    t = a + float((samples.y[b][k] - right[k] * length - samples.y[a][k]) / -jump)
    return t if a + length / 4 + _NEAR * length < t < b - length / 4 - _NEAR * length else None


def _kink(samples: Samples, a: float, before: float, after: float, b: float) -> Kink | None:
    """The kink between two long pieces [a, before] and [after, b], with its error bound."""
    left, right = samples.slope(a, before), samples.slope(after, b)
    size = float(np.linalg.norm(right - left))
    if not size:
        return None
    weights = (right - left) / size  # all outputs together: their noise is independent
    gap = samples.y[after] - samples.y[before] - left * (after - before)
    t = after - float(weights @ gap) / size
    if not before < t < after:
        return None
    noise = max(samples.sigma[s] for s in (a, before, after, b))
    # Both pieces are extrapolated by a small part of their length, which adds little to their noise.
    return Kink(t, 2 * noise / size + abs(t) * 2.0**-50)
