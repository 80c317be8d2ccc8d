"""Every operator that is read means what onnxruntime computes.

Weights and inputs are small integers or quarters, so that float32 arithmetic is exact and the comparison is
an equality; sums stay below 2^24 quarters.
"""

import re

import numpy as np
import pytest
from graphs import constant, graph, node, runtime_values, write
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats.onnx_file import read

W = [[1, -2, 3], [0, 4, -1]]  # (2, 3)
C = constant
AXES = [C("axes", [0, 2], np.int64)]

# name: nodes, input shape, stored tensors, opset
ACCEPTED = {
    "gemm": ([node("Gemm", "x w b")], [1, 2], [C("w", W), C("b", [1, 2, 3])]),
    "gemm without summand": ([node("Gemm", "x w")], [1, 2], [C("w", W)]),
    "gemm transposed": ([node("Gemm", "x w b", transB=1)], [1, 3], [C("w", W), C("b", [5, -1])]),
    "gemm scaled": ([node("Gemm", "x w b", alpha=0.5, beta=-2.0)], [1, 2], [C("w", W), C("b", [1, 2, 3])]),
    "gemm with a scalar summand": ([node("Gemm", "x w b")], [1, 2], [C("w", W), C("b", 7)]),
    "gemm of a transposed input": ([node("Gemm", "x w", transA=1)], [2, 3], [C("w", W)]),
    "gemm with the constant first": ([node("Gemm", "w x b")], [3, 2], [C("w", W), C("b", [[1], [2]])]),
    "gemm with a summand of the input": (
        [node("Gemm", "w v x")],
        [2, 2],
        [C("w", W), C("v", np.ones((3, 2)))],
    ),
    "gemm of several rows": ([node("Gemm", "x w b")], [4, 2], [C("w", W), C("b", [1, 2, 3])]),
    "matmul": ([node("MatMul", "x w")], [1, 2], [C("w", W)]),
    "matmul with the constant first": ([node("MatMul", "w x")], [3, 2], [C("w", W)]),
    "matmul of a vector": ([node("MatMul", "x w")], [2], [C("w", W)]),
    "matmul with a vector": ([node("MatMul", "w x")], [3], [C("w", W)]),
    "matmul of two vectors": ([node("MatMul", "x w")], [3], [C("w", [1, 2, -3])]),
    "matmul of two vectors, constant first": ([node("MatMul", "w x")], [3], [C("w", [1, 2, -3])]),
    "matmul of a matrix with a constant vector": ([node("MatMul", "x w")], [2, 3], [C("w", [1, 2, -3])]),
    "matmul of a constant vector": ([node("MatMul", "w x")], [2, 3], [C("w", [1, -3])]),
    "matmul of a batch": ([node("MatMul", "x w")], [3, 2, 2], [C("w", W)]),
    "matmul of a batch, constant first": ([node("MatMul", "w x")], [2, 3, 2], [C("w", W)]),
    "add": ([node("Add", "x b")], [1, 3], [C("b", [1, -2, 3])]),
    "add with broadcasting": ([node("Add", "b x")], [1, 2, 1], [C("b", [[1, -2, 3]])]),
    "add twice the input": ([node("Add", "x x")], [1, 3], []),
    "add a transposed input": ([node("Transpose", "x", "t"), node("Add", "x t")], [2, 2], []),
    "sub": ([node("Sub", "x b")], [1, 3], [C("b", [1, -2, 3])]),
    "sub from a constant": ([node("Sub", "b x")], [1, 3], [C("b", [1, -2, 3])]),
    "sub the input": ([node("Sub", "x x")], [1, 3], []),
    "mul": ([node("Mul", "x b")], [1, 3], [C("b", [1, -2, 0])]),
    "mul with the constant first": ([node("Mul", "b x")], [1, 1, 2], [C("b", [[1], [-2], [0]])]),
    "div": ([node("Div", "x b")], [1, 3], [C("b", [1, -2, 4])]),
    "neg": ([node("Neg", "x")], [1, 3], []),
    "relu": ([node("Relu", "x")], [1, 3], []),
    "relu twice": ([node("Relu", "x", "h"), node("Neg", "h", "n"), node("Relu", "n")], [1, 3], []),
    "relu of a constant": ([node("Relu", "b", "h"), node("Add", "x h")], [1, 3], [C("b", [1, -2, 4])]),
    "identity": ([node("Identity", "x")], [1, 3], []),
    "dropout": ([node("Dropout", "x")], [1, 3], []),
    "flatten": ([node("Flatten", "x")], [2, 3, 2], []),
    "flatten at 0": ([node("Flatten", "x", axis=0)], [2, 3], []),
    "flatten at the end": ([node("Flatten", "x", axis=2)], [2, 3], []),
    "flatten from the end": ([node("Flatten", "x", axis=-1)], [2, 3, 2], []),
    "reshape": ([node("Reshape", "x s")], [2, 3], [C("s", [3, 2], np.int64)]),
    "reshape with a free size": ([node("Reshape", "x s")], [2, 3], [C("s", [-1, 1], np.int64)]),
    "reshape with a copied size": ([node("Reshape", "x s")], [2, 3, 2], [C("s", [0, -1], np.int64)]),
    "reshape to a scalar": ([node("Reshape", "x s")], [1], [C("s", [], np.int64)]),
    "squeeze": ([node("Squeeze", "x")], [1, 3, 1], []),
    "squeeze axes": ([node("Squeeze", "x axes")], [1, 3, 1], AXES),
    "unsqueeze": ([node("Unsqueeze", "x axes")], [3], AXES),
    "transpose": ([node("Transpose", "x")], [2, 3, 2], []),
    "transpose by perm": ([node("Transpose", "x", perm=[1, 2, 0])], [2, 3, 2], []),
    "concat": ([node("Concat", "x b x", axis=1)], [1, 3], [C("b", [[7, -7]])]),
    "concat from the end": ([node("Neg", "x", "n"), node("Concat", "x n", axis=-1)], [2, 3], []),
    "concat of two ReLUs": (
        [
            node("Relu", "x", "p"),
            node("Neg", "x", "m"),
            node("Relu", "m", "n"),
            node("Concat", "p n x", axis=0),
        ],
        [2, 3],
        [],
    ),
    "constant": ([node("Constant", "", "c", value=C("v", [1, 2, 3])), node("Add", "x c")], [1, 3], []),
    "constant float": ([node("Constant", "", "c", value_float=0.5), node("Add", "x c")], [1, 3], []),
    "constant floats": ([node("Constant", "", "c", value_floats=[0.5, 1.0]), node("Mul", "x c")], [1, 2], []),
    "constant int": ([node("Constant", "", "c", value_int=0), node("Unsqueeze", "x c")], [2], []),
    "constant ints": ([node("Constant", "", "c", value_ints=[3, 2]), node("Reshape", "x c")], [2, 3], []),
    "cast of the input": (
        [node("Cast", "x", "d", to=TensorProto.DOUBLE), node("Cast", "d", to=TensorProto.FLOAT)],
        [1, 3],
        [],
    ),
    "cast of a constant": (
        [node("Cast", "b", "c", to=TensorProto.FLOAT), node("Add", "x c")],
        [1, 3],
        [C("b", [1, -2, 3], np.int64)],
    ),
    "cast of a shape": (
        [node("Cast", "s", "c", to=TensorProto.INT64), node("Reshape", "x c")],
        [2, 3],
        [C("s", [3, 2])],
    ),
    "batch normalization": (
        [node("BatchNormalization", "x g s m v", epsilon=0.0)],
        [1, 2, 3],
        [C("g", [2, -1]), C("s", [1, 3]), C("m", [1, -1]), C("v", [4, 0.25])],
    ),
    "arithmetic of constants": (
        [node("Neg", "a", "n"), node("Div", "n b", "q"), node("MatMul", "q w", "z"), node("Add", "x z")],
        [1, 3],
        [C("a", [[3, 5]]), C("b", [[2, 4]]), C("w", W)],
    ),
    "residual": (
        [node("Gemm", "x w", "u"), node("Relu", "u", "h"), node("Add", "h x", "r"), node("Gemm", "r w")],
        [1, 2],
        [C("w", [[1, -2], [3, 4]])],
    ),
    "product of a reshaped product": (
        [
            node("Gemm", "x w", "u"),
            node("Relu", "u", "h"),
            node("Reshape", "h s", "r"),
            node("Transpose", "r", "t"),
            node("MatMul", "t v"),
        ],
        [2, 2],
        [C("w", W), C("s", [2, 3], np.int64), C("v", [[1, 2], [-3, 4]])],
    ),
    "average": (
        [node("Transpose", "x", "t"), node("MatMul", "t w", "m"), node("Div", "m d")],
        [4, 2],
        [C("w", np.ones((4, 1))), C("d", 4)],
    ),
}
OLD = {
    "squeeze by attribute": ([node("Squeeze", "x", axes=[0, 2])], [1, 3, 1], []),
    "unsqueeze by attribute": ([node("Unsqueeze", "x", axes=[0])], [3], []),
    "reshape": ([node("Reshape", "x s")], [2, 3], [C("s", [3, 2], np.int64)]),
    "dropout by attribute": ([node("Dropout", "x", ratio=0.5)], [1, 3], []),
    "gemm": ([node("Gemm", "x w b")], [1, 2], [C("w", W), C("b", [1, 2, 3])]),
}
NEW = {
    "dropout by input": ([node("Dropout", "x r t")], [1, 3], [C("r", 0.5), C("t", False, bool)]),
    "reshape that copies no size": (
        [node("Reshape", "x s", allowzero=1)],
        [2, 3],
        [C("s", [3, 2], np.int64)],
    ),
    "squeeze": ([node("Squeeze", "x axes")], [1, 3, 1], AXES),
    "batch normalization": (
        [node("BatchNormalization", "x g s m v", epsilon=0.0, training_mode=0)],
        [1, 2],
        [C("g", [2, -1]), C("s", [1, 3]), C("m", [1, -1]), C("v", [4, 0.25])],
    ),
}
CASES = [
    pytest.param(*case, opset, id=f"{name}, opset {opset}")
    for table, opsets in ((ACCEPTED, (13,)), (OLD, (8, 9, 11)), (NEW, (14, 17, 21)))
    for opset in opsets
    for name, case in table.items()
]


