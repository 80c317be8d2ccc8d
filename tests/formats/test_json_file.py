"""The JSON form means one network: what is written is read back, and nothing else is read."""

import copy
import json
from fractions import Fraction

import pytest
from format_strategies import layered_networks, networks
from hypothesis import given
from hypothesis import strategies as st

from exactre.errors import FormatError
from exactre.formats.json_file import MAX_DIGITS, dump, dumps, loads, parse
from exactre.network import Network, Node
from exactre.rational import Matrix, parse_rational

LAYERED = {
    "format": "exactre-network",
    "version": 1,
    "layers": [
        {"weight": [["1/2", "-3"], ["0", "7"]], "bias": ["0", "-1/8"]},
        {"weight": {"shape": [1, 2], "entries": [[0, 1, "5/3"]]}, "bias": ["1"]},
    ],
}
DAG = {
    "format": "exactre-network",
    "version": 1,
    "nodes": [
        {"name": "a", "relu": True, "inputs": {"input": [["1", "2"]]}, "bias": ["0"]},
        {"name": "b", "relu": False, "inputs": {"input": [["1", "0"]], "a": [["-1/3"]]}, "bias": ["4"]},
    ],
}


@given(networks())
def test_what_is_written_is_read_back(net):
    assert loads(dumps(net)) == net
    assert parse(dump(net)) == net


@given(layered_networks())
def test_a_layered_network_is_written_as_layers(net):
    assert set(dump(net)) == {"format", "version", "layers"}


def test_the_forms_of_the_interface_are_read():
    net = parse(LAYERED)
    assert net == Network.from_rows(
        [([[Fraction(1, 2), -3], [0, 7]], [0, Fraction(-1, 8)]), ([[0, Fraction(5, 3)]], [1])]
    )
    dag = parse(DAG)
    assert dag((3, -1)) == (Fraction(3) - Fraction(1, 3) + 4,)
    assert [node.name for node in dag.nodes] == ["a", "b"]


def test_a_sparse_weight_is_written_sparse_and_means_the_dense_one():
    net = Network.from_rows([([[0, 0, 0, 0], [0, 0, Fraction(-2, 7), 0]], [0, 0])])
    document = dump(net)
    assert document["layers"][0]["weight"] == {"shape": [2, 4], "entries": [[1, 2, "-2/7"]]}
    dense = copy.deepcopy(document)
    dense["layers"][0]["weight"] = [["0"] * 4, ["0", "0", "-2/7", "0"]]
    assert parse(document) == parse(dense) == net


def test_a_network_that_reads_no_input_keeps_its_input_dimension():
    constant = Network(3, [Node("c", True, (), Matrix.column([1, -1]))])
    read = loads(dumps(constant))
    assert (read.input_dim, read((7, 8, 9))) == (3, (1, 0))


@given(st.one_of(st.text("-+/0123 ", max_size=6), st.fractions().map(str), st.text(max_size=3)))
def test_the_rationals_are_those_of_the_package(text):
    document = copy.deepcopy(LAYERED)
    document["layers"][1]["bias"] = [text]
    try:
        expected = parse_rational(text, "")
    except FormatError:
        with pytest.raises(FormatError, match=r"layers\[1\].bias\[0\]"):
            parse(document)
    else:
        assert parse(document).nodes[1].bias[0, 0] == expected


@pytest.mark.parametrize("text", [dumps(parse(LAYERED)), dumps(parse(DAG))], ids=["layers", "nodes"])
def test_no_prefix_of_a_file_is_read(text):
    for end in range(len(text.rstrip())):
        with pytest.raises(FormatError) as caught:
            loads(text[:end])
        assert "\n" not in str(caught.value)


def changed(document, path, value):
    """The document with the field at `path` replaced, or taken away where the value is `...`."""
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


