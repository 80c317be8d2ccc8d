"""exactre: ReLU networks as exact mathematical objects."""

from exactre.certify.checking import check
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.gap import largest_gap
from exactre.certify.question import Domain
from exactre.complex.boundary import boundary_complex
from exactre.complex.recovery import recover_from_boundaries
from exactre.errors import ExactreError
from exactre.formats import load, save
from exactre.network import Network
from exactre.oracle.protocol import Oracle
from exactre.recover.recovery import recover
from exactre.recover.result import Result

__all__ = [
    "Domain",
    "ExactreError",
    "Network",
    "Oracle",
    "Result",
    "boundary_complex",
    "certify_equivalence",
    "check",
    "largest_gap",
    "load",
    "recover",
    "recover_from_boundaries",
    "save",
]
