"""The checker's reader of networks: one hash per exact structure, strictness, agreement with the package."""

import hashlib

import pytest
from certificate_cases import RELU, TWICE, changed, layers

from exactre.certify.certificate import digest
from exactre.check import Malformed, read_network
from exactre.formats.json_file import dump, parse
from exactre.network import Network, Node
from exactre.rational import Matrix

NODES = {
    "format": "exactre-network",
    "version": 1,
    "nodes": [
        {"name": "h", "relu": True, "inputs": {"input": [["1", "0"], ["0", "-2/3"]]}, "bias": ["0", "1"]},
        {
            "name": "out",
            "relu": False,
            "inputs": {"h": [["1", "1"]], "input": [["0", "5"]]},
            "bias": ["-1/7"],
        },
    ],
}
CANONICAL = """exactre-network 1
input 2
node relu 2
from 0
0 1
1 -2/3
bias
0 1
node affine 1
from 0
1 5
from 1
0 1 1 1
bias
-1/7
"""


def test_the_hash_is_that_of_the_canonical_bytes():
    assert read_network(NODES, "A").sha256 == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_spellings_of_one_network_have_one_hash():
    sparse = changed(
        NODES,
        ["nodes", 1, "inputs"],
        {"input": {"shape": [1, 2], "entries": [[0, 1, "5"]]}, "h": [["1", "1"]]},
    )
    renamed = changed(
        changed(NODES, ["nodes", 0, "name"], "z"),
        ["nodes", 1, "inputs"],
        {"z": [["1", "1"]], "input": [["0", "5"]]},
    )
    hashes = {read_network(document, "A").sha256 for document in (NODES, sparse, renamed)}
    assert len(hashes) == 1
    as_nodes = {**RELU, "nodes": [
        {"name": "a", "relu": True, "inputs": {"input": [["1"]]}, "bias": ["0"]},
        {"name": "b", "relu": False, "inputs": {"a": [["1"]]}, "bias": ["0"]},
    ]}  # fmt: skip
    del as_nodes["layers"]
    assert read_network(as_nodes, "A").sha256 == read_network(RELU, "A").sha256


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["nodes", 0, "relu"], False),
        (["nodes", 0, "bias", 1], "2"),
        (["nodes", 0, "inputs", "input", 0, 1], "1"),
        (["nodes", 1, "inputs"], {"h": [["1", "1"]]}),
        (["nodes", 1, "inputs", "input", 0, 1], "0"),
    ],
)
def test_another_network_has_another_hash(path, value):
    assert read_network(changed(NODES, path, value), "A").sha256 != read_network(NODES, "A").sha256


@pytest.mark.parametrize("document", [NODES, RELU, TWICE, layers(([[0, 0], [0, "1/3"]], [0, 0]))])
def test_package_and_checker_agree_on_the_hash(document):
    net = parse(document)
    assert digest(net) == read_network(document, "A").sha256 == read_network(dump(net), "A").sha256


def test_package_and_checker_agree_on_the_hash_of_a_network_that_reads_no_input():
    net = Network(3, [Node("h", True, (), Matrix.column([1, 2])), Node("o", False, (), Matrix.column([4]))])
    assert digest(net) == read_network(dump(net), "A").sha256


SPARSE = {"shape": [2, 2], "entries": [[0, 0, "1"], [1, 1, "-2/3"]]}
REFUSED = [
    ([], {}),
    (["format"], "exactre-certificate"),
    (["version"], True),
    (["version"], 2),
    (["nodes"], []),
    (["nodes"], {}),
    (["layers"], []),
    (["nodes", 0], []),
    (["nodes", 0, "name"], "input"),
    (["nodes", 0, "name"], ""),
    (["nodes", 0, "name"], 3),
    (["nodes", 1, "name"], "h"),
    (["nodes", 0, "relu"], 1),
    (["nodes", 0, "bias"], []),
    (["nodes", 0, "bias"], ["0", "1", "2"]),
    (["nodes", 0, "bias", 0], 0),
    (["nodes", 0, "bias", 0], "0.5"),
    (["nodes", 0, "bias", 0], "2/4"),
    (["nodes", 0, "bias", 0], "1/-2"),
    (["nodes", 0, "bias", 0], ""),
    (["nodes", 0, "extra"], 1),
    (["nodes", 0, "inputs"], []),
    (["nodes", 0, "inputs", "out"], [["1"], ["1"]]),
    (["nodes", 0, "inputs", "h"], [["1", "1"], ["1", "1"]]),
    (["nodes", 0, "inputs", "input"], []),
    (["nodes", 0, "inputs", "input"], [[], []]),
    (["nodes", 0, "inputs", "input"], [["1", "0"]]),
    (["nodes", 0, "inputs", "input"], [["1", "0"], ["1"]]),
    (["nodes", 0, "inputs", "input"], ["10", "00"]),
    (["nodes", 0, "inputs", "input", 0, 0], 1),
    (["nodes", 0, "inputs", "input", 0, 0], None),
    (["nodes", 1, "inputs", "h"], [["1", "1", "1"]]),
    (["nodes", 1, "inputs", "input"], [["1", "1", "1"]]),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "shape": [3, 2]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "shape": [2, 1]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "shape": [2, 10**11]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "shape": [2]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[1, 1, "1"], [0, 0, "1"]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[0, 0, "1"], [0, 0, "1"]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[0, 0, "0"]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[0, 0, 1]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[0, -1, "1"]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[2, 0, "1"]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[0, 0]]}),
    (["nodes", 0, "inputs", "input"], {**SPARSE, "entries": [[True, 0, "1"]]}),
    (["nodes", 0, "inputs", "input"], {"shape": [2, 2]}),
]


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_a_malformed_network_is_refused(path, value):
    document = changed({"network": NODES}, ["network", *path], value)["network"]
    with pytest.raises(Malformed, match=r"^A"):
        read_network(document, "A")


def test_no_node_reads_the_input():
    document = {
        "format": "exactre-network",
        "version": 1,
        "nodes": [{"name": "o", "relu": False, "inputs": {}, "bias": ["1"]}],
    }
    with pytest.raises(Malformed, match="no node reads the input"):
        read_network(document, "A")
