"""What every command does in every circumstance that an operator meets: a row for each command."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.cli import ExitCode

from . import schemas

if TYPE_CHECKING:
    from .schemas import Schema

MODULE = "shop_of_the_matrix"
CODE = """
import ayl

@ayl.task("shop.restock")
def restock(thing: str) -> None: ...
"""
"""The app's code, for commands that ask for it."""


@dataclass(frozen=True)
class Ending:
    """How a command ends, and what it says then, among other things."""

    code: ExitCode = ExitCode.OK
    says: str = ""


WELL = Ending()
NO_SERVER = Ending(
    ExitCode.UNAVAILABLE,
    "no server at {server} (connection refused); start one with `ayl_server`, or say where it is with -h and -p\n",
)
NO_TUBE = Ending(ExitCode.REFUSED, "no tube '{tube}' at {server}; ")
NOBODY = Ending(ExitCode.REFUSED, "no worker watches the tube '{tube}' at {server};")
NO_NAME = Ending(ExitCode.REFUSED, "no tube can be named ")
NO_JOB = Ending(ExitCode.REFUSED, "no job {never} at {server}\n")
NO_SCREEN = Ending(ExitCode.USAGE, "there is no terminal here; `ayl_beanstalk watch` needs no terminal, and has --json")


class Several(enum.Enum):
    """What several servers are to a command."""

    REFUSED = enum.auto()
    """It is about one, and asks which."""
    EACH = enum.auto()
    """It answers for each, with its name."""
    TOGETHER = enum.auto()
    """It tells of all in one list."""
    UNASKED = enum.auto()
    """It asks none."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A command, and how it ends. Where it asks nobody, or of no tube, it ends well there, too."""

    words: tuple[str, ...] = ()
    """That it takes; what stands in braces is made for it. See `Stage` in test_matrix.py."""
    json: Schema | None
    """What it gives with `--json`; None if it has none."""
    usual: Ending = WELL
    """In a tube that has jobs in all states, and a worker."""
    no_server: Ending = NO_SERVER
    no_tube: Ending = NO_TUBE
    empty: Ending
    """In a tube that a worker watches, and that has no jobs."""
    no_name: Ending | None = NO_NAME
    """With a name that no tube can have; None if it is about no tube."""
    no_job: Ending | None = None
    """With an id that no job has; None if it takes none."""
    question: str = ""
    """That it asks before it does anything; empty if it does not ask."""
    several: Several = Several.REFUSED
    pattern: bool = False
    """Whether the tube may be a pattern, which it then answers with a list."""


def peek(state: str) -> Row:
    return Row(
        json=schemas.PEEK, empty=Ending(says=f"no {state} job in {{tube}}\n"), several=Several.EACH, pattern=True
    )


def order(what: str) -> Row:
    """To a worker."""
    return Row(
        json=schemas.ORDER,
        no_tube=NOBODY,
        empty=Ending(says=f"asked the worker of {{tube}} {what} as soon as it is free"),
        several=Several.EACH,
        pattern=True,
    )


