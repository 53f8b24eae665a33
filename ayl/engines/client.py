"""greenstalk's client with timeouts, several puts in one write, and a reserve in two steps.

Nothing here parses the protocol: greenstalk reads every answer, but the usual one to a single put.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import greenstalk

from ayl.engines.addresses import DEFAULT_PORT, Address
from ayl.engines.prompt import PromptSocket
from ayl.errors import Unreachable

if TYPE_CHECKING:
    from ayl.engines.submissions import Submission
    from ayl.engines.tls import PromptTlsSocket

WORDS: dict[type[greenstalk.Error], str] = {
    greenstalk.JobTooBigError: "the message is larger than the server allows (its option -z)",
    greenstalk.DrainingError: "the server is draining: it takes no new jobs",
    greenstalk.OutOfMemoryError: "the server is out of memory",
    greenstalk.InternalError: "the server reports an internal error of its own",
    greenstalk.BuriedError: "the server had no room to queue the message",
}
"""Answers that decline one put and leave the conversation in order, and what they mean."""

REFUSALS: tuple[type[greenstalk.Error], ...] = (*WORDS,)

UNOFFERED: tuple[type[greenstalk.Error], ...] = (
    *REFUSALS,
    greenstalk.BadFormatError,
    greenstalk.NotFoundError,
    greenstalk.UnknownCommandError,
)
"""Answers to a command that a server does not know or carry out."""

NO_JOB = (greenstalk.DeadlineSoonError, greenstalk.TimedOutError)
"""Answers to a reserve that bring nothing."""

TROUBLE = (OSError, AssertionError, ValueError, greenstalk.Error)
"""What greenstalk raises when the connection breaks, and when what answers is no such server. The connection is then
of no use: nobody knows which answer belongs to which command."""

PUT = b"put %d %d %d %d\r\n%b\r\n"

LONGEST_LINE = 1 << 12
"""Bytes of a reply's first line; those of a server have at most some 220. What floods its client is none."""

MOST_TURNS = 200
"""Tubes that are watched or ignored in one write: their answers have room in the socket's buffers."""

LARGEST_CHUNK = 1 << 30
"""Bytes behind that line: no server can be told to take larger jobs."""


class Attention(Protocol):
    """What a connection watches now."""

    @property
    def longest_wait(self) -> int | None:
        """Seconds after which it has to look again, if it waits; None for any."""

    def look(self, tubes: Callable[[], Sequence[str]]) -> None:
        """Whether there are other tubes, if it is time. `tubes` asks the server for the names of all."""

    def turn_to(self, lane: int | None) -> list[bytes] | None:
        """The commands after which it watches that lane, or all of them; None if the lane has no tubes."""


