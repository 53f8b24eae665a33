"""The bodies of jobs: text for the program, bytes on the wire."""

from __future__ import annotations

import codecs


class Bodies:
    """How they are turned into each other."""

    def __init__(self, encoding: str | None) -> None:
        """`encoding`: of text; None for bodies that are bytes. LookupError if there is none of that name."""
        if encoding is not None:
            codecs.lookup(encoding)
        self._encoding = encoding

    def written(self, body: str | bytes) -> bytes:
        """What is sent; bytes as they are. AssertionError for anything else than a body, and for text without an
        encoding; UnicodeEncodeError for a character that the encoding lacks."""
        if isinstance(body, bytes):
            return body
        if self._encoding is None or not isinstance(body, str):
            raise AssertionError(f"Job body must be a {'bytes' if self._encoding is None else 'str'} instance")
        return body.encode(self._encoding, "surrogateescape")

    def read(self, body: bytes) -> str | bytes:
        """What the program gets. Bytes that are no text in the encoding become surrogates, and these the same bytes
        again: a body can be put as it was reserved."""
        return body if self._encoding is None else body.decode(self._encoding, "surrogateescape")
