"""The end of a search: the last layer's signs, the output layer, and whether points old and new agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exactre.measured import output
from exactre.measured.known import Known, Layer
from exactre.measured.line import Line
from exactre.measured.neuron import Neuron
from exactre.measured.output import Output, Values
from exactre.measured.probe import Probe
from exactre.measured.steer import extremes
from exactre.oracle.measured import Array

_SAMPLES = 3  # times that the points for the output are doubled while numbers of it are open
_CHECKS = 64
_MANY = 1024
_REFUTED = 2  # lines towards points that disagree
_BESIDE = (-2.0, -0.25, 0.25, 2.0)


@dataclass(frozen=True)
class Closed:
    """The known layers with all signs, and the output over them; `missing` says why that is not the network.

    `constant` is a neuron of the last layer that is active everywhere, so that no bend shows it; `refuting`
    are lines from a point that agrees to points that do not.
    """

    known: Known
    output: Output | None
    missing: str
    constant: Neuron | None = None
    refuting: tuple[Line, ...] = ()


def close(probe: Probe, known: Known, neurons: Sequence[Neuron]) -> Closed:
    """Solve for what follows the hidden layers, the last of which are these neurons, and check it."""
    last = known.layers[-1]
    count = 2 * output.unknowns(known, signed=False)
    values = output.sampled(probe, count, beside_boundaries(known, neurons))
    signs, constant = output.last_signs(known, values), None
    if signs is not None:
        known = known.with_last(replace(last, sign=signs).oriented())
    else:
        found = _with_constant(known, values)
        if found is None:
            return Closed(known, None, "the active sides of the last layer are not known")
        known, constant = found
    for _ in range(_SAMPLES):
        solved = output.solved(known, values)
        if solved is None:
            missing = "no output layer over the recovered neurons gives the answers"
            return Closed(known, None, missing, constant)
        snapped = output.snapped(solved)
        if not (snapped.weight_error.any() or snapped.bias_error.any()):
            break
        # A weight much smaller than others shows where its neuron is large and the others are off.
        far = extremes(probe, known, len(known.layers) - 1, 2 * len(last.bias))
        values = values.extended(output.sampled(probe, len(values.points), [*far]))
    if constant is not None and snapped.bias_error.any() and not snapped.weight_error.any():
        snapped = output.with_bias(known, snapped, output.sampled(probe, _MANY, []))
    wrong, missing = _wrong(probe, known, snapped)
    some = wrong[:: max(1, len(wrong) // _REFUTED)][:_REFUTED]
    lines = tuple(Line(values.points[0], point - values.points[0]) for point in some)
    return Closed(known, snapped, missing, constant, lines)


def beside_boundaries(known: Known, neurons: Sequence[Neuron]) -> list[Array]:
    """Points on both sides of every neuron of the last layer."""
    points = []
    for z, neuron in enumerate(neurons):
        for bend in neuron.bends[:2]:
            form = known.cell(bend.point).forms[-1][z]
            side = form / max(float(np.linalg.norm(form)), 2.0**-60)
            points += [bend.point + step * side for step in _BESIDE]
    return points


def _with_constant(known: Known, values: Values) -> tuple[Known, Neuron] | None:
    """The layers with all signs, and with one more neuron that is active everywhere, if there is one."""
    found = output.with_constant(known, values)
    if found is None:
        return None
    signs, snapped = found
    row = np.abs(snapped.entries)
    chance = snapped.false_positive + len(signs)
    constant = Neuron(row, np.zeros(len(row)), 0.0, 0.0, snapped.grid, chance, ())
    turned = replace(known.layers[-1], sign=signs).oriented()
    weight, bias = np.vstack([turned.weight, row]), np.append(turned.bias, 0.0)
    return known.with_last(Layer(weight, bias, np.ones(len(bias), dtype=np.int64))), constant


def _wrong(probe: Probe, known: Known, found: Output) -> tuple[Array, str]:
    """Points (count, n), fresh ones or old, at which the network is wrong, and that in words."""
    steered = [extremes(probe, known, k, 2 * len(layer.bias)) for k, layer in enumerate(known.layers)]
    fresh = output.sampled(probe, _CHECKS, steered)
    off = np.abs(output.predicted(known, found, fresh.points) - fresh.answers).max(axis=1)
    wrong = fresh.points[off > output.AGREES * fresh.errors]
    if len(wrong):
        return wrong, f"{len(wrong)} of {len(off)} fresh points disagree with the network"
    wrong, count = output.refuting(known, found, probe)
    return wrong, f"the network gives {len(wrong)} of {count} answers wrongly" if len(wrong) else ""
