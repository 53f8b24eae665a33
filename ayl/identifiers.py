"""Message ids: UUID version 7 (RFC 9562, 5.7), which sort by the time of their making."""


def uuid7(milliseconds: int, randomness: bytes) -> str:
    """The id for a moment (milliseconds since 1970) and ten random bytes."""
    time, noise = f"{milliseconds:012x}", randomness.hex()
    return f"{time[:8]}-{time[8:]}-7{noise[1:4]}-{_VARIANT[noise[4]]}{noise[5:8]}-{noise[8:]}"


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""Two bits of this digit are fixed."""
