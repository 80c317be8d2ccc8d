"""Recovery from answers in floating point: measure with error bounds, then snap to the grid of the weights."""
