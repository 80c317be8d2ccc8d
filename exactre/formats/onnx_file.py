"""ONNX files: a graph with one input and one output read as an exact Network, and written from one.

Meaning: the graph's real-number semantics, at a batch of one point where the first dimension is
symbolic. Inputs and outputs are the tensors' elements in row-major order. Weights of any stored
type are the rationals they are.
Source: the ONNX standard, IR and operator specifications, opsets 8 and later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from flint import fmpz_mat
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from exactre.errors import FormatError, ShapeError, UnsupportedOperator
from exactre.formats.affine import Builder, Tensor
from exactre.formats.floats import exact_kind, nearest
from exactre.formats.onnx_operators import FLOATS, OPERATORS, Call, Entry, Value, stored, type_name
from exactre.network import INPUT, Network
from exactre.rational import Matrix

OLDEST_OPSET = 8
WRITTEN_OPSET, WRITTEN_IR = 13, 7  # old enough for the runtimes in use


def read(path: Path) -> Network:
    """Exact network of an ONNX file.

    Raises FormatError on broken files, UnsupportedOperator naming the operator and its node.
    """
    graph = _model(path).graph
    values: dict[str, Value] = {}
    for tensor in graph.initializer:
        if tensor.name in values:
            raise FormatError(f"initializer {tensor.name!r}: the name is taken")
        try:
            values[tensor.name] = stored(tensor)
        except FormatError as error:
            raise type(error)(f"initializer {tensor.name!r}: {error}") from None
    if graph.sparse_initializer:
        raise UnsupportedOperator(
            f"initializer {graph.sparse_initializer[0].values.name!r}: sparse is not read"
        )
    source = _only("input", [v for v in graph.input if v.name not in values])
    output = _only("output", list(graph.output))
    shape = _input_shape(source)
    builder = Builder(int(np.prod(shape)))
    values[source.name] = Tensor.of(builder.input(), shape)
    for node in graph.node:
        _run(node, values, builder)
    result = values.get(output.name)
    if result is None:
        raise FormatError(f"output {output.name!r}: nothing defines it")
    if not isinstance(result, Tensor):
        raise FormatError(f"output {output.name!r}: it is a stored constant, not computed from the input")
    return builder.network(result.flat())


def encode(net: Network) -> bytes:
    """ONNX model of a network, its weights all float32 or all float64; nothing is rounded.

    The input is a batch (N, input_dim). Raises FormatError naming the first weight that no float64 is.
    """
    kind = exact_kind(net)
    element = onnx.TensorProto.FLOAT if kind == "float32" else onnx.TensorProto.DOUBLE
    names = {INPUT: INPUT, **{node.name: f"node{k}" for k, node in enumerate(net.nodes)}}
    operators: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    for node in net.nodes:
        name = names[node.name]
        weights.append(onnx.numpy_helper.from_array(nearest(node.bias, kind).ravel(), f"{name}.bias"))
        terms = node.inputs or ((INPUT, Matrix(fmpz_mat(node.width, net.input_dim))),)
        for k, (source, weight) in enumerate(terms):
            matrix = f"{name}.weight{k}"
            weights.append(onnx.numpy_helper.from_array(nearest(weight, kind), matrix))
            inputs = [names[source], matrix, *([f"{name}.bias"] if k == 0 else [])]
            operators.append(onnx.helper.make_node("Gemm", inputs, [f"{name}.term{k}"], transB=1))
        total = f"{name}.term0"
        for k in range(1, len(terms)):
            operators.append(onnx.helper.make_node("Add", [total, f"{name}.term{k}"], [f"{name}.sum{k}"]))
            total = f"{name}.sum{k}"
        operators.append(onnx.helper.make_node("Relu" if node.relu else "Identity", [total], [name]))
    graph = onnx.helper.make_graph(
        operators,
        "exactre",
        [onnx.helper.make_tensor_value_info(INPUT, element, ["N", net.input_dim])],
        [onnx.helper.make_tensor_value_info(names[net.nodes[-1].name], element, ["N", net.output_dim])],
        weights,
    )
    opset = onnx.helper.make_opsetid("", WRITTEN_OPSET)
    model = onnx.helper.make_model(graph, producer_name="exactre", opset_imports=[opset])
    model.ir_version = WRITTEN_IR
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def _model(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        text = " ".join(str(error).split())
        raise FormatError(f"not an ONNX file, or truncated: {text:.200}") from None
    versions = {opset.domain: opset.version for opset in model.opset_import}
    version = versions.get("", versions.get("ai.onnx"))
    newest = onnx.defs.onnx_opset_version()
    if version is None:
        raise FormatError("not an ONNX file, or truncated: it names no operator set")
    if not OLDEST_OPSET <= version <= newest:
        raise UnsupportedOperator(f"operator set {version}: expected {OLDEST_OPSET} to {newest}")
    return model


def _run(node: onnx.NodeProto, values: dict[str, Value], builder: Builder) -> None:
    """Apply one node: read its inputs in `values`, enter its output."""
    if not isinstance(node.op_type, str) or not node.op_type.isidentifier():
        raise FormatError(f"expected the name of an operator, found {node.op_type!r:.60}")
    where = (
        f"{node.op_type} node {node.name!r}" if node.name else f"{node.op_type} node of {list(node.output)}"
    )
    entry = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if entry is None:
        domain = f" of domain {node.domain!r}" if node.domain else ""
        raise UnsupportedOperator(f"{where}: the operator {node.op_type}{domain} is not read")
    try:
        result = _apply(node, entry, values, builder)
    except UnsupportedOperator as error:
        raise UnsupportedOperator(f"{where}: {error}") from None
    except (FormatError, ShapeError) as error:
        raise FormatError(f"{where}: {error}") from None
    if not node.output or node.output[0] in values:
        raise FormatError(f"{where}: expected an output of a new name, found {list(node.output)}")
    values[node.output[0]] = result


def _apply(node: onnx.NodeProto, entry: Entry, values: Mapping[str, Value], builder: Builder) -> Value:
    attributes: dict[str, object] = {}
    for attribute in node.attribute:
        if attribute.name not in entry.attributes or attribute.ref_attr_name:
            raise UnsupportedOperator(f"the attribute {attribute.name!r} is not read")
        attributes[attribute.name] = onnx.helper.get_attribute_value(attribute)
    if len(node.input) not in entry.arity:
        raise FormatError(f"expected {entry.arity[0]} to {entry.arity[-1]} inputs, found {len(node.input)}")
    for name in node.input:
        if name and name not in values:
            raise FormatError(f"its input {name!r} is defined by nothing before it")
    result = entry.function(Call(attributes, [values.get(name) for name in node.input], builder))
    if isinstance(result, Tensor) and not result.index.size:
        raise FormatError("its output has zero width")
    return result


def _only(what: str, found: Sequence[onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    if len(found) != 1:
        names = ", ".join(repr(value.name) for value in found) or "none"
        raise FormatError(f"expected one {what}, found {len(found)}: {names}")
    return found[0]


def _input_shape(source: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Shape of the input, with 1 for a first dimension that is left open: the batch."""
    tensor = source.type.tensor_type
    if tensor.elem_type not in FLOATS:
        raise UnsupportedOperator(
            f"input {source.name!r}: expected floating-point numbers, found {type_name(tensor.elem_type)}"
        )
    if not tensor.HasField("shape"):
        raise FormatError(f"input {source.name!r}: expected a shape, found none")
    shape = []
    for k, dimension in enumerate(tensor.shape.dim):
        size = dimension.dim_value if dimension.HasField("dim_value") else -1
        if size == -1 and k == 0:
            size = 1
        if size < 1:
            found = dimension.dim_param or dimension.dim_value
            raise FormatError(
                f"input {source.name!r}: dimension {k}: expected a positive size, found {found!r}"
            )
        shape.append(size)
    return tuple(shape)
