"""Where two boundaries of the known network meet: a walk from cell to cell on one of them, an LP in each.

On a boundary inside one cell of the known arrangement the other neuron's value is affine, and smallest at a
vertex. The walk goes on through a wall of that vertex behind which it is smaller still (design 4.7). Random
starts miss what meets only in corners far out; the walk leads there, since a vertex can be anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from exactre.guess import Floats, Search

_BOX = 2.0**20  # half the side of the box that vertices lie in
_BOXES = (2.0**8, 2.0**14, _BOX)  # the meeting itself is wanted as near as it can be
_PROGRAMS = 200  # linear programs in one walk
# A walk proposes a point; the weight is read off exact pieces beside it, or the point tells nothing.
_CLOSE = 1e-9  # relative to the distance from the origin
_ROOM = 1e-7  # a meeting keeps this much of its box's size away from other walls


class Arrangement(Protocol):
    """Neurons 0, ..., N - 1 over inputs (r,), as floats."""

    def reads(self) -> NDArray[np.bool_]:
        """Whether (N, N) a neuron, by row, reads another, by column."""

    def values(self, points: Floats) -> Floats:
        """Preactivations (S, N) at points (S, r)."""

    def forms_at(self, signs: Sequence[int]) -> Floats:
        """Forms (N, r + 1) of all neurons where they have these signs."""


class Walk:
    """From points on the boundary of `on` to points on that of `towards` too, in cells of an arrangement.

    No boundary of `kept` is crossed: these neurons stay on the side on which they are at the start.
    """

    def __init__(self, arrangement: Arrangement, on: int, towards: int, kept: Collection[int]) -> None:
        self._arrangement, self._on, self._towards = arrangement, on, towards
        read = _ancestors(arrangement.reads(), (on, towards))
        self._walls = [j for j in read if j not in (on, towards)]
        self._crossed = {j for j in self._walls if j not in kept}

    def meeting(self, start: Floats) -> Floats | None:
        """A point (r,) on both boundaries, away from all other walls, or None; a guess."""
        signs = np.where(self._arrangement.values(start[None])[0] > 0, 1, -1)
        here = self._least(signs)
        programs = 1
        while here is not None:
            value, point, through = here
            if value <= _CLOSE * (1 + float(np.linalg.norm(point))):
                return self._centre(signs)
            here = None
            for wall in through:
                if programs == _PROGRAMS:
                    return None
                programs += 1
                signs[wall] *= -1
                beyond = self._least(signs)
                if beyond is not None and beyond[0] < value * (1 - _CLOSE):
                    here = beyond
                    break
                signs[wall] *= -1
        return None

    def _least(self, signs: NDArray[np.int64]) -> tuple[float, Floats, list[int]] | None:
        """The least size of the value in a cell, where it is, and the walls there that keep it so great."""
        forms = self._forms(signs)
        cost = forms[-1, :-1]
        rows, rhs = _system(forms, _BOX)
        program = Search(rows, rhs, cost, [len(self._walls)], [0] * len(rows))
        vertex = program.propose()
        if vertex is None:
            return None
        worth = -np.abs(program.multipliers()[: len(self._walls)])
        order = [self._walls[i] for i in worth.argsort(kind="stable") if worth[i] < 0]
        value = float(cost @ vertex.point + forms[-1, -1])
        return value, vertex.point, [j for j in order if j in self._crossed]

    def _centre(self, signs: NDArray[np.int64]) -> Floats | None:
        """The point of the meeting in a cell that is furthest from all walls."""
        forms = self._forms(signs)
        equal = [len(self._walls), len(self._walls) + 1]
        for box in _BOXES:
            rows, rhs = _system(forms, box)
            room = np.ones((len(rows), 1))
            room[equal] = 0.0
            cost = np.append(np.zeros(rows.shape[1]), -1.0)
            found = Search(np.hstack([rows, room]), rhs, cost, equal, [0] * len(rows)).propose()
            if found is not None and found.point[-1] > _ROOM * box:
                point: Floats = found.point[:-1]
                return point
        return None

    def _forms(self, signs: NDArray[np.int64]) -> Floats:
        """Unit forms in a cell, each positive on it: the walls, then `on`, then `towards`."""
        rows = [*self._walls, self._on, self._towards]
        forms: Floats = unit_normals(self._arrangement.forms_at(signs.tolist())[rows]) * signs[rows, None]
        return forms


def _system(forms: Floats, box: float) -> tuple[Floats, Floats]:
    """Rows and right-hand sides: every form is at least zero, every coordinate in the box."""
    eye = np.eye(forms.shape[1] - 1)
    sides = np.full(2 * len(eye), box)
    return np.vstack([-forms[:, :-1], eye, -eye]), np.concatenate([forms[:, -1], sides])


def _ancestors(reads: NDArray[np.bool_], neurons: Sequence[int]) -> list[int]:
    """These neurons and all that they read, directly or through others."""
    found: set[int] = set()
    waiting = list(neurons)
    while waiting:
        z = waiting.pop()
        if z not in found:
            found.add(z)
            waiting += np.flatnonzero(reads[z]).tolist()
    return sorted(found)


def unit_normals(forms: Floats) -> Floats:
    """Forms (N, r + 1) scaled to unit normals; where the normal is zero, to an offset of its sign."""
    norm = np.linalg.norm(forms[:, :-1], axis=1, keepdims=True)
    offset = np.abs(forms[:, -1:])
    found: Floats = forms / np.where(norm > 0, norm, offset + (offset == 0))
    return found
