"""`.nnet` files: the decimals as they stand, the normalisation, the roundings, and bad files."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactre.errors import FormatError
from exactre.formats.nnet_file import read
from exactre.network import Network

TEXT = """// a comment
// another
2,2,1,3,
2,3,1,
0,
-10.0,-10.0,
10.0,10.0,
1.5,-2,7,
4,0.1,-3,
1,2,
.5,-3.e0,
1e-3,+0.25E+1,
1,
0,
-1,
2,-1,0.3,
0.7,
"""
LAYERS = [
    ([[1, 2], [Fraction(1, 2), -3], [Fraction(1, 1000), Fraction(5, 2)]], [1, 0, -1]),
    ([[2, -1, Fraction(3, 10)]], [Fraction(7, 10)]),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("nnet") / "model.nnet"


def net_of(text, path, **options):
    path.write_bytes(text.encode())
    return read(path, **options)


def lines_changed(changes):
    """The text with some lines (numbered from 1) replaced, or taken away where the value is None."""
    lines = dict(enumerate(TEXT.splitlines(), start=1)) | changes
    return "\n".join(line for _, line in sorted(lines.items()) if line is not None) + "\n"


def test_the_layers_are_read_as_the_decimals_stand(path):
    assert net_of(TEXT, path, normalization=False) == Network.from_rows(LAYERS)


@given(x=st.lists(st.fractions(max_denominator=9), min_size=2, max_size=2))
def test_inputs_are_normalised_and_outputs_scaled_back(x, path):
    inner = net_of(TEXT, path, normalization=False)
    normalised = ((x[0] - Fraction(3, 2)) / 4, (x[1] + 2) / Fraction(1, 10))
    (y,) = inner(normalised)
    net = net_of(TEXT, path)
    assert net(x) == (-3 * y + 7,)
    assert net.is_layered


def test_inputs_beyond_the_minima_and_maxima_are_not_clipped(path):
    net = net_of(TEXT, path)
    assert net((1000, 0)) != net((10, 0))


def test_the_single_zeros_of_some_writers_carry_no_normalisation(path):
    zeros = lines_changed({3: "2", 5: "0", 6: "0", 7: "0", 8: "0", 9: "0"})
    assert net_of(zeros, path) == Network.from_rows(LAYERS)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.rstrip("\n"),
        TEXT.replace(",\n", "\n"),
        TEXT.replace(",", " , "),
        TEXT + "\n\n",
        TEXT.replace("\n", "\r\n"),
    ],
    ids=[
        "no newline at the end",
        "no closing commas",
        "spaces",
        "blank lines at the end",
        "carriage returns",
    ],
)
def test_other_spellings_are_the_same_network(text, path):
    assert net_of(text, path) == net_of(TEXT, path)


@pytest.mark.parametrize(("kind", "dtype"), [("float32", np.float32), ("float64", np.float64)])
def test_weights_rounds_every_decimal_by_itself(kind, dtype, path):
    rounded = net_of(TEXT, path, weights=kind, normalization=False)
    assert rounded.nodes[0].inputs[0][1][2, 0] == Fraction(float(dtype("1e-3")))
    assert rounded.nodes[1].bias[0, 0] == Fraction(float(dtype("0.7")))
    tenth = Fraction(float(dtype("0.1")))
    normalised = ((Fraction(3) - Fraction(3, 2)) / 4, (Fraction(5) + 2) / tenth)
    (y,) = rounded(normalised)
    assert net_of(TEXT, path, weights=kind)((3, 5)) == (-3 * y + 7,)


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_decimal_is_the_rational_that_it_spells(value, path):
    net = net_of(lines_changed({17: f"{value},"}), path, normalization=False)
    assert net.nodes[1].bias[0, 0] == Fraction(value)


REFUSED = [
    (
        {3: "2,3,1,3,"},
        r"line 4: expected \[3, 1\] inputs and outputs, as the line before says, found '2,3,1,'",
    ),
    ({3: "2,2,2,3,"}, "line 4: expected"),
    ({3: "3,2,1,3,"}, "line 4: expected 4 layer sizes, of one layer at least"),
    ({3: "0,2,2,3,", 4: "2,"}, "line 4: expected 1 layer sizes, of one layer at least"),
    ({3: "two,2,1,3,"}, "line 3: expected the number of layers"),
    ({3: "2.0,2,1,3,"}, "line 3: expected the number of layers"),
    ({3: "-2,2,1,3,"}, "line 3: expected the number of layers"),
    ({3: "\u0662,2,1,3,"}, "expected a text file, found other bytes than ASCII"),
    ({3: "9" * 4400}, "line 3: expected the number of layers"),
    ({4: "2,0,1,"}, "line 4: expected layers that are not of zero width"),
    ({4: "2,-3,1,"}, "line 4: expected the layer sizes"),
    ({6: "low,low,"}, "line 6: minima of the inputs: expected a decimal number, found 'low'"),
    ({7: "inf,inf,"}, "line 7: maxima of the inputs: expected a decimal number, found 'inf'"),
    ({8: "1.5,-2,"}, "line 9: expected 3 means and as many ranges"),
    ({9: "4,0.1,"}, "line 9: expected 3 means and as many ranges"),
    ({8: "0"}, "line 9: expected 3 means and as many ranges"),
    ({9: "4,0.0,-3,"}, "line 9: expected ranges that are not zero, found '4,0.0,-3,'"),
    ({9: "4,0.1,0,"}, "line 9: expected ranges that are not zero"),
    ({10: "1,"}, "line 10: expected 2 weights of layer 1, found '1,'"),
    ({10: "1,2,3,"}, "line 10: expected 2 weights of layer 1"),
    ({10: ""}, "line 10: expected 2 weights of layer 1"),
    ({10: "1,,"}, "line 10: weights of layer 1: expected a decimal number, found ''"),
    ({10: "1,nan,"}, "line 10: weights of layer 1: expected a decimal number, found 'nan'"),
    ({10: "1,-inf,"}, "line 10: weights of layer 1: expected a decimal number"),
    ({10: "1,0x10,"}, "line 10: weights of layer 1: expected a decimal number"),
    ({10: "1,1/2,"}, "line 10: weights of layer 1: expected a decimal number"),
    ({10: "1,1_0,"}, "line 10: weights of layer 1: expected a decimal number"),
    ({10: "1,.,"}, "line 10: weights of layer 1: expected a decimal number, found '.'"),
    ({10: "1,e5,"}, "line 10: weights of layer 1: expected a decimal number, found 'e5'"),
    ({10: "1,1e99999,"}, "line 10: weights of layer 1: expected a decimal number, found '1e99999'"),
    ({10: "1," + "3" * 1001 + ","}, "line 10: weights of layer 1: expected a decimal number"),
    ({13: "1,2,"}, "line 13: expected 1 biases of layer 1"),
    ({13: None}, "line 15: expected 1 biases of layer 1"),
    ({18: "1,"}, "line 18: expected the end of the file, found '1,'"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_changed_line_is_refused_by_its_number(changes, message, path):
    with pytest.raises(FormatError, match=message) as caught:
        net_of(lines_changed(changes), path)
    assert "\n" not in str(caught.value)


def test_no_file_that_ends_early_is_read(path):
    lines = TEXT.splitlines(keepends=True)
    for count in range(len(lines)):
        with pytest.raises(FormatError, match=r"found the end of the file|expected .* layer sizes"):
            net_of("".join(lines[:count]), path)


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"\x80abc", b"//", b"{}"])
def test_other_bytes_are_refused(data, path):
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_rounding_beyond_the_floats_is_refused(path):
    with pytest.raises(FormatError, match="expected numbers in the range of float32"):
        net_of(lines_changed({17: "1e39,"}), path, weights="float32")
