"""The grammar: from text to the call part of a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from ayl import values
from ayl.values.tags import LEVELS, REFERENCE, TAG

from .constructors import CONSTANTS, CONSTRUCTORS
from .declared import maker, member
from .literals import NOTHING, literal
from .scanning import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"[^\W\d]\w*")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_KEYWORD = re.compile(r"([^\W\d]\w*)[ \t\r\n]*=(?!=)")

FIND: Final = "find"
"""How a stored object is named: `shop.Order.find(42)`."""


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """The call part of a message: `on`, `args` and `kwargs` in the encoded form of `ayl.values`."""

    on: Any
    """None for a function."""
    do: str
    args: list[Any]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Reference:
    """Stands for a class or an object that is named and not found."""

    parts: list[Any]


@dataclass(frozen=True, slots=True)
class _Arguments:
    """Of whatever stands before them."""

    placed: list[Any]
    named: dict[str, Any]


def looks_like_a_class(name: str) -> bool:
    """By Python's habit: its last part begins with a capital letter."""
    return name.rpartition(".")[2][:1].isupper()


def read(text: str, is_class: Callable[[str], bool] = looks_like_a_class) -> WrittenCall:
    """The call that the text describes. CannotRead says what is wrong and where; TypeError or ValueError is of a value
    that no message can hold.

    `is_class` answers whether a class is registered by a name: `shop.Order.count()` may be a static method or a
    function, which its text does not tell.
    """
    receiver, do, arguments = _Reader(text, is_class).call()
    return WrittenCall(
        None if receiver is NOTHING else values.encode(receiver, "the receiver", _refer),
        do,
        values.encode(arguments.placed, "args", _refer),
        values.encode(arguments.named, "kwargs", _refer),
    )


def _refer(value: object) -> list[Any] | None:
    return value.parts if isinstance(value, _Reference) else None


