"""The part of an engine's URL behind the question mark: `?name=value&name=value`."""

from collections.abc import Iterable
from math import isfinite


def parameters(query: str, known: Iterable[str]) -> dict[str, str]:
    """The values by name, percent signs undone. ValueError, in words, for a name that is not among the known."""
    names = list(known)
    given: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in names:
            raise ValueError(f"unknown parameter {name!r}{_hint(name, names)}")
        if name in given:
            raise ValueError(f"the parameter {name} is given twice")
        if not value:
            raise ValueError(f"the parameter {name} has no value")
        given[name] = unquoted(value)
    return given


def unquoted(text: str) -> str:
    """With percent signs undone; ValueError if that is no text."""
    if "%" not in text:
        return text
    from urllib.parse import unquote  # with what it brings half a megabyte, which nearly no URL of ours needs

    return unquote(text, errors="strict")


def seconds(name: str, text: str) -> float:
    """A parameter that is a span of time; ValueError, in words, if it is none."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not isfinite(number) or not 0 < number < 2**32:
        raise ValueError(f"{name} is a number of seconds above 0, not {text!r}")
    return number


def count(name: str, text: str, most: int) -> int:
    """A parameter that counts something; ValueError, in words, if it does not, or too many."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 0 < int(text) <= most):
        raise ValueError(f"{name} is a whole number from 1 to {most}, not {text!r}")
    return int(text)


def _hint(name: str, known: list[str]) -> str:
    from difflib import get_close_matches  # only on the way to an error

    close = get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}" if known else "; this engine has none"
