"""The SQLite table of queries and answers: opened for one run, searched by key, safe from `kill -9`.

What the bytes of a query and its answer mean is the ledgers' business: a point of the exact one, a batch of
floats of the measured one.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from exactre.errors import LedgerError

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE queries"
    " (seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, point BLOB NOT NULL, answer BLOB NOT NULL)",
)
# One process at a time, and commits that outlive it without waiting for the disk.
_PRAGMAS = ("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL")


class Store:
    """Queries with their answers, as bytes, numbered from 1 in the order of their coming.

    `run` says whose ledger it is: it is written into a new file and compared with an old one. A commit
    survives the death of the process at any moment; a power cut may take the last ones.

    Raises LedgerError, here and in every method, when SQLite fails: no space, read only, in use, damaged.
    """

    def __init__(self, path: str | PathLike[str] | None, *, resume: bool, run: Mapping[str, str]) -> None:
        self._name = "ledger in memory" if path is None else f"ledger {path}"
        if path is not None and not resume and Path(path).exists() and Path(path).stat().st_size > 0:
            raise LedgerError(f"{self._name}: the file exists; expected a new one, or a run that resumes it")
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise LedgerError(f"{self._name}: {error}") from error
        try:
            for pragma in _PRAGMAS:
                self._execute(pragma)
            self._bind(run)
        except LedgerError:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __len__(self) -> int:
        return int(self._execute("SELECT count(*) FROM queries")[0][0])

    def find(self, key: bytes) -> tuple[int, bytes] | None:
        """Number and answer of the query with this key, None when it is not stored."""
        found = self._execute("SELECT seq, answer FROM queries WHERE key = ?", key)
        return (found[0][0], self._unpack(found[0][1])) if found else None

    def keep(self, key: bytes, point: bytes, answer: bytes) -> int:
        """Commit a query and its answer; returns its number."""
        # An answer's digits are packed as they are, for the sake of the checksum: they do not get shorter.
        values = key, _pack(point, 1), _pack(answer, 0)
        sql = "INSERT INTO queries (key, point, answer) VALUES (?, ?, ?) RETURNING seq"
        return int(self._execute(sql, *values)[0][0])

    def row(self, seq: int) -> tuple[bytes, bytes]:
        """The query with this number, and its answer."""
        found = self._execute("SELECT point, answer FROM queries WHERE seq = ?", seq)
        if not found:
            raise LedgerError(f"{self._name}: query {seq} is missing")
        return self._unpack(found[0][0]), self._unpack(found[0][1])

    def note(self, name: str, value: str) -> None:
        """Add to what the ledger says about its run."""
        self._execute("INSERT INTO meta VALUES (?, ?)", name, value)

    def noted(self, name: str) -> str | None:
        """What the ledger says about its run under this name."""
        found = self._execute("SELECT value FROM meta WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def _bind(self, run: Mapping[str, str]) -> None:
        if self._execute("SELECT name FROM sqlite_master"):
            for name, value in run.items():
                if (found := self.noted(name)) != value:
                    raise LedgerError(f"{self._name}: expected a run with {name} {value}, found {found}")
            return
        self._execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            self._execute(statement)
        for name, value in run.items():
            self.note(name, value)
        self._execute("COMMIT")

    def _execute(self, sql: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._name}: {error}") from error

    def _unpack(self, data: bytes) -> bytes:
        try:
            return zlib.decompress(data)
        except zlib.error as error:
            raise LedgerError(f"{self._name}: a stored query is damaged ({error})") from error


def _pack(data: bytes, level: int) -> bytes:
    # Query points are long and nearly empty: a small window packs them as well, 4 times faster.
    packer = zlib.compressobj(level=level, wbits=12, memLevel=5)
    return packer.compress(data) + packer.flush()
