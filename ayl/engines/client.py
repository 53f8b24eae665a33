"""greenstalk's client with timeouts, several puts in one write, and a reserve in two steps.

Nothing here parses the protocol: greenstalk reads every answer.
"""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import greenstalk

from ayl.engines.base import Submission
from ayl.engines.prompt import PromptSocket
from ayl.errors import NotConfigured, Unreachable

DEFAULT_PORT = 11300

Address = tuple[str, int] | str


def parse_url(url: str) -> Address:
    """(host, port), or the path of a Unix socket; NotConfigured if the URL makes no sense."""
    try:
        parts = urlsplit(url)
        if not url.startswith("beanstalk://") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("use beanstalk://HOST:PORT or beanstalk:///PATH/OF/SOCKET")
        if parts.path.strip("/"):
            if parts.netloc:
                raise ValueError("a host or a path, not both")
            return parts.path
        host, port = parts.hostname or "127.0.0.1", parts.port
        host.encode("idna")  # a name that cannot even be looked up
        if port == 0:
            raise ValueError("0 is no port to connect to")
        return host, port or DEFAULT_PORT
    except ValueError as error:
        raise NotConfigured(f"cannot understand the engine {url!r}: {error}") from None


REFUSALS = (
    greenstalk.BuriedError,
    greenstalk.DrainingError,
    greenstalk.InternalError,
    greenstalk.JobTooBigError,
    greenstalk.OutOfMemoryError,
)
"""Answers that decline one put and leave the conversation in order."""

TROUBLE = (OSError, AssertionError, ValueError, greenstalk.Error)
"""What greenstalk raises when the connection breaks, and when what answers is no such server. The connection is then
of no use: nobody knows which answer belongs to which command."""


class Client(greenstalk.Client[bytes]):
    """One connection. Any ConnectionError or timeout leaves it unusable: close it and make another."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._prompt = _connected(address, timeout)
        try:
            super().__init__(self._prompt, encoding=None)
        except OSError as error:  # the peer hung up at once: then greenstalk cannot ask for its address
            self._prompt.close()
            raise unreachable(address, error) from None
        self._used = greenstalk.DEFAULT_TUBE
        self._consumed = 0  # bytes of the replies read so far

    def __del__(self) -> None:
        # A thread's connection ends with the thread, without a word to anybody.
        if hasattr(self, "_reader"):
            self.close()

    def fileno(self) -> int:
        """For selectors: readable when an answer has begun to arrive."""
        return self._sock.fileno()

    def put_many(self, submissions: Sequence[Submission], outcomes: list[int | greenstalk.Error]) -> None:
        """Put all of these in one write; for each its job id, or the server's refusal, is appended to `outcomes`.

        So after a ConnectionError the caller knows which were answered. The answers wait in the socket's buffers
        until all is written, so the caller bounds how many there are.
        """
        commands, answers = self._commands(submissions)
        self._sock.sendall(b"".join(commands))
        for expected in answers:
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

    def _commands(self, submissions: Sequence[Submission]) -> tuple[list[bytes], list[bytes]]:
        commands, answers = [], []
        for body, tube, priority, delay, time_to_run, _, _ in submissions:
            if tube != self._used:
                commands.append(b"use %b\r\n" % tube.encode("ascii"))
                answers.append(b"USING")
                self._used = tube
            commands.append(b"put %d %d %d %d\r\n%b\r\n" % (priority, delay, time_to_run, len(body), body))
            answers.append(b"INSERTED")
        return commands, answers

    def begin_reserve(self) -> None:
        """Ask for a job; `finish_reserve` reads the answer once there is one."""
        self._sock.sendall(b"reserve\r\n")

    @property
    def has_answer(self) -> bool:
        """Whether some of an answer has been received already: then the socket need not become readable for it."""
        return self._prompt.received > self._consumed

    def finish_reserve(self) -> tuple[int, bytes]:
        """(job id, body). Raises greenstalk.DeadlineSoonError or TimedOutError as the server answers."""
        self._prompt.restart()
        job_id, size = self._answer(b"RESERVED")
        return int(job_id), self._read_chunk(int(size))

    def settle(self, command: bytes, expected: bytes, *, then_reserve: bool = False) -> bool:
        """Delete, release, bury or touch; False if the lease was lost before.

        `then_reserve` begins a reserve in the same write.
        """
        self._sock.sendall(command + (b"\r\nreserve\r\n" if then_reserve else b"\r\n"))
        try:
            self._answer(expected)
        except greenstalk.NotFoundError:
            return False
        return True

    def state(self, job_id: int) -> str | None:
        """ready, reserved, delayed or buried; None if there is no such job."""
        try:
            return str(self.stats_job(job_id)["state"])
        except greenstalk.NotFoundError:
            return None

    def _send_cmd(self, cmd: bytes, expected: bytes) -> list[bytes]:
        self._sock.sendall(cmd + b"\r\n")
        return self._answer(expected)

    def _answer(self, expected: bytes) -> list[bytes]:
        line = self._reader.readline()
        self._consumed += len(line)
        return greenstalk._parse_response(line, expected)

    def _read_chunk(self, size: int) -> bytes:
        chunk = super()._read_chunk(size)
        self._consumed += size + 2
        return chunk


def _connected(address: Address, timeout: float) -> PromptSocket:
    try:
        if not isinstance(address, str):
            return _tuned(socket.create_connection(address, timeout), timeout)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return PromptSocket(sock, timeout)
    except (OSError, UnicodeError) as error:
        raise unreachable(address, error) from None


def _tuned(sock: socket.socket, timeout: float) -> PromptSocket:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return PromptSocket(sock, timeout)


def unreachable(address: Address, error: Exception) -> Unreachable:
    """The error for a server that does not answer, or for something there that is none."""
    where = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
    if isinstance(error, TimeoutError):
        return Unreachable(f"the server at {where} does not answer in time; is it stopped, or no ayl_server?")
    if isinstance(error, OSError) and not isinstance(error, ConnectionResetError) and error.strerror:
        return Unreachable(f"no server answers at {where} ({error.strerror}); start one with: ayl_server")
    if isinstance(error, OSError):
        return Unreachable(f"the server at {where} hung up; start one with: ayl_server")
    if isinstance(error, greenstalk.BeanstalkdError):
        return Unreachable(f"the server at {where} answered with an error: {type(error).__name__[:-5]}")
    return Unreachable(f"what answers at {where} is no server such as ayl_server or beanstalkd")
