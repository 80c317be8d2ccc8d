"""VNN-LIB formulas taken apart: the domain that a property states, the cases of a query, and its truth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from exactre.certify.question import Domain
from exactre.errors import FormatError, UnsupportedQuery
from exactre.formats.vnnlib_file import CONSTANT, Condition, Form, Formula, Query, Variable, read

MAX_CASES = 1000  # of a disjunctive normal form


def property_domain(path: str | os.PathLike[str]) -> Domain:
    """The domain that the input part of a VNN-LIB property (1.0, or 2.0 about one network) states; exact.

    What is asserted of outputs alone is left out. Raises FormatError when the input part is no closed
    polyhedron, or is mixed with the outputs.
    """
    query = read(path)
    try:
        return _input_part(query)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def cases_of(formula: Formula) -> tuple[list[Condition], list[list[Condition]]]:
    """The disjunctive normal form: the conditions of every case, and what each case adds to them.

    `!=` becomes two strict inequalities. Raises UnsupportedQuery beyond MAX_CASES cases.
    """
    common: list[Condition] = []
    cases: list[list[Condition]] = [[]]
    for part in _conjuncts(formula):
        alternatives = _alternatives(part)
        if len(alternatives) == 1:
            common += alternatives[0]
        else:
            cases = [[*left, *right] for left in cases for right in alternatives]
            _check_count(cases)
    return common, cases


def _alternatives(part: Formula) -> list[list[Condition]]:
    """The cases of a conjunct."""
    if isinstance(part, Condition):
        if part.relation != "!=":
            return [[part]]
        opposite = {key: -v for key, v in part.form.items()}
        return [[Condition(form, ">", part.line)] for form in (part.form, opposite)]
    found = []
    for option in part.parts:
        common, cases = cases_of(option)
        found += [[*common, *case] for case in cases]
        _check_count(found)
    return found


def holds(formula: Formula, values: Mapping[str, Sequence[Fraction]]) -> bool:
    """The truth of a formula at the tensors' exact values, straight from what was read."""
    if isinstance(formula, Condition):
        value = form_value(formula.form, values)
        match formula.relation:
            case ">":
                return value > 0
            case ">=":
                return value >= 0
            case "==":
                return value == 0
        return value != 0
    parts = (holds(part, values) for part in formula.parts)
    return all(parts) if formula.word == "and" else any(parts)


def form_value(form: Form, values: Mapping[str, Sequence[Fraction]]) -> Fraction:
    """The value of a linear form at the tensors' values."""
    terms = (v if key == CONSTANT else v * values[key[0]][key[1]] for key, v in form.items())
    return sum(terms, Fraction(0))


def _check_count(cases: Sequence[object]) -> None:
    if len(cases) > MAX_CASES:
        raise UnsupportedQuery(f"expected at most {MAX_CASES} cases of `or` and `!=`, found more")


def _input_part(query: Query) -> Domain:
    if len(query.networks) != 1:
        raise FormatError("expected a property of one network, found several: `exactre vnnlib` decides those")
    x = query.networks[0].input
    rows = []
    for part in _conjuncts(query.formula):
        names = {name for name, _ in _variables(part)}
        if names and x.name not in names:
            continue
        if len(names) > 1 or not isinstance(part, Condition):
            line = next(_conditions(part)).line
            raise FormatError(
                f"line {line}: expected the inputs' bounds by themselves and joined by `and` alone"
            )
        if part.relation not in (">=", "=="):
            raise FormatError(
                f"line {part.line}: expected <=, >= or an equation of the inputs, found {part.relation}"
            )
        for sign in (1, -1) if part.relation == "==" else (1,):
            rows.append({key: sign * v for key, v in part.form.items()})
    if not rows:
        raise FormatError(f"expected conditions on the inputs {x.name}, found none")
    return domain_of(rows, [(x.name, j) for j in range(x.size)])


def domain_of(forms: Iterable[Form], columns: Sequence[Variable]) -> Domain:
    """The domain `form >= 0` for every form, in the coordinates `columns`."""
    place = {key: j for j, key in enumerate(columns)}
    rows = []
    for form in forms:
        row = tuple(sorted((place[key], -v) for key, v in form.items() if key != CONSTANT))
        rows.append((row, form.get(CONSTANT, Fraction(0))))
    return Domain(len(columns), tuple(rows))


def _conjuncts(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, Condition) or formula.word == "or":
        yield formula
    else:
        for part in formula.parts:
            yield from _conjuncts(part)


def _conditions(formula: Formula) -> Iterator[Condition]:
    if isinstance(formula, Condition):
        yield formula
    else:
        for part in formula.parts:
            yield from _conditions(part)


def _variables(formula: Formula) -> set[Variable]:
    return {key for condition in _conditions(formula) for key in condition.form} - {CONSTANT}
