"""Every rule of proofs/FORMAT.md accepts what it should and refuses what it should, naming itself."""

import pytest
from certificate_cases import CASES

from exactre.check import Invalid, Malformed, check_documents


def answer(certificate, a, b):
    try:
        check_documents(certificate, a, b)
    except Invalid as error:
        return error.rule if error.step and error.value else f"{error.rule}, without step or value"
    except Malformed:
        return "malformed"
    return "valid"


@pytest.mark.parametrize(
    ("name", "certificate", "a", "b", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_answer(name, certificate, a, b, expected):
    assert answer(certificate, a, b) == expected


def test_more_is_refused_than_accepted():
    accepted = [case for case in CASES if case[4] == "valid"]
    assert len(CASES) > 5 * len(accepted)


@pytest.mark.parametrize(
    "rule",
    [
        "atom",
        "scaled",
        "constant",
        "active",
        "inactive",
        "split",
        "infeasible",
        "equal",
        "bounded",
        "decided",
    ],
)
def test_an_accept_case_uses_the_rule(rule):
    used = set()
    for _, certificate, _, _, expected in CASES:
        if expected == "valid" and "tree" in certificate["proof"]:
            used |= {item[0] for part in certificate["proof"].values() for item in part}
    assert rule in used
