"""An independent decision whether two networks are equal: region by region, with Fractions alone.

Two continuous functions are equal on a polyhedron with interior exactly when they are equal on every
full-dimensional cell, and two affine maps are equal on an open cell exactly when their coefficients are.
Whether a cell has interior is decided by Fourier and Motzkin's elimination. No line of this is
shared with the package: no FLINT, no LP, no guess, no certificate.

A form is (constant, coefficients...), a tuple of n + 1 rationals; a cell is a list of forms that are > 0.
"""

from fractions import Fraction
from math import gcd, lcm


def are_equal(a, b, box=None):
    """Whether two networks agree on all of Q^n, or on a box [(low, high), ...] with low < high."""
    start = [] if box is None else sides(box)
    return all(left == right for cell, left in regions(a, start) for _, right in regions(b, cell))


def regions(net, cell):
    """(cell, output forms) of every full-dimensional region of a network within a cell."""
    n = net.input_dim
    inputs = [tuple(Fraction(int(j == i + 1)) for j in range(n + 1)) for i in range(n)]
    found = [(cell, {"input": inputs})]
    for node in net.nodes:
        found = [
            (smaller, values | {node.name: forms})
            for larger, values in found
            for smaller, forms in branches(larger, preactivations(node, values, n), node.relu)
        ]
    return [(inside, values[net.nodes[-1].name]) for inside, values in found]


def preactivations(node, values, n):
    """The forms of a node before its ReLU."""
    forms = [[bias, *[Fraction(0)] * n] for (bias,) in node.bias.rows()]
    for source, weight in node.inputs:
        for form, row in zip(forms, weight.rows(), strict=True):
            for w, other in zip(row, values[source], strict=True):
                if w:
                    form[:] = [v + w * u for v, u in zip(form, other, strict=True)]
    return [tuple(form) for form in forms]


def branches(cell, forms, relu):
    """(cell, forms after ReLU) of every full-dimensional part of a cell where each form has one sign."""
    parts = [(cell, [])]
    for form in forms:
        zero = (Fraction(0),) * len(form)
        grown = []
        for inside, done in parts:
            if not relu:
                grown.append((inside, [*done, form]))
                continue
            if not any(form[1:]):
                grown.append((inside, [*done, form if form[0] > 0 else zero]))
                continue
            for sign, after in ((1, form), (-1, zero)):
                smaller = [*inside, primitive([sign * v for v in form])]
                if has_interior(smaller):
                    grown.append((smaller, [*done, after]))
        parts = grown
    return parts


def has_interior(cell):
    """Whether some point has every form > 0: variables are eliminated one after the other."""
    rows = set(cell)
    while rows:
        if any(row[0] <= 0 and not any(row[1:]) for row in rows):
            return False
        rows = {row for row in rows if any(row[1:])}
        if not rows:
            return True
        n = len(next(iter(rows)))
        j = min((j for j in range(1, n) if any(row[j] for row in rows)), key=lambda j: products(rows, j))
        above = [row for row in rows if row[j] < 0]
        below = [row for row in rows if row[j] > 0]
        rows = {row for row in rows if row[j] == 0}
        for p in below:
            for q in above:
                rows.add(primitive([p[j] * v - q[j] * u for u, v in zip(p, q, strict=True)]))
    return True


def products(rows, j):
    """How many rows the elimination of a variable makes."""
    return sum(row[j] > 0 for row in rows) * sum(row[j] < 0 for row in rows)


def primitive(form):
    """The positive multiple of a form that has coprime integers."""
    form = [Fraction(v) for v in form]
    den = lcm(*(v.denominator for v in form))
    numbers = [int(v * den) for v in form]
    common = gcd(*numbers) or 1
    return tuple(v // common for v in numbers)


def sides(box):
    """The forms of a box's faces."""
    n = len(box)
    faces = []
    for i, (low, high) in enumerate(box):
        unit = [int(j == i) for j in range(n)]
        faces.append(primitive([-low, *unit]))
        faces.append(primitive([high, *(-v for v in unit)]))
    return faces
