"""Which worker of this machine holds a job: what workers tell who asks, and what `ps` shows of them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ayl.worker.inquiries import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_is_supervisor = re.compile(
    r".* -m ayl\.worker\.supervisor .*|ayl_worker(?: [^ :]+)?: .* \([0-9]+ workers?\)", re.DOTALL
).fullmatch
"""By its command line, or by its title where the library for these is installed ..."""

_of_a_worker = re.compile(r"ayl_worker(?: [^ :]+)?: (?:[0-9]+ calls, )?(.*)", re.DOTALL).fullmatch
"""... and those of its processes, which tell the call that they make."""

LISTENS = "00010000"
"""The kernel's mark of a socket that takes connections."""

TIMEOUT = 3.0
"""Seconds that a worker may take to tell how it is."""

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
    beside those where this user's workers listen.
    """
    titles = dict(_titles(processes))
    supervisors = (pid for pid, title in titles.items() if _is_supervisor(title))
    paths = dict.fromkeys([*filter(None, [status]), *_listening(supervisors, processes)])
    reports = [report for path in paths if (report := _report(path)) is not None]
    for report in reports:
        with suppress(KeyError, TypeError, AttributeError):  # whoever answers there, it is no worker of this release
            for pid, running in _running(report):
                if (running["job"], running["id"]) == (job, message):
                    return LocalWorkers(len(reports), Holder(pid, float(running["seconds"]), told=True))
    holders = [pid for pid, title in titles.items() if call and _shows(title, call)]
    return LocalWorkers(len(reports), Holder(holders[0], None, told=False) if len(holders) == 1 else None)


def _titles(processes: Path) -> Iterator[tuple[int, str]]:
    """What `ps` shows of each process: its title, or its command line."""
    for process in processes.glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            text = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            yield int(process.name), text.replace("\0", " ").rstrip()


def _listening(pids: Iterable[int], processes: Path) -> Iterator[str]:
    """The paths of the Unix sockets at which these processes of this user listen."""
    sockets = {name for pid in pids for name in _sockets(processes / str(pid) / "fd")}
    if not sockets:
        return
    with suppress(OSError):
        for line in (processes / "net" / "unix").read_text("utf-8", "replace").splitlines()[1:]:
            _, _, _, flags, _, _, inode, *path = line.split(None, 7)
            if flags == LISTENS and f"socket:[{inode}]" in sockets:
                yield from path


def _sockets(files: Path) -> Iterator[str]:
    with suppress(OSError):  # it has ended, or is another user's
        for file in files.iterdir():
            with suppress(OSError):  # it was closed
                yield str(file.readlink())


def _report(path: str) -> Any:
    with suppress(OSError, ValueError):
        return ask(path, TIMEOUT)
    return None


def _running(report: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for worker in report["workers"]:
        for running in (worker["report"] or {}).get("calls", ()):
            yield worker["pid"], running


def _shows(title: str, call: str) -> bool:
    told = _of_a_worker(title)
    if told is None:
        return False
    cut = told[1].removesuffix("…")
    return told[1] == call or (cut != told[1] and len(cut) > LEAST_TITLE and call.startswith(cut))
