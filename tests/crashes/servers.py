"""A server that comes back to the same binlog again and again."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.processes.servers import AYL_SERVER, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.servers import Kind

FAULTY = Path(__file__).with_name("faulty.py")

LOG_LINE = re.compile(r"\S+Z (?P<level>INFO|WARNING|ERROR) (?P<event>\w+): (?P<message>.*)")


class Line(NamedTuple):
    """A line of the server's log; one in another form is a message without an event."""

    level: str
    event: str
    message: str


def parse(text: str) -> Line:
    found = LOG_LINE.fullmatch(text)
    return Line(found["level"], found["event"], found["message"]) if found else Line("", "", text)


class Place:
    """A directory with a binlog, and the servers that use it one after the other."""

    def __init__(self, folder: Path, binlog: Path | None = None) -> None:
        self.folder = folder
        self.binlog = binlog or folder / "binlog"
        self.binlog.mkdir(exist_ok=True)
        self.faults = folder / "faults"
        self.faults.mkdir(exist_ok=True)
        self.heard = 0
        """How much of the log was looked at."""

    def start(
        self, *options: str, kind: Kind = AYL_SERVER, faulty: bool = False, prefix: tuple[str, ...] = ()
    ) -> Server:
        """Start a server there; it may end at once."""
        if faulty:
            prefix = (*prefix, sys.executable, str(FAULTY), str(self.faults))
        return Server(kind, self.folder, "-b", str(self.binlog), *options, prefix=prefix)

    @contextmanager
    def serving(
        self, *options: str, kind: Kind = AYL_SERVER, faulty: bool = False, prefix: tuple[str, ...] = ()
    ) -> Iterator[Server]:
        """A server there that answers."""
        server = self.start(*options, kind=kind, faulty=faulty, prefix=prefix)
        try:
            assert server.await_start(), server.log()
            yield server
        finally:
            server.kill()

    def refusal(self, *options: str, faulty: bool = False) -> tuple[int, str]:
        """Exit code and words of a server that does not start."""
        self.told()
        server = self.start(*options, faulty=faulty)
        try:
            return server.wait(), "\n".join(line.message for line in self.told())
        finally:
            server.kill()

    def told(self) -> list[Line]:
        """What was said since the last time."""
        path = self.folder / "server.log"
        said = path.read_text(errors="replace") if path.exists() else ""
        news, self.heard = said[self.heard :], len(said)
        return [parse(text) for text in news.splitlines()]

    def troubles(self) -> list[Line]:
        """Of that, what operators should look at."""
        return [line for line in self.told() if line.level != "INFO"]

    def names(self) -> list[str]:
        """The files on the disk, but for the lock."""
        return sorted(path.name for path in self.binlog.iterdir() if path.name != "lock")

    def files(self) -> dict[str, bytes]:
        """What is in them; the server must be at rest."""
        return {name: (self.binlog / name).read_bytes() for name in self.names()}

    def size(self) -> int:
        """Bytes of them together, without the holes."""
        return sum((self.binlog / name).stat().st_blocks * 512 for name in self.names())

    def calls(self) -> list[str]:
        """What a faulty disk was asked to do since `fault("calls", "")`."""
        return (self.faults / "calls").read_text().split()

    def fault(self, name: str, value: object) -> None:
        (self.faults / name).write_text(str(value))

    def heal(self, name: str) -> None:
        (self.faults / name).unlink(missing_ok=True)
