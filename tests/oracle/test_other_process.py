"""Recovery through a pipe to another process: nothing but answers can reach it."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from exactre import certify_equivalence, check, load, recover
from exactre.errors import OracleError

# Knows the network, imports nothing of the package, and answers one query a line.
SERVER = """
import json, sys
from fractions import Fraction
layers = json.load(open(sys.argv[1]))["layers"]
for line in sys.stdin:
    x = [Fraction(v) for v in line.split()]
    for k, layer in enumerate(layers):
        rows = zip(layer["weight"], layer["bias"])
        x = [sum((Fraction(w) * v for w, v in zip(row, x)), Fraction(b)) for row, b in rows]
        if k < len(layers) - 1:
            x = [max(v, Fraction(0)) for v in x]
    print(*x, flush=True)
"""
SECRET = Path(__file__).with_name("secret.json")  # 5-5-3-2, denominators 1, 3, 7 and 8


@pytest.fixture
def server():
    command = [sys.executable, "-I", "-c", SERVER, SECRET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_network_in_another_process_is_recovered_from_its_answers(server):
    def ask(x):
        print(*x, file=server.stdin, flush=True)
        return [Fraction(v) for v in server.stdout.readline().split()]

    result = recover(ask, input_dim=5)
    assert result.status == "consistent"
    assert result.assumptions
    assert (result.certificate, result.equivalence_queries) == (None, 0)
    # Only now is the network read.
    secret = load(SECRET)
    verdict = certify_equivalence(secret, result.network)
    assert verdict.status == "equivalent"
    assert check(verdict.certificate, secret, result.network) is None


def test_a_process_that_dies_is_an_oracle_error_that_says_so(server):
    def ask(x):
        server.kill()
        server.wait()
        return [Fraction(v) for v in server.stdout.readline().split()]

    with pytest.raises(OracleError, match="expected an answer of at least one entry, found none"):
        recover(ask, input_dim=5)
