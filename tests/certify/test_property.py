"""The domain that a VNN-LIB property states, as `certify_equivalence` takes it, and what states none."""

from fractions import Fraction

import pytest

import exactre
from exactre.certify.property import property_domain
from exactre.errors import EmptyDomain, FormatError, ShapeError
from exactre.network import Network

OLD = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n"
NEW = "(vnnlib-version <2.0>)\n(declare-network f (declare-input X real [2]) (declare-output Y real [1]))\n\n"
TINY = Fraction(1, 10**30)
SQUARE = "(assert (and (>= {0} 0.1) (<= {0} 0.3)))(assert (<= {1} 1.0))(assert (>= {1} -1e0))"
BOTH = [
    OLD + SQUARE.format("X_0", "X_1") + "(assert (or (and (<= Y_0 1.0)) (>= Y_0 2.0)))",
    NEW + SQUARE.format("X[0]", "X[1]") + "(assert (or (and (<= Y[0] 1.0)) (>= Y[0] 2.0)))",
]


@pytest.fixture
def written(tmp_path):
    def write(text):
        (tmp_path / "d.vnnlib").write_text(text)
        return tmp_path / "d.vnnlib"

    return write


@pytest.mark.parametrize("text", BOTH)
def test_the_input_part_is_the_domain_and_its_decimals_are_exact(written, text):
    domain = property_domain(written(text))
    assert (Fraction(1, 10), Fraction(1)) in domain
    assert (Fraction(3, 10), Fraction(-1)) in domain
    for point in ((Fraction(1, 10) - TINY, 0), (Fraction(3, 10) + TINY, 0), (Fraction(1, 5), 1 + TINY)):
        assert point not in domain
    assert len(domain.rows) == 4


def test_an_equation_and_a_relation_between_inputs_are_a_polyhedron(written):
    domain = property_domain(written(OLD + "(assert (= X_0 0.5))(assert (<= (+ X_0 (* 2.0 X_1)) X_1))"))
    assert (Fraction(1, 2), Fraction(-1, 2)) in domain
    assert (Fraction(1, 2), Fraction(-1, 3)) not in domain
    assert (Fraction(1, 3), Fraction(-1)) not in domain


def test_networks_are_compared_where_a_property_says(written):
    # relu(x0) and x0 agree where x0 >= 0.
    relu, plain = (
        Network.from_rows([([[1, 0]], [0]), ([[1]], [0])]),
        Network.from_rows([([[1, 0]], [0])]),
    )
    verdict = exactre.certify_equivalence(relu, plain, domain=written(BOTH[0]))
    assert verdict.status == "equivalent"
    exactre.check(verdict.certificate, relu, plain)
    outside = written(BOTH[0].replace("(>= X_0 0.1)", "(>= X_0 -0.1)"))
    verdict = exactre.certify_equivalence(relu, plain, domain=str(outside))
    assert verdict.status == "different"
    assert verdict.witness.input in property_domain(outside)
    exactre.check(verdict.certificate, relu, plain)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OLD, "conditions on the inputs X, found none"),
        (OLD + "(assert (<= Y_0 1))", "found none"),
        (OLD + "(assert (or (<= X_0 1) (>= X_1 1)))", "line 4: expected the inputs' bounds by themselves"),
        (
            OLD + "(assert (or (and (<= X_0 1) (<= Y_0 1))))",
            "line 4: expected the inputs' bounds by themselves",
        ),
        (OLD + "(assert (<= X_0 Y_0))", "line 4: expected the inputs' bounds by themselves"),
        (OLD + "(assert (<= X_0 1))\n(assert (< X_1 1))", "line 5: expected <=, >= or an equation"),
        (OLD + "(assert (!= X_1 1))", "line 4"),
        (OLD + "(assert (<= X_0 1)", "end of the file"),
        (NEW + "(assert (<= (* X[0] X[1]) 1.0))", "line 4"),
        (
            NEW.replace(
                "))", "))(declare-network g (declare-input A real [2]) (declare-output B real [1]))", 1
            ),
            "one network",
        ),
    ],
)
def test_what_states_no_domain_is_refused_by_name_and_line(written, text, words):
    path = written(text)
    with pytest.raises(FormatError) as caught:
        property_domain(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


NET = Network.from_rows([([[1, 2]], [0]), ([[1]], [0])])


@pytest.mark.parametrize("asserted", ["(<= X_0 -1)", "(<= 2 1)", "(<= (+ X_0 X_1) -9)"])
def test_an_empty_domain_is_refused_even_for_equal_networks(written, asserted):
    path = written(BOTH[0] + f"(assert {asserted})")
    for other in (NET, Network.from_rows([([[1, 2]], [0]), ([[2]], [0])])):
        with pytest.raises(EmptyDomain, match="empty"):
            exactre.certify_equivalence(NET, other, domain=path)


def test_a_property_of_other_networks_is_refused(written):
    one = Network.from_rows([([[1]], [0])])
    with pytest.raises(ShapeError, match="domain with 1 inputs, found 2"):
        exactre.certify_equivalence(one, one, domain=written(BOTH[0]))
