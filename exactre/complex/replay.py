"""`replay`: are the boundaries of recovered hinges, under some output layer, exactly the given pieces?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactre.complex.cells import complete
from exactre.complex.cone import Cone, Vector
from exactre.complex.hinges import Hinge, hinge_network
from exactre.complex.pieces import Complex, Piece
from exactre.linalg import nullspace
from exactre.rational import Matrix


@dataclass(frozen=True)
class Replay:
    """The hinges' own faces against the given pieces.

    `lost` are given pieces on no face, `added` faces that no output layer can hide while it shows all
    pieces, `hidden` is the number of faces that are not given, and `outputs` the dimension of the space of
    output weights under which exactly the given pieces are seen, up to finitely many hyperplanes of it; 0
    where there are none.
    """

    lost: tuple[Piece, ...]
    added: tuple[Piece, ...]
    hidden: int
    outputs: int


def replay(complex_: Complex, hinges: Sequence[Hinge]) -> Replay:
    """Compare the boundaries of the hinges in the complex's domain with its pieces; exact over Q.

    The jump of the gradient at a face is linear in the output weights: hidden faces are equations, shown
    ones are not zero.
    """
    net = hinge_network(hinges, complex_.input_dim)
    _, between = complete(net, complex_.domain)
    given, own = _by_row(complex_.pieces), defaultdict(list)
    # Most faces are given as they are, which is quicker to see than that they are covered.
    same, seen = set(complex_.pieces), set()
    shown, hidden, added = [], [], []
    for face in between:
        piece = Piece.of_face(face.cone, face.row)
        own[piece.row].append(piece)
        seen.add(piece)
        pivot = next(k for k, v in enumerate(face.row) if v)
        jump = [face.jump[z, pivot] for z in range(len(hinges))]
        if piece in same or _covered(face.cone, given[piece.row]):
            shown.append(jump)
        elif any(_overlap(face.cone, other) for other in given[piece.row]):
            added.append(piece)
        else:
            hidden.append((jump, piece))
    lost = tuple(p for p in complex_.pieces if p not in seen and not _covered(p.cone, own[p.row]))
    weights = _hiding([jump for jump, _ in hidden], len(hinges))
    seen_by = (Matrix.from_rows(shown, len(hinges)) @ weights).num.tolist()
    if not all(any(row) for row in seen_by):
        added += [piece for _, piece in hidden]
        weights = _hiding([], 0)
    return Replay(lost, tuple(added), len(hidden), weights.shape[1])


def _hiding(jumps: Sequence[Sequence[Fraction]], hinges: int) -> Matrix:
    """A basis, as columns, of the output weights under which all these jumps are zero."""
    if not jumps:
        return Matrix.from_rows([[int(i == j) for j in range(hinges)] for i in range(hinges)], hinges)
    return nullspace(Matrix.from_rows(jumps))


def _by_row(pieces: Iterable[Piece]) -> defaultdict[Vector, list[Piece]]:
    groups = defaultdict(list)
    for piece in pieces:
        groups[piece.row].append(piece)
    return groups


def _covered(cone: Cone, pieces: Sequence[Piece]) -> bool:
    """Whether pieces on the same hyperplane cover a face but for lower dimensions."""
    if not pieces:
        return False
    for a, b in pieces[0].rows:
        row = (*(-v for v in a), b)
        if cone.sides(row)[1]:
            outside = cone.cut([-v for v in row])
            if not _covered(outside, pieces[1:]):
                return False
            if not cone.sides(row)[0]:
                return True
            cone = cone.cut(row)
    return True


def _overlap(cone: Cone, piece: Piece) -> bool:
    dimension = cone.dimension
    for a, b in piece.rows:
        cone = cone.cut((*(-v for v in a), b))
    return cone.dimension == dimension
