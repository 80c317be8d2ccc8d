"""Stanford `.nnet` text files, read exactly.

Meaning, for inputs x in the file's own units: every coordinate is normalised to (x - mean) / range, then
comes the layered network, then every output is multiplied by the outputs' range and their mean is added.
The function is defined on all of R^n: the file's minima and maxima, to which some evaluators clip their
inputs first, must be numbers and are not used. A file whose means and ranges are both the single value 0
(as the files of NeuralVerification.jl have them) carries no normalisation.
A decimal is the rational that it spells, unless rounding is asked for.
Source: the README of sisl/NNet, lines 1 to 9 of the format.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from flint import fmpz_mat

from exactre.errors import FormatError
from exactre.formats.affine import Builder, Rows
from exactre.formats.floats import Kind, nearest
from exactre.network import Network
from exactre.rational import Matrix

_DECIMAL = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
MAX_DIGITS = 1000  # in a decimal; exponents have at most four


def read(path: Path, *, weights: Kind | None = None, normalization: bool = True) -> Network:
    """Exact network of a `.nnet` file; `weights` rounds each of its decimals to the nearest float first.

    Without `normalization`, the function from normalised inputs to outputs that are not scaled yet.
    Raises FormatError naming the line.
    """
    lines = _Lines(path.read_bytes(), weights)
    sizes = _sizes(lines)
    lines.take("the unused flag")
    lines.column("minima of the inputs")
    lines.column("maxima of the inputs")
    means = lines.column("means of the inputs and outputs")
    ranges = lines.column("ranges of the inputs and outputs")
    has_none = means.shape == ranges.shape == (1, 1) and means[0, 0] == ranges[0, 0] == 0
    if not has_none and {means.shape, ranges.shape} != {(sizes[0] + 1, 1)}:
        lines.refuse(f"{sizes[0] + 1} means and as many ranges")
    if not has_none and any(v == 0 for v in ranges.num.entries()):
        lines.refuse("ranges that are not zero")
    layers = [
        (lines.matrix(m, n, f"weights of layer {k}"), lines.matrix(m, 1, f"biases of layer {k}"))
        for k, (n, m) in enumerate(pairwise(sizes), start=1)
    ]
    lines.end()
    if has_none or not normalization:
        return Network.layered(layers)
    return _normalised(layers, means, ranges)


def _normalised(layers: list[tuple[Matrix, Matrix]], means: Matrix, ranges: Matrix) -> Network:
    *input_means, output_mean = [v for (v,) in means.rows()]
    *input_ranges, output_range = [v for (v,) in ranges.rows()]
    outputs = layers[-1][1].shape[0]
    builder = Builder(len(input_means))
    x = builder.input() + Rows({}, Matrix.column([-v for v in input_means]))
    x = x.scale(Matrix.column([1 / v for v in input_ranges]))
    for k, (weight, bias) in enumerate(layers):
        x = (builder.relu(x) if k else x).apply(weight) + Rows({}, bias)
    scaled = x.scale(Matrix.column([output_range] * outputs))
    return builder.network(scaled + Rows({}, Matrix.column([output_mean] * outputs)))


def _sizes(lines: _Lines) -> list[int]:
    """Widths of the input and of every layer; the first header line counts the layers."""
    head = lines.counts("the number of layers")
    sizes = lines.counts("the layer sizes")
    if len(sizes) != head[0] + 1 or head[0] < 1:
        lines.refuse(f"{head[0] + 1} layer sizes, of one layer at least")
    if 0 in sizes:
        lines.refuse("layers that are not of zero width")
    # Some writers give the number of layers alone; the widest layer, fourth, is of no use to anybody.
    if len(head) > 1 and head[1:3] != [sizes[0], sizes[-1]]:
        lines.refuse(f"{head[1:3]} inputs and outputs, as the line before says")
    return sizes


class _Lines:
    """The lines of a file after its comments, taken one by one; decimals are rounded to `kind` if given."""

    def __init__(self, data: bytes, kind: Kind | None) -> None:
        try:
            lines = data.decode("ascii").rstrip().splitlines()
        except UnicodeDecodeError:
            raise FormatError("expected a text file, found other bytes than ASCII") from None
        self._lines = lines
        self._kind: Kind | None = kind
        self._taken = 0
        while self._taken < len(lines) and lines[self._taken].startswith("//"):
            self._taken += 1

    def take(self, what: str) -> list[str]:
        """Values of the next line, at least one."""
        self._taken += 1
        if self._taken > len(self._lines):
            raise FormatError(f"line {self._taken}: expected {what}, found the end of the file")
        values = [value.strip() for value in self._lines[self._taken - 1].split(",")]
        return values[:-1] if len(values) > 1 and not values[-1] else values

    def counts(self, what: str) -> list[int]:
        """The next line as natural numbers."""
        values = self.take(what)
        if not all(_COUNT.fullmatch(value) for value in values):
            self.refuse(what)
        return [int(value) for value in values]

    def column(self, what: str) -> Matrix:
        """The next line as a column of decimals."""
        values = [self._decimal(value, what) for value in self.take(what)]
        return self._matrix(values, len(values), 1)

    def matrix(self, rows: int, columns: int, what: str) -> Matrix:
        """The next `rows` lines as a matrix of decimals."""
        values: list[tuple[int, int]] = []
        for _ in range(rows):
            row = self.take(what)
            if len(row) != columns:
                self.refuse(f"{columns} {what}")
            values += [self._decimal(value, what) for value in row]
        return self._matrix(values, rows, columns)

    def end(self) -> None:
        """Refuse lines that are left."""
        if self._taken < len(self._lines):
            self._taken += 1
            self.refuse("the end of the file")

    def refuse(self, expected: str) -> None:
        """Raise FormatError about the line that was taken last."""
        found = self._lines[self._taken - 1]
        raise FormatError(f"line {self._taken}: expected {expected}, found {found!r:.60}")

    def _decimal(self, text: str, what: str) -> tuple[int, int]:
        """Mantissa and power of ten of a decimal."""
        match = _DECIMAL.fullmatch(text) if len(text) <= MAX_DIGITS else None
        if match is None:
            raise FormatError(f"line {self._taken}: {what}: expected a decimal number, found {text!r:.60}")
        sign, whole, fraction, exponent = match.groups()
        return int(sign + whole + fraction), int(exponent or 0) - len(fraction)

    def _matrix(self, values: list[tuple[int, int]], rows: int, columns: int) -> Matrix:
        low = min(0, *(power for _, power in values))
        num = fmpz_mat(rows, columns, [mantissa * 10 ** (power - low) for mantissa, power in values])
        matrix = Matrix(num, 10**-low)
        return matrix if self._kind is None else Matrix.from_floats(nearest(matrix, self._kind))
