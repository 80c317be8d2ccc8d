"""PyTorch modules read as exact networks through `torch.export`.

Meaning: the module's real-number semantics at inference, on one input of a given shape. The exported graph is
made functional and walked; parameters are the rationals that they are, nothing is folded or rounded.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from exactre.errors import FormatError, ShapeError, UnsupportedOperator
from exactre.formats.affine import Builder, Tensor
from exactre.formats.aten import CUT, OPERATORS, Arguments
from exactre.formats.choice import Choice
from exactre.formats.onnx_call import Array, Value
from exactre.network import Network


def read(module: Any, choice: Choice) -> Network:
    """Exact network of a module of one input and one output tensor.

    Raises UnsupportedOperator naming the operator and its module, FormatError on NaN or infinity, or when the
    shape is missing or torch.export refuses the module.
    """
    if choice.inputs or choice.outputs:
        raise FormatError("input and output: expected only with an .onnx file")
    shape = choice.shape or _linear_shape(module)
    program = _exported(module, shape)
    signature = program.graph_signature
    stored = {**program.state_dict, **program.constants}
    places = {spec.arg.name: spec.target for spec in signature.input_specs if spec.target is not None}
    builder = Builder(prod(shape))
    values: dict[str, Value | list[Value]] = {}
    outputs = list(signature.user_outputs)
    if len(outputs) != 1 or not isinstance(outputs[0], str):
        raise FormatError(f"expected a module with one output tensor, found {len(outputs)} outputs")
    for node in program.graph.nodes:
        if node.op == "placeholder":
            if node.name in places:
                values[node.name] = _stored(stored[places[node.name]], places[node.name])
            else:
                values[node.name] = Tensor.of(builder.input(), shape)
        elif node.op == "call_function" and "assert" not in str(node.target):  # types, true at export
            values[node.name] = _apply(node, values, builder, choice, outputs[0])
    result = values[outputs[0]]
    if not isinstance(result, Tensor):
        raise FormatError("expected an output that is computed from the input, found a stored tensor")
    return builder.network(result.flat())


def _apply(
    node: Any, values: Mapping[str, Value | list[Value]], builder: Builder, choice: Choice, output: str
) -> Value | list[Value]:
    """The value of one node of the graph."""
    if node.target is operator.getitem:
        source, k = node.args
        found = values[source.name]
        return found[k] if isinstance(found, list) else found
    kind = str(node.target).removeprefix("aten.").partition(".")[0]
    given = {
        **dict(zip((a.name for a in node.target._schema.arguments), node.args, strict=False)),
        **node.kwargs,
    }
    arguments = {
        a.name: _resolved(given[a.name], values) if a.name in given else a.default_value
        for a in node.target._schema.arguments
    }
    where = f"{kind} node {node.name!r}"
    inside = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    if inside and inside[-1]:
        where += f" of the module {inside[-1]!r}"
    call = Arguments(arguments, builder, choice.rounding)
    if kind in CUT and node.name == output and choice.cut:
        return call.value("self")
    function = OPERATORS.get(kind)
    if function is None:
        hint = "; it ends the module: cut=True leaves it out" if kind in CUT and node.name == output else ""
        raise UnsupportedOperator(f"{where}: the operator {kind} is not read{hint}")
    try:
        return function(call)
    except UnsupportedOperator as error:
        raise UnsupportedOperator(f"{where}: {error}") from None
    except (FormatError, ShapeError) as error:
        raise FormatError(f"{where}: {error}") from None


def _resolved(argument: Any, values: Mapping[str, Value | list[Value]]) -> Any:
    """An argument with each node in it replaced by its value."""
    if isinstance(argument, list | tuple):
        return [_resolved(item, values) for item in argument]
    return values[argument.name] if hasattr(argument, "meta") else argument


def _exported(module: Any, shape: tuple[int, ...]) -> Any:
    """The functional graph of the module at inference; the module is left as it was."""
    import torch  # only here: it takes seconds to import, and is there when a module is

    training = {part: part.training for part in module.modules()}
    kinds = [p.dtype for p in module.parameters() if p.is_floating_point()]
    example = torch.zeros(shape, dtype=kinds[0] if kinds else None)
    module.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, (example,)).run_decompositions({})
    except Exception as error:  # whatever the module's own code raises on this shape
        text = " ".join(str(error).split())
        raise FormatError(f"torch.export refuses the module on an input {list(shape)}: {text:.200}") from None
    finally:
        for part, mode in training.items():
            part.training = mode


def _linear_shape(module: Any) -> tuple[int, int]:
    """(1, inputs) of a module whose first parameters are a Linear's."""
    first = next((part for part in module.modules() if list(part.parameters(recurse=False))), None)
    if first is None or type(first).__name__ != "Linear":
        raise FormatError("expected shape=(1, ...), the shape of the module's input, found none")
    return 1, first.in_features


def _stored(tensor: Any, place: str) -> Array:
    """A parameter or buffer; a double holds every narrower float."""
    tensor = tensor.detach().cpu()
    array: Array = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        found = np.argwhere(~np.isfinite(array))[0].tolist()
        raise FormatError(f"{place}: entry {found} is {array[tuple(found)]}, expected a finite number")
    return array
