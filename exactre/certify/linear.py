"""`Bounds`: linear bounds of expressions on a domain, each with the facts that derive it; no cases, no LPs.

An expression is bounded by putting linear bounds in place of its neurons, deepest layer first, until only
inputs are left. Every neuron gets such a bound from above, the chord over its interval, and so does what one
of two paired neurons has over the other. A number of steps linear in the neurons is enough.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactre.certify.question import Domain
from exactre.check import ONE, ZERO, Derivation, Step, Terms, Vector, coefficient, combine, scale
from exactre.lp import Optimum, maximise

ROUND_BITS = 40  # longer constants are rounded up to this many significant bits, so that they do not grow
SLOPE_BITS = 10  # of a chord: any slope from 0 to 1 gives a bound

Fact = tuple[str, int]  # kind, index


@dataclass(frozen=True)
class Bound:
    """An upper bound of an expression t, with the facts and multipliers that derive value - t >= 0."""

    value: Fraction
    facts: dict[Fact, Fraction]

    def scaled(self, m: Fraction) -> Bound:
        """The bound of m t, m >= 0."""
        return Bound(m * self.value, {fact: m * v for fact, v in self.facts.items()})

    def derivation(self, limit: Fraction) -> Terms:
        """The terms that derive limit - t >= 0, where limit >= value."""
        terms = [(kind, i, m.as_integer_ratio()) for (kind, i), m in self.facts.items() if m]
        rest = limit - self.value
        return [*terms, ("one", 0, rest.as_integer_ratio())] if rest else terms


class Bounds:
    """Bounds over atoms e_k, to which more may be added, and the `bound` steps that they need.

    Learnt when it is asked for: `above[k]` is the number of the fact t - r_k and its t, over inputs and
    shallower atoms; `apart[j, k]` is one whose t has s r_k too. `below[k]` is the fact, relu or gap, that
    bounds r_k from below.
    """

    def __init__(self, domain: Domain, atoms: Sequence[Vector], deadline: float | None) -> None:
        self.atoms = atoms
        self.deadline = deadline
        self.steps: list[Step] = []
        self.above: dict[int, tuple[int, Vector]] = {}
        self.apart: dict[tuple[int, int], tuple[int, Vector]] = {}
        self.below: dict[int, str] = {}
        self.pairs: Mapping[int, tuple[int, Fraction]] = {}
        self.first = 1 + domain.input_dim
        self.sides = Sides(domain)
        self._depths: dict[int, int] = {}

    def depth(self, k: int) -> int:
        """One more than that of the deepest atom in e_k."""
        if k not in self._depths:
            deeper = (self.depth(basis - self.first) for basis in self.atoms[k][2] if basis >= self.first)
            self._depths[k] = 1 + max(deeper, default=0)
        return self._depths[k]

    def learn(self, j: int) -> bool:
        """Bound an atom; False when the domain does not or it is too late."""
        if j in self.above:
            return True
        if self.deadline is not None and time.time() > self.deadline:
            return False
        e = self.atoms[j]
        found = self._interval(e)
        if found is None:
            return False
        high, low = found
        self.above[j] = self._learn(j, e, high, low, ("e", j, (1, 1)))
        self.below[j] = "gap" if high.value > low.value else "relu"
        return True

    def learn_pair(self, j: int, k: int, s: Fraction) -> bool:
        """Bound r_j - s r_k and r_k - r_j / s; False when the domain does not."""
        p, q = s.as_integer_ratio()
        apart = combine([(1, 1, self.atoms[j]), (-p, q, self.atoms[k])])
        found = self._interval(apart)
        if found is None:
            return False
        high, low = found
        parts = ("e", j, (1, 1)), ("e", k, (-p, q))
        self.apart[j, k] = self._learn(j, apart, high, low, *parts, other=(k, s))
        high, low = low.scaled(1 / s), high.scaled(1 / s)
        parts = ("e", k, (1, 1)), ("e", j, (-q, p))
        self.apart[k, j] = self._learn(k, scale(-q, p, apart), high, low, *parts, other=(j, 1 / s))
        return True

    def _interval(self, t: Vector) -> tuple[Bound, Bound] | None:
        high, low = self.upper(t), self.upper(scale(-1, 1, t))
        return None if high is None or low is None else (high, low)

    def _learn(
        self,
        j: int,
        excess: Vector,
        high: Bound,
        low: Bound,
        *parts: tuple[str, int, tuple[int, int]],
        other: tuple[int, Fraction] | None = None,
    ) -> tuple[int, Vector]:
        """The step for r_j <= slope * excess + c, or of two neurons s r_k more; its number and right side.

        excess is e_j, or e_j - s e_k, from -low to high. max(excess, 0) is at most its chord.
        """
        least, most = -low.value, high.value
        slope = Fraction(round(_chord_slope(least, most) * 2**SLOPE_BITS), 2**SLOPE_BITS)
        c = rounded_up(max((1 - slope) * most, -slope * least))
        above_e = list(high.scaled(1 - slope).derivation(c))
        above_zero = list(low.scaled(slope).derivation(c))
        terms = [(part, k, (slope * Fraction(*v)).as_integer_ratio()) for part, k, v in parts if slope]
        terms += [("one", 0, c.as_integer_ratio())] if c else []
        t = [(*slope.as_integer_ratio(), excess), (*c.as_integer_ratio(), ONE)]
        if other is not None:
            k, s = other[0], other[1].as_integer_ratio()
            terms.append(("atom", k, s))
            above_e.append(("gap", k, s))
            above_zero.append(("relu", k, s))
            t.append((*s, self._unit(k)))
        derivations = [Derivation(above_e), Derivation(above_zero)]
        self.steps.append(Step("bound", j, derivations=derivations, terms=terms))
        return len(self.steps) - 1, combine(t)

    def _unit(self, k: int) -> Vector:
        return 1, 1, {self.first + k: 1}

    def upper(self, t: Vector) -> Bound | None:
        """An upper bound of an expression, None when the domain gives none."""
        facts: dict[Fact, Fraction] = defaultdict(Fraction)
        while atoms := sorted(basis - self.first for basis in t[2] if basis >= self.first):
            deepest = max(self.depth(k) for k in atoms)
            left = {k: Fraction(*coefficient(t, self.first + k)) for k in atoms if self.depth(k) == deepest}
            change = [(1, 1, t)]
            if not all(self.learn(k) for k in left):
                return None
            for k, m, fact, value in self._replacements(left):
                change += [(*(-m).as_integer_ratio(), self._unit(k)), (*m.as_integer_ratio(), value)]
                facts[fact] += abs(m)
            t = combine(change)
        return self._at_inputs(t, facts)

    def _replacements(self, left: dict[int, Fraction]) -> Iterator[tuple[int, Fraction, Fact, Vector]]:
        """What to put m times in place of m r_k, and the fact for it, until no coefficient is left."""
        # 1. What one of two paired neurons has over the other, as far as their coefficients are opposite.
        for j in [j for j in left if j in self.pairs and self.pairs[j][0] in left]:
            k, s = self.pairs[j]
            for one, two, factor in ((j, k, s), (k, j, 1 / s)):
                m = min(left[one], -left[two] / factor)
                if m > 0:
                    number, value = self.apart[one, two]
                    yield one, m, ("bound", number), value
                    left[one] -= m
                    left[two] += m * factor
        # 2. What is left: each neuron by itself.
        for k, m in left.items():
            if m > 0:
                number, value = self.above[k]
                yield k, m, ("bound", number), value
            elif m < 0:
                kind = self.below[k]
                yield k, m, (kind, k), self.atoms[k] if kind == "gap" else ZERO

    def _at_inputs(self, t: Vector, facts: dict[Fact, Fraction]) -> Bound | None:
        """The bound of an expression in x alone, its facts added to those given."""
        value = Fraction(*coefficient(t, 0))
        for basis in t[2]:
            v = Fraction(*coefficient(t, basis))
            side = self.sides.bound(basis - 1, v > 0) if basis else None
            if side is not None:
                value += abs(v) * side.value
                for fact, m in side.facts.items():
                    facts[fact] += abs(v) * m
            elif basis:
                return None
        return Bound(value, dict(facts))


class Sides:
    """Bounds of single inputs on a domain: by its rows of one coordinate, else by an LP."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.found: dict[tuple[int, bool], Bound | None] = {}
        for i, (row, limit) in enumerate(domain.rows):
            if len(row) == 1:
                j, v = row[0]
                known = self.found.get((j, v > 0))
                if known is None or limit / abs(v) < known.value:
                    self.found[j, v > 0] = Bound(limit / abs(v), {("domain", i): 1 / abs(v)})

    def bound(self, j: int, up: bool) -> Bound | None:
        """The upper bound of x_j, or with `up` False of -x_j; None when there is none."""
        if (j, up) not in self.found:
            self.found[j, up] = self._by_lp(j, up)
        return self.found[j, up]

    def _by_lp(self, j: int, up: bool) -> Bound | None:
        A = [[Fraction(0)] * self.domain.input_dim for _ in self.domain.rows]
        for i, (row, _) in enumerate(self.domain.rows):
            for k, v in row:
                A[i][k] = v
        cost = [Fraction((1 if up else -1) * (k == j)) for k in range(self.domain.input_dim)]
        answer = maximise(cost, A, [limit for _, limit in self.domain.rows])
        if not isinstance(answer, Optimum):
            return None
        return Bound(answer.value, {("domain", i): m for i, m in answer.multipliers.items()})


def _chord_slope(least: Fraction, most: Fraction) -> Fraction:
    """The slope of the chord of max(z, 0) for z from least to most."""
    return Fraction(most > 0) if most <= 0 or least >= 0 else most / (most - least)


def rounded_up(value: Fraction) -> Fraction:
    """The value, or where that is long a short one that is at least as great."""
    if value.numerator.bit_length() + value.denominator.bit_length() <= 2 * ROUND_BITS:
        return value
    shift = ROUND_BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    unit = Fraction(2) ** -shift
    return -(-value // unit) * unit
