"""certify-equivalence and check: the verdict, its witness, its certificate, and the exit codes."""

import json
import subprocess
import sys
from fractions import Fraction

import pytest

from exactre.formats import json_file, load
from exactre.network import Network

TRUE = {"net.json same.json": "equivalent", "net.json other.json": "different"}


def test_equivalent_networks_are_certified(run):
    code, out, err = run("certify-equivalence net.json same.json --certificate cert.json")
    assert (code, out.splitlines()[0], err) == (0, "equivalent", "")
    assert "on all of R^2, tolerance 0" in out
    code, out, _ = run("certify-equivalence net.json same.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["method"]) == (0, "equivalent", "matching")
    assert (facts["domain"], facts["tolerance"]) == (None, "0")
    assert facts["seconds"] > 0


def test_different_networks_have_a_witness_that_is_true(run, files):
    code, out, err = run("certify-equivalence net.json other.json --witness w.json")
    assert (code, out.splitlines()[0], err) == (1, "different", "")
    witness = json.loads((files / "w.json").read_text())
    point = [Fraction(v) for v in witness["input"]]
    assert [str(v) for v in load("net.json")(point)] == witness["output_a"]
    assert [str(v) for v in load("other.json")(point)] == witness["output_b"]
    assert witness["output_a"] != witness["output_b"]


def test_json_of_a_difference_has_the_witness_and_its_replay(run):
    code, out, _ = run("certify-equivalence net.json other.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["method"]) == (1, "different", "witness")
    exact = [float(Fraction(facts["witness"][f"output_{name}"][0])) for name in "ab"]
    assert [facts["witness"]["replay"][name] for name in "ab"] == [[v] for v in exact]


def test_no_witness_file_is_written_for_equivalent_networks(run, files):
    run("certify-equivalence net.json same.json --witness w.json")
    assert not (files / "w.json").exists()


@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        ("--box -1,1", 1, "different"),
        ("--box=-1,1 --tolerance 1", 0, "equivalent"),
        ("--tolerance 1 --box -1/2,0.5 --jobs 2", 0, "equivalent"),
        ("--box 0,1 --tolerance 999/1000", 1, "different"),
        ("--box 0,1 --tolerance 1e-3", 1, "different"),
    ],
)
def test_box_and_tolerance_state_the_question(run, options, code, status):
    # The networks differ by exactly 1 everywhere.
    found, out, _ = run(f"certify-equivalence net.json other.json --json --certificate cert.json {options}")
    facts = json.loads(out)
    assert (found, facts["status"]) == (code, status)
    assert ("box" in options) == (facts["domain"] is not None)
    assert run("check cert.json net.json other.json") == (0, "valid\n", "")


def test_the_question_is_shown_as_it_was_understood(run):
    _, out, _ = run("certify-equivalence net.json other.json --box -1/2,0.25 --tolerance 1 --json")
    facts = json.loads(out)
    assert (facts["domain"], facts["tolerance"]) == ({"box": ["-1/2", "1/4"]}, "1")
    _, out, _ = run("certify-equivalence net.json other.json --box -1/2,0.25 --tolerance 1")
    assert "on [-1/2, 1/4]^2, tolerance 1" in out.splitlines()[1]


def test_decisions_are_compared_by_cases(run):
    code, out, err = run("certify-equivalence step.json line.json --same-argmax --certificate cert.json")
    assert (code, out.splitlines()[0], err) == (0, "equivalent", "")
    assert "by case-split" in out
    assert "on all of R^1, same decision" in out
    assert run("check cert.json step.json line.json") == (0, "valid\n", "")
    facts = json.loads(run("certify-equivalence step.json line.json --same-argmax --json")[1])
    assert (facts["status"], facts["tolerance"]) == ("equivalent", None)
    assert run("certify-equivalence step.json line.json")[0] == 1


