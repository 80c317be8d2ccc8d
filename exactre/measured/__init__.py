"""Recovery from answers in floating point: measure with error bounds, then snap to a grid of weights."""
