"""Small exact networks as files in the current folder, and the command line run in this process."""

from fractions import Fraction

import pytest

from exactre.cli import main
from exactre.formats import json_file
from exactre.network import Network

NET = Network.from_rows(
    [([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [Fraction(1, 4), Fraction(1, 3), -1]), ([[1, -1, 2]], [5])]
)
SAME = Network.from_rows(
    [([[6, -1], [1, 2], [-2, 2]], [-2, Fraction(1, 4), Fraction(2, 3)]), ([[1, 1, Fraction(-1, 2)]], [5])]
)
OTHER = Network.from_rows(
    [([[1, 2], [-1, 1], [3, Fraction(-1, 2)]], [Fraction(1, 4), Fraction(1, 3), -1]), ([[1, -1, 2]], [6])]
)


STEP = Network.from_rows([([[1]], [0]), ([[1], [0]], [0, 1])])  # decides 0 where x >= 1
LINE = Network.from_rows([([[1], [0]], [0, 1])])  # so does this
TIED = Network.from_rows([([[0], [0]], [1, 1])])  # decides 0 everywhere


NETWORKS = {"net": NET, "same": SAME, "other": OTHER, "step": STEP, "line": LINE, "tied": TIED}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, net in NETWORKS.items():
        (tmp_path / f"{name}.json").write_text(json_file.dumps(net))
    (tmp_path / "wide.json").write_text(json_file.dumps(Network.from_rows([([[1, 2, 3]], [0])])))
    return tmp_path


@pytest.fixture
def run(files, capfd):
    def call(line):
        code = main(line.split())
        out, err = capfd.readouterr()  # of the process: what a library writes counts too
        return code, out, err

    return call


@pytest.fixture
def refused(run):
    def call(line, *words):
        """Exit code 2, nothing on stdout, one line on stderr that has the words."""
        code, out, err = run(line)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        for word in words:
            assert word in err

    return call


@pytest.fixture
def misused(capfd, files):
    def call(line, *words):
        """The same for what the parser refuses."""
        with pytest.raises(SystemExit) as caught:
            main(line.split())
        out, err = capfd.readouterr()
        assert (caught.value.code, out, err.count("\n")) == (2, "", 1), err
        for word in words:
            assert word in err

    return call
