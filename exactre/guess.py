"""Floating-point proposals for linear programs from HiGHS; whoever asks must prove what comes back.

Integers of any size are scaled by powers of two, row by row and column by column, until a float64
solver can see them. The proposals are a point (dyadic, so exact as such) and a basis.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import frexp
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Exponents = NDArray[np.int64]

_EMPTY = np.int64(-(2**40))  # exponent of a zero


@dataclass(frozen=True)
class Guess:
    """A proposed optimum: the point in scaled coordinates and the rows that it holds with equality."""

    point: Floats
    active: list[int]


class Scaled:
    """The system `rows x <= rhs` (integers) as floats: entries at most 1, right-hand sides at most 1.

    Row i is divided by 2**row_exponents[i]; coordinate j is measured in units of 2**column_exponents[j].
    """

    def __init__(self, rows: Sequence[Sequence[int]], rhs: Sequence[int], columns: int) -> None:
        shape = len(rows), columns
        mantissa, exponent = _split([v for row in rows for v in row])
        mantissa, exponent = mantissa.reshape(shape), exponent.reshape(shape)
        rhs_mantissa, rhs_exponent = _split(rhs)
        row = -_height(exponent, 1)
        column = -_height(exponent + row[:, None], 0)
        row = row - _height(exponent + row[:, None] + column, 1)
        unit = int(_height((rhs_exponent + row)[None, :], 1)[0])
        self.matrix = _ldexp(mantissa, exponent + row[:, None] + column)
        self.rhs = _ldexp(rhs_mantissa, rhs_exponent + row - unit)
        self.row_exponents: list[int] = (unit - row).tolist()
        self.column_exponents: list[int] = (unit + column).tolist()

    def least_slack(self, slack: Collection[int], equal: Collection[int]) -> Search:
        """Search for min t with `matrix x - t <= rhs`, where t enters the rows in `slack`, and -t <= 1."""
        m, n = self.matrix.shape
        matrix = np.zeros((m + 1, n + 1))
        matrix[:m, :n] = self.matrix
        matrix[[*slack, m], n] = -1.0
        cost = np.eye(n + 1)[n]
        return Search(matrix, np.append(self.rhs, 1.0), cost, equal, [*self.row_exponents, 0])

    def optimum(self, cost: Sequence[int], equal: Collection[int]) -> Search:
        """Search for min cost . x over the system."""
        mantissa, exponent = _split(cost)
        exponent = exponent + np.array(self.column_exponents, dtype=np.int64)
        scaled = _ldexp(mantissa, exponent - _height(exponent[None, :], 1)[0])
        return Search(self.matrix, self.rhs, scaled, equal, self.row_exponents)


class Search:
    """One linear program in the float solver, looked at again and again with other right-hand sides."""

    def __init__(
        self, matrix: Floats, rhs: Floats, cost: Floats, equal: Collection[int], row_exponents: Sequence[int]
    ) -> None:
        self.m, n = matrix.shape
        self.equal = list(equal)
        self.row_exponents = np.array(row_exponents, dtype=np.int64)
        self._solver = _solver(matrix, *self._bounds(rhs), cost, *_free(n))

    def propose(self) -> Guess | None:
        """What the solver calls the optimum; None when it finds none."""
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        basic = highspy.HighsBasisStatus.kBasic
        active = [i for i, status in enumerate(self._solver.getBasis().row_status) if status != basic]
        return Guess(np.array(self._solver.getSolution().col_value), active)

    def multipliers(self) -> Floats:
        """What the objective would change by per unit of each right-hand side (m,), at the last proposal."""
        return np.array(self._solver.getSolution().row_dual)

    def look_closer(self, residual: Sequence[int], den: int, zoom: int) -> int:
        """Move the origin to a point and magnify so that its errors show: the new zoom, a power of two.

        `residual / den` is `rhs - rows z` at that point. The basis stays: the next proposal starts from it.
        """
        mantissa, exponent = _split(residual)
        # The solver's own error is below 2**-20 and its digits end at 2**-50: magnify by what lies between.
        seen = _ldexp(mantissa, exponent - self.row_exponents - den.bit_length() + 1 + zoom)
        error = max(float(-seen.min(initial=0.0)), float(np.abs(seen[self.equal]).max(initial=0.0)))
        step = int(np.clip(-np.log2(max(error, 2.0**-60)), 10, 40))
        lower, upper = self._bounds(np.ldexp(seen, step))
        rows = np.arange(self.m, dtype=np.int32)
        self._solver.changeRowsBounds(self.m, rows, lower, upper)
        return zoom + step

    def _bounds(self, rhs: Floats) -> tuple[Floats, Floats]:
        lower = np.full(self.m, -np.inf)
        lower[self.equal] = rhs[self.equal]
        return lower, rhs


class Adjustable:
    """min cost . x over lower <= matrix x <= upper, lower <= x <= upper, looked at with ever other bounds.

    The basis stays from one look to the next.
    """

    def __init__(self, matrix: Floats, cost: Floats) -> None:
        m, n = matrix.shape
        self._solver = _solver(matrix, *_free(m), cost, *_free(n))

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Set the bounds of a row, infinite where there are none."""
        self._solver.changeRowBounds(row, lower, upper)

    def bound_column(self, column: int, lower: float, upper: float) -> None:
        """Set the bounds of a coordinate, infinite where there are none."""
        self._solver.changeColBounds(column, lower, upper)

    def propose(self) -> tuple[Floats, Floats, Floats] | None:
        """What the solver calls the optimum (n,), and duals of rows (m,) and coordinates (n,); or None."""
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._solver.clearSolver()  # a basis gone bad: from the start
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return None
        found = self._solver.getSolution()
        return np.array(found.col_value), np.array(found.row_dual), np.array(found.col_dual)


