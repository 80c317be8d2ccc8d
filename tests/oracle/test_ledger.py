"""The ledger counts, keeps and gives back; it asks nothing twice and never beyond its budget."""

import sqlite3
import subprocess
import sys
from fractions import Fraction

import pytest
from flint import fmpz_mat

from exactre.errors import LedgerError, OracleError, OutOfBudget
from exactre.network import Network
from exactre.oracle.exact import CallableOracle, NetworkOracle
from exactre.oracle.ledger import Ledger
from exactre.rational import Points

NET = Network.from_rows([([[1, 2], [-1, 1]], [0, Fraction(1, 3)]), ([[1, -1], [2, 3]], [5, 0])])


class Recorder:
    """Answers with NET and remembers what it was asked."""

    input_dim = 2
    output_dim = 2

    def __init__(self):
        self.asked = []

    def query(self, points):
        self.asked.extend(points)
        return [NET(point) for point in points]


def batch(*points):
    return Points.of(points, 2)


A, B, C, D = batch((1, 2)), batch((Fraction(1, 3), -5)), batch((0, 0), (7, 8)), batch((0, 0), (1, 2), (9, 9))


def test_answers_come_in_order_and_equal_the_oracles():
    ledger = Ledger(NetworkOracle(NET))
    for points in (A, B, C, D, batch((3, 3), (3, 3))):
        assert ledger.ask(points) == NET.evaluate(points)


def test_every_point_counts_as_a_query_and_only_unknown_points_are_sent():
    recorder = Recorder()
    ledger = Ledger(recorder)
    for points in (A, B, C, D, batch((3, 3), (3, 3))):
        ledger.ask(points)
    assert ledger.queries == 9
    assert ledger.new_queries == 6
    assert recorder.asked == [*A, *B, *C, (9, 9), (3, 3)]


def test_query_bits_are_bits_of_the_coordinates_in_lowest_terms():
    ledger = Ledger(NetworkOracle(NET))
    ledger.ask(Points(fmpz_mat(1, 2, [2, 12]), 8))  # 1/4, 3/2
    assert ledger.query_bits == (1 + 3) + (2 + 2)
    ledger.ask(batch((0, -4)))  # 0/1, -4/1
    assert ledger.query_bits == 8 + (0 + 1) + (3 + 1)


def test_an_answer_has_the_same_numerators_from_the_oracle_and_from_the_ledger():
    first = Ledger(NetworkOracle(NET)).ask(Points(B.num * 6, B.den * 6))
    ledger = Ledger(NetworkOracle(NET))
    ledger.ask(B)
    again = ledger.ask(B)
    assert (first.num, first.den) == (again.num, again.den)


def test_an_unknown_output_dimension_costs_one_query_at_the_origin():
    asked = []

    def f(x):
        asked.append(x)
        return NET(x)

    ledger = Ledger(CallableOracle(f, 2))
    assert (ledger.output_dim, ledger.queries, asked) == (2, 1, [(0, 0)])
    assert (ledger.output_dim, ledger.queries) == (2, 1)


def test_replay_gives_every_query_with_its_answer_once_and_in_order():
    ledger = Ledger(NetworkOracle(NET))
    long = batch(*[(Fraction(k, 2**9000), Fraction(k, 3**7000)) for k in range(1, 400)])
    for points in (A, B, C, D, long):
        ledger.ask(points)
    batches = list(ledger.replay())
    assert len(batches) > 1
    assert [point for points, _ in batches for point in points] == [*A, *B, *C, (9, 9), *long]
    assert all(NET.evaluate(points) == answers for points, answers in batches)


def test_replay_of_an_empty_ledger_is_empty():
    assert list(Ledger(NetworkOracle(NET)).replay()) == []


def test_reask_asks_again_and_counts():
    recorder = Recorder()
    ledger = Ledger(recorder)
    ledger.ask(D)
    ledger.reask(2)
    assert (ledger.queries, ledger.new_queries) == (5, 5)
    assert recorder.asked == [*D, D[0], D[1]]
    ledger.reask(10)
    assert ledger.queries == 8


