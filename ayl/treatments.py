"""Rules by exception: what becomes of a call that has raised this or that, said beside the code that raises it.

    @ayl.task(retry_on=TimeoutError, discard_on=(NoSuchCustomer, NoSuchOrder))
    def remind(customer): ...

They live in the worker's code and not in the message: no message could carry classes. Pure.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from ayl.errors import Bury, CannotRun, Decay, InvalidOption, NotConfigured, Unavailable, WorkerDied

F = TypeVar("F", bound=Callable[..., Any])

Treatment = Literal["retry", "discard", "bury"]
"""Of a job whose call has failed: `retry` tries it again, as often as its failed_job_count says, and buries it then;
`discard` deletes it; `bury` puts it aside at once.
"""

Exceptions = type[BaseException] | Iterable[type[BaseException]]


class Given(TypedDict, total=False):
    """The rules as they are declared: one class of exceptions, or several."""

    retry_on: Exceptions
    discard_on: Exceptions
    bury_on: Exceptions


Rules = Mapping[type[BaseException], Treatment]

TREATMENTS: dict[str, Treatment] = {"retry_on": "retry", "discard_on": "discard", "bury_on": "bury"}

SETTLED = (Decay, Bury, CannotRun, Unavailable, NotConfigured, WorkerDied)
"""What ayl decides by itself, so that a rule for it would never be asked."""

_rules: dict[object, Rules] = {}


def rules(**given: Unpack[Given]) -> Callable[[F], F]:
    """Method decorator: what becomes of a call of this method by what it has raised.

    `retry_on`, `discard_on` and `bury_on` are classes of exceptions. Of several that fit, the one that is nearest to
    what was raised holds; if none does, the rules of the method's class and its bases are asked, and failed_job_handler
    in the end. InvalidOption for what is no exception, or given twice.
    """
    table = compiled(given)

    def ruled(function: F) -> F:
        declare(function, table)
        return function

    return ruled


def compiled(given: Given) -> Rules:
    """The rules as a table; InvalidOption says what is wrong with them."""
    table: dict[type[BaseException], Treatment] = {}
    for name, classes in given.items():
        if name not in TREATMENTS:
            raise InvalidOption(f"unknown rule {name!r}; known are {', '.join(TREATMENTS)}")
        for cls in _several(classes):
            if not (isinstance(cls, type) and issubclass(cls, BaseException)):
                raise InvalidOption(f"{name} takes classes of exceptions, not {cls!r}")
            if issubclass(cls, SETTLED):
                raise InvalidOption(f"{name} has no say in {cls.__name__}: ayl itself decides what becomes of it")
            if table.setdefault(cls, TREATMENTS[name]) != TREATMENTS[name]:
                raise InvalidOption(f"{cls.__name__} is in two rules: {name}, and one before it")
    return table


def declare(thing: object, table: Rules) -> None:
    """From now on these are the rules of a class, method or function."""
    if table:
        _rules[getattr(thing, "__func__", thing)] = table  # also if @classmethod or @staticmethod stands below


def of_function(function: object) -> Sequence[Rules]:
    """The rules of a registered function."""
    return [_rules[function]] if function in _rules else []


def of_method(cls: type, name: str) -> Sequence[Rules]:
    """The rules of a method, those that are asked first before the others."""
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    function = getattr(found, "__func__", found)
    asked = [function, *cls.__mro__] if isinstance(function, Hashable) else [*cls.__mro__]
    return [_rules[thing] for thing in asked if thing in _rules]


def treatment(error: BaseException, asked: Sequence[Rules]) -> Treatment | None:
    """What the first of these rules that knows of it says; None if none does. A group is what all of its parts are."""
    for table in asked:
        for cls in type(error).__mro__:
            if cls in table:
                return table[cls]
    if isinstance(error, BaseExceptionGroup):
        parts = {treatment(part, asked) for part in error.exceptions}
        return parts.pop() if len(parts) == 1 else None
    return None


def _several(classes: object) -> Iterable[object]:
    return classes if isinstance(classes, Iterable) and not isinstance(classes, type | str) else (classes,)
