"""The two algorithms of Rolnick and Koerding (ICML 2020, arXiv 1910.00744), as a baseline in float64.

They are written down here from the paper's description. Its experiments' constants could not be read: those
below are ours, chosen so that small networks come out with few queries. Hyperplanes are fitted by least
squares; where another boundary is near, the fit is bad, and a smaller neighbourhood is tried.

Signs are left out of it, as in `proofs/`: relu(s u) = (|u| + s u) / 2 for s = 1 and s = -1, so a neuron of
layer 2 is u_z(x) = sum_j a_zj |u_j(x)| + l_z . x + b_z, whichever side of u_j is the active one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ask = Callable[[Array], Array]  # points (count, n) to answers (count, m)

RADIUS = 10.0  # sampled lines join two points of this sphere
LINES = 10
RESOLUTION = 2.0**-30  # bisection ends here
ROUNDING = 2.0**-40  # a second difference beyond it is a bend, in units of the largest number at hand or 1
NEAR = 0.25  # radius of the neighbourhood in which a hyperplane is fitted
SHRINK, SHRINKS = 8.0, 4
FIT = 2.0**-28  # distance of the points from a hyperplane that is theirs
FAR, TESTS, PASSED = 20.0, 8, 7  # points at which a hyperplane is tested, and how many must lie on a boundary
SAME = 1e-5  # a point so near to a known boundary, in units of its distance from the origin, belongs to it
WALKS = 6  # boundaries that may be crossed to meet one, on average
DIRECTIONS = 200


@dataclass(frozen=True)
class Neuron:
    """A neuron's preactivation up to scale, `linear` . x + `constant` + sum_j `bends`_j |u_j(x)|.

    `bends` (0,) in layer 1 and (k,) over layer 1 in layer 2; `queries` had been asked when it was found.
    """

    bends: Array
    linear: Array
    constant: float
    queries: int


def points_on_lines(ask: Ask, starts: Array, ends: Array) -> tuple[NDArray[np.int64], Array]:
    """PointsOnLine for segments (count, n): where f bends, as the segment's index (k,) and the point (k, n).

    Three neighbours on a line that are not on one line of the graph have a bend among them: both halves are
    looked at, until they are short. A bend that neither half shows is in the middle.
    """
    owner = np.arange(len(starts))
    lengths = np.linalg.norm(ends - starts, axis=1)
    t = np.tile([0.0, 0.5, 1.0], (len(starts), 1))
    y = _ask_on(ask, starts, ends, owner, t)
    found = []
    noise = ROUNDING * max(1.0, *(float(np.abs(values).max()) for values in (y, starts, ends)))
    bent = _bent(y, noise)
    while bent.any():
        owner, t, y = owner[bent], t[bent], y[bent]
        short = (t[:, 2] - t[:, 0]) * lengths[owner] <= RESOLUTION
        found.append((owner[short], t[short, 1]))
        owner, t, y = owner[~short], t[~short], y[~short]
        if not len(owner):
            break
        middles = (t[:, :2] + t[:, 1:]) / 2
        new = _ask_on(ask, starts, ends, owner, middles)
        halves_t = np.stack([_joined(t, middles, k) for k in (0, 1)], axis=1)
        halves_y = np.stack([_joined(y, new, k) for k in (0, 1)], axis=1)
        bent = np.stack([_bent(halves_y[:, k], noise) for k in (0, 1)], axis=1)
        lost = ~bent.any(axis=1)
        found.append((owner[lost], t[lost, 1]))
        owner, bent = np.repeat(owner, 2), bent.ravel()
        t, y = halves_t.reshape(-1, 3), halves_y.reshape(-1, 3, y.shape[2])
    who, where = (np.concatenate(parts) for parts in zip(*found, (owner[:0], t[:0, 0]), strict=True))
    order = np.lexsort((where, who))
    who, where = who[order], where[order]
    return who, starts[who] + where[:, None] * (ends - starts)[who]


def _ask_on(ask: Ask, starts: Array, ends: Array, owner: NDArray[np.int64], t: Array) -> Array:
    """Answers (k, j, m) at t (k, j) on segments `owner` (k,)."""
    x = starts[owner][:, None] + t[:, :, None] * (ends - starts)[owner][:, None]
    return ask(x.reshape(-1, starts.shape[1])).reshape(*t.shape, -1)


def _joined(old: Array, new: Array, half: int) -> Array:
    """The half's three neighbours from the old three and the two new ones between them."""
    return np.stack([old[:, half], new[:, half], old[:, half + 1]], axis=1)


