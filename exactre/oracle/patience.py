"""Trying again, with longer and longer pauses, what may have failed by accident."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from exactre.errors import OracleError

_Answer = TypeVar("_Answer")


class Unavailable(Exception):
    """An oracle that gave no answer this time: a time-out, a lost connection, an overloaded server."""


def patiently(ask: Callable[[], _Answer], *, tries: int, pause: float) -> _Answer:
    """What `ask` returns, after at most `tries` tries `pause`, 2 `pause`, 4 `pause`, ... seconds apart.

    Raises OracleError when the last try raises Unavailable too.
    """
    for attempt in range(tries):
        try:
            return ask()
        except Unavailable as error:
            reason = str(error)
            if attempt + 1 < tries:
                time.sleep(pause * 2**attempt)
    raise OracleError(f"the oracle gave no answer in {tries} tries: {reason}")
