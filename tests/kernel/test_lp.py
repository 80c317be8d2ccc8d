"""Exact LP: every answer is proved by a predicate that shares no code path with the search."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactre import lp
from exactre.errors import ShapeError
from exactre.guess import Guess, Search
from exactre.rational import Matrix

SMALL = st.integers(-3, 3)
WILD = st.one_of(SMALL, st.fractions(max_denominator=10**6), st.integers(-(2**200), 2**200))


@st.composite
def systems(draw, entries=SMALL):
    m, n = draw(st.integers(0, 7)), draw(st.integers(1, 4))
    A = [draw(st.lists(entries, min_size=n, max_size=n)) for _ in range(m)]
    b = draw(st.lists(entries, min_size=m, max_size=m))
    kinds = draw(st.lists(st.sampled_from("<<=~"), min_size=m, max_size=m))
    strict = [i for i, kind in enumerate(kinds) if kind == "~"]
    equal = [i for i, kind in enumerate(kinds) if kind == "="]
    return A, b, strict, equal


def is_proved(answer, A, b, strict, equal):
    if isinstance(answer, lp.Point):
        return lp.is_point(answer.x, A, b, strict=strict, equal=equal)
    return lp.is_farkas(answer.multipliers, A, b, strict=strict, equal=equal)


def proves(y, A, b, strict, equal):
    """Farkas' lemma in plain fractions."""
    n = len(A[0]) if A else 0
    signs = all(v >= 0 or i in equal for i, v in y.items())
    combination = [sum(v * Q(A[i][j]) for i, v in y.items()) for j in range(n)]
    bound = sum(v * Q(b[i]) for i, v in y.items())
    return signs and not any(combination) and (bound < 0 or (bound == 0 and any(y.get(i) for i in strict)))


@settings(max_examples=400)
@given(systems())
def test_a_point_or_multipliers(system):
    A, b, strict, equal = system
    answer = lp.feasible(A, b, strict=strict, equal=equal)
    assert is_proved(answer, A, b, strict, equal)
    if isinstance(answer, lp.Farkas):
        assert proves(answer.multipliers, A, b, strict, equal)
        assert all(isinstance(v, int) and v for v in answer.multipliers.values())


@settings(max_examples=200)
@given(systems(WILD))
def test_entries_of_any_size(system):
    A, b, strict, equal = system
    assert is_proved(lp.feasible(A, b, strict=strict, equal=equal), A, b, strict, equal)


@settings(max_examples=200)
@given(systems(), st.randoms(use_true_random=False), st.booleans())
def test_no_guess_and_wrong_guesses_are_repaired(system, random, silent):
    """The float solver may be absent or wrong: the exact pivots still decide."""
    A, b, strict, equal = system

    def wrong(self):
        if silent:
            return None
        n = len(self._solver.getLp().col_cost_)
        active = [i for i in range(self.m) if random.random() < 0.5]
        return Guess(np.array([random.uniform(-4, 4) for _ in range(n)]), active)

    truth = lp.feasible(A, b, strict=strict, equal=equal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "propose", wrong)
        answer = lp.feasible(A, b, strict=strict, equal=equal)
    assert type(answer) is type(truth)
    assert is_proved(answer, A, b, strict, equal)