def test_two_decisions_have_a_witness(run, files):
    code, out, _ = run("certify-equivalence step.json tied.json --same-argmax --witness w.json")
    assert (code, out.splitlines()[0]) == (1, "different")
    assert "A decides 1, outputs" in out
    assert "B decides 0, outputs 1, 1" in out
    point = [Fraction(v) for v in json.loads((files / "w.json").read_text())["input"]]
    assert load("step.json")(point)[0] < load("step.json")(point)[1]


def test_the_decision_at_a_tie_is_the_first_index(run):
    line = "certify-equivalence step.json tied.json --same-argmax --certificate cert.json --box"
    assert run(f"{line} 1,2")[0] == 0
    assert run("check cert.json step.json tied.json") == (0, "valid\n", "")
    assert run(f"{line} 0.999,2")[0] == 1
    assert run("check cert.json step.json tied.json") == (0, "valid\n", "")


def test_the_gap_is_found_and_proved(run, files):
    # relu(x) and x are 1 apart at most, at x = -1; the second outputs are the same.
    line = "certify-equivalence step.json line.json --box -1,3 --gap"
    code, out, err = run(f"{line} --certificate cert.json --witness w.json")
    assert (code, out.splitlines()[0], err) == (1, "different", "")
    assert "largest difference on [-1, 3]^1" in out
    assert "found       1\n" in out
    assert "proved      to be the largest" in out
    assert json.loads((files / "w.json").read_text())["input"] == ["-1"]
    assert json.loads((files / "cert.json").read_text())["tolerance"] == "1"
    assert run("check cert.json step.json line.json") == (0, "valid\n", "")
    facts = json.loads(run(f"{line} --json")[1])
    assert (facts["status"], facts["domain"]) == ("different", {"box": ["-1", "3"]})
    assert facts["gap"] == {"found": "1", "proved": "1"}
    assert facts["witness"]["output_b"] == ["-1", "1"]


def test_the_gap_on_the_domain_of_a_property(run, refused, files):
    declared = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 3.0))"
    (files / "half.vnnlib").write_text(declared)
    (files / "segment.vnnlib").write_text(f"{declared}(assert (>= X_0 -1.0))")
    facts = json.loads(run("certify-equivalence step.json line.json --domain segment.vnnlib --gap --json")[1])
    assert (facts["domain"], facts["gap"]["proved"]) == ({"vnnlib": "segment.vnnlib"}, "1")
    refused("certify-equivalence step.json line.json --domain half.vnnlib --gap", "bounded domain", "input 0")


def test_the_gap_of_equal_networks_is_zero(run):
    code, out, _ = run("certify-equivalence net.json same.json --box -1,1 --gap --json")
    facts = json.loads(out)
    assert (code, facts["status"]) == (0, "equivalent")
    assert facts["gap"] == {"found": "0", "proved": "0"}


@pytest.mark.parametrize("pair", TRUE)
def test_check_accepts_the_certificate_of_either_verdict(run, pair):
    _, out, _ = run(f"certify-equivalence {pair} --certificate cert.json")
    assert out.splitlines()[0] == TRUE[pair]
    assert run(f"check cert.json {pair}") == (0, "valid\n", "")
    assert json.loads(run(f"check cert.json {pair} --json")[1]) == {"status": "valid"}


@pytest.mark.parametrize("pair", ["net.json other.json", "same.json net.json", "net.json net.json"])
def test_check_refuses_a_certificate_of_other_networks(run, pair):
    run("certify-equivalence net.json same.json --certificate cert.json")
    code, out, err = run(f"check cert.json {pair}")
    assert (code, out.splitlines()[0], err) == (1, "invalid", "")
    facts = json.loads(run(f"check cert.json {pair} --json")[1])
    assert (facts["status"], facts["rule"]) == ("invalid", "hash")
    assert facts["step"] in ("network A", "network B")
    assert facts["value"]


