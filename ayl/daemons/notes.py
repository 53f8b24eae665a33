"""What a process says of itself, as sd_notify(3) has it: lines of NAME=VALUE in one datagram."""

from __future__ import annotations

LARGEST = 65_536
"""Bytes of one. What is longer is cut."""


def read(datagram: bytes) -> dict[str, str]:
    """By name. Lines that are none are left out; of a name that comes twice, the first holds."""
    found: dict[str, str] = {}
    for line in datagram.decode(errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name, value)
    return found
