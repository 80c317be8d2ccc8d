"""Networks of random numbers for complexes: few numbers make ties, many make what is generic."""

import random
from itertools import pairwise

from exactre.network import Network


def random_network(seed, *widths, most=99):
    rng = random.Random(seed)

    def number():
        return rng.choice((-1, 1)) * rng.randint(1, most)

    return Network.from_rows(
        [
            ([[number() for _ in range(n)] for _ in range(m)], [number() for _ in range(m)])
            for n, m in pairwise(widths)
        ]
    )
