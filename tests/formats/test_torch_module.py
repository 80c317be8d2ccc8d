"""torch modules are read by what they are named and hold; torch itself is not needed for that.

The stand-ins carry torch's class names, module names and attributes, and are all that the reader looks at.
"""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import load
from exactre.network import Network

HALF = Fraction(1, 2)


class Parameter:
    """Stand-in for torch.nn.Parameter over a numpy array."""

    def __init__(self, values, dtype=np.float32):
        self._array = np.asarray(values, dtype)
        self.dtype = self._array.dtype

    def is_floating_point(self):
        return self.dtype.kind == "f"

    def detach(self):
        return self

    cpu = detach

    def double(self):
        return Parameter(self._array, np.float64)

    def numpy(self):
        return self._array


class Module:
    def __init__(self, *children, **attributes):
        self.__dict__ |= {"_forward_hooks": {}, "_forward_pre_hooks": {}, **attributes}
        self._children = children

    def named_children(self):
        return ((str(k), child) for k, child in enumerate(self._children))


Module.__module__, Module.__qualname__ = "torch.nn.modules.module", "Module"


def kind(name, module):
    return type(name, (Module,), {"__module__": module, "__qualname__": name})


Sequential = kind("Sequential", "torch.nn.modules.container")
LinearKind = kind("Linear", "torch.nn.modules.linear")
Identity = kind("Identity", "torch.nn.modules.linear")
ReLU = kind("ReLU", "torch.nn.modules.activation")
Sigmoid = kind("Sigmoid", "torch.nn.modules.activation")
Dropout = kind("Dropout", "torch.nn.modules.dropout")
FlattenKind = kind("Flatten", "torch.nn.modules.flatten")


def linear(weight, bias=None, dtype=np.float32):
    return LinearKind(weight=Parameter(weight, dtype), bias=None if bias is None else Parameter(bias, dtype))


def flatten(start=1, end=-1):
    return FlattenKind(start_dim=start, end_dim=end)


FIRST, SECOND = linear([[1, 2], [0.5, -3]], [1, 0]), linear([[2, -1]])
NET = Network.from_rows([([[1, 2], [HALF, -3]], [1, 0]), ([[2, -1]], [0])])


@pytest.mark.parametrize(
    "module",
    [
        Sequential(FIRST, ReLU(), SECOND),
        Sequential(flatten(), Identity(), FIRST, Dropout(), ReLU(), flatten(), SECOND, Dropout()),
        Sequential(Sequential(FIRST, ReLU()), Sequential(SECOND)),
    ],
)
def test_a_sequence_of_linear_and_relu_is_a_layered_network(module):
    assert load(module) == NET


def test_a_module_that_is_one_linear_is_read():
    assert load(SECOND) == Network.from_rows([([[2, -1]], [0])])


def test_consecutive_linears_fold_and_a_last_relu_is_kept():
    net = load(Sequential(FIRST, SECOND, ReLU()))
    assert net == Network.from_rows([([[Fraction(3, 2), 7]], [2]), ([[1]], [0])])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_float_is_read_exactly(dtype):
    third = dtype(1 / 3)
    assert load(linear([[third]], dtype=dtype)) == Network.from_rows([([[Fraction(float(third))]], [0])])


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (
            Sequential(FIRST, Sigmoid()),
            UnsupportedOperator,
            r"module\.1: the module torch\..*\.Sigmoid is not read",
        ),
        (
            Sequential(Sequential(Sigmoid())),
            UnsupportedOperator,
            r"module\.0\.0: the module torch\..*\.Sigmoid",
        ),
        (Sequential(ReLU(), FIRST), UnsupportedOperator, r"module\.0: a ReLU before the first Linear"),
        (Sequential(FIRST, flatten(0)), UnsupportedOperator, r"module\.1: a Flatten of some dimensions only"),
        (
            Sequential(flatten(1, 2), FIRST),
            UnsupportedOperator,
            r"module\.0: a Flatten of some dimensions only",
        ),
        (kind("Net", "project")(FIRST), UnsupportedOperator, r"module: the module project\.Net is not read"),
        (kind("Linear", "project")(), UnsupportedOperator, r"module: the module project\.Linear is not read"),
        (Sequential(FIRST, _forward_hooks={1: print}), UnsupportedOperator, "module: .* with forward hooks"),
        (
            Sequential(Identity(_forward_pre_hooks={1: print})),
            UnsupportedOperator,
            r"module\.0: .* forward hooks",
        ),
        (
            linear([[1]], dtype=np.int64),
            UnsupportedOperator,
            r"module\.weight: expected a floating-point parameter",
        ),
        (Sequential(FIRST, linear([[1, 2, 3]])), FormatError, r"module\.1: expected 2 inputs, found 3"),
        (linear([[1, np.nan]]), FormatError, r"module\.weight: entry \[0, 1\] is nan"),
        (linear([[1, 2]], [np.inf]), FormatError, r"module\.bias: entry \[0, 0\] is inf"),
        (Sequential(Identity()), FormatError, "expected a module with a Linear, found none"),
        (Sequential(), FormatError, "expected a module with a Linear, found none"),
    ],
)
def test_any_other_module_is_refused_by_name(module, error, message):
    with pytest.raises(error, match=message) as caught:
        load(module)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [None, 5, SimpleNamespace(named_children=list), Module])
def test_what_is_no_module_is_refused(source):
    with pytest.raises(FormatError, match=r"expected a path or a torch\.nn\.Module, found"):
        load(source)
