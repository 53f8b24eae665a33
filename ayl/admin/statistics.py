"""The whole server, its tubes, one tube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl.admin import facts
from ayl.admin.conversation import checked, conversation, similar, there
from ayl.admin.errors import NoSuchTube
from ayl.tubes import is_wild, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ayl.admin.conversation import Conversation
    from ayl.admin.server import Server


def statistics(server: Server) -> facts.ServerStatistics:
    """The whole server."""
    with conversation(server) as client:
        return facts.server_statistics(client.stats())


def tubes(server: Server, pattern: str = "") -> list[facts.TubeStatistics]:
    """Every tube, or every one that a pattern with `*` matches, in the server's order."""
    with conversation(server) as client:
        return [*looks(client, named(client, pattern))]


def tube_statistics(server: Server, tube: str) -> facts.TubeStatistics:
    """One tube, which must exist."""
    checked(tube)
    with conversation(server) as client:
        return existing(client, server, tube)


def existing(client: Conversation, server: Server, tube: str) -> facts.TubeStatistics:
    """The same in a conversation; NoSuchTube if there is none."""
    found = look(client, tube)
    if found is None:
        raise NoSuchTube(server, tube, similar(tube, client.tubes()))
    return found


def named(client: Conversation, pattern: str = "") -> list[str]:
    """The tubes that there are, or those of them that the pattern matches."""
    names = client.tubes()
    return matching((pattern,), names) if is_wild(pattern) else [name for name in names if pattern in ("", name)]


def look(client: Conversation, tube: str) -> facts.TubeStatistics | None:
    """The tube as it is now; None when it is gone."""
    return next(looks(client, [tube]), None)


def looks(client: Conversation, names: Iterable[str]) -> Iterator[facts.TubeStatistics]:
    """These tubes as they are now, but for those that are gone (between the list and the look, for one)."""
    asked = [*names]
    commands = (b"stats-tube %b\r\n" % name.encode("ascii") for name in asked)
    for name, answer in zip(asked, client.reports(commands), strict=True):
        if (report := there(answer)) is not None:
            yield facts.tube_statistics(name, report)
