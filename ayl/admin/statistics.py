"""The whole server, its tubes, one tube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl.admin import facts
from ayl.admin.conversation import checked, checked_pattern, conversation, similar, there
from ayl.admin.errors import NoSuchTube
from ayl.tubes import is_wild, matching, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ayl.admin.conversation import Conversation
    from ayl.admin.server import Server


def statistics(server: Server) -> facts.ServerStatistics:
    """The whole server."""
    with conversation(server) as client:
        return facts.server_statistics(client.stats())


def tubes(server: Server, tube: str = "") -> list[facts.TubeStatistics]:
    """Every tube, or that one, or every one that a pattern with `*` matches. NoSuchTube if that is none."""
    if tube:
        checked_pattern(tube)
    with conversation(server) as client:
        found = [*looks(client, chosen(client, server, tube) if tube else client.tubes())]
        if tube and not found:
            raise missing(client, server, tube)
        return found


def tube_statistics(server: Server, tube: str) -> facts.TubeStatistics:
    """One tube, which must exist."""
    checked(tube)
    with conversation(server) as client:
        return existing(client, server, tube)


def existing(client: Conversation, server: Server, tube: str) -> facts.TubeStatistics:
    """The same in a conversation; NoSuchTube if there is none."""
    found = look(client, tube)
    if found is None:
        raise missing(client, server, tube)
    return found


def missing(client: Conversation, server: Server, tube: str) -> NoSuchTube:
    """The error for a tube that is not there, or for a pattern that nothing matches."""
    return NoSuchTube(server, tube, similar(stem(tube), client.tubes()))


def named(client: Conversation, pattern: str = "") -> list[str]:
    """The tubes that there are, or those of them that the pattern matches."""
    names = client.tubes()
    return matching((pattern,), names) if is_wild(pattern) else [name for name in names if pattern in ("", name)]


def chosen(client: Conversation, server: Server, tube: str) -> list[str]:
    """The tubes that an operator means: this one, be it there or not, or all that its pattern matches.

    For operations on tubes, which do all of them in one conversation, and check the name before it. NoSuchTube if
    nothing matches.
    """
    if not is_wild(checked_pattern(tube)):
        return [tube]
    if found := named(client, tube):
        return found
    raise missing(client, server, tube)


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
