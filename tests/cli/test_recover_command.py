"""recover: the verdict and its files, the promised JSON, budgets, resuming, and what is refused."""

import json

import numpy as np
import pytest

from exactre.formats import json_file, load
from exactre.network import Network
from exactre.rational import Matrix


def test_recover_finds_the_network_and_its_certificate_is_accepted(run, files):
    code, out, err = run("recover net.json -o out.json --certificate cert.json --graph g.json")
    assert (code, out.splitlines()[0], err) == (0, "certified", "")
    assert load(files / "out.json").neurons == 3
    assert run("check cert.json net.json out.json") == (0, "valid\n", "")
    graph = json.loads((files / "g.json").read_text())
    assert len(graph["nodes"]) >= 3


def test_recover_json_has_every_promised_field(run):
    code, out, _ = run("recover net.json -o out.json --seed 3 --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["layers"], facts["neurons"]) == (0, "certified", [3], 3)
    assert facts["seed"] == 3
    assert facts["queries"] > 0
    assert facts["query_bits"] > 0
    assert facts["seconds"] > 0
    assert (facts["assumptions"], facts["missing"]) == ([], [])


def test_recover_beyond_its_budget_is_partial_and_says_so(run):
    code, out, _ = run("recover net.json -o out.json --max-queries 5 --json")
    facts = json.loads(out)
    assert (code, facts["status"]) == (3, "partial")
    assert facts["queries"] <= 5
    assert facts["missing"]


def test_a_resumed_recovery_asks_nothing_again_and_ends_alike(run, files):
    run("recover net.json -o first.json --ledger l.sqlite")
    code, out, _ = run("recover net.json -o second.json --ledger l.sqlite --resume --json")
    facts = json.loads(out)
    assert (code, facts["status"]) == (0, "certified")
    assert facts["new_queries"] == 0 < facts["queries"]
    assert (files / "first.json").read_bytes() == (files / "second.json").read_bytes()


def test_a_network_without_neurons_is_recovered(run, files):
    net = Network.from_rows([([[1, 2, 3]], [4])])
    (files / "flat.json").write_text(json_file.dumps(net))
    assert run("recover flat.json -o out.json")[0] == 0
    assert load(files / "out.json") == net


@pytest.mark.parametrize("name", ["missing.json", "broken.json"])
def test_a_bad_model_leaves_no_file(refused, files, name):
    (files / "broken.json").write_text((files / "net.json").read_text()[:-9])
    refused(f"recover {name} -o out.json", name)
    assert not (files / "out.json").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-o nowhere/out.json", ["nowhere/out.json", "existing folder"]),
        ("-o .", ["expected a file"]),
        ("-o out.onnx", ["out.onnx", "expected a .json file"]),
        ("-o out.json --certificate out.json", ["out.json", "found two"]),
        ("-o out.json --resume", ["--ledger"]),
        ("-o out.json --ledger net.json", ["net.json", "the file exists"]),
        ("-o out.json --ledger net.json --resume", ["net.json", "not a database"]),
        ("-o out.json --ledger nowhere/l.sqlite", ["nowhere/l.sqlite"]),
    ],
)
def test_files_that_cannot_be_used_are_refused(refused, line, words):
    refused(f"recover net.json {line}", *words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("net.json", ["-o"]),
        ("-o out.json", ["MODEL"]),
        ("net.json -o out.json --max-queries 0", ["--max-queries", "positive integer", "'0'"]),
        ("net.json -o out.json --max-queries many", ["--max-queries", "'many'"]),
        ("net.json -o out.json --timeout -1", ["--timeout"]),
        ("net.json -o out.json --seed x", ["--seed", "'x'"]),
        ("net.json -o out.json --seed -1", ["--seed", "'-1'"]),
        ("net.json -o out.json --jobs 0", ["--jobs"]),
    ],
)
def test_wrong_options_are_one_line(misused, line, words):
    misused(f"recover {line}", *words)


@pytest.fixture
def float32_net(files):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 8), (1, 4))]
    biases = [rng.normal(size=(size, 1)).astype(np.float32) for size in (4, 1)]
    pairs = [(Matrix.from_floats(w), Matrix.from_floats(b)) for w, b in zip(weights, biases, strict=True)]
    (files / "floats.json").write_text(json_file.dumps(Network.layered(pairs)))


def test_a_model_is_recovered_from_rounded_answers_and_the_proof_is_accepted(run, files, float32_net):
    code, out, _ = run("recover floats.json --float64 -o out.json --certificate cert.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["layers"], facts["missing"]) == (0, "certified", [4], [])
    assert (facts["grid"], facts["open"]) == ("float32", [])
    assert facts["log2_false_positive"] < -40
    assert facts["noise"][0].startswith("an answer at x is wrong by at most")
    assert run("check cert.json floats.json out.json") == (0, "valid\n", "")


def test_float32_answers_are_too_rough_for_float32_weights_and_that_is_said(run, files, float32_net):
    code, out, _ = run("recover floats.json --float32 --max-queries 3000 -o out.json")
    assert (code, out.splitlines()[0]) == (3, "partial")
    assert "answers have 24 significant bits" in out
    assert not (files / "out.json").exists()


def test_a_box_needs_rounded_answers(refused):
    refused("recover net.json --box 0,1 -o out.json", "--box needs --float64 or --float32")


def test_a_box_beyond_all_floats_is_refused(refused):
    refused("recover net.json --float64 --box 0,1e400 -o out.json", "--box", "float64 can hold")


def test_a_server_is_not_asked_for_exact_answers(refused):
    refused("recover http://127.0.0.1/v2/models/m -o out.json", "expected --float64 or --float32")


def test_a_server_that_is_no_inference_server_is_refused(refused):
    refused("recover http://127.0.0.1/model --float64 -o out.json", "expected http://HOST/v2/models/NAME")


def test_two_kinds_of_answers_are_a_misuse(misused):
    misused("recover net.json --float64 --float32 -o out.json", "not allowed with argument")
