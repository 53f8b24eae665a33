"""`obj.ayl_send(…)`: how a class and its instances get their two methods."""

from typing import Any, ClassVar

from ayl.registry import registry
from ayl.sending import Handle, OptionsLike, ayl_send, ayl_send_opts


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


def give_senders(cls: type) -> None:
    """Add `ayl_send` and `ayl_send_opts` to a class."""
    cls.ayl_send = Sender()  # type: ignore[attr-defined]
    cls.ayl_send_opts = OptionsSender()  # type: ignore[attr-defined]


class Sendable:
    """A mixin with the effect of `@ayl.model` that type checkers understand.

    `class Order(ayl.Sendable)` is named `module.Order`; `class Order(ayl.Sendable, ayl_name="shop.Order")`
    as you say; `ayl_name=None` leaves an abstract base class out.
    """

    ayl_send: ClassVar[Sender] = Sender()
    ayl_send_opts: ClassVar[OptionsSender] = OptionsSender()

    def __init_subclass__(cls, *, ayl_name: str | None = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if ayl_name is not None:
            registry.add_model(cls, ayl_name or None)
