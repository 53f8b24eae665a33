"""`obj.ayl_send(…)`: how a class and its instances get their two methods."""

from collections.abc import Callable, Iterable
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, Unpack, overload

from ayl.durations import declare as declare_durations
from ayl.durations import declared
from ayl.errors import NotRegistered
from ayl.handle import Handle
from ayl.options import Options
from ayl.registry import GonePolicy, names_of, registry
from ayl.treatments import Exceptions, Given, Rules, compiled, declare

if TYPE_CHECKING:
    from ayl.sending import OptionsLike

C = TypeVar("C", bound=type)

COPIES = frozenset({"__fake__"})
"""Modules that do not exist: those of the models that Django's migrations make for themselves."""


class Sender:
    """`ayl_send` as an attribute: on an instance it sends to that instance, on the class to the class."""

    def __get__(self, instance: object | None, owner: type) -> "BoundSender":
        return MethodType(_ayl_send or _loaded(), owner if instance is None else instance)


class BoundSender(Protocol):
    """`ayl_send` of one object."""

    def __call__(self, method: str, /, *args: Any, **kwargs: Any) -> Handle:
        """Call `method` of this object with these arguments later, in a worker. See `ayl.ayl_send`."""


_ayl_send: "Callable[..., Handle] | None" = None


def _loaded() -> "Callable[..., Handle]":
    """Kept, because even an import that finds everything loaded takes a part of what a send may."""
    global _ayl_send
    from ayl.sending import ayl_send  # who only declares classes needs nothing of it

    _ayl_send = ayl_send
    return ayl_send


class OptionsSender:
    """`ayl_send_opts` as an attribute."""

    def __get__(self, instance: object | None, owner: type) -> "BoundOptionsSender":
        from ayl.sending import ayl_send_opts  # as above

        return MethodType(ayl_send_opts, owner if instance is None else instance)


class BoundOptionsSender(Protocol):
    """`ayl_send_opts` of one object."""

    def __call__(self, method: str, options: "OptionsLike", /, *args: Any, **kwargs: Any) -> Handle:
        """As `ayl_send`, with options. See `ayl.ayl_send_opts`."""


@overload
def model(cls: C, /) -> C: ...
@overload
def model(
    name: str | None = None,
    /,
    *,
    was: Iterable[str] | str = (),
    methods: Iterable[str] | None = None,
    gone: GonePolicy | None = None,
    keep_alive: bool | None = None,
    time_limit: int = 0,
    **rules: Unpack[Given],
) -> Callable[[C], C]: ...
def model(
    target: C | str | None = None,
    /,
    *,
    was: Iterable[str] | str = (),
    methods: Iterable[str] | None = None,
    gone: GonePolicy | None = None,
    keep_alive: bool | None = None,
    time_limit: int = 0,
    **rules: Unpack[Given],
) -> C | Callable[[C], C]:
    """Class decorator: instances and the class itself gain `ayl_send` and `ayl_send_opts`.

    `@ayl.model` names the class `module.QualName`; `@ayl.model("shop.Order")` names it yourself. `was` lists names that
    it had before, so that messages which were sent under these still find it. `methods` narrows what may be called,
    which otherwise are all public methods. `gone` says what becomes of calls that name an instance which exists no
    more: `bury` (the default), `discard` or `pass_none`. `retry_on`, `discard_on` and `bury_on` are classes of
    exceptions, and say what becomes of calls that raise them, as in `ayl.rules`. `keep_alive` and `time_limit`
    (seconds) are the options of that name for sends that do not say otherwise. NotRegistered if a name is taken or a
    method is not there.
    """
    table = compiled(rules)
    durations = declared(keep_alive, time_limit)
    if target is None or isinstance(target, str):
        return lambda cls: _declare(cls, target, was, methods, gone, table, durations)
    return _declare(target, None, was, methods, gone, table, durations)


def _declare(
    cls: C,
    name: str | None,
    was: Iterable[str] | str,
    methods: Iterable[str] | None,
    gone: GonePolicy | None,
    rules: Rules,
    durations: Options,
) -> C:
    if not isinstance(cls, type):
        raise NotRegistered(f"@ayl.model is for classes, not for {cls!r}; functions take @ayl.task")
    registry.add_model(cls, name, was=was, methods=methods, gone=gone, rules=rules, durations=durations)
    cls.ayl_send = Sender()  # type: ignore[attr-defined]
    cls.ayl_send_opts = OptionsSender()  # type: ignore[attr-defined]
    return cls


class _Given(NamedTuple):
    """What the head of a Sendable class says."""

    qualname: str
    name: str | None
    was: tuple[str, ...]
    methods: tuple[str, ...] | None
    gone: GonePolicy | None
    rules: Rules
    durations: Options


_GIVEN = "__ayl_given__"


class Sendable:
    """A mixin with the effect of `@ayl.model` that type checkers understand.

    `class Order(ayl.Sendable)` is named `module.Order`; `class Order(ayl.Sendable, ayl_name="shop.Order")`
    as you say; `ayl_name=None` leaves an abstract base class out. `ayl_was`, `ayl_methods`, `ayl_gone`,
    `ayl_retry_on`, `ayl_discard_on`, `ayl_bury_on`, `ayl_keep_alive` and `ayl_time_limit` are the decorator's.
    """

    __module__ = "ayl"  # Django writes the bases of models into migrations, which stay

    ayl_send: ClassVar[Sender] = Sender()
    ayl_send_opts: ClassVar[OptionsSender] = OptionsSender()

    def __init_subclass__(  # noqa: PLR0913 - what may be said of a class
        cls,
        *,
        ayl_name: str | None = "",
        ayl_was: Iterable[str] | str = (),
        ayl_methods: Iterable[str] | None = None,
        ayl_gone: GonePolicy | None = None,
        ayl_retry_on: Exceptions = (),
        ayl_discard_on: Exceptions = (),
        ayl_bury_on: Exceptions = (),
        ayl_keep_alive: bool | None = None,
        ayl_time_limit: int = 0,
        **rest: Any,
    ) -> None:
        super().__init_subclass__(**rest)
        # dataclass(slots=True) and attrs.define make the class once more, without these arguments and its full name.
        first: _Given | None = vars(cls).get(_GIVEN)
        if first is not None and first.qualname.rpartition(".")[2] == cls.__name__:
            cls.__qualname__ = first.qualname
        else:
            methods = None if ayl_methods is None else names_of(ayl_methods)
            table = compiled({"retry_on": ayl_retry_on, "discard_on": ayl_discard_on, "bury_on": ayl_bury_on})
            durations = declared(ayl_keep_alive, ayl_time_limit)
            first = _Given(cls.__qualname__, ayl_name, names_of(ayl_was), methods, ayl_gone, table, durations)
            setattr(cls, _GIVEN, first)
        _, name, was, methods, gone, rules, durations = first
        if name is not None and cls.__module__ not in COPIES:
            how = f'class {cls.__name__}(…, ayl_name="{{}}")'
            registry.add_model(
                cls, name or None, how, was=was, methods=methods, gone=gone, rules=rules, durations=durations
            )
        else:
            declare(cls, rules)
            declare_durations(cls, durations)
