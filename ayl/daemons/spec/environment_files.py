"""Files of variables, in the form of systemd's EnvironmentFile: NAME=VALUE lines, values quoted or not. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 1024 * 1024

_nothing = re.compile(r"(?:[ \t\r]*(?:[#;](?:[^\n\\]|\\.|\\\n)*)?(?:\n|\Z))", re.DOTALL)
_name = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_single = re.compile(r"'([^']*)'[ \t\r]*(?:\n|\Z)")
_double = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t\r]*(?:\n|\Z)', re.DOTALL)
_plain = re.compile(r"(?!['\"])((?:[^\n\\]|\\.)*)(?:\n|\Z)", re.DOTALL)

EXPECTED = "NAME=VALUE, a comment, or nothing"


class BadLine(Exception):
    """Line and column, from 1, and what is wrong there."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line, self.column, self.text = line, column, text


def parsed(data: bytes) -> dict[str, str]:
    """The variables; of two of one name the later. BadLine."""
    text = _text(data)
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        if nothing := _nothing.match(text, at):
            at = nothing.end()
            continue
        name = _name.match(text, at)
        if name is None:
            raise _bad(text, at, f"is no variable{_export(text[at:])}; expected {EXPECTED}")
        found[name[1]], at = _value(text, name.end())
    return found


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise BadLine(0, 0, "is larger than 1 MiB; expected less")
    if data.startswith(b"\xef\xbb\xbf"):
        raise BadLine(1, 1, "begins with a byte order mark; expected UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise _bad(before, len(before), f"byte 0x{data[error.start]:02x} is no UTF-8; expected UTF-8") from None
    if "\0" in text:
        raise _bad(text, text.index("\0"), "has a NUL; expected text")
    return text


def _export(rest: str) -> str:
    return " (no shell reads this: leave export away)" if rest.lstrip().startswith("export ") else ""


def _bad(text: str, at: int, complaint: str) -> BadLine:
    return BadLine(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at), complaint)


def _value(text: str, at: int) -> tuple[str, int]:
    """It, and where the next line begins."""
    for form, made in _FORMS:
        if found := form.match(text, at):
            return made(found[1]), found.end()
    raise _bad(text, at, "is no value; expected closing quotes at the end of the line, and nothing behind them")


def _unquoted(text: str) -> str:
    # A backslash at the end of a line joins the next one; elsewhere it stands for what comes after it.
    return re.sub(r"\\(.)", lambda found: "" if found[1] == "\n" else found[1], text.rstrip(" \t\r"), flags=re.DOTALL)


def _within_double(text: str) -> str:
    known = {"\n": "", '"': '"', "\\": "\\", "`": "`", "$": "$"}
    return re.sub(r"\\(.)", lambda found: known.get(found[1], found[0]), text, flags=re.DOTALL)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_single, str),
    (_double, _within_double),
    (_plain, _unquoted),
)
