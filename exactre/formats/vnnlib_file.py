"""VNN-LIB queries, versions 1.0 and 2.0, read exactly: every decimal is the rational that it spells.

A query declares networks by their input and output tensors and asserts conditions on the elements. What is
read here is linear: a product of two variables, hidden nodes, and several inputs or outputs of
one network are refused by an error of their own. A 1.0 property is a query about one network without a
name, whose inputs are X_0, X_1, ... and outputs Y_0, Y_1, ...
Source: the VNN-LIB 2.0 standard, its grammar and its chapter on the query language; for 1.0, SMT-LIB as the
properties of the verification competitions use it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from pathlib import Path

from exactre.errors import FormatError, UnsupportedQuery
from exactre.formats.vnnlib_syntax import Expression, statements_of

Variable = tuple[str, int]  # a tensor's name and the row-major index of an element
CONSTANT: Variable = ("", 0)
Form = Mapping[Variable, Fraction]  # variable, or CONSTANT -> coefficient, without zeros

MAX_DIGITS = 1000  # of a number; exponents have at most four
TYPES = {"real", "Real", "float16", "float32", "float64", "bfloat16"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
RELATIONS = {"<": (">", -1), "<=": (">=", -1), ">": (">", 1), ">=": (">=", 1)}  # left less right, times this
RELATIONS |= {"==": ("==", 1), "=": ("==", 1), "!=": ("!=", 1)}

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,4})?", re.ASCII)
_ELEMENT = re.compile(r"([A-Za-z]\w*)(?:\s*\[([\d,\s]*)\])?", re.ASCII)
_INDEXED = re.compile(r"([XY])_([0-9]{1,7})", re.ASCII)


@dataclass(frozen=True)
class Tensor:
    """A declared tensor: its name, element type and shape."""

    name: str
    type: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Declaration:
    """A declared network; `relation` is "equal-to" or "isomorphic-to" the network `other`, or empty."""

    name: str
    input: Tensor
    output: Tensor
    relation: str = ""
    other: str = ""


@dataclass(frozen=True)
class Condition:
    """`form` compared with zero: `relation` is ">", ">=", "==" or "!="; `line` is its place in the file."""

    form: Form
    relation: str
    line: int


@dataclass(frozen=True)
class Junction:
    """Conditions joined by "and" or "or"."""

    word: str
    parts: tuple[Formula, ...]


Formula = Condition | Junction


@dataclass(frozen=True)
class Query:
    """Do some inputs of the networks make `formula` true? `version` is "1.0" or "2.0"."""

    version: str
    networks: tuple[Declaration, ...]
    formula: Junction


def read(path: str | os.PathLike[str]) -> Query:
    """The query of a VNN-LIB file. Raises FormatError naming file and line, UnsupportedQuery."""
    try:
        return parse(Path(path).read_bytes().decode("utf-8"))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{path}: expected a text file, found bytes that are no UTF-8") from None
    except UnsupportedQuery as error:
        raise UnsupportedQuery(f"{path}: {error}") from None
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def parse(text: str) -> Query:
    """The query that a text spells. Raises FormatError naming the line, UnsupportedQuery."""
    statements = statements_of(text)
    if not statements:
        raise FormatError("expected a query, found an empty file")
    if statements[0].head == "vnnlib-version":
        return _version_2(statements)
    return _version_1(statements)


_Reader = Callable[[Expression], Variable]  # of one variable


def _version_2(statements: Sequence[Expression]) -> Query:
    version = statements[0].words(1, 1, "(vnnlib-version <2.0>)")
    if re.fullmatch(r"<2\.[0-9]+>", version[0]) is None:
        statements[0].refuse(f"(vnnlib-version <2.0>), not {version[0]:.60}")
    networks: list[Declaration] = []
    shapes: dict[str, tuple[int, ...]] = {}
    count = 1
    while count < len(statements) and statements[count].head == "declare-network":
        network = _declaration(statements[count], networks)
        names = [network.name, network.input.name, network.output.name]
        taken = {*shapes, *(other.name for other in networks)}
        for k, name in enumerate(names):
            if name in taken or name in names[:k]:
                statements[count].refuse(f"names that are not taken, not {name:.60} again")
        shapes |= {tensor.name: tensor.shape for tensor in (network.input, network.output)}
        networks.append(network)
        count += 1
    if not networks:
        raise FormatError(f"line {statements[-1].line}: expected (declare-network ...), found none")
    return Query("2.0", tuple(networks), _assertions(statements[count:], _elements(shapes)))


def _declaration(statement: Expression, earlier: Sequence[Declaration]) -> Declaration:
    expected = "(declare-network NAME (declare-input ...) (declare-output ...))"
    name, *parts = statement.list(3, 10**6, expected)
    if _ELEMENT.fullmatch(name.word) is None or "[" in name.word:
        name.refuse("a network's name")
    relation, other = "", ""
    if parts[0].head in ("equal-to", "isomorphic-to"):
        relation = parts[0].head
        (other,) = parts[0].words(1, 1, f"({relation} NAME)")
        if other not in [network.name for network in earlier]:
            parts[0].refuse(f"a network declared before, not {other:.60}")
        parts = parts[1:]
    order = ["declare-input", "declare-hidden", "declare-output"]
    kinds = [part.head for part in parts]
    if (
        {order[0], order[2]} - set(kinds)
        or set(kinds) - set(order)
        or kinds != sorted(kinds, key=order.index)
    ):
        statement.refuse(expected)
    if len(kinds) > 2:
        raise UnsupportedQuery(
            f"line {statement.line}: network {name.word:.60} has hidden nodes or several inputs or outputs"
        )
    tensors = [_tensor(part) for part in parts]
    if relation:
        (twin,) = (network for network in earlier if network.name == other)
        if [t.shape for t in tensors] != [twin.input.shape, twin.output.shape]:
            statement.refuse(f"the shapes of {other}")
    return Declaration(name.word, tensors[0], tensors[1], relation, other)


def _tensor(part: Expression) -> Tensor:
    expected = f"({part.head} NAME TYPE [SHAPE])"
    name, kind, *_ = part.words(2, 3, expected)
    found = _ELEMENT.fullmatch(kind)
    if _ELEMENT.fullmatch(name) is None or "[" in name or found is None or found[2] is None:
        part.refuse(expected)
    if found[1] not in TYPES:
        part.refuse(f"the type real or an ONNX type, not {found[1]:.60}")
    shape = _indices(found[2])
    if shape is None or 0 in shape or prod(shape) > 10**8:
        part.refuse(f"a shape of positive sizes, not [{found[2]:.60}]")
    return Tensor(name, found[1], shape)


def _indices(text: str) -> tuple[int, ...] | None:
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    return tuple(map(int, words)) if all(re.fullmatch("[0-9]{1,9}", word) for word in words) else None


def _elements(shapes: Mapping[str, tuple[int, ...]]) -> _Reader:
    """The variables of a 2.0 query: elements of declared tensors."""

    def variable(at: Expression) -> Variable:
        match = _ELEMENT.fullmatch(at.word)
        shape = None if match is None else shapes.get(match[1])
        if match is None or shape is None:
            at.refuse("a number or an element of a declared tensor")
        index = _indices(match[2] or "")
        if (
            index is None
            or len(index) != len(shape)
            or any(i >= n for i, n in zip(index, shape, strict=True))
        ):
            at.refuse(f"{len(shape)} indices within {list(shape)}")
        flat = 0
        for i, n in zip(index, shape, strict=True):
            flat = flat * n + i
        return match[1], flat

    return variable


def _version_1(statements: Sequence[Expression]) -> Query:
    sizes = {"X": 0, "Y": 0}
    asserted = []
    for statement in statements:
        if statement.head in ("declare-const", "declare-fun"):
            least, expected = (2, "(declare-const NAME Real)")
            if statement.head == "declare-fun":
                least, expected = (3, "(declare-fun NAME () Real)")
            name, *rest = statement.list(least, least, expected)
            match = _INDEXED.fullmatch(name.word)
            if match is None or int(match[2]) != sizes[match[1]]:
                name.refuse(f"X_{sizes['X']} or Y_{sizes['Y']}, the next variable")
            if rest[-1].word != "Real" or (len(rest) == 2 and rest[0].parts != ()):
                statement.refuse(expected)
            sizes[match[1]] += 1
        elif statement.head == "assert":
            asserted.append(statement)
        else:
            statement.refuse("(vnnlib-version ...), (declare-const ...), (declare-fun ...) or (assert ...)")
    if 0 in sizes.values():
        raise FormatError(
            f"expected inputs X_0, ... and outputs Y_0, ..., found {sizes['X']} and {sizes['Y']}"
        )
    x, y = (Tensor(name, "real", (size,)) for name, size in sizes.items())

    def variable(at: Expression) -> Variable:
        match = _INDEXED.fullmatch(at.word)
        if match is None or int(match[2]) >= sizes[match[1]]:
            at.refuse("a number or a declared variable")
        return match[1], int(match[2])

    return Query("1.0", (Declaration("", x, y),), _assertions(asserted, variable))


def _assertions(statements: Sequence[Expression], variable: _Reader) -> Junction:
    parts = []
    for statement in statements:
        if statement.head != "assert":
            statement.refuse("(assert ...)")
        (asserted,) = statement.list(1, 1, "(assert CONDITION)")
        parts.append(_formula(asserted, variable))
    return Junction("and", tuple(parts))


def _formula(at: Expression, variable: _Reader) -> Formula:
    if at.head in ("and", "or"):
        parts = at.list(1, 10**9, f"({at.head} CONDITION ...)")
        return Junction(at.head, tuple(_formula(part, variable) for part in parts))
    if at.head not in RELATIONS:
        at.refuse("a condition: and, or, <, <=, >, >=, ==, !=")
    left, right = (_form(part, variable) for part in at.list(2, 2, f"({at.head} LEFT RIGHT)"))
    relation, sign = RELATIONS[at.head]
    return Condition(_sum([(sign, left), (-sign, right)]), relation, at.line)


def _form(at: Expression, variable: _Reader) -> Form:
    """A linear expression. Raises UnsupportedQuery where it is none."""
    if at.parts is None:
        if _NUMBER.fullmatch(at.word) is None:
            return {variable(at): Fraction(1)}
        if len(at.word) > MAX_DIGITS:
            at.refuse(f"a number of at most {MAX_DIGITS} digits")
        return _sum([(Fraction(at.word), {CONSTANT: Fraction(1)})])
    if at.head not in ("+", "-", "*"):
        at.refuse("a number, a variable, or one of (+ ...), (- ...), (* ...)")
    first, *rest = (_form(part, variable) for part in at.list(1, 10**9, f"({at.head} TERM ...)"))
    if at.head == "+":
        return _sum([(1, first), *((1, form) for form in rest)])
    if at.head == "-":
        return _sum([(1, first), *((-1, form) for form in rest)] if rest else [(-1, first)])
    for form in rest:
        constant, other = (form, first) if form.keys() <= {CONSTANT} else (first, form)
        if not constant.keys() <= {CONSTANT}:
            raise UnsupportedQuery(f"line {at.line}: a product of two variables is not linear")
        first = _sum([(constant.get(CONSTANT, Fraction(0)), other)])
    return first


def _sum(terms: Sequence[tuple[Fraction | int, Form]]) -> Form:
    total: dict[Variable, Fraction] = {}
    for factor, form in terms:
        for key, v in form.items():
            total[key] = total.get(key, Fraction(0)) + factor * v
    return {key: v for key, v in total.items() if v}
