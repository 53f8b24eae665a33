"""The call that runs, as `ayl.current()` shows it to the code that it runs. Nothing is found out unless it is asked."""

from contextvars import ContextVar
from logging import getLogger
from typing import Any, Protocol

from ayl import life as lives
from ayl import message as messages
from ayl.engines.base import Lease
from ayl.life import Life, Standing
from ayl.message import Message

log = getLogger("ayl.worker")


class Stopping(Protocol):
    """Whether the worker is to stop; as much of a threading.Event as others may use."""

    def is_set(self) -> bool:
        """Whether it is."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is, or so many seconds; whether it is."""


class Term(Protocol):
    """How long the call may take."""

    @property
    def lease(self) -> Lease: ...

    def left(self) -> float:
        """Seconds until it is ended."""

    def standing(self) -> Standing | None:
        """What the server says of the job. RuntimeError once the call has ended."""

    def touch(self) -> bool:
        """Renew the lease; False if it is lost."""


class Running:
    """A call that a worker is making. May be used by any thread of the call."""

    __slots__ = ("_life", "_message", "_term", "said", "stopping")

    def __init__(self, message: Message, life: Life, term: Term, stopping: Stopping) -> None:
        self._message = message
        self._life = life
        self._term = term
        self.stopping = stopping
        """Is set (`is_set()`, `wait(seconds)`) when its process is to stop."""
        self.said: float | str | None = None
        """The latest progress."""

    @property
    def id(self) -> str:
        """The message's, which is the same in all its tries: `handle.id` of whoever sent it."""
        return self._message.id

    @property
    def name(self) -> str:
        """What is called, without its arguments: `shop.Order.ship`."""
        return call_name(self._message)

    @property
    def text(self) -> str:
        """The call as Python would write it, `shop.Order.find(42).ship('ups')`; one printable line of any length."""
        return messages.human(self._message)

    @property
    def options(self) -> dict[str, Any]:
        """Those of the send that workers go by."""
        return {name: getattr(self._message, name) for name in (*messages.TOLD, *messages.TOLD_IF_GIVEN)}

    @property
    def job_id(self) -> int:
        """The server's number for it, which may be another at the next try."""
        return self._term.lease.job_id

    @property
    def tube(self) -> str:
        """Where it waited; empty if the server has it no more. Asks the server. Unreachable if that does not answer."""
        standing = self._term.standing()
        return "" if standing is None else standing.tube

    @property
    def attempts(self) -> int:
        """The number of this try: 1 the first time. Asks the server, as `tube` does; both together ask it once."""
        return lives.past(self._life, self._term.standing()).tries + 1

    @property
    def time_left(self) -> float:
        """Seconds until the call is ended; infinity for one that is kept alive and has no time limit."""
        return self._term.left()

    def touch(self) -> bool:
        """Begin the time to run anew, for a call that is getting on. A time limit stays as it is.

        False if the lease is lost already (another worker may have the call by now); this call is then ended.
        """
        return self._term.touch()

    def progress(self, said: float | str) -> None:
        """Tell operators how far it is: a fraction from 0 to 1, or a few words."""
        if not isinstance(said, str) and not (isinstance(said, (int, float)) and 0 <= said <= 1):
            raise ValueError(f"progress is a fraction from 0 to 1, or a text, not {said!r}")
        self.said = said
        log.debug("job %d: %s", self.job_id, said if isinstance(said, str) else f"{said:.0%}")


def call_name(message: Message) -> str:
    """What it calls, without the arguments."""
    match message.on:
        case {"$ref": [str(name), *_]}:
            return f"{name}.{message.do}"
    return message.do


class Shown(Protocol):
    """What a worker knows of the call that it makes."""

    def show(self) -> Running:
        """To the call's code."""


shown: ContextVar[Shown | None] = ContextVar("shown", default=None)
"""Set by workers."""


def current() -> Running | None:
    """The call that a worker is making in this thread or task; None outside of one.

    Tasks of asyncio and `asyncio.to_thread` know it, a `threading.Thread` of the call's own does not.
    """
    call = shown.get()
    return None if call is None else call.show()
