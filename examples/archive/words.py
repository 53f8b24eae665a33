"""Reading and counting words. Nothing here knows of ayl."""

import gzip
import re
from collections import Counter
from pathlib import Path

LONGEST = 4 * 1024 * 1024
"""Bytes read of a file; what follows is not counted."""

_DULL = """
about also been from have into more only such than that their then there these this were will with your
"""
DULL = frozenset(_DULL.split())

_word = re.compile(r"[^\W\d_]{4,}").findall


def read(path: Path) -> str:
    """The text of a file, unpacked if need be; empty if it is not text. Raises OSError."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        data = file.read(LONGEST)
    return "" if b"\0" in data else data.decode(errors="replace")


def count(text: str) -> Counter[str]:
    """How often each word of four letters or more stands in `text`, but for the dull ones."""
    return Counter(word for word in _word(text.lower()) if word not in DULL)
