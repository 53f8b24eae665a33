"""Message ids: UUID version 7 (RFC 9562, 5.7), which sort by the time of their making."""

RANDOM_BYTES = 9
"""What `uuid7_rests` needs."""

_NUMBERS = tuple(f"{number:02x}" for number in reversed(range(256)))


def uuid7_beginning(milliseconds: int) -> str:
    """How the ids of a moment begin (milliseconds since 1970); one of `uuid7_rests` goes behind it."""
    time = hex(1 << 48 | milliseconds)  # of a length that is always the same
    return f"{time[3:11]}-{time[11:]}"


def uuid7_rests(randomness: bytes) -> list[str]:
    """What tells 256 ids of one moment apart: random, but for a number that counts them (RFC 9562, 6.2).

    To be used from the last to the first: then ids of one moment sort by the order of their making, too.
    """
    noise = randomness.hex()
    before = f"-7{noise[0]}"
    after = f"-{_VARIANT[noise[1]]}{noise[2:5]}-{noise[5:17]}"
    return [before + number + after for number in _NUMBERS]


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""Two bits of this digit are fixed."""
