"""Test kit: Hypothesis strategies for exact networks and pairs of them, and an assertion; extra `testing`."""

from exactre.testing.assertions import assert_equivalent
from exactre.testing.networks import networks
from exactre.testing.pairs import equivalent_pairs, isomorphic_pairs, mutant_pairs
from exactre.testing.printing import register

register()

__all__ = ["assert_equivalent", "equivalent_pairs", "isomorphic_pairs", "mutant_pairs", "networks"]
