"""Tubes that no worker gets jobs from for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked_pattern, conversation, there
from ayl.admin.statistics import chosen, missing

if TYPE_CHECKING:
    from ayl.admin.server import Server


@dataclass(frozen=True, slots=True)
class Pause:
    """Of one tube."""

    tube: str
    seconds: int
    """From now on; 0 for none."""


def pause(server: Server, tube: str, seconds: int) -> list[Pause]:
    """Let no worker reserve jobs of a tube, or of each that a pattern matches, for so many seconds; 0 ends a pause.

    Jobs can still be put. NoSuchTube if there is no such tube.
    """
    checked_pattern(tube)
    with conversation(server) as client:
        names = chosen(client, server, tube)
        answers = client.ask((b"pause-tube %b %d\r\n" % (name.encode(), seconds) for name in names), b"PAUSED")
        done = [Pause(name, seconds) for name, answer in zip(names, answers, strict=True) if there(answer) is not None]
        if not done:
            raise missing(client, server, tube)
        return done
