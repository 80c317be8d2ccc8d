"""Parts of boundaries over one layer, joined where they belong to one neuron (design 4.8).

In low input dimension a boundary falls into parts that lie apart, each of which meets only some of the
boundaries before it. Every part tells some weights up to a factor of its own; parts of one neuron agree on
all that several of them tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exactre.recover.model import Model
from exactre.recover.row import Hypothesis

_TESTS = 2  # equations that have to hold beside the one that tells the factor


@dataclass(frozen=True)
class Joined:
    """The kinks whose traces belong together, and the hypothesis that all their pieces fit."""

    kinks: tuple[int, ...]
    hypothesis: Hypothesis
    parts: tuple[Hypothesis, ...]


class Parts:
    """What traces over the ReLUs of depth `depth` have shown without determining a row."""

    def __init__(self, model: Model, depth: int, orientation: Mapping[int, int]) -> None:
        self._model = model
        self._depth = depth
        self._orientation = orientation
        self._known: list[Joined] = []

    def add(self, kink: int, found: Hypothesis) -> Joined | None:
        """Join what a trace from a kink has found to all that it fits.

        Returned are parts that together determine a row, but for a few units inactive on all of them. They
        are forgotten.
        """
        whole = Joined((kink,), found, (found,))
        for other in list(self._known):
            joined = self._joined(other, whole)
            if joined is not None:
                self._known.remove(other)
                whole = joined
        if not whole.hypothesis.missing and len(whole.parts) > 1 and _is_told(whole.hypothesis):
            return whole
        self._known.append(whole)
        return None

    def largest(self) -> list[Joined]:
        """All that tells several weights, and more than units were inactive, most equations first."""
        told = [part for part in self._known if _is_told(part.hypothesis)]
        return sorted(told, key=lambda part: -part.hypothesis.rank)

    def _joined(self, one: Joined, other: Joined) -> Joined | None:
        """Both as one neuron's, if their equations agree modulo the prime where they say the same."""
        parts = (*one.parts, *other.parts)
        both = Hypothesis(self._model, self._depth, self._orientation, scales=len(parts) - 1, partial=True)
        for k, part in enumerate(parts):
            for piece, forms in part.pieces:
                both.add(piece, forms, scale=k - 1 if k else None)
            if not both.is_consistent:
                return None
        if both.rank + _TESTS > one.hypothesis.rank + other.hypothesis.rank:
            return None
        return Joined((*one.kinks, *other.kinks), both, parts) if both.are_scales_known else None


def _is_told(hypothesis: Hypothesis) -> bool:
    """Whether several units' boundaries were crossed, and more than there are units that were not active."""
    return len(hypothesis.crossed) > max(_TESTS, len(hypothesis.idle))
