"""Exact oracles: over a `Network`, and over any callable that returns rationals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from exactre.errors import OracleError, ShapeError
from exactre.network import Network
from exactre.rational import Points, Rational


class NetworkOracle:
    """Answers with a network's exact values, whole batches at a time."""

    def __init__(self, net: Network) -> None:
        self.input_dim = net.input_dim
        self.output_dim = net.output_dim
        self._net = net

    def query(self, points: Sequence[tuple[Fraction, ...]]) -> Points:
        """Exact values (count, output_dim) at points (count, input_dim). Raises ShapeError."""
        return self._net.evaluate(points)


class CallableOracle:
    """Answers with `f`, called with one tuple of `input_dim` Fractions at a time.

    `f` returns a sequence of Fraction or int, or one bare Fraction or int where there is a single output.
    Raises ShapeError when `input_dim` is not positive.
    """

    def __init__(
        self,
        f: Callable[[tuple[Fraction, ...]], Sequence[Rational] | Rational],
        input_dim: int,
        output_dim: int | None = None,
    ) -> None:
        if input_dim < 1:
            raise ShapeError(f"expected an oracle of at least one input, found input_dim={input_dim}")
        self.input_dim = input_dim
        self.output_dim = output_dim
        self._f = f

    def query(self, points: Sequence[tuple[Fraction, ...]]) -> Iterator[Sequence[Rational]]:
        """Yield the answer at each point as it comes. Raises OracleError when `f` raises."""
        for point in points:
            try:
                answer = self._f(point)
            except Exception as error:  # `f` is foreign code: whatever it raises is its failure to answer
                raise OracleError(f"the oracle raised {type(error).__name__}: {error}") from error
            yield (answer,) if isinstance(answer, int | float | Fraction) else answer
