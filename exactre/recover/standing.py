"""What a search has found out and what it has not, in numbers and in words, wherever it stops."""

from __future__ import annotations

from itertools import pairwise

from exactre.recover.survey import Survey


def layers(survey: Survey) -> tuple[int, ...]:
    """Known neurons by depth."""
    depth = survey.model.depth
    return tuple(depth.count(k) for k in range(max(depth, default=-1) + 1))


def place(survey: Survey, z: int) -> tuple[int, int]:
    """The depth of a neuron, and its number among those of its depth."""
    depth = survey.model.depth[z]
    return depth, survey.layer(depth).index(z)


def open_pairs(survey: Survey) -> list[tuple[int, int]]:
    """Neurons with the units of the layer before on which their weights are open."""
    return [(z, unit) for z, units in sorted(survey.idle.items()) for unit in sorted(units)]


def weights_seen(survey: Survey) -> list[tuple[int, int]]:
    """For each depth: how many of the weights on the layer before were seen, and how many there are."""
    widths = [survey.jets.ledger.input_dim, *layers(survey)]
    unseen = [survey.model.depth[z] for z, _ in open_pairs(survey)]
    return [(a * b - unseen.count(k), a * b) for k, (a, b) in enumerate(pairwise(widths))]


def open_weights(survey: Survey) -> list[str]:
    """The weights that nothing has shown, which are taken as zero."""
    pairs = [(_named(survey, z), place(survey, unit)[1] + 1) for z, unit in open_pairs(survey)]
    return [f"{name}: its weight on neuron {j} of the layer before was not seen" for name, j in pairs]


def open_questions(survey: Survey) -> list[str]:
    """What stands between the known neurons and a network."""
    unexplained = survey.unexplained()
    if unexplained:
        open_ = [f"{len(unexplained)} of {len(survey.kinks)} kinks belong to no recovered neuron"]
    else:
        open_ = ["no affine combination of the recovered neurons is known to give the outputs"]
    for depth in range(len(layers(survey))):
        unsigned = sum(j not in survey.orientation for j in survey.layer(depth))
        if unsigned:
            open_.append(f"layer {depth + 1}: the active side of {unsigned} neurons is not known")
    return open_ + open_weights(survey)


def assumed(survey: Survey) -> tuple[str, ...]:
    """What the known neurons take for granted beside the answers that they give."""
    found = [f"{text}, and is zero" for text in open_weights(survey)]
    pairs = [(_named(survey, z), place(survey, unit)[1] + 1) for z, unit in sorted(survey.given)]
    found += [f"{name}: what neuron {j} of the layer before adds to outputs is its own" for name, j in pairs]
    found += [
        f"{_named(survey, z)}: of the rows that fit its boundary where it was seen this is one"
        for z in sorted(survey.of_many)
    ]
    taken = len(survey.certain - survey.hidden)
    if taken:
        found.append(
            f"{taken} neurons whose kernel stands elsewhere too share all its weights, also those not seen"
        )
    return tuple(found)


def _named(survey: Survey, z: int) -> str:
    depth, i = place(survey, z)
    return f"layer {depth + 1}, neuron {i + 1}"
