"""A call that was sent, as tests see it: decoded, with no object looked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ayl import message as messages
from ayl import values
from ayl.engines.submissions import Submission
from ayl.message import Message
from ayl.options import Options
from ayl.references import refer
from ayl.values.refusals import PlacelessError

UNNAMED = object()
"""Stands for the key of a reference to a class."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What a message names: a registered class, or one object of it. Equal to that class, or to any instance of that
    object.
    """

    name: str
    """The class's registered name."""
    key: object = UNNAMED

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            try:
                parts = refer(other)
            except PlacelessError:  # not saved, or no way to find it again
                return False
            if parts is None:
                return NotImplemented
            other = Reference(*parts)
        return self.name == other.name and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name if self.key is UNNAMED else f"{self.name}.find({self.key!r})"


@dataclass(frozen=True, slots=True)
class SentCall:
    """One call that was sent."""

    call: str
    """As Python would write it: `shop.Order.find(42).ship('ups')`."""
    receiver: Any
    """A Reference, a value, or None for a function."""
    method: str
    """The method's name, or the registered name of a function."""
    args: tuple[Any, ...]
    """Registered classes and objects are References.

    An argument of a class that insists on the object itself (a pydantic model) is as it stands in the message.
    """
    kwargs: dict[str, Any]
    options: Options
    """As they were sent: the fuzz is in the priority, the delay in seconds."""
    tube: str
    message_id: str
    """The same as `Handle.id`."""

    def __str__(self) -> str:
        return self.call


def sent_call(submission: Submission) -> SentCall:
    """What was sent, from its bytes."""
    message = messages.decode(submission.body)
    assert isinstance(message, Message)  # noqa: S101 - it was made by us, a moment ago
    return SentCall(
        call=messages.human(message),
        receiver=decoded(message.on, _named),
        method=message.do,
        args=tuple(decoded(arg, _named) for arg in message.args),
        kwargs={name: decoded(value, _named) for name, value in messages.keywords(message).items()},
        options=Options(
            priority=submission.priority,
            delay=submission.delay,
            time_to_run=submission.time_to_run,
            lane=submission.tube.removeprefix(f"{message.app}/{message.ver}").removeprefix("/"),
            failed_job_handler=message.failed_job_handler,
            failed_job_delay=message.failed_job_delay,
            failed_job_count=message.failed_job_count,
            unreachable=submission.unreachable,
        ),
        tube=submission.tube,
        message_id=submission.id,
    )


def decoded(data: Any, find: Callable[[list[Any]], object]) -> Any:
    """The value, or its encoded form where a class of the app's takes no reference for the object that it holds."""
    try:
        return values.decode(data, find)
    except ValueError:
        return data


def _named(parts: list[Any]) -> Reference:
    return Reference(*parts)
