"""Rules that the import contracts in pyproject.toml cannot say; `make lint` checks those contracts."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "exactre").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def imported(path):
    """Top-level names of the modules that a file imports, wherever in it; "" for a relative import."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else node.module.split(".")[0]


def swallows_all(path):
    """Lines of handlers that catch every exception and do not end by raising one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler) and not isinstance(node.body[-1], ast.Raise):
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if re.search(r"\b(Base)?Exception\b", caught):
                yield node.lineno


def test_the_independent_checker_imports_the_standard_library_alone():
    names = set(imported(ROOT / "exactre" / "check.py"))
    assert names
    assert names <= set(sys.stdlib_module_names)


def test_importing_the_package_loads_no_runtime_and_no_model_library():
    code = "import exactre, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "flint" in loaded
    assert not {"onnx", "onnxruntime", "torch", "sympy", "pulp", "hypothesis", "pytest"} & set(loaded)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_handler_swallows_every_exception(path):
    assert list(swallows_all(path)) == []


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_left_for_later(path):
    if path == Path(__file__):
        return
    text = path.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|\bxfail\b", text)
    # The one allowed skip is the `models` fixture's.
    assert path.name == "conftest.py" or not re.search(r"\bskip(if)?\(", text)
