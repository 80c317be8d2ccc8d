"""The networks of a query side by side, as one graph over the inputs that its equations leave free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactre.errors import FormatError, ShapeError
from exactre.formats.affine import Builder, Rows, stack
from exactre.formats.vnnlib_file import CONSTANT, Form, Query, Variable
from exactre.network import INPUT, Network
from exactre.rational import Matrix

Assignment = dict[str, tuple[Fraction, ...]]  # by tensor, row-major


@dataclass(frozen=True)
class Joint:
    """A query and the network of each declaration, in their order.

    Raises FormatError when the query is not of version 2.0, a type is not `real`, or the names do not fit;
    ShapeError when a network has other inputs or outputs than declared, or is not isomorphic as declared.
    """

    query: Query
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, query: Query, given: Mapping[str, Network]) -> Joint:
        """The query with `given` networks by declared name."""
        if query.version == "1.0":
            raise FormatError("expected (vnnlib-version <2.0>), found a query of version 1.0")
        needed = [d.name for d in query.networks if d.relation != "equal-to"]
        if sorted(needed) != sorted(given):
            raise FormatError(
                f"expected the networks {', '.join(needed)}, found {', '.join(given) or 'none'}"
            )
        found: dict[str, Network] = {}
        for d in query.networks:
            net = found[d.name] = found[d.other] if d.relation == "equal-to" else given[d.name]
            for tensor, size in ((d.input, net.input_dim), (d.output, net.output_dim)):
                if tensor.type not in ("real", "Real"):
                    raise FormatError(f"{tensor.name}: expected the type real, found {tensor.type}")
                if tensor.size != size:
                    raise ShapeError(
                        f"network {d.name}: {tensor.name} has {tensor.size} elements, found {size}"
                    )
            if d.relation == "isomorphic-to" and _structure(net) != _structure(found[d.other]):
                raise ShapeError(f"network {d.name}: expected the structure of {d.other}, found another")
        return cls(query, tuple(found.values()))

    @property
    def inputs(self) -> list[Variable]:
        """The elements of all inputs, in the order of declaration."""
        return [(d.input.name, j) for d in self.query.networks for j in range(d.input.size)]

    @property
    def outputs(self) -> list[Variable]:
        """The elements of all outputs, in the order of declaration."""
        return [(d.output.name, j) for d in self.query.networks for j in range(d.output.size)]


@dataclass(frozen=True)
class Space:
    """The joint inputs that satisfy some equations: those in `solved` are forms in the `free` ones."""

    joint: Joint
    free: tuple[Variable, ...]
    solved: Mapping[Variable, Form]

    @classmethod
    def of(cls, joint: Joint, equations: Sequence[Form]) -> Space | None:
        """The solutions of `equation = 0` for every equation, None when there are none; exact."""
        order = {key: j for j, key in enumerate(joint.inputs)}
        solved: dict[Variable, Form] = {}
        users: dict[Variable, set[Variable]] = {}  # solved variables whose form has, or had, this one
        for equation in equations:
            form = _substitute(equation, solved)
            keys = form.keys() - {CONSTANT}
            if not keys:
                if form:
                    return None
                continue
            last = max(keys, key=order.__getitem__)  # so that later networks read the inputs of earlier ones
            value = {key: -v / form[last] for key, v in form.items() if key != last}
            for key in users.pop(last, ()):
                solved[key] = _substitute(solved[key], {last: value})
                for other in value:
                    users.setdefault(other, set()).add(key)
            solved[last] = value
            for other in value:
                users.setdefault(other, set()).add(last)
        return cls(joint, tuple(key for key in order if key not in solved), solved)

    def rewrite(self, form: Form) -> Form:
        """The form in the free inputs and the outputs."""
        return _substitute(form, self.solved)

    def assignment(self, point: Sequence[Fraction]) -> Assignment:
        """Every tensor's values where the free inputs are `point`, in the order of declaration; exact."""
        given = dict(zip(self.free, point, strict=True))
        values: Assignment = {}
        for d, net in zip(self.joint.query.networks, self.joint.networks, strict=True):
            x = [self._input((d.input.name, j), given) for j in range(d.input.size)]
            values[d.input.name], values[d.output.name] = tuple(x), net(x)
        return values

    def network(self, forms: Sequence[Form]) -> Network:
        """The network from the free inputs to the values of forms, at least one free input being there.

        It is a declared network itself where the forms are its outputs and the free inputs its inputs.
        """
        units = [{key: Fraction(1)} for key in self.free]
        for d, net in zip(self.joint.query.networks, self.joint.networks, strict=True):
            outputs = [{(d.output.name, j): Fraction(1)} for j in range(d.output.size)]
            inputs = [self.rewrite({(d.input.name, j): Fraction(1)}) for j in range(d.input.size)]
            if list(forms) == outputs and inputs == units:
                return net
        builder = Builder(len(self.free))
        return builder.network(self.rows(builder, forms))

    def rows(self, builder: Builder, forms: Sequence[Form]) -> Rows:
        """The values of forms in a graph whose input are the free ones."""
        used = {name for form in forms for name, _ in form}
        parts, columns = [self._inputs(builder, list(self.free))], list(self.free)
        for d, net in zip(self.joint.query.networks, self.joint.networks, strict=True):
            if d.output.name in used:
                inputs = self._inputs(builder, [(d.input.name, j) for j in range(d.input.size)])
                parts.append(_embed(builder, net, inputs))
                columns += [(d.output.name, j) for j in range(d.output.size)]
        return _apply(stack(parts), columns, forms)

    def _inputs(self, builder: Builder, keys: Sequence[Variable]) -> Rows:
        forms = [self.solved.get(key, {key: Fraction(1)}) for key in keys]
        if all(list(form.values()) == [1] and CONSTANT not in form for form in forms):
            place = {key: j for j, key in enumerate(self.free)}
            return builder.input().select(np.array([place[key] for form in forms for key in form]))
        return _apply(builder.input(), self.free, forms)

    def _input(self, key: Variable, given: Mapping[Variable, Fraction]) -> Fraction:
        if key in given:
            return given[key]
        return sum((v if k == CONSTANT else v * given[k] for k, v in self.solved[key].items()), Fraction(0))


def _apply(rows: Rows, columns: Sequence[Variable], forms: Sequence[Form]) -> Rows:
    """The forms of `rows`, which are named by `columns`."""
    weight = Matrix.from_rows([[form.get(key, 0) for key in columns] for form in forms], len(columns))
    return rows.apply(weight) + Rows({}, Matrix.column([form.get(CONSTANT, 0) for form in forms]))


def _embed(builder: Builder, net: Network, inputs: Rows) -> Rows:
    """A network's outputs in a graph."""
    values = {INPUT: inputs}
    for node in net.nodes:
        u = Rows({}, node.bias)
        for source, weight in node.inputs:
            u = u + values[source].apply(weight)
        values[node.name] = builder.relu(u) if node.relu else u
    return values[net.nodes[-1].name]


def _substitute(form: Form, solved: Mapping[Variable, Form]) -> Form:
    if not form.keys() & solved.keys():
        return form
    total: dict[Variable, Fraction] = {}
    for key, v in form.items():
        for other, w in solved.get(key, {key: Fraction(1)}).items():
            total[other] = total.get(other, Fraction(0)) + v * w
    return {key: v for key, v in total.items() if v}


def _structure(net: Network) -> list[tuple[bool, int, list[str]]]:
    return [(node.relu, node.width, [source for source, _ in node.inputs]) for node in net.nodes]