def _free(size: int) -> tuple[Floats, Floats]:
    return np.full(size, -np.inf), np.full(size, np.inf)


def _solver(matrix: Floats, lower: Floats, upper: Floats, cost: Floats, least: Floats, most: Floats) -> Any:
    """The float solver with a program: bounds of rows (m,), cost and bounds of coordinates (n,)."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, least, most
    lp.row_lower_, lp.row_upper_ = lower, upper
    nonzero = matrix != 0
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
    lp.a_matrix_.index_ = np.nonzero(nonzero)[1].astype(np.int32)
    lp.a_matrix_.value_ = matrix[nonzero]
    # The binding itself, without the Python layer on it, whose constructor prints a banner (1.16).
    binding: Any = highspy.Highs.__base__
    solver = binding()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("primal_feasibility_tolerance", 1e-10)
    solver.setOptionValue("dual_feasibility_tolerance", 1e-10)
    # Ample for any guess; a solver that runs in circles is no loss, since exact pivots go on.
    solver.setOptionValue("simplex_iteration_limit", 1000 + 100 * sum(matrix.shape))
    solver.passModel(lp)
    return solver


def _split(values: Sequence[int]) -> tuple[Floats, Exponents]:
    """Mantissas in +-[1/2, 1) and exponents of integers of any size."""
    if max(map(abs, values), default=0).bit_length() < 1000:
        mantissa, small = np.frexp(np.array(values, dtype=np.float64))
        exponent = small.astype(np.int64)
    else:
        shifts = [max(0, v.bit_length() - 64) for v in values]
        pairs = [frexp(v >> s) for v, s in zip(values, shifts, strict=True)]
        mantissa = np.array([p[0] for p in pairs])
        exponent = np.array([p[1] + s for p, s in zip(pairs, shifts, strict=True)], dtype=np.int64)
    exponent[mantissa == 0] = _EMPTY
    return mantissa, exponent


def _height(exponent: Exponents, axis: int) -> Exponents:
    """Greatest exponent along an axis, 0 where every entry is zero."""
    height = exponent.max(axis=axis, initial=_EMPTY)
    return np.where(height <= _EMPTY // 2, 0, height)


def _ldexp(mantissa: Floats, exponent: Exponents) -> Floats:
    return np.ldexp(mantissa, np.clip(exponent, -2000, 500).astype(np.int32))
