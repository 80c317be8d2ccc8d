"""Neurons from planes: what bends on a plane, joined into the boundaries of neurons.

Every piece on the plane comes with its hyperplane in the whole chart, and so with as many equations; only
what the plane does not meet is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, chain, islice, product

import numpy as np
from flint import fmpz_mat

from exactre.complex.cone import Vector
from exactre.complex.joining import Ridge, joinings
from exactre.recover.bends import Bends, Edge
from exactre.recover.jet import Chart
from exactre.recover.model import Neuron
from exactre.recover.plane import Plane
from exactre.recover.survey import Survey

_LINES = 4
_MOST_VERTICES = 1000
_MOST_KINKS = 16  # on a line of a plane that is not all there is
_MOST_THROUGH = 8
_READINGS = 48
_GUESSES = 16
_WAYS = 16


def look_at_plane(
    survey: Survey, rng: np.random.Generator, near: Sequence[Fraction] | None = None
) -> Bends | None:
    """What bends on a plane of the survey's chart, from lines on it; None where that is too much.

    The plane is a random one, which passes close to the point `near` (r,).
    """
    dim = survey.jets.dim
    if dim == 2:
        chart = Chart.identity(2)
    else:
        chart = Chart.random(dim, 2, rng)
        if near is not None:
            start = [int(v) for v in chart.origin.entries()]
            along = [round(16 * (v - a)) for v, a in zip(near, start, strict=True)]
            basis = fmpz_mat([[a, row[1]] for a, row in zip(along, chart.basis.tolist(), strict=True)])
            chart = Chart(start, basis) if basis.rank() == 2 else chart
    plane = Plane(survey.jets, chart)
    bends = Bends(plane, _MOST_VERTICES)
    for number in range(_LINES):
        p0, p1, v0, v1 = (int(a) for a in rng.integers(-64, 65, size=4))
        if near is not None and dim > 2 and not number:
            p0, p1 = 1, 0  # over 16: the point itself
        v0, v1 = 2 * v0 + 1, 2 * v1 + 1
        found = survey.scan(plane.line((p0, p1), (v0, v1), 4))
        if dim > 2 and len(found) > _MOST_KINKS:
            return None  # there are as many vertices as pairs of kinks, and lines tell more in space
        for i in found:
            kink = survey.kinks[i]
            point = (p0 + kink.t * v0) / 16, (p1 + kink.t * v1) / 16
            if not bends.has(point) and not bends.follow(point, kink.form):
                return None
    return bends


def follow_unexplained(survey: Survey, bends: Bends) -> bool:
    """Follow, with two inputs, what no neuron explains and is on no edge; whether there was anything."""
    known = len(bends.edges)
    for i in survey.unexplained():
        x, y = survey.kinks[i].point()
        if not bends.has((x, y)) and not bends.follow((x, y), survey.kinks[i].form):
            return False
    return len(bends.edges) > known


def readings(planes: Sequence[Bends]) -> Iterator[list[Neuron]]:
    """Neurons, parents first, whose boundaries are what bends on the planes: every way to read it.

    The simplest come first. Where three edges meet, one of them is of a neuron that is hidden beyond, because
    all that reads it is inactive there; any of the three may be that one. The equations of a reading hold
    exactly on all edges.
    """
    ways = [(k, ways) for k, bends in enumerate(planes) for ways in bends.ridges()]
    for choice in islice(product(*(options for _, options in ways)), _WAYS):
        chosen = [(k, ridge) for (k, _), way in zip(ways, choice, strict=True) for ridge in way]
        edges, ridges = _pooled(planes, chosen)
        forks = [
            {edges[i].row for i in ridge.bent}
            for ridge in ridges
            if len(ridge.bent) == 3 and not ridge.straight
        ]
        for through in islice(chain([()], _through(forks)), _READINGS):
            # In space a plane does not show enough to tell guesses apart.
            guesses = _GUESSES if not through and all(len(edge.row) == 3 for edge in edges) else 1
            for joining in islice(joinings(edges, ridges, through=through), guesses):
                if not joining.components():
                    yield [Neuron.primitive(hinge.parents, hinge.linear) for hinge in joining.hinges]


def _pooled(planes: Sequence[Bends], ridges: Sequence[tuple[int, Ridge]]) -> tuple[list[Edge], list[Ridge]]:
    """The edges of all planes and copies of some, with ridges, each of a plane, that go by their numbers."""
    starts = list(accumulate((len(bends.edges) for bends in planes), initial=0))
    edges = [edge for bends in planes for edge in bends.edges]
    copies: dict[int, int] = {}

    def number(k: int, i: int) -> int:
        if i >= 0:
            return starts[k] + i
        if starts[k] + ~i not in copies:
            copies[starts[k] + ~i] = len(edges)
            edges.append(planes[k].edges[~i])
        return copies[starts[k] + ~i]

    pooled = [
        Ridge(
            tuple((number(k, a), number(k, b)) for a, b in ridge.straight),
            tuple(number(k, i) for i in ridge.bent),
        )
        for k, ridge in ridges
    ]
    return edges, pooled


def _through(forks: Sequence[set[Vector]]) -> Iterator[tuple[Vector, ...]]:
    """Sets of rows, the smallest first, of which every fork has exactly one."""
    for size in range(1, min(len(forks), _MOST_THROUGH) + 1):
        yield from _covers(forks, size, ())


def _covers(
    forks: Sequence[set[Vector]], size: int, chosen: tuple[Vector, ...]
) -> Iterator[tuple[Vector, ...]]:
    """The sets that add `size` rows to those chosen."""
    uncovered = next((fork for fork in forks if fork.isdisjoint(chosen)), None)
    if uncovered is None or not size:
        if uncovered is None and not size:
            yield chosen
        return
    # A boundary that ends at several forks is the likely one.
    for row in sorted(uncovered, key=lambda row: (-sum(row in fork for fork in forks), row)):
        if not any(row in fork and not fork.isdisjoint(chosen) for fork in forks):
            yield from _covers(forks, size - 1, (*chosen, row))
