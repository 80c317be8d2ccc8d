"""A planted bug is found and shrunk to a network that a person can read, and the report shows it."""

from fractions import Fraction

import pytest
from hypothesis import Phase, find, given, settings
from plain import plain_output

import exactre
from exactre.certify.question import Domain
from exactre.errors import ShapeError
from exactre.network import Network
from exactre.testing import assert_equivalent, equivalent_pairs, isomorphic_pairs, mutant_pairs, networks
from exactre.testing.forms import subadditive
from exactre.testing.printing import source

SEARCH = settings(database=None, derandomize=True, max_examples=500)


def without_duplicates(net):
    """PLANTED BUG: a duplicate neuron is dropped, and its outgoing weights are forgotten."""
    (rows, bias), *rest = [
        ([*node.inputs[0][1].rows()], [b for (b,) in node.bias.rows()]) for node in net.nodes
    ]
    keys = [tuple(v / abs(row[0]) for v in [*row, b]) for row, b in zip(rows, bias, strict=True)]
    kept = [i for i, key in enumerate(keys) if key not in keys[:i]]
    (after, bias_after), *rest = rest
    columns = [[row[i] for i in kept] for row in after]
    return Network.from_rows(
        [([rows[i] for i in kept], [bias[i] for i in kept]), (columns, bias_after), *rest]
    )


def differ(a, b):
    return exactre.certify_equivalence(a, b).status == "different"


def test_a_planted_bug_shrinks_to_one_input_and_numbers_of_one_digit():
    net = find(
        networks(features={"duplicate"}), lambda net: differ(net, without_duplicates(net)), settings=SEARCH
    )
    assert source(net) == "Network.from_rows([([[1], [1]], [1, 1]), ([[1, 1]], [1])])"


@pytest.mark.parametrize("kind", ["integers", "thirds", "float32"])
def test_every_kind_shrinks_to_ones(kind):
    net = find(networks(weights=kind), lambda net: True, settings=SEARCH)
    assert source(net) == "Network.from_rows([([[1]], [1]), ([[1]], [1])])"


def test_isomorphic_pairs_shrink_to_two_neurons_in_the_other_order():
    a, _ = find(isomorphic_pairs(), lambda pair: pair[0] != pair[1], settings=SEARCH)
    assert (a.input_dim, a.output_dim, len(a.nodes)) == (1, 1, 2)
    assert a.neurons <= 2


def test_equivalent_pairs_shrink_to_one_form():
    a, b = find(equivalent_pairs(), lambda pair: True, settings=SEARCH)
    assert source(a) == "Network.from_rows([([[1]], [1]), ([[1]], [1])])"
    assert b.neurons == 2


def test_mutants_shrink_to_the_output_at_the_origin():
    a, b, x = find(mutant_pairs(), lambda mutant: True, settings=SEARCH)
    assert source(a) == "Network.from_rows([([[1]], [1]), ([[1]], [1])])"
    assert x == (0,)
    assert [p - q for p, q in zip(plain_output(b, x), plain_output(a, x), strict=True)] == [1]


def test_the_report_shows_the_shrunk_network_the_witness_and_both_outputs():
    @settings(SEARCH, phases=[Phase.generate, Phase.shrink], print_blob=False)
    @given(networks(features={"duplicate"}))
    def law(net):
        assert_equivalent(net, without_duplicates(net))

    with pytest.raises(AssertionError) as failure:
        law()
    text = "\n".join([str(failure.value), *failure.value.__notes__])
    assert "net=Network.from_rows([([[1], [1]], [1, 1]), ([[1, 1]], [1])])" in text
    assert "the networks differ by" in text
    [x, a, b] = [line.split("=")[1].strip() for line in str(failure.value).splitlines()[1:]]
    value = Fraction(x.strip("()"))
    assert a == f"({2 * max(value + 1, 0) + 1})"
    assert b == f"({max(value + 1, 0) + 1})"


RELU, IDENTITY = Network.from_rows([([[1]], [0]), ([[1]], [0])]), Network.from_rows([([[1]], [0])])


def test_equal_networks_pass():
    assert_equivalent(RELU, RELU)
    assert_equivalent(RELU, IDENTITY, domain=Domain.box([0], [9]))
    assert_equivalent(RELU, IDENTITY, domain=Domain.box([-1], [9]), tolerance=1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tolerance": 1},
        {"domain": Domain.box([-1], [9])},
        {"domain": Domain.box([-1], [9]), "tolerance": Fraction(999, 1000)},
    ],
)
def test_different_networks_fail(options):
    with pytest.raises(
        AssertionError, match=r"(?s)the networks differ by .* x    = .* a\(x\) = .* b\(x\) = "
    ):
        assert_equivalent(RELU, IDENTITY, **options)


def test_an_undecided_question_fails_and_says_what_is_left():
    # One more neuron, dead for reasons that only cases show, and no time for them.
    other = subadditive(RELU, "input", [[Fraction(1)], [Fraction(-1)]], [Fraction(1)])
    with pytest.raises(AssertionError, match=r"not decided whether the networks are equivalent: .*cells"):
        assert_equivalent(RELU, other, timeout=0)


def test_networks_of_other_dimensions_are_no_failed_comparison():
    with pytest.raises(ShapeError, match="same inputs and outputs"):
        assert_equivalent(RELU, Network.from_rows([([[1, 1]], [0])]))