def test_check_refuses_a_false_claim(run, files):
    run("certify-equivalence net.json other.json --certificate cert.json")
    document = json.loads((files / "cert.json").read_text())
    document["proof"]["output_b"] = document["proof"]["output_a"]
    (files / "cert.json").write_text(json.dumps(document))
    code, out, _ = run("check cert.json net.json other.json")
    assert (code, out.splitlines()[0]) == (1, "invalid")


def test_check_converts_other_formats(run, files):
    (files / "line.nnet").write_text("1,1,1,1,\n1,1,\n0,\n-10,\n10,\n0,0,\n1,1,\n0.1,\n0.5,\n")
    assert run("certify-equivalence line.nnet line.nnet --certificate cert.json")[0] == 0
    assert run("check cert.json line.nnet line.nnet") == (0, "valid\n", "")
    assert run("check cert.json line.nnet line.nnet --weights float32")[1].startswith("invalid\n")


def test_check_verified_says_what_to_do_without_the_verified_checker(run, refused, monkeypatch, tmp_path):
    run("certify-equivalence net.json same.json --certificate cert.json")
    monkeypatch.setattr("exactre.verified._BUILT", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("check cert.json net.json same.json --verified", "exactre-check", "make proofs")


def test_check_verified_asks_the_verified_checker_about_the_files(run, monkeypatch, tmp_path):
    # Stands for the binary: refuses every certificate, and says what it was given.
    script = tmp_path / "exactre-check"
    script.write_text('#!/bin/sh\necho invalid\necho "step: rule: $(cat "$2" "$3" | wc -l) $1"\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr("exactre.verified._BUILT", script)
    run("certify-equivalence net.json same.json --certificate cert.json")
    code, out, err = run("check cert.json net.json same.json --verified --json")
    expected = {"status": "invalid", "step": "step", "rule": "rule", "value": "2 cert.json"}
    assert (code, json.loads(out), err) == (1, expected, "")


@pytest.mark.parametrize("name", ["missing.json", "text.json", "short.json"])
def test_a_bad_certificate_is_one_line_that_names_the_file(run, refused, files, name):
    run("certify-equivalence net.json same.json --certificate cert.json")
    (files / "text.json").write_text("valid")
    (files / "short.json").write_text((files / "cert.json").read_text()[:-30])
    refused(f"check {name} net.json same.json", name)


def test_a_certificate_that_is_another_document_is_refused(refused):
    refused("check net.json net.json same.json", "net.json", "certificate")


def test_networks_of_different_dimensions_are_refused(refused):
    refused("certify-equivalence net.json wide.json", "2", "3")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("certify-equivalence net.json same.json --witness nowhere/w.json", ["nowhere/w.json"]),
        ("certify-equivalence net.json other.json --certificate /dev/full", ["No space left"]),
        ("certify-equivalence net.json other.json --certificate w --witness w", ["found two"]),
        ("certify-equivalence net.json other.json --witness .", ["expected a file"]),
        ("certify-equivalence net.json same.json --tolerance -1", ["tolerance", "-1"]),
        ("certify-equivalence net.json other.json --gap", ["--gap", "--box"]),
        ("certify-equivalence net.json wide.json --gap --box 0,1", ["same inputs", "2", "3"]),
    ],
)
def test_impossible_questions_and_files_are_refused(refused, line, words):
    refused(line, *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--box 1", ["--box", "rational"]),
        ("--box", ["--box", "expected one argument"]),
        ("--box a,b", ["--box", "'a'"]),
        ("--box 0,1/0", ["--box", "'1/0'"]),
        ("--box 1,-1", ["--box", "'1,-1'", "empty"]),
        ("--box 0,1,2", ["--box", "'1,2'"]),
        ("--tolerance nan", ["--tolerance", "'nan'"]),
        (f"--tolerance {'9' * 5000}", ["--tolerance", "rational"]),
        ("--tolerance 1e99999999", ["--tolerance", "'1e99999999'"]),
        ("--tolerance 1 --same-argmax", ["--same-argmax", "--tolerance", "not allowed"]),
        ("--box 0,1 --gap --tolerance 1", ["--gap", "--tolerance", "not allowed"]),
        ("--box 0,1 --gap --same-argmax", ["--gap", "--same-argmax", "not allowed"]),
        ("--jobs 0", ["--jobs", "positive integer"]),
        ("--timeout -1", ["--timeout"]),
        ("--timeout nan", ["--timeout", "'nan'"]),
        ("--timeout 0", ["--timeout", "'0'"]),
        ("--weights bfloat16", ["--weights", "bfloat16"]),
    ],
)
def test_wrong_options_are_one_line(misused, options, words):
    misused(f"certify-equivalence net.json same.json {options}", *words)


