"""Prove or refute that two networks are the same function, with a certificate for either verdict."""
