"""What a real runtime computes at a point, to be shown beside the exact value; nothing is decided by it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from exactre.errors import FormatError
from exactre.formats import load
from exactre.formats.floats import Floats, Kind, nearest
from exactre.network import INPUT, Network
from exactre.rational import Matrix, Rational

_INPUT_KINDS: dict[str, Kind] = {"tensor(float)": "float32", "tensor(double)": "float64"}


def replay(
    path: str | os.PathLike[str],
    point: Sequence[Rational],
    *,
    weights: Literal["exact", "float32", "float64"] = "exact",
    normalization: bool = True,
) -> tuple[float, ...]:
    """Outputs (m,) of a model file at the floats nearest to a point (n,), computed in floating point.

    An ONNX file runs in onnxruntime in the type of its input; any other file's network, loaded with the
    options, is rounded to float64 and evaluated by numpy. Raises FormatError as `load` does, when the runtime
    refuses the file, or when a number is beyond the type's range.
    """
    column, path = Matrix.column(point), Path(path)
    if path.suffix.lower() == ".onnx":
        return _run_onnx(path, column)
    net = load(path, weights=weights, normalization=normalization)
    return _run_numpy(net, nearest(column, "float64"))


def _run_numpy(net: Network, x: Floats) -> tuple[float, ...]:
    _check_length(len(x), net.input_dim)
    values = {INPUT: x}
    for node in net.nodes:
        u = nearest(node.bias, "float64")
        for source, weight in node.inputs:
            u = u + nearest(weight, "float64") @ values[source]
        values[node.name] = np.maximum(u, 0) if node.relu else u
    return tuple(values[net.nodes[-1].name].ravel().tolist())


def _run_onnx(path: Path, column: Matrix) -> tuple[float, ...]:
    import onnxruntime  # only here: it takes long to import, and few commands replay
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one order of summation, so that a replay can be repeated
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        sources = session.get_inputs()
        if len(sources) != 1 or sources[0].type not in _INPUT_KINDS:
            found = ", ".join(f"{source.name!r} of {source.type}" for source in sources)
            raise FormatError(f"{path}: expected one input of float or double, found {found}")
        shape = [size if isinstance(size, int) else 1 for size in sources[0].shape]
        _check_length(column.shape[0], int(np.prod(shape)))
        x = nearest(column, _INPUT_KINDS[sources[0].type]).reshape(shape)
        (y,) = session.run([session.get_outputs()[0].name], {sources[0].name: x})
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
    return tuple(float(v) for v in np.ravel(y))


def _check_length(found: int, expected: int) -> None:
    if found != expected:
        raise FormatError(f"expected a point of {expected} coordinates, found {found}")
