"""Numbers and text, as Python writes them."""

from __future__ import annotations

import re
from math import isinf
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scanning import Scanner

MOST_DIGITS: Final = 4300
"""Of a whole number: Python takes the square of its length to read it."""

_WHOLE = r"(?:0|[1-9][0-9]*)"
_BROKEN = r"(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
_REAL = rf"(?:{_BROKEN}|[0-9]+|inf|nan)"
_ENDS = r"(?!\w)"

_NUMBERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...]] = (
    (re.compile(rf"\(-?{_REAL}[+-]{_REAL}j\)|-?{_REAL}j{_ENDS}"), complex),
    (re.compile(rf"-?{_BROKEN}{_ENDS}|-?inf{_ENDS}|nan{_ENDS}"), float),
    (re.compile(rf"-?{_WHOLE}{_ENDS}"), int),
)
"""The first that matches; only the last can be too long to be read at once."""

_QUOTED = re.compile(r"""(b?)(?:'([^'\\\n]*(?:\\.[^'\\\n]*)*)'|"([^"\\\n]*(?:\\.[^"\\\n]*)*)")""")
_OPENS = re.compile("""b?['"]""")
_LOOKS_LIKE_A_NUMBER = re.compile(r"[-+.]?[0-9]")
_ESCAPE = re.compile(r"""\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(0[0-9a-fA-F]{7})|([\\'"nrt])|)""")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t"}

NOTHING: Final = object()


def literal(scanner: Scanner) -> Any:
    """The number, text or bytes that comes next; NOTHING if something else does."""
    start = scanner.offset
    for pattern, make in _NUMBERS:
        if found := scanner.take(pattern):
            if make is int and len(found[0]) > MOST_DIGITS:
                scanner.fail(f"a number of more than {MOST_DIGITS:,} digits", start)
            value = make(found[0])
            if make is float and isinf(value) and "inf" not in found[0]:
                scanner.fail("this is more than a float can hold", start)
            return value
    if found := scanner.take(_QUOTED):
        return _bytes(scanner, found) if found[1] else _text(scanner, found)
    if _OPENS.match(scanner.text, start):
        scanner.fail("text that begins here has no closing quote on its line", start)
    if _LOOKS_LIKE_A_NUMBER.match(scanner.text, start):
        scanner.fail("this is no number as Python writes it: 3, -3, 0.5, 1e-05", start)
    return NOTHING


def _text(scanner: Scanner, found: re.Match[str]) -> str:
    inner, start = _inside(found)
    if not inner.isprintable():
        place = next(place for place, character in enumerate(inner) if not character.isprintable())
        scanner.fail(f"this character cannot be seen: write it as {ascii(inner[place])[1:-1]}", start + place)
    return _ESCAPE.sub(lambda escape: _unescaped(scanner, escape, start), inner) if "\\" in inner else inner


def _bytes(scanner: Scanner, found: re.Match[str]) -> bytes:
    inner, start = _inside(found)
    for escape in _ESCAPE.finditer(inner):
        if escape[2] or escape[3]:
            scanner.fail("bytes have no \\u: write each of them as in \\xff", start + escape.start())
    if not (inner.isascii() and inner.isprintable()):
        place = next(place for place, one in enumerate(inner) if not (one.isascii() and one.isprintable()))
        scanner.fail("bytes are ASCII here: write others as in \\xff", start + place)
    return _ESCAPE.sub(lambda escape: _unescaped(scanner, escape, start), inner).encode("latin-1")


def _inside(found: re.Match[str]) -> tuple[str, int]:
    """What stands between the quotes, and where that begins."""
    group = 2 if found[2] is not None else 3
    return found[group], found.start(group)


def _unescaped(scanner: Scanner, escape: re.Match[str], start: int) -> str:
    code = escape[1] or escape[2] or escape[3]
    if code:
        number = int(code, 16)
        if number > 0x10FFFF:
            scanner.fail("there is no such character", start + escape.start())
        return chr(number)
    if not escape[4]:
        known = r"\\ \' \" \n \r \t \xff \uffff \U0010ffff"
        scanner.fail(f"what stands behind this backslash means nothing: there are {known}", start + escape.start())
    return _SIMPLE.get(escape[4], escape[4])
