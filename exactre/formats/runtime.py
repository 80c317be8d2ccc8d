"""What a real runtime computes at a point, to be shown beside the exact value; nothing is decided by it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from exactre.errors import FormatError
from exactre.formats import load
from exactre.formats.choice import Choice
from exactre.formats.floats import FloatNetwork, Floats, Kind, nearest
from exactre.network import Network
from exactre.rational import Matrix, Rational

_INPUT_KINDS: dict[str, Kind] = {"tensor(float)": "float32", "tensor(double)": "float64"}


def replay(
    path: str | os.PathLike[str],
    point: Sequence[Rational],
    *,
    weights: Literal["exact", "float32", "float64"] = "exact",
    input: str | Sequence[str] = (),
    output: str | Sequence[str] = (),
    shape: Sequence[int] | None = None,
    cut: bool = False,
    normalization: bool = True,
) -> tuple[float, ...]:
    """Outputs (m,) of a model file at the floats nearest to a point (n,), computed in floating point.

    The options are those of `load`. An ONNX file runs in onnxruntime in the types of its inputs; any other
    file's network is rounded to float64 and evaluated by numpy. Raises FormatError as `load` does, when the
    runtime refuses the file, or when a number is beyond the type's range.
    """
    column, path = Matrix.column(point), Path(path)
    if path.suffix.lower() == ".onnx":
        return _run_onnx(path, column, Choice.of(weights, input, output, shape, cut))
    net = load(path, weights=weights, normalization=normalization)
    return _run_numpy(net, nearest(column, "float64"))


def _run_numpy(net: Network, x: Floats) -> tuple[float, ...]:
    _check_length(len(x), net.input_dim)
    return tuple(FloatNetwork(net, "float64")(x.T).ravel().tolist())


def _run_onnx(path: Path, column: Matrix, choice: Choice) -> tuple[float, ...]:
    import onnxruntime  # only here: it takes long to import, and few commands replay
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    from exactre.formats.onnx_file import excerpt

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one order of summation, so that a replay can be repeated
    options.log_severity_level = 4
    # A file that is run as it is may keep weights in other files.
    model = excerpt(path, choice) if choice.outputs or choice.cut else path
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        feeds = _feeds(path, session.get_inputs(), column, choice)
        found = session.run(None, feeds)
    except (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NoSuchFile,
        errors.NotImplemented,
        errors.RuntimeException,
    ) as error:
        text = " ".join(str(error).split())
        raise FormatError(f"{path}: onnxruntime refuses the file: {text:.200}") from None
    return tuple(float(v) for y in found for v in np.ravel(y))


def _feeds(path: Path, sources: Sequence[Any], column: Matrix, choice: Choice) -> dict[str, Floats]:
    """The point's coordinates as the inputs, joined in the order that was chosen."""
    by_name = {source.name: source for source in sources}
    names = choice.inputs or tuple(by_name)[:1]
    if set(names) != set(by_name) or any(source.type not in _INPUT_KINDS for source in sources):
        found = ", ".join(f"{source.name!r} of {source.type}" for source in sources)
        wanted = "one input" if len(names) == 1 else f"{len(names)} inputs"
        raise FormatError(f"{path}: expected {wanted} of float or double, found {found}")
    shapes = {
        name: choice.shape or [size if isinstance(size, int) else 1 for size in by_name[name].shape]
        for name in names
    }
    sizes = [prod(shapes[name]) for name in names]
    _check_length(column.shape[0], sum(sizes))
    feeds, start = {}, 0
    for name, size in zip(names, sizes, strict=True):
        part = column.select(np.arange(start, start := start + size))
        feeds[name] = nearest(part, _INPUT_KINDS[by_name[name].type]).reshape(shapes[name])
    return feeds


def _check_length(found: int, expected: int) -> None:
    if found != expected:
        raise FormatError(f"expected a point of {expected} coordinates, found {found}")