WEIGHT = ("layers", 0, "weight")
SPARSE = ("layers", 1, "weight")
REFUSED = [
    (LAYERED, ("format",), "exactre", "format: expected 'exactre-network'"),
    (LAYERED, ("format",), ..., "document: expected the fields format, version, layers, found no 'format'"),
    (LAYERED, ("version",), 2, "version: expected 1, found 2"),
    (LAYERED, ("version",), True, "version: expected 1, found True"),
    (LAYERED, ("comment",), "x", "found 'comment'"),
    (LAYERED, ("nodes",), [], "found 'layers'|found no"),
    (LAYERED, ("layers",), [], "layers: expected a list of at least one"),
    (LAYERED, ("layers",), {}, "layers: expected a list"),
    (LAYERED, ("layers",), ..., "found no 'layers'"),
    (LAYERED, ("layers", 0), [], r"layers\[0\]: expected an object"),
    (LAYERED, ("layers", 0, "relu"), True, r"layers\[0\]: expected the fields weight, bias, found 'relu'"),
    (LAYERED, ("layers", 0, "bias"), ..., r"layers\[0\]: .* found no 'bias'"),
    (LAYERED, ("layers", 0, "bias"), [], r"layers\[0\].bias: expected a list of at least one"),
    (LAYERED, ("layers", 0, "bias"), "0", r"layers\[0\].bias: expected a list"),
    (LAYERED, ("layers", 0, "bias"), ["0"], r"layers\[0\].weight: expected 1 rows"),
    (LAYERED, ("layers", 0, "bias", 1), 0, r"layers\[0\].bias\[1\]: expected a rational"),
    (LAYERED, ("layers", 0, "bias", 1), None, r"layers\[0\].bias\[1\]: expected a rational"),
    (LAYERED, WEIGHT, [["1", "2"]], r"layers\[0\].weight: expected 2 rows"),
    (LAYERED, WEIGHT, [[], []], r"layers\[0\].weight\[0\]: expected a list of at least one"),
    (LAYERED, (*WEIGHT, 1), ["1"], r"layers\[0\].weight\[1\]: expected a list of 2 rationals"),
    (LAYERED, (*WEIGHT, 1), "17", r"layers\[0\].weight\[1\]: expected a list of 2 rationals"),
    (LAYERED, (*WEIGHT, 1, 0), "2/4", r"layers\[0\].weight\[1\]\[0\]: expected a rational .* found '2/4'"),
    (LAYERED, (*WEIGHT, 1, 0), "0.5", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "5/1", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "1/0", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "0/3", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "-0", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "+1", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "01", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "1/-2", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "1_0", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), " 1", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "\u0661", r"layers\[0\].weight\[1\]\[0\]"),
    (LAYERED, (*WEIGHT, 1, 0), "1" * (MAX_DIGITS + 1), f"of at most {MAX_DIGITS} digits"),
    (LAYERED, (*WEIGHT, 1, 0), "1/" + "7" * 5000, f"of at most {MAX_DIGITS} digits"),
    (LAYERED, ("layers", 1, "weight"), [["1", "2", "3"]], r"layers\[1\].weight\[0\]: expected a list of 2"),
    (LAYERED, (*SPARSE, "shape"), [1, 3], r"layers\[1\].weight.shape: expected \[1, 2\], found \[1, 3\]"),
    (LAYERED, (*SPARSE, "shape"), [2, 2], r"layers\[1\].weight.shape: expected \[1, 2\]"),
    (LAYERED, (*SPARSE, "shape"), [1, 0], r"layers\[1\].weight.shape: expected two positive integers"),
    (LAYERED, (*SPARSE, "shape"), [True, 2], r"layers\[1\].weight.shape: expected two positive integers"),
    (LAYERED, (*SPARSE, "shape"), [1], r"layers\[1\].weight.shape: expected two positive integers"),
    (LAYERED, (*SPARSE, "shape"), ..., r"layers\[1\].weight: expected the fields shape, entries"),
    (LAYERED, (*SPARSE, "nnz"), 1, r"layers\[1\].weight: .* found 'nnz'"),
    (LAYERED, (*SPARSE, "entries"), {}, r"layers\[1\].weight.entries: expected a list"),
    (LAYERED, (*SPARSE, "entries", 0), [0, 1], r"entries\[0\]: expected \[row, column, rational\]"),
    (LAYERED, (*SPARSE, "entries", 0), [0, 2, "1"], r"entries\[0\]: expected a place inside \[1, 2\]"),
    (LAYERED, (*SPARSE, "entries", 0), [0, -1, "1"], r"entries\[0\]: expected a place inside"),
    (LAYERED, (*SPARSE, "entries", 0), [False, 1, "1"], r"entries\[0\]: expected a place inside"),
    (LAYERED, (*SPARSE, "entries", 0), [0, 1, "0"], r"entries\[0\]: expected an entry that is not zero"),
    (LAYERED, (*SPARSE, "entries", 0), [0, 1, "3/9"], r"entries\[0\]: expected a rational"),
    (
        LAYERED,
        (*SPARSE, "entries"),
        [[0, 1, "1"], [0, 0, "1"]],
        r"entries\[1\]: expected places in row-major",
    ),
    (
        LAYERED,
        (*SPARSE, "entries"),
        [[0, 1, "1"], [0, 1, "1"]],
        r"entries\[1\]: expected places .* each once",
    ),
    (DAG, ("nodes", 0, "name"), 1, r"nodes\[0\].name: expected a text"),
    (DAG, ("nodes", 0, "name"), "input", r"nodes\[0\].name: the name 'input' is taken"),
    (DAG, ("nodes", 1, "name"), "a", r"nodes\[1\].name: the name 'a' is taken"),
    (DAG, ("nodes", 0, "relu"), 1, r"nodes\[0\].relu: expected true or false, found 1"),
    (DAG, ("nodes", 0, "relu"), ..., r"nodes\[0\]: .* found no 'relu'"),
    (DAG, ("nodes", 0, "inputs"), [], r"nodes\[0\].inputs: expected an object"),
    (
        DAG,
        ("nodes", 0, "inputs", "b"),
        [["1"]],
        r"nodes\[0\].inputs\['b'\]: expected 'input' or .* earlier node",
    ),
    (
        DAG,
        ("nodes", 1, "inputs", "b"),
        [["1"]],
        r"nodes\[1\].inputs\['b'\]: expected 'input' or .* earlier node",
    ),
    (
        DAG,
        ("nodes", 1, "inputs", "input"),
        [["1"]],
        r"nodes\[1\].inputs\['input'\]\[0\]: expected a list of 2",
    ),
    (DAG, ("nodes", 1, "inputs", "a"), [["1", "2"]], r"nodes\[1\].inputs\['a'\]\[0\]: expected a list of 1"),
    (DAG, ("nodes", 1, "bias"), ["1", "2"], r"nodes\[1\].inputs\['input'\]: expected 2 rows"),
]


