"""`ridges`: where pieces meet, which of them go on straight there, and which contradict each other.

Around a ridge, of dimension n - 2, each piece is a ray in the plane across it. The function is affine
between them, so the jumps of its gradient, each along the normal of its piece, add up to zero. So a piece
alone on its line, where there is at most one other line, contradicts the rest: the sum could not vanish.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from exactre.complex.cells import domain_cone
from exactre.complex.cone import Cone, Key, dot
from exactre.complex.joining import Ridge
from exactre.complex.pieces import Complex, Piece
from exactre.errors import ComplexError
from exactre.linalg import nullspace
from exactre.rational import Matrix


def ridges(complex_: Complex) -> list[Ridge]:
    """Every ridge inside the domain; exact over Q.

    Raises ComplexError, naming the pieces, where some overlap, or end where no network's boundary can end.
    """
    walls = domain_cone(complex_.input_dim, complex_.domain).rows[1:]
    meeting: dict[Key, list[int]] = defaultdict(list)
    faces: dict[Key, Cone] = {}
    for i, piece in enumerate(complex_.pieces):
        for _, face in piece.cone.facets():
            if not any(_on(wall, face) for wall in walls):
                meeting[face.key].append(i)
                faces[face.key] = face
    return [_ridge(complex_.pieces, members, faces[key]) for key, members in meeting.items()]


def _on(wall: Sequence[int], face: Cone) -> bool:
    return not any(dot(wall, vector) for vector in (*face.rays, *face.lines))


def _ridge(pieces: Sequence[Piece], members: Sequence[int], face: Cone) -> Ridge:
    across = nullspace(Matrix.from_rows([*face.rays, *face.lines])).transpose()
    axes = [[int(v) for v in row] for row in across.num.tolist()]
    rays = {i: (dot(axes[0], pieces[i].cone.centre), dot(axes[1], pieces[i].cone.centre)) for i in members}
    straight = []
    for i, k in combinations(members, 2):
        (p, q), (r, s) = rays[i], rays[k]
        if p * s == q * r:
            if p * r + q * s > 0:
                raise ComplexError(f"{pieces[i]} and {pieces[k]} overlap")
            straight.append((i, k))
    paired = {i for pair in straight for i in pair}
    bent = tuple(i for i in members if i not in paired)
    if bent and len(straight) + len(bent) <= 2:
        others = " and ".join(str(pieces[i]) for i in members if i != bent[0]) or "no other piece"
        raise ComplexError(
            f"{pieces[bent[0]]} ends inside the domain, where it meets {others}: no boundary can"
        )
    return Ridge(tuple(straight), bent)
