"""The kinds of single values: how each is read from text, what is said to be expected, and its JSON schema.

Our own, not YAML's: `1.10` is a version, `022` octal, and `no` nobody's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from ayl.daemons.spec.problems import Wrong, near, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ayl.daemons.spec.reader import Reader


class Kind(Protocol):
    """What may stand as the value of a key."""

    @property
    def expected(self) -> str:
        """The end of "expected …"."""
        ...

    def read(self, node: yaml.Node, key: str, reader: Reader) -> Any:
        """The value. Wrong if there is none; what is wrong within it, `reader` is told."""
        ...

    def schema(self) -> Mapping[str, Any]:
        """Its JSON schema."""
        ...


TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_tag = "tag:yaml.org,2002:"
_TYPES = {yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value"}

VARIABLE = {"type": "string", "pattern": r"\$\{"}
"""In schemas: the value of a variable may be anything."""


def is_empty(node: yaml.Node) -> bool:
    """Whether nothing stands there, or `null`."""
    return bool(node.tag == _tag + "null")


def called(node: yaml.Node) -> str:
    """What stands there instead of what should."""
    return "is empty" if is_empty(node) else f"is {_TYPES[type(node)]}"


def scalar(node: yaml.Node) -> str:
    """The text of a single value, as it was written; Wrong if there is none."""
    if is_empty(node) or not isinstance(node, yaml.ScalarNode):
        raise Wrong(called(node))
    return str(node.value)


@dataclass(frozen=True, slots=True)
class Single:
    """A single value, made by `make` of text; `make` raises Wrong, or ValueError where `expected` says all."""

    expected: str
    make: Callable[[str], Any]
    form: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    takes_truths: bool = False
    """Whether `no` is welcome (and not the sign of somebody whom YAML will surprise)."""
    takes_numbers: bool = True
    expands: bool = True

    def read(self, node: yaml.Node, key: str, reader: Reader) -> Any:
        text = scalar(node)
        if node.tag == _tag + "bool" and not self.takes_truths:
            raise Wrong(f"{text} is a truth value in YAML", f"{self.expected} (in quotes, if {text} is one)")
        if node.tag in (_tag + "int", _tag + "float") and not self.takes_numbers:
            raise Wrong(f"{text} is a number", f"{self.expected} (in quotes, if {text} is one)")
        if self.expands:
            text = reader.expanded(text)
        try:
            return self.make(text)
        except ValueError:
            raise Wrong(f"{shown(text)} does not fit", self.expected) from None

    def schema(self) -> Mapping[str, Any]:
        return self.form


def _of_form(pattern: str) -> Callable[[str], str]:
    match = re.compile(pattern).fullmatch

    def make(text: str) -> str:
        if not match(text):
            raise ValueError
        return text

    return make


TEXT = _of_form(r"[^\x00-\x1f\x7f]+")
"""Neither empty nor of several lines, nor anything that a terminal obeys."""


def text(expected: str, pattern: str = "", *, takes_numbers: bool = True, **more: Any) -> Single:
    """Text of one line, of this form; `pattern` means the same to Python and to JavaScript."""
    form = {"type": ["string", "number"] if takes_numbers else "string"}
    if pattern:
        form["pattern"] = f"^(?:{pattern})$|\\$\\{{"
    return Single(expected, _of_form(pattern) if pattern else TEXT, form | more, takes_numbers=takes_numbers)


def whole(low: int, high: int) -> Single:
    """A whole number within these."""
    expected = f"a whole number from {low} to {high}"

    def make(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError
        if not low <= int(text) <= high:
            raise Wrong(f"{int(text)} is out of range", expected)
        return int(text)

    return Single(expected, make, {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, VARIABLE]})


UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 365 * 86400
_DURATION = r"([0-9]{1,10}(?:\.[0-9]{1,6})?)([smhd]?)"


def duration(*, zero: bool = True) -> Single:
    """Seconds."""
    least = "" if zero else ", more than 0"
    expected = f"seconds, or a number with s, m, h or d (90s, 10m){least}, at most 365d"

    def make(text: str) -> float:
        found = re.fullmatch(_DURATION, text)
        if not found:
            raise ValueError
        seconds = float(found[1]) * UNITS[found[2]]
        if seconds > LONGEST or not (seconds or zero):
            raise Wrong(f"{text} is out of range", expected)
        return seconds

    number = {"type": "number", "minimum": 0, "maximum": LONGEST}
    if not zero:
        number = {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST}
    written = {"type": "string", "pattern": f"^{_DURATION}$|\\$\\{{"}
    return Single(expected, make, {"anyOf": [number, written]})


_SIZE = r"([1-9][0-9]{0,17})([kmgKMG]?)"


def size(low: int, high: int, least: str, most: str) -> Single:
    """Bytes within these; `least` and `most` are the same as told."""
    expected = f"bytes, or a number with k, m or g (500m), from {least} to {most}"

    def make(text: str) -> int:
        found = re.fullmatch(_SIZE, text)
        if not found:
            raise ValueError
        number = int(found[1]) * int(1024 ** " kmg".index(found[2].lower() or " "))
        if not low <= number <= high:
            raise Wrong(f"{text} is out of range", expected)
        return number

    number = {"type": "integer", "minimum": low, "maximum": high}
    return Single(expected, make, {"anyOf": [number, {"type": "string", "pattern": f"^{_SIZE}$|\\$\\{{"}]})


def choice(words: Iterable[str], *more: Mapping[str, Any]) -> Single:
    """One of these words."""
    known = [*words]
    expected = f"{', '.join(known[:-1])} or {known[-1]}"

    def make(text: str) -> str:
        if text not in known:
            raise Wrong(f"{shown(text)} is none of them", expected + near(text, known))
        return text

    return Single(expected, make, {"anyOf": [{"enum": known}, *more, VARIABLE]})


def _truth(text: str) -> bool:
    if text.lower() not in TRUTHS:
        raise ValueError
    return TRUTHS[text.lower()]


TRUTH = Single(
    "yes or no", _truth, {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}, VARIABLE]}, takes_truths=True
)


def either(word: str, other: Single) -> Single:
    """This word, or a value of another kind."""
    expected = f"{word}, or {other.expected}"

    def make(text: str) -> Any:
        return word if text == word else other.make(text)

    form = {"anyOf": [{"const": word}, other.form]}
    return Single(expected, make, form, takes_numbers=other.takes_numbers)


def octal(example: str) -> Single:
    """Permissions. The schema takes numbers, too: `022` is one to YAML, if not the one that is meant."""

    def make(text: str) -> int:
        found = re.fullmatch(r"(?:0|0o)?([0-7]{1,3})", text)
        if not found:
            raise ValueError
        return int(found[1], 8)

    written = {"type": "string", "pattern": r"^(?:0|0o)?[0-7]{1,3}$|\$\{"}
    return Single(f"permissions in octal, such as {example}", make, {"anyOf": [{"type": "integer"}, written]})


def _path(text: str) -> str:
    return TEXT(text).rstrip("/") or "/"


def _absolute(text: str) -> str:
    if not text.startswith("/"):
        raise Wrong(f"{shown(text)} is relative", "an absolute path")
    return _path(text)


ABSOLUTE = Single("an absolute path", _absolute, {"type": "string", "pattern": r"^/|^\$\{"}, takes_numbers=False)
RELATIVE = Single("a path, absolute or from the application's", _path, {"type": "string"}, takes_numbers=False)
USER = text("the name of a user", takes_numbers=False)
GROUP = text("the name of a group", takes_numbers=False)
VALUE = Single("text", lambda text: _value(text), {"type": ["string", "number", "boolean"]}, takes_truths=True)  # noqa: PLW0108 - it stands below


def _value(text: str) -> str:
    if "\0" in text:
        raise Wrong("has a NUL")
    return text
