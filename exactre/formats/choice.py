"""`Choice`: what a caller wants of a model whose file leaves it open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Literal

from exactre.errors import FormatError
from exactre.formats.floats import Kind


@dataclass(frozen=True)
class Choice:
    """What to read: inputs and outputs by name, joined in that order; the only ones there are if empty.

    `shape` is the input's where the model leaves it open. `cut` leaves out what ends the model and is no
    function of a ReLU network. `rounding` is the float type for irrational factors of normalizations.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    cut: bool = False
    rounding: Kind | None = None

    @classmethod
    def of(
        cls,
        weights: Literal["exact", "float32", "float64"],
        input: str | Sequence[str],
        output: str | Sequence[str],
        shape: Sequence[int] | None,
        cut: bool,
    ) -> Choice:
        """The choice that the keywords of `load` make. Raises FormatError for a shape that is none."""
        try:
            sizes = None if shape is None else tuple(map(index, shape))
        except TypeError:
            raise FormatError(f"shape: expected integers, found {shape!r:.60}") from None
        return cls(
            inputs=(input,) if isinstance(input, str) else tuple(input),
            outputs=(output,) if isinstance(output, str) else tuple(output),
            shape=sizes,
            cut=cut,
            rounding=None if weights == "exact" else weights,
        )


EVERYTHING = Choice()
