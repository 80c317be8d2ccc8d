"""The Open Inference Protocol: against MLServer, and against a server that fails in many ways."""

import json
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from exactre import save
from exactre.errors import OracleError
from exactre.network import Network
from exactre.oracle.float_ledger import FloatLedger
from exactre.oracle.inference import InferenceServer

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MODEL = {
    "name": "secret",
    "implementation": "mlserver_model.Secret",
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 5]}],
    "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, 2]}],
}
# Numbers so short that floats add and multiply them exactly, in whatever order the server does.
NET = Network.from_rows(
    [
        ([[1, -2, 3, 0, 5], [-4, 1, 1, 2, -1], [2, 2, 0, -3, 1]], [7, -1, 0]),
        ([[1, -2, 4], [3, 0, -1]], [5, 6]),
    ]
)
POINTS = np.random.default_rng(0).integers(-9, 10, size=(20, 5)).astype(float)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def mlserver(tmp_path_factory):
    """A real server in an environment of its own, which `make` builds where it is missing."""
    subprocess.run(["make", "-s", ".venv-server/installed"], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("mlserver")
    ports = {name: free_port() for name in ("http_port", "grpc_port", "metrics_port")}
    settings = {"host": "127.0.0.1", "parallel_workers": 0, **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(MODEL))
    (folder / "mlserver_model.py").write_text((HERE / "mlserver_model.py").read_text())
    save(NET, folder / "secret.json")
    url = f"http://127.0.0.1:{ports['http_port']}/v2/models/secret"
    command = [ROOT / ".venv-server" / "bin" / "mlserver", "start", folder]
    with open(folder / "log", "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{url}/ready", timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def test_a_real_server_is_described_and_answers_with_every_bit(mlserver):
    server = InferenceServer(mlserver)
    assert (server.input_dim, server.arithmetic) == (5, "float64")
    found = FloatLedger(server).ask(POINTS)
    assert found.tolist() == [[float(v) for v in NET([int(v) for v in point])] for point in POINTS]


def test_a_model_that_a_real_server_does_not_have_is_an_error_with_its_words(mlserver):
    with pytest.raises(OracleError, match=r"HTTP 404 .*nobody"):
        InferenceServer(mlserver.replace("secret", "nobody"))


class Faulty(BaseHTTPRequestHandler):
    """Adds up its input of two, and fails as its server's `faults` say, one fault a request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(200, self.server.metadata)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "silence":
            time.sleep(1)
        elif isinstance(fault, tuple):
            self.reply(*fault)
        else:
            [tensor] = body["inputs"]
            x = np.reshape(tensor["data"], tensor["shape"]).sum(axis=1)
            y = {"name": "y", "shape": [len(x), 1], "datatype": "FP64", "data": x.tolist()}
            self.reply(200, {"outputs": [y]})

    def reply(self, status, document):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


TENSORS = {
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}],
    "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, 1]}],
}


@contextmanager
def faulty(*faults, metadata=TENSORS):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    server.daemon_threads = True
    server.faults, server.metadata, server.requests = list(faults), metadata, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}/v2/models/sum"
    finally:
        server.shutdown()
        server.server_close()


PAIRS = np.arange(12, dtype=float).reshape(6, 2)


@pytest.mark.parametrize(
    "fault",
    ["drop", "silence", (503, {"error": "overloaded"}), (429, b"slow down"), (500, b""), (504, {"error": 3})],
)
def test_what_fails_by_accident_is_asked_again(fault):
    with faulty(fault, fault) as (server, url):
        oracle = InferenceServer(url, pause=0.01, timeout=0.3)
        assert FloatLedger(oracle).ask(PAIRS).ravel().tolist() == PAIRS.sum(axis=1).tolist()
        assert len(server.requests) == 3


def test_a_large_batch_goes_in_several_requests():
    points = np.zeros((40_000, 2))
    points[:, 0] = np.arange(40_000)
    with faulty() as (server, url):
        assert FloatLedger(InferenceServer(url)).ask(points).ravel().tolist() == points[:, 0].tolist()
        assert len(server.requests) == 2


def test_what_came_before_a_lasting_failure_is_kept(tmp_path):
    points = np.zeros((40_000, 2))
    points[:, 0] = np.arange(40_000)
    path = tmp_path / "l.sqlite"
    with faulty(None, *["drop"] * 3) as (_, url):
        oracle = InferenceServer(url, tries=3, pause=0.01)
        with (
            FloatLedger(oracle, path=path) as ledger,
            pytest.raises(OracleError, match="no answer in 3 tries"),
        ):
            ledger.ask(points)
    with (
        faulty() as (server, url),
        FloatLedger(InferenceServer(url), path=path, resume=True) as ledger,
    ):
        ledger.ask(points)
        assert sum(len(body["inputs"][0]["data"]) for body in server.requests) == 2 * (40_000 - 32_768)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ((400, {"error": "input 0 is outside of the box"}), "HTTP 400 input 0 is outside of the box"),
        ((404, b"nothing here"), "HTTP 404 nothing here"),
        ((200, b"<html>"), "the answer is no JSON"),
        ((200, []), "expected a JSON object, found list"),
        ((200, {}), "expected an output 'y' of 6 rows"),
        ((200, {"outputs": [{"name": "z", "data": [0] * 6}]}), "expected an output 'y' of 6 rows"),
        ((200, {"outputs": [{"name": "y", "data": [0] * 5}]}), "expected an output 'y' of 6 rows"),
        ((200, {"outputs": [{"name": "y", "data": ["a"] * 6}]}), "expected an output 'y' of 6 rows"),
    ],
)
def test_what_will_not_change_is_not_asked_again(fault, words):
    with faulty(fault) as (server, url):
        with pytest.raises(OracleError, match=words):
            FloatLedger(InferenceServer(url, pause=0.01)).ask(PAIRS)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "expected one of inputs, of FP32 or FP64, found none"),
        ([{"name": "x", "datatype": "INT64", "shape": [-1, 2]}], "found x of INT64"),
        (TENSORS["inputs"] * 2, "found x of FP64, x of FP64"),
        ([{"name": "x", "datatype": "FP64", "shape": [2]}], r"expected an input of shape \[batch, size"),
        ([{"name": "x", "datatype": "FP64", "shape": [-1, -1]}], r"expected an input of shape \[batch, size"),
    ],
)
def test_other_models_are_refused(inputs, words):
    with (
        faulty(metadata={**TENSORS, "inputs": inputs}) as (_, url),
        pytest.raises(OracleError, match=words),
    ):
        InferenceServer(url)


@pytest.mark.parametrize("url", ["ftp://host/v2/models/m", "http:///v2/models/m", "http://host/models/m"])
def test_other_addresses_are_refused(url):
    with pytest.raises(OracleError, match="expected http://HOST/v2/models/NAME"):
        InferenceServer(url)


def test_a_server_that_is_not_there_is_said_so():
    with pytest.raises(OracleError, match=r"no answer in 2 tries: .*Connection"):
        InferenceServer(f"http://127.0.0.1:{free_port()}/v2/models/m", tries=2, pause=0.01)
