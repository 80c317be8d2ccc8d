"""Exact LP feasibility beside Z3 and cvc5, where installed: `python -m benchmarks.lp [rows columns ...]`.

Dense systems A x <= b of float64 entries: clearly feasible, clearly infeasible, and infeasible by one unit in
the last place of one right-hand side. Ours is the best of three runs, and every answer is verified by its
predicate. The others run once, in a process of their own, and are stopped after LIMIT seconds.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from queue import Empty

import numpy as np

from exactre import lp
from exactre.rational import Matrix

SHAPES = [(10, 4), (30, 10), (300, 50), (800, 100)]
LIMIT = 10.0

System = tuple[Matrix, Matrix]


def feasible(m: int, n: int, rng: np.random.Generator) -> System:
    A = rng.standard_normal((m, n))
    b = A @ rng.standard_normal(n) + rng.random(m) + 0.01
    return Matrix.from_floats(A), Matrix.from_floats(b[:, None])


def infeasible(m: int, n: int, rng: np.random.Generator) -> System:
    """A nonnegative combination of n + 1 rows is zero, and the same of their right-hand sides is negative."""
    A, b, _ = touching(m, n, rng)
    b[n] -= 1
    return Matrix.from_rows(A), Matrix.column(b)


def infeasible_by_one_ulp(m: int, n: int, rng: np.random.Generator) -> System:
    """n + 1 half-spaces that touch in one point, the last one moved off by one unit in its last place."""
    A, b, ulp = touching(m, n, rng)
    b[n] -= ulp
    return Matrix.from_rows(A), Matrix.column(b)


def touching(
    m: int, n: int, rng: np.random.Generator
) -> tuple[list[list[Fraction]], list[Fraction], Fraction]:
    unit = Fraction(1, 2**45)
    A = [[round(v * 2**45) * unit for v in row] for row in rng.standard_normal((n, n)).tolist()]
    b = [round(v * 2**45) * unit for v in rng.standard_normal(n).tolist()]
    y = [int(v) for v in rng.integers(1, 32, n)]
    A.append([-sum(v * row[j] for v, row in zip(y, A, strict=True)) for j in range(n)])
    b.append(-sum((v * h for v, h in zip(y, b, strict=True)), Fraction(0)))
    corner = np.linalg.solve(np.array(A[:n], dtype=float), np.array(b[:n], dtype=float))
    others = rng.standard_normal((m - n - 1, n))
    A += [[Fraction(v) for v in row] for row in others.tolist()]
    b += [Fraction(v) for v in (others @ corner + rng.random(m - n - 1) + 0.01).tolist()]
    return A, b, unit


def ours(system: System) -> tuple[str, float]:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        answer = lp.feasible(*system)
        best = min(best, time.perf_counter() - start)
    if isinstance(answer, lp.Point):
        assert lp.is_point(answer.x, *system)
        return "point", best
    assert lp.is_farkas(answer.multipliers, *system)
    return "Farkas", best


def with_z3(system: System) -> str:
    import z3

    A, b = system
    x = z3.RealVector("x", A.shape[1])
    solver = z3.SolverFor("QF_LRA")
    for row, (bound,) in zip(A.rows(), b.rows(), strict=True):
        solver.add(
            z3.Sum([z3.Q(c.numerator, c.denominator) * v for c, v in zip(row, x, strict=True)])
            <= z3.Q(bound.numerator, bound.denominator)
        )
    return str(solver.check())


def with_cvc5(system: System) -> str:
    import cvc5
    from cvc5 import Kind

    A, b = system
    tm = cvc5.TermManager()
    solver = cvc5.Solver(tm)
    solver.setLogic("QF_LRA")
    x = [tm.mkConst(tm.getRealSort(), f"x{j}") for j in range(A.shape[1])]
    for row, (bound,) in zip(A.rows(), b.rows(), strict=True):
        terms = [tm.mkTerm(Kind.MULT, tm.mkReal(str(c)), v) for c, v in zip(row, x, strict=True)]
        total = tm.mkTerm(Kind.ADD, *terms) if len(terms) > 1 else terms[0]
        solver.assertFormula(tm.mkTerm(Kind.LEQ, total, tm.mkReal(str(bound))))
    return str(solver.checkSat())


def limited(solve: Callable[[System], str], system: System) -> str:
    """Answer and seconds of a solver in a process of its own, or that it was stopped."""
    queue: multiprocessing.Queue[tuple[str, float]] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_timed, args=(solve, system, queue))
    process.start()
    try:
        answer, seconds = queue.get(timeout=LIMIT)
        return f"{answer} {seconds:.3f}"
    except Empty:
        return f"> {LIMIT:.0f}"
    finally:
        process.terminate()
        process.join()


def _timed(
    solve: Callable[[System], str], system: System, queue: multiprocessing.Queue[tuple[str, float]]
) -> None:
    solve((Matrix.from_rows([[1]]), Matrix.column([0])))  # loads the library
    start = time.perf_counter()
    answer = solve(system)
    queue.put((answer, time.perf_counter() - start))


def main(arguments: list[str]) -> None:
    numbers = [int(v) for v in arguments]
    shapes = list(zip(numbers[::2], numbers[1::2], strict=True)) or SHAPES
    rivals = {
        name: solve
        for name, module, solve in [("Z3", "z3", with_z3), ("cvc5", "cvc5", with_cvc5)]
        if importlib.util.find_spec(module)
    }
    print("seconds; `>` is not decided within the limit\n")
    print(f"{'rows x columns':<16}{'kind':<24}{'exactre':>16}" + "".join(f"{name:>16}" for name in rivals))
    for m, n in shapes:
        for make in (feasible, infeasible, infeasible_by_one_ulp):
            system = make(m, n, np.random.default_rng(0))
            answer, seconds = ours(system)
            cells = [f"{answer} {seconds:.3f}", *(limited(solve, system) for solve in rivals.values())]
            label = make.__name__.replace("_", " ")
            print(f"{f'{m} x {n}':<16}{label:<24}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
