"""`Proof`: two networks that the stand-alone checker accepts as one function, and how it is asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

from exactre.certify.certificate import Certificate
from exactre.certify.checking import check
from exactre.certify.equivalence import certify_equivalence
from exactre.certify.question import Domain
from exactre.network import Network, Node
from exactre.rational import Matrix


@dataclass(frozen=True)
class Proof:
    """`a` and `b` are the same function on the certificate's domain; its multipliers have been checked."""

    a: Network
    b: Network
    certificate: Certificate


@dataclass(frozen=True)
class Refutation:
    """A point at which the two networks differ, exact."""

    point: tuple[Fraction, ...]


def decide(
    a: Network, b: Network, domain: Domain | None, deadline: float | None
) -> Proof | Refutation | None:
    """Whether two networks are one function on the domain (None: R^n); None when the time is out. Exact."""
    left = None if deadline is None else deadline - time.time()
    if left is not None and left <= 0:
        return None
    verdict = certify_equivalence(a, b, domain=domain, timeout=left)
    if verdict.certificate is None:
        return None
    check(verdict.certificate, a, b)
    return Refutation(verdict.witness.input) if verdict.witness else Proof(a, b, verdict.certificate)


def share(deadline: float | None, left: int) -> float | None:
    """The deadline of the next of `left` questions, if all get the same part of the time."""
    now = time.time()
    return None if deadline is None else now + (deadline - now) / left


def side(net: Network, name: str, j: int, sign: int) -> Network:
    """The network of the one output relu(sign u), u the preactivation of neuron j of node `name`."""
    at = next(k for k, node in enumerate(net.nodes) if node.name == name)
    node = net.nodes[at]
    inputs = tuple((s, Matrix.from_rows([w.rows()[j]], w.shape[1]).scale(sign)) for s, w in node.inputs)
    bias = Matrix.column([node.bias[j, 0] * sign])
    return Network(net.input_dim, [*net.nodes[:at], Node(name, True, inputs, bias)])


def zero(n: int) -> Network:
    """The function 0 on R^n."""
    return Network.from_rows([([[0] * n], [0])])
