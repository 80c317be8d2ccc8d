"""`Stable`: neurons always active or never active on a bounded domain, proved where they are met.

What is proved here is affine in the neurons before it, so that matching goes on through it, and no case
split ever asks about it.
"""

from __future__ import annotations

import time
from fractions import Fraction

from exactre.certify.linear import Bounds
from exactre.certify.matching import Origin, System
from exactre.certify.question import Question
from exactre.certify.sampling import Sampler
from exactre.check import Derivation, Step, Vector, scale

DRAWN = 64  # points that show which neurons need no proof, since their sign changes


class Stable:
    """Asked by a system about each new neuron; exact. `deadline` is in the seconds of `time.time`."""

    def __init__(self, question: Question, deadline: float | None) -> None:
        assert question.domain is not None
        self.domain = question.domain
        self.deadline = deadline
        self.bounds: Bounds | None = None
        self.told = 0  # bound steps that have been handed on
        points = Sampler(question.domain, question.a.input_dim).points(0, DRAWN)
        self.signs: dict[Origin, int] = {}  # of the neurons whose sign is the same at all points
        for side, net in enumerate((question.a, question.b)):
            values = net.preactivations(points)
            for node in net.hidden:
                for i, column in enumerate(zip(*values[node.name].num.tolist(), strict=True)):
                    if min(column) >= 0 or max(column) <= 0:
                        self.signs[side, node.name, i] = 1 if max(column) > 0 else -1

    def __call__(self, system: System, u: Vector, origin: Origin) -> list[Step]:
        """The step for a neuron that bounds prove stable, after the bounds that it needs; else nothing."""
        sign = self.signs.get(origin)
        if sign is None or (self.deadline is not None and time.time() > self.deadline):
            return []
        if self.bounds is None:
            self.bounds = Bounds(self.domain, system.atoms, self.deadline)
        bound = self.bounds.upper(scale(-sign, 1, u))
        if bound is None or bound.value > 0:
            return []
        new, self.told = self.bounds.steps[self.told :], len(self.bounds.steps)
        derivation = Derivation(bound.derivation(Fraction(0)))
        return [*new, Step("active" if sign > 0 else "inactive", derivations=[derivation])]
