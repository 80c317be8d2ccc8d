"""Small ONNX graphs for the tests, and onnxruntime's answer to them as exact rationals."""

from fractions import Fraction

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def constant(name, values, dtype=np.float32):
    """Stored tensor."""
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def graph(
    nodes, shape, initializers=(), *, output="y", element=FLOAT, opset=13, inputs=("x",), extra_inputs=()
):
    """Model with the input(s) `x` of a shape, as onnxruntime takes it."""
    values = [helper.make_tensor_value_info(name, element, shape) for name in inputs]
    return helper.make_model(
        helper.make_graph(
            list(nodes),
            "graph",
            [*values, *extra_inputs],
            [helper.make_tensor_value_info(output, element, None)],
            list(initializers),
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=7,
    )


def node(kind, inputs, output="y", **attributes):
    """One operator; its name is its kind in small letters, and its output if that is not the graph's."""
    name = kind.lower() if output == "y" else f"{kind.lower()}_{output}"
    return helper.make_node(kind, inputs.split(), [output], name=name, **attributes)


def write(model, path):
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path


def runtime_values(model, points):
    """What onnxruntime computes, as exact rationals; the model's own operators, none of them optimised."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in source.shape]
    dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[source.type]
    answers = []
    for point in points:
        (y,) = session.run(None, {source.name: np.array(point, dtype).reshape(shape)})
        answers.append(tuple(Fraction(float(v)) for v in y.ravel()))
    return answers
