"""vnnlib and --domain: the standard's words and assignments, exit codes, and what is refused."""

import json
from fractions import Fraction

import pytest

from exactre.formats import json_file, load
from exactre.network import Network

QUERY = """(vnnlib-version <2.0>)
(declare-network f (declare-input X real [1,2]) (declare-output Y real [1]))
(declare-network g (declare-input Z real [2]) (declare-output W real []))
(assert (and (== X[0,0] Z[0]) (== X[0,1] Z[1])))
(assert (and (<= X[0,0] 1.0) (>= X[0,0] -1.0) (== X[0,1] 0.25)))
"""
PROPERTY = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n(assert (<= X_0 1.5))\n"


@pytest.fixture
def queries(files):
    (files / "differ.vnnlib").write_text(QUERY + "(assert (!= Y[0] W))")
    (files / "product.vnnlib").write_text(QUERY + "(assert (<= (* Y[0] W) 0.0))")
    (files / "broken.vnnlib").write_text(QUERY + "(assert (!= Y[0] V))")
    (files / "single.vnnlib").write_text(QUERY.replace("W real", "W float32") + "(assert (!= Y[0] W))")
    (files / "half.vnnlib").write_text(PROPERTY + "(assert (>= X_0 -0.1))(assert (= X_1 0.1))")
    (files / "empty.vnnlib").write_text(PROPERTY + "(assert (>= X_0 2.0))")
    (files / "strict.vnnlib").write_text(PROPERTY + "(assert (> X_0 0.0))")
    return files


def test_unsat_of_equal_networks_and_its_proof(queries, run):
    command = "vnnlib differ.vnnlib --network f=net.json --network g=same.json"
    assert run(f"{command} --certificate proof") == (0, "unsat\n", "")
    names = "proof/1.json proof/1-a.json proof/1-b.json"
    assert run(f"check {names}") == (0, "valid\n", "")
    assert sorted(f"proof/{path.name}" for path in (queries / "proof").iterdir()) == sorted(names.split())
    assert json.loads(run(f"{command} --json")[1]) == {"status": "unsat"}


def test_sat_prints_every_tensor_in_the_order_of_declaration(queries, run):
    command = "vnnlib differ.vnnlib --network f=net.json --network g=other.json"
    code, out, err = run(command)
    lines = out.splitlines()
    assert (code, err, lines[0]) == (0, "", "sat")
    assert [lines[k] for k in (1, 4, 6, 9)] == ["X real [1,2]", "Y real [1]", "Z real [2]", "W real []"]
    x, y, z, w = ([Fraction(v) for v in lines[i:j]] for i, j in ((2, 4), (5, 6), (7, 9), (10, 11)))
    assert (x[1], x) == (Fraction(1, 4), z)
    assert json.loads(run(f"{command} --json")[1])["assignment"]["X"] == [str(v) for v in x]
    # The networks have a bias of 1/3: what is no decimal is rounded, to 40 digits.
    exact = load("net.json")(x)[0], load("other.json")(z)[0]
    assert [abs(p - q) < Fraction(1, 10**35) for p, q in zip(exact, (*y, *w), strict=True)] == [True, True]


def test_what_is_not_decided_is_unknown_with_the_reason_on_stderr(queries, run):
    code, out, err = run("vnnlib product.vnnlib --network f=net.json --network g=same.json")
    assert (code, out, err.count("\n")) == (3, "unknown\n", 1)
    assert "product.vnnlib: line 6: a product" in err


