"""How much of a load a server is given where servers differ tenfold and more."""

LIMIT_SECONDS = 3.0


def affordable(wanted: int, done: int, seconds: float) -> int:
    """As much of `wanted` as fits into the limit, by the pace at which the warm-up was `done`."""
    return min(wanted, int(done * LIMIT_SECONDS / seconds))
