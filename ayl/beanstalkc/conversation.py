"""One connection to a server, on which each command is followed by its answer."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

import greenstalk

from ayl.beanstalkc.errors import CommandFailed, SocketError, UnexpectedResponse

LARGEST = 1 << 30
"""Bytes of a body: no server can be told to take larger ones."""

_WORDS = {error: word.decode() for word, error in greenstalk.ERROR_RESPONSES.items()}

_TROUBLE = (OSError, AssertionError, ValueError, LookupError)
"""What greenstalk raises when the connection breaks, and when what answers is no such server."""


class Command(NamedTuple):
    """A command of the protocol and what may be said to it."""

    form: bytes
    """To be filled in with its arguments; without the line's end."""
    expected: bytes
    declines: frozenset[str] = frozenset()
    """Refusals that programs reckon with; all others are unexpected."""
    has_body: bool = False
    """The answer's last word is the size of something that follows."""

    @property
    def word(self) -> str:
        return self.form.split()[0].decode()


class Answer(NamedTuple):
    """What the server has said."""

    words: list[str]
    """Behind the word that was expected."""
    body: bytes = b""


class Conversation:
    """A connection. Whatever comes between a command and the end of its answer ends it: half an answer would be taken
    for that of the next command."""

    def __init__(self, host: str, port: int, connect_timeout: float | None, reply_timeout: float | None) -> None:
        """Connect. SocketError if nothing listens there, or not within `connect_timeout` seconds.

        `reply_timeout`: seconds for an answer, beyond what the server is asked to wait; None for any.
        """
        self._place = f"{host}:{port}"
        self._reply_timeout = reply_timeout
        self._turn = Lock()
        try:
            self._socket = _connected(host, port, connect_timeout)
            self._client = greenstalk.Client(self._socket, encoding=None)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA refuses
            raise SocketError(f"cannot connect to {self._place}: {error}") from error

    @property
    def ended(self) -> bool:
        return self._socket.fileno() < 0

    def close(self) -> None:
        """End it; from any thread: one that waits for an answer gets a SocketError."""
        if self._turn.acquire(blocking=False):
            self._end()
            self._turn.release()
        else:
            with suppress(OSError):  # it is being closed over there
                self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, command: Command, *arguments: int | bytes, wait: float | None = 0.0) -> Answer:
        """Send the command and read the answer.

        `wait`: seconds that the server may take on purpose; None for any. Raises CommandFailed, UnexpectedResponse,
        SocketError; RuntimeError in the midst of another command.
        """
        line = command.form % arguments
        if not self._turn.acquire(blocking=False):
            raise RuntimeError(
                f"{command.word}: this connection waits for another answer; give each thread a connection of its own"
            )
        try:
            return self._exchange(line, command, wait)
        except greenstalk.UnknownResponseError as error:
            self._end()
            raise UnexpectedResponse(command.word, _text(error.status), [*map(_text, error.values)]) from None
        except greenstalk.BeanstalkdError as error:
            status = _WORDS[type(error)]
            results = [str(error.id)] if isinstance(error, greenstalk.BuriedError) and error.id is not None else []
            kind = CommandFailed if status in command.declines else UnexpectedResponse
            raise kind(command.word, status, results) from None
        except _TROUBLE as error:
            self._end()
            reason = str(error) or "the answer is cut off, or not one of a beanstalkd"
            raise SocketError(f"lost the connection to {self._place}: {reason}; reconnect() makes another") from error
        except BaseException:
            self._end()
            raise
        finally:
            self._turn.release()

    def _exchange(self, line: bytes, command: Command, wait: float | None) -> Answer:
        self._allow(wait)
        words = self._client._send_cmd(line, command.expected)
        if not command.has_body:
            return Answer([*map(_text, words)])
        size = int(words[-1])
        if not 0 <= size <= LARGEST:
            raise ValueError(f"{size} bytes are announced")
        self._allow(0.0)
        return Answer([*map(_text, words)], self._client._read_chunk(size))

    def _allow(self, wait: float | None) -> None:
        limit = None if wait is None or self._reply_timeout is None else max(wait, 0.0) + self._reply_timeout
        if limit != self._socket.gettimeout():
            self._socket.settimeout(limit)

    def _end(self) -> None:
        self._client.close()


def _connected(host: str, port: int, timeout: float | None) -> socket.socket:
    connected = socket.create_connection((host, port), timeout)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def _text(word: bytes) -> str:
    return word.decode("latin-1")
