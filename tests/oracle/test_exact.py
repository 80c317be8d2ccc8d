"""Exact oracles answer with exact values or say in one line why not."""

import itertools
from fractions import Fraction

import pytest

from exactre import recover
from exactre.errors import OracleError, ShapeError
from exactre.network import Network
from exactre.oracle.exact import CallableOracle, NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.rational import Points

NET = Network.from_rows([([[1, 2], [-1, 1]], [0, Fraction(1, 3)]), ([[1, -1]], [5])])
POINTS = Points.of([(Fraction(1, 2), 1), (0, 0), (-3, Fraction(7, 5))], 2)


def answers_of(f, output_dim=None):
    return Ledger(CallableOracle(f, 2, output_dim)).ask(POINTS)


def test_network_oracle_answers_with_the_networks_values():
    oracle = NetworkOracle(NET)
    assert (oracle.input_dim, oracle.output_dim) == (2, 1)
    assert oracle.query(POINTS) == NET.evaluate(POINTS)


def test_network_oracle_refuses_points_of_another_dimension():
    with pytest.raises(ShapeError, match="2 coordinates, found 3"):
        NetworkOracle(NET).query(Points.of([(1, 2, 3)], 3))


def test_callable_gets_tuples_of_fractions_and_answers_like_the_network():
    seen = []

    def f(x):
        seen.append(x)
        return NET(x)

    assert answers_of(f) == NET.evaluate(POINTS)
    assert seen == list(POINTS)
    assert all(type(v) is Fraction for x in seen for v in x)


def test_callable_may_answer_with_a_bare_rational_a_list_or_integers():
    expected = [(x[0] + x[1],) for x in POINTS]
    assert list(answers_of(lambda x: x[0] + x[1])) == expected
    assert list(answers_of(lambda x: [x[0] + x[1]])) == expected
    assert list(answers_of(lambda x: 3)) == [(3,)] * 3


def test_a_callable_that_raises_is_an_oracle_error_with_the_cause():
    with pytest.raises(
        OracleError, match=r"^the oracle raised ZeroDivisionError: Fraction\(3, 0\)$"
    ) as caught:
        answers_of(lambda x: Fraction(3, 0))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (0.5, "output 0 of an answer: expected Fraction or int, found a float"),
        ((1, 0.5), "output 1 of an answer: expected Fraction or int, found a float"),
        ((1, "2"), "output 1 of an answer: expected Fraction or int, found str"),
        ((None,), "output 0 of an answer: expected Fraction or int, found NoneType"),
        (None, "expected a sequence of Fraction or int as answer, found NoneType"),
        ({1}, "expected a sequence of Fraction or int as answer, found set"),
        (1j, "expected a sequence of Fraction or int as answer, found complex"),
    ],
)
def test_an_answer_that_is_not_exact_is_refused(answer, message):
    with pytest.raises(OracleError, match=message):
        answers_of(lambda x: answer)


@pytest.mark.parametrize("answer", [(1,), (1, 2, 3), 1])
def test_an_answer_of_another_length_than_promised_is_refused(answer):
    with pytest.raises(OracleError, match="expected an answer of 2 entries, found"):
        answers_of(lambda x: answer, output_dim=2)


@pytest.mark.parametrize("output_dim", [None, 2])
def test_an_empty_answer_is_refused(output_dim):
    with pytest.raises(OracleError, match="at least one entry, found none"):
        answers_of(lambda x: (), output_dim)


def test_an_answer_of_another_length_than_the_first_is_refused():
    answers = iter([(1, 2), (1, 2), (1,)])
    with pytest.raises(OracleError, match="expected an answer of 2 entries, found 1"):
        answers_of(lambda x: next(answers))


@pytest.mark.parametrize("found", [0, 2, 4])
def test_too_few_or_too_many_answers_are_refused(found):
    class Miscounting:
        input_dim = 2
        output_dim = 1

        def query(self, points):
            return [(1,)] * found

    with pytest.raises(OracleError, match="expected 3 answers from the oracle, found"):
        Ledger(Miscounting()).ask(POINTS)


@pytest.mark.parametrize("input_dim", [0, -1])
def test_an_oracle_without_inputs_is_refused(input_dim):
    with pytest.raises(ShapeError, match="at least one input"):
        CallableOracle(lambda x: 0, input_dim)


def test_a_partial_result_says_that_the_oracle_has_changed():
    net = Network.from_rows(
        [([[1, 2], [3, -1], [-2, 5]], [1, -1, 2]), ([[1, -2, 3], [2, 1, -1]], [1, -3]), ([[1, 1]], [0])]
    )
    count = itertools.count()
    result = recover(lambda x: net(x)[0] + (next(count) >= 100), input_dim=2)
    assert (result.status, result.network) == ("partial", None)
    assert result.missing[0] == "the oracle contradicts itself: query 1 has another answer now"
