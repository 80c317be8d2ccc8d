"""The cases of tests/check are data for these tests too."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "check"))


@pytest.fixture
def write(tmp_path):
    """Writes certificate, A and B (documents or bytes) and gives their paths."""

    def write(*contents):
        paths = [tmp_path / name for name in ("CERT.json", "A.json", "B.json")]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return paths

    return write
