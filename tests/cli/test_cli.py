"""Every command: its verdict word, its JSON, its exit code; and one clear line for whatever is wrong."""

import json
import subprocess
import sys
from fractions import Fraction

import pytest

from exactre.cli import main
from exactre.formats import json_file
from exactre.network import Network

NET = Network.from_rows(
    [([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [Fraction(1, 4), Fraction(1, 3), -1]), ([[1, -1, 2]], [5])]
)
SAME = Network.from_rows(
    [([[6, -1], [1, 2], [-2, 2]], [-2, Fraction(1, 4), Fraction(2, 3)]), ([[1, 1, Fraction(-1, 2)]], [5])]
)
OTHER = Network.from_rows(
    [([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [Fraction(1, 4), Fraction(1, 3), -1]), ([[1, -1, 2]], [6])]
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, net in (("net", NET), ("same", SAME), ("other", OTHER)):
        (tmp_path / f"{name}.json").write_text(json_file.dumps(net))
    (tmp_path / "wide.json").write_text(json_file.dumps(Network.from_rows([([[1, 2, 3]], [0])])))
    return tmp_path


@pytest.fixture
def run(files, capsys):
    def call(line):
        code = main(line.split())
        out, err = capsys.readouterr()
        return code, out, err

    return call


def refused(run, line, *words):
    """Exit code 2, nothing on stdout, one line on stderr that has the words."""
    code, out, err = run(line)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    for word in words:
        assert word in err


def test_equivalent_networks_are_certified(run, files):
    code, out, err = run("certify-equivalence net.json same.json --certificate cert.json")
    assert (code, out.splitlines()[0], err) == (0, "equivalent", "")
    assert run("check cert.json net.json same.json") == (0, "valid\n", "")
    code, out, _ = run("certify-equivalence net.json same.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["method"]) == (0, "equivalent", "matching")
    assert (facts["domain"], facts["tolerance"]) == (None, "0")
    assert facts["seconds"] > 0


def test_different_networks_have_a_witness_that_is_true(run, files):
    code, out, err = run("certify-equivalence net.json other.json --certificate cert.json --witness w.json")
    assert (code, out.splitlines()[0], err) == (1, "different", "")
    witness = json.loads((files / "w.json").read_text())
    point = [Fraction(v) for v in witness["input"]]
    assert [str(v) for v in NET(point)] == witness["output_a"]
    assert [str(v) for v in OTHER(point)] == witness["output_b"]
    assert witness["output_a"] != witness["output_b"]
    assert run("check cert.json net.json other.json") == (0, "valid\n", "")
    code, out, _ = run("certify-equivalence net.json other.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["method"]) == (1, "different", "witness")
    assert len(facts["witness"]["replay"]["a"]) == len(facts["witness"]["replay"]["b"]) == 1


def test_check_says_invalid_with_step_rule_and_value(run):
    run("certify-equivalence net.json same.json --certificate cert.json")
    code, out, err = run("check cert.json net.json other.json")
    assert (code, out.splitlines()[0], err) == (1, "invalid", "")
    code, out, _ = run("check cert.json net.json other.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["step"], facts["rule"]) == (1, "invalid", "network B", "hash")
    assert len(facts["value"]) > 64


def test_info_says_what_a_model_is(run):
    code, out, _ = run("info net.json --json")
    facts = json.loads(out)
    assert facts.pop("sha256")
    assert code == 0
    assert facts == {
        "inputs": 2,
        "layers": [3],
        "outputs": 1,
        "neurons": 3,
        "parameters": 13,
        "layered": True,
    }
    code, out, _ = run("info net.json")
    assert (code, out.splitlines()[0].split()) == (0, ["inputs", "2"])


def test_weights_rounds_the_numbers_of_a_text_format(run, files):
    (files / "rounded.nnet").write_text("1,1,1,1,\n1,1,\n0,\n-10,\n10,\n0,0,\n1,1,\n0.1,\n0.5,\n")
    exact, rounded = (run(f"info rounded.nnet --json --weights {kind}")[1] for kind in ("exact", "float32"))
    assert json.loads(exact)["sha256"] != json.loads(rounded)["sha256"]


@pytest.mark.parametrize(
    "command",
    [
        "info {}",
        "certify-equivalence {} net.json",
        "certify-equivalence net.json {}",
    ],
)
@pytest.mark.parametrize(
    "name", ["missing.json", "missing.onnx", "broken.json", "broken.onnx", "nan.json", "what.xyz"]
)
def test_a_bad_model_is_one_line_that_names_the_file(run, files, command, name):
    (files / "broken.json").write_text(json_file.dumps(NET)[:-20])
    (files / "broken.onnx").write_bytes(b"\x08\x07\x12")
    (files / "nan.json").write_text(json_file.dumps(NET).replace('"5"', "NaN"))
    (files / "what.xyz").write_text("?")
    refused(run, command.format(name), name)
    assert not (files / "out.json").exists()


@pytest.mark.parametrize("name", ["missing.json", "text.json", "short.json"])
def test_a_bad_certificate_is_one_line_that_names_the_file(run, files, name):
    run("certify-equivalence net.json same.json --certificate cert.json")
    (files / "text.json").write_text("valid")
    (files / "short.json").write_text((files / "cert.json").read_text()[:-30])
    refused(run, f"check {name} net.json same.json", name)


def test_a_certificate_that_is_another_document_is_refused(run):
    refused(run, "check net.json net.json same.json", "net.json", "certificate")


def test_networks_of_different_dimensions_are_refused(run):
    refused(run, "certify-equivalence net.json wide.json", "2", "3")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("certify-equivalence net.json same.json --witness nowhere/w.json", ["nowhere/w.json"]),
        ("certify-equivalence net.json other.json --certificate /dev/full", ["No space left"]),
    ],
)
def test_files_that_cannot_be_used_are_refused(run, line, words):
    refused(run, line, *words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["COMMAND"]),
        ("prove net.json", ["prove"]),
        ("certify-equivalence net.json", ["B"]),
        ("info net.json --weights bfloat16", ["--weights"]),
        ("info net.json --unknown", ["--unknown"]),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(files, capsys, line, words):
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    out, err = capsys.readouterr()
    assert (caught.value.code, out, err.count("\n")) == (2, "", 1)
    for word in words:
        assert word in err


def test_a_failed_write_leaves_the_old_file_and_no_other(run, files):
    (files / "cert.json").write_text("old")
    before = set(files.iterdir())
    refused(run, "certify-equivalence net.json wide.json --certificate cert.json")
    assert (files / "cert.json").read_text() == "old"
    assert set(files.iterdir()) == before


def test_the_module_runs_as_a_program(files):
    command = [sys.executable, "-m", "exactre.cli", "info", "net.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("inputs")
    assert done.stderr == ""
