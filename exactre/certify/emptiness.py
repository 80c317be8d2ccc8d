"""Case trees for expressions that vanish because neurons are never on the same side together.

What differs is chosen first, however deep it is, and cells that no sample point lies in are proved empty by
branching on the neuron that the relaxation treats worst. That two neurons behind 40 others are never active
together takes some hundred cells, where those of 20 neurons of the first layer alone would be a million.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from exactre.certify.cell import value_at
from exactre.certify.matching import first_multiple, multiple
from exactre.certify.relaxation import Relaxation
from exactre.check import ZERO, TreeNode, Vector, coefficient, combine, substitute
from exactre.guess import Floats

_CLOSE = 1e-9  # of floats, which say where to look: leaves and points are exact without it
_DEEPEST = 200  # choices on the way to a cell: a proof that needs more is too long in any case


class Refuted(Exception):
    """The expression is not zero at `point` (n)."""

    def __init__(self, point: tuple[Fraction, ...]) -> None:
        super().__init__(point)
        self.point = point


class Open(Exception):
    """Nothing is left to choose, or the floats led nowhere."""


class Spent(Open):
    """Out of budget, or out of time."""


class Vanishing:
    """The proof that t is zero on the domain: `forms[k]` of all atoms that it depends on.

    `active` (atoms in order, points) says where each is active at sample points, at all of which t is zero.
    """

    def __init__(
        self,
        inputs: int,
        forms: Mapping[int, Vector],
        t: Vector,
        domain: Sequence[Vector],
        active: NDArray[np.bool_],
        budget: int,
        deadline: float | None,
    ) -> None:
        self._first = 1 + inputs
        self._forms = forms
        self._t = t
        self._domain = domain
        self._values: dict[int, Vector] = {}  # basis of a chosen atom: what it is in the cell
        self._relaxation = Relaxation(inputs, forms, domain)
        self._active = active
        self._place = {k: i for i, k in enumerate(self._relaxation.atoms)}
        self._left = budget
        self._deadline = deadline

    def tree(self) -> list[TreeNode]:
        """The case tree, in preorder. Raises Refuted, Open or Spent."""
        return self._cell(self._t, np.arange(self._active.shape[1]))

    def _cell(self, d: Vector, points: NDArray[np.int64]) -> list[TreeNode]:
        if d == ZERO:
            return [TreeNode("equal")]
        self._left -= 1
        late = self._deadline is not None and time.time() > self._deadline
        if self._left < 0 or late or len(self._values) > _DEEPEST:
            raise Spent
        # Where nothing is left to choose the points lie on a flat cell: elsewhere they would refute.
        if not len(points) or not self._open_atoms(d):
            found = self._relaxation.look(d)
            if isinstance(found, TreeNode):
                return [found]
            if found is None:
                raise Open
            x = found[: self._relaxation.inputs]
            values = self._relaxation.values(x)
            if not self._holds(values, x):
                return self._branch(self._worst(found, d), d, points, values)
            self._check(x)
            # A true point, at which the expression happens to be zero.
            self._active = np.hstack([self._active, values[:, None] > 0])
            points = np.array([self._active.shape[1] - 1])
        same = first_multiple((j, self._reduced(self._forms[j])) for j in reversed(self._open_atoms(d)))
        if same is not None:
            return self._joined(*same, d, points)
        return self._branch(self._next(d), d, points, None)

    def _branch(self, k: int, d: Vector, points: NDArray[np.int64], values: Floats | None) -> list[TreeNode]:
        """Both sides of an atom, first the one on which a point seems to be."""
        place, basis = self._place[k], self._first + k
        side = bool(self._active[place, points].any()) if values is None else bool(values[place] > 0)
        trees: dict[bool, list[TreeNode]] = {}
        for active in (side, not side):
            self._values[basis] = self._forms[k] if active else ZERO
            self._relaxation.choose(k, active)
            kept = points[self._active[place, points] == active]
            trees[active] = self._cell(self._reduced(d), kept)
            self._relaxation.release(k)
            del self._values[basis]
        return [TreeNode("split", k), *trees[True], *trees[False]]

    def _joined(
        self, j: int, k: int, factor: tuple[int, int], d: Vector, points: NDArray[np.int64]
    ) -> list[TreeNode]:
        """The tree where atom j is a multiple of k."""
        basis, r = self._first + j, (1, 1, {self._first + k: 1})
        self._values[basis] = multiple(r, self._forms[k], factor)
        tree = self._cell(self._reduced(d), points)
        del self._values[basis]
        return [TreeNode("same", j, below=k, factor=factor), *tree]

    def _reduced(self, vector: Vector) -> Vector:
        """The expression with every chosen atom replaced."""
        while chosen := vector[2].keys() & self._values.keys():
            highest = max(chosen)
            vector = substitute(vector, {highest: self._values[highest]})
        return vector

    def _open_atoms(self, vector: Vector) -> list[int]:
        """Its atoms, which are not chosen, the highest first."""
        return sorted((b - self._first for b in vector[2] if b >= self._first), reverse=True)

    def _next(self, d: Vector) -> int:
        """What to choose where points are: what makes two atoms of the expression differ, else its highest.

        Raises Open where nothing is left.
        """
        atoms = self._open_atoms(d)
        if not atoms:
            raise Open
        fewest: list[int] = []
        for place, k in enumerate(atoms):
            for j in atoms[place + 1 :]:
                (a, p), (b, q) = (coefficient(d, self._first + i) for i in (k, j))
                # d = a r_k + b r_j + ...: they cancel where e_k = -b/a e_j.
                s = -Fraction(b, q) / Fraction(a, p)
                apart = self._reduced(
                    combine([(1, 1, self._forms[k]), (-s.numerator, s.denominator, self._forms[j])])
                )
                found = self._open_atoms(apart)
                whole = len(self._open_atoms(self._forms[k]))
                if found and 2 * len(found) <= whole and (not fewest or len(found) < len(fewest)):
                    fewest = found
        return (fewest or atoms)[0]

    def _holds(self, values: Floats, x: Floats) -> bool:
        """Whether a point is inside all chosen sides, as far as floats can tell."""
        size = _CLOSE * (1 + float(np.abs(x).max(initial=0.0)))
        return all(
            values[self._place[k]] > size if active else values[self._place[k]] < -size
            for k, active in self._relaxation.sides.items()
        )

    def _worst(self, found: Floats, d: Vector) -> int:
        """The atom that is furthest above what it should be at a point of the relaxation.

        On a flat cell all may be what they should be: then one that the expression has, or any.
        """
        relaxation = self._relaxation
        off = relaxation.excess(found)
        for basis in self._values:
            off[self._place[basis - self._first]] = 0.0
        worst = int(off.argmax())
        if off[worst] > _CLOSE:
            return relaxation.atoms[worst]
        left = self._open_atoms(d) or [k for k in relaxation.atoms if self._first + k not in self._values]
        if not left:
            raise Open
        return left[0]

    def _check(self, x: Floats) -> None:
        """Raise Refuted where the expression is not zero at a point of the relaxation; exact."""
        unit = Fraction(2) ** self._relaxation.unit
        point = tuple(Fraction(v) * unit for v in x.tolist())
        values: dict[int, Vector] = {1 + j: (*v.as_integer_ratio(), {0: 1}) for j, v in enumerate(point)}
        for k in self._relaxation.atoms:
            value = value_at(substitute(self._forms[k], values), ())
            values[self._first + k] = (*max(value, Fraction(0)).as_integer_ratio(), {0: 1})
        inside = all(value_at(substitute(fact, values), ()) >= 0 for fact in self._domain)
        if inside and value_at(substitute(self._t, values), ()):
            raise Refuted(point)
