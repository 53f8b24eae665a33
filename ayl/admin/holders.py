"""Which worker of this machine holds a job: what workers tell who asks, and what `ps` shows of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ayl.worker.inquiries import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUPERVISOR = "ayl.worker.supervisor"
"""The module that an `ayl_worker` runs; what it was told stands behind it on its command line, as JSON."""

TITLE = "ayl_worker: "
"""How the titles of processes begin, where the library for these is installed."""

LEAST_TITLE = 40
"""Characters of a call that was cut off in a title, below which it might be any other."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A worker process of this machine."""

    pid: int
    seconds: float | None
    """For which it has made the call; None if that is not known."""
    told: bool
    """Whether it has said so itself. Otherwise it makes a call that looks the same."""


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """What this machine's workers say."""

    asked: int
    """`ayl_worker`s that have answered."""
    holder: Holder | None


def search(job: int, message: str, call: str, status: str = "", processes: Path = Path("/proc")) -> LocalWorkers:
    """Who makes the call of this job.

    `message` is its id, since other servers have jobs of the same number; `status` the path where a worker answers,
    beside those that are found in command lines of this user's workers.
    """
    lines = dict(_command_lines(processes))
    paths = dict.fromkeys([*filter(None, [status]), *_status_paths(lines.values())])
    reports = [report for path in paths if (report := _report(path)) is not None]
    for report in reports:
        with suppress(KeyError, TypeError, AttributeError):  # whoever answers there, it is no worker of this release
            for pid, running in _running(report):
                if (running["job"], running["id"]) == (job, message):
                    return LocalWorkers(len(reports), Holder(pid, float(running["seconds"]), told=True))
    holders = [pid for pid, words in lines.items() if call and _shows(words, call)]
    return LocalWorkers(len(reports), Holder(holders[0], None, told=False) if len(holders) == 1 else None)


def _command_lines(processes: Path) -> Iterator[tuple[int, list[str]]]:
    for process in processes.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            text = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            if SUPERVISOR in text or text.startswith(TITLE):
                yield int(process.name), text.rstrip("\0").split("\0")


def _status_paths(lines: Iterable[list[str]]) -> Iterator[str]:
    for words in lines:
        for before, word in pairwise(words):
            if before == SUPERVISOR:
                with suppress(ValueError, KeyError, TypeError):
                    yield str(json.loads(word)["status"])


def _report(path: str) -> Any:
    with suppress(OSError, ValueError):
        return ask(path, 3.0) if path else None
    return None


def _running(report: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for worker in report["workers"]:
        for running in (worker["report"] or {}).get("calls", ()):
            yield worker["pid"], running


def _shows(words: list[str], call: str) -> bool:
    title = words[0].removeprefix(TITLE)
    if title == words[0]:
        return False
    cut = title.removesuffix("…")
    return title == call or (cut != title and len(cut) > LEAST_TITLE and call.startswith(cut))
