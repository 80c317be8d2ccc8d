"""`recover`: from queries alone to a network, and for a given network to a proof that it is the same.

The only place in recovery that knows more than an oracle: it turns what the caller has into one, and
after the black-box part asks `certify_equivalence` about the network that was given.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike

import networkx as nx
import numpy as np

from exactre.certify.certificate import Certificate
from exactre.certify.equivalence import certify_equivalence
from exactre.errors import ExactreError, OracleError, OutOfBudget
from exactre.formats import load
from exactre.network import Network
from exactre.oracle.exact import CallableOracle, NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.oracle.measured import Arithmetic
from exactre.oracle.protocol import Oracle
from exactre.recover.ambiguity import Ambiguity, ambiguities, with_weight
from exactre.recover.families import Weight
from exactre.recover.from_floats import recover_from_floats
from exactre.recover.genericity import failing, redundant, shares
from exactre.recover.graph import bending_graph
from exactre.recover.jet import Chart, Jets
from exactre.recover.kernels import shared_kernels
from exactre.recover.lift import lifted
from exactre.recover.line import Line
from exactre.recover.output import assemble
from exactre.recover.result import Progress, Result, Target
from exactre.recover.search import Search
from exactre.recover.skips import either_side, skips
from exactre.recover.standing import assumed, open_pairs, open_questions, place, weights_seen
from exactre.recover.verify import first_mismatch, random_points, steered_points

_WHOLE = 48  # up to so many inputs the chart is the identity
_SPARSE = 128  # the same where the first layer reads few of them, which a random chart hides
_CHART = 8
_PLANAR = 4  # up to so many inputs a plane is looked at first
_SPARE = 8
_REPAIRS = 40
_CHECKS = 96
_REASKED = 4
_WITNESS_BITS = 128  # what a witness is rounded to, to lie on a grid
_TELLING = 5  # seconds to tell two values of an open weight apart

ASSUMPTIONS = (
    "the oracle is a feed-forward ReLU network with rational weights and answers exactly",
    "every neuron of it bends the function at a place that the queries came across",
)


def recover(
    net: Target,
    *,
    exact: bool = True,
    input_dim: int | None = None,
    max_queries: int | None = None,
    timeout: float | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    ledger: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
    arithmetic: Arithmetic = "float64",
    box: tuple[float, float] | None = None,
) -> Result:
    """Recover a ReLU network exactly, up to permutation and scaling, from exact queries.

    `net` is a Network, a model file, an Oracle, or a callable from a tuple of `input_dim` Fractions to a
    sequence of Fraction or int. Recovery sees its answers only; a Network or file is used again at the end
    to prove the result equal (`executor` serves that proof). Same seed, same queries, same result.
    With `exact=False` the answers are floats: of a Network or file in `arithmetic`, of a MeasuredOracle, an
    ONNX Runtime session, a torch module, or a callable from float arrays (count, n) to arrays (count, m);
    `box` bounds every coordinate of a query. `Result.measured` then says what is exact.
    Raises ExactreError for unusable arguments, OracleError when the oracle fails or contradicts itself.
    Source: Rolnick and Koerding, ICML 2020; design of the canonical form in `proofs/`.
    """
    _check(input_dim=(input_dim, 1), max_queries=(max_queries, 0), seed=(seed, 0))
    if timeout is not None and not (isinstance(timeout, int | float) and timeout >= 0):
        raise ExactreError(f"timeout: expected seconds from 0 on, found {timeout!r:.60}")
    if not exact:
        return recover_from_floats(
            net,
            input_dim=input_dim,
            max_queries=max_queries,
            timeout=timeout,
            seed=seed,
            executor=executor,
            ledger=ledger,
            resume=resume,
            progress=progress,
            arithmetic=arithmetic,
            box=box,
        )
    if box is not None:
        raise ExactreError("box: an exact oracle has no box; expected exact=False")
    start = time.monotonic()
    target, oracle = _oracle(net, input_dim)
    with Ledger(
        oracle, path=ledger, resume=resume, seed=seed, max_queries=max_queries, timeout=timeout
    ) as book:
        run = _Run(book, target, seed, executor, timeout, start, progress)
        try:
            run.search()
        except OutOfBudget as error:
            run.missing.append(str(error))
            run.network = None  # whatever was found has not been held against every answer
        return run.result()


def _check(**options: tuple[int | None, int]) -> None:
    """Whether options are integers, each at least so much, where they are given."""
    for name, (value, least) in options.items():
        if value is not None and not (isinstance(value, int) and value >= least):
            raise ExactreError(f"{name}: expected an integer of at least {least}, found {value!r:.60}")


def _oracle(net: Target, input_dim: int | None) -> tuple[Network | None, Oracle]:
    """The network if one is given, and the oracle that recovery may ask."""
    if isinstance(net, str | PathLike):
        net = load(net)
    if isinstance(net, Network):
        return net, NetworkOracle(net)
    if isinstance(net, Oracle):
        return None, net
    if callable(net):
        if input_dim is None:
            raise ExactreError("input_dim: expected the number of inputs for a callable, found None")
        return None, CallableOracle(net, input_dim)
    raise ExactreError(f"expected a Network, a path, an Oracle or a callable, found {type(net).__name__}")


@dataclass
class _Run:
    """The state of one recovery, so that whatever stops it can be reported."""

    ledger: Ledger
    target: Network | None
    seed: int
    executor: Executor | None
    timeout: float | None
    start: float
    progress: Callable[[Progress], None] | None
    missing: list[str] = field(default_factory=list)
    network: Network | None = None
    certificate: Certificate | None = None
    equivalence_queries: int = 0
    _search: Search | None = None
    _asked: set[tuple[int, int]] = field(default_factory=set)  # open weights, by reader and unit

    def search(self) -> None:
        """Search, check, repair, until the network stands or there is nothing left to try."""
        n = self.ledger.input_dim
        rng = np.random.default_rng(self.seed)
        chart = Chart.identity(n) if n <= _WHOLE else Chart.random(n, _CHART, rng)
        search = self._search = self._searcher(chart, rng)
        if chart.dim < n:
            search.first_lines()
            width = sum(search.layers()) + _SPARE
            if search.survey.unexplained() and width > chart.dim:
                whole = width >= n or (n <= _SPARSE and search.reads_few_inputs())
                chart = Chart.identity(n) if whole else Chart.random(n, width, rng)
                search = self._search = self._searcher(chart, rng)
        if 2 <= chart.dim <= _PLANAR:
            search.look_at_plane()
        for _ in range(_REPAIRS):
            rows = search.rows()
            if rows is None:
                try:
                    self.ledger.reask(_REASKED)
                except OracleError as error:
                    self.missing.append(str(error))
                return
            survey = search.survey
            plain = [neuron.linear for neuron in survey.model.neurons]
            net = assemble(survey.model, survey.orientation, rows, plain)
            self._tell("checks", search.layers())
            points = random_points(chart.dim, _CHECKS, rng)
            points += steered_points(survey.model, survey.orientation, _CHECKS, rng)
            segment = first_mismatch(survey.jets, net, points)
            if segment is None and chart.dim < n:
                full = survey.jets.over(Chart.identity(n))
                found = lifted(survey, full, rows)
                if found is None:
                    self.missing.append("a neuron's row over all inputs could not be read")
                    return
                net = assemble(survey.model, survey.orientation, found[1], found[0])
                if first_mismatch(full, net, random_points(n, _CHECKS, rng)) is not None:
                    self.missing.append("the network agrees on the chart but not on all inputs")
                    return
            if segment is None and chart.dim == n and self.target is None:
                segment = self._told_apart(net, search)
            if segment is None:
                self.network = net
                segment = self._certified(net, chart)
                if segment is None:
                    return
            search.repair(segment)
        self.missing.append(f"checks still fail after {_REPAIRS} repairs")
        self.network = None

    def _told_apart(self, net: Network, search: Search) -> Line | None:
        """A segment through a point at which two values of an open weight differ; once for each weight."""
        for z, unit in open_pairs(search.survey):
            if (z, unit) in self._asked:
                continue
            self._asked.add((z, unit))
            for change in (Fraction(1), Fraction(-1)):
                other = with_weight(net, *place(search.survey, z), *place(search.survey, unit), change)
                verdict = certify_equivalence(net, other, timeout=_TELLING)
                if verdict.witness is not None:
                    end = [round(v * (2 << _WITNESS_BITS)) for v in verdict.witness.input]
                    return Line.through([0] * net.input_dim, end, _WITNESS_BITS)
        return None

    def _certified(self, net: Network, chart: Chart) -> Line | None:
        """With a given network, prove equality, or return a segment to a witness; else replay the ledger."""
        if self.target is not None:
            self._tell("certificate", ())
            verdict = certify_equivalence(self.target, net, timeout=self._left(), executor=self.executor)
            if verdict.status == "equivalent":
                self.certificate = verdict.certificate
                return None
            if verdict.witness is not None:
                self.network = None
                if chart.dim < self.ledger.input_dim:
                    self.missing.append(
                        "the network differs from the one given, outside the chart that was searched"
                    )
                    return None
                self.equivalence_queries += 1
                end = [round(v * (1 << _WITNESS_BITS)) for v in verdict.witness.input]
                return Line.through([0] * chart.dim, end, _WITNESS_BITS)
        self._tell("replay", ())
        self.ledger.reask(_REASKED)
        for points, answers in self.ledger.replay():
            if net.evaluate(points) != answers:
                self.network = None
                self.missing.append("the recovered network does not give every answer in the ledger")
                return None
        return None

    def _searcher(self, chart: Chart, rng: np.random.Generator) -> Search:
        return Search(Jets(self.ledger, chart), rng, self._tell)

    def _tell(self, stage: str, layers: tuple[int, ...]) -> None:
        if self.progress is not None:
            if not layers and self._search is not None:
                layers = self._search.layers()
            self.progress(Progress(stage, self.ledger.queries, layers))

    def _ambiguities(self) -> tuple[tuple[Ambiguity, ...], int | None]:
        """What fits as well as the recovered network, the weights that nothing has shown among the first."""
        search, suspects = self._search, []
        if self.network is None or search is None:
            return (), None
        for z, unit in open_pairs(search.survey):
            (at, i), (below, j) = place(search.survey, z), place(search.survey, unit)
            suspects.append(Weight(at, i, self.network.nodes[below].name, j))
        found, freedom = ambiguities(self.network, suspects, self._left())
        return tuple(found), freedom

    def _left(self) -> float | None:
        """Seconds until the timeout."""
        return None if self.timeout is None else max(0.0, self.timeout - (time.monotonic() - self.start))

    def result(self) -> Result:
        """What is established now."""
        search = self._search
        model = None if search is None else search.survey.model
        graph = (
            nx.DiGraph()
            if model is None or search is None
            else bending_graph(model, search.survey.orientation, self.network)
        )
        assumptions: tuple[str, ...] = ()
        missing = list(self.missing)
        if self.network is None:
            status = "partial"
            missing += [] if search is None else open_questions(search.survey)
        elif self.certificate is not None:
            status = "certified"
        else:
            status, assumptions = "consistent", ASSUMPTIONS
            if search is not None:
                assumptions += assumed(search.survey)
        layers = () if search is None else search.layers()
        special = [] if search is None else search.planes.special()
        ambiguous, freedom = self._ambiguities()
        return Result(
            status=status,
            network=self.network,
            certificate=self.certificate,
            graph=graph,
            queries=self.ledger.queries,
            new_queries=self.ledger.new_queries,
            query_bits=self.ledger.query_bits,
            equivalence_queries=self.equivalence_queries,
            seed=self.seed,
            layers=layers,
            assumptions=assumptions,
            missing=tuple(missing),
            shares=() if search is None else tuple(shares(layers, weights_seen(search.survey), self.target)),
            failing=tuple(special if self.network is None else failing(self.network)),
            redundant=() if self.certificate is None else tuple(redundant(self.certificate)),
            ambiguities=ambiguous,
            freedom=freedom,
            kernels=() if self.network is None else shared_kernels(self.network),
            skips=() if self.network is None else skips(self.network),
            either_side=() if self.network is None else either_side(self.network),
            seconds=time.monotonic() - self.start,
        )
