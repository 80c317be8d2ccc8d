"""Cells, pieces of boundaries, and the network that a set of pieces comes from."""
