"""What the body of a job says. Nothing in it is resolved or found."""

from __future__ import annotations

from dataclasses import dataclass

ORDER = "an order to a worker"
"""How the problem begins of what is no call, and yet meant for workers."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body, as people and JSON can have it."""

    size: int
    """Bytes."""
    text: str
    """All of it as text; bytes that are no UTF-8 are written as in `\\xff`."""
    call: str = ""
    """As Python would write it, if it is a call of ayl: `shop.Order.find(42).ship('ups')`. Empty otherwise."""
    message: str = ""
    """The id of the call's message, which it keeps wherever the job is moved."""
    sent: float = 0.0
    """When the call was made, in seconds since 1970."""
    tries: int = 0
    """How often it has been made and failed, as far as that was written down."""
    kills: int = 0
    """How often it has killed its worker, as far as that was written down."""
    why: str = ""
    """Of the last failure, or of the burial."""
    problem: str = ""
    """Why it is no call of ayl; empty for one."""


def read(body: bytes) -> Body:
    """What the body says; never an error."""
    from ayl import life, message  # with all that reads messages, which most operations need not wait for
    from ayl.errors import Undecodable

    text = body.decode("utf-8", "backslashreplace")
    try:
        past = life.read(body)
        found = message.decode(body)
    except Undecodable as error:
        return Body(len(body), text, problem=str(error))
    if isinstance(found, message.Control):
        return Body(len(body), text, problem=f"{ORDER}: {found.do}")
    shown = message.human(found)
    return Body(len(body), text, shown, found.id, found.sent, past.tries, past.kills, past.why)
