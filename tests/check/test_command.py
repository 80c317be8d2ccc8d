"""The stand-alone checker as a program: its words, exit codes, limits, and independence of the package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from certificate_cases import CASES, RELU, certificate, changed, layers, proof

from exactre.check import Malformed, long_integers, read_json, read_network

CHECKER = Path(__file__).parents[2] / "exactre" / "check.py"
SAME = certificate(RELU, RELU, proof([["atom", 1]], [["scaled", [0], ["1"]]]))


@pytest.fixture
def run(tmp_path):
    def run(certificate, a=RELU, b=RELU):
        paths = []
        for name, document in (("CERT.json", certificate), ("A.json", a), ("B.json", b)):
            path = tmp_path / name
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            path.write_bytes(data)
            paths.append(str(path))
        command = [sys.executable, "-I", str(CHECKER), *paths]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)

    return run


def test_valid(run):
    done = run(SAME)
    assert (done.returncode, done.stdout, done.stderr) == (0, "valid\n", "")


def test_invalid_names_step_rule_and_value(run):
    done = run(changed(SAME, ["proof", "b", 0, 2, 0], "2"))
    assert done.returncode == 1
    assert done.stdout == "invalid\nB, step 0: scaled: u - s * e[0] is -1 x[0], expected 0\n"
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["valid", "malformed", "equal"])
def test_cases_have_the_same_answer_from_the_program(run, kind):
    _, document, a, b, _ = next(case for case in CASES if case[4] == kind)
    assert run(document, a, b).returncode == {"valid": 0, "malformed": 2, "equal": 1}[kind]


TEXT = json.dumps(SAME)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (TEXT[:-1].encode(), "not JSON"),
        (TEXT.encode() + b"{}", "not JSON"),
        (b"\xff" + TEXT.encode(), "not UTF-8"),
        (TEXT.encode("utf-16"), "not UTF-8"),
        (b"[" * 10**6, "nested too deeply"),
        (b'{"a":' * 10**5, "nested too deeply"),
        (TEXT.replace('"version": 1', '"version": 1.0').encode(), "floating-point"),
        (TEXT.replace('"version": 1', '"version": 1e0').encode(), "floating-point"),
        (TEXT.replace('"version": 1', '"version": NaN').encode(), "floating-point"),
        (TEXT.replace('"version": 1', '"version": 1, "version": 1').encode(), "given twice"),
        (TEXT.replace('"version": 1', '"version": 1' + "0" * 10**5).encode(), "at most 12 digits"),
        (b"null", "expected an object"),
    ],
)
def test_malformed_is_one_line_on_stderr(run, data, words):
    done = run(data)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_truncated_anywhere_is_malformed(tmp_path):
    path = tmp_path / "CERT.json"
    for length in range(len(TEXT)):
        path.write_text(TEXT[:length])
        with pytest.raises(Malformed):
            read_json(str(path))


def test_a_missing_file_and_wrong_usage(run, tmp_path):
    command = [sys.executable, "-I", str(CHECKER)]
    missing = subprocess.run(
        [*command, *[str(tmp_path / "none.json")] * 3], capture_output=True, text=True, check=False
    )
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "none.json" in missing.stderr
    usage = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (usage.returncode, usage.stdout) == (2, "")


def test_numbers_of_many_digits_are_read_and_compared(run):
    a, b = (
        layers(([[1]], [0]), ([["1/" + "7" * 15_000]], [0])),
        layers(([["7" * 15_000]], [0]), ([["1"]], [0])),
    )
    factor = "7" * 15_000
    steps = proof([["atom", 1]], [["scaled", [0], [factor]]])
    with long_integers():
        document = {
            **SAME,
            "a": read_network(a, "A").sha256,
            "b": read_network(b, "B").sha256,
            "proof": steps,
        }
    assert run(document, a, b).stdout.startswith("invalid\ntree[0], output 0: equal")
    refused = run(changed(document, ["proof", "b", 0, 2, 0], factor * 2), a, b)
    assert refused.returncode == 2
    assert "more than 20000 digits" in refused.stderr


def test_numbers_that_blow_up_are_refused_before_they_hang(run):
    # 30 denominators of 15,000 digits with small common factors: about 450,000 digits for the sum's.
    point = ["1/1" + str(k).zfill(14_999) for k in range(1, 60, 2)]
    net = layers(([[1] * 30], [0]))
    document = certificate(net, net, {"input": point, "output_a": ["0"], "output_b": ["0"]})
    done = run(document, net, net)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bits" in done.stderr


def test_the_checker_imports_nothing_of_the_package_and_only_the_standard_library():
    script = (
        "import sys, runpy; before = set(sys.modules); runpy.run_path(sys.argv[1]); "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    command = [sys.executable, "-I", "-c", script, str(CHECKER)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"