@pytest.mark.parametrize(("nodes", "shape", "initializers", "opset"), CASES)
@settings(max_examples=5)
@given(data=st.data())
def test_an_operator_means_what_the_runtime_computes(
    nodes, shape, initializers, opset, data, tmp_path_factory
):
    model = graph(nodes, shape, initializers, opset=opset)
    net = read(write(model, tmp_path_factory.mktemp("onnx") / "model.onnx"))
    size = int(np.prod(shape))
    point = data.draw(st.lists(st.integers(-8, 8), min_size=size, max_size=size))
    assert [net(point)] == runtime_values(model, [point])


REFUSED = {
    "unknown operator": ([node("Sigmoid", "x")], [1, 2], [], "Sigmoid node 'sigmoid': the operator Sigmoid"),
    "other domain": (
        [helper.make_node("Relu", ["x"], ["y"], name="r", domain="com.example")],
        [1, 2],
        [],
        "Relu node 'r': the operator Relu of domain 'com.example'",
    ),
    "no name": ([helper.make_node("Softmax", ["x"], ["y"])], [1, 2], [], r"Softmax node of \['y'\]"),
    "unknown attribute": (
        [node("Relu", "x", slope=1)],
        [1, 2],
        [],
        "Relu node 'relu': the attribute 'slope'",
    ),
    "square": ([node("Mul", "x x")], [1, 2], [], "Mul node 'mul': a product of two factors"),
    "quadratic form": ([node("MatMul", "x x")], [2, 2], [], "MatMul node 'matmul': a product of two factors"),
    "reciprocal": ([node("Div", "b x")], [1, 2], [C("b", [1, 2])], "Div node 'div': a division by something"),
    "integer division": (
        [node("Div", "b c", "d"), node("Reshape", "x d")],
        [1, 2],
        [C("b", [4], np.int64), C("c", [2], np.int64)],
        "Div node 'div_d': a division of integers",
    ),
    "batched factor": (
        [node("MatMul", "x w")],
        [2, 1, 2],
        [C("w", np.ones((2, 2, 2)))],
        r"factor of shape \[2, 2, 2\]",
    ),
    "rounding cast": (
        [node("Cast", "b", "c", to=TensorProto.FLOAT), node("Add", "x c")],
        [1, 1],
        [C("b", [0.1], np.float64)],
        "Cast node 'cast_c': the cast to FLOAT would round",
    ),
    "overflowing cast": (
        [node("Cast", "b", "c", to=TensorProto.FLOAT16), node("Add", "x c")],
        [1, 1],
        [C("b", [1e30])],
        "Cast node 'cast_c': the cast to FLOAT16 would round",
    ),
    "truncating cast": (
        [node("Cast", "x", to=TensorProto.INT32)],
        [1, 2],
        [],
        "Cast node 'cast': .* to INT32",
    ),
    "boolean cast": (
        [node("Cast", "x", to=TensorProto.BOOL)],
        [1, 2],
        [],
        "Cast node 'cast': a cast to BOOL",
    ),
    "training dropout": (
        [node("Dropout", "x r t")],
        [1, 2],
        [C("r", 0.5), C("t", True, bool)],
        "Dropout node 'dropout': training mode",
    ),
    "training batch normalization": (
        [node("BatchNormalization", "x g g g g", training_mode=1)],
        [1, 1],
        [C("g", [1])],
        "BatchNormalization node 'batchnormalization': training mode",
    ),
    "irrational batch normalization": (
        [node("BatchNormalization", "x g g g v", epsilon=0.0)],
        [1, 1],
        [C("g", [1]), C("v", [2])],
        r"standard deviation sqrt\(2\) is no positive rational",
    ),
    "negative variance": (
        [node("BatchNormalization", "x g g g v", epsilon=0.0)],
        [1, 1],
        [C("g", [1]), C("v", [-4])],
        r"standard deviation sqrt\(-4\) is no positive rational",
    ),
    "string constant": (
        [node("Constant", "", "c", value_string=b"x")],
        [1, 1],
        [],
        "the attribute 'value_string'",
    ),
}
BROKEN = {
    "division by zero": (
        [node("Div", "x b")],
        [1, 2],
        [C("b", [1, 0])],
        "Div node 'div': expected a divisor without",
    ),
    "shapes that do not multiply": (
        [node("MatMul", "x w")],
        [1, 3],
        [C("w", W)],
        "MatMul node 'matmul': shapes",
    ),
    "gemm of a vector": ([node("Gemm", "x w")], [2], [C("w", W)], "Gemm node 'gemm': expected two matrices"),
    "gemm with a large summand": (
        [node("Gemm", "x w b")],
        [1, 2],
        [C("w", W), C("b", np.ones((2, 3)))],
        r"Gemm node 'gemm': expected a summand that broadcasts to \[1, 3\]",
    ),
    "shapes that do not broadcast": (
        [node("Add", "x b")],
        [1, 3],
        [C("b", [1, 2])],
        "Add node 'add': shapes",
    ),
    "scalar factor": (
        [node("MatMul", "x w")],
        [1, 3],
        [C("w", 2)],
        "MatMul node 'matmul': .* found a scalar",
    ),
    "wrong size": (
        [node("Reshape", "x s")],
        [1, 3],
        [C("s", [2, 2], np.int64)],
        "Reshape node 'reshape': a tensor of",
    ),
    "fractional shape": (
        [node("Reshape", "x s")],
        [1, 3],
        [C("s", [3.0])],
        "Reshape node 'reshape': shape: expected int",
    ),
    "shape of the input": (
        [node("Reshape", "x x")],
        [1, 1],
        [],
        "Reshape node 'reshape': shape: only constant",
    ),
    "zero width": (
        [node("Reshape", "x s", allowzero=1)],
        [1, 3],
        [C("s", [0, 3], np.int64)],
        "Reshape node 'reshape': a tensor of shape",
    ),
    "wrong squeeze": (
        [node("Squeeze", "x axes")],
        [2, 3, 1],
        AXES,
        "Squeeze node 'squeeze': a tensor of shape",
    ),
    "unsqueeze without axes": (
        [node("Unsqueeze", "x")],
        [2],
        [],
        "Unsqueeze node 'unsqueeze': expected axes",
    ),
    "doubled axis": (
        [node("Unsqueeze", "x a")],
        [2],
        [C("a", [0, 0], np.int64)],
        "Unsqueeze node 'unsqueeze': a tensor",
    ),
    "wrong permutation": (
        [node("Transpose", "x", perm=[0, 0])],
        [2, 3],
        [],
        "Transpose node 'transpose': a tensor",
    ),
    "wrong axis": (
        [node("Flatten", "x", axis=3)],
        [2, 3],
        [],
        "Flatten node 'flatten': axis: expected one of 2",
    ),
    "concat without an axis": (
        [node("Concat", "x x")],
        [2, 3],
        [],
        "Concat node 'concat': expected the attribute 'axis'",
    ),
    "concat of unlike shapes": (
        [node("Concat", "x b", axis=0)],
        [2, 3],
        [C("b", [[1, 2]])],
        "Concat node 'concat': expected shapes that agree off axis 0",
    ),
    "text for a number": (
        [node("Gemm", "x w", alpha="one")],
        [1, 2],
        [C("w", W)],
        "attribute 'alpha': expected a finite",
    ),
    "infinite number": (
        [node("Gemm", "x w", alpha=np.inf)],
        [1, 2],
        [C("w", W)],
        "attribute 'alpha': .* found inf",
    ),
    "number for an integer": (
        [node("Flatten", "x", axis=1.0)],
        [2, 3],
        [],
        "attribute 'axis': expected an integer",
    ),
    "too many inputs": (
        [node("Relu", "x x")],
        [1, 2],
        [],
        "Relu node 'relu': expected 1 to 1 inputs, found 2",
    ),
    "too few inputs": ([node("Gemm", "x")], [1, 2], [], "Gemm node 'gemm': expected 2 to 3 inputs, found 1"),
    "a required input left out": (
        [helper.make_node("Add", ["x", ""], ["y"], name="add")],
        [1, 2],
        [],
        "Add node 'add': expected input 1, found none",
    ),
    "undefined input": (
        [node("Add", "x z")],
        [1, 2],
        [],
        "Add node 'add': its input 'z' is defined by nothing before",
    ),
    "cycle": (
        [node("Add", "x h", "y"), node("Neg", "y", "h")],
        [1, 2],
        [],
        "its input 'h' is defined by nothing before",
    ),
    "nodes out of order": (
        [node("Relu", "h"), node("Neg", "x", "h")],
        [1, 2],
        [],
        "by Neg node 'neg_h': a cycle, or nodes out of order",
    ),
    "an output that is not read": (
        [helper.make_node("Dropout", ["x"], ["h", "m"], name="drop"), node("Cast", "m", to=1)],
        [1, 2],
        [],
        "before it; it is an output of Dropout node 'drop' that is not read",
    ),
    "a size below -1": (
        [node("Reshape", "x s")],
        [1, 2],
        [C("s", [-2, 1], np.int64)],
        "Reshape node 'reshape': expected sizes of at least -1",
    ),
    "output defined twice": (
        [node("Neg", "x"), node("Relu", "x")],
        [1, 2],
        [],
        "Relu node 'relu': .* of a new name",
    ),
    "constant without a value": (
        [node("Constant", "", "c")],
        [1, 2],
        [],
        "Constant node 'constant_c': expected one value",
    ),
    "infinite constant": (
        [node("Constant", "", "c", value=C("v", [1, np.inf]))],
        [1, 2],
        [],
        r"Constant node 'constant_c': entry \[1\] is inf",
    ),
    "truth value as a number": (
        [node("Add", "x t")],
        [1, 2],
        [C("t", [True], bool)],
        "Add node 'add': expected numbers",
    ),
    "batch normalization of other channels": (
        [node("BatchNormalization", "x g g g g", epsilon=0.0)],
        [1, 3],
        [C("g", [1, 4])],
        "expected statistics of 3 channels",
    ),
}


@pytest.mark.parametrize(("nodes", "shape", "initializers", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_read_is_refused_by_operator_and_node(nodes, shape, initializers, message, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(graph(nodes, shape, initializers).SerializeToString())
    with pytest.raises(UnsupportedOperator, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("nodes", "shape", "initializers", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_graph_is_refused_by_operator_and_node(nodes, shape, initializers, message, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(graph(nodes, shape, initializers).SerializeToString())
    with pytest.raises(FormatError) as caught:
        read(path)
    assert re.search(message, str(caught.value))
    assert "\n" not in str(caught.value)
