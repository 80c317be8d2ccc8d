"""What the command line chooses of an .onnx file: inputs, outputs, an open shape, and an end to cut off."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


def write(path, nodes, shape, outputs=("y",), inputs=("x",), **tensors):
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in tensors.items()],
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=7,
    )
    Path(path).write_bytes(model.SerializeToString())


@pytest.fixture
def models(files):
    """A classifier of images, and one with other weights; two branches; two inputs."""
    for name, scale in (("a", 1), ("b", 2)):
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"], name="relu"),
            helper.make_node("GlobalAveragePool", ["r"], ["p"], name="pool"),
            helper.make_node("Flatten", ["p"], ["f"], name="flatten"),
            helper.make_node("Softmax", ["f"], ["y"], name="softmax"),
        ]
        write(f"{name}.onnx", nodes, ["N", 1, "H", 4], w=scale * np.arange(18).reshape(2, 1, 3, 3))
    branches = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    write("two.onnx", branches, [1, 2], ("y", "z"))
    write("sum.onnx", [helper.make_node("Add", ["p", "q"], ["y"])], [1, 2], inputs=("p", "q"))


def facts(run, line):
    code, out, err = run(line)
    assert err == ""
    return code, json.loads(out)


@pytest.mark.usefixtures("models")
def test_info_shows_a_convolutional_network(run):
    code, found = facts(run, "info a.onnx --cut --shape 1,1,4,4 --json")
    assert (code, found["inputs"], found["layers"], found["outputs"]) == (0, 16, [32], 2)
    assert (found["layered"], found["parameters"]) == (True, 32 * 16 + 32 + 2 * 32 + 2)
    # Of each kernel's 9 weights 100 lie in the image at its 16 places; one weight of 9 places is zero.
    assert (found["nonzero"], found["distinct"]) == (2 * 100 - 9 + 32, 17 + 1)


@pytest.mark.usefixtures("models")
def test_info_shows_the_graph_of_what_is_not_layered(run):
    code, out, _ = run("info two.onnx --output y --output z")
    assert (code, out.splitlines()[-2:]) == (
        0,
        ["layer1     relu        2 of input", "output     affine      4 of input, layer1"],
    )
    _, found = facts(run, "info two.onnx --output z --output y --json")
    assert found["nodes"][-1] == {"name": "output", "relu": False, "width": 4, "inputs": ["input", "layer1"]}


@pytest.mark.usefixtures("models")
def test_a_verdict_on_what_is_left_has_a_replay_and_a_certificate_of_the_same(run):
    options = "--cut --shape 1,1,4,4"
    code, found = facts(run, f"certify-equivalence a.onnx b.onnx {options} --certificate c.json --json")
    assert (code, found["status"]) == (1, "different")
    exact = [[float(eval_fraction(v)) for v in found["witness"][f"output_{side}"]] for side in "ab"]
    assert [found["witness"]["replay"][side] for side in "ab"] == exact
    assert run(f"check c.json a.onnx b.onnx {options}") == (0, "valid\n", "")
    assert facts(run, f"certify-equivalence a.onnx a.onnx {options} --json")[1]["status"] == "equivalent"


def eval_fraction(text):
    top, _, bottom = text.partition("/")
    return int(top) / int(bottom or 1)


@pytest.mark.usefixtures("models")
def test_names_and_shapes_are_for_the_onnx_files_of_a_call(run):
    code, out, _ = run("recover two.onnx --output z -o z.json")
    assert (code, out.splitlines()[0]) == (0, "certified")
    assert run("certify-equivalence two.onnx z.json --output z --cut --shape 1,2")[0] == 0
    assert run("certify-equivalence two.onnx z.json --output y")[0] == 1
    assert facts(run, "info sum.onnx --input q --input p --json")[1]["inputs"] == 4


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("info a.onnx", ["a.onnx: input 'x': dimension 2", "(--shape)"]),
        ("info a.onnx --shape 1,1,4,4", ["Softmax node 'softmax'", "(--cut)"]),
        ("info a.onnx --cut --shape 1,2,4,4", ["a.onnx: input 'x': dimension 1: expected 1"]),
        (
            "info a.onnx --cut --shape 1,1,4,4 --output f",
            ["a.onnx: expected each output once, of 'y', found 'f'"],
        ),
        ("info two.onnx", ["two.onnx: expected one output, found 2: 'y', 'z'", "(--output)"]),
        ("info sum.onnx", ["sum.onnx: expected one input, found 2: 'p', 'q'", "(--input)"]),
        ("info sum.onnx --input p", ["sum.onnx: Add node", "its input 'q'"]),
    ],
)
def test_what_is_left_open_is_one_line_that_names_the_option(refused, line, words):
    refused(line, *words)


@pytest.mark.parametrize("shape", ["", "1,", "1,0", "1,-1", "1x2", "a"])
def test_a_shape_that_is_none_is_refused(misused, shape):
    misused(f"info net.json --shape={shape}", "--shape", "positive integer")
