"""Every field of valid certificates is changed: each mutant is refused, or its claim is true all the same."""

import json
from copy import deepcopy
from fractions import Fraction
from functools import cache

import pytest
from brute_force import decide_alike, largest_gap
from pairs import plain_value

import exactre
from exactre.certify.question import Domain
from exactre.check import Invalid, Malformed, check_documents
from exactre.formats.json_file import dump
from exactre.network import Network

ABS = Network.from_rows([([[1], [-1]], [0, 0]), ([[1, 1]], [0])])
ABS_2 = Network.from_rows([([[2], [-1]], [0, 0]), ([[1, -1]], [0])])  # 2 relu(x) - relu(-x), not |x|
RELU = Network.from_rows([([[1]], [0]), ([[1]], [0])])
IDENTITY = Network.from_rows([([[1]], [0])])
ZERO = Network.from_rows([([[0]], [0])])
NEARLY = Network.from_rows([([[1]], [Fraction(1, 3)]), ([[1]], [0])])
MIN = Network.from_rows([([[1, -1], [0, 1], [0, -1]], [0, 0, 0]), ([[-1, 1, -1]], [0])])
STACK = Network.from_rows([([[1], [3]], [0, -1]), ([[1, 1], [-1, 0]], [1, -2]), ([[1, 4]], [-1])])
STACK_2 = Network.from_rows([([["1/2"], [1]], [0, "-1/3"]), ([[2, 3]], [0])])
MAX = Network.from_rows([([[1, -1], [0, 1], [0, -1]], [0, 0, 0]), ([[1, 1, -1]], [0])])
# max(x, y) as (x + y + |x - y|) / 2, |x - y| by two neurons that are no multiples of MAX's.
MEAN = Network.from_rows(
    [
        ([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]),
        ([[1, -1, -1, 1], [-1, 1, 1, -1], [1, -1, 1, -1], [-1, 1, -1, 1]], [0, 0, 0, 0]),
        ([["1/2", "1/2", "1/2", "-1/2"]], [0]),
    ]
)
TWO_STEPS = Network.from_rows([([[1], [1]], [0, -1]), ([[1, -1]], [0]), ([[1]], [0])])
CLAMP = Network.from_rows([([[-1]], [1]), ([[-1]], [1]), ([[1]], [0])])  # relu(1 - relu(1 - x))
GATED, GATED_2 = (
    Network.from_rows([([[1, 1], [1, 0], [0, 1]], [-1, 0, 0]), ([[-1 - k, -1, -1]], ["1/2"]), ([[1]], [0])])
    for k in (1, 2)
)
STEP = Network.from_rows([([[1]], [0]), ([[1], [0]], [0, 1])])
STEP_3 = Network.from_rows([([["1/2"]], [0]), ([[6], [0]], [5, 8])])
STEP_LINE = Network.from_rows([([[1], [0]], [0, 1])])
TIED = Network.from_rows([([[0], [0]], [1, 1])])

QUESTIONS = {
    "behind a gate": (GATED, GATED_2, {}),
    "equal maxima": (MAX, MEAN, {}),
    "two clamps, by cases": (TWO_STEPS, CLAMP, {}),
    "scaled, active, inactive": (STACK, STACK_2, {}),
    "domain": (RELU, IDENTITY, {"domain": Domain.box([0], [2])}),
    "domain and tree": (ABS, ABS_2, {"domain": Domain.box([0], [2])}),
    "tolerance": (RELU, NEARLY, {"tolerance": Fraction(1, 3)}),
    "tolerance on a box": (RELU, NEARLY, {"domain": Domain.box([-1], [1]), "tolerance": Fraction(1, 3)}),
    "tolerance by cases": (ABS, ZERO, {"domain": Domain.box([-1], [1]), "tolerance": Fraction(1)}),
    "decisions by cases": (STEP, STEP_LINE, {"same_argmax": True}),
    "decisions in proportion": (STEP, STEP_3, {"same_argmax": True}),
    "decisions on a box": (STEP, TIED, {"same_argmax": True, "domain": Domain.box([1], [2])}),
    "witness of two decisions": (STEP, TIED, {"same_argmax": True}),
    "witness": (ABS, ABS_2, {}),
    "witness beyond a tolerance": (MIN, Network.from_rows([([[1, 0]], [0])]), {"tolerance": Fraction(1, 2)}),
}


