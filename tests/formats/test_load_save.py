"""`load` and `save` choose the format, name the file in every refusal, and write whole files."""

import os
from fractions import Fraction

import pytest
from format_strategies import FLOAT32, networks
from hypothesis import given

from exactre import load, save
from exactre.errors import ExactreError, FormatError
from exactre.formats.floats import rounded
from exactre.formats.json_file import dumps
from exactre.formats.whole_file import write_whole
from exactre.network import Network

THIRD = Network.from_rows([([[Fraction(1, 3), 2]], [1]), ([[3]], [Fraction(-1, 7)])])
FLOATS = Network.from_rows([([[0.5, 2]], [1]), ([[3]], [-0.25])])


@given(net=networks(FLOAT32))
@pytest.mark.parametrize("suffix", [".json", ".onnx"])
def test_what_is_saved_is_loaded(net, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / f"model{suffix}"
    save(net, path)
    assert load(path) == load(str(path)) == net


def test_suffixes_are_read_in_capitals_too(tmp_path):
    for name in ("a.JSON", "a.Onnx", "a.NPZ"):
        save(FLOATS, tmp_path / name)
        assert load(tmp_path / name) == FLOATS


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_weights_rounds_a_json_network(kind, tmp_path):
    path = tmp_path / "third.json"
    save(THIRD, path)
    assert load(path, weights="exact") == THIRD
    assert load(path, weights=kind) == rounded(THIRD, kind) != THIRD


@pytest.mark.parametrize("suffix", [".onnx", ".npz"])
def test_weights_leaves_formats_of_floats_as_they_are(suffix, tmp_path):
    double = Network.from_rows([([[Fraction(0.1)]], [0])])
    save(double, tmp_path / f"double{suffix}")
    assert load(tmp_path / f"double{suffix}", weights="float32") == double


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("none.json", {}, "none.json: cannot be read: No such file or directory"),
        ("none.onnx", {}, "none.onnx: cannot be read: No such file or directory"),
        ("none.nnet", {}, "none.nnet: cannot be read: No such file or directory"),
        ("none.npz", {}, "none.npz: cannot be read: No such file or directory"),
        ("none.safetensors", {}, "none.safetensors: cannot be read: No such file or directory"),
        ("folder.json", {}, "folder.json: cannot be read: Is a directory"),
        ("folder.onnx", {}, "folder.onnx: cannot be read: Is a directory"),
        ("folder.npz", {}, "folder.npz: cannot be read: Is a directory"),
        (
            "model.pt",
            {},
            "model.pt: expected a file .json, .nnet, .npz, .onnx, .safetensors, found the suffix '.pt'",
        ),
        ("model", {}, "found the suffix ''"),
        ("empty.json", {}, "empty.json: not a JSON document"),
        ("empty.onnx", {}, "empty.onnx: not an ONNX file, or truncated"),
        ("empty.nnet", {}, "empty.nnet: line 1: expected the number of layers, found the end of the file"),
        ("empty.npz", {}, "empty.npz: not an .npz file, or truncated"),
        ("empty.safetensors", {}, "empty.safetensors: truncated"),
        (
            "good.json",
            {"weights": "float16"},
            "weights: expected 'exact', 'float32' or 'float64', found 'float16'",
        ),
        (
            "good.json",
            {"layers": ["a"]},
            "good.json: layers: expected only with an .npz or .safetensors file",
        ),
        (
            "good.json",
            {"normalization": False},
            "good.json: normalization=False: expected only with a .nnet file",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_one_line_that_names_the_file(name, options, message, tmp_path):
    save(FLOATS, tmp_path / "good.json")
    for suffix in ("json", "onnx", "npz"):
        (tmp_path / f"folder.{suffix}").mkdir()
    for suffix in ("json", "onnx", "npz", "nnet", "safetensors"):
        (tmp_path / f"empty.{suffix}").touch()
    with pytest.raises(FormatError) as caught:
        load(tmp_path / name, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("net", "name", "message"),
    [
        (
            THIRD,
            "third.onnx",
            "third.onnx: node 'layer1', weight of 'input': no float64 is exactly entry [0, 0], 1/3",
        ),
        (
            THIRD,
            "third.npz",
            "third.npz: node 'layer1', weight of 'input': no float64 is exactly entry [0, 0], 1/3",
        ),
        (FLOATS, "model.nnet", "model.nnet: expected a file .json, .npz, .onnx, found the suffix '.nnet'"),
        (FLOATS, "none/model.json", "none/model.json: cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_leaves_no_file(net, name, message, tmp_path):
    with pytest.raises(ExactreError) as caught:
        save(net, tmp_path / name)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_cannot_be_saved_leaves_the_file_before_it(tmp_path):
    path = tmp_path / "model.onnx"
    save(FLOATS, path)
    with pytest.raises(FormatError):
        save(THIRD, path)
    assert load(path) == FLOATS


def test_a_write_that_fails_half_way_leaves_the_file_before_it(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    save(FLOATS, path)

    def full_disk(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(FormatError, match=r"model\.json: cannot be written: No space left on device"):
        save(THIRD, path)
    assert path.read_text() == dumps(FLOATS)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "model.json"
    for data in (b"one", b"two"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_over_a_folder_leaves_the_folder_alone(tmp_path):
    path = tmp_path / "model.json"
    path.mkdir()
    with pytest.raises(FormatError, match=r"model\.json: cannot be written: Is a directory"):
        save(FLOATS, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir()
