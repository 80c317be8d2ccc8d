"""The tests' own decision: every activation pattern of two small networks, one exact LP for each."""

from fractions import Fraction
from itertools import product
from math import inf

from exactre.lp import Farkas, Point, Ray, feasible, maximise


def closed_regions(a, b, domain):
    """(A, b, outputs of a, outputs of b) of every pattern: the cell A x <= b and (slope, constant) pairs."""
    rows, bounds = [], []
    for sparse, bound in () if domain is None else domain.rows:
        entries = dict(sparse)
        rows.append([entries.get(j, Fraction(0)) for j in range(a.input_dim)])
        bounds.append(bound)
    for signs in product((1, -1), repeat=a.neurons + b.neurons):
        state = iter(signs)
        sides, outputs = [], []
        for net in (a, b):
            outputs.append(affine_outputs(net, state, sides))
        A = rows + [[-v for v in slope] for slope, _ in sides]
        yield A, bounds + [constant for _, constant in sides], *outputs


def decide_alike(a, b, domain):
    """Whether the first index of a maximal output is the same on the whole domain (None: all of space)."""
    for A, limits, *outputs in closed_regions(a, b, domain):
        for i, j in product(range(a.output_dim), repeat=2):
            rows, bounds, strict = list(A), list(limits), []
            for values, best in zip(outputs, (i, j), strict=True):
                for k, (slope, constant) in enumerate(values):
                    if k < best:
                        strict.append(len(rows))
                    rows.append([p - q for p, q in zip(slope, values[best][0], strict=True)])
                    bounds.append(values[best][1] - constant)
            if i != j and isinstance(feasible(rows, bounds, strict=strict), Point):
                return False
    return True


def largest_gap(a, b, domain):
    """The supremum of |a_i - b_i| over a domain (None: all of space) and all outputs, or `inf`."""
    best = Fraction(0)
    for A, limits, *outputs in closed_regions(a, b, domain):
        for (g, c), (h, e) in zip(*outputs, strict=True):
            for sign in (1, -1):
                cost = [sign * (p - q) for p, q in zip(g, h, strict=True)]
                if not A:
                    best = inf if any(cost) else max(best, sign * (c - e))
                    continue
                answer = maximise(cost, A, limits)
                if isinstance(answer, Ray):
                    return inf
                if not isinstance(answer, Farkas):
                    best = max(best, answer.value + sign * (c - e))
    return best


def affine_outputs(net, state, sides):
    """The outputs' (slope, constant) under the next signs of `state`; appends half-spaces to `sides`."""
    n = net.input_dim
    values = {"input": [([Fraction(int(i == j)) for i in range(n)], Fraction(0)) for j in range(n)]}
    for node in net.nodes:
        out = []
        for i, (offset,) in enumerate(node.bias.rows()):
            slope, constant = [Fraction(0)] * n, offset
            for source, weight in node.inputs:
                for w, (g, c) in zip(weight.rows()[i], values[source], strict=True):
                    slope = [s + w * v for s, v in zip(slope, g, strict=True)]
                    constant += w * c
            if node.relu:
                sign = next(state)
                sides.append(([sign * v for v in slope], sign * constant))
                if sign < 0:
                    slope, constant = [Fraction(0)] * n, Fraction(0)
            out.append((slope, constant))
        values[node.name] = out
    return values[net.nodes[-1].name]
