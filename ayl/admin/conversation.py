"""A short conversation with a server, on a connection of its own."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import greenstalk

from ayl.admin.errors import (
    NoServer,
    NotATubeName,
    NotBeanstalkd,
    RequestRefused,
    ServerHungUp,
    ServerTooSlow,
)
from ayl.engines.addresses import Servers
from ayl.engines.client import Client
from ayl.engines.dialing import dialer
from ayl.tubes import app_of, is_wild, legal, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ayl.admin.server import Server
    from ayl.engines.prompt import PromptSocket
    from ayl.engines.tls import PromptTlsSocket

T = TypeVar("T")

MOST_HEADS = 100
"""Tubes whose next job is asked for in one write."""

MOST_AT_ONCE = 500
"""Commands in one write."""

LARGEST_WRITE = 1 << 16
"""Bytes after which a write is not made any longer: a server whose answers nobody reads yet has room for as much."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server has answered to one command."""

    words: Sequence[bytes]
    """Behind the word that was expected."""
    body: bytes = b""
    """What followed the line, if that announced something."""


Answer: TypeAlias = "Reply | greenstalk.BeanstalkdError"
"""A reply, or why the server has declined: NotFoundError, for one."""

Question: TypeAlias = tuple[bytes, bytes, bool]
"""A command with its line end, the word that is expected, and whether a body follows that."""

Report: TypeAlias = "Mapping[str, object]"
"""Statistics, as greenstalk has read them."""


class Conversation(Client):
    """greenstalk's client, with a time to answer in and many questions in one write."""

    def ask(self, commands: Iterable[bytes], expected: bytes, *, body: bool = False) -> Iterator[Answer]:
        """What the server says to each of these commands, which come with their line ends, in their order.

        They are taken and sent a portion at a time. `body`: the reply announces the size of something that follows. All
        answers are to be taken, or the conversation is to be ended: it is `in_use` until then.
        """
        self.in_use = True
        rest = iter(commands)
        while portion := _portion(rest):
            self._sock.sendall(b"".join(portion))
            for _ in portion:
                yield self._reply(expected, body)
                self.prompt.next_reply()
        self.in_use = False

    def exchange(self, *questions: Question) -> list[Answer]:
        """The same for a few commands of different kinds, in one write."""
        self.in_use = True
        self._sock.sendall(b"".join(command for command, _, _ in questions))
        answers = []
        for _, expected, body in questions:
            answers.append(self._reply(expected, body))
            self.prompt.next_reply()
        self.in_use = False
        return answers

    def use(self, tube: str) -> None:
        """What follows is about this tube; the server is told if it was another."""
        if tube != self._used:
            super().use(tube)
            self._used = tube

    def heads(self, tubes: Iterable[str], command: bytes) -> Iterator[tuple[str, Answer]]:
        """What the server says to a peek (`peek-ready` and its kind) in each of these tubes."""
        rest = iter([*tubes])
        while portion := [*islice(rest, MOST_HEADS)]:
            self._sock.sendall(b"".join(b"use %b\r\n%b\r\n" % (tube.encode("ascii"), command) for tube in portion))
            for tube in portion:
                self._answer(b"USING")
                self._used = tube
                self.prompt.next_reply()
                yield tube, self._reply(b"FOUND", body=True)
                self.prompt.next_reply()

    def reports(self, commands: Iterable[bytes]) -> Iterator[Report | greenstalk.BeanstalkdError]:
        """The same for commands that ask for statistics."""
        for answer in self.ask(commands, b"OK", body=True):
            yield greenstalk._parse_stats(answer.body) if isinstance(answer, Reply) else answer

    def _reply(self, expected: bytes, body: bool) -> Answer:
        try:
            words = self._answer(expected)
        except greenstalk.BeanstalkdError as error:
            return error
        return Reply(words, self._read_chunk(int(words[-1])) if body else b"")


def _portion(commands: Iterator[bytes]) -> list[bytes]:
    taken, size = [], 0
    for command in islice(commands, MOST_AT_ONCE):
        taken.append(command)
        size += len(command)
        if size >= LARGEST_WRITE:
            break
    return taken


@contextmanager
def conversation(server: Server) -> Iterator[Conversation]:
    """A client for one operation; whatever goes wrong on the wire leaves as one error of the tree."""
    connected = _connect(server)
    with blamed(server), closing(Conversation(connected)) as client:
        yield client


@contextmanager
def blamed(server: Server) -> Iterator[None]:
    """What goes wrong on the wire, as an error of the tree that names this server; for who talks with two of them."""
    try:
        yield
    except TimeoutError as error:
        raise ServerTooSlow(server) from error
    except OSError as error:
        raise ServerHungUp(server) from error
    except greenstalk.UnknownResponseError as error:
        raise NotBeanstalkd(server, b" ".join([error.status, *error.values])) from error
    except greenstalk.BeanstalkdError as error:
        raise refusal(server, error) from error
    except (AssertionError, ValueError, LookupError, MemoryError) as error:
        # What greenstalk and the readers make of an answer that only begins well: "OK 99999999999999".
        raise NotBeanstalkd(server, b"") from error


def refusal(server: Server, error: greenstalk.BeanstalkdError) -> RequestRefused:
    """The error of the tree for an answer that declines."""
    return RequestRefused(f"{server} refused: {_WORDS[type(error)]}")


def there(answer: T | greenstalk.BeanstalkdError) -> T | None:
    """The answer; None if the tube or job is gone. Any other refusal is raised."""
    if isinstance(answer, greenstalk.NotFoundError):
        return None
    if isinstance(answer, greenstalk.BeanstalkdError):
        raise answer
    return answer


def _connect(server: Server) -> PromptSocket | PromptTlsSocket:
    dial = dialer(Servers((server.address,), tls=server.tls))
    try:
        return dial(server.address, server.timeout)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA refuses
        raise NoServer(server, error) from error


_WORDS = {error: word.decode() for word, error in greenstalk.ERROR_RESPONSES.items()}


def checked(tube: str) -> str:
    """The name, if a tube can have it; NotATubeName otherwise."""
    # greenstalk sends any ASCII: a name with a line end in it would be two commands.
    if not legal(tube):
        raise NotATubeName(tube)
    return tube


def checked_pattern(tube: str) -> str:
    """The same for what may also be a pattern with `*`."""
    if not (legal(stem(tube)) or (is_wild(tube) and not stem(tube))):
        raise NotATubeName(tube)
    return tube


def similar(tube: str, names: list[str]) -> list[str]:
    """Up to three others that may have been meant."""
    from difflib import get_close_matches  # only on the way to an error

    relatives = (name for name in names if app_of(name) == app_of(tube))
    others = dict.fromkeys([*get_close_matches(tube, names), *relatives])
    return [name for name in others if name != tube][:3]
