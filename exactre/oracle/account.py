"""What the exact and the measured ledger share: the file that they keep, the count of queries, the limits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from typing import Self, TypedDict

from exactre.errors import OutOfBudget
from exactre.oracle.store import Store


class Terms(TypedDict, total=False):
    """The options of `Account`, which the ledgers pass on."""

    path: str | PathLike[str] | None
    resume: bool
    seed: int
    max_queries: int | None
    timeout: float | None


class Account:
    """The counts of one run over a store, which a `with` closes; `run` says whose the store is.

    Raises LedgerError when the file cannot be used or is another run's.
    """

    def __init__(
        self,
        input_dim: int,
        run: Mapping[str, str],
        *,
        path: str | PathLike[str] | None = None,
        resume: bool = False,
        seed: int = 0,
        max_queries: int | None = None,
        timeout: float | None = None,
    ) -> None:
        self.input_dim = input_dim
        self.queries = 0
        self.new_queries = 0
        self._max_queries = max_queries
        self._timeout = timeout
        self._start = time.monotonic()
        package = f"exactre {version('exactre')}"
        self._store = Store(
            path,
            resume=resume,
            run={"package": package, "input_dim": str(input_dim), "seed": str(seed), **run},
        )

    def close(self) -> None:
        """Close the ledger's file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spend(self, count: int) -> None:
        """Raise OutOfBudget when `count` more queries exceed a limit."""
        if self._max_queries is not None and self.queries + count > self._max_queries:
            limit = f"max_queries={self._max_queries}"
            raise OutOfBudget(f"{self.queries} queries asked, {count} more exceed {limit}")
        if self._timeout is not None and time.monotonic() - self._start >= self._timeout:
            raise OutOfBudget(f"{self.queries} queries asked, timeout={self._timeout} s reached")
