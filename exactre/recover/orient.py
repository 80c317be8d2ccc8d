"""Which side of a layer's neurons is active: what gradients say, free of queries or for a few.

A gradient is a combination of the forms of a layer's active neurons, so a combination that is unique has
zeros at the inactive ones. Where a layer has more neurons than a cell has independent forms, cells are put
together between which nothing flips from that layer on: there the combination is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.recover.floats import random_starts
from exactre.recover.group import CONSTANT, Weights, active_weights
from exactre.recover.guess import Vector, dyadic
from exactre.recover.modular import PRIME, modular_gradient
from exactre.recover.signs import solve_signs
from exactre.recover.sparsest import sparsest
from exactre.recover.survey import Survey

_ENOUGH = 100  # kinks that agree, where they tell all signs
_REGIONS = 12
_PATIENCE = 5  # regions that may tell nothing
_RADII = (4.0, 64.0, 1024.0)
_RAYS = 12  # random rays beside those towards every unit
_FAR_ALONG = 64.0  # how far a ray goes, in distances of its start from the origin


class Votes:
    """Signs of one layer from unique combinations at the kinks, free of queries.

    A combination may have no equation to spare, and an incomplete layer then makes a wrong one; but that has
    no zeros. Where signs contradict those from other kinks, all are given up.
    """

    def __init__(self, survey: Survey, depth: int) -> None:
        self.layer = survey.layer(depth)
        self.version = survey.version
        self._survey = survey
        self._depth = depth
        self._signs: dict[int, int] = {}
        self._contradicted = False
        self._read: dict[tuple[int, ...], int] = {}  # how many kinks were looked at with which signs known

    def count(self) -> bool:
        """Take the survey's new kinks into account; whether all signs are known."""
        # First without the signs found so far, which would hide contradictions; then with them, for the rest.
        self._count({})
        while not self._contradicted and len(self._signs) < len(self.layer):
            before = len(self._signs)
            self._count(dict(self._signs))
            if len(self._signs) == before:
                break
        for j in self.layer:
            self._survey.orientation.pop(j, None)
        if not self._contradicted:
            self._survey.orientation.update(self._signs)
        return not self._contradicted and len(self._signs) == len(self.layer)

    def _count(self, known: Mapping[int, int]) -> None:
        survey, layer = self._survey, self.layer
        key = tuple(known.get(j, 0) for j in layer)
        fresh = np.arange(self._read.get(key, 0), len(survey.kinks))
        spare = survey.spare(fresh, layer, known)
        for i in fresh[spare >= 0].tolist():
            if i >= _ENOUGH and len(self._signs) == len(layer):
                return
            self._read[key] = i + 1
            owner = survey.owner[i]
            found = [survey.gradient_weights(i, layer, known)]
            if owner is None or survey.model.depth[owner] > self._depth:
                found.append(survey.weights(i, layer, known))
            for weights in found:
                heard = [j for j, c in (weights or {}).items() if c and j != CONSTANT]
                is_told = len(heard) < sum(j != CONSTANT for j in weights or {})
                if not heard or not (is_told or (known and spare[i - fresh[0]] > 0)):
                    continue
                signs = survey.signs(i)
                for j in heard:
                    if self._signs.setdefault(j, signs[j]) != signs[j]:
                        self._contradicted = True
                        return
        self._read[key] = len(survey.kinks)


