"""What is fuzzed. Each takes choices, and raises if the server does what it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import plays, verdicts
from .choices import between, chance
from .damages import damaged
from .histories import history
from .sessions import any_bytes, mutated_sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from .choices import Choices


def protocol(choices: Choices) -> None:
    """What clients may send."""
    plays.judge(any_bytes(choices) if chance(choices, 20) else mutated_sessions(choices))


def binlog(choices: Choices) -> None:
    """What may have happened to the files of a server that starts."""
    lived = history(choices)
    verdicts.check_history(lived)
    for _ in range(between(choices, 1, 6)):
        verdicts.judge(lived, damaged(choices, lived))


def salvage(choices: Choices) -> None:
    """The same, if it is to go on with what can be read."""
    lived = history(choices)
    for _ in range(between(choices, 1, 6)):
        verdicts.judge_salvage(lived, damaged(choices, lived))


TARGETS: dict[str, Callable[[Choices], None]] = {"protocol": protocol, "binlog": binlog, "salvage": salvage}
