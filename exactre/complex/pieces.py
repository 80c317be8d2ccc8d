"""`Complex`: regions and pieces of their boundaries, bare polyhedra: all that recovery from them sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from exactre.certify.question import Domain
from exactre.complex.cone import Cone, Vector, primitive
from exactre.errors import ComplexError, ShapeError
from exactre.rational import Matrix, Rational

Halfspace = tuple[Vector, int]
"""(a, b) in integers: the points x with a . x <= b."""


@dataclass(frozen=True, order=True)
class Piece:
    """A piece of a region boundary: {x : normal . x = offset, a . x <= b for every (a, b) in rows}.

    `normal` is (n), primitive integers, its first non-zero entry positive. Exact over Q.
    """

    normal: Vector
    offset: int
    rows: tuple[Halfspace, ...]

    @classmethod
    def of(
        cls, normal: Sequence[Rational], offset: Rational, rows: Iterable[tuple[Sequence[Rational], Rational]]
    ) -> Piece:
        """The piece of a hyperplane and rows of rationals. Raises ShapeError on a zero normal, or lengths."""
        if not any(normal):
            raise ShapeError("expected the hyperplane of a piece, found the normal 0")
        halves = []
        for a, b in rows:
            if len(a) != len(normal):
                raise ShapeError(f"expected {len(normal)} coefficients in a row of a piece, found {len(a)}")
            halves.append(_halfspace(_whole([*(-v for v in a), b])))
        row = _leading_positive(_whole([*normal, -offset]))
        return cls(row[:-1], -row[-1], tuple(halves))

    @classmethod
    def of_face(cls, cone: Cone, row: Vector) -> Piece:
        """The piece of a face on which the row is zero: no redundant row, and equal sets are equal pieces."""
        row = _leading_positive(row)
        pivot = next(j for j, v in enumerate(row) if v)
        rows = {
            primitive([row[pivot] * v - own[pivot] * w for v, w in zip(own, row, strict=True)])
            for own in (cone.rows[index] for index, _ in cone.facets())
        }
        return cls(row[:-1], -row[-1], tuple(sorted(map(_halfspace, rows))))

    @property
    def row(self) -> Vector:
        """The row (n + 1) over (x, 1) that is zero on the hyperplane."""
        return (*self.normal, -self.offset)

    @cached_property
    def cone(self) -> Cone:
        """The piece with its generators. Raises ComplexError where its dimension is not n - 1."""
        whole = Cone.space(len(self.normal)).cut(self.row)
        cone = whole.face(len(whole.rows) - 1)
        for a, b in self.rows:
            cone = cone.cut((*(-v for v in a), b))
        if cone.dimension != len(self.normal) - 1:
            raise ComplexError(
                f"{self._line}: expected dimension {len(self.normal) - 1}, found a flat or empty one"
            )
        return cone

    @property
    def generators(self) -> tuple[Vector, ...]:
        """The cone's rays and lines: any sum of them with positive factors is inside the piece."""
        return (*self.cone.rays, *self.cone.lines)

    def __str__(self) -> str:
        point = self.cone.centre
        where = ", ".join(str(Fraction(v, point[-1])) for v in point[:-1])
        return f"{self._line} around ({where})"

    @property
    def _line(self) -> str:
        return f"the piece on {list(self.normal)} . x = {self.offset}"


@dataclass(frozen=True)
class Complex:
    """Regions, and pieces of their boundaries, in a domain (None: R^n): polyhedra in a canonical order.

    Nothing tells which neuron a piece belongs to. A region is the list of its halfspaces, none redundant.
    """

    input_dim: int
    domain: Domain | None
    regions: tuple[tuple[Halfspace, ...], ...]
    pieces: tuple[Piece, ...]


def region_of(cone: Cone) -> tuple[Halfspace, ...]:
    """The halfspaces of a cone of dimension n, in canonical order."""
    return tuple(sorted(_halfspace(primitive(cone.rows[index])) for index, _ in cone.facets()))


def _halfspace(row: Vector) -> Halfspace:
    """The half-space in which the row (n + 1) is >= 0."""
    return tuple(-v for v in row[:-1]), row[-1]


def _leading_positive(row: Vector) -> Vector:
    return row if next(v for v in row if v) > 0 else tuple(-v for v in row)


def _whole(values: Sequence[Rational]) -> Vector:
    return primitive([int(v) for v in Matrix.from_rows([values]).num.entries()])
