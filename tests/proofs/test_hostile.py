"""The verified checker as a program: hostile files, limits, depth and width, hashes, its own absence."""

import json
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from answers import stand_alone, verified
from certificate_cases import RELU, certificate, changed, layers, proof

from exactre import verified as module
from exactre.check import long_integers, read_network
from exactre.errors import ExactreError, FormatError, InvalidCertificate
from exactre.verified import check_verified, verified_checker

CHECK = str(Path(module.__file__).with_name("check.py"))
SAME = certificate(RELU, RELU, proof([["atom", 1]], [["scaled", [0], ["1"]]]))
TEXT = json.dumps(SAME)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        TEXT.encode() + b"{}",
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        b"[" * 10**6,
        b'{"a":' * 10**5,
        TEXT.replace('"version": 1', '"version": 1.0').encode(),
        TEXT.replace('"version": 1', '"version": 1e0').encode(),
        TEXT.replace('"version": 1', '"version": 1e999999999').encode(),
        TEXT.replace('"version": 1', '"version": 01').encode(),
        TEXT.replace('"version": 1', '"version": NaN').encode(),
        TEXT.replace('"version": 1', '"version": 1, "version": 1').encode(),
        TEXT.replace('"version": 1', '"version": 1' + "0" * 10**5).encode(),
        TEXT.replace('"version": 1', '"version": 1,').encode(),
        TEXT.replace('"version"', '"version\x01"').encode(),
        TEXT.replace('"version"', r'"version\x"').encode(),
        TEXT.replace('"version"', r'"\ud800version"').encode(),
        TEXT.replace('"version"', "'version'").encode(),
        TEXT.replace('"atom"', '"atom" /* one */').encode(),
        TEXT.encode().replace(b'"atom"', b'"\xc0\xaf"'),
        TEXT.encode().replace(b'"atom"', b'"\xed\xa0\x80"'),
        TEXT.encode().replace(b'"atom"', b'"\xf4\x90\x80\x80"'),
    ],
)
def test_broken_json_is_malformed(write, data):
    paths = write(data, RELU, RELU)
    assert (verified(paths), stand_alone(paths)) == ("malformed", "malformed")


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ('"atom"', r'"\u0061tom"'),
        ('"version": 1', '"version":\t\r\n 1'),
        ('"0"', r'"\u0030"'),
    ],
)
def test_other_spellings_of_the_same_json_are_valid(write, plain, other):
    paths = write(TEXT.replace(plain, other).encode(), RELU, RELU)
    assert TEXT.replace(plain, other) != TEXT
    assert (verified(paths), stand_alone(paths)) == ("valid", "valid")


def test_every_truncation_of_a_network_is_malformed(write):
    text = json.dumps(RELU).encode()
    for length in range(0, len(text), 7):
        assert verified(write(SAME, text[:length], RELU)) == "malformed"


def test_numbers_that_grow_beyond_the_limit_are_malformed(write):
    huge = "1" + "0" * 19_999
    names = ["input", *(f"n{k}" for k in range(6))]
    nodes = [
        {"name": name, "relu": False, "inputs": {source: [[huge]]}, "bias": ["0"]}
        for source, name in pairwise(names)
    ]
    network = {"format": "exactre-network", "version": 1, "nodes": nodes}
    short = {**network, "nodes": nodes[:3]}
    for document, expected in ((short, "valid"), (network, "malformed")):
        with long_integers():
            claim = certificate(document, document, proof([], []))
        paths = write(claim, document, document)
        assert (verified(paths), stand_alone(paths)) == (expected, expected)


def test_numbers_that_cancel_do_not_grow(write):
    long = "1" + "0" * 3_000 + "1"
    weights = [f"{long}/7", f"7/{long}"] * 40
    names = ["input", *(f"n{k}" for k in range(len(weights)))]
    nodes = [
        {"name": name, "relu": False, "inputs": {source: [[weight]]}, "bias": ["0"]}
        for (source, name), weight in zip(pairwise(names), weights, strict=True)
    ]
    network = {"format": "exactre-network", "version": 1, "nodes": nodes}
    paths = write(certificate(network, network, proof([], [])), network, network)
    assert (verified(paths), stand_alone(paths)) == ("valid", "valid")


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(FormatError, match=tmp_path.name):
        check_verified(tmp_path, tmp_path, tmp_path)


def test_widths_of_100_000_need_no_deep_stack(write):
    width = 100_000

    def network(order):
        entries = [[i, 0, str(j + 1)] for i, j in enumerate(order)]
        hidden = {"weight": {"shape": [width, 2], "entries": entries}, "bias": ["1"] * width}
        out = {"weight": [[str(j % 7 + 1) for j in order]], "bias": ["0"]}
        return {"format": "exactre-network", "version": 1, "layers": [hidden, out]}

    a, b = network(range(width)), network(range(width - 1, -1, -1))
    matching = ["scaled", list(range(width - 1, -1, -1)), ["1"] * width]
    assert verified(write(certificate(a, b, proof([["atom", width]], [matching])), a, b)) == "valid"
    wrong = ["scaled", list(range(width)), ["1"] * width]
    assert verified(write(certificate(a, b, proof([["atom", width]], [wrong])), a, b)) == "scaled"