class _Reader:
    """One reading of one text."""

    def __init__(self, text: str, is_class: Callable[[str], bool]) -> None:
        self._text = Scanner(text)
        self._is_class = is_class
        self._depth = 0
        self._places: list[int] = []
        """Where the classes and objects stand that were named so far."""

    def call(self) -> tuple[Any, str, _Arguments]:
        """The receiver or NOTHING, what is called, and its arguments."""
        text = self._text
        start = text.skip_blanks()
        if (receiver := self._plain()) is NOTHING:
            name = self._dotted()
            arguments = self._arguments(name)
            if not text.takes("."):
                return self._end(*self._owner(name, start), arguments)
            receiver = self._made(name, arguments, start)
        else:
            text.need(".", "between a value and the method that is called on it")
        place = text.skip_blanks()
        method = text.take(_NAME)
        if method is None:
            text.fail("the name of a method should stand here")
        self._check_public(method[0], place)
        return self._end(receiver, method[0], self._arguments(method[0]))

    def _owner(self, name: str, start: int) -> tuple[Any, str]:
        """What is called on in `name(…)`, NOTHING if that is a function, and what is called."""
        before, _, method = name.rpartition(".")
        if before in CONSTANTS:
            if CONSTANTS[before] is None:
                self._text.fail("nothing can be called on None", start)
            return CONSTANTS[before], method
        if (found := self._member(before, start)) is not None:
            return found, method
        if before and self._is_class(before):
            self._check_public(method, start)
            return _Reference([before]), method
        return NOTHING, name

    def _member(self, name: str, start: int) -> object:
        """Of an Enum of the app's; None if the name is not of one."""
        try:
            return member(name)
        except ValueError as error:
            self._text.fail(str(error), start)

    def _check_public(self, method: str, place: int) -> None:
        if method.startswith("_"):
            self._text.fail(f"{_short(method)} is private: only public methods can be sent", place)

    def _end(self, receiver: Any, do: str, arguments: _Arguments) -> tuple[Any, str, _Arguments]:
        if not self._text.at_end():
            self._text.fail("the call has ended: nothing stands behind its last parenthesis")
        return receiver, do, arguments

    def _dotted(self) -> str:
        text = self._text
        found = text.take(_DOTTED)
        if found is None:
            text.fail(_strange(text))
        return found[0]

    def _arguments(self, of: str) -> _Arguments:
        text = self._text
        text.need("(", f"behind {_short(of)}")
        found = _Arguments([], {})
        self._enter()
        for place in text.until(")", f"{_short(of)}(…)"):
            if keyword := text.take(_KEYWORD):
                if keyword[1] in found.named:
                    text.fail(f"{keyword[1]} is given twice", place)
                found.named[keyword[1]] = self._value()
            elif found.named:
                text.fail("arguments without a name stand before those with one", place)
            else:
                found.placed.append(self._value())
        self._depth -= 1
        return found

    def _value(self) -> Any:
        text = self._text
        start = text.skip_blanks()
        if (value := self._plain()) is not NOTHING:
            return value
        name = self._dotted()
        if text.text.startswith("(", text.offset):
            return self._made(name, self._arguments(name), start)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if (found := self._member(name, start)) is not None:
            return found
        if not self._is_class(name):
            hint = get_close_matches(name.title(), ("None", "True", "False"), 1, 0.9)
            text.fail(f"{_short(name)} is no class: {hint[0] if hint else 'text stands in quotes'}", start)
        return self._reference([name], start)

    def _plain(self) -> Any:
        """What begins with no name."""
        if (value := literal(self._text)) is not NOTHING:
            return value
        for opening, display in _DISPLAYS.items():
            if self._text.takes(opening):
                self._enter()
                value = display(self)
                self._depth -= 1
                return value
        return NOTHING

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > LEVELS:
            self._text.fail(f"it nests deeper than {LEVELS} levels")

    def _made(self, name: str, arguments: _Arguments, start: int) -> Any:
        """The value that stands there as `name(arguments)`."""
        placed, named = arguments.placed, arguments.named
        make = CONSTRUCTORS.get(name) or maker(name)
        if make is not None:
            try:
                return make(*placed, **named)
            except (ValueError, OverflowError) as error:
                self._text.fail(f"there is no such {name}: {error}", start)
            except TypeError as error:
                said = str(error) if str(error).startswith("it takes") else "these are no arguments of it"
                self._text.fail(f"{name}(…) cannot be understood: {said}", start)
        owner, _, method = name.rpartition(".")
        if not owner or method != FIND or len(placed) != 1 or named:
            self._text.fail(
                f"{_short(name)}(…) is no value that can be written here: those are NAME.find(KEY), "
                f"{', '.join(CONSTRUCTORS)}, and classes that the app (--require) has declared with @ayl.value",
                start,
            )
        return self._reference([owner, placed[0]], start)

    def _reference(self, parts: list[Any], start: int) -> _Reference:
        if self._places and self._places[-1] > start:
            self._text.fail("the key of an object is a value, and names no class or other object", self._places[-1])
        self._places.append(start)
        return _Reference(parts)

    def _list(self) -> list[Any]:
        return [self._value() for _ in self._text.until("]", "the list")]

    def _tuple(self) -> tuple[Any, ...]:
        text = self._text
        found = tuple(self._value() for _ in text.until(")", "the tuple"))
        if len(found) == 1 and not text.ended_in_comma:
            text.fail("a tuple of one has a comma, (3,), and parentheses mean nothing else here", text.offset - 1)
        return found

    def _braces(self) -> Any:
        """A dict or a set, as its first item says."""
        text = self._text
        pairs: dict[Any, Any] = {}
        elements: set[Any] = set()
        is_dict = None
        for place in text.until("}", "what begins with '{'"):
            item = self._value()
            if is_dict is None:
                is_dict = text.takes(":")
            elif is_dict:
                text.need(":", "between a key and its value")
            try:
                known = item in (pairs if is_dict else elements)
            except TypeError:
                text.fail(f"a {type(item).__name__} can be neither a key nor an element of a set", place)
            if known:
                text.fail("this stands here twice", place)
            if is_dict:
                pairs[item] = self._value()
            else:
                elements.add(item)
        if len(pairs) == 1 and pairs.keys() & {TAG, REFERENCE}:
            text.fail(
                f"a dict with {TAG} or {REFERENCE} would be taken for how a message writes down something else: "
                "send it by code",
                text.offset - 1,
            )
        return elements if is_dict is False else pairs


_DISPLAYS: Final[dict[str, Callable[[_Reader], Any]]] = {
    "[": _Reader._list,
    "(": _Reader._tuple,
    "{": _Reader._braces,
}


def _strange(text: Scanner) -> str:
    """What to say of something that can stand nowhere."""
    if text.at_end():
        return "the text ends where a value or a name should stand"
    character = text.text[text.offset]
    if character == "<":
        return "what is shown as <…> cannot be written here; a member of an Enum is NAME.MEMBER"
    if character == "…":
        return "what was shown here is cut off: give all of it"
    return f"a value or a name should stand here, not {character!a}"


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
