"""A job as a program holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AnyStr, Generic

if TYPE_CHECKING:
    from ayl.beanstalkc.connection import Connection


class Job(Generic[AnyStr]):
    """A job that was reserved or peeked at. All errors are those of the connection's methods."""

    def __init__(self, conn: Connection[AnyStr], jid: int, body: AnyStr, reserved: bool = True) -> None:
        self.conn: Connection[AnyStr] = conn
        self.jid = jid
        """Its id."""
        self.body: AnyStr = body
        self.reserved = reserved
        """By this connection, as far as was seen here; a time to run that is over is not seen."""

    def delete(self) -> None:
        """Be done with it; also if it is not reserved here, as long as nobody else has reserved it."""
        self.conn.delete(self.jid)
        self.reserved = False

    def release(self, priority: int | None = None, delay: int = 0) -> None:
        """Give it back to its tube, ready after `delay` seconds; with its own priority unless another is given.

        Nothing happens if it is not reserved here.
        """
        if self.reserved:
            self.conn.release(self.jid, self._own(priority), delay)
            self.reserved = False

    def bury(self, priority: int | None = None) -> None:
        """Put it aside until it is kicked; with its own priority unless another is given.

        Nothing happens if it is not reserved here.
        """
        if self.reserved:
            self.conn.bury(self.jid, self._own(priority))
            self.reserved = False

    def kick(self) -> None:
        """Make it ready again, if it is buried or delayed."""
        self.conn.kick_job(self.jid)

    def touch(self) -> None:
        """Let its time to run begin again. Nothing happens if it is not reserved here."""
        if self.reserved:
            self.conn.touch(self.jid)

    def stats(self) -> Any:
        """What the server knows of it: a dict, or what `parse_yaml` makes of it."""
        return self.conn.stats_job(self.jid)

    def _own(self, priority: int | None) -> int:
        return self.conn.priority_of(self.jid) if priority is None else priority
