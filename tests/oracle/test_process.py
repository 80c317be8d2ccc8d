"""Another process that speaks JSON lines: it may die, be silent or talk nonsense."""

import sys

import numpy as np
import pytest

from exactre.errors import OracleError
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.process import JsonLines

POINTS = np.arange(40, dtype=float).reshape(20, 2) / 8

SUM = """
import json, sys
for line in sys.stdin:
    print(json.dumps([sum(json.loads(line))]), flush=True)
"""
# Dies after seven answers, whoever starts it.
MORTAL = """
import json, sys
for k, line in enumerate(sys.stdin):
    if k == 7:
        sys.exit()
    print(json.dumps([sum(json.loads(line))]), flush=True)
"""


def oracle(program, **options):
    return JsonLines([sys.executable, "-I", "-c", program], 2, pause=0.01, **options)


def test_answers_come_in_order():
    with oracle(SUM) as process:
        found = FloatLedger(process).ask(POINTS)
    assert found.ravel().tolist() == POINTS.sum(axis=1).tolist()


def test_more_points_than_a_pipe_holds_are_no_deadlock():
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    with oracle(SUM) as process:
        assert FloatLedger(process).ask(points).ravel().tolist() == points.sum(axis=1).tolist()


def test_a_process_that_dies_mid_batch_is_started_again_for_the_rest():
    with oracle(MORTAL) as process:
        assert FloatLedger(process).ask(POINTS).ravel().tolist() == POINTS.sum(axis=1).tolist()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit(3)", "no answer in 2 tries: the process has ended"),
        ("import time; time.sleep(60)", r"no answer in 2 tries: no answer within 0.2 s"),
        ("print('hello', flush=True)\nimport time; time.sleep(60)", "expected a JSON array .* found 'hello'"),
        ("print('[]', flush=True)\nimport time; time.sleep(60)", r"expected a JSON array .* found '\[\]'"),
        ("print('[[1]]', flush=True)\nimport time; time.sleep(60)", "expected a JSON array"),
        ("print('{}', flush=True)\nimport time; time.sleep(60)", "expected a JSON array"),
    ],
)
def test_a_process_without_answers_is_an_error_that_says_why(program, words):
    with oracle(program, tries=2, timeout=0.2) as process, pytest.raises(OracleError, match=words):
        list(process.query_batches(POINTS))


def test_a_command_that_does_not_exist_is_named():
    with pytest.raises(OracleError, match="no-such-command: No such file"):
        list(JsonLines(["no-such-command"], 2).query_batches(POINTS))