def test_reask_finds_an_oracle_that_changes_its_answer():
    answers = iter([1, 2, 1, 3])
    ledger = Ledger(CallableOracle(lambda x: next(answers), 2))
    ledger.ask(C)
    with pytest.raises(OracleError, match="contradicts itself: query 2 has another answer now"):
        ledger.reask(2)


def test_a_batch_beyond_max_queries_is_refused_before_any_of_it_is_sent():
    recorder = Recorder()
    ledger = Ledger(recorder, max_queries=3)
    ledger.ask(C)
    with pytest.raises(OutOfBudget, match=r"^2 queries asked, 3 more exceed max_queries=3$"):
        ledger.ask(D)
    assert recorder.asked == list(C)
    ledger.ask(A)
    with pytest.raises(OutOfBudget, match="1 more exceed max_queries=3"):
        ledger.reask(1)
    assert (ledger.queries, recorder.asked) == (3, [*C, *A])


def test_no_time_left_is_noticed_before_the_next_query():
    recorder = Recorder()
    ledger = Ledger(recorder, timeout=0)
    with pytest.raises(OutOfBudget, match="timeout=0 s reached"):
        ledger.ask(A)
    assert recorder.asked == []


def test_a_resumed_run_has_the_same_counts_and_asks_nothing_twice(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path) as ledger:
        ledger.ask(A)
        ledger.ask(D)
    recorder = Recorder()
    with Ledger(recorder, path=path, resume=True) as ledger:
        for points in (A, D):
            assert ledger.ask(points) == NET.evaluate(points)
        assert (ledger.queries, ledger.new_queries, recorder.asked) == (4, 0, [])
        ledger.ask(B)
        assert (ledger.queries, ledger.new_queries, recorder.asked) == (5, 1, list(B))
        assert [point for points, _ in ledger.replay() for point in points] == [*A, D[0], D[2], *B]


def test_reask_of_a_resumed_run_stays_within_what_this_run_asked(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path) as ledger:
        ledger.ask(A)
        ledger.ask(D)
    recorder = Recorder()
    with Ledger(recorder, path=path, resume=True) as ledger:
        ledger.reask(5)
        assert recorder.asked == []
        ledger.ask(A)
        ledger.reask(5)
        assert recorder.asked == list(A)


def test_answers_before_a_failure_are_kept(tmp_path):
    path = tmp_path / "l.sqlite"

    def fails_at_nine(x):
        if x[0] == 9:
            raise ValueError("nine")
        return NET(x)

    with Ledger(CallableOracle(fails_at_nine, 2), path=path) as ledger:
        with pytest.raises(OracleError, match="ValueError: nine"):
            ledger.ask(D)
        assert ledger.new_queries == 2
    recorder = Recorder()
    with Ledger(recorder, path=path, resume=True) as ledger:
        ledger.ask(D)
    assert recorder.asked == [(9, 9)]


KILLED = """
import os, signal, sys
from exactre.oracle.exact import CallableOracle
from exactre.oracle.ledger import Ledger
from exactre.rational import Points

def f(x):
    if x[0] == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    with open(sys.argv[3], "a") as log:
        print(x[0], file=log)
    return x[0] * x[0]

with Ledger(CallableOracle(f, 1), path=sys.argv[1], resume=True) as ledger:
    for start in range(0, 60, 20):
        ledger.ask(Points.of([(k,) for k in range(start, start + 20)], 1))
    print(ledger.queries, ledger.new_queries)
"""


