"""Follow one unknown boundary across known ones, and solve for the neuron's row from the pieces.

Across the boundary of known neuron j the form of a piece changes by a multiple of u_j's form, and nothing
else changes: scale * form = mu * form' - gamma * U_j fixes mu and gamma from two coordinates and checks
itself on all others. So all pieces of a trace carry one common scale, and the row is the solution of
linear equations (the exact-rank test of design 4.6). A piece that fails the check bends where nothing
known is: the neuron is deeper than what is known, or not alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz_mat

from exactre.rational import Matrix
from exactre.recover.floats import FloatModel
from exactre.recover.guess import Cell, Crossing, Vector, scaled, unit_form
from exactre.recover.jet import Jets
from exactre.recover.line import Form, jump_form, primitive
from exactre.recover.model import Forms, Model, Signs
from exactre.recover.reading import Reading
from exactre.recover.row import Hypothesis, Piece, Row
from exactre.walk import unit_normals

_SPARE_CROSSINGS = 12
_FREE_STEPS = 6  # pieces looked at for each one measured
_FREE_RUN = 80  # in a row: where nothing is left to measure there hardly is further on, but over wide layers
_OPEN = 12  # pieces from which the next step is chosen
_COARSE, _FINE, _GRID, _DIRECTION = 12, 52, 80, 60  # binary digits below the clearance at a crossing


_Exit = tuple[Crossing, Signs]  # a crossing, and the signs of the known neurons beyond it


@dataclass(frozen=True)
class BoundaryPiece(Piece):
    """A piece of the boundary, a point `near` it, and the wall through which it was entered."""

    near: Vector
    entered: int | None = None


@dataclass
class Tracer:
    """Traces boundary points of unknown neurons over a fixed model."""

    jets: Jets
    model: Model
    floats: FloatModel
    rng: np.random.Generator
    forms: dict[Signs, Forms] = field(default_factory=dict)

    def forms_at(self, signs: Signs) -> Forms:
        """Known forms in the cell with these signs, cached."""
        if signs not in self.forms:
            self.forms[signs] = self.model.forms(signs)
        return self.forms[signs]

    def cross(
        self, piece: BoundaryPiece, crossing: Crossing, horizon: int, *, far: bool = False
    ) -> BoundaryPiece | None:
        """The piece beyond a wall, measured with two queries.

        None where nothing bends there. Raises Elsewhere when what bends there is no continuation. With `far`
        only a boundary that goes straight on is met: `_beside`. Neurons deeper than the horizon may flip.
        """
        wall = self.forms_at(piece.signs)[crossing.wall]
        ends = _beside(piece.form, wall, crossing, far)
        if ends is None:
            return None
        rows, q = ends
        signs = tuple(-s if j == crossing.wall else s for j, s in enumerate(piece.signs))
        seen = [j for j, d in enumerate(self.model.depth) if d <= horizon]
        if any(found[j] != signs[j] for found in self.model.signs_at(rows, q) for j in seen):
            return None
        num = fmpz_mat(rows)
        before, after = self.jets.at(num, q)
        if before == after:
            return None
        form = jump_form(before, after)
        if form is None:
            raise Elsewhere
        step = continued(piece.form, wall, form)
        if step is None:
            raise Elsewhere
        return BoundaryPiece(signs, form, piece.scale * step, crossing.point, crossing.wall)

    def bends_at(self, piece: BoundaryPiece, walls: Sequence[int]) -> bool | None:
        """Whether the boundary bends where its piece meets one of these walls of one depth, at the first met.

        None where it meets none. Where two boundaries meet, a look close to the wall cannot tell which of
        them bends at the other.
        """
        horizon = max((self.model.depth[j] for j in walls), default=-1)
        for crossing, _ in self._exits(piece, walls, horizon):
            if crossing.wall in walls:
                try:
                    beyond = self.cross(piece, crossing, horizon)
                    if beyond is None or beyond.form == piece.form:
                        return None if beyond is None else False
                    straight = self.cross(piece, crossing, horizon, far=True)
                except Elsewhere:
                    return None
                return straight is None or straight.form != piece.form
        return None

    def vertices(self, piece: BoundaryPiece) -> Iterator[tuple[int, list[Matrix]]]:
        """The walls that are met around a point of the boundary, each with the pieces around where it is met.

        Four queries each: this side of the wall, then beyond it, each on the boundary's one and other side.
        """
        for crossing, beyond in self._exits(piece, range(len(self.model)), max(self.model.depth, default=-1)):
            wall, back = self.forms_at(piece.signs)[crossing.wall], replace(crossing, across=-crossing.across)
            near, far = (_beside(piece.form, wall, way, False) for way in (back, crossing))
            if near is None or far is None:
                continue
            signs = self.model.signs_at(*near), self.model.signs_at(*far)
            if signs == ([piece.signs] * 2, [beyond] * 2):
                pieces = [self.jets.at(fmpz_mat(rows), q) for rows, q in (near, far)]
                yield crossing.wall, [*pieces[0], *pieces[1]]

    def trace(
        self, start: BoundaryPiece, hypothesis: Hypothesis | Reading, *, wanting: int = 0
    ) -> Row | None:
        """The row of the neuron that bends at `start`, if the hypothesis fits; else None.

        The hypothesis holds the equations of `start` already, at its scale. So many may be `wanting` at the
        end, when other pieces will bring them. Walls of deeper neurons than it reads are not looked at: what
        is known of them may be wrong beyond the boundary.
        """
        horizon = hypothesis.depth
        open_pieces = [start]
        visited = {start.signs}
        crossings: dict[Signs, list[_Exit]] = {}
        misses = free = 0
        goes_far = self.model.is_wide(horizon)
        measured = _SPARE_CROSSINGS + 2 * hypothesis.missing
        for _ in range(_FREE_STEPS * measured):
            if not hypothesis.is_consistent or not measured or 0 < hypothesis.missing <= wanting:
                return None
            if free == _FREE_RUN and not goes_far:
                return None
            row = hypothesis.row() if hypothesis.is_tested else None
            if row is not None:
                return row
            choice = self._choose(open_pieces, hypothesis, visited, crossings)
            if choice is None:
                return None
            piece, crossing = choice
            # What has no unknowns left is still to be tested, and only a measurement tests.
            found = self._foreseen(piece, crossing, hypothesis) if hypothesis.missing else None
            free += 1
            if found is None:
                measured, free = measured - 1, 0
                try:
                    found = self.cross(piece, crossing, horizon)
                except Elsewhere:
                    return None
                if found is None:
                    misses += 1
                    if misses > 2:
                        return None
                    continue
                hypothesis.add(found, self.forms_at(found.signs))
            visited.add(found.signs)
            open_pieces.append(found)
        return None

    def _foreseen(
        self, piece: BoundaryPiece, crossing: Crossing, hypothesis: Hypothesis | Reading
    ) -> BoundaryPiece | None:
        """The piece beyond a wall, free of queries, where the equations so far determine it."""
        signs = tuple(-s if j == crossing.wall else s for j, s in enumerate(piece.signs))
        form = hypothesis.predicted(signs, self.forms_at(signs))
        if form is None or not any(form[:-1]):
            return None
        den = lcm(*(v.denominator for v in form))
        ints = [int(v * den) for v in form]
        short = primitive(ints)
        lead_index = next(i for i, v in enumerate(short) if v)
        scale = Fraction(ints[lead_index], short[lead_index] * den)
        return BoundaryPiece(signs, short, scale, crossing.point, crossing.wall)

    def _choose(
        self,
        pieces: Sequence[BoundaryPiece],
        hypothesis: Hypothesis | Reading,
        visited: set[Signs],
        exits: dict[Signs, list[_Exit]],
    ) -> tuple[BoundaryPiece, Crossing] | None:
        """A crossing to look at next: through a target wall if one is in sight, else into a new cell.

        It is taken out of `exits`, and so are those into cells that have been visited.
        """
        if not len(self.model):
            return None
        targets, avoided = hypothesis.targets(), hypothesis.idle
        best: tuple[tuple[bool, float], BoundaryPiece, _Exit] | None = None
        for piece in reversed(pieces[-_OPEN:]):
            if piece.signs not in exits:
                exits[piece.signs] = self._exits(piece, sorted(targets), hypothesis.depth)
            here = exits[piece.signs] = [way for way in exits[piece.signs] if way[1] not in visited]
            for way in here:
                if way[0].wall in avoided:
                    continue
                key = (way[0].wall in targets, -way[0].distance)
                if best is None or key > best[0]:
                    best = key, piece, way
            if best is not None and best[0][0]:
                break
        if best is None:
            return None
        _, piece, way = best
        exits[piece.signs] = [other for other in exits[piece.signs] if other[0].wall != way[0].wall]
        return piece, way[0]

    def _exits(self, piece: BoundaryPiece, targets: Sequence[int], horizon: int) -> list[_Exit]:
        """Ways out of a piece through walls up to the horizon's depth, each with the signs beyond."""
        walls = unit_normals(self.floats.forms_at(piece.signs))
        walls[np.array(self.model.depth) > horizon] = [0.0] * self.model.dim + [1.0]  # never met
        cell = Cell(walls, unit_form(piece.form), piece.signs, piece.near, piece.entered, self.rng)
        return [
            (
                crossing,
                (
                    *piece.signs[: crossing.wall],
                    -piece.signs[crossing.wall],
                    *piece.signs[crossing.wall + 1 :],
                ),
            )
            for crossing in cell.towards(targets, self.rng)
        ]


