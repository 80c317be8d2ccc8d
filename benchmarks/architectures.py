"""Loading and exact evaluation of real convolutional and other networks, beside onnxruntime's float32.

`python -m benchmarks.architectures`: per model, neurons, weights that are not zero, seconds to load, peak
megabytes of a process that has loaded it (the imports alone in the first row), milliseconds a point of exact
evaluation (64 points, the second batch) and of onnxruntime; processor time. Models are read from the folder
EXACTRE_MODELS, default ../shared/models.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

import exactre
from exactre.rational import Points

MODELS = Path(os.environ.get("EXACTRE_MODELS", Path(__file__).parents[2] / "shared" / "models"))
OPTIONS: dict[str, dict[str, object]] = {
    "cifar_base_kw.onnx": {},
    "resnet_2b.onnx": {},
    "convnet_avgpool.onnx": {},
    "convnet_maxpool.onnx": {},
    "conv_mp1.onnx": {},
    "mnist5x20_leaky_relu.onnx": {},
    "linear2-3_bn1-linear3-1.onnx": {"weights": "float32"},
    "lhc_2_80.onnx": {"cut": True},
}
COUNT = 64
PEAK = """
import json, sys
from pathlib import Path
import exactre
import exactre.formats.onnx_file
if len(sys.argv) > 1:
    exactre.load(sys.argv[1], **json.loads(sys.argv[2]))
print(next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
"""


def peak_megabytes(*arguments: str) -> int:
    """Peak memory of a process that loads a model, or that only imports."""
    command = [sys.executable, "-c", PEAK, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) // 1024


def runtime_seconds(path: Path, points: np.ndarray) -> float:
    """Processor seconds of onnxruntime, one point after the other as the models' batch of one asks for."""
    session = onnxruntime.InferenceSession(path)
    (source,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in source.shape]
    start = time.process_time()
    for point in points.astype(np.float32):
        session.run(None, {source.name: point.reshape(shape)})
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    heads = ("neurons", "nonzero", "load s", "MB", "exact ms", "float32 ms")
    print(f"{'model':30}", *(f"{head:>10}" for head in heads))
    print(f"{'imports':30} {peak_megabytes():43}")
    for name, options in OPTIONS.items():
        path = MODELS / name
        start = time.process_time()
        net = exactre.load(path, **options)
        load = time.process_time() - start
        peak = peak_megabytes(str(path), json.dumps(options))
        points = np.random.default_rng(0).uniform(-1, 1, (2, COUNT, net.input_dim)).astype(np.float32)
        net.evaluate(Points.from_floats(points[0]))
        start = time.process_time()
        net.evaluate(Points.from_floats(points[1]))
        exact = (time.process_time() - start) / COUNT * 1e3
        runtime = runtime_seconds(path, points[1]) / COUNT * 1e3
        figures = f"{net.neurons:10} {net.nonzero:10} {load:10.2f} {peak:10} {exact:10.3f} {runtime:10.3f}"
        print(f"{name:30} {figures}", flush=True)


if __name__ == "__main__":
    main()
