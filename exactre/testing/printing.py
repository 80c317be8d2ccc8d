"""Networks in Hypothesis's reports, as Python that makes them again: copy it into a regression test."""

from __future__ import annotations

from fractions import Fraction

from hypothesis.vendor import pretty

from exactre.network import Network, Node
from exactre.rational import Matrix


def register() -> None:
    """From here on a falsifying example shows its networks in full."""
    pretty.for_type_by_name(Network.__module__, Network.__name__, _print)


def source(net: Network) -> str:
    """A Python expression equal to the network, over the names Network, Node, Matrix and Fraction."""
    if net.is_layered:
        layers = [
            f"({_rows(node.inputs[0][1])}, [{', '.join(_number(b) for (b,) in node.bias.rows())}])"
            for node in net.nodes
        ]
        if [node.name for node in net.nodes] == _layer_names(len(layers)):
            return f"Network.from_rows([{', '.join(layers)}])"
    return f"Network({net.input_dim}, [{', '.join(_node(node) for node in net.nodes)}])"


def _print(net: Network, printer: pretty.RepresentationPrinter, cycle: bool) -> None:
    printer.text(source(net))


def _layer_names(count: int) -> list[str]:
    """The names that `Network.layered` gives."""
    return [*(f"layer{k}" for k in range(1, count)), "output"]


def _node(node: Node) -> str:
    inputs = "".join(f"({name!r}, {_matrix(weight)}), " for name, weight in node.inputs)
    return f"Node({node.name!r}, {node.relu}, ({inputs.rstrip(' ')}), {_matrix(node.bias)})"


def _matrix(matrix: Matrix) -> str:
    return f"Matrix.from_rows({_rows(matrix)})"


def _rows(matrix: Matrix) -> str:
    return "[" + ", ".join(f"[{', '.join(_number(v) for v in row)}]" for row in matrix.rows()) + "]"


def _number(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"Fraction({value.numerator}, {value.denominator})"
