"""The package's own network file: JSON with exact rationals, written and read strictly.

Meaning: `"layers"` is a layered network (ReLU after every layer but the last), `"nodes"` any other
DAG in topological order, whose last node is the output. Every number is the rational it spells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from math import gcd, lcm
from typing import Any, NoReturn

import numpy as np
from flint import fmpz_mat

from exactre.errors import FormatError
from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix
from exactre.sparse import Sparse, integers

Ratio = tuple[int, int]  # numerator and denominator, in lowest terms

FORMAT = "exactre-network"
VERSION = 1
MAX_DIGITS = 4000  # of a numerator or denominator; Python itself refuses to read integers beyond 4,300
MAX_ENTRIES = 10**8  # of one weight, so that a short file cannot claim a shape that exhausts the memory


def dump(net: Network) -> dict[str, Any]:
    """Document of a network, exact over Q.

    Raises FormatError when a rational has more than MAX_DIGITS digits.
    """
    head = {"format": FORMAT, "version": VERSION}
    if net.is_layered:
        layers = [
            {"weight": _dump_weight(weight), "bias": _dump_bias(node.bias)}
            for node in net.nodes
            for _, weight in node.inputs
        ]
        return {**head, "layers": layers}
    nodes = [_dump_node(node) for node in net.nodes]
    if not any(INPUT in node["inputs"] for node in nodes):
        # The input's width is told by the weights that read it, so a network that reads no input keeps one.
        nodes[0]["inputs"][INPUT] = {"shape": [net.nodes[0].width, net.input_dim], "entries": []}
    return {**head, "nodes": nodes}


def dumps(net: Network) -> str:
    """JSON text of a network. Raises FormatError as `dump` does."""
    return json.dumps(dump(net), separators=(",", ":")) + "\n"


def parse(document: object) -> Network:
    """Exact network of a document.

    Raises FormatError, naming the place: unknown or missing fields, wrong types or shapes,
    rationals not in lowest terms, duplicate names, sources that are not earlier nodes.
    """
    if not isinstance(document, dict):
        raise _unexpected("document", "an object", document)
    body = "nodes" if "nodes" in document else "layers"
    _fields(document, ("format", "version", body), "document")
    if document["format"] != FORMAT:
        raise _unexpected("format", repr(FORMAT), document["format"])
    if type(document["version"]) is not int or document["version"] != VERSION:
        raise _unexpected("version", str(VERSION), document["version"])
    items = document[body]
    if not isinstance(items, list) or not items:
        raise _unexpected(body, "a list of at least one", items)
    return _parse_layers(items) if body == "layers" else _parse_nodes(items)


def loads(text: str | bytes) -> Network:
    """Exact network of a JSON text. Raises FormatError as `parse` does, also for duplicate keys."""
    try:
        document = json.loads(
            text, object_pairs_hook=unique_keys, parse_float=_no_number, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not a JSON document: {error}") from None
    return parse(document)


def unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Object of a JSON text, for `object_pairs_hook`. Raises FormatError when a key comes twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise FormatError(f"duplicate key {twice!r:.60} in an object")
    return result


def _dump_node(node: Node) -> dict[str, Any]:
    inputs = {source: _dump_weight(weight) for source, weight in node.inputs}
    return {"name": node.name, "relu": node.relu, "inputs": inputs, "bias": _dump_bias(node.bias)}


def _dump_weight(weight: Matrix) -> list[list[str]] | dict[str, Any]:
    """Rows of texts, or sparse where at most a quarter of the entries is not zero."""
    m, n = weight.shape
    places = [(i, j, v) for i, row in enumerate(weight.row_entries()) for j, v in row]
    texts = _texts([v for _, _, v in places], weight.den)
    if 4 * len(places) <= m * n:
        entries = [[i, j, text] for (i, j, _), text in zip(places, texts, strict=True)]
        return {"shape": [m, n], "entries": entries}
    rows = [["0"] * n for _ in range(m)]
    for (i, j, _), text in zip(places, texts, strict=True):
        rows[i][j] = text
    return rows


def _dump_bias(bias: Matrix) -> list[str]:
    return _texts([int(v) for v in bias.num.entries()], bias.den)


def _texts(numerators: Sequence[int], den: int) -> list[str]:
    texts = []
    try:
        for v in numerators:
            common = gcd(v, den)
            texts.append(str(v // common) if common == den else f"{v // common}/{den // common}")
    except ValueError:  # Python refuses to write an integer this long
        raise FormatError(f"expected rationals of at most {MAX_DIGITS} digits, found a longer one") from None
    for text in texts:
        _limit_digits(text)
    return texts


def _parse_layers(items: Sequence[object]) -> Network:
    layers: list[tuple[Matrix, Matrix]] = []
    for k, item in enumerate(items):
        where = f"layers[{k}]"
        layer = _object(item, ("weight", "bias"), where)
        bias = _parse_bias(layer["bias"], f"{where}.bias")
        width = layers[-1][0].shape[0] if layers else None
        layers.append((_parse_weight(layer["weight"], bias.shape[0], width, f"{where}.weight"), bias))
    return Network.layered(layers)


def _parse_nodes(items: Sequence[object]) -> Network:
    widths: dict[str, int] = {}
    nodes: list[Node] = []
    for k, item in enumerate(items):
        where = f"nodes[{k}]"
        fields = _object(item, ("name", "relu", "inputs", "bias"), where)
        name, relu, inputs = fields["name"], fields["relu"], fields["inputs"]
        if not isinstance(name, str):
            raise _unexpected(f"{where}.name", "a text", name)
        if name == INPUT or name in widths:
            raise FormatError(f"{where}.name: the name {name!r:.60} is taken")
        if not isinstance(relu, bool):
            raise _unexpected(f"{where}.relu", "true or false", relu)
        if not isinstance(inputs, dict):
            raise _unexpected(f"{where}.inputs", "an object", inputs)
        bias = _parse_bias(fields["bias"], f"{where}.bias")
        weights = []
        for source, weight in inputs.items():
            place = f"{where}.inputs[{source!r:.60}]"
            if source != INPUT and source not in widths:
                raise FormatError(f"{place}: expected {INPUT!r} or the name of an earlier node")
            matrix = _parse_weight(weight, bias.shape[0], widths.get(source), place)
            widths[source] = matrix.shape[1]
            weights.append((source, matrix))
        widths[name] = bias.shape[0]
        nodes.append(Node(name, relu, tuple(weights), bias))
    if INPUT not in widths:
        raise FormatError(f"nodes: expected a node that reads {INPUT!r}, found none")
    return Network(widths[INPUT], nodes)


def _parse_bias(value: object, where: str) -> Matrix:
    if not isinstance(value, list) or not value:
        raise _unexpected(where, "a list of at least one rational", value)
    return _matrix(_ratios(value, where), len(value), 1)


def _parse_weight(value: object, rows: int, columns: int | None, where: str) -> Matrix:
    """Weight of `rows` rows, and of `columns` columns where the source's width is known."""
    if isinstance(value, dict):
        return _parse_sparse(value, rows, columns, where)
    if not isinstance(value, list) or len(value) != rows:
        raise _unexpected(where, f"{rows} rows, as the bias has", value)
    flat: list[Ratio] = []
    for i, row in enumerate(value):
        if columns is None and isinstance(row, list):
            columns = len(row)
        if not isinstance(row, list) or not row or len(row) != columns:
            raise _unexpected(f"{where}[{i}]", f"a list of {columns or 'at least one'} rationals", row)
        flat += _ratios(row, f"{where}[{i}]")
    return _matrix(flat, rows, len(flat) // rows)


def _parse_sparse(value: Mapping[str, object], rows: int, columns: int | None, where: str) -> Matrix:
    _fields(value, ("shape", "entries"), where)
    shape, entries = value["shape"], value["entries"]
    if not isinstance(shape, list) or len(shape) != 2 or any(type(v) is not int or v < 1 for v in shape):
        raise _unexpected(f"{where}.shape", "two positive integers", shape)
    m, n = shape
    if m != rows or n != (columns or n):
        raise _unexpected(f"{where}.shape", f"[{rows}, {columns or 'columns'}]", shape)
    if m * n > MAX_ENTRIES:
        raise _unexpected(f"{where}.shape", f"at most {MAX_ENTRIES} entries", shape)
    if not isinstance(entries, list):
        raise _unexpected(f"{where}.entries", "a list", entries)
    ratios: list[Ratio] = []
    places: list[int] = []
    last = -1
    for k, entry in enumerate(entries):
        place = f"{where}.entries[{k}]"
        if not isinstance(entry, list) or len(entry) != 3:
            raise _unexpected(place, "[row, column, rational]", entry)
        i, j, text = entry
        if type(i) is not int or type(j) is not int or not (0 <= i < m and 0 <= j < n):
            raise _unexpected(place, f"a place inside {[m, n]}", entry)
        if i * n + j <= last:
            raise _unexpected(place, "places in row-major order, each once", entry)
        last = i * n + j
        places.append(last)
        ratios.append(_ratio(text, place))
        if not ratios[-1][0]:
            raise _unexpected(place, "an entry that is not zero", entry)
    den = _common_denominator(ratios)
    index = np.array(places, dtype=np.int64)
    values = integers([p * (den // q) for p, q in ratios])
    return Matrix(Sparse.of((m, n), index // n, index % n, values), den).packed()


def _ratios(values: Sequence[object], where: str) -> list[Ratio]:
    result: list[Ratio] = []
    try:
        for value in values:
            result.append(_ratio(value, where))
    except FormatError:
        # The entry is named only here: spelling a place for each would double the time of a large file.
        _ratio(values[len(result)], f"{where}[{len(result)}]")
    return result


def _ratio(text: object, where: str) -> Ratio:
    """Numerator and denominator of a canonical rational: the one text that spells it in lowest terms.

    Agrees with `rational.parse_rational`; without its Fractions a large file is read in half the time.
    """
    if isinstance(text, str):
        head, slash, tail = text.partition("/")
        with suppress(ValueError):  # no integers, or some that Python finds too long
            p, q = int(head), int(tail) if slash else 1
            canonical = (f"{p}/{q}" if slash else f"{p}") == text and gcd(p, q) == 1 and q > bool(slash)
            if canonical and len(head.lstrip("-")) <= MAX_DIGITS and len(tail) <= MAX_DIGITS:
                return p, q
    expected = f'a rational "p" or "p/q" in lowest terms of at most {MAX_DIGITS} digits'
    raise _unexpected(where, expected, text)


def _limit_digits(text: str) -> None:
    if len(text) > MAX_DIGITS and max(map(len, text.lstrip("-").split("/"))) > MAX_DIGITS:
        raise FormatError(f"expected rationals of at most {MAX_DIGITS} digits, found a longer one")


def _matrix(flat: Sequence[Ratio], rows: int, columns: int) -> Matrix:
    den = _common_denominator(flat)
    return Matrix(fmpz_mat(rows, columns, [p * (den // q) for p, q in flat]), den)


def _common_denominator(values: Iterable[Ratio]) -> int:
    return lcm(*{q for _, q in values})


def _object(value: object, names: tuple[str, ...], where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _unexpected(where, "an object", value)
    _fields(value, names, where)
    return value


def _fields(value: Mapping[str, object], names: tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in value:
            raise FormatError(f"{where}: expected the fields {', '.join(names)}, found no {name!r}")
    for name in value:
        if name not in names:
            raise FormatError(f"{where}: expected the fields {', '.join(names)}, found {name!r:.60}")


def _no_number(text: str) -> NoReturn:
    raise FormatError(f'expected rationals as texts "p/q", found the number {text:.60}')


def _unexpected(where: str, expected: str, found: object) -> FormatError:
    return FormatError(f"{where}: expected {expected}, found {_short(found)}")


def _short(value: object) -> str:
    if isinstance(value, list) and len(value) > 3:
        return f"a list of {len(value)}"
    return f"{value!r:.60}"
