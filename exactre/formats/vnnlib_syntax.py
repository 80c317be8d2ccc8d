"""The words and parentheses of VNN-LIB files, with their lines; no meaning yet.

A word is what stands between blanks and parentheses; a name and the indices in brackets behind it are
one word, `X [0, 2]` too. Comments go from a semicolon to the end of the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from exactre.errors import FormatError

MAX_DEPTH = 100  # of parentheses: more is no query that somebody wrote

_TOKEN = re.compile(
    r'(?P<blank>(?:\s|;[^\n]*)+)|(?P<open>\()|(?P<close>\))|(?P<word>[A-Za-z]\w*\s*\[[\d,\s]*\]|"[^"\n]*"'
    r'|[^\s()\[\];"]+)',
    re.ASCII,
)


@dataclass(frozen=True)
class Expression:
    """A word, or `parts`, a list of expressions in parentheses, and the line that it begins in."""

    line: int
    word: str
    parts: tuple[Expression, ...] | None

    @property
    def head(self) -> str:
        """The word that a list begins with."""
        return self.parts[0].word if self.parts else ""

    def refuse(self, expected: str) -> NoReturn:
        """Raise FormatError about this place."""
        found = repr(self.word) if self.parts is None else f"({self.head} ...)"
        raise FormatError(f"line {self.line}: expected {expected}, found {found:.60}")

    def list(self, least: int, most: int, expected: str) -> tuple[Expression, ...]:
        """What follows the head of a list, `least` to `most` expressions."""
        if self.parts is None or not least <= len(self.parts) - 1 <= most:
            self.refuse(expected)
        return self.parts[1:]

    def words(self, least: int, most: int, expected: str) -> tuple[str, ...]:
        """The same, of words alone."""
        parts = self.list(least, most, expected)
        if not all(part.word for part in parts):
            self.refuse(expected)
        return tuple(part.word for part in parts)


def statements_of(text: str) -> tuple[Expression, ...]:
    """The lists of a file; read without recursion, so that no file can exhaust the stack."""
    open_lists: list[tuple[int, list[Expression]]] = [(1, [])]
    line, end = 1, 0
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            raise FormatError(f"line {line}: expected VNN-LIB, found {text[end]!r}")
        end, kind = match.end(), match.lastgroup
        if kind == "open":
            if len(open_lists) > MAX_DEPTH:
                raise FormatError(f"line {line}: expected at most {MAX_DEPTH} nested parentheses, found more")
            open_lists.append((line, []))
        elif kind == "close":
            if len(open_lists) == 1:
                raise FormatError(f"line {line}: expected a statement, found ')'")
            began, parts = open_lists.pop()
            open_lists[-1][1].append(Expression(began, "", tuple(parts)))
        elif kind == "word":
            if len(open_lists) == 1:
                raise FormatError(f"line {line}: expected '(', found {match[0]!r:.60}")
            open_lists[-1][1].append(Expression(line, match[0], None))
        line += match[0].count("\n")
    if len(open_lists) > 1:
        raise FormatError(f"line {line}: expected ')', found the end of the file")
    return tuple(open_lists[0][1])
