"""`exactre analyze`: the status first, everything in --json, proofs that `check` accepts, clear trouble."""

import json

from exactre.formats import json_file
from exactre.network import Network

# The last neuron of the second layer is never active.
DEAD = Network.from_rows([([[1, 2], [3, -1]], [1, -2]), ([[1, 1], [-1, -1]], [-1, -1]), ([[1, 1]], [0])])


def test_all_is_said_in_json(run):
    code, out, _ = run("analyze net.json --json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["regions"], facts["regions_counted"]) == (0, "complete", 7, True)
    assert [layer["injective"] for layer in facts["layers"]] == ["no"]
    assert {neuron["identifiability"] for neuron in facts["neurons"]} == {"recoverable"}
    assert facts["neurons"][0]["neuron"] == "layer1_0"
    assert facts["broken_hypotheses"] == []


def test_the_status_comes_first_and_proofs_are_accepted(run, files):
    (files / "dead.json").write_text(json_file.dumps(DEAD))
    (files / "proofs").mkdir()
    code, out, _ = run("analyze dead.json --proofs proofs")
    assert (code, out.splitlines()[0]) == (0, "complete")
    assert "layer2_1  signs: inactive; 0 pieces, depth 0, bends at nothing; ambiguous: its outgoing" in out
    for word in ("signs", "ambiguous"):
        names = [f"proofs/layer2_1.{word}.{kind}.json" for kind in ("certificate", "a", "b")]
        assert run(f"check {' '.join(names)}")[:2] == (0, "valid\n")


def test_box_plane_and_time(run):
    assert json.loads(run("analyze net.json --json --box 100,101")[1])["regions"] == 2
    assert json.loads(run("analyze net.json --json --slice 1,0 --box -1,1")[1])["regions"] > 1
    code, out, _ = run("analyze net.json --timeout 0.000001")
    assert code == 3
    assert out.splitlines()[0] == "partial"
    assert "at least" in out.splitlines()[1]


def test_trouble_is_one_line(refused, misused):
    refused("analyze net.json --slice 0,2", "inputs from 0 to 1")
    refused("analyze net.json --box 1,1", "interior")
    refused("analyze net.json --proofs nowhere", "nowhere", "folder")
    misused("analyze net.json --slice 0", "--slice")
    misused("analyze net.json --slice a,b", "--slice")
    misused("analyze", "MODEL")
