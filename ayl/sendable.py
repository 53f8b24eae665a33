"""`obj.ayl_send(…)`: how a class and its instances get their two methods."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar, overload

from ayl.errors import NotRegistered
from ayl.registry import registry
from ayl.sending import Handle, OptionsLike, ayl_send, ayl_send_opts

C = TypeVar("C", bound=type)


class Sender:
    """`ayl_send` as an attribute: on an instance it sends to that instance, on the class to the class."""

    def __get__(self, instance: object | None, owner: type) -> "BoundSender":
        return BoundSender(owner if instance is None else instance)


class BoundSender:
    """`ayl_send` of one object."""

    __slots__ = ("_receiver",)

    def __init__(self, receiver: object) -> None:
        self._receiver = receiver

    def __call__(self, method: str, /, *args: Any, **kwargs: Any) -> Handle:
        """Call `method` of this object with these arguments later, in a worker. See `ayl.ayl_send`."""
        return ayl_send(self._receiver, method, *args, **kwargs)


class OptionsSender:
    """`ayl_send_opts` as an attribute."""

    def __get__(self, instance: object | None, owner: type) -> "BoundOptionsSender":
        return BoundOptionsSender(owner if instance is None else instance)


class BoundOptionsSender:
    """`ayl_send_opts` of one object."""

    __slots__ = ("_receiver",)

    def __init__(self, receiver: object) -> None:
        self._receiver = receiver

    def __call__(self, method: str, options: OptionsLike, /, *args: Any, **kwargs: Any) -> Handle:
        """As `ayl_send`, with options. See `ayl.ayl_send_opts`."""
        return ayl_send_opts(self._receiver, method, options, *args, **kwargs)


@overload
def model(cls: C, /) -> C: ...
@overload
def model(
    name: str | None = None, /, *, was: Iterable[str] | str = (), methods: Iterable[str] | None = None
) -> Callable[[C], C]: ...
def model(
    target: C | str | None = None, /, *, was: Iterable[str] | str = (), methods: Iterable[str] | None = None
) -> C | Callable[[C], C]:
    """Class decorator: instances and the class itself gain `ayl_send` and `ayl_send_opts`.

    `@ayl.model` names the class `module.QualName`; `@ayl.model("shop.Order")` names it yourself. `was` lists names that
    it had before, so that messages which were sent under these still find it. `methods` narrows what may be called,
    which otherwise are all public methods. NotRegistered if a name is taken or a method is not there.
    """
    if target is None or isinstance(target, str):
        return lambda cls: _declare(cls, target, was, methods)
    return _declare(target, None, was, methods)


def _declare(cls: C, name: str | None, was: Iterable[str] | str, methods: Iterable[str] | None) -> C:
    if not isinstance(cls, type):
        raise NotRegistered(f"@ayl.model is for classes, not for {cls!r}; functions take @ayl.task")
    registry.add_model(cls, name, was=was, methods=methods)
    cls.ayl_send = Sender()  # type: ignore[attr-defined]
    cls.ayl_send_opts = OptionsSender()  # type: ignore[attr-defined]
    return cls


class Sendable:
    """A mixin with the effect of `@ayl.model` that type checkers understand.

    `class Order(ayl.Sendable)` is named `module.Order`; `class Order(ayl.Sendable, ayl_name="shop.Order")`
    as you say; `ayl_name=None` leaves an abstract base class out. `ayl_was` and `ayl_methods` are the decorator's.
    """

    ayl_send: ClassVar[Sender] = Sender()
    ayl_send_opts: ClassVar[OptionsSender] = OptionsSender()

    def __init_subclass__(
        cls,
        *,
        ayl_name: str | None = "",
        ayl_was: Iterable[str] | str = (),
        ayl_methods: Iterable[str] | None = None,
        **rest: Any,
    ) -> None:
        super().__init_subclass__(**rest)
        if ayl_name is not None:
            how = f'class {cls.__name__}(…, ayl_name="{{}}")'
            registry.add_model(cls, ayl_name or None, how, was=ayl_was, methods=ayl_methods)
