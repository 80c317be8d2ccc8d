"""Maxima of several affine functions, as max-pooling makes them: found by how their boundaries meet.

max(f_1, ..., f_m) bends where two of the f are equal and greatest: on a part of a hyperplane each, so that a
line meets few of them and none goes on straight. But the hyperplanes f_i = f_j, f_j = f_k and f_i = f_k are
linearly dependent, as no three are by chance. So the f follow from their hyperplanes, up to a common affine
function and a factor, whose sign is told by which parts are seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import combinations
from math import gcd, lcm

from flint import fmpz_mat

from exactre.linalg import solve
from exactre.rational import Matrix
from exactre.recover.line import Form, primitive
from exactre.recover.modular import PRIME
from exactre.recover.survey import Evidence, Survey

_Affine = tuple[Fraction, ...]
_Triples = Mapping[Form, Sequence[tuple[Form, Form]]]
_BASES = (1_000_003, 2_000_003, 3_000_017)
_DOUBTED = 2  # kinks that were expected, of those that contradict a maximum, are asked about
_TOLD = 3  # hyperplanes of a translate that kinks have to show


@dataclass(frozen=True)
class Maximum:
    """max(forms) up to an affine function and a positive factor: integer forms (r + 1,), the first zero.

    They are those with most zeros in them, and those that begin earlier come first.
    """

    forms: tuple[Form, ...]

    @classmethod
    def sparsest(cls, vertices: Sequence[_Affine]) -> Maximum:
        """The maximum of the vertices, less one of them."""
        den = lcm(*(v.denominator for f in vertices for v in f))
        rows = [[int(v * den) for v in f] for f in vertices]
        common = gcd(*(v for row in rows for v in row))

        def less(f: Sequence[int]) -> list[Form]:
            return [tuple((a - b) // common for a, b in zip(g, f, strict=True)) for g in rows if g is not f]

        first = min(
            (less(row) for row in rows), key=lambda forms: sum(map(bool, (v for f in forms for v in f)))
        )
        rest = sorted(first, key=lambda f: (*(not v for v in f), *f))
        return cls(((0,) * len(rows[0]), *rest))

    @cached_property
    def edges(self) -> dict[Form, tuple[Form, Form]]:
        """The hyperplanes on which two of the forms are equal."""
        return {
            primitive([a - b for a, b in zip(f, g, strict=True)]): (f, g)
            for f, g in combinations(self.forms, 2)
        }

    def translates(self) -> Iterator[Maximum]:
        """The same on inputs that lie so many places on or back in their order."""
        dim = len(self.forms[0]) - 1
        places = [i for f in self.forms for i, v in enumerate(f[:-1]) if v]
        low, high = min(places), max(places)
        for start in range(dim - (high - low)):
            if start != low:
                behind = (0,) * (dim - start - (high - low + 1))
                yield Maximum(tuple(((0,) * start + f[low : high + 1] + behind + f[-1:]) for f in self.forms))


def find_maxima(survey: Survey, kinks: Mapping[Form, Sequence[int]]) -> list[Maximum]:
    """The maxima whose hyperplanes are those of the kinks {form: kinks there}; two queries for each doubt.

    All kinks on their hyperplanes lie where two of the forms are greatest, and where the lines show no kink
    the greatest form changes rarely.
    """
    seen = [form for form, found in kinks.items() if len({survey.line[i] for i in found}) > 1]
    triples, forms = _dependent(seen), set(seen)
    candidates: list[tuple[Maximum, Evidence]] = []
    tried: set[Form] = set()
    for base in sorted(triples, key=lambda form: -len(triples[form])):
        if base not in tried:
            vertices = _vertices(base, triples, forms)
            for sign in (1, -1):
                maximum = Maximum.sparsest([tuple(sign * v for v in f) for f in vertices])
                evidence = _evidence(survey, maximum, kinks)
                if evidence is not None:
                    candidates.append(_extended(survey, maximum, evidence, kinks))
                    tried.update(candidates[-1][0].edges)
    maxima: list[Maximum] = []
    used: set[Form] = set()
    for candidate, _ in sorted(candidates, key=lambda found: (-len(found[0].forms), found[1].misses)):
        for maximum in (candidate, *candidate.translates()):
            edges = maximum.edges
            if len(edges.keys() & kinks.keys()) >= _TOLD and used.isdisjoint(edges):
                evidence = _evidence(survey, maximum, kinks)
                if evidence is not None and len(evidence.explained) >= 3 * evidence.misses:
                    maxima.append(maximum)
                    used.update(edges)
    return maxima


def _extended(
    survey: Survey, maximum: Maximum, evidence: Evidence, kinks: Mapping[Form, Sequence[int]]
) -> tuple[Maximum, Evidence]:
    """The maximum with all forms that two more hyperplanes tell, if it bends unseen no more often."""
    grown = True
    while grown:
        grown = False
        for vertex in _next_to(maximum, kinks):
            larger = Maximum.sparsest([*map(_rational, maximum.forms), vertex])
            found = _evidence(survey, larger, kinks)
            if found is not None and found.misses <= evidence.misses:
                maximum, evidence, grown = larger, found, True
                break
    return maximum, evidence


def _next_to(maximum: Maximum, kinks: Mapping[Form, Sequence[int]]) -> Iterator[_Affine]:
    """What may be a form more: two kinks' hyperplanes make a triangle with one of the maximum's."""
    edges = maximum.edges
    others = {form: _shadow(form) for form in kinks if form not in edges}
    for edge, (f, g) in edges.items():
        planes: dict[tuple[int, ...], list[Form]] = {}
        base = _shadow(edge)
        for form, shadow in others.items():
            planes.setdefault(_plane(base, shadow), []).append(form)
        for forms in planes.values():
            for q, r in combinations(forms, 2):
                yield from _ways(_rational(f), _rational(g), q, r)


@cache
def _shadow(form: Form) -> tuple[int, int, int]:
    """A projection to three dimensions modulo the prime; that proposes."""
    a, b, c = (sum(v * pow(base, k, PRIME) for k, v in enumerate(form, start=1)) % PRIME for base in _BASES)
    return a, b, c


def _plane(p: Sequence[int], q: Sequence[int]) -> tuple[int, ...]:
    """What all pairs of shadows that span one plane share."""
    (a, b, c), (d, e, f) = p, q
    minors = (b * f - c * e) % PRIME, (c * d - a * f) % PRIME, (a * e - b * d) % PRIME
    inverse = pow(next((v for v in minors if v), 1), -1, PRIME)
    return tuple(v * inverse % PRIME for v in minors)


def _dependent(forms: Sequence[Form]) -> dict[Form, list[tuple[Form, Form]]]:
    """For every form the pairs of others that it is a combination of, exact."""
    shadows = [_shadow(form) for form in forms]
    planes: dict[tuple[int, ...], set[int]] = {}
    for i, j in combinations(range(len(forms)), 2):
        planes.setdefault(_plane(shadows[i], shadows[j]), set()).update((i, j))
    triples: dict[Form, list[tuple[Form, Form]]] = {}
    for members in planes.values():
        if len(members) == 3:
            p, q, r = (forms[i] for i in sorted(members))
            if _combination(p, q, r) is not None:
                for a, b, c in ((p, q, r), (q, p, r), (r, p, q)):
                    triples.setdefault(a, []).append((b, c))
    return triples


def _combination(p: Form, q: Form, r: Form) -> tuple[Fraction, Fraction] | None:
    """(b, c) with p = b q + c r, exact; None where there are none but zero."""
    found = solve(Matrix.from_rows(list(zip(q, r, strict=True))), Matrix.column(p))
    if found is None:
        return None
    b, c = (Fraction(int(v), found.den) for v in found.num.entries())
    return (b, c) if b and c else None


def _ways(f: _Affine, g: _Affine, q: Form, r: Form) -> list[_Affine]:
    """The h of which q and r are the hyperplanes where it equals f and g, or g and f, if there are any."""
    edge = _edge(f, g)
    weights = _combination(edge, q, r)
    if weights is None:
        return []
    # g - f = t edge = t b q + t c r: h - f is one of these terms, and then g - h the other.
    t = next(v / w for v, w in zip(_difference(g, f), edge, strict=True) if w)
    return [
        tuple(a + t * w * v for a, v in zip(f, form, strict=True))
        for w, form in zip(weights, (q, r), strict=True)
    ]


def _vertices(base: Form, triples: _Triples, forms: set[Form]) -> list[_Affine]:
    """f_1 = 0, f_2 = base and all f that triangles of hyperplanes join to them, up to a common sign."""
    vertices: list[_Affine] = [tuple(Fraction(0) for _ in base), tuple(Fraction(v) for v in base)]
    pairs, edges = [(0, 1)], {base}
    for i, j in pairs:  # and those that join on the way
        for q, r in triples.get(_edge(vertices[i], vertices[j]), ()):
            if q in edges and r in edges:
                continue
            ways = _ways(vertices[i], vertices[j], q, r)
            others = [f for k, f in enumerate(vertices) if k not in (i, j)]
            counts = [sum(_edge(f, way) in forms for f in others) for way in ways]
            if not others or counts[0] != counts[1]:
                vertices.append(ways[counts[1] > counts[0]])
                edges.update(_edge(f, vertices[-1]) for f in vertices[:-1])
                pairs += [(k, len(vertices) - 1) for k in range(len(vertices) - 1)]
    return vertices


def _evidence(survey: Survey, maximum: Maximum, kinks: Mapping[Form, Sequence[int]]) -> Evidence | None:
    """Where the greatest form changes on the lines; None where a kink lies where another form is greater."""
    places = [(f, i) for edge, (f, _) in maximum.edges.items() for i in kinks.get(edge, ())]
    if not any(survey.kinks[i].confirmed for _, i in places):
        return None
    points = fmpz_mat([list(survey.kinks[i].homogeneous) for _, i in places]).transpose()
    values = (fmpz_mat([list(f) for f in maximum.forms]) * points).transpose().tolist()
    order = {f: k for k, f in enumerate(maximum.forms)}
    against = [i for (f, i), row in zip(places, values, strict=True) if max(row) > row[order[f]]]
    if any(survey.kinks[i].confirmed for i in against) or any(map(survey.confirms, against[:_DOUBTED])):
        return None
    return survey.evidence_of_choice(maximum.forms)


def _rational(form: Form) -> _Affine:
    return tuple(map(Fraction, form))


def _difference(f: _Affine, g: _Affine) -> _Affine:
    return tuple(a - b for a, b in zip(f, g, strict=True))


def _edge(f: _Affine, g: _Affine) -> Form:
    difference = _difference(f, g)
    den = lcm(*(v.denominator for v in difference))
    return primitive([int(v * den) for v in difference])