@pytest.mark.parametrize(("document", "path", "value", "message"), REFUSED)
def test_a_changed_document_is_refused_by_name_of_the_place(document, path, value, message):
    parse(document)  # what is refused is the change
    with pytest.raises(FormatError, match=message) as caught:
        loads(json.dumps(changed(document, path, value)))
    assert "\n" not in str(caught.value)


def test_a_network_whose_input_nothing_reads_is_refused():
    nodes = [{"name": "c", "relu": False, "inputs": {}, "bias": ["1"]}]
    with pytest.raises(FormatError, match="nodes: expected a node that reads 'input', found none"):
        parse({"format": "exactre-network", "version": 1, "nodes": nodes})


@pytest.mark.parametrize("shape", [[1, 10**9], [1, 10**30]])
def test_a_short_file_cannot_claim_a_huge_weight(shape):
    layer = {"weight": {"shape": shape, "entries": []}, "bias": ["0"]}
    with pytest.raises(FormatError, match=r"layers\[0\].weight.shape: expected at most"):
        parse({"format": "exactre-network", "version": 1, "layers": [layer]})


@pytest.mark.parametrize("document", [None, [], "network", 1])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(FormatError, match="document: expected an object"):
        parse(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "exactre-network", "format": "exactre-network"}', "duplicate key 'format'"),
        (json.dumps(DAG).replace('"a": [["-1/3"]]', '"a": [["1"]], "a": [["1"]]'), "duplicate key 'a'"),
        (json.dumps(LAYERED).replace('"7"', "0.5"), "found the number 0.5"),
        (json.dumps(LAYERED).replace('"7"', "NaN"), "found the number NaN"),
        (json.dumps(LAYERED).replace('"7"', "-Infinity"), "found the number -Infinity"),
        (json.dumps(LAYERED).replace('"7"', "9" * 5000), "not a JSON document"),
        (json.dumps(LAYERED) + "{}", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        (b"\xff\xfe", "not a JSON document"),
        ("", "not a JSON document"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text, message):
    with pytest.raises(FormatError, match=message) as caught:
        loads(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [Fraction(10**MAX_DIGITS), Fraction(1, 10**5000)])
def test_a_number_too_long_to_be_read_is_not_written(value):
    with pytest.raises(FormatError, match=f"at most {MAX_DIGITS} digits"):
        dump(Network.from_rows([([[value]], [0])]))
