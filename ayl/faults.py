"""What fits an annotation, and what is said of a value that does not."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ayl.values.scalars import WRITERS
from ayl.values.tags import SCALARS, NoneType, kind_name


class Fault(NamedTuple):
    """A value that is not what its annotation says."""

    wanted: str
    found: str
    steps: tuple[tuple[str, str], ...] = ()
    """What to write before and after the name of the whole to tell the place in it, the outermost first."""

    def inside(self, after: str, before: str = "") -> "Fault":
        return self._replace(steps=((before, after), *self.steps))

    def told(self, place: str) -> str:
        """`items[2].price is a float, not 'x' (str)`."""
        for before, after in self.steps:
            place = f"{before}{place}{after}"
        return f"{place} is {self.wanted}, not {self.found}"


class Check(NamedTuple):
    """An annotation, understood."""

    exact: frozenset[type]
    """Types whose values fit without another look: what most calls need, and quickly told."""
    wanted: str
    """The annotation in a sentence: `an int`, `a str or None`."""
    fault: Callable[[Any], Fault | None]
    """The long look."""

    def look(self, value: object) -> Fault | None:
        return None if type(value) in self.exact else self.fault(value)


NONE = Check(frozenset({NoneType}), "None", lambda value: None if value is None else Fault("None", shown(value)))
"""Of what may only be None."""


def any_of(checks: Sequence[Check]) -> Check:
    """A value fits if it fits one of these."""
    *most, last = dict.fromkeys(check.wanted for check in checks)
    wanted = f"{', '.join(most)} or {last}" if most else last

    def fault(value: object) -> Fault | None:
        faults = []
        for check in checks:
            found = check.look(value)
            if found is None:
                return None
            faults.append(found)
        # Of a list of the wrong things it is said which; that it is a list was right.
        return next((found for found in faults if found.steps), Fault(wanted, shown(value)))

    return Check(frozenset().union(*(check.exact for check in checks)), wanted, fault)


def or_none(check: Check) -> Check:
    """Of what may be None as well, as a parameter whose default is None may be."""
    return check if NoneType in check.exact else any_of([check, NONE])


def with_article(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeioAEIO" else f"a {noun}"


def shown(value: object, *, alone: bool = False) -> str:
    """The value, if its repr is ours to trust: an object's may ask a database."""
    kind = type(value)
    name = kind_name(kind)
    if value is None:
        return name
    if kind not in SCALARS and kind not in WRITERS:
        return with_article(name)
    try:
        text = repr(value)
    except ValueError:  # an int with more digits than Python prints
        return with_article(name)
    text = text if len(text) <= 80 else f"{text[:80]}…"
    return text if alone else f"{text} ({name})"
