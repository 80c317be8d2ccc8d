"""The one subset of real columns whose sum is known, with error bounds: unknowns that are 0 or 1.

An equation carries as many bits as its measurement, so that a few settle many unknowns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exactre.oracle.measured import Array

_MOST = 40  # columns whose subsets are enumerated, by halves
_SMALL = 4.0  # error bounds below which a column tells nothing
_CHANCE = -20.0  # binary logarithm of the number of subsets that fit by chance
_ENOUGH = -40.0  # the same, beyond which further equations say nothing new


def subset(shares: Array, target: Array, errors: Array) -> NDArray[np.bool_] | None:
    """The one subset of columns of `shares` (e, k) that adds up to `target` (e,) within `errors` (e,).

    None if there is not exactly one, or if so rough sums would have one by chance.
    """
    width = shares.shape[1]
    heard = (np.abs(shares) > _SMALL * errors[:, None]).any(axis=0)
    if not heard.all() or not 0 < width <= _MOST or not len(errors):
        return None
    size = np.abs(shares).sum(axis=1) + np.abs(target)
    bits = np.minimum(0.0, np.log2(2 * errors / size))
    best = np.argsort(bits)
    chance = width + np.cumsum(bits[best])
    if chance[-1] > _CHANCE:
        return None
    best = best[: 1 + np.count_nonzero(chance > _ENOUGH)]
    shares, target, errors = shares[best], target[best], errors[best]
    half = width // 2
    left, right = subset_sums(shares[:, :half]), subset_sums(shares[:, half:])
    order = np.argsort(right[:, 0])
    ranked = right[order, 0]
    wanted = target[0] - left[:, 0]
    low = np.searchsorted(ranked, wanted - errors[0], side="left")
    high = np.searchsorted(ranked, wanted + errors[0], side="right")
    fits = []
    for i in np.flatnonzero(high > low):
        for j in order[low[i] : high[i]]:
            if (np.abs(left[i] + right[j] - target) <= errors).all():
                fits.append((int(i), int(j)))
    if len(fits) != 1:
        return None
    places = fits[0][0] | fits[0][1] << half
    return np.array([bool(places >> k & 1) for k in range(width)])


def subset_sums(shares: Array) -> Array:
    """Sums (2^k, e) over all subsets of the columns of `shares` (e, k); bit j of the place is column j."""
    sums = np.zeros((1, len(shares)))
    for column in shares.T:
        sums = np.vstack([sums, sums + column])
    return sums
