"""The connection, with a method for each command."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, AnyStr, Generic, cast, overload

from ayl.beanstalkc import commands, reports
from ayl.beanstalkc.bodies import Bodies
from ayl.beanstalkc.conversation import Conversation
from ayl.beanstalkc.errors import CommandFailed, DeadlineSoon, SocketError, UnexpectedResponse
from ayl.beanstalkc.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ayl.beanstalkc.conversation import Answer, Command

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 11300
DEFAULT_PRIORITY = 2**31
"""0 is the most urgent, 2**32 - 1 the least."""
DEFAULT_TTR = 120
"""Seconds: the time to run."""
_FIRST_TUBE = "default"
"""What every new client uses and watches."""


class Connection(Generic[AnyStr]):
    """A client's connection to a beanstalkd-compatible server.

    Every method raises SocketError when the connection is closed or breaks (then nothing works until `reconnect()`),
    and UnexpectedResponse when the server answers what nobody reckons with, such as BAD_FORMAT to a tube's name that
    is none. What else a method raises is said there.

    One thread at a time: while it waits for an answer, others get a RuntimeError; only `close()` may be called at any
    time. A process that was forked needs a connection of its own. An exception out of a signal's handler, such as
    KeyboardInterrupt, closes a connection that waits for an answer.
    """

    @overload
    def __init__(
        self: Connection[str],
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        parse_yaml: bool | Callable[[str], Any] = True,
        connect_timeout: float | None = ...,
        *,
        encoding: str = "utf-8",
        reply_timeout: float | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self: Connection[bytes],
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        parse_yaml: bool | Callable[[str], Any] = True,
        connect_timeout: float | None = ...,
        *,
        encoding: None,
        reply_timeout: float | None = None,
    ) -> None: ...

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        parse_yaml: bool | Callable[[str], Any] = True,
        connect_timeout: float | None = socket.getdefaulttimeout(),
        *,
        encoding: str | None = "utf-8",
        reply_timeout: float | None = None,
    ) -> None:
        """Connect. SocketError if no server answers.

        `parse_yaml`: whether reports (stats, lists of tubes) are read with PyYAML; False leaves them text, a function
        is given that text. `connect_timeout`: seconds to wait for the connection; None for any. `encoding`: of bodies;
        bytes that are none in it become surrogates and are put as the same bytes again; None for bodies that are bytes.
        LookupError if there is none of that name. `reply_timeout`: seconds to wait for each answer, beyond the time
        that a reserve may wait for a job; None for any.
        """
        self.host = host
        self.port = port
        self._connect_timeout = connect_timeout
        self._reply_timeout = reply_timeout
        self._bodies = Bodies(encoding)
        self._parse = reports.parser(parse_yaml)
        self._conversation: Conversation | None = None
        self.connect()

    def __enter__(self) -> Connection[AnyStr]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- the connection --

    def connect(self) -> None:
        """Connect anew: as any new client it uses and watches `default`, and holds no jobs."""
        self._used, self._watched = _FIRST_TUBE, [_FIRST_TUBE]
        self._dial()

    def close(self) -> None:
        """End the connection, if there is one; the jobs that are reserved here are the server's again."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.close()

    def reconnect(self) -> None:
        """Connect anew, then use and watch the same tubes as before."""
        self._dial()
        try:
            self._ask(commands.USE, self._used)
            for tube in self._watched:
                self._ask(commands.WATCH, tube)
            if _FIRST_TUBE not in self._watched:
                self._ask(commands.IGNORE, _FIRST_TUBE)
        except BaseException:
            self.close()  # half of the tubes would be worse than no connection
            raise

    # -- jobs --

    def put(
        self, body: AnyStr | bytes, priority: int = DEFAULT_PRIORITY, delay: int = 0, ttr: int = DEFAULT_TTR
    ) -> int:
        """Put a job into the tube that is used, ready after `delay` seconds; returns its id.

        `ttr`: seconds that it may stay reserved. AssertionError if the body is neither text nor bytes; CommandFailed
        if the server finds it too big, is draining, or has buried it for want of memory (its id is in `results`).
        """
        data = self._bodies.written(body)
        numbers = b"%d %d %d %d" % (priority, delay, ttr, len(data))
        if not all(0 <= int(number) < 2**32 for number in numbers.split()):
            # As the server would say; but it would then take the body for commands.
            raise UnexpectedResponse(commands.PUT.word, "BAD_FORMAT", [])
        return self._number(commands.PUT, numbers, data)

    @overload
    def reserve(self, timeout: None = None) -> Job[AnyStr]: ...

    @overload
    def reserve(self, timeout: int) -> Job[AnyStr] | None: ...

    def reserve(self, timeout: int | None = None) -> Job[AnyStr] | None:
        """A job from one of the tubes that are watched; None if there is none for `timeout` seconds.

        Without a timeout it waits until there is one. DeadlineSoon if a job that is reserved here has less than a
        second left meanwhile.
        """
        try:
            if timeout is None:
                return self._job(commands.RESERVE, wait=None)
            return self._job(commands.RESERVE_WITH_TIMEOUT, timeout, wait=timeout)
        except CommandFailed as error:
            if error.status == "TIMED_OUT":
                return None
            raise DeadlineSoon("settle or touch the jobs that are reserved here: one has less than a second") from None

    def reserve_job(self, jid: int) -> Job[AnyStr] | None:
        """That job, of whatever tube, if it is ready, delayed or buried; None if it is reserved or gone.

        The server must know the command (beanstalkd does since 1.12).
        """
        return self._job_or_none(commands.RESERVE_JOB, jid)

    def peek(self, jid: int) -> Job[AnyStr] | None:
        """Look at a job; None if it is gone."""
        return self._job_or_none(commands.PEEK, jid)

    def peek_ready(self) -> Job[AnyStr] | None:
        """Look at the next ready job of the tube that is used; None if it has none."""
        return self._job_or_none(commands.PEEK_READY)

    def peek_delayed(self) -> Job[AnyStr] | None:
        """Look at the delayed job of the tube that is used which is ready next; None if it has none."""
        return self._job_or_none(commands.PEEK_DELAYED)

    def peek_buried(self) -> Job[AnyStr] | None:
        """Look at the job of the tube that is used which was buried first; None if it has none."""
        return self._job_or_none(commands.PEEK_BURIED)

    def kick(self, bound: int = 1) -> int:
        """Make up to so many jobs of the tube that is used ready: buried ones, or delayed ones if none is buried.

        Returns how many.
        """
        return self._number(commands.KICK, bound)

    def kick_job(self, jid: int) -> None:
        """Make a buried or delayed job ready. CommandFailed if it is neither."""
        self._ask(commands.KICK_JOB, jid)

    def delete(self, jid: int) -> None:
        """Delete a job. CommandFailed if it is gone, or reserved by somebody else."""
        self._ask(commands.DELETE, jid)

    def release(self, jid: int, priority: int = DEFAULT_PRIORITY, delay: int = 0) -> None:
        """Give a job back to its tube, ready after `delay` seconds. CommandFailed if it is not reserved here.

        A server that has no memory to queue it buries it instead.
        """
        try:
            self._ask(commands.RELEASE, jid, priority, delay)
        except CommandFailed as error:
            if error.status != "BURIED":
                raise

    def bury(self, jid: int, priority: int = DEFAULT_PRIORITY) -> None:
        """Put a job aside until it is kicked. CommandFailed if it is not reserved here."""
        self._ask(commands.BURY, jid, priority)

    def touch(self, jid: int) -> None:
        """Let the time to run of a job begin again. CommandFailed if it is not reserved here."""
        self._ask(commands.TOUCH, jid)

    def stats_job(self, jid: int) -> Any:
        """What the server knows of a job: a dict, or what `parse_yaml` makes of it. CommandFailed if it is gone."""
        return self._report(commands.STATS_JOB, jid)

    def priority_of(self, jid: int) -> int:
        """A job's own priority, whatever `parse_yaml` is. CommandFailed if the job is gone."""
        return reports.priority(_report(self._ask(commands.STATS_JOB, jid)))

    # -- tubes --

    def tubes(self) -> Any:
        """The names of all tubes: a list, or what `parse_yaml` makes of it."""
        return self._report(commands.LIST_TUBES)

    def using(self) -> str:
        """The tube into which jobs are put."""
        return self._ask(commands.LIST_TUBE_USED).words[0]

    def use(self, name: str) -> str:
        """Put jobs into that tube from now on; returns its name."""
        used = self._ask(commands.USE, name).words[0]
        self._used = name
        return used

    def watching(self) -> Any:
        """The names of the tubes that jobs are reserved from: a list, or what `parse_yaml` makes of it."""
        return self._report(commands.LIST_TUBES_WATCHED)

    def watch(self, name: str) -> int:
        """Reserve jobs from that tube, too; returns how many are watched."""
        count = self._number(commands.WATCH, name)
        if name not in self._watched:
            self._watched.append(name)
        return count

    def ignore(self, name: str) -> int:
        """Reserve no jobs from that tube any more, unless it is the last one; returns how many are watched."""
        try:
            count = self._number(commands.IGNORE, name)
        except CommandFailed:
            return 1
        if name in self._watched:
            self._watched.remove(name)
        return count

    def pause_tube(self, name: str, delay: int) -> None:
        """Let nobody reserve from a tube for `delay` seconds; 0 ends a pause. CommandFailed if there is none."""
        self._ask(commands.PAUSE_TUBE, name, delay)

    # -- reports --

    def stats(self) -> Any:
        """What the server knows of itself: a dict, or what `parse_yaml` makes of it."""
        return self._report(commands.STATS)

    def stats_tube(self, name: str) -> Any:
        """What it knows of a tube: a dict, or what `parse_yaml` makes of it. CommandFailed if there is no such tube."""
        return self._report(commands.STATS_TUBE, name)

    # -- how it is done --

    def _dial(self) -> None:
        self.close()
        self._conversation = Conversation(self.host, self.port, self._connect_timeout, self._reply_timeout)

    def _ask(self, command: Command, *arguments: int | str | bytes, wait: float | None = 0.0) -> Answer:
        if self._conversation is None or self._conversation.ended:
            raise SocketError(f"the connection to {self.host}:{self.port} is closed; reconnect() makes another")
        plain = [_name(command, argument) if isinstance(argument, str) else argument for argument in arguments]
        return self._conversation.ask(command, *plain, wait=wait)

    def _number(self, command: Command, *arguments: int | str | bytes) -> int:
        return int(self._ask(command, *arguments).words[0])

    def _job(self, command: Command, *arguments: int, wait: float | None = 0.0) -> Job[AnyStr]:
        answer = self._ask(command, *arguments, wait=wait)
        body = cast("AnyStr", self._bodies.read(answer.body))
        return Job(self, int(answer.words[0]), body, reserved=command.expected == b"RESERVED")

    def _job_or_none(self, command: Command, *arguments: int) -> Job[AnyStr] | None:
        try:
            return self._job(command, *arguments)
        except CommandFailed:
            return None

    def _report(self, command: Command, *arguments: int | str) -> Any:
        return self._parse(_report(self._ask(command, *arguments)))


def _name(command: Command, tube: str) -> bytes:
    """A tube's name for the line of a command; whether it is one is the server's to say."""
    if not tube.isascii() or "\r" in tube or "\n" in tube:  # the rest would be another command
        raise UnexpectedResponse(command.word, "BAD_FORMAT", [])
    return tube.encode()


def _report(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")
