"""Random numbers, without the module that has them: half of it is other distributions, and it loads hash functions."""

import os

BITS = 53
"""Of a float's precision."""


def chance() -> float:
    """From 0 to below 1, all alike. Nobody could guess it."""
    return (int.from_bytes(os.urandom(7)) >> 56 - BITS) / (1 << BITS)
