"""The ledger of floats: counts, keeps bit by bit, asks nothing twice, and loses nothing that was answered."""

import numpy as np
import pytest

from exactre.errors import LedgerError, OracleError, OutOfBudget
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.measured import ArrayOracle

POINTS = np.array([[0.1, -2.5], [1e-300, 3.0], [-0.0, 0.0], [7.0, 1 / 3]])


def f(x):
    return np.stack([x[:, 0] + 2 * x[:, 1], np.maximum(x[:, 0], 0)], axis=1)


class Recorder(ArrayOracle):
    """Answers in batches of two, and remembers how many points it was asked."""

    def __init__(self, f=f, **options):
        super().__init__(f, 2, batch=2, **options)
        self.asked = 0

    def query_batches(self, points):
        for answers in super().query_batches(points):
            self.asked += len(answers)
            yield answers


def test_answers_are_the_oracles_bit_by_bit_and_points_are_kept_so():
    ledger = FloatLedger(Recorder())
    assert ledger.ask(POINTS).tobytes() == f(POINTS).tobytes()
    points, answers = (np.concatenate(column) for column in zip(*ledger.replay(), strict=True))
    assert points.tobytes() == POINTS.tobytes()
    assert answers.tobytes() == f(POINTS).tobytes()


def test_every_point_counts_and_only_unknown_points_are_sent():
    recorder = Recorder()
    ledger = FloatLedger(recorder)
    ledger.ask(POINTS[:3])
    ledger.ask(POINTS[1:])
    ledger.ask(POINTS[[3, 3, 0]])
    assert (ledger.queries, ledger.new_queries, recorder.asked) == (9, 4, 4)
    assert ledger.query_bits == 9 * 2 * 64


def test_zero_and_minus_zero_are_two_queries():
    ledger = FloatLedger(Recorder())
    ledger.ask(np.array([[0.0, 0.0], [-0.0, 0.0]]))
    assert ledger.new_queries == 2


def test_a_resumed_ledger_asks_nothing_again(tmp_path):
    path = tmp_path / "l.sqlite"
    with FloatLedger(Recorder(), path=path) as ledger:
        ledger.ask(POINTS)
    recorder = Recorder()
    with FloatLedger(recorder, path=path, resume=True) as ledger:
        assert ledger.ask(POINTS[::-1]).tobytes() == f(POINTS[::-1]).tobytes()
    assert recorder.asked == 0


def test_what_was_answered_before_a_failure_is_kept(tmp_path):
    def fails_far_out(x):
        if (x > 5).any():
            raise RuntimeError("refused: outside of the box")
        return f(x)

    path = tmp_path / "l.sqlite"
    with (
        FloatLedger(Recorder(fails_far_out), path=path) as ledger,
        pytest.raises(OracleError, match="RuntimeError: refused: outside of the box"),
    ):
        ledger.ask(POINTS)
    recorder = Recorder()
    with FloatLedger(recorder, path=path, resume=True) as ledger:
        ledger.ask(POINTS)
    assert recorder.asked == 2


def test_what_is_right_in_a_batch_is_kept_when_the_rest_is_nan(tmp_path):
    def half(x):
        y = f(x)
        y[1:, 0] = np.nan
        return y

    path = tmp_path / "l.sqlite"
    with (
        FloatLedger(Recorder(half), path=path) as ledger,
        pytest.raises(OracleError, match=r"answered nan at a point with coordinates up to 3"),
    ):
        ledger.ask(POINTS)
    recorder = Recorder()
    with FloatLedger(recorder, path=path, resume=True) as ledger:
        ledger.ask(POINTS)
    assert recorder.asked == 3


def test_an_infinite_answer_is_refused():
    with pytest.raises(OracleError, match="answered inf"):
        FloatLedger(Recorder(lambda x: np.full((len(x), 1), np.inf))).ask(POINTS)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: np.zeros((len(x), 2, 2)), r"expected answers \(count, outputs\)"),
        (lambda x: np.zeros((len(x), 0)), r"expected answers \(count, outputs\)"),
        (lambda x: np.zeros((len(x) + 9, 1)), "expected 4 answers from the oracle, found more"),
        (lambda x: np.zeros((1, 1)), "expected 4 answers from the oracle, found 2"),
        (lambda x: np.zeros((len(x), 1 + (x > 5).any())), "expected an answer of 1 entries, found 2"),
    ],
)
def test_answers_of_a_wrong_shape_are_refused(answer, words):
    with pytest.raises(OracleError, match=words):
        FloatLedger(Recorder(answer)).ask(POINTS)


def test_a_budget_stops_before_the_query():
    recorder = Recorder()
    ledger = FloatLedger(recorder, max_queries=5)
    ledger.ask(POINTS)
    with pytest.raises(OutOfBudget, match="4 queries asked, 2 more exceed max_queries=5"):
        ledger.ask(POINTS[:2])
    assert (ledger.queries, recorder.asked) == (4, 4)


def test_another_arithmetic_is_another_run(tmp_path):
    FloatLedger(Recorder(), path=tmp_path / "l.sqlite").close()
    with pytest.raises(LedgerError, match="expected a run with arithmetic float32, found float64"):
        FloatLedger(Recorder(arithmetic="float32"), path=tmp_path / "l.sqlite", resume=True)


def test_again_tells_what_has_changed_and_counts():
    drift = [0.0]
    ledger = FloatLedger(Recorder(lambda x: f(x) + drift[0]))
    ledger.ask(POINTS)
    drift[0] = 0.25
    before, now = ledger.again(POINTS[:2])
    assert np.array_equal(before, f(POINTS[:2]))
    assert np.array_equal(now, f(POINTS[:2]) + 0.25)
    assert ledger.queries == 6
