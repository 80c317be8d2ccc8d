"""Recovery through a measured oracle: what can be known is said first, then searched for, then checked.

Whatever stops the search (the budget, the oracle), what was paid for is in the ledger and in the outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import numpy as np

from exactre.errors import OracleError, OutOfBudget
from exactre.measured import noise as noises
from exactre.measured.domain import Box
from exactre.measured.known import Known
from exactre.measured.noise import Noise
from exactre.measured.probe import Probe
from exactre.measured.search import Search
from exactre.network import Network
from exactre.oracle.float_ledger import FloatLedger
from exactre.rational import Matrix

EXACT = -40.0  # binary logarithm of the false-positive bound of a network that is called exact
_REASKED = 4


@dataclass(frozen=True)
class Open:
    """A number that the answers leave open: where it is, its nearest value, and a bound on its error."""

    place: str
    value: float
    error: float


@dataclass(frozen=True)
class Measurement:
    """What a measured recovery rests on.

    `noise` states what was found about the oracle; `log2_false` bounds the chance (binary logarithm) that a
    row only seems to lie on its grid; `open` are the numbers that are not exact, each with its error bound.
    `nearest` is the network with the nearest values for these; None while a layer is missing. A row on no
    grid is scaled there so that its largest weight is 1.
    """

    noise: tuple[str, ...]
    grid: str
    log2_false: float
    open: tuple[Open, ...]
    nearest: Network | None


@dataclass(frozen=True)
class Outcome:
    """`network` is there when every bit is certain; else `missing` says why it is not."""

    network: Network | None
    measurement: Measurement
    graph: nx.DiGraph
    layers: tuple[int, ...]
    missing: tuple[str, ...]


def recover_measured(
    ledger: FloatLedger, box: Box | None, seed: int, watch: Callable[[str, tuple[int, ...]], None]
) -> Outcome:
    """Recover a layered ReLU network from rounded answers; never raises for what the oracle does."""
    rng = np.random.default_rng(seed)
    missing: list[str] = []
    search: Search | None = None
    noise: Noise | None = None
    done = False
    try:
        watch("noise", ())
        noise = noises.measure(ledger, box, rng)
        if noise.is_hopeless:
            carried = f"an answer carries about {noise.bits:.0f} bits, too few for any grid of weights"
            missing.append(carried if noise.bits else "the answers do not change with the input")
        else:
            search = Search(Probe(ledger, noise, box, rng), watch)
            done = search.run()
            if not done:
                missing.append(search.missing)
            watch("replay", search.widths())
            _reask(ledger, noise)
    except (OutOfBudget, OracleError) as error:
        missing.append(str(error))
    return _outcome(search, noise, done, missing)


def _outcome(search: Search | None, noise: Noise | None, done: bool, missing: list[str]) -> Outcome:
    statements = () if noise is None else noise.statements
    if search is None:
        return Outcome(None, Measurement(statements, "", 0.0, (), None), nx.DiGraph(), (), tuple(missing))
    neurons = [neuron for layer in search.layers for neuron in layer]
    kinds = sorted({neuron.grid.name for neuron in neurons})
    chance = float(np.logaddexp2.reduce([neuron.log2_false for neuron in neurons])) if neurons else 0.0
    unsure = _open_rows(search, done)
    nearest = None
    if done and search.output is not None:
        nearest, more = _assembled(search)
        unsure += more
    measurement = Measurement(statements, ", ".join(kinds), chance, tuple(unsure), nearest)
    if nearest is not None and unsure:
        missing.append(f"{len(unsure)} numbers are not exact, the first one {unsure[0].place}")
    if nearest is not None and neurons and chance > EXACT:
        missing.append(f"rows lie on a grid by chance with probability up to 2^{chance:.0f}")
    exact = nearest if nearest is not None and not missing else None
    return Outcome(exact, measurement, _graph(search.known), search.widths(), tuple(missing))


def _open_rows(search: Search, done: bool) -> list[Open]:
    """What is open in the layers; pending neurons come after those that are certain."""
    found = []
    for k, (layer, neurons) in enumerate(zip(search.known.layers, search.layers, strict=False)):
        for z, i in ((z, i) for z, neuron in enumerate(neurons) for i in neuron.open):
            found.append(Open(f"layer {k + 1}, neuron {z}, weight {i}", float(layer.weight[z, i]), np.inf))
    for z, neuron in enumerate(search.pending, len(search.layers[-1]) if search.layers else 0):
        place = f"layer {len(search.layers)}, neuron {z}"
        row, bias = neuron.row, neuron.bias
        if done:  # then the row has the sign of its active side
            row, bias = search.known.layers[-1].weight[z], float(search.known.layers[-1].bias[z])
        found += [Open(f"{place}, weight {i}", float(row[i]), float(neuron.errors[i])) for i in neuron.open]
        if neuron.bias_error:
            found.append(Open(f"{place}, bias", bias, neuron.bias_error))
    return found


def _assembled(search: Search) -> tuple[Network, list[Open]]:
    """The network with the output's numbers snapped, and those of them that are open."""
    assert search.output is not None
    output = search.output
    unsure = []
    for k, j in np.argwhere(output.weight_error > 0).tolist():
        unsure.append(
            Open(f"output {k}, weight {j}", float(output.weight[k, j]), float(output.weight_error[k, j]))
        )
    for k in np.flatnonzero(output.bias_error > 0).tolist():
        unsure.append(Open(f"output {k}, bias", float(output.bias[k]), float(output.bias_error[k])))
    layers = [(layer.weight, layer.bias[:, None]) for layer in search.known.layers]
    layers.append((output.weight, output.bias[:, None]))
    return Network.layered([(Matrix.from_floats(w), Matrix.from_floats(b)) for w, b in layers]), unsure


def _reask(ledger: FloatLedger, noise: Noise) -> None:
    """Raises OracleError when the oracle has other answers now than at the start."""
    points, _ = next(ledger.replay())
    points = points[:: max(1, len(points) // _REASKED)][:_REASKED]
    before, now = ledger.again(points)
    change = np.abs(now - before).max(axis=1)
    if (change > 2 * noise.bound(points)).any():
        raise OracleError(
            f"the oracle contradicts itself: an answer has changed by {change.max():.3g} since the start"
        )


def _graph(known: Known) -> nx.DiGraph:
    """Which neuron bends at which: nodes 0, 1, ... with `layer`, `index` and `sign`, edges with `weight`."""
    graph = nx.DiGraph()
    start = 0
    before = range(0)
    for k, layer in enumerate(known.layers):
        here = range(start, start + len(layer.bias))
        for index, z in enumerate(here):
            graph.add_node(z, layer=k, index=index, sign=int(layer.sign[index]))
            for i, a in zip(before, layer.weight[index], strict=False):
                if a:
                    graph.add_edge(i, z, weight=repr(float(a)))
        before, start = here, here.stop
    return graph