def _bent(y: Array, noise: float) -> NDArray[np.bool_]:
    return (np.abs(y[:, 0] - 2 * y[:, 1] + y[:, 2]) > noise).any(axis=1)


def infer_hyperplane(
    ask: Ask, point: Array, radius: float, rng: np.random.Generator
) -> tuple[Array, float] | None:
    """InferHyperplane: unit normal (n,) and offset of the boundary through a point, by regression.

    None where points around it lie on no common hyperplane, however near.
    """
    n = len(point)
    for _ in range(SHRINKS):
        centres = point + radius * _directions(rng, n, 2 * n) / 2
        steps = radius * _directions(rng, n, 2 * n)
        _, points = points_on_lines(ask, centres - steps, centres + steps)
        if len(points) > n:
            centre = points.mean(axis=0)
            _, sizes, axes = np.linalg.svd(points - centre, full_matrices=False)
            if sizes[-1] <= FIT * np.sqrt(len(points)):
                return axes[-1], -float(axes[-1] @ centre)
        radius /= SHRINK
    return None


def _directions(rng: np.random.Generator, n: int, count: int) -> Array:
    v = rng.normal(size=(count, n))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def is_whole_hyperplane(
    ask: Ask, point: Array, normal: Array, offset: float, rng: np.random.Generator
) -> bool:
    """TestHyperplane: whether f bends on the hyperplane far from the point where it was found, too."""
    steps = _directions(rng, len(point), TESTS)
    far = point + FAR * (steps - np.outer(steps @ normal, normal))
    return int(_on_boundary(ask, far, normal, offset, FAR).sum()) >= PASSED


def _on_boundary(ask: Ask, points: Array, normal: Array, offset: float, scale: float) -> NDArray[np.bool_]:
    """Whether f bends at points (count, n) of a hyperplane, as far as distances of size `scale` tell."""
    step = 1e-3 * scale * normal
    who, where = points_on_lines(ask, points - step, points + step)
    near = who[np.abs(where @ normal + offset) <= SAME * scale]
    return np.isin(np.arange(len(points)), near)


@dataclass(frozen=True)
class _Piece:
    """The gradient and constant of u_z around a boundary point, all pieces of a neuron in one scale."""

    point: Array
    gradient: Array
    constant: float


class Search:
    """Both algorithms over an oracle of n inputs: `first` and `second` are the neurons found so far.

    `rest` are boundary points that belong to no hyperplane; `queries` counts what `ask` has asked.
    """

    def __init__(self, ask: Ask, queries: Callable[[], int], dim: int, rng: np.random.Generator) -> None:
        self.first: list[Neuron] = []
        self.second: list[Neuron] = []
        self.rest: list[Array] = []
        self._ask, self._queries, self._dim, self._rng = ask, queries, dim, rng

    def first_layer(self) -> None:
        """Algorithm 1: the neurons of layer 1, and the boundary points that belong to deeper layers."""
        ends = RADIUS * _directions(self._rng, self._dim, 2 * LINES)
        _, points = points_on_lines(self._ask, ends[:LINES], ends[LINES:])
        for point in points:
            if any(abs(z.linear @ point + z.constant) <= SAME * RADIUS for z in self.first):
                continue
            found = infer_hyperplane(self._ask, point, NEAR, self._rng)
            if found is None:
                continue
            if is_whole_hyperplane(self._ask, point, *found, self._rng):
                self.first.append(Neuron(np.zeros(0), *found, self._queries()))
            else:
                self.rest.append(point)

    def second_layer(self) -> None:
        """Algorithm 2: the neurons of layer 2 whose boundary can be followed across all those of layer 1."""
        rows = np.array([z.linear for z in self.first]).reshape(-1, self._dim)
        constants = np.array([z.constant for z in self.first])
        for point in self.rest:
            values = rows @ point + constants
            if not len(rows) or np.abs(values).min() <= SAME * RADIUS:
                continue  # layer 1's, where most of that boundary is hidden by layer 2
            if any(
                abs(z.linear @ point + z.constant + z.bends @ np.abs(values))
                <= SAME * RADIUS * np.linalg.norm(z.linear)
                for z in self.second
            ):
                continue
            found = _followed(self._ask, rows, constants, point, self._rng)
            if found is not None:
                bends, piece = found
                # GetParams: what the known bends do not explain of one piece is the linear part.
                signed = bends * np.sign(rows @ piece.point + constants)
                linear, constant = piece.gradient - signed @ rows, piece.constant - float(signed @ constants)
                self.second.append(Neuron(bends, linear, constant, self._queries()))


