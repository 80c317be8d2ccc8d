"""Train the 64-32-16-10 network of the demo on scikit-learn's digits and write it as `digits.onnx`.

    python examples/train_digits.py [OUT.onnx]

A fifth of the images is held out; the script prints the accuracy on it. The weights are rounded to float32,
and the file ends at the class scores: the largest one is the class.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

Layers = list[tuple[np.ndarray, np.ndarray]]


def images() -> list[np.ndarray]:
    """Training and held-out images (count, 64) with pixels from 0 to 1, and their classes."""
    x, y = load_digits(return_X_y=True)
    return train_test_split(x / 16, y, test_size=0.2, random_state=0)


def train() -> Layers:
    """Layers (weight (outputs, inputs), bias (outputs,)), in float32."""
    x, _, y, _ = images()
    # alpha=0: weight decay would shrink the weights of pixels that never light until they are denormals.
    model = MLPClassifier((32, 16), alpha=0, max_iter=400, random_state=0)
    model.fit(x, y)
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return [(w.T.astype(np.float32), b.astype(np.float32)) for w, b in pairs]


def accuracy(layers: Layers) -> float:
    """Share of the held-out images whose largest score is at their class."""
    _, x, _, y = images()
    values = x.astype(np.float32)
    for k, (weight, bias) in enumerate(layers):
        values = values @ weight.T + bias
        if k < len(layers) - 1:
            values = np.maximum(values, 0)
    return float((values.argmax(axis=1) == y).mean())


def to_onnx(layers: Layers) -> onnx.ModelProto:
    """The ONNX model: Gemm and Relu, input "pixels" (N, 64), output "scores" (N, 10)."""
    nodes, tensors, source = [], [], "pixels"
    for k, (weight, bias) in enumerate(layers):
        tensors += [numpy_helper.from_array(weight, f"w{k}"), numpy_helper.from_array(bias, f"b{k}")]
        last = k == len(layers) - 1
        target = "scores" if last else f"u{k}"
        nodes.append(helper.make_node("Gemm", [source, f"w{k}", f"b{k}"], [target], f"gemm{k}", transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [target], [f"h{k}"], f"relu{k}"))
            source = f"h{k}"
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", layers[0][0].shape[1]])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", layers[-1][0].shape[0]])
    graph = helper.make_graph(nodes, "digits", [pixels], [scores], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits.onnx")
    layers = train()
    onnx.save(to_onnx(layers), out)
    print(f"{out}: accuracy {accuracy(layers):.1%} on images that were not trained on")
