"""`assert_equivalent`: two networks are the same function, or the failure shows where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactre.certify.checking import check
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.question import Domain
from exactre.network import Network
from exactre.rational import Rational


def assert_equivalent(
    a: Network,
    b: Network,
    *,
    domain: Domain | None = None,
    tolerance: Rational = 0,
    timeout: float | None = None,
) -> None:
    """Pass when the outputs are proved to be at most `tolerance` apart on the domain (None: all of R^n).

    Exact over Q; the certificate is checked before it counts. Raises AssertionError with a witness and both
    outputs when the networks differ, or with what is left when `timeout` seconds decide nothing; ShapeError,
    ExactreError and InvalidCertificate as `certify_equivalence` and `check` do.
    """
    __tracebackhide__ = True
    verdict = certify_equivalence(a, b, domain=domain, tolerance=tolerance, timeout=timeout)
    if verdict.certificate is None:
        raise AssertionError(f"not decided whether the networks are equivalent: {verdict.reason}")
    check(verdict.certificate, a, b)
    if verdict.witness is not None:
        x, left, right = verdict.witness.input, verdict.witness.output_a, verdict.witness.output_b
        gaps = [abs(p - q) for p, q in zip(left, right, strict=True)]
        worst = max(range(len(gaps)), key=lambda i: gaps[i])
        raise AssertionError(
            f"the networks differ by {gaps[worst]} in output {worst}, allowed {Fraction(tolerance)}\n"
            f"  x    = {_vector(x)}\n  a(x) = {_vector(left)}\n  b(x) = {_vector(right)}"
        )


def _vector(values: Sequence[Fraction]) -> str:
    return f"({', '.join(str(v) for v in values)})"
