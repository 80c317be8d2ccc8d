"""Compare networks: equal though every weight differs, and different though all but one bit is equal."""

from fractions import Fraction
from pathlib import Path

import exactre
from exactre import Network
from exactre.rational import Matrix

DIGITS = Path(__file__).with_name("digits.onnx")


def shuffled(net: Network) -> Network:
    """The same function: the first layer reversed and scaled by 3/2, the next layer's weights by 2/3."""
    first, second, *rest = ((node.inputs[0][1], node.bias) for node in net.nodes)
    rows = Matrix.from_rows(first[0].rows()[::-1]).scale(Fraction(3, 2))
    bias = Matrix.from_rows(first[1].rows()[::-1]).scale(Fraction(3, 2))
    columns = Matrix.from_rows([row[::-1] for row in second[0].rows()]).scale(Fraction(2, 3))
    return Network.layered([(rows, bias), (columns, second[1]), *rest])


def nudged(net: Network) -> Network:
    """Another function: one weight of the last layer has another last bit."""
    *rest, (weight, bias) = ((node.inputs[0][1], node.bias) for node in net.nodes)
    rows = weight.rows()
    rows[3][5] += Fraction(1, 2**26)
    return Network.layered([*rest, (Matrix.from_rows(rows), bias)])


def main() -> None:
    """Certify both pairs."""
    net = exactre.load(DIGITS)
    same = exactre.certify_equivalence(net, shuffled(net))
    print("shuffled and rescaled:", same.status, "by", same.method)
    exactre.check(same.certificate, net, shuffled(net))

    other = exactre.certify_equivalence(net, nudged(net))
    print("one bit of one weight:", other.status, "by", other.method)
    exactre.check(other.certificate, net, nudged(net))
    a, b = other.witness.output_a, other.witness.output_b
    [k] = [k for k in range(len(a)) if a[k] != b[k]]
    print(f"at the witness output {k} differs by {abs(a[k] - b[k])}, which is {float(abs(a[k] - b[k])):.3g}")


if __name__ == "__main__":
    main()
