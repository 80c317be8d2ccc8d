"""What recovery takes, what it tells on the way, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

import networkx as nx

from exactre.certify.certificate import Certificate
from exactre.measured.blackbox import Measurement
from exactre.network import Network
from exactre.oracle.measured import MeasuredOracle
from exactre.oracle.protocol import Oracle
from exactre.rational import Rational
from exactre.recover.ambiguity import Ambiguity
from exactre.recover.kernels import SharedKernel

Target = (
    Network
    | Oracle
    | MeasuredOracle
    | str
    | PathLike[str]
    | Callable[[tuple[Fraction, ...]], Sequence[Rational] | Rational]
    | Callable[[Any], Any]
)


_SHOWN = 8  # open numbers of a report; the result has them all


@dataclass(frozen=True)
class Progress:
    """What recovery is doing: stage, queries so far, known neurons by layer."""

    stage: str
    queries: int
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """What was recovered, and what is established about it.

    `status` is "certified" (proved equal to the network that was given; `certificate` is the proof),
    "consistent" (agrees with every query; `assumptions` lists what else identity rests on) or "partial"
    (`missing` says what is not recovered and why; `network` may be None). `queries` counts all queries,
    `equivalence_queries` the witnesses handed back by the equivalence check (Angluin's sense).

    `kernels` are rows of the network that share their weights, `skips` says what is read past a layer, and
    `either_side` which neurons could be active on their other side, with as few weights.

    `shares` says how much of each layer was found; `failing` which hypotheses of proofs/DEEP.md fail at
    which neurons of the recovered network, or without one at which points that were seen; `redundant` which
    neurons of the given network are not needed and why; `ambiguities` are other networks, each with its proof
    of being the same function as `network`. `freedom` bounds the dimension of all those near `network` of one
    architecture with it, scaling aside: with 0 there is no other. All but the first are looked for in small
    networks only, `freedom` is None for others.
    """

    status: str
    network: Network | None
    certificate: Certificate | None
    graph: nx.DiGraph
    queries: int
    new_queries: int
    query_bits: int
    equivalence_queries: int
    seconds: float
    seed: int
    layers: tuple[int, ...]
    assumptions: tuple[str, ...]
    missing: tuple[str, ...]
    kernels: tuple[SharedKernel, ...] = ()
    skips: tuple[str, ...] = ()
    either_side: tuple[str, ...] = ()
    measured: Measurement | None = None  # of a recovery with exact=False
    shares: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    redundant: tuple[str, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    freedom: int | None = None

    @property
    def neurons(self) -> int:
        """Number of neurons found."""
        return sum(self.layers)

    def report(self) -> str:
        """A summary for a person."""
        shape = "-".join(map(str, self.layers)) or "none"
        lines = [
            self.status,
            f"hidden neurons  {self.neurons} (layers {shape})",
            f"queries         {self.queries} ({self.query_bits} bits), "
            f"{self.equivalence_queries} equivalence queries",
            f"seconds         {self.seconds:.2f}, seed {self.seed}",
        ]
        if self.measured is not None:
            lines += [f"measured        {text}" for text in self.measured.noise]
            chance = f"a row by chance with 2^{self.measured.log2_false:.0f}"
            lines += [f"grid            {self.measured.grid}, {chance}"] if self.measured.grid else []
            lines += [
                f"open            {number.place}: {number.value!r} within {number.error:.2g}"
                for number in self.measured.open[:_SHOWN]
            ]
        lines += [f"recovered       {text}" for text in self.shares]
        lines += [f"not generic     {text}" for text in self.failing]
        lines += [f"not needed      {text}" for text in self.redundant]
        lines += [
            f"ambiguous       {each.what}: both are the same function"
            + (f", and so is {each.family}" if each.family else "")
            for each in self.ambiguities
        ]
        if self.freedom is not None:
            lines.append(f"networks nearby {_nearby(self.freedom)}")
        lines += [f"kernel          {kernel.describe()}" for kernel in self.kernels]
        lines += [f"skip            {text}" for text in self.skips]
        lines += [f"either side     {text}" for text in self.either_side]
        lines += [f"assumed         {text}" for text in self.assumptions]
        lines += [f"missing         {text}" for text in self.missing]
        return "\n".join(lines)


def _nearby(freedom: int) -> str:
    if not freedom:
        return "none of the same function, scaling aside"
    return f"those of the same function have {freedom} dimensions at the most, scaling aside"