def test_out_of_time_is_the_standards_word(queries, run):
    layers = [(2, 30), (30, 30), (30, 1)]
    net = Network.from_rows(
        [
            ([[(7 * i + 3 * j) % 11 - 5 for j in range(n)] for i in range(m)], [i % 3 for i in range(m)])
            for n, m in layers
        ]
    )
    (queries / "hard.json").write_text(json_file.dumps(net))
    (queries / "hard.vnnlib").write_text(
        QUERY.replace("(== X[0,1] 0.25)", "") + "(assert (>= (+ Y[0] W) 1e15))"
    )
    code, out, err = run("vnnlib hard.vnnlib --network f=hard.json --network g=hard.json --timeout 0.01")
    assert (code, out, err.count("\n")) == (3, "timed-out\n", 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("broken.vnnlib --network f=net.json --network g=same.json", ["broken.vnnlib: line 6", "'V'"]),
        ("missing.vnnlib --network f=net.json --network g=same.json", ["missing.vnnlib", "cannot be read"]),
        ("differ.vnnlib --network f=net.json", ["differ.vnnlib", "f, g", "found f"]),
        ("differ.vnnlib", ["differ.vnnlib", "found none"]),
        ("differ.vnnlib --network f=net.json --network f=same.json", ["each name once"]),
        ("differ.vnnlib --network f=net.json --network g=missing.json", ["missing.json"]),
        (
            "differ.vnnlib --network f=net.json --network g=wide.json",
            ["differ.vnnlib", "Z has 2 elements, found 3"],
        ),
        ("single.vnnlib --network f=net.json --network g=same.json", ["single.vnnlib", "float32"]),
        ("half.vnnlib --network f=net.json", ["half.vnnlib", "version 1.0"]),
        ("differ.vnnlib --network f=net.json --network g=same.json --certificate .", ["expected a folder"]),
        (
            "differ.vnnlib --network f=net.json --network g=same.json --certificate net.json",
            ["expected a folder"],
        ),
        (
            "differ.vnnlib --network f=net.json --network g=same.json --certificate no/where",
            ["expected a folder"],
        ),
    ],
)
def test_bad_queries_are_one_line_that_names_the_file(queries, refused, line, words):
    refused(f"vnnlib {line}", *words)
    assert (queries / "net.json").is_file()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vnnlib", ["QUERY"]),
        ("vnnlib differ.vnnlib --network net.json", ["NAME=MODEL", "net.json"]),
        ("vnnlib differ.vnnlib --network f=", ["NAME=MODEL"]),
        ("certify-equivalence net.json same.json --domain half.vnnlib --box 0,1", ["--domain", "--box"]),
    ],
)
def test_wrong_usage_is_one_line(misused, line, words):
    misused(line, *words)


def test_networks_are_compared_on_the_input_part_of_a_property(queries, run):
    code, out, _ = run("certify-equivalence net.json same.json --domain half.vnnlib --certificate cert.json")
    assert (code, out.splitlines()[0]) == (0, "equivalent")
    assert "on the domain of half.vnnlib, tolerance 0" in out
    rows = json.loads((queries / "cert.json").read_text())["domain"]
    assert [[[0, "1"]], "3/2"] in rows
    assert [[[1, "1"]], "1/10"] in rows
    assert run("check cert.json net.json same.json") == (0, "valid\n", "")
    code, out, _ = run("certify-equivalence net.json other.json --domain half.vnnlib --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["domain"]) == (1, "different", {"vnnlib": "half.vnnlib"})
    assert facts["witness"]["input"][1] == "1/10"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("net.json same.json --domain missing.vnnlib", ["missing.vnnlib", "cannot be read"]),
        ("net.json same.json --domain strict.vnnlib", ["strict.vnnlib: line 3"]),
        ("net.json same.json --domain empty.vnnlib", ["empty"]),
        ("net.json other.json --domain empty.vnnlib", ["empty"]),
        ("wide.json wide.json --domain half.vnnlib", ["3 inputs, found 2"]),
        ("net.json same.json --domain differ.vnnlib", ["differ.vnnlib", "one network"]),
        ("net.json same.json --domain net.json", ["net.json: line 1"]),
    ],
)
def test_domains_that_are_none_are_refused(queries, refused, line, words):
    refused(f"certify-equivalence {line}", *words)
