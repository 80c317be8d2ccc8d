"""VNN-LIB queries about networks, decided by questions of equivalence; over the reals, exactly.

The formula is split into cases, each a conjunction. Conditions on inputs alone become the domain, and
equations between inputs are solved, so that networks on the same inputs share them. Two strict conditions
that say |h| > q together, h of one network's outputs less another's, ask whether these agree within q.
For any other case there is a network that is positive where the case holds, and the question is whether

    relu(min(strict conditions..., 1) - N * sum of relu(-weak condition)) = 0 on the domain

which for any N >= 0 proves that no point satisfies the case. A point where it is positive satisfies it, or
shows an activation cell in which an LP decides; if that has no solution, N is too small there. Each
cell has a sufficient N (an exact penalty) and cells are finitely many, so this ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction

from exactre.certify.certificate import Certificate
from exactre.certify.checking import check
from exactre.certify.equivalence import Verdict, certify_equivalence
from exactre.certify.joint import Assignment, Joint, Space
from exactre.certify.property import cases_of, domain_of, holds
from exactre.certify.question import Domain
from exactre.errors import EmptyDomain, UnsupportedQuery
from exactre.formats.affine import Builder, Rows
from exactre.formats.vnnlib_file import CONSTANT, Condition, Form, Query, Variable
from exactre.lp import Point, feasible
from exactre.network import Network
from exactre.rational import Matrix
from exactre.region import region

PENALTY_BITS = 8  # that N gains each time that it was too small


@dataclass(frozen=True)
class Answer:
    """What is established about a query: `status` is "sat", "unsat", "unknown" or "timed-out".

    The `assignment` of sat was put into the formula itself, exactly. `proofs` of unsat are certificates, each
    with the two networks that it is about; the checker accepted all. `reason` says why there is neither.
    """

    status: str
    assignment: Assignment | None = None
    reason: str = ""
    proofs: tuple[tuple[Certificate, Network, Network], ...] = ()


def decide(query: Query, networks: Mapping[str, Network], *, timeout: float | None = None) -> Answer:
    """Decide a VNN-LIB 2.0 query about `networks`, given by declared name; exact, over the reals.

    `timeout` is in seconds. Raises FormatError or ShapeError when the networks are not those declared or an
    element type is not `real`.
    """
    deadline = None if timeout is None else time.time() + timeout
    joint = Joint.of(query, networks)
    try:
        common, cases = cases_of(query.formula)
    except UnsupportedQuery as error:
        return Answer("unknown", reason=str(error))
    questions = _questions(joint, common, cases)
    answers: list[Answer] = []
    for k, question in enumerate(questions):
        share = None
        if deadline is not None:
            # An equal share of what is left, so that a hard question does not starve an easy one.
            share = max(deadline - time.time(), 0.001) / (len(questions) - k)
        answers.append(question.decide(share))
        if answers[-1].status == "sat":
            return answers[-1]
    left = [answer for answer in answers if answer.status != "unsat"]
    if left:
        return left[0]
    return Answer("unsat", proofs=tuple(proof for answer in answers for proof in answer.proofs))


@dataclass(frozen=True)
class _Case:
    """A conjunction: strict forms > 0 and weak forms >= 0, in free inputs and outputs."""

    strict: tuple[Form, ...]
    weak: tuple[Form, ...]


@dataclass(frozen=True)
class _Question:
    """What is asked on a domain (None: everywhere) of the free inputs, under the deadline of one call."""

    space: Space
    domain: Domain | None

    def ask(self, a: Network, b: Network, tolerance: Fraction, timeout: float | None) -> Answer | Verdict:
        """Unsat, checked, where a and b agree; open; or the verdict that they differ."""
        try:
            verdict = certify_equivalence(a, b, domain=self.domain, tolerance=tolerance, timeout=timeout)
        except EmptyDomain:
            return Answer("unsat")
        if verdict.status == "undecided":
            return Answer("timed-out", reason=verdict.reason)
        if verdict.status == "different":
            return verdict
        assert verdict.certificate is not None
        check(verdict.certificate, a, b)
        return Answer("unsat", proofs=((verdict.certificate, a, b),))

    def satisfied(self, point: Sequence[Fraction]) -> Answer | None:
        """Sat, when the formula as it was read holds at a point (free inputs)."""
        values = self.space.assignment(point)
        return Answer("sat", values) if holds(self.space.joint.query.formula, values) else None


@dataclass(frozen=True)
class _Distance(_Question):
    """Is |form| > q somewhere for one of the forms? Each begins with an output of some network."""

    forms: tuple[Form, ...]
    q: Fraction

    def decide(self, timeout: float | None) -> Answer:
        """By two networks, of the first output's network and of all others, that agree within q or not."""
        outputs = {name for name, _ in self.space.joint.outputs}
        left, right = [], []
        for form in self.forms:
            others = outputs - {_first_output(self.space.joint, form)[0]}
            left.append({key: v for key, v in form.items() if key[0] not in others})
            right.append({key: -v for key, v in form.items() if key[0] in others})
        answer = self.ask(self.space.network(left), self.space.network(right), self.q, timeout)
        if isinstance(answer, Verdict):
            assert answer.witness is not None
            satisfied = self.satisfied(answer.witness.input)
            assert satisfied is not None  # each form is a case by itself
            return satisfied
        return answer


