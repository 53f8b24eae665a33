"""Operations on the spool, for the command line and the dashboard alike: dataclasses in, dataclasses out.

They raise SpoolUnusable when the directory cannot be used, Unreachable when no server answers.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl import message as messages
from ayl.engines import server_engine
from ayl.engines.addresses import parse_url
from ayl.engines.spool.draining import Drain
from ayl.engines.spool.segments import ASIDE, WAITING
from ayl.engines.spool.store import Spool
from ayl.errors import NotConfigured, SpoolUnusable, Undecodable
from ayl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ayl.admin import Server
    from ayl.engines.spool.draining import Drained
    from ayl.engines.spool.records import Record

UNLIMITED = 2**63
"""Whoever only looks and delivers puts nothing in."""

BUSY_SECONDS = 5.0
"""How long to wait for another process that delivers."""


@dataclass(frozen=True, slots=True)
class SpooledCall:
    """A call that waits on this machine for a server, or was set aside."""

    id: str
    """The message's."""
    tube: str
    engine: str
    """The URL of the server that it was sent to."""
    spooled: float
    """When, seconds since 1970."""
    due: float
    """When a worker may have it, seconds since 1970; 0 for at once."""
    priority: int
    time_to_run: int
    """Seconds."""
    size: int
    """Bytes of the message."""
    call: str
    """As Python would write it; nothing is looked up for this."""
    set_aside: str
    """Why no server took it; empty while it waits for one."""


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file of the spool that cannot be read, or not whole. It is kept as it is."""

    name: str
    bytes: int
    damaged: tuple[tuple[int, int], ...]
    """From which byte up to which; empty for a file that a later release of ayl has written."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a spool holds."""

    directory: str
    bytes: int
    """That its files take."""
    calls: tuple[SpooledCall, ...]
    """Those that wait, in the order in which they go out to each server, then those that were set aside."""
    unreadable: tuple[UnreadableFile, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a drain has done so far."""

    delivered: int
    set_aside: int
    """The server refused them for good."""
    left: int
    """They still wait for this server."""
    elsewhere: dict[str, int]
    """Calls that wait for other servers, by their engines' URLs."""


def contents(directory: str) -> Contents:
    """What waits there. Nothing is resolved, and nothing is changed."""
    looked = Spool(directory, UNLIMITED).look()
    ordered = sorted(looked, key=lambda file: (file.segment.kind == ASIDE, file.segment))
    return Contents(
        directory,
        sum(file.segment.size for file in looked),
        tuple(_call(record) for file in ordered for record in file.waiting),
        tuple(
            UnreadableFile(file.segment.name, file.segment.size, tuple((item.offset, item.end) for item in file.damage))
            for file in looked
            if file.damage or not file.readable
        ),
    )


def drain(
    server: Server, directory: str, *, to: str = "", engine: str = "", set_aside: bool = False
) -> Generator[Delivery, None, None]:
    """Deliver to this server what waits for it, now, and tell what was done so far, a portion at a time.

    `to`: to this engine's URL instead, for Unix sockets, TLS or several servers; `engine`: what was sent to that URL
    instead, because the server has moved; `set_aside`: what was set aside instead of what waits. NotConfigured for a
    URL that makes no sense; NotSubmitted if it ends early.
    """

    def ours(url: str) -> bool:
        return url == (engine or to) if engine or to else _stands_at(url, server)

    spool = Spool(directory, UNLIMITED)
    kind = ASIDE if set_aside else WAITING
    url = to or f"beanstalk://{server}"
    with closing(server_engine(Settings(engine=url, timeout=server.timeout, send_timeout=server.timeout))) as through:
        waiting = _counts(spool, kind)
        done = _counted(Delivery(0, 0, 0, {}), waiting, ours)
        yield done
        for sent_to in filter(ours, waiting):
            for portion in _portions(Drain(spool, sent_to, through.submit, kind)):
                gone = portion.delivered + (0 if set_aside else portion.set_aside)
                done = replace(
                    done,
                    delivered=done.delivered + portion.delivered,
                    set_aside=done.set_aside + portion.set_aside,
                    left=done.left - gone,
                )
                yield done
    yield _counted(done, _counts(spool, kind), ours)


def _portions(drain: Drain) -> Iterator[Drained]:
    rest = True
    while rest:
        portion = drain.run(0, patience=BUSY_SECONDS)
        yield portion
        if portion.trouble is not None:
            raise portion.trouble
        rest = portion.rest
        if rest and not portion.delivered + portion.set_aside:
            raise SpoolUnusable(f"another process is delivering from {drain.spool.path}; look again later")


def _counted(done: Delivery, waiting: dict[str, int], ours: Callable[[str], bool]) -> Delivery:
    """With what waits now."""
    return replace(
        done,
        left=sum(number for url, number in waiting.items() if ours(url)),
        elsewhere={url: number for url, number in waiting.items() if not ours(url)},
    )


def _counts(spool: Spool, kind: str) -> dict[str, int]:
    """How many calls there are for each engine."""
    counts: dict[str, int] = {}
    for file in spool.files():
        if file.segment.kind == kind:
            for record in file.waiting:
                counts[record.engine] = counts.get(record.engine, 0) + 1
    return counts


def _stands_at(url: str, server: Server) -> bool:
    """Whether an engine's URL names this server."""
    try:
        return server.address in parse_url(url).addresses
    except NotConfigured:
        return False


def _call(record: Record) -> SpooledCall:
    try:
        message = messages.decode(record.body)
        call = messages.human(message) if isinstance(message, messages.Message) else f"(an order: {message.do})"
    except Undecodable as error:
        call = f"({error})"
    return SpooledCall(
        record.id, record.tube, record.engine, record.spooled, record.due, record.priority, record.time_to_run,
        len(record.body), call, record.reason,
    )  # fmt: skip