class Client(greenstalk.Client[bytes]):
    """One connection. Any ConnectionError or timeout leaves it unusable: close it and make another."""

    def __init__(self, connected: "PromptSocket | PromptTlsSocket") -> None:
        """Takes over a connected socket; raises OSError if that has been hung up meanwhile."""
        try:
            super().__init__(connected, encoding=None)
        except BaseException:
            connected.close()
            raise
        self.prompt = connected
        if not isinstance(connected, PromptSocket):
            connected.reader = self._reader
        self._used = greenstalk.DEFAULT_TUBE
        self.in_use = False
        """In the middle of a conversation."""
        self.attention: Attention | None = None
        """Of one that does not watch the same tubes all the time."""
        self._consumed = 0  # bytes of the replies read so far

    def fileno(self) -> int:
        """For selectors: readable when an answer has begun to arrive."""
        return self._sock.fileno()

    def put_many(self, submissions: "Sequence[Submission]", outcomes: list[int | greenstalk.Error]) -> None:
        """Put all of these in one write; for each its job id, or the server's refusal, is appended to `outcomes`.

        So after a ConnectionError the caller knows which were answered. The answers wait in the socket's buffers
        until all is written, so the caller bounds how many there are.
        """
        commands, answers = self._commands(submissions)
        self._sock.sendall(b"".join(commands))
        for number, expected in enumerate(answers):
            if number:
                self.prompt.next_reply()
            try:
                values = self._answer(expected)
            except REFUSALS as error:
                if expected == b"USING":
                    raise  # the puts behind it went to another tube: this conversation cannot be trusted
                outcomes.append(error)
            else:
                if expected == b"INSERTED":
                    (job_id,) = values
                    outcomes.append(int(job_id))

    def put_one(self, submission: "Submission") -> int | greenstalk.Error:
        """As `put_many`: the way of most calls, without what only several need."""
        if submission.tube != self._used:
            outcomes: list[int | greenstalk.Error] = []
            self.put_many((submission,), outcomes)
            return outcomes[0]
        body = submission.body
        self.prompt.sendall(PUT % (submission.priority, submission.delay, submission.time_to_run, len(body), body))
        line = self._reader.readline(LONGEST_LINE)
        self._consumed += len(line)
        if line[:9] == b"INSERTED " and line[-2:] == b"\r\n":
            return int(line[9:])  # as greenstalk does it, in a quarter of the time
        try:
            (job_id,) = greenstalk._parse_response(line, b"INSERTED")
        except REFUSALS as error:
            return error
        return int(job_id)

    def _commands(self, submissions: "Sequence[Submission]") -> tuple[list[bytes], list[bytes]]:
        commands, answers = [], []
        for submission in submissions:
            if submission.tube != self._used:
                commands.append(b"use %b\r\n" % submission.tube.encode("ascii"))
                answers.append(b"USING")
                self._used = submission.tube
            body = submission.body
            commands.append(PUT % (submission.priority, submission.delay, submission.time_to_run, len(body), body))
            answers.append(b"INSERTED")
        return commands, answers

    def prove(self) -> None:
        """Ask something that only such a server answers; raises what greenstalk does when it is none."""
        (tube,) = self._send_cmd(b"list-tube-used", b"USING")
        if tube != self._used.encode("ascii"):
            raise greenstalk.UnknownResponseError(b"USING", [tube])

    def look(self) -> None:
        """Find out whether there are tubes that are to be watched, if it is time for that."""
        if self.attention is not None:
            self.attention.look(self.tubes)

    def turn_to(self, lane: int | None) -> bool:
        """Watch the tubes of that lane, or of all; False if it has none."""
        if self.attention is None:
            return True
        commands = self.attention.turn_to(lane)
        if commands is None:
            return False
        for first in range(0, len(commands), MOST_TURNS):
            some = commands[first : first + MOST_TURNS]
            self._sock.sendall(b"".join(some))
            for _ in some:
                self._answer(b"WATCHING")
                self.prompt.next_reply()
        return True

    def begin_reserve(self, seconds: int) -> None:
        """Ask for a job; `finish_reserve` reads the answer once there is one, or when the server has waited so long."""
        self._sock.sendall(self._reserve(seconds))

    def _reserve(self, seconds: int) -> bytes:
        longest = None if self.attention is None else self.attention.longest_wait
        return b"reserve-with-timeout %d\r\n" % (seconds if longest is None else min(seconds, longest))

    @property
    def has_answer(self) -> bool:
        """Whether some of an answer has been received already: then the socket need not become readable for it."""
        return self.prompt.received > self._consumed

    def is_answered(self) -> bool:
        """The same, once the socket is readable."""
        return self.has_answer or self.prompt.has_begun()

    def finish_reserve(self) -> tuple[int, bytes]:
        """(job id, body). Raises greenstalk.DeadlineSoonError or TimedOutError as the server answers."""
        self.prompt.restart()
        job_id, size = self._answer(b"RESERVED")
        return int(job_id), self._read_chunk(int(size))

    def settle(self, command: bytes, expected: bytes) -> bool:
        """Delete, release, bury or touch; False if the lease was lost before."""
        try:
            self._send_cmd(command, expected)
        except greenstalk.NotFoundError:
            return False
        return True

    def replace(self, job_id: int, successor: "Submission", *, buried: bool = False) -> int | greenstalk.Error | None:
        """Put a job in the place of one that is held. Its id; None if the lease was lost before; or why it was refused.

        One write would not do: the second half of it, the delete, would also be done when the put is refused. A job
        that is to be `buried` is put with a delay, so that nobody else takes it, then reserved by its id and buried.
        """
        if not self.settle(b"touch %d" % job_id, b"TOUCHED"):
            return None
        answers: list[int | greenstalk.Error] = []
        self.put_many((successor,), answers)
        (new,) = answers
        if isinstance(new, greenstalk.BuriedError) and new.id is not None:
            self.settle(b"delete %d" % new.id, b"DELETED")
        if not isinstance(new, int):
            return new
        if buried and (refusal := self._bury_new(new, successor.priority)) is not None:
            self.settle(b"delete %d" % new, b"DELETED")
            return refusal
        if self.settle(b"delete %d" % job_id, b"DELETED"):
            return new
        self.settle(b"delete %d" % new, b"DELETED")  # the job is another worker's, who is to settle it
        return None

    def swap(self, job_id: int, successor: "Submission") -> int | greenstalk.Error | None:
        """As `replace`, and the new job is held by this connection.

        It is deleted before the new one is held: else who dies between the two would leave a job behind that looks as
        if its call had been begun with.
        """
        try:
            self.settle(b"reserve-job 0", b"RESERVED")  # which is there never: to see whether it is understood
        except UNOFFERED as error:
            return error
        answer = self.replace(job_id, successor)
        if not isinstance(answer, int):
            return answer
        try:
            self.reserve_job(answer)
        except greenstalk.NotFoundError:
            return None
        return answer

    def _bury_new(self, job_id: int, priority: int) -> greenstalk.Error | None:
        """Bury a job that was just put; what the server says if it cannot, as those before 1.12."""
        try:
            self.reserve_job(job_id)
            held = self.settle(b"bury %d %d" % (job_id, priority), b"BURIED")
        except UNOFFERED as error:
            return error
        return None if held else greenstalk.NotFoundError()

    def begin_portion(self, job_ids: Sequence[int], ready: int, *, wait: int = 0) -> None:
        """Delete these jobs and reserve up to so many that are ready now, in one write; `finish_portion` reads the
        answers. `wait` begins a reserve of so many seconds behind them.
        """
        commands = [b"delete %d\r\n" % job_id for job_id in job_ids]
        commands += [b"reserve-with-timeout 0\r\n"] * ready
        if wait:
            commands.append(self._reserve(wait))
        self._sock.sendall(b"".join(commands))

    def finish_portion(self, deletes: int, ready: int) -> tuple[list[bool], list[tuple[int, bytes]]]:
        """Which of the former were still there, and (job id, body) of the latter."""
        self.prompt.restart()
        held, came = [], []
        if deletes and self._reader.peek(1).startswith(expected := b"DELETED\r\n" * deletes):
            # Nearly always. To look at them one by one would take as long as a call.
            self._consumed += len(self._reader.read(len(expected)))
            held, deletes = [True] * deletes, 0
        for _ in range(deletes):
            self.prompt.next_reply()
            try:
                self._answer(b"DELETED")
            except greenstalk.NotFoundError:
                held.append(False)
            else:
                held.append(True)
        for _ in range(ready):
            self.prompt.next_reply()
            with suppress(*NO_JOB):
                job_id, size = self._answer(b"RESERVED")
                came.append((int(job_id), self._read_chunk(int(size))))
        return held, came

    def state(self, job_id: int) -> str | None:
        """ready, reserved, delayed or buried; None if there is no such job."""
        found = self.statistics(job_id)
        return None if found is None else str(found["state"])

    def statistics(self, job_id: int) -> greenstalk.StatsJob | None:
        """What the server knows of a job; None if it is gone."""
        try:
            return self.stats_job(job_id)
        except greenstalk.NotFoundError:
            return None

    def _send_cmd(self, cmd: bytes, expected: bytes) -> list[bytes]:
        self._sock.sendall(cmd + b"\r\n")
        return self._answer(expected)

    def _answer(self, expected: bytes) -> list[bytes]:
        line = self._reader.readline(LONGEST_LINE)
        self._consumed += len(line)
        return greenstalk._parse_response(line, expected)

    def _read_chunk(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_CHUNK:
            raise ValueError(f"{size} bytes are announced")
        chunk = super()._read_chunk(size)
        self._consumed += size + 2
        return chunk


HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def _cure(address: Address) -> str:
    """How to have a server at this address, as far as it can be told from here."""
    if address.path:
        return f"start one with: ayl_server -l unix:{address.path}"
    if address.host not in HERE:
        return "is the address right, and ayl_server running there?"
    return "start one with: ayl_server" + (f" -p {address.port}" if address.port != DEFAULT_PORT else "")


def unreachable(address: Address, error: Exception) -> Unreachable:
    """The error for a server that does not answer, or for something there that is none."""
    where = str(address)
    if isinstance(error, TimeoutError):
        return Unreachable(f"the server at {where} does not answer in time; is it stopped, or no ayl_server?")
    if (reason := _of_tls(error)) is not None:
        return Unreachable(
            f"no TLS with the server at {where}: {reason}; see docs/engines.md for ayl_server --tls-cert"
        )
    if isinstance(error, OSError) and not isinstance(error, ConnectionResetError) and error.strerror:
        return Unreachable(f"no server answers at {where} ({error.strerror}); {_cure(address)}")
    if isinstance(error, OSError):
        return Unreachable(f"the server at {where} hung up; {_cure(address)}")
    if isinstance(error, greenstalk.BeanstalkdError):
        return Unreachable(f"the server at {where} answered with an error: {type(error).__name__[:-5]}")
    return Unreachable(f"what answers at {where} is no server such as ayl_server or beanstalkd")


def _of_tls(error: Exception) -> str | None:
    """What an error of TLS says; None for any other. `ssl` itself is imported only where it is used."""
    if not hasattr(error, "library"):
        return None
    text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error)
    return text.lower().replace("_", " ") if text.isupper() else text
