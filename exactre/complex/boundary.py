"""`boundary_complex`: the linear regions of a network and the pieces of their boundaries, exactly."""

from __future__ import annotations

import time
from typing import Literal, get_args

from exactre.certify.question import Domain
from exactre.complex.cells import complete
from exactre.complex.pieces import Complex, Piece, region_of
from exactre.errors import ExactreError
from exactre.network import Network

Where = Literal["function", "preactivations"]


def boundary_complex(
    net: Network, domain: Domain | None = None, *, where: Where = "function", timeout: float | None = None
) -> Complex:
    """The regions of a network in a domain (None: R^n), and the pieces of their boundaries; exact over Q.

    Regions are the closed cells of the activation patterns that have an interior. A piece is the common
    face, of dimension n - 1, of two of them: with `where="function"` if the function bends there, with
    "preactivations" also where a neuron changes sign unseen. Meant for small n: the number of vertices of a
    cell grows fast with n. `timeout` is in seconds. Raises ShapeError, ExactreError where the domain has no
    interior, OutOfBudget. Source: Hanin and Rolnick 2019 for the regions, Rolnick and Koerding 2020 for the
    pieces.
    """
    if where not in get_args(Where):
        raise ExactreError(f"where: expected one of {get_args(Where)}, found {where!r:.60}")
    deadline = None if timeout is None else time.time() + timeout
    found, between = complete(net, domain, deadline)
    pieces = [Piece.of_face(f.cone, f.row) for f in between if f.bends or where == "preactivations"]
    regions = sorted(region_of(cell.cone) for cell in found)
    return Complex(net.input_dim, domain, tuple(regions), tuple(sorted(pieces)))
