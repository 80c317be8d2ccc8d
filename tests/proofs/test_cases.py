"""The verified checker gives the stand-alone checker's answer, by the same rule, on every case by hand."""

import pytest
from answers import stand_alone, verified
from certificate_cases import CASES


@pytest.mark.parametrize(
    ("name", "certificate", "a", "b", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_both_answer_as_expected(write, name, certificate, a, b, expected):
    paths = write(certificate, a, b)
    assert verified(paths) == expected
    assert stand_alone(paths) == expected
