"""Floating-point proposals for linear programs from HiGHS; whoever asks must prove what comes back.

Integers of any size are scaled by powers of two, row by row and column by column, until a float64
solver can see them. The proposals are a point (dyadic, so exact as such) and a basis.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import frexp

import highspy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Exponents = NDArray[np.int64]

_EMPTY = np.int64(-(2**40))  # exponent of a zero


@dataclass(frozen=True)
class Scaling:
    """Exponents: row i divided by 2**rows[i], coordinate j measured in units of 2**columns[j]."""

    rows: list[int]
    columns: list[int]


@dataclass(frozen=True)
class Guess:
    """A proposed optimum: scaled coordinates, value of the objective, and the basic rows' complement.

    `active` are the rows at equality; `-1` among them stands for the bound of the slack variable.
    """

    point: Floats
    value: float
    active: list[int]


class Scaled:
    """The system `rows x <= rhs` (integers) as floats: entries at most 1, right-hand sides at most 1."""

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
        self.scaling = Scaling((unit - row).tolist(), (unit + column).tolist())

    def least_slack(self, slack: Collection[int], equal: Collection[int]) -> Guess | None:
        """Propose min t with `matrix x - t <= rhs`, t >= -1, where t enters only the rows in `slack`."""
        m, n = self.matrix.shape
        t = np.zeros((m, 1))
        t[list(slack)] = -1.0
        cost = np.zeros(n + 1)
        cost[n] = 1.0
        return _highs(np.hstack([self.matrix, t]), self.rhs, cost, -1.0, equal)

    def optimum(self, cost: Sequence[int], equal: Collection[int]) -> Guess | None:
        """Propose min cost . x over the system; None when HiGHS calls it infeasible or unbounded."""
        mantissa, exponent = _split(cost)
        exponent = exponent + np.array(self.scaling.columns, dtype=np.int64)
        scaled = _ldexp(mantissa, exponent - _height(exponent[None, :], 1)[0])
        return _highs(self.matrix, self.rhs, scaled, -np.inf, equal)


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
    return np.ldexp(mantissa, np.clip(exponent, -2000, 2000).astype(np.int32))


def _highs(
    matrix: Floats, rhs: Floats, cost: Floats, last_lower: float, equal: Collection[int]
) -> Guess | None:
    m, n = matrix.shape
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = m, n
    lp.col_cost_ = cost
    lower = np.full(n, -np.inf)
    lower[-1:] = last_lower
    lp.col_lower_, lp.col_upper_ = lower, np.full(n, np.inf)
    row_lower = np.full(m, -np.inf)
    row_lower[list(equal)] = rhs[list(equal)]
    lp.row_lower_, lp.row_upper_ = row_lower, rhs
    nonzero = matrix != 0
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
    lp.a_matrix_.index_ = np.nonzero(nonzero)[1].astype(np.int32)
    lp.a_matrix_.value_ = matrix[nonzero]
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("primal_feasibility_tolerance", 1e-10)
    solver.setOptionValue("dual_feasibility_tolerance", 1e-10)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution, basis = solver.getSolution(), solver.getBasis()
    basic = highspy.HighsBasisStatus.kBasic
    active = [i for i, status in enumerate(basis.row_status) if status != basic]
    if last_lower > -np.inf and basis.col_status[n - 1] != basic:
        active.append(-1)
    return Guess(np.array(solution.col_value), solver.getObjectiveValue(), active)
