"""torch modules are the functions that torch computes, read through torch.export.

Weights and inputs are small integers or quarters, so that float32 arithmetic is exact and the comparison is
an equality.
"""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812, torch's own name for it

from exactre.errors import FormatError, UnsupportedOperator
from exactre.formats import load
from exactre.network import Network

HALF = Fraction(1, 2)


def quarters(module, seed=0):
    """The module with every parameter and buffer of floats a quarter of a small integer; variances are 4."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.randint(-8, 9, tensor.shape, generator=draw) / 4)
                if name.endswith("running_var"):
                    tensor.fill_(4)
    return module.eval()


def agrees(module, shape, **options):
    """The network of a module, which gives torch's numbers at integer points."""
    net = load(module, shape=shape, **options)
    draw = torch.Generator().manual_seed(1)
    for _ in range(4):
        x = torch.randint(-6, 7, shape, generator=draw)
        with torch.no_grad():
            y = module(x.float())
        assert net([int(v) for v in x.ravel()]) == tuple(Fraction(float(v)) for v in y.ravel())
    return net


class Function(nn.Module):
    """A function of one tensor as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Residual(nn.Module):
    """Convolutions with a normalization and a projection around them."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, stride=2)
        self.norm = nn.BatchNorm2d(4, eps=0.0)
        self.second = nn.Conv2d(4, 4, 3, padding="same", groups=2, bias=False)
        self.shortcut = nn.Conv2d(2, 4, 1, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(4, 3)

    def forward(self, x):
        y = self.second(self.relu(self.norm(self.first(x))))
        y += self.shortcut(x)
        return self.dense(torch.flatten(self.pool(self.relu(y)), 1))


def test_a_residual_module_is_read():
    net = agrees(quarters(Residual()), (1, 2, 4, 4))
    assert [node.width for node in net.hidden] == [16, 16]


class Aliases(nn.Module):
    """Operators that change their argument in place, seen through a view of it."""

    def forward(self, x):
        y = x * 2
        view = y.view(1, -1)
        F.relu(view, inplace=True)
        y += 1
        return torch.cat([view, y.flatten(1)], 1)


def test_what_is_changed_in_place_is_changed_for_all_who_see_it():
    agrees(Aliases(), (1, 2, 2))


def sequence(*modules):
    return nn.Sequential(*modules)


MODULES = {
    "1-d": (
        sequence(nn.Conv1d(1, 2, 3, dilation=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(2, 1, 1)),
        (1, 1, 8),
    ),
    "3-d": (sequence(nn.Conv3d(1, 1, 2), nn.MaxPool3d(1), nn.AvgPool3d(2)), (1, 1, 3, 3, 3)),
    "1-d averages": (sequence(nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(1)), (1, 2, 4)),
    "3-d averages": (nn.AdaptiveAvgPool3d((1, 2, 2)), (1, 1, 2, 2, 2)),
    "pools": (sequence(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(2, 1)), (1, 2, 4, 5)),
    "average of the image alone": (nn.AvgPool2d(2, 2, 1, count_include_pad=False), (1, 1, 3, 3)),
    "normalization without weights": (nn.BatchNorm1d(2, eps=0.0, affine=False), (1, 2, 3)),
    "leaky": (sequence(nn.Linear(3, 3), nn.LeakyReLU(0.25), nn.Linear(3, 2)), (1, 3)),
    "prelu": (sequence(nn.Conv1d(1, 2, 2), nn.PReLU(2), nn.Flatten()), (1, 1, 4)),
    "one slope": (nn.PReLU(), (1, 4)),
    "bounded": (sequence(nn.Linear(3, 2), nn.Hardtanh(-2, 3), nn.ReLU6()), (1, 3)),
    "left out": (sequence(nn.Identity(), nn.Dropout(), nn.Dropout2d(), nn.Linear(2, 2)), (1, 2)),
    "padding": (sequence(nn.ZeroPad2d((1, 0, 2, 0)), nn.ReflectionPad2d(1)), (1, 1, 2, 3)),
    "edges": (nn.ReplicationPad1d((1, 2)), (1, 1, 3)),
    "unflatten": (sequence(nn.Flatten(), nn.Unflatten(1, (2, 3))), (1, 6)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_read(name):
    module, shape = MODULES[name]
    agrees(quarters(module), shape)


COLUMNS, SQUARE, NUMBERS = torch.ones(3, 2), torch.ones(3, 3), torch.tensor([2, 0])
FUNCTIONS = {
    "arithmetic": lambda x: (2 * x - 1) / 4 + x.neg() - (1 - x),
    "scaled sum": lambda x: torch.add(x, x[:1], alpha=2) - torch.sub(x, 1, alpha=3),
    "maximum": lambda x: torch.maximum(x, x.t()) - torch.minimum(x, 2 * x),
    "clamp": lambda x: x.clamp(-1, 2) + x.clamp(min=1) + x.clamp_max(0) + x.clamp_min(3) + x.abs(),
    "shapes": lambda x: x.reshape(1, -1).view(3, 3).permute(1, 0).unsqueeze(0).squeeze(0).transpose(0, 1),
    "squeezed": lambda x: x.unsqueeze(0).unsqueeze(2).squeeze().squeeze(0),
    "slices": lambda x: (
        torch.cat([x[1:, ::2], x[:2, -2:]], dim=1) + x[0, 0] + x.select(1, 2)[:2].unsqueeze(1)
    ),
    "parts": lambda x: torch.cat([*x.split(2), *x.chunk(2), *x.split([1, 2])[::-1]], 0),
    "means": lambda x: x.sum(0) + x.sum() + (4 * x)[:2, :2].mean() + (2 * x[:2]).mean(0, keepdim=True),
    "products": lambda x: x @ COLUMNS + SQUARE @ x @ COLUMNS + torch.addmm(COLUMNS, x, COLUMNS, beta=2),
    "rows by number": lambda x: x.index_select(0, NUMBERS).mm(COLUMNS),
    "copies": lambda x: x.clone().contiguous().detach() + x.double().float(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_read(name):
    agrees(Function(FUNCTIONS[name]), (3, 3))


@settings(max_examples=5)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(0, 9))
def test_layers_of_any_widths_are_a_layered_network(widths, seed):
    layers = [part for n, m in pairwise(widths) for part in (nn.Linear(n, m), nn.ReLU())]
    module = quarters(nn.Sequential(*layers[:-1]), seed)
    net = load(module)  # the first Linear tells the shape
    assert net == agrees(module, (1, widths[0]))
    assert (net.is_layered, [node.width for node in net.nodes]) == (True, widths[1:])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_is_read_exactly(dtype):
    module = nn.Linear(1, 1, bias=False).to(dtype)
    with torch.no_grad():
        module.weight.fill_(1 / 3)
    assert load(module) == Network.from_rows([([[Fraction(float(module.weight))]], [0])])


def test_the_module_is_left_as_it_was():
    module = nn.Sequential(nn.Linear(1, 1), nn.Dropout(), nn.BatchNorm1d(1, eps=0.0))
    module[2].eval()
    load(quarters(module).train(), shape=(1, 1))
    assert [part.training for part in module.modules()] == [True] * 4


def test_an_irrational_normalization_is_refused_unless_its_rounding_is_asked_for():
    module = quarters(nn.Sequential(nn.BatchNorm1d(1)))
    with pytest.raises(UnsupportedOperator, match=r"of the module '0': the standard deviation sqrt"):
        load(module, shape=(1, 1, 1))
    factor = load(module, shape=(1, 1, 1), weights="float32").nodes[0].inputs[0][1][0, 0]
    real = float(module[0].weight) / (4 + module[0].eps) ** 0.5
    assert factor == Fraction(float(torch.tensor(real, dtype=torch.float32)))


def test_what_ends_a_module_is_cut_off_on_request_alone():
    for last in (nn.Softmax(1), nn.LogSoftmax(1), nn.Sigmoid(), Function(lambda x: x.argmax(1))):
        module = quarters(nn.Sequential(nn.Linear(2, 2), last))
        with pytest.raises(
            UnsupportedOperator, match=r"is not read; it ends the module: cut=True leaves it out"
        ):
            load(module)
        assert load(module, cut=True) == load(module[0])


@pytest.mark.parametrize(
    ("module", "shape", "error", "message"),
    [
        (
            nn.Sequential(nn.Linear(2, 2), nn.Tanh()),
            None,
            UnsupportedOperator,
            r"tanh node 'tanh' of the module '1'",
        ),
        (
            nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1)),
            None,
            UnsupportedOperator,
            r"sigmoid node 'sigmoid' of the module '1': the operator sigmoid is not read$",
        ),
        (Function(lambda x: x * x), (1, 2), UnsupportedOperator, "mul node 'mul': a product of two factors"),
        (Function(lambda x: 1 / x), (1, 2), UnsupportedOperator, "reciprocal node"),
        (Function(lambda x: x / x), (1, 2), UnsupportedOperator, "div node 'div': a division by something"),
        (Function(lambda x: x // 2), (1, 2), UnsupportedOperator, "floor_divide node|div node"),
        (Function(lambda x: x.int()), (1, 2), UnsupportedOperator, "a cast to torch.int32 is not read"),
        (Function(lambda x: F.pad(x, (1, 1), mode="circular")), (1, 1, 2), UnsupportedOperator, "pad"),
        (nn.AvgPool2d(2, divisor_override=3), (1, 1, 2, 2), UnsupportedOperator, "divisor_override"),
        (
            nn.AdaptiveAvgPool1d(2),
            (1, 1, 3),
            UnsupportedOperator,
            r"an output of \[2\], which does not divide",
        ),
        (
            nn.BatchNorm1d(2, track_running_stats=False),
            (1, 2, 3),
            UnsupportedOperator,
            "_native_batch_norm_legit",
        ),
        (nn.LSTM(1, 1), (1, 1, 1), FormatError, "expected a module with one output tensor, found 3 outputs"),
        (Function(lambda x: (x, x + 1)), (1, 2), FormatError, "one output tensor, found 2 outputs"),
        (Function(lambda x: SQUARE), (1, 2), FormatError, "expected an output that is computed"),
        (
            Function(lambda x: x if x.sum() > 0 else -x),
            (1, 2),
            FormatError,
            "torch.export refuses the module on",
        ),
        (nn.Linear(2, 2), (1, 3), FormatError, r"torch.export refuses the module on an input \[1, 3\]"),
        (nn.Conv1d(1, 1, 1), None, FormatError, r"expected shape=\(1, ...\)"),
        (nn.ReLU(), None, FormatError, r"expected shape=\(1, ...\)"),
        (Function(lambda x: x * float("inf")), (1, 2), FormatError, "inf"),
    ],
)
def test_any_other_module_is_refused_by_operator_and_place(module, shape, error, message):
    with pytest.raises(error, match=message) as caught:
        load(module.eval(), shape=shape)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_no_number_is_refused_by_name(value):
    module = nn.Sequential(nn.Linear(2, 1))
    with torch.no_grad():
        module[0].weight[0, 1] = value
    with pytest.raises(FormatError, match=rf"^0\.weight: entry \[0, 1\] is {value}, expected a finite"):
        load(module)


def test_names_are_of_no_use_to_a_module():
    with pytest.raises(FormatError, match=r"expected only with an \.onnx file"):
        load(nn.Linear(1, 1), output="y")


@pytest.mark.parametrize("source", [None, 5, SimpleNamespace(named_children=list), nn.Module])
def test_what_is_no_module_is_refused(source):
    with pytest.raises(FormatError, match=r"expected a path or a torch\.nn\.Module, found"):
        load(source)
