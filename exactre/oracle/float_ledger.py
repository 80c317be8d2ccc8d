"""The ledger in front of a measured oracle: every query and answer, as floats, bit by bit.

A record is a batch, since recovery asks for gradients: a base point and its neighbours, which differ in one
coordinate each and so pack into little more than one point.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Unpack

import numpy as np

from exactre.errors import OracleError
from exactre.oracle.account import Account, Terms
from exactre.oracle.measured import Array, MeasuredOracle


class FloatLedger(Account):
    """Asks a measured oracle; counts and keeps every point with its answer.

    Each point is one query, as in `Ledger`; `query_bits` is the size of the coordinates in their type.
    Raises LedgerError when the file cannot be used or is another run's.
    """

    def __init__(self, oracle: MeasuredOracle, **terms: Unpack[Terms]) -> None:
        run = {"arithmetic": oracle.arithmetic}
        super().__init__(oracle.input_dim, run, **terms)
        self.arithmetic = oracle.arithmetic
        self._oracle = oracle
        self._outputs: int | None = None
        self._answers: dict[bytes, Array] = {}
        for points, answers in self.replay():
            self._remember(points, answers)

    @property
    def query_bits(self) -> int:
        """Bits of all coordinates asked for."""
        return self.queries * self.input_dim * np.dtype(self.arithmetic).itemsize * 8

    def ask(self, points: Array) -> Array:
        """Answers (count, m) at points (count, n), which are floats of the oracle's arithmetic.

        Raises OutOfBudget before anything is sent when the batch would exceed `max_queries` or the time is
        over, OracleError when the oracle fails, LedgerError when an answer cannot be kept.
        """
        self._spend(len(points))
        self.queries += len(points)
        keys = _keys(points)
        fresh: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key not in self._answers:
                fresh.setdefault(key, i)
        if fresh:
            sent = points[list(fresh.values())]
            done = 0
            for answers in self._checked(sent):
                part = sent[done : done + len(answers)]
                self._store.keep(sha256(part.tobytes()).digest(), _pack(part), _pack(answers))
                self._remember(part, answers)
                done += len(answers)
        return np.stack([self._answers[key] for key in keys])

    def replay(self) -> Iterator[tuple[Array, Array]]:
        """Every stored query with its answer, as batches (points, answers) in the order of their coming."""
        for seq in range(1, len(self._store) + 1):
            points, answers = self._store.row(seq)
            yield _unpack(points), _unpack(answers)

    def again(self, points: Array) -> tuple[Array, Array]:
        """What was answered at points already asked for, and what the oracle answers now; counted."""
        self._spend(len(points))
        self.queries += len(points)
        before = np.stack([self._answers[key] for key in _keys(points)])
        return before, np.concatenate(list(self._checked(points)))

    def _remember(self, points: Array, answers: Array) -> None:
        self._outputs = answers.shape[1]
        self._answers.update(zip(_keys(points), answers, strict=True))

    def _checked(self, points: Array) -> Iterator[Array]:
        """The oracle's batches; what is wrong with one is said after what is right in it is passed on."""
        count = 0
        for batch in self._oracle.query_batches(points):
            answers = np.asarray(batch, dtype=np.float64)
            if answers.ndim != 2 or not answers.shape[1]:
                raise OracleError(f"expected answers (count, outputs) from the oracle, found {answers.shape}")
            if answers.shape[1] != (self._outputs or answers.shape[1]):
                raise OracleError(f"expected an answer of {self._outputs} entries, found {answers.shape[1]}")
            if count + len(answers) > len(points):
                raise OracleError(f"expected {len(points)} answers from the oracle, found more")
            wrong = np.flatnonzero(~np.isfinite(answers).all(axis=1))
            good = answers[: wrong[0]] if len(wrong) else answers
            self.new_queries += len(good)
            count += len(good)
            if len(good):
                yield good
            if len(wrong):
                value = answers[wrong[0]][~np.isfinite(answers[wrong[0]])][0]
                far = float(np.abs(points[count]).max())
                raise OracleError(f"the oracle answered {value} at a point with coordinates up to {far:.3g}")
        if count < len(points):
            raise OracleError(f"expected {len(points)} answers from the oracle, found {count}")


def _keys(points: Array) -> list[bytes]:
    return [sha256(row.tobytes()).digest() for row in np.ascontiguousarray(points)]


def _pack(rows: Array) -> bytes:
    """The shape, the first row, and how the bits of the others differ from it: mostly zeros."""
    bits = np.ascontiguousarray(rows).view(np.uint64)
    body = np.vstack([bits[:1], bits[1:] ^ bits[:1]])
    return np.array(rows.shape, dtype=np.int64).tobytes() + body.tobytes()


def _unpack(data: bytes) -> Array:
    shape = tuple(np.frombuffer(data[:16], dtype=np.int64))
    bits = np.frombuffer(data[16:], dtype=np.uint64).reshape(shape).copy()
    bits[1:] ^= bits[:1]
    return bits.view(np.float64)
