"""exactre: ReLU networks as exact mathematical objects."""

from exactre.network import Network
from exactre.oracle.protocol import Oracle

__all__ = ["Network", "Oracle"]