@dataclass(frozen=True)
class _Positive(_Question):
    """Does a case hold somewhere?"""

    case: _Case

    def decide(self, timeout: float | None) -> Answer:
        """By relu(psi) = 0, with a greater N as long as it is too small."""
        if not self.space.free:
            return self.satisfied(()) or Answer("unsat")
        deadline = None if timeout is None else time.time() + timeout
        zero = Builder(len(self.space.free)).network(Rows({}, Matrix.column([0])))
        penalty = 1
        while True:
            rest = None if deadline is None else max(deadline - time.time(), 0.001)
            answer = self.ask(self._positive_part(penalty), zero, Fraction(0), rest)
            if not isinstance(answer, Verdict):
                return answer
            assert answer.witness is not None
            point = answer.witness.input
            satisfied = self.satisfied(point) or self._in_cell(point)
            if satisfied is not None:
                return satisfied
            if deadline is not None and time.time() > deadline:
                return Answer("timed-out", reason=f"out of time with the penalty {penalty}")
            penalty <<= PENALTY_BITS

    def _positive_part(self, penalty: int) -> Network:
        """relu(psi)."""
        builder = Builder(len(self.space.free))
        strict = [self.space.rows(builder, [form]) for form in self.case.strict]
        if self.case.weak or not strict:
            strict.append(Rows({}, Matrix.column([1])))
        psi = strict[0]
        for rows in strict[1:]:
            psi = psi + builder.relu(psi + _times(rows, -1)).apply(Matrix.column([-1]))
        if self.case.weak:
            missing = builder.relu(_times(self.space.rows(builder, self.case.weak), -1))
            psi = psi + missing.apply(Matrix.from_rows([[-penalty] * missing.count]))
        return builder.network(builder.relu(psi))

    def _in_cell(self, point: Sequence[Fraction]) -> Answer | None:
        """Sat, when the case holds somewhere in the closed cell of the outputs' networks around a point."""
        forms = [*self.case.strict, *self.case.weak]
        net = self.space.network(forms)
        signs = {name: [sign or 1 for sign in row] for name, row in net.pattern(point).items()}
        cell = region(net, signs)
        rows, bounds = cell.A.rows(), [v for (v,) in cell.b.rows()]
        for row, bound in self.domain.rows if self.domain is not None else ():
            entries = dict(row)
            rows.append([entries.get(j, Fraction(0)) for j in range(net.input_dim)])
            bounds.append(bound)
        first = len(rows)
        rows += [[-v for v in row] for row in cell.output.weight.rows()]
        bounds += [v for (v,) in cell.output.bias.rows()]
        answer = feasible(rows, bounds, strict=range(first, first + len(self.case.strict)))
        return self.satisfied(answer.x) if isinstance(answer, Point) else None


