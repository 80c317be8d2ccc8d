"""Read a small network, and the linear region around a point, as SymPy expressions."""

from fractions import Fraction

from exactre import Network, symbolic
from exactre.region import region


def main() -> None:
    """Print the network's equations, and the region of the point (1, 1/2) with its affine map."""
    third = Fraction(1, 3)
    net = Network.from_rows([([[1, -2], [third, 1], [-1, 1]], [Fraction(1, 2), -1, 0]), ([[2, 3, 1]], [-4])])
    for equation in symbolic.definitions(net):
        print(f"{equation.lhs} = {equation.rhs}")
    point = (1, Fraction(1, 2))
    cell = region(net, net.pattern(point))
    print("around (1, 1/2):")
    for condition in symbolic.conditions(cell):
        print("   ", condition)
    [value] = symbolic.affine(cell.output)
    print("    f =", value)
    print("    f(1, 1/2) =", net(point)[0])


if __name__ == "__main__":
    main()