def test_after_kill_9_no_query_is_asked_twice(tmp_path):
    def run(kill_at):
        command = [sys.executable, "-c", KILLED, tmp_path / "l.sqlite", str(kill_at), tmp_path / "log"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert [run(kill_at).returncode for kill_at in (0, 7, 7, 33, 59)] == [-9] * 5
    last = run(-1)
    assert (last.returncode, last.stdout) == (0, "60 1\n")
    assert (tmp_path / "log").read_text().split() == [str(k) for k in range(60)]


def test_an_existing_ledger_is_refused_without_resume(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path):
        pass
    with pytest.raises(LedgerError, match=r"l\.sqlite: the file exists"):
        Ledger(Recorder(), path=path)


def test_an_empty_file_becomes_a_ledger(tmp_path):
    path = tmp_path / "l.sqlite"
    path.touch()
    with Ledger(Recorder(), path=path) as ledger:
        assert ledger.ask(A) == NET.evaluate(A)


class OtherInput(Recorder):
    input_dim = 3


class OtherOutput(Recorder):
    output_dim = 1


@pytest.mark.parametrize(
    ("oracle", "seed", "message"),
    [
        (OtherInput(), 4, "expected a run with input_dim 3, found 2"),
        (OtherOutput(), 4, "expected a run with output_dim 1, found 2"),
        (Recorder(), 5, "expected a run with seed 5, found 4"),
    ],
)
def test_the_ledger_of_another_run_is_refused(tmp_path, oracle, seed, message):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path, seed=4) as ledger:
        ledger.ask(A)
    with pytest.raises(LedgerError, match=message):
        Ledger(oracle, path=path, resume=True, seed=seed)


def test_the_ledger_of_another_version_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    Ledger(Recorder(), path=path).close()
    alter(path, "UPDATE meta SET value = 'exactre 0.0.0' WHERE name = 'package'")
    with pytest.raises(LedgerError, match=r"expected a run with package exactre .*, found exactre 0\.0\.0"):
        Ledger(Recorder(), path=path, resume=True)


def test_a_ledger_in_use_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path), pytest.raises(LedgerError, match="database is locked"):
        Ledger(Recorder(), path=path, resume=True)


@pytest.mark.parametrize("content", [b"no database at all\n" * 50, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_ledger_is_refused(tmp_path, content):
    path = tmp_path / "l.sqlite"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"ledger .*l\.sqlite: .*(not a database|malformed)"):
        Ledger(Recorder(), path=path, resume=True)


def test_a_database_of_something_else_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    alter(path, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(LedgerError, match="no such table: meta"):
        Ledger(Recorder(), path=path, resume=True)


def test_a_path_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="unable to open database file"):
        Ledger(Recorder(), path=tmp_path / "nowhere" / "l.sqlite")


def test_a_damaged_answer_is_noticed(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path) as ledger:
        ledger.ask(A)
    alter(path, "UPDATE queries SET answer = x'00010203'")
    with (
        Ledger(Recorder(), path=path, resume=True) as ledger,
        pytest.raises(LedgerError, match="a stored query is damaged"),
    ):
        ledger.ask(A)


def test_a_missing_query_is_noticed(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path) as ledger:
        ledger.ask(D)
    alter(path, "DELETE FROM queries WHERE seq = 2")
    with (
        Ledger(Recorder(), path=path, resume=True) as ledger,
        pytest.raises(LedgerError, match="query 2 is missing"),
    ):
        list(ledger.replay())


def test_a_full_disk_keeps_what_is_paid_for(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(Recorder(), path=path) as ledger:
        ledger.ask(A)
        ledger._store._db.execute("PRAGMA max_page_count = 1")  # SQLite's own "disk full"
        points = batch(*[(k, Fraction(1, 3**k)) for k in range(2000)])
        with pytest.raises(LedgerError, match="full"):
            ledger.ask(points)
        kept = ledger.new_queries - 1
    recorder = Recorder()
    with Ledger(recorder, path=path, resume=True) as ledger:
        assert ledger.ask(A) == NET.evaluate(A)
        assert sum(len(points) for points, _ in ledger.replay()) == kept
    assert recorder.asked == []


def alter(path, statement):
    db = sqlite3.connect(path)
    with db:
        db.execute(statement)
    db.close()
