"""ONNX files: a graph read as an exact Network, and written from one.

Meaning: the graph's real-number semantics, at a batch of one point where the first dimension is
symbolic. Inputs and outputs are the tensors' elements in row-major order. Weights of any stored
type are the rationals they are.
Source: the ONNX standard, IR and operator specifications, opsets 8 and later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
import onnx
from flint import fmpz_mat
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from exactre.errors import FormatError, ShapeError, UnsupportedOperator
from exactre.formats import onnx_layers, onnx_layout, onnx_operators
from exactre.formats.affine import Builder, Tensor, stack
from exactre.formats.choice import EVERYTHING, Choice
from exactre.formats.floats import Kind, exact_kind, nearest
from exactre.formats.onnx_call import FLOATS, Call, Entry, Value, stored, type_name
from exactre.network import INPUT, Network
from exactre.rational import Matrix

OLDEST_OPSET = 8
WRITTEN_OPSET, WRITTEN_IR = 13, 7  # old enough for the runtimes in use

OPERATORS: Mapping[str, Entry] = onnx_operators.TABLE | onnx_layout.TABLE | onnx_layers.TABLE
# What may end a graph and be left out on request: no ReLU network computes it.
CUT = ("ArgMax", "LogSoftmax", "Sigmoid", "Softmax")


def read(path: Path, choice: Choice = EVERYTHING) -> Network:
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
    sources = _chosen("input", [v for v in graph.input if v.name not in values], choice.inputs)
    outputs = [value.name for value in _chosen("output", list(graph.output), choice.outputs)]
    shapes = [_input_shape(source, choice.shape) for source in sources]
    builder = Builder(sum(prod(shape) for shape in shapes))
    start = 0
    for source, shape in zip(sources, shapes, strict=True):
        index = np.arange(start, start := start + prod(shape)).reshape(shape)
        values[source.name] = Tensor(builder.input(), index)
    nodes = _needed(graph, outputs, choice)
    for node in nodes:
        if choice.cut and _may_be_cut(node, nodes, outputs):
            values[node.output[0]] = _input(node.input[0], values, nodes)
        else:
            _run(node, values, builder, choice.rounding, nodes, outputs)
    return builder.network(stack([_output(name, values, nodes).flat() for name in outputs]))


def excerpt(path: Path, choice: Choice) -> bytes:
    """The file with the chosen outputs alone, a cut one replaced by what it is computed from.

    Raises FormatError as `read` does.
    """
    model = _model(path)
    graph = model.graph
    outputs = [value.name for value in _chosen("output", list(graph.output), choice.outputs)]
    nodes = _needed(graph, outputs, choice)
    ends = {node.output[0]: node.input[0] for node in nodes if _may_be_cut(node, nodes, outputs)}
    names = [ends.get(name, name) if choice.cut else name for name in outputs]
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    data: bytes = model.SerializeToString()
    return data


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


def _run(
    node: onnx.NodeProto,
    values: dict[str, Value],
    builder: Builder,
    rounding: Kind | None,
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[str],
) -> None:
    """Apply one node: read its inputs in `values`, enter its outputs."""
    if not isinstance(node.op_type, str) or not node.op_type.isidentifier():
        raise FormatError(f"expected the name of an operator, found {node.op_type!r:.60}")
    where = _where(node)
    entry = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if entry is None:
        domain = f" of domain {node.domain!r}" if node.domain else ""
        last = _may_be_cut(node, nodes, outputs)
        hint = "; it ends the graph: cut=True (--cut) leaves it out" if last else ""
        raise UnsupportedOperator(f"{where}: the operator {node.op_type}{domain} is not read{hint}")
    try:
        found = _apply(node, entry, values, builder, rounding, nodes)
    except UnsupportedOperator as error:
        raise UnsupportedOperator(f"{where}: {error}") from None
    except (FormatError, ShapeError) as error:
        raise FormatError(f"{where}: {error}") from None
    results = found if isinstance(found, list) else [found]
    for k, result in enumerate(results):
        if len(node.output) <= k or (node.output[k] and node.output[k] in values):
            raise FormatError(f"{where}: expected an output of a new name, found {list(node.output)}")
        if node.output[k]:  # an output without a name is one that nothing reads
            values[node.output[k]] = result


def _apply(
    node: onnx.NodeProto,
    entry: Entry,
    values: Mapping[str, Value],
    builder: Builder,
    rounding: Kind | None,
    nodes: Sequence[onnx.NodeProto],
) -> Value | list[Value]:
    attributes: dict[str, object] = {}
    for attribute in node.attribute:
        if attribute.name not in entry.attributes or attribute.ref_attr_name:
            raise UnsupportedOperator(f"the attribute {attribute.name!r} is not read")
        attributes[attribute.name] = onnx.helper.get_attribute_value(attribute)
    if len(node.input) not in entry.arity:
        raise FormatError(f"expected {entry.arity[0]} to {entry.arity[-1]} inputs, found {len(node.input)}")
    inputs = [_input(name, values, nodes) if name else None for name in node.input]
    result = entry.function(Call(attributes, inputs, builder, len(node.output), rounding))
    for value in result if isinstance(result, list) else [result]:
        if isinstance(value, Tensor) and not value.index.size:
            raise FormatError("its output has zero width")
    return result


def _where(node: onnx.NodeProto) -> str:
    return (
        f"{node.op_type} node {node.name!r}" if node.name else f"{node.op_type} node of {list(node.output)}"
    )


def _input(name: str, values: Mapping[str, Value], nodes: Sequence[onnx.NodeProto]) -> Value:
    if name in values:
        return values[name]
    raise FormatError(f"its input {name!r} is defined by nothing before it{_definer(name, values, nodes)}")


def _definer(name: str, values: Mapping[str, Value], nodes: Sequence[onnx.NodeProto]) -> str:
    """What to add to a line on a value that is not there: the node that it should have come from, if any."""
    for node in nodes:
        if name in node.output:
            if node.output[0] in values:
                return f"; it is an output of {_where(node)} that is not read"
            return f", but by {_where(node)}: a cycle, or nodes out of order"
    return ""


def _output(name: str, values: Mapping[str, Value], nodes: Sequence[onnx.NodeProto]) -> Tensor:
    result = values.get(name)
    if result is None:
        raise FormatError(f"output {name!r}: nothing defines it{_definer(name, values, nodes)}")
    if not isinstance(result, Tensor):
        raise FormatError(f"output {name!r}: it is a stored constant, not computed from the input")
    return result


def _may_be_cut(node: onnx.NodeProto, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> bool:
    """True for a standard Softmax or the like that computes one of the outputs, and nothing else."""
    standard = node.op_type in CUT and node.domain in ("", "ai.onnx")
    if not standard or len(node.output) != 1 or len(node.input) != 1 or node.output[0] not in outputs:
        return False
    return not any(node.output[0] in other.input for other in nodes)


def _needed(graph: onnx.GraphProto, outputs: Sequence[str], choice: Choice) -> list[onnx.NodeProto]:
    """The nodes that the chosen outputs are computed by, in the file's order; all where none was chosen."""
    if not choice.outputs:
        return list(graph.node)
    names, nodes = set(outputs), []
    for node in reversed(graph.node):
        if names & set(node.output):
            names.update(node.input)
            nodes.append(node)
    return nodes[::-1]


