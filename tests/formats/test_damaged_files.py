"""A file with damaged bytes is read as some network or refused in one line: never a crash, never a hang."""

import json

import pytest
from graphs import constant, graph, node
from hypothesis import given, settings
from hypothesis import strategies as st
from test_array_file import ARRAYS, npz, safetensors
from test_json_file import DAG, LAYERED
from test_nnet_file import TEXT
from test_onnx_operators import ACCEPTED

from exactre import Network, load
from exactre.errors import FormatError

MODELS = {
    "layers.json": json.dumps(LAYERED).encode(),
    "nodes.json": json.dumps(DAG).encode(),
    "model.nnet": TEXT.encode(),
    "model.npz": npz(ARRAYS),
    "model.safetensors": safetensors(ARRAYS),
    **{
        f"{name}.onnx": graph(*ACCEPTED[name]).SerializeToString()
        for name in ("gemm scaled", "residual", "concat")
    },
}
DAMAGE = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 5), st.binary(max_size=3)), min_size=1, max_size=3
)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=60)
@given(damage=DAMAGE)
def test_damaged_bytes_are_refused_in_one_line_or_are_another_network(name, damage, tmp_path_factory):
    data = MODELS[name]
    for place, length, instead in damage:
        start = place % (len(data) + 1)
        data = data[:start] + instead + data[start + length :]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(data)
    result = outcome(path)
    assert isinstance(result, Network) or "\n" not in result


def outcome(path):
    """The network of a file, or the text that refuses it."""
    try:
        return load(path)
    except FormatError as error:
        return str(error)


def refusal(path, data):
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", [b"Rel\n", b"Re u", b"R\xfflu"])
def test_an_operator_of_a_broken_name_is_refused_in_one_line(name, tmp_path):
    data = graph([node("Relu", "x")], [1, 2]).SerializeToString().replace(b"Relu", name)
    assert "expected the name of an operator, found" in refusal(tmp_path / "model.onnx", data)


@pytest.mark.parametrize("flag", [1, 32, 64])  # encrypted, patched, strongly encrypted
def test_an_encrypted_npz_archive_is_refused(flag, tmp_path):
    data = bytearray(npz(ARRAYS))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= flag
    assert "not an .npz file, or truncated" in refusal(tmp_path / "model.npz", bytes(data))


def test_an_axis_beyond_all_integers_of_a_machine_is_refused(tmp_path):
    model = graph([node("Squeeze", "x a")], [1, 2], [constant("a", [2**40], "int64")])
    assert "Squeeze node 'squeeze': a tensor of shape" in refusal(
        tmp_path / "m.onnx", model.SerializeToString()
    )


def test_a_constant_of_no_number_is_refused(tmp_path):
    model = graph([node("Constant", "", "c", value_int=1), node("Reshape", "x c")], [1, 1])
    model.graph.node[0].attribute[0].ClearField("i")
    model.graph.node[0].attribute[0].type = 3  # a text
    assert "attribute 'value_int': expected finite numbers" in refusal(
        tmp_path / "m.onnx", model.SerializeToString()
    )