def _questions(
    joint: Joint, common: Sequence[Condition], cases: Sequence[Sequence[Condition]]
) -> list[_Distance | _Positive]:
    """All questions of a query; cases that contradict themselves in their constants are gone."""
    inputs = {*joint.inputs, CONSTANT}
    settled: dict[object, tuple[Space, _Parts] | None] = {}
    groups: dict[object, tuple[Space, Domain | None, list[_Case]]] = {}
    for case in cases:
        # What all cases share is rewritten once for each set of equations, not for each case.
        equations = _equations(case, inputs)
        key = frozenset(frozenset(form.items()) for form in equations)
        if key not in settled:
            space = Space.of(joint, [*_equations(common, inputs), *equations])
            shared = None if space is None else _sorted_out(space, common)
            settled[key] = None if space is None or shared is None else (space, shared)
        known = settled[key]
        own = None if known is None else _sorted_out(known[0], case)
        if known is None or own is None:
            continue
        space, shared = known
        bounds = [*shared.bounds, *own.bounds]
        name = key, frozenset(frozenset(form.items()) for form in own.bounds)
        if name not in groups:
            groups[name] = space, domain_of(bounds, space.free) if bounds else None, []
        groups[name][2].append(_Case((*shared.strict, *own.strict), (*shared.weak, *own.weak)))
    return [question for group in groups.values() for question in _asked(*group)]


def _equations(conditions: Iterable[Condition], inputs: Set[Variable]) -> list[Form]:
    return [c.form for c in conditions if c.relation == "==" and c.form.keys() <= inputs]


@dataclass(frozen=True)
class _Parts:
    """Conditions in a space: `bounds` are the weak ones on free inputs alone, `weak` the others."""

    bounds: list[Form]
    strict: list[Form]
    weak: list[Form]


def _sorted_out(space: Space, conditions: Iterable[Condition]) -> _Parts | None:
    """The conditions in a space; None when a constant one is false."""
    parts = _Parts([], [], [])
    known = {*space.free, CONSTANT}
    for condition in conditions:
        form = space.rewrite(condition.form)
        signs = (1, -1) if condition.relation == "==" else (1,)
        if form.keys() <= {CONSTANT}:
            value = form.get(CONSTANT, Fraction(0))
            if not (value > 0 or (value == 0 and condition.relation != ">")) or (value and len(signs) == 2):
                return None
            continue
        kept = parts.bounds if form.keys() <= known else parts.weak
        kept = parts.strict if condition.relation == ">" else kept
        kept += [{key: sign * v for key, v in form.items()} for sign in signs]
    return parts


def _asked(space: Space, domain: Domain | None, cases: Sequence[_Case]) -> Iterator[_Distance | _Positive]:
    """Pairs of cases that say |h| > q, all of one q together, and each other case by itself."""
    alone: dict[frozenset[tuple[Variable, Fraction]], list[Form]] = {}
    pairs: dict[Fraction, list[Form]] = {}
    outputs = {key: k for k, key in enumerate(space.joint.outputs)}
    for case in cases:
        form = case.strict[0] if len(case.strict) == 1 and not case.weak else {}
        if not form.keys() & outputs.keys() or not space.free:
            yield _Positive(space, domain, case)
            continue
        opposite = frozenset((key, -v) for key, v in form.items() if key != CONSTANT)
        twins = alone.get(opposite, [])
        q = (
            -(twins[-1].get(CONSTANT, Fraction(0)) + form.get(CONSTANT, Fraction(0))) / 2
            if twins
            else Fraction(-1)
        )
        if q < 0:
            alone.setdefault(frozenset((key, v) for key, v in form.items() if key != CONSTANT), []).append(
                form
            )
            continue
        twin = twins.pop()
        upper = form if form[_first_output(space.joint, form)] > 0 else twin
        centred = {**upper, CONSTANT: upper.get(CONSTANT, Fraction(0)) + q}
        pairs.setdefault(q, []).append({key: v for key, v in centred.items() if v})
    for q, forms in pairs.items():
        in_order = sorted(forms, key=lambda form: outputs[_first_output(space.joint, form)])
        yield _Distance(space, domain, tuple(in_order), q)
    for forms in alone.values():
        yield from (_Positive(space, domain, _Case((form,), ())) for form in forms)


def _first_output(joint: Joint, form: Form) -> Variable:
    return next(key for key in joint.outputs if key in form)


def _times(rows: Rows, factor: int) -> Rows:
    return rows.scale(Matrix.column([factor] * rows.count))
