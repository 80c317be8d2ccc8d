"""The exact-rank test: which row over known neurons explains the pieces of one boundary?

A hypothesis names the features that a row may combine. Each piece gives r + 1 linear equations. They are
sorted modulo a prime as they come (that only proposes: rank deficits there can be accidents), and a full
system is solved on FLINT, and checked over Q on the pieces that determine it and on many others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpq_mat, fmpz_mat
from numpy.typing import NDArray

from exactre.recover.line import Form
from exactre.recover.model import Forms, Model, Neuron, Signs
from exactre.recover.modular import PRIME, Residues, modular, product, rank

# Sources of equations: beyond these a wrong row would have to be right modulo the prime everywhere.
_CHECKED = 40

_Source = Callable[[], list[list[int]]]


@dataclass(frozen=True)
class Piece:
    """An affine piece: u = scale * form . (y, 1) in the cell where the known neurons have these signs."""

    signs: Signs
    form: Form
    scale: Fraction


@dataclass(frozen=True)
class Row:
    """u = (sum of parents[j] |u_j| + linear . (y, 1)) / den, exact, and the parents' signs it implies."""

    parents: Mapping[int, int]
    linear: tuple[int, ...]
    den: int
    orientation: Mapping[int, int]

    def with_affine(self, affine: Sequence[Fraction]) -> Row:
        """The row with another affine part, given times `den`."""
        over = lcm(*(v.denominator for v in affine))
        parents = {j: a * over for j, a in self.parents.items()}
        return Row(parents, tuple(int(v * over) for v in affine), self.den * over, self.orientation)

    def neuron(self) -> Neuron:
        """The row without its scale and sign."""
        return Neuron.primitive(self.parents, self.linear)


