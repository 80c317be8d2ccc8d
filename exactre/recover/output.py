"""The output layer from the survey's pieces, and the recovered network in its usual, oriented form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

from exactre.network import INPUT, Network, Node
from exactre.rational import Matrix, Rational
from exactre.recover.model import Model, Signs
from exactre.recover.row import Hypothesis, Piece, Row
from exactre.recover.survey import Survey
from exactre.recover.trace import Tracer

_PIECES = 40
_MOST = 4  # kinks of each neuron that are used
_RELIABLE = 160  # pieces, after which those where an open weight matters have their turn

_Side = tuple[Matrix, Signs]  # the outputs' affine piece beside a kink, and the signs there


def output_rows(survey: Survey, tracer: Tracer, order: Sequence[int]) -> list[Row] | None:
    """One row per output over the known neurons, from the affine pieces beside the kinks; None if none fits.

    Pieces where an open weight matters are used where they fit.

    `order` says in which order a neuron's kinks are used; a row uses the first pieces that determine it and
    is checked exactly on `_PIECES` of them or more.
    """
    pieces = [(survey.base_piece, survey.base_signs())]
    beside = (
        side
        for i in _by_turns(survey, order)
        for side in ((survey.kinks[i].left, survey.signs(i)), (survey.kinks[i].right, survey.signs_after(i)))
    )
    pieces += beside
    top = max(survey.model.depth, default=-1)
    reliable: list[_Side] = []
    doubtful: list[_Side] = []  # where an open weight matters
    for side in pieces:
        (reliable if survey.is_reliable_at(side[1], top) else doubtful).append(side)
    rows = []
    for output in range(survey.base_piece.shape[0]):
        row = _output_row(survey, tracer, reliable[:_RELIABLE], doubtful, output)
        if row is None:
            return None
        rows.append(row)
        survey.orientation.update(row.orientation)
    return rows


def _by_turns(survey: Survey, order: Sequence[int]) -> list[int]:
    """The first few kinks of every neuron, by turns: a neuron that flips at no piece is not determined."""
    turns: dict[int | None, int] = {}
    keyed = []
    for i in order:
        turn = turns[survey.owner[i]] = turns.get(survey.owner[i], 0) + 1
        keyed.append((turn, i))
    return [i for turn, i in sorted(keyed, key=lambda pair: pair[0]) if turn <= _MOST]


def _output_row(
    survey: Survey, tracer: Tracer, reliable: Sequence[_Side], doubtful: Sequence[_Side], output: int
) -> Row | None:
    top = max(survey.model.depth, default=-1)
    # Over two layers if a neuron of the last one is missing that all pieces have on one side.
    depths: list[tuple[int | None, int]] = [(top, 1), *([(top, 2)] if top > 0 else []), (None, 1)]
    for depth, layers in depths:
        hypothesis = Hypothesis(survey.model, depth, survey.orientation, layers=layers)
        for count, (piece, signs) in enumerate([*reliable, *doubtful], start=1):
            form = tuple(int(piece.num[output, k]) for k in range(survey.jets.dim + 1))
            found = Piece(signs, form, Fraction(1, piece.den))
            hypothesis.add(found, tracer.forms_at(signs), doubtful=count > len(reliable))
            if not hypothesis.is_consistent:
                break
            if count >= _PIECES or count == len(reliable) + len(doubtful):
                row = hypothesis.row()
                if row is not None:
                    return row
    return None


def assemble(
    model: Model, orientation: Mapping[int, int], outputs: Sequence[Row], linear: Sequence[Sequence[Rational]]
) -> Network:
    """The network with neurons relu(s_j u_j): layered where no skip is left, else a DAG; exact.

    `linear` gives each neuron's affine part over the inputs (n + 1,); the outputs' are over the inputs
    already. A neuron without a known sign is oriented +1, which any later layer makes up for by a skip.
    """
    over = lcm(*(Fraction(v).denominator for form in linear for v in form))
    whole = [[int(v * over) for v in form] for form in linear]
    depth = model.depth
    blocks = [[j for j, d in enumerate(depth) if d == k] for k in range(max(depth, default=-1) + 1)]
    n = len(outputs[0].linear) - 1
    signs = {j: orientation.get(j, 1) for j in range(len(model))}
    nodes = []
    for k, block in enumerate(blocks):
        rows = []
        for z in block:
            parents = {j: a * signs[z] for j, a in model.neurons[z].parents.items()}
            affine = [v * signs[z] for v in whole[z]]
            rows.append(_oriented(parents, affine, 1, over, model, signs, whole))
        nodes.append(_node(f"layer{k + 1}", True, rows, blocks[:k], n))
    rows = [
        _oriented(dict(row.parents), [v * over for v in row.linear], row.den, over, model, signs, whole)
        for row in outputs
    ]
    nodes.append(_node("output", False, rows, blocks, n))
    return Network(n, nodes)


def _oriented(
    parents: dict[int, int],
    affine: list[int],
    den: int,
    over: int,
    model: Model,
    signs: Mapping[int, int],
    linear: Sequence[Sequence[int]],
) -> tuple[dict[int, Fraction], list[Fraction]]:
    """Coefficients on relu(s_j u_j) and on (x, 1), from those on |u_j| = 2 relu(s u) - s u.

    Parents are over `den`, affine parts over `den * over`.
    """
    features: dict[int, Fraction] = {}
    while parents:
        j = max(parents, key=lambda parent: model.depth[parent])
        a = parents.pop(j)
        if a:
            features[j] = Fraction(2 * a, den)
            a *= signs[j]
            for i, b in model.neurons[j].parents.items():
                parents[i] = parents.get(i, 0) - a * b
            affine = [v - a * w for v, w in zip(affine, linear[j], strict=True)]
    return features, [Fraction(v, den * over) for v in affine]


def _node(
    name: str,
    relu: bool,
    rows: Sequence[tuple[dict[int, Fraction], list[Fraction]]],
    blocks: Sequence[Sequence[int]],
    n: int,
) -> Node:
    inputs: list[tuple[str, Matrix]] = []
    if any(any(affine[:-1]) for _, affine in rows) or not blocks:
        inputs.append((INPUT, Matrix.from_rows([affine[:-1] for _, affine in rows], n)))
    for k, block in enumerate(blocks):
        weight = [[features.get(j, Fraction(0)) for j in block] for features, _ in rows]
        if any(map(any, weight)):
            inputs.append((f"layer{k + 1}", Matrix.from_rows(weight, len(block))))
    return Node(name, relu, tuple(inputs), Matrix.column([affine[-1] for _, affine in rows]))
