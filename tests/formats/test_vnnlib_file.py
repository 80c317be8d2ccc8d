"""VNN-LIB files: decimals exactly, the standard's own reader agrees, and what is refused."""

from fractions import Fraction

import pytest
import vnnlib
from hypothesis import given
from hypothesis import strategies as st

from exactre.errors import FormatError, UnsupportedQuery
from exactre.formats.vnnlib_file import CONSTANT, Condition, Junction, parse, read

HEAD = """(vnnlib-version <2.0>)
(declare-network f (declare-input X real [2,3]) (declare-output Y real [1])) ; a network
(declare-network g (equal-to f) (declare-input A real [2,3]) (declare-output B real [1]))
"""
OLD = "(declare-const X_0 Real)(declare-fun X_1 () Real)(declare-const Y_0 Real)\n"


def only(text):
    """The form, the relation of the only condition that a text asserts."""
    (condition,) = parse(text).formula.parts
    return dict(condition.form), condition.relation


def test_the_declarations_of_a_query_are_read():
    f, g = parse(HEAD + "(assert (<= X[0,0] 1.0))").networks
    assert (f.name, f.input.name, f.input.shape, f.input.size, f.output.shape) == ("f", "X", (2, 3), 6, (1,))
    assert (f.relation, g.relation, g.other) == ("", "equal-to", "f")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("-16", Fraction(-16)),
        ("1e-3", Fraction(1, 1000)),
        ("2.50E+1", Fraction(25)),
        ("0.1234567890123456789012345", Fraction(1234567890123456789012345, 10**25)),
        ("(- 0.1)", Fraction(-1, 10)),
        ("(* 0.1 0.2 (+ 1 2))", Fraction(6, 100)),
        ("(- 1 0.5 0.25)", Fraction(1, 4)),
    ],
)
def test_a_decimal_is_the_rational_that_it_spells(number, value):
    assert only(HEAD + f"(assert (>= X[0,1] {number}))") == ({("X", 1): 1, CONSTANT: -value}, ">=")


@pytest.mark.parametrize(
    ("condition", "form", "relation"),
    [
        ("(< X[1,0] B[0])", {("B", 0): 1, ("X", 3): -1}, ">"),
        ("(<= (* 2 X[1,2]) (- A [0, 0]))", {("A", 0): -1, ("X", 5): -2}, ">="),
        ("(== Y[0] (+ B[0] X[0,0] 1))", {("Y", 0): 1, ("B", 0): -1, ("X", 0): -1, CONSTANT: -1}, "=="),
        ("(!= (- Y[0] Y[0]) 0)", {}, "!="),
    ],
)
def test_conditions_are_linear_forms_compared_with_zero(condition, form, relation):
    assert only(HEAD + f"(assert {condition})") == (form, relation)


def test_and_and_or_keep_their_nesting():
    (part,) = parse(HEAD + "(assert (or (and (< Y[0] 1) (> Y[0] 0))\n (== Y[0] 5)))").formula.parts
    assert isinstance(part, Junction)
    assert (part.word, part.parts[0].word, part.parts[1].line) == ("or", "and", 5)


def test_a_property_of_version_1_is_a_query_about_one_network():
    query = parse(OLD + "(assert (<= X_1 0.5))(assert (or (and (>= Y_0 1e1)) (= Y_0 X_0)))")
    assert (query.version, query.networks[0].input.size, query.networks[0].output.size) == ("1.0", 2, 1)
    assert dict(query.formula.parts[0].form) == {("X", 1): -1, CONSTANT: Fraction(1, 2)}