class Hypothesis:
    """Rows that combine ReLUs (or absolute values) of known neurons, and an affine part.

    depth = k >= 0: the neurons of depth k through their ReLU, and a constant: a layered network; with
    `layers` = 2 those of depth k - 1 too.
    depth = -1: an affine function of the input. depth = None: |u_j| of every known neuron and an affine
    function (`general`): any DAG. `scales` pieces may come with an unknown scale of their own, `left_out`
    are neurons that the row is taken not to read. A `partial` row may leave open the weights of units that
    were inactive on every piece.
    """

    def __init__(
        self,
        model: Model,
        depth: int | None,
        orientation: Mapping[int, int],
        *,
        layers: int = 1,
        scales: int = 0,
        left_out: Collection[int] = (),
        partial: bool = False,
    ) -> None:
        self.model = model
        # To be made again without some neurons: `leaving_out`.
        self._options = depth, orientation, layers, scales, set(left_out), partial
        self._added: list[tuple[Piece, Forms, int | None, bool]] = []
        self.depth = len(model) if depth is None else depth
        self.parents = [
            j
            for j, d in enumerate(model.depth)
            if (depth is None or depth - layers < d <= depth) and j not in left_out
        ]
        # (neuron, oriented sign, or 0 for |u|, or None for the plain u)
        self._columns: list[tuple[int, int | None]] = []
        for j in self.parents:
            if depth is None:
                self._columns.append((j, 0))
            elif j in orientation:
                self._columns.append((j, orientation[j]))
            elif layers > 1 and model.depth[j] == depth:
                self._columns.append((j, 0))  # u_j itself is a combination of the layer before
            else:
                self._columns += [(j, 0), (j, None)]
        self._affine = list(range(model.dim + 1)) if depth is None or depth == -1 else [model.dim]
        self._is_affine = depth == -1
        self.partial = partial
        self._scales = scales
        self._system = _System(len(self._columns) + len(self._affine) + scales)
        self._seen: dict[int, set[int]] = {j: set() for j in self.parents}
        self._solution: tuple[int, tuple[list[int], int] | None] | None = None

    @property
    def is_consistent(self) -> bool:
        """False once the pieces contradict the hypothesis modulo the prime, and so over Q."""
        return self._system.is_consistent

    @property
    def is_tested(self) -> bool:
        """Whether there are pieces beside the first, which any row with an affine part fits."""
        return len(self._added) > (2 if self._is_affine else 1)

    @property
    def missing(self) -> int:
        """How many independent equations are still wanting."""
        return self._system.missing - len(self.idle)

    @property
    def pieces(self) -> list[tuple[Piece, Forms]]:
        """The pieces, each with the known forms in its cell."""
        return [(piece, forms) for piece, forms, _, _ in self._added]

    @property
    def rank(self) -> int:
        """How many independent equations there are."""
        return self._system.unknowns - self._system.missing

    @property
    def are_scales_known(self) -> bool:
        """Whether the equations determine the scales of all pieces."""
        scales = np.eye(self._system.unknowns, dtype=np.int64)[:, self._system.unknowns - self._scales :]
        return self._system.is_determined(scales)

    @property
    def crossed(self) -> set[int]:
        """Neurons that the pieces show on both sides."""
        return {j for j, seen in self._seen.items() if len(seen) > 1}

    @property
    def idle(self) -> set[int]:
        """Units whose weights stay open, if the row is partial: inactive on every piece so far."""
        return {j for j, kind in self._columns if self.partial and kind and kind not in self._seen[j]}

    @property
    def one_sided(self) -> dict[int, int]:
        """The neurons without a side that had the same sign on every piece so far, and this sign."""
        kept = (j for j, kind in self._columns if kind == 0)
        return {j: next(iter(self._seen[j])) for j in kept if len(self._seen[j]) == 1}

    def leaving_out(self, neurons: Collection[int]) -> Hypothesis:
        """The same without some more neurons, with the same pieces."""
        return self._again(self._options[3], neurons)

    def joined(self, pieces: Sequence[tuple[Piece, Forms]]) -> Hypothesis:
        """The same with more pieces, each at a scale of its own."""
        own = self._options[3]
        other = self._again(own + len(pieces))
        for k, (piece, forms) in enumerate(pieces):
            other.add(piece, forms, scale=own + k)
        return other

    def _again(self, scales: int, without: Collection[int] = ()) -> Hypothesis:
        depth, orientation, layers, _, left_out, partial = self._options
        other = Hypothesis(
            self.model,
            depth,
            orientation,
            layers=layers,
            scales=scales,
            left_out=left_out.union(without),
            partial=partial,
        )
        for piece, forms, scale, doubtful in self._added:
            other.add(piece, forms, scale=scale, doubtful=doubtful)
        return other

    def fits(self, signs: Signs, forms: Residues, target: Residues) -> bool:
        """Whether a boundary's form (r + 1,) can be the row's in a cell, with an equation to spare for it.

        Modulo the prime; `forms` (N, r + 1) are the known forms there. Its scale is one more unknown.
        """
        features = self._features_from(signs, forms)
        block = np.zeros((self.model.dim + 1, self._system.unknowns + 2), dtype=np.int64)
        width = len(self._columns)
        block[:, :width] = features.T
        block[self._affine, range(width, width + len(self._affine))] = 1
        block[:, -1] = target
        return self._system.has_to_spare(block)

    def add(
        self,
        piece: Piece,
        forms: Forms,
        *,
        scale: int | None = None,
        doubtful: bool = False,
    ) -> None:
        """The equations of one more piece; `forms` are the known forms in its cell.

        A doubtful piece is only added where it fits, which more equations than it determines have to show.
        With `scale` (0 <= scale < scales) the piece's own scale is unknown, and the system solves for it.
        """
        self._added.append((piece, forms, scale, doubtful))
        for j in self.parents:
            self._seen[j].add(piece.signs[j])
        residues = self._residues(piece, forms, scale)
        self._system.add(residues, lambda: self._equations(piece, forms, scale), doubtful=doubtful)

    def _residues(self, piece: Piece, forms: Forms, scale: int | None) -> Residues:
        """The equations (r + 1, unknowns + 1) of a piece modulo the prime."""
        rows = np.zeros((self.model.dim + 1, self._system.unknowns + 1), dtype=np.int64)
        width = len(self._columns)
        den = piece.scale.denominator % PRIME
        rows[:, :width] = self._modular_features(piece.signs, forms).T * den % PRIME
        for k, i in enumerate(self._affine):
            rows[i, width + k] = den
        value = modular(piece.form) * (piece.scale.numerator % PRIME) % PRIME
        if scale is None:
            rows[:, -1] = value
        else:
            rows[:, width + len(self._affine) + scale] = -value % PRIME
        return rows

    def _equations(self, piece: Piece, forms: Forms, scale: int | None) -> list[list[int]]:
        """The same over Z."""
        columns = self._features(piece.signs, forms)
        num, den = piece.scale.numerator, piece.scale.denominator
        rows = []
        for i in range(self.model.dim + 1):
            free = [0] * self._scales
            value = num * piece.form[i]
            if scale is not None:
                free[scale], value = -value, 0
            rows.append(
                [*(c[i] * den for c in columns), *(den * int(i == k) for k in self._affine), *free, value]
            )
        return rows

    def _features(self, signs: Signs, forms: Forms) -> list[list[int]]:
        """Form (r + 1,) of every column's feature in a cell."""
        columns = []
        for j, kind in self._columns:
            factor = _factor(kind, signs[j])
            columns.append([factor * v for v in forms[j]] if factor else [0] * (self.model.dim + 1))
        return columns

    def _modular_features(self, signs: Signs, forms: Forms) -> Residues:
        """The same (columns, r + 1) modulo the prime."""
        return self._features_from(signs, forms.modular)

    def _features_from(self, signs: Signs, forms: Residues) -> Residues:
        factors = np.array([_factor(kind, signs[j]) for j, kind in self._columns], dtype=np.int64)
        found: Residues = factors[:, None] * forms[[j for j, _ in self._columns]] % PRIME
        return found

    def predicted(self, signs: Signs, forms: Forms) -> list[Fraction] | None:
        """The boundary's form (r + 1,) in a cell, where the equations so far seem to determine it."""
        residues = np.zeros((self._system.unknowns, self.model.dim + 1), dtype=np.int64)
        width = len(self._columns)
        residues[:width] = self._modular_features(signs, forms)
        residues[range(width, width + len(self._affine)), self._affine] = 1
        if not self._system.is_determined(residues):
            return None
        if self._solution is None or self._solution[0] != self._system.missing:
            self._solution = (self._system.missing, self._system.solution())
        found = self._solution[1]
        if found is None:
            return None
        values, den = found
        weights: dict[int, int] = {}
        for (j, kind), value in zip(self._columns, values, strict=False):
            weights[j] = weights.get(j, 0) + _factor(kind, signs[j]) * value
        form = forms.combination(weights)
        for i, value in zip(self._affine, values[width:], strict=False):
            form[i] += value
        return [Fraction(v, den) for v in form]

    def targets(self) -> set[int]:
        """Neurons whose boundary should be crossed next: those not seen on the sides that matter."""
        if self.partial:
            return {j for j, kind in self._columns if self._seen[j] == {kind}}
        oriented = {j: kind for j, kind in self._columns if kind}
        return {
            j
            for j, seen in self._seen.items()
            if (oriented[j] not in seen if j in oriented else len(seen) < 2)
        }

    def kept_active(self) -> set[int] | None:
        """Units active on every piece whose weights the equations leave open; None where more is open.

        With more of them than the input has dimensions, other weights and another constant fit as well.
        """
        width = len(self._columns)
        found = set()
        for c in self._system.undetermined():
            if c >= width + len(self._affine):
                return None
            j, kind = self._columns[c] if c < width else (-1, None)
            if j in self.parents and (not kind or len(self._seen[j]) > 1):
                return None
            found |= {j} if c < width and self._seen[j] == {kind} else set()
        return found

    def row(self, *, of_many: bool = False) -> Row | None:
        """The row, once the equations determine it and it satisfies them: see `_System.solve`.

        With `of_many` one of the rows that satisfy them.
        """
        idle = self.idle
        zeros = {c for c, (j, _) in enumerate(self._columns) if j in idle}
        values = self._system.solve(set(self._system.undetermined()) if of_many else zeros)
        if values is None:
            return None
        numerators, den = values
        # Everything over 2 den: relu(s u) = (|u| + s u) / 2.
        parents: dict[int, int] = {}
        plain: dict[int, int] = {}
        for (j, kind), value in zip(self._columns, numerators, strict=False):
            if kind is None:
                plain[j] = 2 * value
            elif kind == 0:
                parents[j] = 2 * value
            else:
                parents[j] = value
                plain[j] = kind * value
        orientation = {}
        for j, value in plain.items():
            if abs(value) != abs(parents[j]):
                self._system.is_consistent = False  # neither relu(u_j) nor relu(-u_j): not layered
                return None
            if value:
                orientation[j] = 1 if value == parents[j] else -1
        linear = [0] * (self.model.dim + 1)
        for k, value in zip(self._affine, numerators[len(self._columns) :], strict=False):
            linear[k] += 2 * value
        for j, value in plain.items():
            neuron = self.model.neurons[j]
            for i, a in neuron.parents.items():
                parents[i] = parents.get(i, 0) + value * a
            linear = [v + value * w for v, w in zip(linear, neuron.linear, strict=True)]
        return Row({j: v for j, v in parents.items() if v}, tuple(linear), 2 * den, orientation)


