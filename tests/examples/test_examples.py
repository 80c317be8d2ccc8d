"""Every example runs as its reader would run it and prints what the README shows."""

import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def output(script, *arguments):
    command = [sys.executable, EXAMPLES / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("script", ["black_box.py", "compare.py", "region.py", "boundaries.py"])
def test_the_readme_shows_what_an_example_prints(script):
    assert indent(output(script), "    ") in (ROOT / "README.md").read_text()


def test_the_demo_is_certified_and_the_checker_accepts():
    lines = output("demo.py").splitlines()
    assert lines[0].startswith("digits.onnx: Network(64-32-16-10), 2,778 parameters")
    assert lines[1] == "certified: hidden layers 32-16 found by"
    assert lines[-1].startswith("stand-alone checker: valid")
    assert len(lines) < 24


def test_a_black_box_in_another_process_is_recovered():
    lines = output("black_box.py").splitlines()
    assert lines[0] == "consistent"
    assert lines[1] == "hidden layers (5, 3)"
    assert lines[-1] == "a fresh point: equal"


def test_networks_are_compared():
    lines = output("compare.py").splitlines()
    assert lines[0] == "shuffled and rescaled: equivalent by matching"
    assert lines[1] == "one bit of one weight: different by witness"
    assert lines[2].startswith("at the witness output 3 differs by ")


def test_a_region_is_read():
    lines = output("region.py").splitlines()
    assert lines[0] == "layer1_0 = Max(0, x0 - 2*x1 + 1/2)"
    assert lines[-2:] == ["    f = 2*x0 - 4*x1 - 3", "    f(1, 1/2) = -3"]


def test_hidden_layers_are_found_from_edges_alone():
    lines = output("boundaries.py").splitlines()
    assert lines[6:8] == ["24 regions, 40 edges; from the edges alone:", "consistent, hidden layers 3-3"]
    # Each neuron is found up to its scale; the first layer's sides are found too, the second's are not.
    text = "\n".join(lines[8:14])
    for row in ("2*x0 + 2*x1 - 3", "2*x0 - 3*x1 - 2", "3*x0 - 2*x1 + 1"):
        assert f"Max(0, {row})" in text
    assert lines[-1] == "- the active sides in the last hidden layer: all 8 choices fit"


def test_a_suite_with_the_kit_passes():
    assert output("test_with_exactre.py").splitlines()[-1].startswith("4 passed")


def test_the_training_script_makes_the_committed_network(tmp_path):
    # Other versions of numpy round differently, so that the last bits of the weights may differ.
    line = output("train_digits.py", tmp_path / "digits.onnx")
    assert float(line.split("accuracy ")[1].split("%")[0]) > 90
    assert (tmp_path / "digits.onnx").stat().st_size == (EXAMPLES / "digits.onnx").stat().st_size


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_every_example_is_tested(path):
    assert f'output("{path.name}"' in Path(__file__).read_text()