def test_a_failed_run_leaves_the_old_file_and_no_other(refused, files):
    (files / "cert.json").write_text("old")
    before = set(files.iterdir())
    refused("certify-equivalence net.json wide.json --certificate cert.json")
    assert (files / "cert.json").read_text() == "old"
    assert set(files.iterdir()) == before


def test_the_verdict_word_is_first_whatever_the_solver_below_prints(files):
    # The solver's own printing goes past sys.stdout, so this asks a process of its own; no bound without LPs
    # shows that |x| - 2 relu(|x| - 1/2) is at most 1/2.
    units = [([[1], [-1]], [0, 0]), ([[1, 1], [1, 1]], [0, "-1/2"]), ([[1, -2]], [0])]
    hat = Network.from_rows(units)
    (files / "hat.json").write_text(json_file.dumps(hat))
    (files / "zero.json").write_text(json_file.dumps(Network.from_rows([([[0]], [0])])))
    line = "certify-equivalence hat.json zero.json --box -1,1 --tolerance 1/2"
    done = subprocess.run(
        [sys.executable, "-m", "exactre.cli", *line.split()], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "equivalent", "")
    assert "case-split" in done.stdout


def test_a_verdict_stands_where_its_witness_is_beyond_what_a_runtime_can_hold(run, files):
    code, out, err = run("certify-equivalence net.json other.json --box 1e400,1e401 --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["witness"]["replay"]) == (1, "different", {"a": None, "b": None})
    assert [line.split(":")[0:2] for line in err.splitlines()] == [
        ["exactre", " no replay of net.json"],
        ["exactre", " no replay of other.json"],
    ]
    code, out, _ = run("certify-equivalence net.json other.json --box 1e400,1e401")
    assert (code, len(out.splitlines())) == (1, 6)
    assert "as it runs" not in out


def test_a_nnet_file_is_compared_and_replayed_with_or_without_its_normalization(run, files):
    # (x - 3) / 2 inside and 5 y + 7 outside, around y = relu(x).
    (files / "scaled.nnet").write_text("2,1,1,1,\n1,1,1,\n0,\n-10,\n10,\n3,7,\n2,5,\n1,\n0,\n1,\n0,\n")
    (files / "relu.json").write_text(json_file.dumps(Network.from_rows([([[1]], [0]), ([[1]], [0])])))
    pair = "relu.json scaled.nnet"
    code, out, _ = run(f"certify-equivalence {pair} --json")
    witness = json.loads(out)["witness"]
    x = Fraction(witness["input"][0])
    assert (code, witness["replay"]) == (1, {"a": [max(x, 0)], "b": [5 * max((x - 3) / 2, 0) + 7]})
    code, out, _ = run(f"certify-equivalence {pair} --no-normalization --certificate cert.json")
    assert (code, out.splitlines()[0]) == (0, "equivalent")
    assert run(f"check cert.json {pair} --no-normalization") == (0, "valid\n", "")
    assert run(f"check cert.json {pair}")[0] == 1
    (files / "other.json").write_text(json_file.dumps(Network.from_rows([([[1]], [0]), ([[2]], [0])])))
    _, out, _ = run("certify-equivalence scaled.nnet other.json --no-normalization --json")
    witness = json.loads(out)["witness"]
    assert witness["replay"]["a"] == [float(Fraction(witness["output_a"][0]))]
