"""One client's stream: bytes in, commands run, replies out. No socket.

What the driver owes a connection: hand in every byte in order (`receive`), tell of a half-close
(`end_of_input`) and of the end (`lost`), send whatever `take_output` returns before anything else
happens to that socket, close once `closing` is true and the output is out, stop reading while
`wants_input` is false, and call `resume` while `held_back` is true: after output was sent, and when
the session was woken.
"""

from collections.abc import Callable
from typing import Final

from ayl_server.broker import Broker
from ayl_server.commands import WHOLE_LINE, WITH_ARGUMENTS, find
from ayl_server.model import Job
from ayl_server.protocol import (
    BAD_FORMAT,
    DRAINING,
    EXPECTED_CRLF,
    JOB_TOO_BIG,
    LINE_LIMIT,
    OUT_OF_MEMORY,
    UNKNOWN_COMMAND,
    Header,
    put_header,
)

INPUT_LIMIT: Final = 64 * 1024
"""Bytes kept for a client whose commands cannot run now before its socket is left unread."""

OUTPUT_LIMIT: Final = 256 * 1024
"""Bytes of replies after which further commands of this client wait until those are sent."""

REPLY_COST: Final = 100
"""What each reply counts as besides its bytes: it takes time, in which nobody else is served, and an object."""

HEADERS_KEPT: Final = 1024
"""How many different put lines are remembered."""

CR: Final = 0x0D
LF: Final = 0x0A

Trace = Callable[[str], None]


class Upload:
    """A job whose body is still arriving."""

    __slots__ = ("body", "job", "missing", "size")

    def __init__(self, job: Job, size: int) -> None:
        self.job = job
        self.body = bytearray()  # one piece, because many small ones take many times as much
        self.size = size  # of the body
        self.missing = size + 2  # with its CR LF


