"""How long lines go on before something dearer is tried: counted in lines since anything changed."""

from __future__ import annotations

_SETTLED = 2
_DOUBTED = 6


class Patience:
    """Remembers since which line the widths of layers, and what is open, have stayed the same."""

    def __init__(self) -> None:
        self._widths: dict[int, tuple[int, int]] = {}  # of a layer, and the line
        self._followed: dict[int, tuple[int, int, int]] = {}  # a layer's width, when again, and the wait
        self._open: tuple[tuple[int, ...], int] = (), 0

    def is_settled(self, line: int, depth: int, width: int, *, doubtful: bool) -> bool:
        """Whether no neuron was found in a layer for some lines: traces over a part of a layer are wasted."""
        if self._widths.get(depth, (-1, 0))[0] != width:
            self._widths[depth] = width, line
        # Every line crosses all of the first layer: there, two bends that agree are a neuron's.
        waits = _SETTLED if depth else _DOUBTED if doubtful else 0
        return line >= self._widths[depth][1] + waits

    def is_due(self, line: int, depth: int, width: int) -> bool:
        """Whether boundaries are followed for a layer's signs now: ever less often while its width stays."""
        before, again, wait = self._followed.get(depth, (-1, 0, 0))
        if before != width:
            again, wait = line, 1
        is_due = line >= again
        if is_due:
            again, wait = line + wait, 2 * wait
        self._followed[depth] = width, again, wait
        return is_due

    def idle(self, line: int, counts: tuple[int, ...]) -> int:
        """For how many lines nothing new was shown: `counts` tell what is known."""
        if self._open[0] != counts:
            self._open = counts, line
        return line - self._open[1]
