"""A model behind an HTTP server that speaks the Open Inference Protocol (KServe V2, REST).

Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from exactre.errors import OracleError
from exactre.oracle.measured import Arithmetic, Array
from exactre.oracle.patience import Unavailable, patiently

_KINDS: dict[str, Arithmetic] = {"FP32": "float32", "FP64": "float64"}
_NUMBERS = 1 << 16  # of a request
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class InferenceServer:
    """Oracle over `http(s)://HOST/.../v2/models/NAME[/versions/V]`: one input and one output of FP32 or FP64.

    A request that fails is sent again, `tries` times in all, after `pause`, 2 `pause`, ... seconds; `timeout`
    is for each.
    Raises OracleError when the server does not answer, or describes another kind of model.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, tries: int = 5, pause: float = 0.25) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "/v2/models/" not in parts.path:
            raise OracleError(f"{url}: expected http://HOST/v2/models/NAME")
        self._url = url
        self._secure = parts.scheme == "https"
        self._host, self._path = parts.netloc, parts.path.rstrip("/")
        self._timeout, self._tries, self._pause = timeout, tries, pause
        self._connection: http.client.HTTPConnection | None = None
        described = self._call("GET", self._path, None)
        self._input = self._tensor(described, "inputs")
        self._output = str(self._tensor(described, "outputs")["name"])
        self.arithmetic: Arithmetic = _KINDS[self._input["datatype"]]
        shape = self._input["shape"]
        self.input_dim = int(np.prod(shape[1:]))
        if len(shape) < 2 or self.input_dim < 1:
            raise OracleError(f"{url}: expected an input of shape [batch, size, ...], found {shape}")

    def query_batches(self, points: Array) -> Iterator[Array]:
        """Yield the answers (k, m) request by request. Raises OracleError."""
        step = max(1, _NUMBERS // self.input_dim)
        for start in range(0, len(points), step):
            part = points[start : start + step]
            tensor = {
                "name": self._input["name"],
                "shape": [len(part), *self._input["shape"][1:]],
                "datatype": self._input["datatype"],
                "data": part.ravel().tolist(),
            }
            answer = self._call("POST", f"{self._path}/infer", {"inputs": [tensor]})
            yield self._array(answer, len(part))

    def _array(self, answer: dict[str, Any], count: int) -> Array:
        outputs = answer.get("outputs", [])
        found = [tensor for tensor in outputs if tensor.get("name") == self._output]
        try:
            [tensor] = found
            return np.array(tensor["data"], dtype=np.float64).reshape(count, -1)
        except (KeyError, TypeError, ValueError) as error:
            raise OracleError(
                f"{self._url}: expected an output {self._output!r} of {count} rows ({error})"
            ) from None

    def _tensor(self, described: dict[str, Any], name: str) -> dict[str, Any]:
        """The one input or output that the server describes."""
        tensors = described.get(name) or []
        if len(tensors) != 1 or tensors[0].get("datatype") not in _KINDS or "shape" not in tensors[0]:
            found = ", ".join(f"{t.get('name')} of {t.get('datatype')}" for t in tensors) or "none"
            raise OracleError(f"{self._url}: expected one of {name}, of FP32 or FP64, found {found}")
        return dict(tensors[0])

    def _call(self, method: str, path: str, body: object) -> dict[str, Any]:
        return patiently(lambda: self._request(method, path, body), tries=self._tries, pause=self._pause)

    def _request(self, method: str, path: str, body: object) -> dict[str, Any]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(self._host, timeout=self._timeout)
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, text, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            raise Unavailable(f"{self._url}: {type(error).__name__} {error}".rstrip()) from error
        if response.status in _BUSY:
            self._drop()
            raise Unavailable(f"{self._url}: HTTP {response.status} {_reason(data)}")
        if response.status != http.client.OK:
            raise OracleError(f"{self._url}: HTTP {response.status} {_reason(data)}")
        try:
            answer = json.loads(data)
        except ValueError as error:
            raise OracleError(f"{self._url}: the answer is no JSON ({error})") from None
        if not isinstance(answer, dict):
            raise OracleError(f"{self._url}: expected a JSON object, found {type(answer).__name__}")
        return answer

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _reason(data: bytes) -> str:
    """What a server says about an error, on one line."""
    text = data.decode(errors="replace")
    try:
        document = json.loads(text)
        text = str(document.get("error", text)) if isinstance(document, dict) else text
    except ValueError:
        pass  # not JSON: the text itself is the reason
    return " ".join(text.split())[:200]
