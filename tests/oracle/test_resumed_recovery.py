"""A recovery that is killed and resumed ends like one that was not, and asks nothing twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

SECRET = Path(__file__).with_name("secret.json")

RUN = """
import json, os, signal, sys
from exactre import load, recover

net = load(sys.argv[4])
ledger, log, kill_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
asked = 0

def f(x):
    global asked
    if asked == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    asked += 1
    with open(log, "a") as file:
        print(*x, sep=",", file=file)
    return net(x)

result = recover(f, input_dim=5, ledger=ledger, resume=True)
weights = [[str(v) for v in row] for node in result.network.nodes for _, w in node.inputs for row in w.rows()]
print(json.dumps([result.status, result.queries, result.query_bits, weights, result.new_queries]))
"""


def run(folder, kill_at):
    command = [sys.executable, "-c", RUN, folder / "ledger.sqlite", folder / "log", str(kill_at), SECRET]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else None


def test_a_killed_recovery_goes_on_where_it_was(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    code, (*whole, new) = run(tmp_path / "whole", -1)
    assert (code, whole[0]) == (0, "consistent")
    assert [run(tmp_path / "killed", kill_at) for kill_at in (1, 60, 0, 100)] == [(-9, None)] * 4
    code, (*resumed, newer) = run(tmp_path / "killed", -1)
    assert code == 0
    assert resumed == whole
    assert newer == new - 161
    # Only the points that are asked again on purpose (does the oracle keep to its answers?) come twice.
    asked = [Counter((tmp_path / name / "log").read_text().split()) for name in ("whole", "killed")]
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) == new
    assert 0 < sum(count > 1 for count in asked[0].values()) < 10