@settings(max_examples=300)
@given(systems(), st.lists(SMALL, min_size=4, max_size=4), st.booleans())
def test_maximise(system, objective, silent):
    """An optimum is proved by duality, a ray by its slopes, emptiness by multipliers."""
    A, b, strict, equal = system
    equal = sorted({*strict, *equal})
    n = len(A[0]) if A else 0
    c = objective[:n]
    with pytest.MonkeyPatch.context() as patch:
        if silent:
            patch.setattr(Search, "propose", lambda self: None)
        answer = lp.maximise(c, A, b, equal=equal)
    if isinstance(answer, lp.Farkas):
        assert proves(answer.multipliers, A, b, [], equal)
        return
    assert lp.is_point(answer.x, A, b, equal=equal)
    if isinstance(answer, lp.Ray):
        slopes = [sum(Q(v) * d for v, d in zip(row, answer.direction, strict=True)) for row in A]
        assert all(v == 0 if i in equal else v <= 0 for i, v in enumerate(slopes))
        assert sum(Q(v) * d for v, d in zip(c, answer.direction, strict=True)) > 0
    else:
        y = answer.multipliers
        assert all(v >= 0 or i in equal for i, v in y.items())
        assert [sum(v * Q(A[i][j]) for i, v in y.items()) for j in range(n)] == c
        value = sum(Q(v) * p for v, p in zip(c, answer.x, strict=True))
        assert answer.value == value == sum(v * Q(b[i]) for i, v in y.items())


def ulp_system(m, n, seed, gap):
    """n + 1 rows that meet in one point up to `gap`, among m random ones that are far from it."""
    rng = np.random.default_rng(seed)
    A = [[int(v * 2**52) for v in row] for row in rng.standard_normal((n, n))]
    b = [int(v * 2**52) for v in rng.standard_normal(n)]
    y = [int(v) for v in rng.integers(1, 2**20, n)]
    A.append([-sum(v * row[j] for v, row in zip(y, A, strict=True)) for j in range(n)])
    b.append(-sum(v * h for v, h in zip(y, b, strict=True)) + gap)
    centre = np.linalg.solve(np.array(A[:n], float), np.array(b[:n], float))
    far = rng.standard_normal((m - n - 1, n))
    A += [[int(v * 2**52) for v in row] for row in far]
    b += [int(v * 2**52) for v in far @ centre + rng.random(m - n - 1) + 1]
    return A, b


@pytest.mark.parametrize("gap", [-1, 0, 1])
@pytest.mark.parametrize("shape", [(5, 2), (40, 8), (120, 30)])
def test_one_ulp_decides(shape, gap):
    A, b = ulp_system(*shape, seed=1, gap=gap)
    answer = lp.feasible(A, b)
    assert isinstance(answer, lp.Farkas if gap < 0 else lp.Point)
    assert is_proved(answer, A, b, [], [])
    assert isinstance(lp.feasible(A, b, strict=range(len(b))), lp.Point if gap > 0 else lp.Farkas)


@pytest.mark.parametrize("width", [60, 400, 1500])
def test_a_cell_too_thin_for_floats(width):
    """0 < x - 1 < 2**-width, and the same in a rotated frame."""
    eps = Q(1, 2**width)
    A, b = [[3, 4], [-3, -4], [4, -3], [-4, 3]], [5 + eps, -5, eps, 0]
    answer = lp.feasible(A, b, strict=range(4))
    assert isinstance(answer, lp.Point)
    assert is_proved(answer, A, b, range(4), [])
    b[2] = Q(0)
    assert isinstance(lp.feasible(A, b, strict=range(4)), lp.Farkas)


def test_a_roomy_cell_gives_short_points():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 10))
    b = A @ rng.standard_normal(10) + 1 + rng.random(60)
    answer = lp.feasible(Matrix.from_floats(A), Matrix.from_floats(b[:, None]))
    assert max(v.denominator for v in answer.x) <= 2**12


def test_a_point_on_a_hyperplane_inside_a_cell():
    """The equality holds exactly, the strict rows strictly."""
    A, b = [[3, 7, -2], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], [Q(1, 3), 1, 0, 1, 0]
    answer = lp.feasible(A, b, strict=range(1, 5), equal=[0])
    assert 3 * answer.x[0] + 7 * answer.x[1] - 2 * answer.x[2] == Q(1, 3)
    assert 0 < answer.x[0] < 1
    assert 0 < answer.x[1] < 1


