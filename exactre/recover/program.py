"""Where two boundaries of the known network meet, asked of a mixed-integer program (design 4.7).

The whole known network stands in the program, one binary a neuron, on a box of the chart. Its answer is a
float hint: a point to start from. Nothing is concluded from the lack of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exactre.recover.floats import FloatModel
from exactre.recover.guess import Vector

_LARGEST = 44
_NODES = 50
_SECONDS = 20


def meeting_hint(
    floats: FloatModel, neurons: Sequence[int], inactive: Mapping[int, int], radius: float
) -> Vector | None:
    """A point (r,) with |x_i| <= radius near the boundaries of `neurons`, or None.

    `inactive` are neurons with the sign that is their active side. Networks of more than `_LARGEST` neurons
    are not asked about, and the search ends after a number of nodes, so that the same seed asks the same
    queries; the bound in seconds is beyond what those take.
    """
    import pulp  # slow to import, and seldom wanted

    weights, linear = floats.rows()
    if len(linear) > _LARGEST:
        return None
    dim = linear.shape[1] - 1
    problem = pulp.LpProblem("meeting", pulp.LpMinimize)
    x = [pulp.LpVariable(f"x{i}", -radius, radius) for i in range(dim)]
    sizes: dict[int, pulp.LpVariable] = {}
    values: dict[int, pulp.LpAffineExpression] = {}
    bound = np.zeros(len(linear))
    for z in floats.by_depth():
        terms = [(x[i], float(linear[z, i])) for i in range(dim)]
        terms += [(sizes[int(j)], float(weights[z, j])) for j in np.flatnonzero(weights[z])]
        values[z] = pulp.LpAffineExpression(terms, constant=float(linear[z, -1]))
        bound[z] = radius * np.abs(linear[z, :-1]).sum() + abs(linear[z, -1]) + np.abs(weights[z]) @ bound
        size = sizes[z] = pulp.LpVariable(f"v{z}", 0, bound[z])
        side = pulp.LpVariable(f"b{z}", cat="Binary")
        problem += size >= values[z]
        problem += size >= -values[z]
        problem += size <= values[z] + 2 * bound[z] * (1 - side)
        problem += size <= -values[z] + 2 * bound[z] * side
    for z in neurons:
        problem += values[z] == 0
    for j, sign in inactive.items():
        problem += sign * values[j] <= 0
    solver = pulp.PULP_CBC_CMD(msg=False, threads=1, maxNodes=_NODES, timeLimit=_SECONDS)
    problem.solve(solver)
    point = [variable.value() for variable in x]
    if problem.status != pulp.LpStatusOptimal or any(v is None for v in point):
        return None
    return np.array(point, dtype=np.float64)
