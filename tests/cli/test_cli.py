"""What all commands share: models of any kind, one clear line for bad ones, usage; and `info`."""

import json
import subprocess
import sys

import pytest

from exactre.cli import main
from exactre.formats import json_file, load


def test_info_says_what_a_model_is(run):
    code, out, _ = run("info net.json --json")
    facts = json.loads(out)
    assert len(facts.pop("sha256")) == 64
    assert code == 0
    assert facts == {
        "inputs": 2,
        "layers": [3],
        "outputs": 1,
        "neurons": 3,
        "parameters": 13,
        "nonzero": 13,
        "distinct": 12,
        "layered": True,
    }
    code, out, _ = run("info net.json")
    assert (code, out.splitlines()[0].split()) == (0, ["inputs", "2"])


def test_weights_rounds_the_numbers_of_a_text_format(run, files):
    (files / "line.nnet").write_text("1,1,1,1,\n1,1,\n0,\n-10,\n10,\n0,0,\n1,1,\n0.1,\n0.5,\n")
    hashes = [
        json.loads(run(f"info line.nnet --json --weights {kind}")[1])["sha256"]
        for kind in ("exact", "float32", "float64")
    ]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize(
    "command", ["info {}", "certify-equivalence {} net.json", "certify-equivalence net.json {}"]
)
@pytest.mark.parametrize(
    "name", ["missing.json", "missing.onnx", "broken.json", "broken.onnx", "nan.json", "what.xyz", "."]
)
def test_a_bad_model_is_one_line_that_names_the_file(refused, files, command, name):
    text = json_file.dumps(load("net.json"))
    (files / "broken.json").write_text(text[:-20])
    (files / "broken.onnx").write_bytes(b"\x08\x07\x12")
    (files / "nan.json").write_text(text.replace('"5"', "NaN"))
    (files / "what.xyz").write_text("?")
    refused(command.format(name), name)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["COMMAND"]),
        ("prove net.json", ["prove"]),
        ("info", ["MODEL"]),
        ("info net.json other.json", ["other.json"]),
        ("info net.json --weights bfloat16", ["--weights", "bfloat16"]),
        ("info net.json --unknown", ["--unknown"]),
        ("info net.json --jso", ["--jso"]),
        ("analyze net.json --box 1", ["--box", "rationals LO,HI", "'1'"]),
        ("analyze net.json --slice 1", ["--slice", "expected I,J", "'1'"]),
        ("certify-equivalence net.json", ["B"]),
        ("check net.json", ["A", "B"]),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(misused, line, words):
    misused(line, *words)


@pytest.mark.parametrize("option", ["--input x", "--output y", "--shape 1,2", "--cut", "--no-normalization"])
@pytest.mark.parametrize("command", ["info net.json", "certify-equivalence net.json net.json"])
def test_an_option_about_no_file_of_the_call_is_refused(refused, command, option):
    refused(f"{command} {option}", option.split()[0], "found none")


def test_help_is_no_trouble(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["certify-equivalence", "--help"])
    assert caught.value.code == 0
    assert "--tolerance" in capsys.readouterr().out


def test_the_module_runs_as_a_program(files):
    command = [sys.executable, "-m", "exactre.cli", "info", "net.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("inputs")
    assert done.stderr == ""


def test_an_interrupt_is_one_line(refused, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("exactre.cli.options.load", interrupt)
    refused("info net.json", "interrupted")
