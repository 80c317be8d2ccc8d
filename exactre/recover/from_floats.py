"""`recover(..., exact=False)`: a target as a measured oracle, its recovery, and the proof at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from os import PathLike

from exactre.certify.certificate import Certificate
from exactre.certify.equivalence import certify_equivalence
from exactre.errors import ExactreError
from exactre.formats import is_module, load
from exactre.formats.floats import FloatNetwork
from exactre.measured.blackbox import Outcome, recover_measured
from exactre.measured.domain import Box
from exactre.network import Network
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.inference import InferenceServer
from exactre.oracle.measured import Arithmetic, ArrayOracle, MeasuredOracle, session_oracle, torch_oracle
from exactre.recover.result import Progress, Result, Target

ASSUMPTIONS = (
    "the oracle is a layered ReLU network, and rounding is all that its answers are off by",
    "its weights lie on one of the grids of stored weights",
    "every neuron of it bends the function at a place that the queries came across",
)


def recover_from_floats(
    net: Target,
    *,
    input_dim: int | None,
    max_queries: int | None,
    timeout: float | None,
    seed: int,
    executor: Executor | None,
    ledger: str | PathLike[str] | None,
    resume: bool,
    progress: Callable[[Progress], None] | None,
    arithmetic: Arithmetic,
    box: tuple[float, float] | None,
) -> Result:
    """Recover a network from rounded answers; see `recover`. Raises ExactreError for unusable arguments."""
    start = time.monotonic()
    target, oracle = _measured(net, input_dim, arithmetic)
    domain = None if box is None else Box(*box)
    with FloatLedger(
        oracle, path=ledger, resume=resume, seed=seed, max_queries=max_queries, timeout=timeout
    ) as book:

        def watch(stage: str, layers: tuple[int, ...]) -> None:
            if progress is not None:
                progress(Progress(stage, book.queries, layers))

        outcome = recover_measured(book, domain, seed, watch)
        network, certificate, missing = outcome.network, None, outcome.missing
        if target is not None and outcome.measurement.nearest is not None:
            watch("certificate", outcome.layers)
            left = None if timeout is None else max(0.0, timeout - (time.monotonic() - start))
            network, certificate, missing = _proved(target, outcome, left, executor)
    status = "partial" if network is None else "consistent" if certificate is None else "certified"
    return Result(
        status=status,
        network=network,
        certificate=certificate,
        graph=outcome.graph,
        queries=book.queries,
        new_queries=book.new_queries,
        query_bits=book.query_bits,
        equivalence_queries=0,
        seconds=time.monotonic() - start,
        seed=seed,
        layers=outcome.layers,
        assumptions=ASSUMPTIONS if status == "consistent" else (),
        missing=missing,
        measured=outcome.measurement,
    )


def _measured(
    net: Target, input_dim: int | None, arithmetic: Arithmetic
) -> tuple[Network | None, MeasuredOracle]:
    """The network if one is given, and the oracle that recovery may ask."""
    if isinstance(net, str) and net.startswith(("http://", "https://")):
        return None, InferenceServer(net)
    if isinstance(net, str | PathLike):
        net = load(net)
    if isinstance(net, Network):
        return net, ArrayOracle(FloatNetwork(net, arithmetic), net.input_dim, arithmetic=arithmetic)
    if isinstance(net, MeasuredOracle):
        return None, net
    if hasattr(net, "get_inputs") and hasattr(net, "run"):
        return None, session_oracle(net)
    if not callable(net):
        raise ExactreError(
            f"expected a Network, a path, a MeasuredOracle or a callable, found {type(net).__name__}"
        )
    if input_dim is None:
        raise ExactreError("input_dim: expected the number of inputs for a callable, found None")
    if is_module(net):
        return None, torch_oracle(net, input_dim)
    return None, ArrayOracle(net, input_dim, arithmetic=arithmetic)


def _proved(
    target: Network, outcome: Outcome, timeout: float | None, executor: Executor | None
) -> tuple[Network | None, Certificate | None, tuple[str, ...]]:
    """The network with its proof; a proof also settles what the answers alone leave open."""
    nearest = outcome.measurement.nearest
    assert nearest is not None
    verdict = certify_equivalence(target, nearest, timeout=timeout, executor=executor)
    if verdict.status == "equivalent":
        return nearest, verdict.certificate, ()
    if verdict.status == "different":
        return None, None, (*outcome.missing, "the network differs from the one given")
    return outcome.network, None, outcome.missing
