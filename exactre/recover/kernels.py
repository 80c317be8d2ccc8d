"""The kernels of a recovered network: which of a layer's rows are one row at several places of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from exactre.network import INPUT, Network
from exactre.rational import Matrix
from exactre.recover.sharing import Image, Layout, Shared, SparseRow, images, layout, shared


@dataclass(frozen=True)
class SharedKernel:
    """Neurons of `layer` that read `reads`, an image (channels, height, width), by one kernel; exact.

    `taps` are (channel, row, column, value): integers that are right, with `bias`, up to a common positive
    factor. `padding` is that at the top, left, bottom and right. `neurons` are (row, column, index in the
    layer): the kernel begins in that row and column of the image, outside of it where they are negative.
    """

    layer: str
    reads: str
    image: Image
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    taps: tuple[tuple[int, int, int, int], ...]
    bias: int
    neurons: tuple[tuple[int, int, int], ...]

    def describe(self) -> str:
        """One line: what is read, size, stride, padding and the number of neurons."""
        return (
            f"{self.layer}: {len(self.neurons)} neurons share a kernel {_by(self.size)} over {self.reads} "
            f"as {_by(self.image)}, stride {_by(self.stride)}, padding {','.join(map(str, self.padding))}"
        )


def shared_kernels(net: Network) -> tuple[SharedKernel, ...]:
    """All kernels among the rows of the hidden layers, as they are in the network.

    The shape of an image is not known: it is the one under which the rows need the fewest numbers.
    """
    n, found = net.input_dim, []
    layouts = {INPUT: Layout(images(n), range(n), [Fraction(1)] * n)}
    for node in net.hidden:
        for source, weight in node.inputs:
            if source in layouts:
                rows = _rows(weight, node.bias, layouts[source])
                groups = shared(rows, layouts[source].images, oriented=True)
                found += [_described(node.name, source, group) for group in groups]
                arranged = layout(groups, node.width, partial(_scale, rows, weight, layouts[source]))
                if arranged is not None:
                    layouts.setdefault(node.name, arranged)
    return tuple(found)


def _rows(weight: Matrix, bias: Matrix, read: Layout) -> dict[int, SparseRow]:
    """The rows over the columns of what is read."""
    column = {unit: c for c, unit in enumerate(read.units)}
    rows = {}
    for i, entries in enumerate(weight.row_entries()):
        scaled = {column[j]: v * read.factors[column[j]] / weight.den for j, v in entries}
        rows[i] = SparseRow.of(scaled, bias[i, 0])
    return rows


def _scale(rows: Mapping[int, SparseRow], weight: Matrix, read: Layout, i: int) -> Fraction:
    """How many times its sparse row the node's row i is."""
    c, value = next(iter(rows[i].weights.items()))
    return weight[i, read.units[c]] * read.factors[c] / value


def _described(layer: str, reads: str, group: Shared) -> SharedKernel:
    kernel = group.kernel
    return SharedKernel(
        layer=layer,
        reads=reads,
        image=kernel.image,
        size=kernel.size,
        stride=group.stride,
        padding=group.padding,
        taps=tuple((*tap, v) for tap, v in sorted(kernel.taps.items())),
        bias=kernel.bias,
        neurons=tuple((*place, i) for place, i in sorted(group.places.items())),
    )


def _by(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))
