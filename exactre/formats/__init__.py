"""File formats: one file per format, reading and writing side by side.

`load` and `save` choose the format by the file's suffix. A format's module is imported when a file needs
it, since onnx alone takes longer to import than the rest of the package.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from exactre.errors import FormatError, ShapeError, UnsupportedOperator
from exactre.formats import json_file
from exactre.formats.choice import Choice
from exactre.formats.floats import KINDS, rounded
from exactre.formats.whole_file import write_whole
from exactre.network import Network

SUFFIXES = (".json", ".nnet", ".npz", ".onnx", ".safetensors")
WRITTEN_SUFFIXES = (".json", ".npz", ".onnx")


def load(
    source: object,
    *,
    weights: Literal["exact", "float32", "float64"] = "exact",
    input: str | Sequence[str] = (),
    output: str | Sequence[str] = (),
    shape: Sequence[int] | None = None,
    cut: bool = False,
    layers: Sequence[str] | None = None,
    normalization: bool = True,
) -> Network:
    """Exact network of a model file (.onnx .nnet .json .npz .safetensors) or of a torch.nn.Module.

    `weights` rounds each number of the text formats (.json, .nnet) to the nearest float; the other formats'
    numbers are floats already, and of them it rounds only a batch normalization's factor that is irrational.
    `input` and `output` name those of an .onnx file that has several; more than one are joined in that order.
    `shape` is the input's, for a module or where an .onnx file leaves it open. `cut` leaves out a Softmax,
    LogSoftmax, ArgMax or Sigmoid that ends the graph. `layers` names the layers of an .npz or .safetensors
    file in their order. `normalization=False` leaves out what a .nnet file does to its inputs and outputs.
    Raises FormatError naming the file and the place, UnsupportedOperator naming operator and node.
    """
    if weights not in ("exact", *KINDS):
        raise FormatError(f"weights: expected 'exact', 'float32' or 'float64', found {weights!r:.60}")
    choice = Choice.of(weights, input, output, shape, cut)
    if is_module(source):
        from exactre.formats import torch_module

        return torch_module.read(source, choice)
    if not isinstance(source, str | os.PathLike):
        raise FormatError(f"expected a path or a torch.nn.Module, found {type(source).__name__}")
    path = Path(source)
    try:
        return _reader(path, choice, layers, normalization)(path)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnsupportedOperator as error:
        raise UnsupportedOperator(f"{path}: {error}") from None
    except (FormatError, ShapeError) as error:
        raise FormatError(f"{path}: {error}") from None


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network exactly: as .json, or as .onnx or .npz where float32 or float64 holds every weight.

    The file is written whole or not at all. Raises FormatError naming the first weight that no float64 is.
    """
    path = Path(path)
    try:
        write_whole(path, _encoder(path)(net))
    except OSError as error:
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from None
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def is_module(source: object) -> bool:
    """True for a torch.nn.Module, by its base classes' names: torch is not imported for other sources."""
    bases = (f"{base.__module__}.{base.__qualname__}" for base in type(source).__mro__)
    return "torch.nn.modules.module.Module" in bases


def _reader(
    path: Path, choice: Choice, layers: Sequence[str] | None, normalization: bool
) -> Callable[[Path], Network]:
    suffix = path.suffix.lower()
    kind = choice.rounding
    if layers is not None and suffix not in (".npz", ".safetensors"):
        raise FormatError("layers: expected only with an .npz or .safetensors file")
    if not normalization and suffix != ".nnet":
        raise FormatError("normalization=False: expected only with a .nnet file")
    if (choice.inputs or choice.outputs or choice.shape) and suffix != ".onnx":
        raise FormatError("input, output and shape: expected only with an .onnx file")
    if suffix == ".json":
        net = json_file.loads
        return lambda p: rounded(net(p.read_bytes()), kind) if kind else net(p.read_bytes())
    if suffix == ".nnet":
        from exactre.formats import nnet_file

        return lambda p: nnet_file.read(p, weights=kind, normalization=normalization)
    if suffix == ".onnx":
        from exactre.formats import onnx_file

        return lambda p: onnx_file.read(p, choice)
    if suffix in (".npz", ".safetensors"):
        from exactre.formats import array_file

        read = array_file.read_npz if suffix == ".npz" else array_file.read_safetensors
        return lambda p: read(p, layers=layers)
    raise FormatError(f"expected a file {', '.join(SUFFIXES)}, found the suffix {suffix!r}")


def _encoder(path: Path) -> Callable[[Network], bytes]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return lambda net: json_file.dumps(net).encode()
    if suffix == ".onnx":
        from exactre.formats import onnx_file

        return onnx_file.encode
    if suffix == ".npz":
        from exactre.formats import array_file

        return array_file.encode_npz
    raise FormatError(f"expected a file {', '.join(WRITTEN_SUFFIXES)}, found the suffix {suffix!r}")
