"""Named arrays: `.npz` and `.safetensors` hold one layered network, whose order is told and not guessed."""

import io
import json
import struct
from fractions import Fraction

import numpy as np
import pytest
from format_strategies import FLOAT32, FLOAT64, layered_networks
from hypothesis import given

from exactre.errors import FormatError
from exactre.formats.array_file import encode_npz, read_npz, read_safetensors
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix

W1, B1, W2, B2 = [[1, 2], [0.5, -3], [0, 1]], [1, 0, -1], [[2, -1, 0.25]], [0.75]
NET = Network.from_rows(
    [([[Fraction(v) for v in row] for row in W1], B1), ([[2, -1, Fraction(1, 4)]], [Fraction(3, 4)])]
)
ARRAYS = {"fc1.weight": W1, "fc1.bias": B1, "fc2.weight": W2, "fc2.bias": B2}
BF16 = "BF16"


def npz(arrays):
    """File of the arrays; lists become float64 arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **{k: v if isinstance(v, np.ndarray) else np.array(v, float) for k, v in arrays.items()})
    return buffer.getvalue()


def safetensors(arrays, dtype="F32", metadata=None):
    """File of the arrays in a type; float arrays keep theirs."""
    header, body = ({} if metadata is None else {"__metadata__": metadata}), b""
    for name, values in arrays.items():
        array = np.asarray(values, {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<f4"}[dtype])
        data = (array.view("<u4") >> 16).astype("<u2").tobytes() if dtype == BF16 else array.tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        body += data
    return framed(json.dumps(header).encode(), body)


def framed(header, body=b""):
    return struct.pack("<Q", len(header)) + header + body


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("arrays") / "model"


def read(data, path, **options):
    path.write_bytes(data)
    return (read_npz if data[:2] == b"PK" else read_safetensors)(path, **options)


def refusal(data, path, **options):
    with pytest.raises(FormatError) as caught:
        read(data, path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(net=layered_networks(FLOAT32))
def test_a_float32_network_is_read_back_from_npz(net, path):
    assert read(encode_npz(net), path) == net


@given(net=layered_networks(FLOAT64))
def test_a_float64_network_is_read_back_from_npz(net, path):
    assert read(encode_npz(net), path) == net


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", BF16])
def test_every_float_type_of_safetensors_is_read_exactly(dtype, path):
    third = np.float32(1 / 3)
    if dtype == BF16:
        third = (third.view("u4") >> 16 << 16).view("f4")
    if dtype == "F16":
        third = np.float16(third)
    net = read(safetensors(ARRAYS | {"fc2.bias": [third]}, dtype, {"format": "pt"}), path)
    assert net.nodes[0] == NET.nodes[0]
    assert net.nodes[1].bias[0, 0] == Fraction(float(third))


@pytest.mark.parametrize("write", [npz, safetensors])
def test_layers_come_in_the_order_of_their_numbers(write, path):
    names = {"fc1": "net.2", "fc2": "net.10"}
    arrays = {f"{names[k[:3]]}{k[3:]}": v for k, v in reversed(ARRAYS.items())}
    assert read(write(arrays), path) == NET


@pytest.mark.parametrize("write", [npz, safetensors])
def test_layers_come_in_the_order_that_is_told(write, path):
    arrays = {k.replace("fc1", "body").replace("fc2", "a.head"): v for k, v in ARRAYS.items()}
    assert read(write(arrays), path, layers=["body", "a.head"]) == NET
    message = refusal(write(arrays), path)
    assert message.startswith("expected layer names that differ in one number, or their order in `layers`")


def test_a_layer_without_a_bias_has_bias_zero(path):
    arrays = {k: v for k, v in ARRAYS.items() if k != "fc2.bias"}
    assert read(npz(arrays), path).nodes[1].bias == Matrix.column([0])


def test_a_network_that_is_not_layered_is_not_written_as_npz():
    node = Node("y", True, ((INPUT, Matrix.from_rows([[1]])),), Matrix.column([0]))
    with pytest.raises(FormatError, match="holds layered networks"):
        encode_npz(Network(1, [node]))


def test_a_weight_that_is_no_float_is_not_written_as_npz():
    with pytest.raises(FormatError, match=r"no float64 is exactly entry \[0, 0\], 1/3"):
        encode_npz(Network.from_rows([([[Fraction(1, 3)]], [0])]))


@pytest.mark.parametrize("write", [npz, safetensors])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fc2.weight": [[1, 2]]}, "array 'fc2.weight': expected 3 columns, found 2"),
        ({"fc1.bias": [1, 2]}, "array 'fc1.bias': expected 3 entries, found 2"),
        ({"fc1.bias": [[1, 2, 3]]}, "array 'fc1.bias': expected 1 dimensions"),
        ({"fc1.weight": [1, 2]}, "array 'fc1.weight': expected 2 dimensions"),
        ({"fc1.weight": np.zeros((0, 2))}, "array 'fc1.weight': expected 2 dimensions, none zero"),
        ({"fc1.weight": np.zeros((3, 0))}, "array 'fc1.weight': expected 2 dimensions, none zero"),
        ({"fc2.weight": [[1, np.nan, 2]]}, "array 'fc2.weight': entry [0, 1] is nan"),
        ({"fc1.bias": [1, np.inf, 2]}, "array 'fc1.bias': entry [1, 0] is inf"),
        ({"fc3.bias": [1]}, "expected an array 'fc3.weight', found none"),
        ({"scale": [1]}, "array 'scale': expected a name that ends in '.weight' or '.bias'"),
        ({".weight": [1]}, "array '.weight': expected a name that ends in"),
        ({"fc1.running_mean": [1]}, "array 'fc1.running_mean': expected a name that ends in"),
        ({"conv1.weight": [[1]]}, "expected layer names that differ in one number"),
        ({"fc1.2.weight": [[1]]}, "expected layer names that differ in one number"),
    ],
)
def test_arrays_that_make_no_network_are_refused_by_name(write, changes, message, path):
    assert refusal(write(ARRAYS | changes), path).startswith(message)


@pytest.mark.parametrize("write", [npz, safetensors])
def test_an_array_of_no_layer_that_is_told_is_refused(write, path):
    assert refusal(write(ARRAYS), path, layers=["fc1"]).startswith(
        "array 'fc2.weight': expected an array of the layers"
    )
    assert (
        refusal(write(ARRAYS), path, layers=["fc1", "fc2", "fc3"])
        == "expected an array 'fc3.weight', found none"
    )
    assert refusal(write({}), path, layers=[]) == "expected at least one layer, found none"


@pytest.mark.parametrize("dtype", [np.int64, bool, np.complex64, object, "U3"])
def test_an_array_of_no_floats_is_refused(dtype, path):
    message = refusal(npz(ARRAYS | {"fc1.bias": np.zeros(3, dtype)}), path)
    assert "array 'fc1.bias': expected floats" in message or "Object arrays" in message


@pytest.mark.parametrize("write", [npz, safetensors])
def test_no_prefix_of_a_file_is_read(write, path):
    whole = write(ARRAYS)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(FormatError):
            (read_npz if write is npz else read_safetensors)(path)


def test_a_damaged_npz_file_is_refused(path):
    whole = bytearray(npz(ARRAYS))
    whole[whole.index(b"\x93NUMPY") + 130] ^= 255  # in the data, under its checksum
    assert refusal(bytes(whole), path).startswith("not an .npz file, or truncated")


def test_an_array_file_is_no_archive(path):
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(FormatError, match=r"not an \.npz file"):
        read_npz(path)


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (framed(b"{"), "header: not a JSON document"),
        (framed(b"[" * 100_000), "header: not a JSON document"),
        (framed(b"[]"), "header: expected an object"),
        (framed(b'{"a": 1, "a": 2}'), "duplicate key 'a'"),
        (framed(b'{"a": 1}'), "tensor 'a': expected dtype, shape and data_offsets"),
        (framed(json.dumps({"a": {**ENTRY, "x": 1}}).encode()), "tensor 'a': expected dtype, shape"),
        (framed(json.dumps({"a": {**ENTRY, "dtype": "I64"}}).encode()), "tensor 'a': expected one of F64"),
        (framed(json.dumps({"a": {**ENTRY, "dtype": [1]}}).encode()), "tensor 'a': expected one of F64"),
        (framed(json.dumps({"a": {**ENTRY, "shape": [-1]}}).encode()), "tensor 'a': shape: expected natural"),
        (framed(json.dumps({"a": {**ENTRY, "shape": 1}}).encode()), "tensor 'a': shape: expected natural"),
        (
            framed(json.dumps({"a": {**ENTRY, "shape": [2**70]}}).encode()),
            "tensor 'a': expected 4722366482869645213696",
        ),
        (
            framed(json.dumps({"a": {**ENTRY, "data_offsets": [0]}}).encode()),
            "tensor 'a': expected 4 of 0 bytes",
        ),
        (
            framed(json.dumps({"a": {**ENTRY, "data_offsets": [0, 8]}}).encode(), bytes(8)),
            "tensor 'a': expected 4 of 8",
        ),
        (
            framed(json.dumps({"a": {**ENTRY, "data_offsets": [4, 0]}}).encode(), bytes(8)),
            "tensor 'a': expected 4 of 8",
        ),
        (
            framed(json.dumps({"a": {**ENTRY, "data_offsets": [8, 12]}}).encode(), bytes(8)),
            "tensor 'a': expected 4 of 8",
        ),
        (struct.pack("<Q", 2**63) + b"{}", "truncated: expected a header of 9223372036854775808 bytes"),
        (b"\x01", "truncated: expected a header"),
    ],
)
def test_a_broken_safetensors_file_is_refused(data, message, path):
    assert refusal(data, path).startswith(message)
