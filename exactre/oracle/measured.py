"""Measured oracles: functions that answer in floating point, so that an answer is near f(x) and not f(x).

`MeasuredOracle` is the protocol. The classes are for what runs in this process; `exactre.oracle.remote` and
`exactre.oracle.inference` speak to other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from exactre.errors import OracleError, ShapeError

Array = NDArray[np.float64]
Arithmetic = Literal["float32", "float64"]


@runtime_checkable
class MeasuredOracle(Protocol):
    """A function known by answers that are rounded."""

    @property
    def input_dim(self) -> int:
        """Number of coordinates of a query."""

    @property
    def arithmetic(self) -> Arithmetic:
        """The type of the points: what it is asked at are floats of this type."""

    def query_batches(self, points: Array) -> Iterator[Array]:
        """Answers (k, m), a batch after the other, until all points (count, n) have theirs, in their order.

        An answer is on record as soon as it is yielded. Raises OracleError.
        """


class ArrayOracle:
    """Answers with `f`, a function from float arrays (count, n) to arrays (count, m) or (count,).

    `f` gets arrays of the type `arithmetic`. Raises ShapeError when `input_dim` is not positive.
    """

    def __init__(
        self,
        f: Callable[[Any], Any],
        input_dim: int,
        *,
        arithmetic: Arithmetic = "float64",
        batch: int = 1024,
    ) -> None:
        if input_dim < 1:
            raise ShapeError(f"expected an oracle of at least one input, found input_dim={input_dim}")
        self.input_dim = input_dim
        self.arithmetic = arithmetic
        self._f = f
        self._batch = batch

    def query_batches(self, points: Array) -> Iterator[Array]:
        """Yield the answers (k, m), at most `batch` at a time. Raises OracleError when `f` raises."""
        for start in range(0, len(points), self._batch):
            part = points[start : start + self._batch].astype(self.arithmetic)
            try:
                answer = np.asarray(self._f(part), dtype=np.float64)
            except Exception as error:  # `f` is foreign code: whatever it raises is its failure to answer
                raise OracleError(f"the oracle raised {type(error).__name__}: {error}") from error
            yield answer.reshape(-1, 1) if answer.ndim == 1 else answer


def torch_oracle(module: Any, input_dim: int) -> ArrayOracle:
    """Oracle over a torch module in the type of its parameters; the module makes the tensors, not torch.

    Raises OracleError for a module without parameters of float32 or float64.
    """
    parameter = next(iter(module.parameters()), None)
    kind = str(getattr(parameter, "dtype", None)).removeprefix("torch.")
    if parameter is None or kind not in ("float32", "float64"):
        raise OracleError(f"expected a module with parameters of float32 or float64, found {kind}")

    def f(points: Any) -> Any:
        return module(parameter.new_tensor(points)).detach().cpu().numpy()

    return ArrayOracle(f, input_dim, arithmetic="float32" if kind == "float32" else "float64")


def session_oracle(session: Any) -> ArrayOracle:
    """Oracle over an ONNX Runtime session of one input and one output, in the type of its input.

    Where the model fixes the batch at one point, points go one by one. Raises OracleError.
    """
    sources, targets = session.get_inputs(), session.get_outputs()
    kinds: dict[str, Arithmetic] = {"tensor(float)": "float32", "tensor(double)": "float64"}
    if len(sources) != 1 or len(targets) != 1 or sources[0].type not in kinds:
        raise OracleError(
            "expected a session of one output and one input of float or double, found "
            f"{len(targets)} outputs and inputs {', '.join(source.type for source in sources)}"
        )
    shape = list(sources[0].shape)
    fixed = isinstance(shape[0], int)
    size = shape if fixed else shape[1:]
    if not size or not all(isinstance(v, int) for v in size) or (fixed and len(shape) > 1 and shape[0] != 1):
        raise OracleError(f"expected an input of one point or of a batch of points, found shape {shape}")

    def f(points: Any) -> Any:
        batch = points.reshape([len(points) if not fixed else 1, *shape[1:]] if len(shape) > 1 else shape)
        return np.reshape(session.run(None, {sources[0].name: batch})[0], (len(points), -1))

    return ArrayOracle(f, int(np.prod(size)), arithmetic=kinds[sources[0].type], batch=1 if fixed else 1024)
