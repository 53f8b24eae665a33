"""A task to be called, what became of its calls, and a look at the spool when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ayl
from ayl import delivery
from ayl.engines import fallback
from ayl.engines.spool.store import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server

TUBE = "shop/1.4.2"
MADE: list[Any] = []


@ayl.task("fallback.note")
def note(number: object, *rest: Any) -> None:
    if number == "raise":
        raise LookupError("raised by the call")
    MADE.append(number)


def numbers(server: Server) -> list[Any]:
    return [message.args[0] for message in server.take(TUBE)]


def spooled(directory: Path) -> list[str]:
    return [call.id for file in Spool(str(directory), 1).look() for call in file.waiting]


def look_now() -> None:
    """As if the time until the next look at the spool were over."""
    engine = delivery._engine(ayl.configure())
    assert isinstance(engine, fallback.FallbackEngine)
    engine._look_at = 0.0
