"""`Oracle`: the only way in which recovery may look at its target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Protocol, runtime_checkable

from exactre.rational import Rational


@runtime_checkable
class Oracle(Protocol):
    """A function x -> f(x) known by its answers alone."""

    @property
    def input_dim(self) -> int:
        """Number of coordinates of a query."""

    @property
    def output_dim(self) -> int | None:
        """Number of entries of an answer; None where only an answer can tell."""

    def query(self, points: Sequence[tuple[Fraction, ...]]) -> Iterable[Sequence[Rational]]:
        """Exact answers (count, output_dim) at points (count, input_dim), in the same order.

        The points are an `exactre.rational.Points`, whose `num` and `den` an oracle may read. Each answer
        is on record as soon as it is yielded, so an oracle with slow answers should be a generator.
        """
