"""`Joining`: pieces joined into boundary components, and hinges fitted to them, from the first layer on.

1. Where four pieces meet, two on one hyperplane and two not, the first two are of a neuron j and the others
   of a neuron z that reads j: each two are joined, and z bends at j. Pieces that only cross are joined each
   with its continuation.
2. A component is ready when every boundary that it bends at has its hinge. Its own is an exact linear system.
3. Components that lie apart are of one neuron if the hinge of one is zero on the other, or if one hinge
   fits both where the number of equations lets none be expected. Source: Rolnick and Koerding 2020, part
   (a); proofs/BOUNDARIES.md says when this is the only possible answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain
from typing import Protocol

from networkx.utils import UnionFind

from exactre.complex.cone import Vector, dot, primitive
from exactre.complex.hinges import Hinge, fit, forms, hinge

_TRIES = 8


class Part(Protocol):
    """A piece of a boundary: its hyperplane as a row (n + 1), and vectors whose sums are inside it."""

    @property
    def row(self) -> Vector:
        """Zero on the piece."""

    @property
    def generators(self) -> Sequence[Vector]:
        """Vertices as (x, 1), directions as (d, 0), up to positive factors; not all are directions."""


@dataclass(frozen=True)
class Ridge:
    """The pieces, by number, that have one face of dimension n - 2 in common, inside the domain.

    `straight` are the pairs that go on into each other on one hyperplane, `bent` the others.
    """

    straight: tuple[tuple[int, int], ...]
    bent: tuple[int, ...]


def joinings(
    pieces: Sequence[Part], ridges: Sequence[Ridge], *, through: Collection[Vector] = ()
) -> Iterator[Joining]:
    """The ways to guess where ends are hidden, those first that are nearest to the likeliest guesses."""
    open_: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    while open_:
        cost, choices = heappop(open_)
        joining = Joining(pieces, ridges, through, choices)
        yield joining
        for k in range(len(choices), len(joining.options)):
            before = (*choices, *(0 for _ in range(k - len(choices))))
            for rank in range(1, joining.options[k]):
                heappush(open_, (cost + rank, (*before, rank)))


class Joining:
    """The hinges that the pieces show, and `owner`, the hinge of each piece; exact over Q.

    `merged` counts the components joined by step 3, `unseen` those taken though their ends do not all show.
    Where three pieces meet, one of them goes on unseen; `through` are rows of which that is supposed. What
    comes first is a guess each time: `choices` are the ranks of those to take, the likeliest (0) where it
    ends, and `options` counts what there was to choose from.
    """

    def __init__(
        self,
        pieces: Sequence[Part],
        ridges: Iterable[Ridge],
        through: Collection[Vector] = (),
        choices: Sequence[int] = (),
    ) -> None:
        self.pieces = pieces
        self.options: list[int] = []
        self._choices = choices
        self.hinges: list[Hinge] = []
        self.owner: dict[int, int] = {}
        self.merged = 0
        self.unseen = 0
        self._joined = UnionFind(range(len(pieces)))
        self._bends: set[tuple[int, int]] = set()
        self._open: list[Ridge] = []
        self._unfit: set[int] = set()
        for ridge in ridges:
            if not ridge.bent or (len(ridge.straight) == 1 and len(ridge.bent) == 2):
                self._join(chain.from_iterable(ridge.straight), ridge)
            elif len(ridge.bent) == 3 and not ridge.straight and len(ends := self._on(ridge, through)) == 1:
                self._join(ends, Ridge((), tuple(i for i in ridge.bent if i not in ends)))
            else:
                self._open.append(ridge)
        while self._advance():
            pass

    def components(self) -> list[list[int]]:
        """The components without a hinge, each the numbers of its pieces."""
        groups: dict[int, list[int]] = {}
        for i in range(len(self.pieces)):
            if i not in self.owner:
                groups.setdefault(self._joined[i], []).append(i)
        return list(groups.values())

    def _on(self, ridge: Ridge, rows: Collection[Vector]) -> list[int]:
        return [i for i in ridge.bent if self.pieces[i].row in rows]

    def _join(self, earlier: Iterable[int], ridge: Ridge) -> None:
        for i, k in ridge.straight:
            self._joined.union(i, k)
        if ridge.bent:
            self._joined.union(*ridge.bent)
            self._bends |= {(i, k) for i in earlier for k in ridge.bent}

    def _advance(self) -> bool:
        """Find hinges, or what is needed for the next ones; False when nothing goes on."""
        unclear = {self._joined[i] for r in self._open for i in (*chain.from_iterable(r.straight), *r.bent)}
        ready: list[tuple[list[int], list[int]]] = []
        waiting: list[tuple[list[int], list[int]]] = []
        for component in self.components():
            parents, root = self._parents(component), self._joined[component[0]]
            if parents is not None and root not in self._unfit:
                (waiting if root in unclear else ready).append((component, parents))
        if not ready:
            if self._resolve():
                return True
            if not waiting:
                return False
            # An end is hidden. The boundary goes on behind it: its hinge is zero on other components too.
            rank = self._choices[self.unseen] if self.unseen < len(self._choices) else 0
            ready = [sorted(waiting, key=self._elsewhere, reverse=True)[rank]]
            self.options.append(len(waiting))
            self.unseen += 1
        for component, parents in self._merge(ready):
            if component[0] not in self.owner and not self._settle(component, parents):
                self._unfit |= {self._joined[i] for i in component}
        return True

    def _elsewhere(self, candidate: tuple[Sequence[int], Sequence[int]]) -> tuple[int, int, int]:
        """What speaks for a candidate: few parents, components on which its hinge is zero, its pieces."""
        component, parents = candidate
        solutions = self._fit(component, parents)
        if len(solutions) != 1:
            return -len(parents), 0, len(component)
        found = [*self.hinges, hinge(parents, solutions[0])]
        zeros = sum(self._vanishes(found, other[0]) for other in self.components())
        return -len(parents), zeros, len(component)

    def _parents(self, component: Sequence[int]) -> list[int] | None:
        """The hinges that the component bends at, None while one of them is not known."""
        inside = set(component)
        pieces = [i for i, k in self._bends if k in inside]
        return sorted({self.owner[i] for i in pieces}) if all(i in self.owner for i in pieces) else None

    def _resolve(self) -> bool:
        """Join what known hinges leave of ridges with more or fewer pieces than two boundaries have."""
        still = []
        for ridge in self._open:
            members = [*chain.from_iterable(ridge.straight), *ridge.bent]
            rest = {i for i in members if i not in self.owner}
            straight = tuple(pair for pair in ridge.straight if rest.issuperset(pair))
            bent = tuple(rest - set(chain.from_iterable(straight)))
            if len(rest) < len(members) and len(bent) in (0, 2) and not (bent and straight):
                self._join((i for i in members if i in self.owner), Ridge(straight, bent))
            else:
                still.append(ridge)
        progress = len(still) < len(self._open)
        self._open = still
        return progress

    def _merge(self, ready: Sequence[tuple[list[int], list[int]]]) -> list[tuple[list[int], list[int]]]:
        """Ready components with those put together that are of one neuron."""
        groups: list[tuple[list[int], list[int]]] = []
        for component, parents in ready:
            for k, (other, others) in enumerate(groups):
                both = self._closed({*parents, *others, *self._between(component[0], other[0])})
                if parents and others and self._one_neuron(other, component, both):
                    groups[k] = ([*other, *component], both)
                    self.merged += 1
                    break
            else:
                groups.append((component, parents))
        return groups

    def _between(self, i: int, k: int) -> list[int]:
        """The hinges that have pieces i and k on different sides."""
        p, q = self._point(i), self._point(k)
        sides = zip(forms(self.hinges, p), forms(self.hinges, q), strict=True)
        return [j for j, (f, g) in enumerate(sides) if (dot(f, p) > 0) != (dot(g, q) > 0)]

    def _closed(self, parents: set[int]) -> list[int]:
        """The hinges with all that they read, without which an uncrossed |u_j| = +-u_j is no combination."""
        for j in sorted(parents, reverse=True):
            parents |= set(self._closed(set(self.hinges[j].parents)))
        return sorted(parents)

    def _one_neuron(self, a: Sequence[int], b: Sequence[int], parents: Sequence[int]) -> bool:
        alone = [len(self._fit(part, parents)) for part in (a, b)]
        unknowns = len(parents) + len(self.pieces[0].row)
        together = self._fit([*a, *b], parents)
        return sum(alone) <= unknowns and len(together) == 1 and self._nonzero([*a, *b], parents, together[0])

    def _settle(self, component: Sequence[int], parents: list[int]) -> bool:
        """Add the component's hinge, with all else that it is zero on; False when not exactly one fits."""
        solutions = self._fit(component, parents)
        for j in list(parents):
            # A parent on one side only has no coefficient of its own: any would do, so take 0.
            fewer = [i for i in parents if i != j]
            if len(solutions) > 1 and (left := self._fit(component, fewer)):
                parents, solutions = fewer, left
        if len(solutions) != 1 or not self._nonzero(component, parents, solutions[0]):
            return False
        z = len(self.hinges)
        self.hinges.append(hinge(parents, solutions[0]))
        self.owner |= dict.fromkeys(component, z)
        for other in self.components():
            if all(self._vanishes(self.hinges, i) for i in other):
                self.owner |= dict.fromkeys(other, z)
                self.merged += 1
        return True

    def _fit(self, component: Sequence[int], parents: Sequence[int]) -> list[list[int]]:
        return fit(self.hinges, parents, [(self._point(i), self.pieces[i].row) for i in component])

    def _nonzero(self, component: Sequence[int], parents: Sequence[int], solution: Sequence[int]) -> bool:
        candidate = [*self.hinges, hinge(parents, solution)]
        return all(any(forms(candidate, self._point(i))[-1]) for i in component)

    def _vanishes(self, hinges: Sequence[Hinge], i: int) -> bool:
        """Whether the last of the hinges is zero on piece i."""
        form, row = forms(hinges, self._point(i))[-1], self.pieces[i].row
        pivot = next(k for k, v in enumerate(row) if v)
        return any(form) and all(form[k] * row[pivot] == form[pivot] * v for k, v in enumerate(row))

    def _point(self, i: int) -> Vector:
        """A point inside piece i at which no hinge is zero, as far as there is one nearby."""
        generators = self.pieces[i].generators
        point = _sum(generators)
        for k in range(2, _TRIES):
            if all(dot(form, point) for form in forms(self.hinges, point)):
                break
            point = _sum([tuple(k**m * v for v in vector) for m, vector in enumerate(generators)])
        return point


def _sum(vectors: Sequence[Vector]) -> Vector:
    return primitive([sum(column) for column in zip(*vectors, strict=True)])