MALFORMED = [
    ("", "empty"),
    ("; nothing", "empty"),
    ("(vnnlib-version <2.0>)", "declare-network"),
    ("(vnnlib-version <3.0>)", "<2.0>"),
    ("(vnnlib-version 2.0)", "<2.0>"),
    ("(vnnlib-version)", "<2.0>"),
    ("x", "line 1: expected '('"),
    (")", "line 1: expected a statement"),
    ("()", "line 1"),
    ("((", "end of the file"),
    ("\x00", "line 1"),
    ('(assert "', "line 1"),
    ("(" * 200 + ")" * 200, "nested"),
    (HEAD + "(assert (<= X[0,0] 1.0)", "line 4: expected ')'"),
    (HEAD + "(assert (<= X[0,0] 1.0)))", "line 4: expected a statement"),
    (HEAD + "(assert)", "line 4"),
    (HEAD + "(assert X[0,0])", "line 4"),
    (HEAD + "(assert (<= X[0,0] 1.0) (<= X[0,0] 1.0))", "line 4"),
    (HEAD + "\n(check-sat)", "line 5: expected (assert"),
    (HEAD + "(assert (and))", "line 4"),
    (HEAD + "(assert (not (<= X[0,0] 1.0)))", "line 4: expected a condition"),
    (HEAD + "(assert (<= X[0,0] 1.0 2.0))", "line 4: expected (<= LEFT RIGHT)"),
    (HEAD + "(assert (Y[0] < 1.0))", "line 4: expected a condition"),
    (HEAD + "(assert (<= X[0,0] nan))", "line 4: expected a number"),
    (HEAD + "(assert (<= X[0,0] 1.0e99999))", "line 4: expected a number"),
    (HEAD + f"(assert (<= X[0,0] {'1' * 2000}))", "line 4: expected a number of at most"),
    (HEAD + "(assert (<= X[0,0] 0x10))", "line 4"),
    (HEAD + "(assert (<= X[0,0] (/ 1 2)))", "line 4"),
    (HEAD + "(assert (<= X[0,0] (+)))", "line 4"),
    (HEAD + "(assert (<= X[0,3] 1.0))", "line 4: expected 2 indices within [2, 3]"),
    (HEAD + "(assert (<= X[0] 1.0))", "line 4: expected 2 indices"),
    (HEAD + "(assert (<= X 1.0))", "line 4: expected 2 indices"),
    (HEAD + "(assert (<= X[0,-1] 1.0))", "line 4"),
    (HEAD + "(assert (<= X[0,1.0] 1.0))", "line 4"),
    (HEAD + "(assert (<= X[0,] 1.0))", "line 4"),
    (HEAD + "(assert (<= X[0,99999999999999999999] 1.0))", "line 4"),
    (HEAD + "(assert (<= C[0] 1.0))", "line 4: expected a number or an element of a declared tensor"),
    (HEAD.replace("A real", "X real"), "not X again"),
    (HEAD.replace("network g", "network f"), "not f again"),
    (HEAD.replace("network g", "network Y"), "not Y again"),
    (HEAD.replace("equal-to f", "equal-to h"), "declared before, not h"),
    (HEAD.replace("A real [2,3]", "A real [3,2]"), "the shapes of f"),
    (HEAD.replace("real", "integer"), "not integer"),
    (HEAD.replace("[2,3]", "[2,0]"), "positive sizes"),
    (HEAD.replace("[2,3]", "[99999,99999]"), "positive sizes"),
    (HEAD.replace("[2,3]", ""), "line 2"),
    (HEAD.replace("(declare-output Y real [1])", ""), "line 2"),
    (HEAD.replace("declare-output Y", "declare-exit Y"), "line 2"),
    (OLD + "(assert (<= X_2 0))", "line 2: expected a number or a declared variable, found 'X_2'"),
    (OLD + "(declare-const X_3 Real)", "X_2 or Y_1"),
    (OLD + "(declare-const X_2 Int)", "(declare-const NAME Real)"),
    (OLD + "(declare-fun X_2 Real)", "(declare-fun NAME () Real)"),
    (OLD + "(check-sat)", "line 2"),
    ("(declare-const X_0 Real)", "found 1 and 0"),
]


