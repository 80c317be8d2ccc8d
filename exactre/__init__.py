"""exactre: ReLU networks as exact mathematical objects."""

from exactre.formats import load, save
from exactre.network import Network
from exactre.oracle.protocol import Oracle

__all__ = ["Network", "Oracle", "load", "save"]