class Elsewhere(Exception):
    """What bends at a crossing is no continuation of the piece: an unknown boundary is in between."""


def continued(form: Form, wall: Sequence[int], beyond: Form) -> Fraction | None:
    """mu with form = mu * beyond - gamma * wall for some gamma, exact; None when there is none, or mu = 0."""
    lead = next((i for i, v in enumerate(wall) if v and beyond[i]), None)
    pairs = ((a, b) for a in ([lead] if lead is not None else range(len(wall))) for b in range(len(wall)))
    for a, b in pairs:
        det = wall[a] * beyond[b] - beyond[a] * wall[b]
        if det:
            mu = wall[a] * form[b] - form[a] * wall[b]
            gamma = beyond[a] * form[b] - beyond[b] * form[a]
            fits = all(mu * n - gamma * w == det * f for f, w, n in zip(form, wall, beyond, strict=True))
            return Fraction(mu, det) if fits and mu else None
    return None


def _beside(
    form: Form, wall: Sequence[int], crossing: Crossing, far: bool
) -> tuple[list[list[int]], int] | None:
    """Two points num / 2^q just beyond the wall, on both sides of the piece's continuation.

    The guessed point is first moved onto both hyperplanes along the two directions, to within 2^-q. Then
    2^-12 of the clearance aside and 2^-52 of it across: whatever the continuation's slope, it passes between.
    With `far` it is 2^-12 across and 2^-52 aside: only a continuation without a bend passes between.
    """
    aside_bits, across_bits = (_FINE, _COARSE) if far else (_COARSE, _FINE)
    unit = -int(np.floor(np.log2(crossing.clearance)))
    q = max(0, unit + _GRID)
    y = [round(v) for v in scaled(crossing.point, q)]
    d, e = (
        [round(v) for v in scaled(direction, _DIRECTION)] for direction in (crossing.across, crossing.aside)
    )

    def slope(f: Sequence[int], direction: Sequence[int]) -> int:
        return sum(a * b for a, b in zip(f, direction, strict=False))

    f0, w0 = slope(form, y) + (form[-1] << q), slope(wall, y) + (wall[-1] << q)
    fd, fe, wd, we = slope(form, d), slope(form, e), slope(wall, d), slope(wall, e)
    det = fd * we - fe * wd
    if not det:
        return None
    s, t = fe * w0 - f0 * we, wd * f0 - fd * w0
    y = [a + (s * b + t * c) // det for a, b, c in zip(y, d, e, strict=True)]
    aside, across = q - unit - aside_bits - _DIRECTION, q - unit - across_bits - _DIRECTION
    return [
        [a + _shift(b, across) + side * _shift(c, aside) for a, b, c in zip(y, d, e, strict=True)]
        for side in (-1, 1)
    ], q


def _shift(value: int, bits: int) -> int:
    return value << bits if bits >= 0 else value >> -bits
