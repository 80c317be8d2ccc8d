"""PyTorch modules read as exact networks, without importing torch: the modules tell what is needed.

Meaning: the module's real-number semantics at inference, on points of as many inputs as its first Linear has.
Read are Sequential, Linear, ReLU, Flatten of everything but the batch, Dropout and Identity, as torch
defines them: a subclass or a hook may compute something else and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats.affine import Builder, Rows
from exactre.network import Network
from exactre.rational import Matrix

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def is_module(source: object) -> bool:
    """True when the object is a torch.nn.Module, by its base classes' names."""
    return any(_name(base) == "torch.nn.modules.module.Module" for base in type(source).__mro__)


def read(module: Any) -> Network:
    """Exact network of a module with float16, bfloat16, float32 or float64 parameters.

    Raises UnsupportedOperator naming the module that is not read, FormatError on NaN or infinity.
    """
    builder: Builder | None = None
    x: Rows | None = None
    for path, leaf in _leaves(module, "module"):
        kind = type(leaf).__name__
        if kind == "Linear":
            weight = _parameter(leaf.weight, f"{path}.weight")
            if builder is None or x is None:
                builder = Builder(weight.shape[1])
                x = builder.input()
            if weight.shape[1] != x.count:
                raise FormatError(f"{path}: expected {x.count} inputs, found {weight.shape[1]}")
            x = x.apply(weight)
            if leaf.bias is not None:
                x += Rows({}, _parameter(leaf.bias, f"{path}.bias"))
        elif kind == "ReLU":
            if builder is None or x is None:
                raise UnsupportedOperator(f"{path}: a ReLU before the first Linear is not read")
            x = builder.relu(x)
        elif kind == "Flatten" and (leaf.start_dim, leaf.end_dim) != (1, -1):
            raise UnsupportedOperator(f"{path}: a Flatten of some dimensions only is not read")
    if builder is None or x is None:
        raise FormatError("expected a module with a Linear, found none")
    return builder.network(x)


def _leaves(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Modules in the order of their application, with their places."""
    kind = _name(type(module))
    for hooks in _HOOKS:
        if getattr(module, hooks):
            raise UnsupportedOperator(f"{path}: a {kind} with forward hooks is not read")
    if kind == "torch.nn.modules.container.Sequential":
        for name, child in module.named_children():
            yield from _leaves(child, f"{path}.{name}")
    elif kind in _LEAVES:
        yield path, module
    else:
        raise UnsupportedOperator(f"{path}: the module {kind} is not read")


_LEAVES = {
    "torch.nn.modules.linear.Linear",
    "torch.nn.modules.linear.Identity",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.flatten.Flatten",
    "torch.nn.modules.dropout.Dropout",
}


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _parameter(parameter: Any, place: str) -> Matrix:
    """Exact matrix of a weight, or column of a bias; a double holds every narrower float."""
    if not parameter.is_floating_point():
        raise UnsupportedOperator(f"{place}: expected a floating-point parameter, found {parameter.dtype}")
    array: np.ndarray[Any, Any] = parameter.detach().cpu().double().numpy()
    try:
        return Matrix.from_floats(array if array.ndim == 2 else array.reshape(-1, 1))
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from None