def _factor(kind: int | None, sign: int) -> int:
    """By what a column's feature is the neuron's form where the neuron has this sign."""
    return 1 if kind is None else sign if kind == 0 else kind * int(sign == kind)


class _System:
    """Linear equations over Q, rows (unknowns..., right side) of integers, echelon form modulo a prime.

    Equations over Z are made when a solution is asked for; most systems are contradicted before.
    """

    def __init__(self, unknowns: int) -> None:
        self.unknowns = unknowns
        self.is_consistent = True
        self._sources: list[_Source] = []
        self._rows: dict[int, list[list[int]]] = {}  # by source, of those over Z so far
        self._independent: list[tuple[int, int]] = []  # source and row
        self._echelon: NDArray[np.int64] = np.zeros((0, unknowns + 1), dtype=np.int64)
        self._pivots: list[int] = []

    @property
    def missing(self) -> int:
        """Unknowns less rank."""
        return self.unknowns - len(self._pivots)

    def add(self, block: Residues, source: _Source, *, doubtful: bool = False) -> None:
        """More equations, modulo the prime, and what makes them over Z.

        Doubtful ones are taken only if they fit, with one to spare that shows it.
        """
        count, here = len(block), len(self._sources)
        if self._pivots:
            # Invariant: the echelon form is reduced, so one product takes all its pivots out of the block.
            block = (block - product(block[:, self._pivots], self._echelon)) % PRIME
        echelon, pivots, independent = self._echelon, list(self._pivots), list(self._independent)
        while True:
            i, pivot = divmod(int((block != 0).argmax()), self.unknowns + 1)
            if not block[i, pivot]:
                break
            if pivot == self.unknowns:
                self.is_consistent &= doubtful
                return
            row = block[i] * pow(int(block[i, pivot]), -1, PRIME) % PRIME
            block = (block - block[:, pivot : pivot + 1] * row) % PRIME
            echelon = np.vstack([(echelon - echelon[:, pivot : pivot + 1] * row) % PRIME, row])
            pivots.append(pivot)
            independent.append((here, i))
        if doubtful and len(pivots) - len(self._pivots) == count:
            return
        self._echelon, self._pivots, self._independent = echelon, pivots, independent
        self._sources.append(source)

    def has_to_spare(self, block: Residues) -> bool:
        """Whether equations in one more unknown hold for some solution, and are more than what they settle.

        `block` (k, unknowns + 2) has the right side, zero, last but one and the new unknown's column last.
        """
        left = (block[:, :-1] - product(block[:, self._pivots], self._echelon)) % PRIME
        free = sorted(set(range(self.unknowns)) - set(self._pivots))
        rest = np.concatenate([left[:, free], block[:, -1:]], axis=1)
        full = np.concatenate([rest, left[:, -1:]], axis=1)
        return rank(rest) == rank(full) < rank(block) - 1

    def is_determined(self, columns: Residues) -> bool:
        """Whether all solutions have the same product with these columns (unknowns, k), modulo the prime."""
        free = sorted(set(range(self.unknowns)) - set(self._pivots))
        given = product(self._echelon[:, free].T, columns[self._pivots])
        return bool((columns[free] == given).all())

    def undetermined(self) -> list[int]:
        """The unknowns that not all solutions have the same, modulo the prime."""
        free = sorted(set(range(self.unknowns)) - set(self._pivots))
        tied = np.flatnonzero(self._echelon[:, free].any(axis=1)).tolist()
        return sorted([*free, *(self._pivots[k] for k in tied)])

    def _equations(self, source: int) -> list[list[int]]:
        """The equations of one source over Z."""
        if source not in self._rows:
            self._rows[source] = self._sources[source]()
        return self._rows[source]

    def solution(self) -> tuple[list[int], int] | None:
        """A solution (numerators, denominator > 0) of the independent equations, its free unknowns zero."""
        if not self._independent or not self.is_consistent:
            return None
        rows = [self._equations(source)[i] for source, i in self._independent]
        pivots = sorted(self._pivots)
        square = fmpz_mat([[row[c] for c in pivots] for row in rows])
        right = fmpz_mat([[row[-1]] for row in rows])
        found, den = fmpq_mat(square).solve(fmpq_mat(right)).numer_denom()
        values = [0] * self.unknowns
        for k, c in enumerate(pivots):
            values[c] = int(found[k, 0])
        return values, int(den)

    def solve(self, zeros: Collection[int]) -> tuple[list[int], int] | None:
        """The unique solution (numerators, denominator > 0); None if there is none.

        Checked over Q on all equations of the first sources and of those that determine it, on all others
        modulo the prime. The unknowns in `zeros` may be free, and are zero then.
        """
        found = self.solution() if self.missing <= len(zeros) else None
        if found is None:
            return None
        values, den = found
        checked = {*range(min(_CHECKED, len(self._sources))), *(source for source, _ in self._independent)}
        rows = [row for source in sorted(checked) for row in self._equations(source)]
        left = fmpz_mat([row[:-1] for row in rows]) * fmpz_mat([[v] for v in values])
        if left != fmpz_mat([[row[-1] * den] for row in rows]):
            self.is_consistent = False
            return None
        return values, den