def mutants(value):
    """Copies of a JSON value with one thing changed somewhere."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: other} for other in mutants(value[key]))
        return
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1 :]
            yield value[: i + 1] + value[i:]
            yield from ([*value[:i], other, *value[i + 1 :]] for other in mutants(item))
        yield [*value, None]
        return
    yield from (other for other in REPLACEMENTS if type(other) is not type(value) or other != value)
    if isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, str) and value.lstrip("-")[:1].isdigit() and len(value) < 20:
        number = Fraction(value)
        yield from map(str, (number + 1, number * 2, -number, number / 3, number + Fraction(1, 10**6)))


WORDS = [
    "equivalent",
    "different",
    "same-argmax",
    "a",
    "b",
    "never",
    "pairs",
    "decided",
    "atom",
    "scaled",
    "constant",
    "active",
    "inactive",
    "one",
    "relu",
    "gap",
]
REPLACEMENTS = [
    None,
    True,
    0,
    1,
    -1,
    2**70,
    "0",
    "1",
    "-1",
    "1/2",
    "2/4",
    [],
    [[]],
    {},
    *WORDS,
    "domain",
    "equal",
]


# Most mutants ask the same question.
gap = cache(largest_gap)
alike = cache(decide_alike)


def is_true(certificate, a, b):
    """Does a certificate's claim hold? By enumeration and plain arithmetic, not by its proof."""
    rows = certificate["domain"]
    domain = None
    if rows:
        sparse = tuple((tuple((j, Fraction(v)) for j, v in row), Fraction(bound)) for row, bound in rows)
        domain = Domain(a.input_dim, sparse)
    if certificate["claim"] == "equivalent":
        return gap(a, b, domain) <= Fraction(certificate["tolerance"])
    if certificate["claim"] == "same-argmax":
        return alike(a, b, domain)
    point = [Fraction(v) for v in certificate["proof"]["input"]]
    if domain is not None and point not in domain:
        return False
    p, q = plain_value(a, point), plain_value(b, point)
    if certificate["claim"] == "different-argmax":
        return p.index(max(p)) != q.index(max(q))
    return max(abs(v - w) for v, w in zip(p, q, strict=True)) > Fraction(certificate["tolerance"])


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_mutant_is_refused_or_true(name):
    a, b, options = QUESTIONS[name]
    certificate = exactre.certify_equivalence(a, b, **options).certificate.document()
    documents = dump(a), dump(b)
    check_documents(certificate, *documents)
    answers = {"accepted": 0, "invalid": 0, "malformed": 0}
    for mutant in mutants(certificate):
        before = deepcopy(mutant)
        try:
            check_documents(mutant, *documents)
        except Invalid:
            answers["invalid"] += 1
        except Malformed:
            answers["malformed"] += 1
        else:
            answers["accepted"] += 1
            assert is_true(mutant, a, b), json.dumps(mutant)
        assert mutant == before
    assert answers["invalid"] > 20
    assert answers["malformed"] > 20
    assert answers["accepted"] < answers["invalid"]


def test_the_campaign_has_every_rule():
    used = set()
    for a, b, options in QUESTIONS.values():
        proof = exactre.certify_equivalence(a, b, **options).certificate.document()["proof"]
        for part in ("a", "b", "tree"):
            for item in proof.get(part, []):
                used.add(item[0])
                used |= {node[0] for node in item[2]} if item[0] == "zero" else set()
    steps = {"atom", "scaled", "active", "inactive", "zero", "bound"}
    assert used >= steps | {"split", "same", "equal", "bounded", "decided"}
