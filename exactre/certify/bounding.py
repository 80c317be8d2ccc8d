"""Tolerance without cases: bounds on neurons and on the differences of paired neurons, layer by layer.

In exact interval arithmetic every preactivation, and every difference of the preactivations of two paired
neurons, gets a bound from the facts of the layers before, and `bound` steps carry it across the ReLU. Two
networks whose weights are nearly the same are proved nearly the same in time linear in the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from exactre.certify.matching import Matching
from exactre.certify.pairing import nearly_equal
from exactre.certify.question import Question, decision
from exactre.certify.sampling import Sampler
from exactre.check import Derivation, Step, Terms, TreeNode, Vector, coefficient, combine, scale

ROUND_BITS = 40  # longer bounds are rounded up to this many significant bits, so that they do not grow

Form = dict[int, Fraction]  # basis index -> coefficient
Bound = tuple[Fraction, list[tuple[str, int, Fraction]]]  # value, and the facts that derive value - t >= 0


def bounded(question: Question, matching: Matching) -> tuple[tuple[Step, ...], TreeNode] | None:
    """`bound` steps and the leaf that they suffice for, None when they do not; exact.

    The domain must be bounded by its rows of one coordinate.
    """
    bounds = _Bounds(question, matching)
    partners = nearly_equal(question.b, matching)
    for k in range(len(matching.atoms)):
        if not bounds.learn(k):
            return None
        if k in partners:
            j, s = partners[k]
            bounds.learn(k, (j, s))
            bounds.learn(j, (k, 1 / s))
    leaf = bounds.one_decision() if question.same_argmax else bounds.near()
    return None if leaf is None else (tuple(bounds.steps), leaf)


@dataclass
class _Bounds:
    """The bounds learnt so far: by atom j, or pair (j, k), the `bound` fact's number, constant, factor."""

    question: Question
    matching: Matching
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.above: dict[int, tuple[int, Fraction]] = {}
        self.apart: dict[int, dict[int, tuple[int, Fraction, Fraction]]] = {}
        self.sides: dict[tuple[int, bool], tuple[int, Fraction, Fraction]] = {}
        assert self.question.domain is not None
        for i, (row, bound) in enumerate(self.question.domain.rows):
            if len(row) == 1:
                j, v = row[0]
                known = self.sides.get((j, v > 0))
                if known is None or (bound / v < known[2] / known[1]) == (v > 0):
                    self.sides[j, v > 0] = i, v, bound

    def learn(self, j: int, below: tuple[int, Fraction] | None = None) -> bool:
        """Bound r_j, or r_j - s r_k for (k, s), from above by a new step; False when the domain does not."""
        e = self.matching.atoms
        terms = [(1, 1, e[j])]
        if below is not None:
            terms.append((-below[1].numerator, below[1].denominator, e[below[0]]))
        bound = self.upper(_form(combine(terms)))
        if bound is None:
            return False
        c, number = _rounded_up(max(bound[0], Fraction(0))), len(self.steps)
        above_e, above_zero = (
            list(_derivation(bound, c).terms),
            [("one", 0, c.as_integer_ratio())] if c else [],
        )
        t = list(above_zero)
        if below is None:
            self.above[j] = number, c
        else:
            k, s = below
            t.append(("atom", k, s.as_integer_ratio()))
            above_e.append(("gap", k, s.as_integer_ratio()))
            above_zero.append(("relu", k, s.as_integer_ratio()))
            self.apart.setdefault(j, {})[k] = number, c, s
        self.steps.append(
            Step("bound", j, derivations=[Derivation(above_e), Derivation(above_zero)], terms=t)
        )
        return True

    def near(self) -> TreeNode | None:
        """The leaf for differences within the tolerance, None when the bounds do not show it."""
        pairs: list[tuple[Derivation, Derivation] | None] = []
        for d in self.matching.differences:
            both = []
            for sign in (1, -1):
                bound = self.upper(_form(scale(sign, 1, d)))
                if bound is None or bound[0] > self.question.tolerance:
                    return None
                both.append(_derivation(bound, self.question.tolerance))
            pairs.append((both[0], both[1]))
        return TreeNode("bounded", bounds=pairs)

    def one_decision(self) -> TreeNode | None:
        """The leaf for one and the same decision on the whole domain, None when the bounds do not show it."""
        domain = Sampler(self.question.domain, self.question.a.input_dim)
        best = decision(self.question.a(domain.anchor))
        entries: list[Derivation | list[Derivation]] = []
        others = [k for k in range(self.question.a.output_dim) if k != best]
        never = {(kind, k): self._below(kind, k, best) for kind in ("a", "b") for k in others}
        found = {place: exclusion for place, exclusion in never.items() if exclusion is not None}
        if len(found) < len(never):
            return None
        for i in range(self.question.a.output_dim):
            entries.append([found["b", j] for j in others] if i == best else found["a", i])
        return TreeNode("decided", exclusions=entries)

    def _below(self, kind: str, k: int, best: int) -> Derivation | None:
        """The exclusion of decision k by output k being below output `best`, None when no bound shows it."""
        outputs = self.matching.outputs[kind == "b"]
        bound = self.upper(_form(combine([(1, 1, outputs[k]), (-1, 1, outputs[best])])))
        if bound is None or bound[0] > 0 or (bound[0] == 0 and k < best):
            return None
        return Derivation([(kind, best, (1, 1)), *_derivation(bound, Fraction(0)).terms])

    def upper(self, t: Form) -> Bound | None:
        """An upper bound of an expression with the facts that give it, None when the domain gives none."""
        value, facts, first = t.pop(0, Fraction(0)), [], 1 + self.question.a.input_dim
        # 1. Differences of paired neurons, as far as their coefficients are opposite.
        for basis in list(t):
            for k, (number, c, s) in self.apart.get(basis - first, {}).items():
                m = min(t[basis], -t.get(first + k, Fraction(0)) / s)
                if m > 0:
                    t[basis] -= m
                    t[first + k] += m * s
                    value += m * c
                    facts.append(("bound", number, m))
        # 2. What is left: each neuron by itself, each input by the domain.
        for basis, v in t.items():
            if basis >= first and v < 0:
                facts.append(("relu", basis - first, -v))
            elif basis >= first and v > 0:
                number, c = self.above[basis - first]
                value += v * c
                facts.append(("bound", number, v))
            elif v:
                side = self.sides.get((basis - 1, v > 0))
                if side is None:
                    return None
                i, a, bound = side
                value += v / a * bound
                facts.append(("domain", i, v / a))
        return value, facts


def _form(t: Vector) -> Form:
    return {basis: Fraction(*coefficient(t, basis)) for basis in t[2]}


def _derivation(bound: Bound, limit: Fraction) -> Derivation:
    """The derivation of limit - t >= 0 from that of a smaller bound."""
    value, facts = bound
    terms: Terms = [(kind, i, m.as_integer_ratio()) for kind, i, m in facts]
    rest = limit - value
    return Derivation([*terms, ("one", 0, rest.as_integer_ratio())] if rest else terms)


def _rounded_up(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() <= 2 * ROUND_BITS:
        return value
    shift = ROUND_BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    unit = Fraction(2) ** -shift
    return -(-value // unit) * unit