def _chosen(
    what: str, found: Sequence[onnx.ValueInfoProto], names: Sequence[str]
) -> list[onnx.ValueInfoProto]:
    """The values with the given names, or the only one there is."""
    by_name = {value.name: value for value in found}
    listed = ", ".join(map(repr, by_name)) or "none"
    if len(by_name) < len(found):
        raise FormatError(f"expected {what}s of different names, found {[value.name for value in found]}")
    for name in names:
        if name not in by_name or names.count(name) > 1:
            raise FormatError(f"expected each {what} once, of {listed}, found {name!r}")
    if names:
        return [by_name[name] for name in names]
    if len(found) != 1:
        hint = f"; {what}=... (--{what}) says which" if found else ""
        raise FormatError(f"expected one {what}, found {len(found)}: {listed}{hint}")
    return list(found)


def _input_shape(source: onnx.ValueInfoProto, given: tuple[int, ...] | None) -> tuple[int, ...]:
    """Shape of an input: the given one, or the file's with a batch of 1 where its first size is open."""
    tensor = source.type.tensor_type
    place = f"input {source.name!r}"
    if tensor.elem_type not in FLOATS:
        raise UnsupportedOperator(
            f"{place}: expected floating-point numbers, found {type_name(tensor.elem_type)}"
        )
    if not tensor.HasField("shape") and given is None:
        raise FormatError(f"{place}: expected a shape, found none; shape=... (--shape) gives it")
    if tensor.HasField("shape") and given is not None and len(given) != len(tensor.shape.dim):
        raise FormatError(f"{place}: expected {len(tensor.shape.dim)} dimensions, found shape {list(given)}")
    shape = [] if tensor.HasField("shape") else list(given or ())
    for k, dimension in enumerate(tensor.shape.dim):
        size = dimension.dim_value if dimension.HasField("dim_value") else -1
        if size == -1 and (k == 0 or given is not None):
            size = 1 if given is None else given[k]
        if size < 1:
            found = dimension.dim_param or dimension.dim_value
            hint = "; shape=... (--shape) gives it" if given is None and size == -1 else ""
            raise FormatError(f"{place}: dimension {k}: expected a positive size, found {found!r}{hint}")
        if given is not None and given[k] != size:
            raise FormatError(f"{place}: dimension {k}: expected {size}, found shape {list(given)}")
        shape.append(size)
    return tuple(shape)
