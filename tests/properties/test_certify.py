"""Verdicts on generated pairs are right, their certificates are accepted, and fit no other networks."""

from fractions import Fraction
from typing import get_args

import pytest
from campaign import examples
from hypothesis import assume, given
from hypothesis import strategies as st
from plain import plain_output

import exactre
from exactre.certify.question import Domain
from exactre.errors import ExactreError, InvalidCertificate
from exactre.testing import equivalent_pairs, isomorphic_pairs, mutant_pairs, networks
from exactre.testing.features import Feature
from exactre.testing.mutations import Mutation
from exactre.testing.pairs import Form

KINDS = networks() | networks(weights="float32") | networks(features=get_args(Feature))
SMALL = networks(inputs=(1, 2), depth=(1, 2), width=(1, 2))


def assert_equal(a, b):
    """A verdict of equality, whose certificate holds for these networks in this order."""
    verdict = exactre.certify_equivalence(a, b)
    assert (verdict.status, verdict.witness) == ("equivalent", None)
    exactre.check(verdict.certificate, a, b)
    return verdict


def assert_different(a, b):
    """A verdict of difference, whose witness is one by plain arithmetic."""
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "different"
    exactre.check(verdict.certificate, a, b)
    x = verdict.witness.input
    assert verdict.witness.output_a == plain_output(a, x)
    assert verdict.witness.output_b == plain_output(b, x)
    assert verdict.witness.output_a != verdict.witness.output_b
    return verdict


@examples(60)
@given(isomorphic_pairs(of=KINDS))
def test_isomorphic_networks_are_matched(pair):
    assert assert_equal(*pair).method == "matching"


@pytest.mark.parametrize("form", get_args(Form))
def test_every_form_of_a_network_is_proved_equal(form):
    @examples(20)
    @given(equivalent_pairs(forms=[form]))
    def law(pair):
        assert_equal(*pair)
        assert_equal(*reversed(pair))

    law()


@examples(40)
@given(equivalent_pairs(of=SMALL | networks(depth=0) | networks(features={"bottleneck", "zero-weights"})))
def test_forms_on_top_of_each_other_are_proved_equal(pair):
    assert_equal(*pair)


@pytest.mark.parametrize("mutation", get_args(Mutation))
def test_mutants_are_refuted(mutation):
    @examples(30)
    @given(mutant_pairs(of=SMALL, mutations=[mutation]))
    def law(mutant):
        a, b, _ = mutant
        assert_different(a, b)
        assert_different(b, a)

    law()


@examples(30)
@given(mutant_pairs(of=SMALL))
def test_a_mutant_is_refuted_on_a_box_around_its_witness(mutant):
    a, b, x = mutant
    box = Domain.box([v - 1 for v in x], [v + 1 for v in x])
    verdict = exactre.certify_equivalence(a, b, domain=box)
    assert verdict.status == "different"
    assert verdict.witness.input in box
    exactre.check(verdict.certificate, a, b)


@examples(30)
@given(mutant_pairs(of=SMALL))
def test_a_tolerance_above_the_gap_at_the_witness_decides_the_witness_alone(mutant):
    a, b, x = mutant
    here = Domain.box(x, x)
    gap = max(abs(p - q) for p, q in zip(plain_output(a, x), plain_output(b, x), strict=True))
    for tolerance, status in ((gap, "equivalent"), (gap / 2, "different"), (Fraction(0), "different")):
        verdict = exactre.certify_equivalence(a, b, domain=here, tolerance=tolerance)
        assert verdict.status == status
        exactre.check(verdict.certificate, a, b)


# Reject: a certificate that holds is refused for any other pair, claim or proof.


@examples(30)
@given(equivalent_pairs(of=SMALL), networks(inputs=1, outputs=1, depth=1, width=1))
def test_a_certificate_of_equality_is_refused_for_other_networks(pair, stranger):
    a, b = pair
    certificate = assert_equal(a, b).certificate
    others = [(b, a), (a, a), (b, b), (a, stranger), (stranger, b)]
    for other in others[:3] if stranger in pair else others:
        with pytest.raises(InvalidCertificate):
            exactre.check(certificate, *other)


@examples(30)
@given(mutant_pairs(of=SMALL))
def test_equality_of_mutants_cannot_be_certified(mutant):
    a, b, _ = mutant
    document = exactre.certify_equivalence(a, b).certificate.document()
    for_others = exactre.certify_equivalence(a, a).certificate.document()["proof"]
    bare = {"a": [["atom", a.neurons]], "b": [["atom", b.neurons]], "tree": [["equal"]]}
    for proof in (for_others, bare):
        with pytest.raises(ExactreError):
            exactre.check(document | {"claim": "equivalent", "proof": proof}, a, b)


@examples(30)
@given(mutant_pairs(of=SMALL))
def test_a_witness_is_refused_when_a_number_of_it_changes(mutant):
    a, b, _ = mutant
    document = exactre.certify_equivalence(a, b).certificate.document()
    for field in ("output_a", "output_b"):
        values = list(document["proof"][field])
        values[0] = str(Fraction(values[0]) + 1)
        forged = document | {"proof": document["proof"] | {field: values}}
        with pytest.raises(InvalidCertificate):
            exactre.check(forged, a, b)


@examples(30)
@given(equivalent_pairs(of=SMALL), st.data())
def test_no_point_is_a_witness_against_equal_networks(pair, data):
    a, b = pair
    x = data.draw(st.tuples(*[st.integers(-9, 9)] * a.input_dim))
    certificate = assert_equal(a, b).certificate.document()
    value = [str(v) for v in plain_output(a, x)]
    proof = {"input": [str(v) for v in x], "output_a": value, "output_b": value}
    with pytest.raises(InvalidCertificate):
        exactre.check(certificate | {"claim": "different", "proof": proof}, a, b)


@examples(30)
@given(equivalent_pairs(of=SMALL), st.data())
def test_a_proof_without_one_of_its_steps_is_refused(pair, data):
    a, b = pair
    document = assert_equal(a, b).certificate.document()
    side = data.draw(st.sampled_from(["a", "b", "tree"]))
    steps = document["proof"][side]
    assume(steps)
    k = data.draw(st.integers(0, len(steps) - 1))
    proof = document["proof"] | {side: [*steps[:k], *steps[k + 1 :]]}
    with pytest.raises(ExactreError):
        exactre.check(document | {"proof": proof}, a, b)
