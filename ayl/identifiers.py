"""Message ids: UUID version 7 (RFC 9562, 5.7), which sort by the time of their making."""


def uuid7(milliseconds: int, randomness: bytes) -> str:
    """The id for a moment (milliseconds since 1970) and ten random bytes."""
    text = (milliseconds.to_bytes(6, "big") + randomness).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