MATRIX: dict[str, Row] = {
    "statistics": Row(json=schemas.SERVER, no_tube=WELL, empty=WELL, no_name=None, several=Several.EACH),
    "list_tubes": Row(json=[schemas.TUBE], empty=Ending(says="\n{tube}  "), several=Several.EACH),
    "tube_statistics": Row(json=schemas.TUBE, empty=Ending(says="tube  "), several=Several.EACH, pattern=True),
    "watch": Row(
        words=("0.1", "--count", "1"),
        json=[schemas.LOOK],
        no_server=Ending(ExitCode.UNAVAILABLE, "no server at {server} (connection refused)"),
        no_tube=Ending(says="no tube matches {tube}\n"),
        empty=Ending(says="\n{tube}  "),
        several=Several.TOGETHER,
    ),
    "top": Row(
        json=None,
        usual=NO_SCREEN,
        no_server=NO_SCREEN,
        no_tube=NO_SCREEN,
        empty=NO_SCREEN,
        no_name=None,
        several=Several.UNASKED,
    ),
    "search": Row(
        words=("restock",), json=schemas.SEARCH, empty=Ending(says="0 jobs found; looked at "), several=Several.EACH
    ),
    "job_statistics": Row(
        words=("{ready}",), json=[schemas.JOB], no_tube=WELL, empty=WELL, no_name=None, no_job=NO_JOB
    ),
    "peek_job": Row(words=("{ready}",), json=[schemas.JOB], no_tube=WELL, empty=WELL, no_name=None, no_job=NO_JOB),
    "peek_ready": peek("ready"),
    "peek_delayed": peek("delayed"),
    "peek_buried": peek("buried"),
    "why": Row(
        words=("{ready}",),
        json=schemas.WHY,
        no_tube=WELL,
        empty=WELL,
        no_name=None,
        no_job=Ending(ExitCode.REFUSED, "trouble  no job {never} is there: "),
    ),
    "doctor": Row(
        words=("--spool", "{nothing}"),
        json=[schemas.FINDING],
        usual=Ending(ExitCode.REFUSED, "trouble  {tube} has 1 buried job"),
        empty=Ending(says="all is well with 1 tube\n"),
        several=Several.TOGETHER,
    ),
    "put_ayl_job": Row(
        words=("shop.restock('socks')",),
        json=schemas.PUT_CALL,
        no_tube=Ending(says="no worker watches {tube}: the call waits for one\n"),
        empty=Ending(says="into {tube}: shop.restock('socks')"),
    ),
    "put_job": Row(
        words=("body",),
        json=schemas.PUT,
        no_tube=Ending(says="into {tube} (4 bytes)\n"),
        empty=Ending(says="into {tube} (4 bytes)\n"),
    ),
    "put_sleep_job": Row(
        json=schemas.PUT,
        no_tube=Ending(says="into {tube}: it keeps a worker busy for 20 s\n"),
        empty=Ending(says="into {tube}: it keeps a worker busy for 20 s\n"),
    ),
    "kick": Row(
        words=("all",),
        json=schemas.COUNT,
        empty=Ending(says="{tube} has no buried and no delayed jobs\n"),
        several=Several.EACH,
        pattern=True,
    ),
    "kick_job": Row(words=("{buried}",), json=schemas.DONE, no_tube=WELL, empty=WELL, no_name=None, no_job=NO_JOB),
    "pause": Row(
        json=schemas.PAUSE, empty=Ending(says="{tube} is paused for 3,600 s\n"), several=Several.EACH, pattern=True
    ),
    "resume": Row(json=schemas.PAUSE, empty=Ending(says="{tube} is not paused\n"), several=Several.EACH, pattern=True),
    "move_jobs": Row(
        words=("elsewhere", "--yes"),
        json=schemas.MOVED,
        empty=Ending(says="moved 0 jobs of {tube} "),
        question="Move 3 jobs of {tube} at {server} to elsewhere? ",
    ),
    "delete": Row(
        words=("{ready}", "--yes"),
        json=schemas.DONE,
        no_tube=WELL,
        empty=WELL,
        no_name=None,
        no_job=NO_JOB,
        question="Delete 1 job of {server}? ",
    ),
    "eat_job": Row(
        words=("--yes",),
        json=schemas.PEEK,
        empty=Ending(says="no ready job in {tube}\n"),
        question="Delete 1 ready job of {tube} at {server}? ",
    ),
    "eat_all_jobs": Row(
        words=("delayed", "--yes"),
        json=schemas.COUNT,
        empty=Ending(says="deleted 0 delayed jobs of {tube}\n"),
        question="Delete 1 delayed job of {tube} at {server}? ",
        several=Several.EACH,
        pattern=True,
    ),
    "drain": Row(
        words=("{version}",),
        json=schemas.DRAIN,
        usual=Ending(ExitCode.REFUSED, "{tube} is not drained: 3 jobs left to do; 1 job buried: "),
        empty=Ending(says="{tube} is drained\n"),
        no_name=Ending(ExitCode.REFUSED, "tube's name"),
        several=Several.EACH,
    ),
    "migrate": Row(
        words=("{version}", "next", "--app-path", "{code}", "--require", MODULE, "--yes"),
        json=schemas.MIGRATED,
        usual=Ending(ExitCode.REFUSED, "1 buried in {tube}"),
        empty=Ending(says="moved 0 to "),
        no_name=Ending(ExitCode.REFUSED, "tube's name"),
        question="Migrate 3 jobs of {tube} at {server} to {app}/next? ",
        several=Several.EACH,
    ),
    "manifest": Row(
        words=("--app-path", "{code}", "--require", MODULE),
        json=schemas.MANIFEST,
        no_server=WELL,
        no_tube=WELL,
        empty=WELL,
        no_name=None,
        several=Several.UNASKED,
    ),
    "kill_worker": order("to exit"),
    "quiet_worker": order("to be quiet"),
    "restart_worker": order("to be replaced"),
    "spool list": Row(
        words=("--spool", "{spool}"),
        json=schemas.SPOOL,
        no_server=WELL,
        no_tube=WELL,
        empty=WELL,
        no_name=None,
        several=Several.UNASKED,
    ),
    "spool drain": Row(
        words=("--spool", "{spool}"),
        json=schemas.DELIVERED,
        no_server=Ending(ExitCode.UNAVAILABLE, "no server answers at {server} (Connection refused); "),
        no_tube=WELL,
        empty=WELL,
        no_name=None,
    ),
}
