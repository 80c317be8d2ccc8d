"""Layered networks as named arrays: `.npz` read and written, `.safetensors` read.

Meaning: arrays "<name>.weight" (outputs, inputs) and "<name>.bias" (outputs,) are one layer, with ReLU after
every layer but the last; a layer without a bias has bias zero. The layers' order is the order of
`layers`, or else of the one number in their names, which must then be alike otherwise ("fc1", "fc2").
Source of .safetensors: its format description (8 bytes of length, JSON header, data).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from exactre.errors import FormatError
from exactre.formats.floats import exact_kind, nearest
from exactre.formats.json_file import unique_keys
from exactre.network import Network
from exactre.rational import Matrix

Array = NDArray[Any]

_SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_npz(path: Path, *, layers: Sequence[str] | None = None) -> Network:
    """Exact layered network of an `.npz` file. Raises FormatError naming the array."""
    data = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise FormatError("not an .npz file, or truncated")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise FormatError(f"not an .npz file, or truncated: {error}") from None
    return _network(arrays, layers)


def read_safetensors(path: Path, *, layers: Sequence[str] | None = None) -> Network:
    """Exact layered network of a `.safetensors` file. Raises FormatError naming the tensor."""
    return _network(_safetensors(path.read_bytes()), layers)


def encode_npz(net: Network) -> bytes:
    """`.npz` file of a layered network, its weights all float32 or all float64; nothing is rounded.

    Raises FormatError when the network is not layered, or naming the first weight that no float64 is.
    """
    if not net.is_layered:
        raise FormatError("an .npz file holds layered networks, and this is another DAG")
    kind = exact_kind(net)
    arrays = {}
    for k, node in enumerate(net.nodes, start=1):
        arrays[f"layer{k}.weight"] = nearest(node.inputs[0][1], kind)
        arrays[f"layer{k}.bias"] = nearest(node.bias, kind).ravel()
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes every keyword for allow_pickle
    return buffer.getvalue()


def _network(arrays: Mapping[str, Array], names: Sequence[str] | None) -> Network:
    names = _order({_split(name)[0] for name in arrays}) if names is None else list(names)
    for name in arrays:
        if _split(name)[0] not in names:
            raise FormatError(f"array {name!r}: expected an array of the layers {names!r:.200}")
    pairs: list[tuple[Matrix, Matrix]] = []
    for name in names:
        weight = _matrix(arrays, f"{name}.weight", 2)
        m, n = weight.shape
        if pairs and n != pairs[-1][0].shape[0]:
            raise FormatError(
                f"array {name + '.weight'!r}: expected {pairs[-1][0].shape[0]} columns, found {n}"
            )
        bias = _matrix(arrays, f"{name}.bias", 1) if f"{name}.bias" in arrays else Matrix(fmpz_mat(m, 1))
        if bias.shape[0] != m:
            raise FormatError(f"array {name + '.bias'!r}: expected {m} entries, found {bias.shape[0]}")
        pairs.append((weight, bias))
    if not pairs:
        raise FormatError("expected at least one layer, found none")
    return Network.layered(pairs)


def _split(name: str) -> tuple[str, str]:
    layer, _, part = name.rpartition(".")
    if part not in ("weight", "bias") or not layer:
        raise FormatError(f"array {name!r}: expected a name that ends in '.weight' or '.bias'")
    return layer, part


def _order(names: set[str]) -> list[str]:
    """Layer names by their number. Raises FormatError when no number tells their order."""
    if len(names) == 1:
        return list(names)
    numbers = {name: re.findall(r"[0-9]+", name) for name in names}
    stems = {re.sub(r"[0-9]+", "#", name) for name in names}
    if len(stems) > 1 or any(len(found) != 1 for found in numbers.values()):
        found = ", ".join(repr(name) for name in sorted(names))
        raise FormatError(
            f"expected layer names that differ in one number, or their order in `layers`, found {found}"
        )
    return sorted(names, key=lambda name: int(numbers[name][0]))


def _matrix(arrays: Mapping[str, Array], name: str, dimensions: int) -> Matrix:
    """Exact matrix of a weight, or column of a bias."""
    if name not in arrays:
        raise FormatError(f"expected an array {name!r}, found none")
    array = arrays[name]
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise FormatError(f"array {name!r}: expected floats of at most 64 bits, found {array.dtype}")
    if array.ndim != dimensions or 0 in array.shape:
        raise FormatError(f"array {name!r}: expected {dimensions} dimensions, none zero, found {array.shape}")
    try:
        return Matrix.from_floats(array if dimensions == 2 else array.reshape(-1, 1))
    except FormatError as error:
        raise FormatError(f"array {name!r}: {error}") from None


def _safetensors(data: bytes) -> dict[str, Array]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise FormatError(f"truncated: expected a header of {size} bytes, found {max(len(data) - 8, 0)}")
    try:
        header = json.loads(data[8 : 8 + size], object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"header: not a JSON document: {error}") from None
    if not isinstance(header, dict):
        raise FormatError("header: expected an object")
    body = memoryview(data)[8 + size :]
    return {name: _tensor(name, entry, body) for name, entry in header.items() if name != "__metadata__"}


def _tensor(name: str, entry: object, body: memoryview) -> Array:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"tensor {name!r}: expected dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _SAFETENSORS:
        raise FormatError(f"tensor {name!r}: expected one of {', '.join(_SAFETENSORS)}, found {dtype!r:.20}")
    for what, numbers in (("shape", shape), ("data_offsets", offsets)):
        if not isinstance(numbers, list) or any(type(v) is not int or v < 0 for v in numbers):
            raise FormatError(f"tensor {name!r}: {what}: expected natural numbers, found {numbers!r:.60}")
    count, width = int(np.prod(shape, dtype=object)), np.dtype(_SAFETENSORS[dtype]).itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != count * width or offsets[1] > len(body):
        raise FormatError(
            f"tensor {name!r}: expected {count * width} of {len(body)} bytes, found data_offsets {offsets}"
        )
    array = np.frombuffer(body[offsets[0] : offsets[1]], _SAFETENSORS[dtype]).reshape(shape)
    if dtype == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
