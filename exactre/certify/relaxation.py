"""`Relaxation`: whether a cell of any choices may have a point, by linear programs over x and the neurons.

A neuron that is not chosen yet stands for itself, r_k >= 0 and r_k >= e_k, so that deep neurons can be chosen
before the neurons that they read. Floats propose a point of this relaxation or the facts that exclude one;
the facts' multipliers are solved for exactly, and give the derivation that the cell is empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from flint import fmpz_mat

from exactre.check import Derivation, TreeNode, Vector, scale
from exactre.guess import Adjustable, Floats
from exactre.linalg import solve
from exactre.lp import Optimum, maximise
from exactre.rational import Matrix

# What floats guess by. A leaf is made of multipliers that are solved for exactly, with the right signs.
_TOLERANCE = 1e-7  # of t: what is beyond it seems decided
_USED = 1e-9  # what the multiplier of a fact to try is not below
_UNREAD = 1e-3  # by what an atom counts that no other reads
_LARGEST = 60  # binary logarithm of the largest number in a program
_INF = float("inf")


class Relaxation:
    """The facts of some atoms and of the domain, `forms[k]` over 1, x and atoms among `forms`."""

    def __init__(self, inputs: int, forms: Mapping[int, Vector], domain: Sequence[Vector]) -> None:
        self.inputs = inputs
        self.atoms = sorted(forms)
        self.sides: dict[int, bool] = {}  # the atoms chosen: whether active
        self._place = {k: i for i, k in enumerate(self.atoms)}
        self._columns = {1 + j: j for j in range(inputs)}
        self._columns |= {1 + inputs + k: inputs + i for k, i in self._place.items()}
        count, m = len(self.atoms), len(domain)
        # Per fact a row of integers over (x, r), with its constant: r_k - e_k for all atoms, then the domain.
        self._rows = [self._row(forms[k], k) for k in self.atoms] + [self._row(fact, None) for fact in domain]
        self._factors = [forms[k][1] for k in self.atoms] + [fact[1] for fact in domain]
        # In floats x and r_k are measured in powers of two in which constants and values are about one: a
        # network and a rescaled one are the same program.
        self.unit = _unit_of_inputs([row for row in self._rows if any(row[:inputs])], inputs)
        units = [*([self.unit] * inputs), *([0] * (count + 1))]
        self._floats = np.zeros((count + m, len(units)))
        for i, row in enumerate(self._rows):
            own = inputs + i if i < count else None
            size = max(
                (v.bit_length() + units[j] for j, v in enumerate(row[:-1]) if v and j != own), default=0
            )
            if own is not None:
                units[own] = size - row[own].bit_length()
            self._floats[i] = [_ratio(v, unit - size) for v, unit in zip(row, units, strict=True)]
        self._program = self._relaxed(count, m)

    def _row(self, form: Vector, k: int | None) -> list[int]:
        """The integers (inputs + atoms + 1,) of r_k - form, or of the form itself, times a positive one."""
        n, d, entries = form
        sign = 1 if k is None else -1
        row = [0] * (len(self._columns) + 1)
        for basis, v in entries.items():
            row[self._columns[basis] if basis else -1] = sign * n * v
        if k is not None:
            row[self._columns[1 + self.inputs + k]] += d
        return row

    def _relaxed(self, count: int, m: int) -> Adjustable:
        """The program over (x, r, t): least t such that the sides' facts, plus t, are at least zero."""
        width = self.inputs + count
        rows, constants = self._floats[:, :-1], self._floats[:, -1]
        relu = np.eye(count, width, self.inputs)
        matrix = np.zeros((3 * count + m, width + 1))
        matrix[: count + m, :-1] = rows  # facts as they are; those of the domain give way
        matrix[count + m : 2 * count + m, :-1] = rows[:count]
        matrix[2 * count + m :, :-1] = relu
        matrix[count:, -1] = 1.0
        program = Adjustable(matrix, np.eye(width + 1)[width])
        for i in range(count + m):
            program.bound_row(i, -constants[i], _INF)
        for i in range(count):
            program.bound_column(self.inputs + i, 0.0, _INF)
        program.bound_column(width, -1.0, _INF)
        return program

    def choose(self, k: int, active: bool) -> None:
        """Put an atom on one of its sides."""
        self.sides[k] = active
        self._bound(k)

    def release(self, k: int) -> None:
        """Take a choice back."""
        del self.sides[k]
        self._bound(k)

    def _bound(self, k: int) -> None:
        i, side, program = self._place[k], self.sides.get(k), self._program
        count, facts = len(self.atoms), len(self._rows)
        level = -self._floats[i, -1]
        # On a side r_k is e_k or 0, whatever its sign, and the fact that says the sign gives way.
        program.bound_row(i, level if side is not False else -_INF, level if side else _INF)
        program.bound_column(self.inputs + i, -_INF if side else 0.0, 0.0 if side is False else _INF)
        program.bound_row(facts + i, level if side is False else -_INF, _INF)
        program.bound_row(facts + count + i, 0.0 if side is True else -_INF, _INF)

    def look(self, d: Vector) -> TreeNode | Floats | None:
        """The leaf for a cell that is empty, or too flat for d to be other than zero there; or a point (x, r)
        that the relaxation may have; or None.
        """
        found = self._program.propose()
        if found is None:
            return None
        point, rows, columns = found
        at: Floats = point[:-1]
        if point[-1] < -_TOLERANCE:
            return at
        empty = self._contradiction(rows, columns)
        if empty is not None:
            return TreeNode("infeasible", derivations=[empty])
        above, below = (self._at_most_zero(scale(sign, 1, d)) for sign in (1, -1))
        if above is not None and below is not None:
            return TreeNode("bounded", bounds=[(above, below)])
        return at if point[-1] < _TOLERANCE else None

    def _at_most_zero(self, t: Vector) -> Derivation | None:
        """A derivation of -t >= 0 in the cell from all facts, None if there is none; an exact program."""
        count, width = len(self.atoms), len(self._columns)
        facts = [("gap", k, self._rows[i], self._factors[i]) for k, i in self._place.items()]
        facts += [("relu", k, _unit(self.inputs + i, width), 1) for k, i in self._place.items()]
        facts += [("domain", i, row, self._factors[count + i]) for i, row in enumerate(self._rows[count:])]
        equal = [i for i, (kind, k, _, _) in enumerate(facts) if self._is_zero(kind, k)]
        rows = [[-v for v in row[:-1]] for _, _, row, _ in facts]
        *cost, constant = self._whole(t)
        found = maximise(cost, rows, [row[-1] for _, _, row, _ in facts], equal=equal)
        if not isinstance(found, Optimum) or found.value + constant > 0:
            return None
        terms = [(*facts[i], y / t[1]) for i, y in sorted(found.multipliers.items()) if i not in equal]
        rest = -(found.value + constant) / t[1]
        named = [(kind, k, (y * d).as_integer_ratio()) for kind, k, _, d, y in terms if y]
        return Derivation([*named, ("one", 0, rest.as_integer_ratio())] if rest else named)

    def _is_zero(self, kind: str, k: int) -> bool:
        """Whether a fact is zero in the cell: the gap of an active atom, an inactive one itself."""
        return kind != "domain" and self.sides.get(k) is (kind == "gap")

    def _whole(self, t: Vector) -> list[int]:
        """An expression over 1, x and the atoms as integers (inputs + atoms + 1,), times its denominator."""
        whole = [0] * (len(self._columns) + 1)
        for basis, v in t[2].items():
            whole[self._columns[basis] if basis else -1] = t[0] * v
        return whole

    def _contradiction(self, rows: Floats, columns: Floats) -> Derivation | None:
        """A derivation of -1 >= 0 from the facts with these duals, None if they give none; exact."""
        count, facts, width = len(self.atoms), len(self._rows), len(self._columns)
        gaps = np.abs(rows[:facts])
        gaps[:count] += np.abs(rows[facts : facts + count])
        relus = np.abs(rows[facts + count :]) + np.abs(columns[self.inputs : -1])
        used = [("gap", self.atoms[i], self._rows[i], self._factors[i]) for i in _used(gaps[:count])]
        used += [("relu", self.atoms[i], _unit(self.inputs + i, width), 1) for i in _used(relus)]
        used += [("domain", i, self._rows[count + i], self._factors[count + i]) for i in _used(gaps[count:])]
        matrix = fmpz_mat(len(used), width + 1, [v for fact in used for v in fact[2]]).transpose()
        solution = solve(Matrix(matrix), Matrix(fmpz_mat(width + 1, 1, [0] * width + [-1])))
        if solution is None:
            return None
        terms: list[tuple[str, int, tuple[int, int]]] = []
        for (kind, k, _, d), (value,) in zip(used, solution.rows(), strict=True):
            if self._is_zero(kind, k):
                continue  # whatever its multiplier
            if value < 0:
                return None
            if value:
                terms.append((kind, k, (value * d).as_integer_ratio()))
        return Derivation(terms)

    def values(self, x: Floats) -> Floats:
        """What the atoms' e_k are at a point x in units of 2^unit, in the scale of their rows, in floats."""
        values = np.zeros(len(self.atoms))
        point = np.concatenate([x, np.zeros(len(self.atoms)), [1.0]])
        for i in range(len(self.atoms)):
            at = self.inputs + i
            scale = self._floats[i, at]
            values[i] = -(self._floats[i] @ point) / scale
            point[at] = max(values[i], 0.0)
        return values

    def excess(self, point: Floats) -> Floats:
        """How far each r_k is above max(e_k, 0) at a point (x, r) of the relaxation, weighted by readers."""
        count = len(self.atoms)
        columns = slice(self.inputs, self.inputs + count)
        own = np.diag(self._floats[:count, columns])
        gaps = (self._floats[:count, :-1] @ point + self._floats[:count, -1]) / own
        read = np.abs(self._floats[:count, columns]).sum(axis=0) - np.abs(own)
        above: Floats = np.minimum(gaps, point[columns]) * (read + _UNREAD)
        return above


def _unit_of_inputs(rows: Sequence[Sequence[int]], inputs: int) -> int:
    """The binary logarithm of how far from zero the middle one of rows over the inputs has its boundary."""
    sizes = [row[-1].bit_length() - max(v.bit_length() for v in row[:inputs]) for row in rows if row[-1]]
    return sorted(sizes)[len(sizes) // 2] if sizes else 0


def _used(duals: Floats) -> list[int]:
    return [int(i) for i in np.flatnonzero(duals > _USED)]


def _unit(place: int, width: int) -> list[int]:
    row = [0] * (width + 1)
    row[place] = 1
    return row


def _ratio(value: int, exponent: int) -> float:
    """value * 2^exponent, exact but for the last bit; cut off where it is infinite to a solver."""
    size = value.bit_length() + exponent
    if not value or size < -1000:
        return 0.0
    if size > _LARGEST:
        return math.copysign(2.0**_LARGEST, value)
    return float(value << exponent) if exponent >= 0 else value / (1 << -exponent)
