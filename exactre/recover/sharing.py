"""Weight sharing found in recovered rows: which of them are one kernel at several places of an image.

Only the rows are looked at. The shape of the image is not known, so every one of the right number of elements
is tried, and the one under which the rows need the fewest numbers is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import gcd, lcm, prod

Image = tuple[int, int, int]  # channels, height, width
Place = tuple[int, int]  # the row and column of the image where a kernel begins; negative in the padding


@dataclass(frozen=True)
class SparseRow:
    """A row without its zeros: `weights` {column: integer} and a constant, without a common factor."""

    weights: Mapping[int, int]
    constant: int

    @classmethod
    def primitive(cls, weights: Mapping[int, int], constant: int) -> SparseRow:
        """The row divided by its content, in the order of its columns."""
        common = gcd(*weights.values(), constant) or 1
        return cls({j: weights[j] // common for j in sorted(weights) if weights[j]}, constant // common)

    @classmethod
    def of(cls, weights: Mapping[int, Fraction], constant: Fraction) -> SparseRow:
        """The row up to a positive factor."""
        den = lcm(constant.denominator, *(v.denominator for v in weights.values()))
        return cls.primitive({j: int(v * den) for j, v in weights.items()}, int(constant * den))

    def negative(self) -> SparseRow:
        """The row with all signs changed."""
        return SparseRow({j: -v for j, v in self.weights.items()}, -self.constant)

    @property
    def key(self) -> tuple[tuple[int, int], ...]:
        """What equal rows share, and no others."""
        return (*self.weights.items(), (-1, self.constant))


@dataclass(frozen=True)
class Kernel:
    """Integer `taps` {(channel, row, column): value} and a bias, to be laid on an image at any place."""

    image: Image
    taps: Mapping[tuple[int, int, int], int]
    bias: int

    @classmethod
    def of(cls, row: SparseRow, image: Image) -> Kernel:
        """The kernel of a row that has an entry: the box of its entries, over all channels."""
        _, height, width = image
        entries = {(j // (height * width), j // width % height, j % width): v for j, v in row.weights.items()}
        top, left = min(y for _, y, _ in entries), min(x for _, _, x in entries)
        return cls(image, {(c, y - top, x - left): v for (c, y, x), v in entries.items()}, row.constant)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return 1 + max(y for _, y, _ in self.taps), 1 + max(x for _, _, x in self.taps)

    def places(self) -> Iterator[Place]:
        """All places where a part of the kernel lies in the image."""
        (_, height, width), (h, w) = self.image, self.size
        return (place for place in product(range(1 - h, height), range(1 - w, width)) if self._inside(place))

    def row_at(self, place: Place) -> SparseRow:
        """The row of the kernel at a place; what lies in the padding is left out."""
        return SparseRow.primitive(self._inside(place), self.bias)

    def content_at(self, place: Place) -> int:
        """How many times the row at a place the kernel there is."""
        return gcd(*self._inside(place).values(), self.bias)

    def _inside(self, place: Place) -> dict[int, int]:
        _, height, width = self.image
        return {
            (c * height + place[0] + y) * width + place[1] + x: v
            for (c, y, x), v in self.taps.items()
            if 0 <= place[0] + y < height and 0 <= place[1] + x < width
        }


@dataclass(frozen=True)
class Shared:
    """Numbered rows that are one kernel: `places` {place: number}, and with which sign {number: +-1}."""

    kernel: Kernel
    places: Mapping[Place, int]
    signs: Mapping[int, int]

    @property
    def stride(self) -> tuple[int, int]:
        """Distance of neighbouring places down and across; 1 where there is but one."""
        return self._step(0), self._step(1)

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """How far the kernel reaches out of the image at the top, left, bottom and right."""
        (_, height, width), (h, w) = self.kernel.image, self.kernel.size
        ys, xs = [y for y, _ in self.places], [x for _, x in self.places]
        top, left, bottom, right = -min(ys), -min(xs), max(ys) + h - height, max(xs) + w - width
        return max(0, top), max(0, left), max(0, bottom), max(0, right)

    def lattice(self) -> list[Place]:
        """The places at this stride between the known ones, and beyond them where the kernel fits."""
        axes = []
        for axis, step in enumerate(self.stride):
            values = [place[axis] for place in self.places]
            low, last = min(values), self.kernel.image[1 + axis] - self.kernel.size[axis]
            axes.append(range(low - max(0, low) // step * step, max(*values, last) + 1, step))
        places = [(y, x) for y in axes[0] for x in axes[1]]
        return [place for place in places if self.kernel.row_at(place).weights]

    def _step(self, axis: int) -> int:
        values = sorted({place[axis] for place in self.places})
        return gcd(*(b - a for a, b in pairwise(values))) or 1


def shared(rows: Mapping[int, SparseRow], images: Sequence[Image], *, oriented: bool) -> list[Shared]:
    """The kernels of numbered rows, under the image that saves most numbers.

    Rows that are not `oriented` may have either sign. Of every kernel two rows at least have all its taps.
    """
    best: list[Shared] = []
    most_saved = 0
    alike = _alike(rows)
    repeated = {image: _repeated(alike, image) for image in images}
    most = max(map(len, repeated.values()), default=0)
    for image, templates in repeated.items():
        if not most or len(templates) < most:
            continue
        found = list(_kernels(rows, image, templates, oriented))
        saved = sum(
            prod(image) * len(group.places)
            - image[0] * prod(group.kernel.size)
            - (len(group.lattice()) - len(group.places))
            for group in found
        )
        if saved > most_saved:
            best, most_saved = found, saved
    return best


@dataclass(frozen=True)
class Layout:
    """What rows read, as an image: the unit in each column, and how many times its kernel its row is."""

    images: Sequence[Image]
    units: Sequence[int]
    factors: Sequence[Fraction]


def layout(groups: Sequence[Shared], width: int, scale: Callable[[int], Fraction]) -> Layout | None:
    """A layer's rows as an image of one channel a kernel, if all `width` of them are on the same grid.

    `scale` says how many times its `SparseRow` a row is, whatever its sign.
    """
    if not groups or sum(len(group.places) for group in groups) < width:
        return None
    grid = sorted(groups[0].places)
    if any(sorted(group.places) != grid for group in groups):
        return None
    placed = [(group.kernel.content_at(place), group.places[place]) for group in groups for place in grid]
    height = len({y for y, _ in grid})
    return Layout(
        images=[(len(groups), height, len(grid) // height)],
        units=[i for _, i in placed],
        factors=[scale(i) / content for content, i in placed],
    )


def images(elements: int) -> list[Image]:
    """All images of so many elements, more channels first, then less height."""

    def divisors(n: int) -> list[int]:
        return [d for d in range(1, n + 1) if n % d == 0]

    return [
        (channels, height, elements // channels // height)
        for channels in reversed(divisors(elements))
        for height in divisors(elements // channels)
    ]


def _alike(rows: Mapping[int, SparseRow]) -> dict[int, SparseRow]:
    """The rows whose numbers, up to one sign, another row has too, wherever they stand in an image."""
    found: dict[object, list[int]] = {}
    for i, row in rows.items():
        if row.weights:
            sign = 1 if next(iter(row.weights.values())) > 0 else -1
            key = tuple(sorted(sign * v for v in row.weights.values())), sign * row.constant
            found.setdefault(key, []).append(i)
    return {i: rows[i] for group in found.values() if len(group) > 1 for i in group}


def _repeated(rows: Mapping[int, SparseRow], image: Image) -> list[int]:
    """Rows that are another's translate in the image, up to sign, with nothing in the padding."""
    alike: dict[object, list[int]] = {}
    for i, row in rows.items():
        if row.weights:
            kernel = Kernel.of(row, image)
            sign = 1 if next(iter(row.weights.values())) > 0 else -1
            key = frozenset((tap, sign * v) for tap, v in kernel.taps.items()), sign * row.constant
            alike.setdefault(key, []).append(i)
    return [i for found in alike.values() if len(found) > 1 for i in found]


def _kernels(
    rows: Mapping[int, SparseRow], image: Image, templates: Sequence[int], oriented: bool
) -> Iterator[Shared]:
    """The kernels under one image, those with most taps first: others can be parts of them in the padding."""
    numbers = {row.key: (i, 1) for i, row in rows.items()}
    if not oriented:
        numbers = {row.negative().key: (i, -1) for i, row in rows.items()} | numbers
    for i in sorted(templates, key=lambda i: (-len(rows[i].weights), i)):
        if rows[i].key not in numbers:
            continue
        kernel = Kernel.of(rows[i], image)
        places, signs = {}, {}
        for place in kernel.places():
            j, sign = numbers.get(kernel.row_at(place).key, (i, 0))
            if sign and j not in signs:
                places[place], signs[j] = j, sign
        for j in signs:
            for row in (rows[j], rows[j].negative()):
                numbers.pop(row.key, None)
        if len(places) > 1:
            yield Shared(kernel, places, signs)