def _followed(
    ask: Ask, rows: Array, constants: Array, point: Array, rng: np.random.Generator
) -> tuple[Array, _Piece] | None:
    """The bends (k,) of the boundary through a point, and its first piece; None where it is not layer 2's."""
    start = infer_hyperplane(ask, point, min(NEAR, float(np.abs(rows @ point + constants).min())), rng)
    if start is None:
        return None
    pieces = [_Piece(point, *start)]
    bends = np.full(len(rows), np.nan)
    for _ in range(WALKS * len(rows)):
        if not np.isnan(bends).any():
            return bends, pieces[0]
        chosen = _closest_boundary(rows, constants, pieces, bends, rng)
        if chosen is None:
            return None
        piece, v, j, t, room = chosen
        unit = piece.gradient / np.linalg.norm(piece.gradient)
        before = piece.point + (t - room) * v
        offset = -float(unit @ piece.point)
        if not _on_boundary(ask, before[None], unit, offset, room)[0]:
            return None  # it has bent where nothing known bends: a deeper layer's
        beyond = piece.point + (t + room) * v
        _, near = points_on_lines(ask, (beyond - 4 * room * unit)[None], (beyond + 4 * room * unit)[None])
        near = near[np.abs(near @ rows.T + constants).min(axis=1) > SAME * RADIUS]  # not layer 1's own
        if not len(near):
            continue
        next_point = near[np.abs((near - beyond) @ unit).argmin()]
        fitted = infer_hyperplane(ask, next_point, room / 2, rng)
        if fitted is None:
            continue
        # The gradient jumps by a multiple of the crossed row, and the pieces meet where they cross it.
        (mu, jump), *_ = np.linalg.lstsq(np.stack([fitted[0], -rows[j]], axis=1), piece.gradient, rcond=None)
        gradient = mu * fitted[0]
        off = np.linalg.norm(piece.gradient + jump * rows[j] - gradient) / np.linalg.norm(piece.gradient)
        gap = abs(fitted[0] @ (piece.point + t * v) + fitted[1])
        if off > SAME or gap > SAME * RADIUS:
            continue  # another boundary's piece
        pieces.append(_Piece(next_point, gradient, mu * fitted[1]))
        if np.isnan(bends[j]):
            bends[j] = jump * np.sign(rows[j] @ v) / 2
    return None


def _closest_boundary(
    rows: Array, constants: Array, pieces: list[_Piece], bends: Array, rng: np.random.Generator
) -> tuple[_Piece, Array, int, float, float] | None:
    """ClosestBoundary: a piece, a direction in it, the known boundary met first, where, and the room there.

    Among random directions the first whose boundary is not crossed yet; else any, to walk on.
    """
    spare = None
    for _ in range(DIRECTIONS):
        piece = pieces[rng.integers(len(pieces))]
        v = rng.normal(size=rows.shape[1])
        v -= (v @ piece.gradient) / (piece.gradient @ piece.gradient) * piece.gradient
        v /= np.linalg.norm(v)
        t = -(rows @ piece.point + constants) / (rows @ v)
        ahead = np.flatnonzero(t > 0)
        if not len(ahead):
            continue
        ahead = ahead[t[ahead].argsort()]
        j, first = int(ahead[0]), float(t[ahead[0]])
        after = float(t[ahead[1]]) if len(ahead) > 1 else first + 1.0
        room = min(NEAR, first / 4, (after - first) / 4)
        if room < SHRINK**-SHRINKS:
            continue
        if np.isnan(bends[j]):
            return piece, v, j, first, room
        spare = piece, v, j, first, room
    return spare
