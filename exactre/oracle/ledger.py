"""The query ledger: every query and answer, counted, and kept so that none is asked twice.

It stands between recovery and the oracle. An answer is committed before anybody sees it, so a run that was
killed and is started again (same program, same seed) finds every answer that it has paid for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import sha256
from math import lcm
from typing import Unpack

from flint import fmpz_mat

from exactre.errors import OracleError
from exactre.oracle.account import Account, Terms
from exactre.oracle.protocol import Oracle
from exactre.oracle.row import Row, batch_of, from_bytes, rows_of, to_bytes
from exactre.rational import Points, Rational

_REPLAY_BITS = 1 << 23


class Ledger(Account):
    """Asks an oracle exact queries; counts and keeps every query with its answer.

    Each point is one query. `queries` and `query_bits` (numerators and denominators of all coordinates, in
    lowest terms) count what this run asked, whether or not an earlier run with the same file had the answer;
    `new_queries` counts what the oracle really answered. `path=None` keeps the ledger in memory; `resume`
    goes on with an existing file. Raises LedgerError when the file cannot be used or is another run's.
    """

    def __init__(self, oracle: Oracle, **terms: Unpack[Terms]) -> None:
        run = {} if oracle.output_dim is None else {"output_dim": str(oracle.output_dim)}
        super().__init__(oracle.input_dim, run, **terms)
        self.query_bits = 0
        self._oracle = oracle
        # Invariant: this run has asked for the stored points 1 to _reached, and for no others.
        self._reached = 0
        noted = self._store.noted("output_dim")
        self._outputs = None if noted is None else int(noted)

    @property
    def output_dim(self) -> int:
        """Number of entries of an answer; where the oracle does not say, a query at the origin tells."""
        if self._outputs is None:
            return self.ask(Points(fmpz_mat(1, self.input_dim))).dim
        return self._outputs

    def ask(self, points: Points) -> Points:
        """Exact answers (count, output_dim) at points (count, input_dim), over the least common denominator.

        Raises OutOfBudget before anything is sent when the batch would exceed `max_queries` or the time is
        over, OracleError when the oracle fails, LedgerError when an answer cannot be kept.
        """
        self._spend(len(points))
        rows, bits = rows_of(points)
        self.queries += len(rows)
        self.query_bits += bits
        data = [to_bytes(row) for row in rows]
        keys = [sha256(point).digest() for point in data]
        answers: dict[bytes, Row] = {}
        fresh: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            found = self._store.find(key)
            if found is None:
                fresh.setdefault(key, i)  # a batch may hold a point twice
            else:
                self._reached = max(self._reached, found[0])
                answers[key] = from_bytes(found[1])
        if fresh:
            new = [rows[i] for i in fresh.values()]
            sent = points if len(new) == len(rows) else batch_of(new, points.dim)
            for (key, i), answer in zip(fresh.items(), self._answers(sent), strict=True):
                self._reached = self._store.keep(key, data[i], to_bytes(answer))
                answers[key] = answer
        return batch_of([answers[key] for key in keys], self.output_dim)

    def replay(self) -> Iterator[tuple[Points, Points]]:
        """Every stored query with its answer, as batches (points, answers) in the order of their coming."""
        rows: list[tuple[Row, Row]] = []
        for seq in range(1, len(self._store) + 1):
            point, answer = self._store.row(seq)
            row = from_bytes(point), from_bytes(answer)
            # One long denominator makes every point of its batch long: only equal ones share a batch.
            if rows and (row[0][1] != rows[0][0][1] or len(rows) * _bits(rows[0]) > _REPLAY_BITS):
                yield self._batch(rows)
                rows = []
            rows.append(row)
        if rows:
            yield self._batch(rows)

    def reask(self, count: int) -> None:
        """Ask `count` of this run's points again, spread over the run; they count as queries too.

        Raises OracleError when an answer has changed, OutOfBudget like `ask`.
        """
        count = min(count, self._reached)
        self._spend(count)
        for k in range(count):
            seq = 1 + k * self._reached // count
            point, before = map(from_bytes, self._store.row(seq))
            batch = batch_of([point], self.input_dim)
            self.queries += 1
            self.query_bits += rows_of(batch)[1]
            [now] = self._answers(batch)
            if now != before:
                raise OracleError(f"the oracle contradicts itself: query {seq} has another answer now")

    def _batch(self, rows: Sequence[tuple[Row, Row]]) -> tuple[Points, Points]:
        points = batch_of([point for point, _ in rows], self.input_dim)
        return points, batch_of([answer for _, answer in rows], self.output_dim)

    def _answers(self, points: Points) -> Iterator[Row]:
        """Send a batch; pass on each answer, in canonical form, when its length and type are right."""
        answers = self._oracle.query(points)
        rows = rows_of(answers)[0] if isinstance(answers, Points) else (_row(answer) for answer in answers)
        count = 0
        for row in rows:
            count += 1
            if count > len(points):
                raise OracleError(f"expected {len(points)} answers from the oracle, found more")
            if not row[0]:
                raise OracleError("expected an answer of at least one entry, found none")
            if self._outputs is None:
                self._store.note("output_dim", str(len(row[0])))
                self._outputs = len(row[0])
            if len(row[0]) != self._outputs:
                raise OracleError(f"expected an answer of {self._outputs} entries, found {len(row[0])}")
            self.new_queries += 1
            yield row
        if count < len(points):
            raise OracleError(f"expected {len(points)} answers from the oracle, found {count}")


def _bits(row: tuple[Row, Row]) -> int:
    return row[0][1].bit_length() * len(row[0][0])


def _row(answer: Sequence[Rational]) -> Row:
    if not isinstance(answer, Sequence):
        raise OracleError(f"expected a sequence of Fraction or int as answer, found {type(answer).__name__}")
    for i, value in enumerate(answer):
        if not isinstance(value, int | Fraction):
            kind = "a float, which is not exact" if isinstance(value, float) else type(value).__name__
            raise OracleError(f"output {i} of an answer: expected Fraction or int, found {kind}")
    den = lcm(*(value.denominator for value in answer))
    return [value.numerator * (den // value.denominator) for value in answer], den
