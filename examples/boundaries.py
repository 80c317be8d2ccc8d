"""The hidden layers of a small network, found again from the edges between its linear regions alone."""

import random

from exactre import Network, boundary_complex, recover_from_boundaries, symbolic
from exactre.complex.pieces import Complex


def main() -> None:
    """Print a network, how many edges it has in the plane, and what they tell of it."""
    first = [[2, 2], [2, -3], [3, -2]], [-3, -2, 1]
    second = [[-2, 2, 3], [1, -5, -1], [5, 5, 4]], [-4, 4, -3]
    net = Network.from_rows([first, second, ([[-1, 3, 1]], [4])])
    for equation in symbolic.definitions(net)[:-1]:
        print(f"{equation.lhs} = {equation.rhs}")
    shown = boundary_complex(net)
    edges = list(shown.pieces)
    random.Random(0).shuffle(edges)
    print(f"{len(shown.regions)} regions, {len(edges)} edges; from the edges alone:")
    result = recover_from_boundaries(Complex(2, None, (), tuple(edges)))
    print(f"{result.status}, hidden layers {'-'.join(map(str, result.layers))}")
    for equation in symbolic.definitions(result.network):
        print(f"{equation.lhs} = {equation.rhs}")
    print("not told by any edge:")
    for text in result.undetermined:
        print(f"- {text}")


if __name__ == "__main__":
    main()
