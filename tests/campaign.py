"""How long the laws are tried: EXACTRE_CAMPAIGN=50 tries fifty times as many examples, new ones each time."""

import os

from hypothesis import settings

FACTOR = int(os.environ.get("EXACTRE_CAMPAIGN", "1"))


def examples(count):
    """Settings of a law: `count` examples, the same ones each time, unless this is a campaign."""
    return settings(max_examples=count * FACTOR, derandomize=FACTOR == 1, deadline=None)