@pytest.mark.parametrize(("text", "words"), MALFORMED)
def test_what_is_malformed_is_refused_in_one_line_that_names_the_place(text, words):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, UnsupportedQuery)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "(assert (<= (* X[0,0] 2 X[0,0]) 1.0))", "line 4"),
        (HEAD.replace("(declare-output Y", '(declare-hidden H real [1] "h") (declare-output Y'), "hidden"),
        (HEAD.replace("(declare-output Y", "(declare-input Z real [1]) (declare-output Y"), "several"),
    ],
)
def test_what_is_not_decided_is_told_apart_from_what_is_malformed(text, words):
    with pytest.raises(UnsupportedQuery, match=words):
        parse(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bytes.vnnlib").write_bytes(b"\xff\xfe(")
    for name, words in (("none.vnnlib", "cannot be read"), ("bytes.vnnlib", "UTF-8"), ("", "cannot be read")):
        with pytest.raises(FormatError, match=words) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 9), st.text('()[];"<=- 1e.XYand,\n', max_size=4))
    )
)
def test_damaged_text_is_refused_in_one_line_or_is_another_query(damage):
    text = HEAD + "(assert (or (<= X[0,0] 1.5e-3) (and (!= Y[0] B[0]) (> (* 2 A[1,2]) (- 1)))))"
    for place, length, instead in damage:
        start = place % (len(text) + 1)
        text = text[:start] + instead + text[start + length :]
    refusal = ""
    try:
        query = parse(text)
    except FormatError as error:
        refusal = str(error)
    assert refusal or query.networks
    assert "\n" not in refusal


NUMBERS = st.decimals(-9, 9, places=2).map(lambda v: f"{v:f}")
ELEMENTS = st.sampled_from(["X[0,0]", "X[1,2]", "Y[0]", "A[0,1]", "B[0]"])
TERMS = st.recursive(
    ELEMENTS,
    lambda inner: st.one_of(
        st.builds("(+ {} {} {})".format, inner, inner, NUMBERS),
        st.builds("(- {} {})".format, NUMBERS, inner),
        st.builds("(- {})".format, inner),
        st.builds("(* {} {})".format, NUMBERS, inner),
    ),
    max_leaves=6,
)
CONDITIONS = st.recursive(
    st.builds("({} {} {})".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), TERMS, TERMS),
    lambda inner: st.builds("({} {} {})".format, st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=5,
)
SIGNS = {
    "GreaterThan": ">",
    "LessThan": "<",
    "GreaterEqual": ">=",
    "LessEqual": "<=",
    "Equal": "==",
    "NotEqual": "!=",
}


def value(node, at):
    """The value of a term of the standard's own reader, exactly: from its words, not its floats."""
    match type(node).__name__:
        case "Var":
            flat = 0
            for i, n in zip(node.indices, node.shape, strict=True):
                flat = flat * n + i
            return at[node.name, flat]
        case "Negate":
            return -value(node.expr, at)
        case "Plus":
            return sum(value(part, at) for part in node.args)
        case "Minus":
            return value(node.head, at) - sum(value(part, at) for part in node.rest)
        case "Multiply":
            left, right = (value(part, at) for part in node.args)
            return left * right
    return Fraction(node.lexeme)


def agree(ours, theirs, at):
    """The same structure, and at one point every condition's two sides differ by the value of its form."""
    if isinstance(ours, Condition):
        sign = SIGNS[type(theirs).__name__]
        difference = value(theirs.lhs, at) - value(theirs.rhs, at)
        form = sum(v * (1 if key == CONSTANT else at[key]) for key, v in ours.form.items())
        assert (ours.relation, form) == (sign.replace("<", ">"), -difference if "<" in sign else difference)
        return
    assert ours.word == type(theirs).__name__.lower()
    for left, right in zip(ours.parts, theirs.args, strict=True):
        agree(left, right, at)


@given(CONDITIONS, st.randoms(use_true_random=False))
def test_the_standards_own_reader_says_the_same(condition, random):
    at = {(name, j): Fraction(random.randint(-99, 99), 7) for name in "XYAB" for j in range(6)}
    text = HEAD + f"(assert {condition})"
    (assertion,) = vnnlib.parse_query_string(text).assertions
    (formula,) = parse(text).formula.parts
    agree(formula, assertion.expr, at)
