"""Recover a network that lives in another process: nothing but answers can reach the recovery."""

import random
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection

import exactre
from exactre import Network

WIDTHS = (5, 5, 3, 2)


def serve(connection: Connection) -> None:
    """Answer exact queries about a network that this process makes up and keeps to itself."""
    rng = random.Random(0)

    def draw() -> Fraction:
        return Fraction(rng.randint(-99, 99), rng.choice((1, 3, 7, 8)))

    net = Network.from_rows(
        [
            ([[draw() for _ in range(n)] for _ in range(m)], [draw() for _ in range(m)])
            for n, m in pairwise(WIDTHS)
        ]
    )
    while (point := connection.recv()) is not None:
        connection.send(net(point))


def main() -> None:
    """Recover the other process's network and compare fresh answers."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()

    def ask(x: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        here.send(x)
        return here.recv()

    result = exactre.recover(ask, input_dim=WIDTHS[0])
    print(result.status)
    print(f"hidden layers {result.layers}")
    print("first neuron's weights:", *result.network.nodes[0].inputs[0][1].rows()[0])
    x = tuple(Fraction(k, 7) for k in range(WIDTHS[0]))
    print("a fresh point:", "equal" if ask(x) == result.network(x) else "DIFFERENT")
    here.send(None)
    process.join()


if __name__ == "__main__":
    main()