class Region:
    """Cells around a point between which no known neuron of a layer, or beyond it, flips."""

    def __init__(self, survey: Survey, depth: int, start: Vector, rng: np.random.Generator) -> None:
        self._survey = survey
        self._depth = depth
        self._rng = rng
        self._below = survey.layer(depth - 1)
        points = [start, *self._reached(start, rng)]
        num, q = dyadic(points)
        rows = [[int(v) for v in row] for row in num.tolist()]
        signs = survey.model.signs_at(rows, q)
        self.signs = signs[0]
        after = [z for z, d in enumerate(survey.model.depth) if d >= depth]
        keep = [k for k, s in enumerate(signs) if all(s[z] == self.signs[z] for z in after)]
        self._pieces = survey.jets.at(fmpz_mat([rows[k] for k in keep]), q)
        self._cells = [signs[k] for k in keep]

    def heard(self) -> tuple[set[int], set[int]]:
        """The layer's neurons that contribute to an output here, and those that do not; nothing if untold."""
        survey, layer = self._survey, self._survey.layer(self._depth)
        forms = [survey.model.forms(signs) for signs in self._cells]
        below = [{j: cell.modular[j] for j in self._below} for cell in forms]
        heard: set[int] = set()
        told: set[int] = set()
        for output in range(self._pieces[0].shape[0]):
            gains = self._gains(below, output)
            units = [j for j in self._below if j in gains]
            columns = np.array(
                [
                    [
                        2 * survey.model.neurons[z].parents.get(j, 0) * survey.orientation[j] % PRIME
                        for z in layer
                    ]
                    for j in units
                ],
                dtype=np.int64,
            ).reshape(len(units), len(layer))
            found = sparsest(columns, np.array([gains[j] for j in units], dtype=np.int64), self._rng)
            if found is not None:
                told.update(layer[k] for k in np.flatnonzero(columns.any(axis=0)))
                heard.update(layer[k] for k in np.flatnonzero(found))
        return heard, told - heard

    def _reached(self, start: Vector, rng: np.random.Generator) -> list[Vector]:
        """The last cell on each ray before a neuron flips that the region must not lose."""
        floats = self._survey.floats()
        gradients = floats.gradients_of(self._below, start[None, :])[0]
        rays = np.concatenate([gradients, -gradients, rng.normal(size=(_RAYS, len(start)))])
        lengths = np.linalg.norm(rays, axis=1)
        rays = rays[lengths > 0] / lengths[lengths > 0, None]
        stops = np.array(self._survey.model.depth) >= self._depth
        return list(floats.last_cells(start, rays, stops, _FAR_ALONG * (1 + float(np.linalg.norm(start)))))

    def _gains(self, below: Sequence[Mapping[int, NDArray[np.int64]]], output: int) -> Weights:
        """The gain of every unit of the layer before that is active in one of the cells, modulo the prime.

        A cell whose gains differ from those of the first has lost something that is not known yet.
        """
        survey, gains = self._survey, Weights()
        for signs, forms, piece in zip(self._cells, below, self._pieces, strict=True):
            target = modular_gradient(piece, output)
            found = active_weights(self._below, signs, forms, target, survey.orientation)
            if found is None:
                continue
            common = [j for j in found if j in gains]
            if not gains or (common and all(found[j] == gains[j] for j in common)):
                gains.update(found)
        return gains


def orient_in_regions(survey: Survey, depth: int, rng: np.random.Generator) -> dict[int, int]:
    """Signs of a deeper layer from regions around random points.

    A neuron that contributes nowhere, and was always seen on one side, is taken to be inactive there. Nothing
    where regions contradict each other.
    """
    layer = survey.layer(depth)
    votes: dict[int, int] = {}
    told = 0
    silent: dict[int, list[int]] = {j: [] for j in layer}
    shallower = [j for j, d in enumerate(survey.model.depth) if d < depth and j in survey.orientation]
    for attempt in range(_REGIONS):
        starts = random_starts((1, 1, survey.jets.dim), _RADII[attempt % len(_RADII)], rng)
        # Where most earlier neurons are active, forms are independent and few units are left to be heard.
        signs, gains = [survey.orientation[j] for j in shallower], np.ones((1, len(shallower)))
        gains += rng.random(gains.shape)
        [start] = survey.floats().extremes(shallower, signs, gains, starts)
        if not survey.is_reliable_at(survey.floats().values(start[None, :])[0], depth):
            continue
        region = Region(survey, depth, start, rng)
        found, quiet = region.heard()
        told += bool(found or quiet)
        if attempt >= _PATIENCE and not told:
            break
        for j in found:
            if votes.setdefault(j, region.signs[j]) != region.signs[j]:
                return {}
        for j in quiet:
            silent[j].append(region.signs[j])
        if len(votes) == len(layer):
            break
    for j in layer:
        if j not in votes and len(silent[j]) > 2 and len(set(silent[j])) == 1:
            votes[j] = -silent[j][0]
    return votes


def orient_from_rows(survey: Survey, depth: int) -> bool:
    """Signs of the layer from the rows of the neurons that read it; whether all are known."""
    layer = survey.layer(depth)
    free = survey.of_many
    neurons = [neuron for z, neuron in enumerate(survey.model.neurons) if z not in free]
    rows = [(neuron.parents, neuron.linear) for neuron in neurons]
    known = {j: survey.orientation[j] for j in layer if j in survey.orientation}
    signs = solve_signs(survey.model, layer, rows, known)
    survey.orientation.update(signs or {})
    return all(j in survey.orientation for j in layer)