class Connection:
    """The stream of one session."""

    __slots__ = (
        "backlog",  # input that came while no command could run
        "broker",
        "buffer",  # input being worked on
        "closing",  # the driver must close once the output is out
        "overlong",  # in a line that is longer than the limit
        "position",  # where in `buffer` the next line begins
        "refusal",  # the reply to a put whose body is being thrown away
        "session",
        "skip",  # bytes of a refused body still to be thrown away
        "stalled",  # complete commands may stand in `buffer` or `backlog`
        "tail",  # the last two of those that were
        "trace",  # for -VV
        "unsent",  # what the replies since the last take_output count as
        "upload",
    )

    def __init__(self, broker: Broker, trace: Trace | None = None) -> None:
        self.broker = broker
        self.session = broker.connect()
        self.trace = trace
        self.buffer = b""
        self.position = 0
        self.backlog = bytearray()
        self.upload: Upload | None = None
        self.skip = 0
        self.refusal = JOB_TOO_BIG
        self.tail = b""
        self.overlong = False
        self.stalled = False
        self.unsent = 0
        self.closing = False

    # What the driver calls

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come."""
        if self.closing:
            return
        if self.stalled or self.blocked:  # what came before goes first
            self.backlog += data
            self.stalled = True
            return
        self.buffer = self.buffer[self.position :] + data if self.buffer else data
        self.position = 0
        if self.broker.timers.earliest <= now:
            self._catch_up(now)
        self._run(now)

    def resume(self, now: float) -> None:
        """Go on with input that had to wait."""
        if self.closing or self.blocked:
            return
        if self.backlog:
            self.buffer = self.buffer[self.position :] + bytes(self.backlog)
            self.position = 0
            self.backlog.clear()
        self._catch_up(now)
        self._run(now)

    def end_of_input(self, now: float) -> None:
        """The client will send no more; what it has sent is still executed and answered."""
        self.broker.end_input(self.session)
        self.stalled = True  # if nothing else is left to do, then to close
        self.resume(now)

    def lost(self, now: float) -> None:
        """The client is gone."""
        self.closing = True
        self.broker.disconnect(self.session, now)
        if self.upload is not None:
            self.broker.memory -= self.upload.size
            self.upload = None

    def take_output(self) -> bytes:
        """The replies so far, joined, to be sent in one write."""
        out = self.session.out
        if not out:
            return b""
        if self.trace is not None:
            for reply in out:
                self.trace("reply " + _printable(reply.partition(b"\r\n")[0]))
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.unsent = 0
        return data

    @property
    def blocked(self) -> bool:
        """Whether no command can run now: a reserve waits, or too much output does."""
        return self.session.waiting or self.unsent > OUTPUT_LIMIT

    @property
    def held_back(self) -> bool:
        """Whether `resume` has something to go on with."""
        return self.stalled and not (self.closing or self.blocked)

    @property
    def wants_input(self) -> bool:
        """Whether the driver should read on."""
        return not self.stalled or len(self.buffer) - self.position + len(self.backlog) < INPUT_LIMIT

    # The stream

    def _catch_up(self, now: float) -> None:
        """What has fallen due comes before what is asked now."""
        deadline = self.broker.next_deadline()
        if deadline is not None and deadline <= now:
            self.broker.tick(now)

    def _run(self, now: float) -> None:
        """Execute the complete commands of the buffer, but not too many in one go."""
        self.stalled = False
        if (self.upload or self.skip or self.overlong) and not self._go_on(now):
            self._forget_consumed()
            self._close_if_ended()
            return
        broker, session, trace = self.broker, self.session, self.trace
        out, buffer, headers = session.out, self.buffer, broker.headers
        unsent = self.unsent
        while True:
            start = self.position
            end = buffer.find(b"\r\n", start)
            if end < 0:
                self._keep_partial_line()
                break
            if unsent > OUTPUT_LIMIT:
                self.stalled = True
                break
            line = buffer[start:end]
            self.position = end + 2
            if trace is not None:
                trace("command " + _printable(line))
            reply: bytes | None
            if (header := headers.get(line)) is not None:
                reply = self._put(header, now)
            elif (command := WHOLE_LINE.get(line)) is not None:
                reply = command(broker, session, b"", now)
            elif len(line) > LINE_LIMIT - 2:
                reply = BAD_FORMAT
            else:
                word, blank, rest = line.partition(b" ")
                if blank and (command := WITH_ARGUMENTS.get(word)) is not None:
                    reply = command(broker, session, rest, now)
                else:
                    reply = self._unusual(line, now)
            if reply is None:
                self.stalled = session.waiting
                self._forget_consumed()
                break
            out.append(reply)
            unsent += len(reply) + REPLY_COST
        self.unsent = unsent
        self._close_if_ended()

    def _put(self, header: Header, now: float) -> bytes | None:
        """The reply to a put whose line is fine, or None while its body is still to come."""
        broker, session, buffer = self.broker, self.session, self.buffer
        pri, delay, ttr, size = header
        broker.counts[b"put"] += 1
        if size > broker.max_job_size:
            return self._swallow(size + 2, JOB_TOO_BIG)
        if not session.producer:
            session.producer = True
            broker.producers += 1
        broker.last_id = job_id = broker.last_id + 1
        start = self.position
        stop = start + size
        if len(buffer) < stop + 2:
            if not broker.has_memory(size):
                broker.refused += 1
                return self._swallow(size + 2, OUT_OF_MEMORY)
            broker.memory += size
            self.upload = Upload(Job(job_id, pri, delay, ttr, b"", session.use, now), size)
            self._upload_more()
            return None
        self.position = stop + 2
        if buffer[stop] != CR or buffer[stop + 1] != LF:
            return EXPECTED_CRLF
        if broker.draining:
            return DRAINING
        if not broker.put(Job(job_id, pri, delay, ttr, buffer[start:stop], session.use, now), now):
            return OUT_OF_MEMORY
        return b"INSERTED %d\r\n" % job_id

    def _first_put(self, line: bytes, now: float) -> bytes | None:
        """A put line that is not among the remembered ones."""
        found = put_header(line)
        if found is None:
            return BAD_FORMAT
        header, garbage = found
        # In the original the size is looked at, and the command counted, before what stands behind it.
        if garbage and header[3] <= self.broker.max_job_size:
            self.broker.counts[b"put"] += 1
            return BAD_FORMAT
        if not garbage:
            headers = self.broker.headers
            if len(headers) >= HEADERS_KEPT:
                headers.clear()
            headers[line] = header
        return self._put(header, now)

    def _unusual(self, line: bytes, now: float) -> bytes | None:
        """Lines that are no command to the letter: some the original takes for one all the same."""
        if b"\0" in line:
            return BAD_FORMAT
        if line.startswith(b"put "):
            return self._first_put(line, now)
        if line.startswith(b"quit"):
            self.lost(now)
            return None
        found = find(line)
        if found is None:
            return UNKNOWN_COMMAND
        command, rest = found
        return command(self.broker, self.session, rest, now)

    def _keep_partial_line(self) -> None:
        """No line end in sight: keep what has come, unless the line is too long already."""
        buffer = self.buffer
        left = len(buffer) - self.position
        self.overlong = left >= LINE_LIMIT
        if self.overlong:
            # Only a CR at the very end can still be part of the line's end.
            self.buffer = buffer[-1:] if buffer.endswith(b"\r") else b""
        else:
            self.buffer = buffer[self.position :] if left else b""
        self.position = 0

    def _go_on(self, now: float) -> bool:
        """Continue a body or an over-long line; whether the next command may be looked at."""
        if self.upload is not None:
            self._upload_more()
            if self.upload.missing:
                return False
            reply = self._end_upload(self.upload, now)
        elif self.skip:
            if self._skip_more():
                return False
            reply = self._refuse()
        else:
            end = self.buffer.find(b"\r\n", self.position)
            if end < 0:
                self._keep_partial_line()
                self.overlong = True
                return False
            self.position = end + 2
            self.overlong = False
            reply = BAD_FORMAT
        self.session.out.append(reply)
        self.unsent += len(reply) + REPLY_COST
        return True

    def _take(self, size: int) -> bytes:
        """Up to `size` bytes of the buffer."""
        data = self.buffer[self.position : self.position + size]
        self.position += len(data)
        return data

    def _forget_consumed(self) -> None:
        """Let go of a buffer that is used up, which may be large."""
        if self.position >= len(self.buffer):
            self.buffer = b""
            self.position = 0

    def _swallow(self, size: int, refusal: bytes) -> bytes | None:
        """Throw a body away; its refusal, or None while more of it is to come."""
        self.skip = size
        self.refusal = refusal
        self.tail = b""
        return None if self._skip_more() else self._refuse()

    def _skip_more(self) -> int:
        data = self._take(self.skip)
        self.tail = (self.tail + data[-2:])[-2:]
        self.skip -= len(data)
        return self.skip

    def _refuse(self) -> bytes:
        """As where the whole body came at once: only a size over the limit is looked at before the body's end."""
        if self.refusal is OUT_OF_MEMORY:
            if self.tail != b"\r\n":
                return EXPECTED_CRLF
            if self.broker.draining:
                return DRAINING
        return self.refusal

    def _upload_more(self) -> None:
        upload = self.upload
        if upload is not None and (chunk := self._take(upload.missing)):
            upload.body += chunk
            upload.missing -= len(chunk)

    def _end_upload(self, upload: Upload, now: float) -> bytes:
        self.upload = None
        body = upload.body
        self.broker.memory -= len(body) - 2
        if not body.endswith(b"\r\n"):
            return EXPECTED_CRLF
        if self.broker.draining:
            return DRAINING
        upload.job.body = bytes(body[:-2])
        upload.job.created = now
        if not self.broker.put(upload.job, now):
            return OUT_OF_MEMORY
        return b"INSERTED %d\r\n" % upload.job.id

    def _close_if_ended(self) -> None:
        if self.session.ended and not self.stalled:
            self.closing = True


def _printable(line: bytes) -> str:
    """What a client sent, for the log: it must not be able to begin a line of its own there."""
    text = line.decode("ascii", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
