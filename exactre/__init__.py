"""exactre: ReLU networks as exact mathematical objects."""

from exactre.network import Network

__all__ = ["Network"]
