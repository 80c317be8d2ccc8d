"""A model in another process that reads one point a line and writes one answer a line, as JSON arrays."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO

import numpy as np

from exactre.errors import OracleError
from exactre.oracle.measured import Arithmetic, Array
from exactre.oracle.patience import Unavailable, patiently


class JsonLines:
    """Oracle over a command: it reads `[x1, ..., xn]` and writes `[y1, ..., ym]`, in order, a line each.

    A process that dies, or is silent for `timeout` seconds, is started again, at most `tries` times in a row
    with growing pauses, and gets the points that have no answer yet. Use it in a `with`, or call `close`.
    """

    def __init__(
        self,
        command: Sequence[str],
        input_dim: int,
        *,
        arithmetic: Arithmetic = "float64",
        timeout: float = 30.0,
        tries: int = 4,
        pause: float = 0.25,
    ) -> None:
        self.input_dim = input_dim
        self.arithmetic = arithmetic
        self._command = list(command)
        self._timeout, self._tries, self._pause = timeout, tries, pause
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def query_batches(self, points: Array) -> Iterator[Array]:
        """Yield each answer (1, m) as it comes. Raises OracleError."""
        done = 0
        while done < len(points):
            # A try that brings no answer at all counts; one that breaks off later starts the count again.
            yield patiently(partial(self._first, points[done:]), tries=self._tries, pause=self._pause)
            done += 1
            while done < len(points):
                try:
                    yield self._next()
                except Unavailable:
                    self.close()
                    break
                done += 1

    def _first(self, points: Array) -> Array:
        """Send all points, wait for the first answer."""
        try:
            process = self._running()
            assert process.stdin is not None
            # In a thread, since the process may answer before it has read everything.
            threading.Thread(target=_write, args=(process.stdin, points), daemon=True).start()
            return self._next()
        except Unavailable:
            self.close()
            raise

    def _next(self) -> Array:
        try:
            line = self._lines.get(timeout=self._timeout)
        except queue.Empty:
            raise Unavailable(f"no answer within {self._timeout} s") from None
        if not line:
            raise Unavailable("the process has ended")
        try:
            answer = np.array(json.loads(line), dtype=np.float64)
        except (ValueError, TypeError):
            answer = np.zeros(0)
        if answer.ndim != 1 or not len(answer):
            raise OracleError(f"expected a JSON array of numbers a line, found {line.strip()!r:.60}")
        return answer[None]

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            except OSError as error:
                raise OracleError(f"{self._command[0]}: {error.strerror}") from error
            self._lines = queue.SimpleQueue()
            assert self._process.stdout is not None
            reader = threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True)
            reader.start()
        return self._process


def _write(pipe: IO[str], points: Array) -> None:
    try:
        for point in points.tolist():
            pipe.write(json.dumps(point) + "\n")
        pipe.flush()
    except (OSError, ValueError):
        pass  # the process is gone or was ended: its missing answers say so


def _read(pipe: IO[str], lines: queue.SimpleQueue[str]) -> None:
    try:
        for line in pipe:
            lines.put(line)
    except ValueError:
        pass  # the pipe was closed with the process
    lines.put("")
