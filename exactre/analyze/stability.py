"""`stability`: which neurons are never, or always, active on a domain; with a proof, or two points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from exactre.analyze.proof import Proof, decide, share, side, zero
from exactre.certify.question import Domain
from exactre.certify.sampling import SCALES, Sampler
from exactre.network import Network

Point = tuple[Fraction, ...]

_POINTS = 16  # of each scale


@dataclass(frozen=True)
class Stability:
    """`state` of a neuron: "both" (u has both signs), "inactive" (u <= 0), "active" (u >= 0), "not decided".

    `points` are one with u > 0 and one with u < 0, as far as they are known; `proof` says that relu(u), or
    relu(-u), is the function 0 on the domain.
    """

    state: str
    points: tuple[Point | None, Point | None]
    proof: Proof | None = None


def stability(net: Network, domain: Domain | None, deadline: float | None) -> Iterator[Stability]:
    """The state of every hidden neuron in network order on the domain (None: R^n); exact over Q.

    `deadline` is in the seconds of `time.time`. Raises ExactreError when the domain is empty.
    """
    sampler = Sampler(domain, net.input_dim)
    batch = [sampler.points(scale, _POINTS) for scale in SCALES]
    values = [net.preactivations(points) for points in batch]
    seen: list[tuple[str, int, list[Point | None]]] = []
    for node in net.hidden:
        for j in range(node.width):
            points: list[Point | None] = [None, None]
            for own, u in zip(batch, values, strict=True):
                for k in range(len(own)):
                    value = u[node.name].num[k, j]
                    if value and points[int(value < 0)] is None:
                        points[int(value < 0)] = own[k]
            seen.append((node.name, j, points))
    left = sum(None in points for _, _, points in seen)
    for name, j, points in seen:
        if None in points:
            yield _settled(net, name, j, points, domain, share(deadline, left))
            left -= 1
        else:
            yield Stability("both", (points[0], points[1]))


def _settled(
    net: Network, name: str, j: int, points: list[Point | None], domain: Domain | None, deadline: float | None
) -> Stability:
    for index, sign, state in ((0, 1, "inactive"), (1, -1, "active")):
        if points[index] is None:
            answer = decide(side(net, name, j, sign), zero(net.input_dim), domain, deadline)
            if isinstance(answer, Proof):
                return Stability(state, (points[0], points[1]), answer)
            if answer is not None:
                points[index] = answer.point
    state = "both" if None not in points else "not decided"
    return Stability(state, (points[0], points[1]))
