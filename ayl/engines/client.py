"""greenstalk's client with timeouts, several puts in one write, and a reserve in two steps.

Nothing here parses the protocol: greenstalk reads every answer.
"""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import greenstalk

from ayl.engines.base import Submission
from ayl.errors import NotConfigured, Unreachable

DEFAULT_PORT = 11300

Address = tuple[str, int] | str


def parse_url(url: str) -> Address:
    """(host, port), or the path of a Unix socket; NotConfigured if the URL makes no sense."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "beanstalk" or parts.query or parts.fragment or parts.username:
            raise ValueError("use beanstalk://HOST:PORT or beanstalk:///PATH/OF/SOCKET")
        if parts.path.strip("/"):
            if parts.netloc:
                raise ValueError("a host or a path, not both")
            return parts.path
        return parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORT
    except ValueError as error:
        raise NotConfigured(f"cannot understand the engine {url!r}: {error}") from None


class Client(greenstalk.Client[bytes]):
    """One connection. Any ConnectionError or timeout leaves it unusable: close it and make another."""

    def __init__(self, address: Address, *, connect_timeout: float, answer_timeout: float | None) -> None:
        super().__init__(_connected(address, connect_timeout, answer_timeout), encoding=None)
        self._used = greenstalk.DEFAULT_TUBE

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
            except greenstalk.Error as error:
                if expected == b"USING":
                    raise
                outcomes.append(error)
            else:
                if expected == b"INSERTED":
                    outcomes.append(int(values[0]))

    def _commands(self, submissions: Sequence[Submission]) -> tuple[list[bytes], list[bytes]]:
        commands, answers = [], []
        for body, tube, priority, delay, time_to_run in submissions:
            if tube != self._used:
                commands.append(b"use %b\r\n" % tube.encode("ascii"))
                answers.append(b"USING")
                self._used = tube
            commands.append(b"put %d %d %d %d\r\n%b\r\n" % (priority, delay, time_to_run, len(body), body))
            answers.append(b"INSERTED")
        return commands, answers

    def begin_reserve(self) -> None:
        """Ask for a job; `finish_reserve` reads the answer once the socket is readable."""
        self._sock.sendall(b"reserve\r\n")

    def finish_reserve(self) -> tuple[int, bytes]:
        """(job id, body). Raises greenstalk.DeadlineSoonError or TimedOutError as the server answers."""
        job_id, size = self._answer(b"RESERVED")
        return int(job_id), self._read_chunk(int(size))

    def settle(self, command: bytes, expected: bytes) -> bool:
        """Delete, release, bury or touch; False if the lease was lost before."""
        try:
            self._send_cmd(command, expected)
        except greenstalk.NotFoundError:
            return False
        return True

    def _answer(self, expected: bytes) -> list[bytes]:
        return greenstalk._parse_response(self._reader.readline(), expected)


def _connected(address: Address, connect_timeout: float, answer_timeout: float | None) -> socket.socket:
    try:
        if isinstance(address, str):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(connect_timeout)
            sock.connect(address)
        else:
            sock = socket.create_connection(address, connect_timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError as error:
        raise unreachable(address, error) from None
    sock.settimeout(answer_timeout)
    return sock


def unreachable(address: Address, error: Exception) -> Unreachable:
    """The error for a server that does not answer."""
    where = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Unreachable(f"no server answers at {where} ({reason}); start one with: ayl_server")
