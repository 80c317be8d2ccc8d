"""From a row known up to scale, with error bounds, to its exact entries on a grid.

Stored weights are floats of 8, 11 or 24 significant bits, or integers times a scale. The largest entry is
some number of the grid; each of its few possible values fixes the scale, and then every other entry has to
hit the grid within its error. Exact is claimed for one survivor alone, with a bound on the number of
false ones that chance would leave: the entry i hits with probability at most 2 e_i / (spacing at i).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exactre.oracle.measured import Array

_BLOCK = 1 << 12
_MANY = 8  # rows of one grid that another number, the bias, may choose from
_FRACTION = 2.0**-24  # error of the fraction of a product of up to 2^26
_ROUNDING = 2.0**-50  # relative, of the few float operations below


@dataclass(frozen=True)
class Grid:
    """Floats of `bits` significant bits, or with `top` the integers from -top to top."""

    name: str
    bits: int
    top: int | None = None


INTEGERS = Grid("int8", 8, 255)
RATIONALS = Grid("small rationals", 12, 4095)
BFLOAT16 = Grid("bfloat16", 8)
FLOAT16 = Grid("float16", 11)
FLOAT32 = Grid("float32", 24)
NO_GRID = Grid("none", 60)  # finer than any measurement, so that nothing is taken for certain
# Coarse before fine: a row of a coarse grid lies on the finer ones too, and there at many scales.
GRIDS = (INTEGERS, BFLOAT16, FLOAT16, RATIONALS, FLOAT32)


@dataclass(frozen=True)
class Snapped:
    """A row on a grid: `entries` (n,) exact up to a power of two (integers: up to a positive factor).

    `open` are the indices that the error bounds leave more than one value; their entries are the nearest.
    `scale` and `false_positive`: entries = scale * measured; binary logarithm of the expected number of
    false survivors.
    """

    grid: Grid
    entries: Array
    open: tuple[int, ...]
    scale: float
    false_positive: float


def snap(values: Array, errors: Array, grid: Grid) -> Snapped | None:
    """The one row of the grid that is proportional to `values` (n,) within `errors` (n,); None if not one.

    A row without two certain entries has no scale, and none is claimed.
    """
    found = snaps(values, errors, grid)
    return found[0] if len(found) == 1 else None


def snaps(values: Array, errors: Array, grid: Grid) -> list[Snapped]:
    """All rows of the grid that are proportional to `values` (n,) within `errors` (n,); none if many.

    A row whose entries happen to have a common factor, as integers, has others at its side: 4/3 of it.
    """
    sizes = np.abs(values)
    if len(sizes) < 2:
        return []
    lead = int((sizes - errors).argmax())
    if sizes[lead] <= 4 * errors[lead]:
        return []
    ratios = values / sizes[lead]
    slack = errors / sizes[lead] + np.abs(ratios) * (errors[lead] / sizes[lead] + _ROUNDING)
    chances = _misses(ratios, slack, grid)
    chance = float(chances.sum() - chances[lead]) + (grid.bits if grid.top else grid.bits - 1)
    if chance >= 0:
        return []  # so many false survivors have to be expected that there is no use in looking
    order = [int(i) for i in np.argsort(chances) if i != lead and chances[i] < 0]
    survivors = _survivors(ratios, slack, grid, order)
    if grid.top is not None and len(survivors) > 1 and not (survivors % survivors[0]).any():
        survivors = survivors[:1]  # multiples of the primitive row
    if len(survivors) > _MANY:
        return []
    found = []
    for q in survivors.astype(np.float64):
        spacing = _spacing(q * ratios, grid)
        entries = np.rint(q * ratios / spacing) * spacing
        unsure = np.flatnonzero(2 * q * slack >= spacing)
        scale = float(q / sizes[lead])
        if grid.top is None:
            shift = 2.0 ** -np.frexp(np.abs(entries).max())[1]
            entries, scale = entries * shift, scale * shift
        found.append(Snapped(grid, entries, tuple(int(i) for i in unsure if i != lead), scale, chance))
    return found


def on_grid(values: Array, errors: Array, grid: Grid) -> tuple[Array, NDArray[np.bool_]]:
    """The grid's nearest entries to values whose scale is known, and which of them are certain.

    For integers the values are in units of the grid. A value that misses the grid is never certain.
    """
    spacing = _spacing(values, grid)
    nearest = np.rint(values / spacing) * spacing
    slack = errors + np.abs(values) * _ROUNDING
    return nearest, (np.abs(values - nearest) <= slack) & (2 * slack < spacing)


def _misses(ratios: Array, slack: Array, grid: Grid) -> Array:
    """Binary logarithm of each entry's chance to hit the grid at a wrong scale, at most 0."""
    with np.errstate(divide="ignore"):
        if grid.top is not None:
            chance = 2 * slack * grid.top
        else:
            # An entry of size v has a spacing of at least v / 2^bits.
            chance = 2 * slack / np.abs(ratios) * 2.0**grid.bits
        return np.minimum(0.0, np.log2(chance))


def _survivors(ratios: Array, slack: Array, grid: Grid, order: list[int]) -> NDArray[np.int64]:
    """The values of the leading entry, as integers, with which no entry misses the grid."""
    first, last = (1, grid.top + 1) if grid.top is not None else (1 << (grid.bits - 1), 1 << grid.bits)
    if not order:
        return np.arange(first, last)
    i = order[0]
    # Nearly all go here: by the finest spacing of the entry and its largest slack.
    finest = float(_spacing(first * ratios[i : i + 1], grid)[0])
    q = _near_integers(float(ratios[i]) / finest, last * float(slack[i]) / finest, first, last)
    for i in order:
        x = q * ratios[i]
        spacing = _spacing(x, grid)
        q = q[np.abs(x - np.rint(x / spacing) * spacing) <= q * slack[i]]
    return q.astype(np.int64)


def _near_integers(factor: float, within: float, first: int, last: int) -> Array:
    """The q, first <= q < last, for which q * factor is within a bound of an integer; at least these.

    q is a multiple of a block and a rest, whose fractions are sorted once: far fewer looks than numbers q.
    """
    within = min(within + _FRACTION, 0.5)
    if last - first <= _BLOCK:
        few = np.arange(first, last, dtype=np.float64)
        return few[np.abs(few * factor - np.rint(few * factor)) <= within]
    rests, blocks = np.arange(_BLOCK), np.arange(first, last, _BLOCK)
    fractions = rests * factor % 1.0
    order = np.argsort(fractions)
    around = np.concatenate([fractions[order], fractions[order] + 1.0])
    wanted = (-within - blocks * factor) % 1.0
    low = np.searchsorted(around, wanted, side="left")
    high = np.minimum(np.searchsorted(around, wanted + 2 * within, side="right"), low + _BLOCK)
    counts = high - low
    places = np.arange(counts.sum()) + np.repeat(low - (np.cumsum(counts) - counts), counts)
    q = np.repeat(blocks, counts) + order[places % _BLOCK]
    return np.sort(q[q < last]).astype(np.float64)


def _spacing(values: Array, grid: Grid) -> Array:
    """Distance of neighbouring grid numbers at each value; at zero as at the smallest float."""
    if grid.top is not None:
        return np.ones_like(values)
    return np.asarray(np.ldexp(1.0, np.maximum(np.frexp(values)[1], -1000) - grid.bits))
