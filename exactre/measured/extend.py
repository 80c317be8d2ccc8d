"""More of a candidate from bends at which the active forms are dependent, so that they say too little alone.

Behind a layer of few active neurons, the forms of the next one are combinations of few. What is known of a
candidate is subtracted there; what is left of the normal shows weights that were missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exactre.measured.candidate import AGREEMENT, CLEAR, RESIDUAL, Candidate
from exactre.measured.known import ROUNDING, Known
from exactre.measured.survey import Bend
from exactre.oracle.measured import Array

_INDEPENDENT = 2.0**-20


@dataclass(frozen=True, eq=False)
class Place:
    """A bend, and the units below there: values (p,), forms (p, n), which are active (p,), the forms' rank.

    `pattern` tells for all known neurons whether they are active.
    """

    bend: Bend
    values: Array
    forms: Array
    active: NDArray[np.bool_]
    rank: int
    pattern: NDArray[np.bool_]


def extend(candidate: Candidate, places: Sequence[Place]) -> list[Place]:
    """Let a candidate take in those of the places that are its own beyond chance; the others are left."""
    left = list(places)
    while not np.isfinite(candidate.errors[:-1]).all():
        before, left = left, [place for place in left if not _taken(candidate, place)]
        if len(left) == len(before):
            break
    return left


def place(known: Known, depth: int, bend: Bend) -> Place:
    """What is known of the network around a bend of a neuron over layer `depth`."""
    cell = known.cell(bend.point)
    values, forms = cell.below(depth)
    active = values > 0
    sizes = np.linalg.svd(forms[active], compute_uv=False)
    rank = int((sizes > sizes[0] * _INDEPENDENT).sum()) if len(sizes) else 0
    return Place(bend, values, forms, active, rank, np.concatenate(cell.values) > 0)


def _taken(candidate: Candidate, place: Place) -> bool:
    """Whether a bend is the candidate's, which then has what the bend shows of it."""
    shown = np.isfinite(candidate.errors[:-1])
    have, lack = place.active & shown, np.flatnonzero(place.active & ~shown)
    spare = place.rank - len(lack) - 1
    if spare < 1 or not have.any():
        return False
    bend, forms = place.bend, place.forms
    table = np.vstack([candidate.values[:-1][have] @ forms[have], forms[lack]])
    u, s, vt = np.linalg.svd(table, full_matrices=False)
    if s[-1] <= s[0] * _INDEPENDENT:
        return False
    inverse = (vt.T / s) @ u.T
    found = bend.normal @ inverse
    error = bend.normal_error + np.abs(bend.normal).max() * ROUNDING
    error = error + np.abs(found[0]) * np.sqrt(candidate.errors[:-1][have] ** 2 @ forms[have] ** 2)
    size = float(np.linalg.norm(error))
    spread = np.sqrt(error**2 @ inverse**2) + np.abs(found) * ROUNDING
    if (
        float(np.linalg.norm(bend.normal - found @ table)) > RESIDUAL * size
        or spread[0] > CLEAR * np.abs(found[0])
        or spare * np.log2(size / np.linalg.norm(bend.normal)) > AGREEMENT
    ):
        return False
    candidate.values[lack] = found[1:] / found[0]
    candidate.errors[lack] = (spread[1:] + np.abs(candidate.values[lack]) * spread[0]) / np.abs(found[0])
    candidate.bends.append(bend)
    return True