def test_a_tree_5_000_splits_deep(write):
    depth = 5_000
    wide = layers(([[k + 1] for k in range(depth)], [1] * depth), ([[1] * depth], [0]))
    steps = [["atom", depth]], [["scaled", list(range(depth)), ["1"] * depth]]
    tree = [node for k in range(depth) for node in (("split", k), ("equal",))]
    assert verified(write(certificate(wide, wide, proof(*steps, [*tree, ("equal",)])), wide, wide)) == "valid"
    again = [*tree, ("split", 0), ("equal",), ("equal",)]
    assert verified(write(certificate(wide, wide, proof(*steps, again)), wide, wide)) == "split"


def small_memory():
    """Less than a copy of what all cells of a deep tree know would take."""
    resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))


def test_a_deep_tree_that_chooses_the_last_atom_first_needs_little_memory(write):
    depth = 10_000
    wide = layers(([[k + 1] for k in range(depth)], [1] * depth), ([[1] * depth], [0]))
    steps = [["atom", depth]], [["scaled", list(range(depth)), ["1"] * depth]]
    tree = [*(("split", k) for k in reversed(range(depth))), *[("equal",)] * (depth + 1)]
    paths = [str(path) for path in write(certificate(wide, wide, proof(*steps, tree)), wide, wide)]
    for program in ([str(verified_checker())], [sys.executable, "-I", CHECK]):
        done = subprocess.run(
            [*program, *paths], capture_output=True, text=True, check=False, preexec_fn=small_memory
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "valid\n", "")


def test_many_equations_learnt_one_by_one(write):
    count = 2_000
    wide = layers(([[k + 1] for k in range(count)], [0] * count), ([[1] * count], [0]))
    learnt = [
        ["zero", [["atom", k, "1"], ["atom", 0, str(-k - 1)]], [["same", k, 0, str(k + 1)], ["equal"]]]
        for k in range(1, count)
    ]
    matched = ["scaled", [0] * count, [str(k + 1) for k in range(count)]]
    paths = write(certificate(wide, wide, proof([["atom", count], *learnt], [matched])), wide, wide)
    assert (verified(paths), stand_alone(paths)) == ("valid", "valid")


def test_100_000_outputs_need_no_deep_stack(write):
    width = 100_000
    entries = [[i, 0, "1"] for i in range(width)]
    net = {
        "format": "exactre-network",
        "version": 1,
        "layers": [{"weight": {"shape": [width, 1], "entries": entries}, "bias": ["0"] * width}],
    }
    never = [("decided", [["never", [["a", 0, "1"]]]] * width)]
    for tree, answer in (([("equal",)], "valid"), (never, "decided")):
        paths = write(certificate(net, net, proof([], [], tree), tolerance=None), net, net)
        assert (verified(paths), stand_alone(paths)) == (answer, answer)


def test_a_short_file_of_a_great_many_inputs_is_refused(write):
    def network(width):
        layer = {"weight": {"shape": [1, width], "entries": []}, "bias": ["0"]}
        return {"format": "exactre-network", "version": 1, "layers": [layer]}

    narrow, wide = network(2**20), network(2**20 + 1)
    claim = certificate(narrow, narrow, proof([], []))
    for net, expected in ((narrow, "valid"), (wide, "malformed")):
        paths = write(claim, net, net)
        assert (verified(paths), stand_alone(paths)) == (expected, expected)


def test_no_memory_is_no_verdict(write):
    paths = [str(path) for path in write(b"[" + b"[]," * 5_000_000 + b"[]]", RELU, RELU)]
    for program in ([str(verified_checker())], [sys.executable, "-I", CHECK]):
        done = subprocess.run(
            [*program, *paths], capture_output=True, text=True, check=False, preexec_fn=small_memory
        )
        assert done.returncode == 2 or done.returncode < 0  # a signal ends OCaml's collector
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_hashes_are_sha256_at_every_length_of_the_last_block(write):
    for digits in range(1, 70):
        network = layers(([[1]], [10**digits]))
        paths = write(SAME, network, network)
        with pytest.raises(InvalidCertificate) as caught:
            check_verified(*paths)
        assert caught.value.value.startswith(read_network(network, "A").sha256 + ",")


def test_the_program_speaks_as_the_stand_alone_checker(write):
    paths = [str(path) for path in write(changed(SAME, ["proof", "b", 0, 2, 0], "2"), RELU, RELU)]
    run = [str(verified_checker()), *paths]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "invalid\nB, step 0: scaled: it is not s * e[0]\n"
    assert done.stderr == ""
    done = subprocess.run(run[:3], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="no-certificate"):
        check_verified(tmp_path / "no-certificate.json", tmp_path / "a.json", tmp_path / "b.json")


def test_a_missing_checker_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_BUILT", tmp_path / "exactre-check")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExactreError, match="make proofs"):
        verified_checker()


@pytest.mark.parametrize(
    "script", ["echo valid; exit 1", "echo invalid; exit 0", "exit 0", "echo maybe", "echo valid; kill -9 $$"]
)
def test_any_other_answer_is_no_acceptance(monkeypatch, tmp_path, write, script):
    program = tmp_path / "exactre-check"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_BUILT", program)
    with pytest.raises(ExactreError, match="no answer"):
        check_verified(*write(SAME, RELU, RELU))
