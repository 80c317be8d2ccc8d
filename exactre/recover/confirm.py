"""First-layer hypotheses confirmed at points that exact LPs choose (Rolnick and Koerding; design 4.5).

A first-layer boundary goes on straight through every cell; a piece of a deeper boundary lies on the same
hyperplane in its own cell only. So the function has to bend on the hyperplane in another cell too. Where it
does not, the boundary may only be invisible; but where it is seen it meets others, and only a deeper one
bends at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import fmpz_mat

from exactre.lp import Point, feasible
from exactre.rational import Matrix
from exactre.recover.floats import FloatModel
from exactre.recover.jet import Jets
from exactre.recover.line import Form, Kink, jump_form
from exactre.recover.model import Model, Neuron
from exactre.recover.trace import BoundaryPiece, Tracer

_CELLS = 4
_WALLS = 16  # hyperplanes that tell cells apart, at the most
_FLIPPED = 3
_LOOKS = 4  # kinks from which walls are looked for
_STRAIGHT = 2  # walls that tell
_BITS = 40  # the chosen point is rounded by so many binary digits below its distance to the walls


def bends_elsewhere(
    jets: Jets, form: Form, walls: Sequence[Form], seen: Sequence[Fraction], rng: np.random.Generator
) -> bool:
    """Whether the function bends on the hyperplane of `form` in a cell of the walls that `seen` is not in.

    Forms are integer (r + 1,), `seen` is a point (r,) of the hyperplane. Cells without a point on it, by
    Farkas multipliers, and cells where nothing bends, as where all that follows is inactive, tell nothing.
    """
    others = [walls[int(k)] for k in rng.permutation(len(walls))[:_WALLS] if walls[int(k)] != form]
    here = [_value(wall, seen) > 0 for wall in others]
    for _ in range(_CELLS if others else 0):
        flipped = rng.permutation(len(others))[: rng.integers(1, 1 + min(_FLIPPED, len(others)))].tolist()
        signs = [1 if above != (k in flipped) else -1 for k, above in enumerate(here)]
        rows = [[-s * v for v in wall[:-1]] for s, wall in zip(signs, others, strict=True)]
        right = [s * wall[-1] for s, wall in zip(signs, others, strict=True)]
        found = feasible([*rows, form[:-1]], [*right, -form[-1]], strict=range(len(rows)), equal=[len(rows)])
        if isinstance(found, Point) and _bends_at(jets, form, others, found.x):
            return True
    return False


def goes_straight(
    jets: Jets,
    kinks: Sequence[Kink],
    walls: Sequence[Form],
    rng: np.random.Generator,
    *,
    doubtful: Sequence[Form] = (),
) -> bool | None:
    """Whether the boundary at kinks on one hyperplane goes on straight where it meets first-layer walls.

    True at several of the walls, or all there are; False where it bends at one, or at a doubtful one, which
    no first-layer boundary does; None where too few are met.
    """
    form = kinks[0].form
    others = [wall for wall in (*walls, *doubtful) if wall != form]
    enough = min(_STRAIGHT, len(set(walls) - {form}))
    model = Model(jets.dim, tuple(Neuron({}, wall) for wall in others))
    tracer = Tracer(jets, model, FloatModel(model), rng)
    straight: set[Form] = set()
    for k in rng.permutation(len(kinks))[:_LOOKS].tolist():
        x = kinks[k].homogeneous
        levels = [sum(f * v for f, v in zip(wall, x, strict=True)) for wall in others]
        signs = tuple((level > 0) - (level < 0) for level in levels)
        near = np.array([float(v) for v in kinks[k].point()])
        for wall, pieces in tracer.vertices(BoundaryPiece(signs, form, Fraction(1), near)):
            is_straight = _is_straight(form, others[wall], pieces)
            if is_straight is False:
                return False
            if is_straight and others[wall] in walls:
                straight.add(others[wall])
            if enough and len(straight) == enough:
                return True
    return None


def _is_straight(form: Form, wall: Form, pieces: Sequence[Matrix]) -> bool | None:
    """Whether a boundary goes on straight across a wall that is seen, as the pieces around tell.

    False where it bends, and the wall does not; None where one of them is hidden. Where three boundaries
    end at one place, nothing tells which of them go on into each other.
    """
    near, other, beyond, across = pieces
    if _jump(near, other) != form:
        return None
    seen = [_jump(near, beyond) == wall, _jump(other, across) == wall]
    if _jump(beyond, across) == form:
        return True if any(seen) else None
    return False if all(seen) else None


def _jump(before: Matrix, after: Matrix) -> Form | None:
    return None if before == after else jump_form(before, after)


def _bends_at(jets: Jets, form: Form, walls: Sequence[Form], x: Sequence[Fraction]) -> bool:
    """Whether the jump from one side of the hyperplane to the other, close to x, is along the form."""
    room = min((abs(_value(wall, x)) / sum(map(abs, wall[:-1])) for wall in walls), default=Fraction(1))
    bits = max(0, room.denominator.bit_length() - room.numerator.bit_length()) + _BITS
    normal = [Fraction(v, max(map(abs, form[:-1]))) for v in form[:-1]]
    ends = [
        [round((a + side * room * v / 1024) * (1 << bits)) for a, v in zip(x, normal, strict=True)]
        for side in (-1, 1)
    ]
    before, after = jets.at(fmpz_mat(ends), bits)
    return _jump(before, after) == form


def _value(form: Form, x: Sequence[Fraction]) -> Fraction:
    return sum((f * v for f, v in zip(form, x, strict=False)), Fraction(form[-1]))