def test_contradicting_equations():
    A, b = [[1, 2], [2, 4], [0, 1]], [1, 3, 0]
    answer = lp.feasible(A, b, equal=[0, 1, 2])
    assert answer == lp.Farkas({0: 2, 1: -1}) or answer == lp.Farkas({0: -2, 1: 1})
    assert proves(answer.multipliers, A, b, [], [0, 1, 2])
    assert lp.feasible(A, [1, 2, 0], equal=[0, 1, 2]) == lp.Point((Q(1), Q(0)))


def test_no_unknowns():
    A = Matrix.from_rows([[], []], 0)
    assert lp.feasible(A, [1, 0]) == lp.Point(())
    assert lp.feasible(A, [1, 0], equal=[0]) == lp.Farkas({0: -1})
    assert lp.feasible(A, [1, 0], strict=[1]) == lp.Farkas({1: 1})
    assert lp.feasible(A, [1, -3]) == lp.Farkas({1: 1})
    assert lp.maximise([], A, [1, 0]).value == 0


def test_empty_and_zero_rows():
    assert lp.feasible([], []) == lp.Point(())
    assert lp.feasible(Matrix.from_rows([], 3), Matrix.column([])) == lp.Point((Q(0),) * 3)
    assert lp.feasible([[0, 0]], [-1]) == lp.Farkas({0: 1})
    assert lp.feasible([[0, 0]], [0], strict=[0]) == lp.Farkas({0: 1})
    assert isinstance(lp.feasible([[0, 0]], [0]), lp.Point)


FALSE_MULTIPLIERS = [
    {},
    {0: 1},  # y A is not 0
    {0: 1, 1: 1, 2: -1},  # negative
    {0: 2, 1: 2},  # y b > 0
    {0: 1, 1: 1, 3: 1},  # no such row
    {0: 1, 1: 1, -1: 1},
]


@pytest.mark.parametrize("y", FALSE_MULTIPLIERS)
def test_false_multipliers_are_refused(y):
    A, b = [[1, 1], [-1, -1], [0, 0]], [1, 0, 5]
    assert not lp.is_farkas(y, A, b)


def test_multipliers_of_a_touching_system_need_a_strict_row():
    A, b = [[1], [-1], [0]], [1, -1, 0]
    assert not lp.is_farkas({0: 1, 1: 1}, A, b)
    assert lp.is_farkas({0: 1, 1: 1}, A, b, strict=[1])
    assert not lp.is_farkas({0: 1, 1: 1}, A, b, strict=[2])
    assert not lp.is_farkas({0: -1, 1: -1}, A, b, strict=[1])


def test_false_points_are_refused():
    A, b = [[1, 1], [-1, 0]], [1, 0]
    assert lp.is_point([0, 1], A, b)
    assert not lp.is_point([0, Q(2**70 + 1, 2**70)], A, b)
    assert not lp.is_point([0, 1], A, b, strict=[0])
    assert not lp.is_point([0, 0], A, b, equal=[0])
    assert not lp.is_point([0], A, b)


@pytest.mark.parametrize(
    ("A", "b", "options", "message"),
    [
        ([[1, 2], [1]], [0, 0], {}, "expected 2 coefficients in row 1, found 1"),
        ([[1, 2]], [0, 0], {}, "expected one right-hand side for each of 1 rows, found 2"),
        ([[1]], [0], {"strict": [1]}, "expected strict and equal rows from 0 to 0, found 1"),
        ([[1]], [0], {"equal": [-1]}, "expected strict and equal rows from 0 to 0, found -1"),
        ([[1]], [0], {"equal": [0], "strict": [0]}, "row 0 is named both strict and equal"),
    ],
)
def test_shapes_are_checked(A, b, options, message):
    with pytest.raises(ShapeError, match=message):
        lp.feasible(A, b, **options)


def test_objective_of_another_length():
    with pytest.raises(ShapeError, match="expected an objective of 1 coefficients, found 2"):
        lp.maximise([1, 1], [[1]], [0])
