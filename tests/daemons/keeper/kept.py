"""A keeper of a test's own, and what is seen of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Restart
from ayl.daemons.state import State
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import environment

if TYPE_CHECKING:
    from collections.abc import Callable

TAKEN = """
import os, sys
from ayl.pidfiles import PidFile
held = PidFile(sys.argv[1] + "/pid")
held.take()
from ayl.daemons import keeper
sys.exit(keeper.main([sys.argv[1], str(held.fileno()), "begin", *sys.argv[2:]]))
"""
"""What takes the pid file and becomes the keeper, as `ayl_daemons` does."""

FOREVER = ("sleep", "1000")

_numbers = count(1)


class Kept:
    """One daemon, its keeper, and where it stands."""

    def __init__(self, folder: Path) -> None:
        """`folder`: with a short path, for there are sockets in it."""
        self.name = f"kept.{os.getpid()}.{next(_numbers)}"
        self.path = folder / "d"
        self.path.mkdir()
        self.log_path = folder / "log"
        self.home = Home(str(self.path))
        self.process: subprocess.Popen[bytes] | None = None

    def order(self, *command: str, serial: str = "1", **changes: Any) -> None:
        """What is to run; ready at once if nothing else is said."""
        known: dict[str, Any] = {
            "ready": 0.0,
            "patience": PATIENCE,
            "grace": PATIENCE,
            "log": str(self.log_path),
            "environment": {},
        }
        known |= changes
        known["restart"] = Restart(known.get("restart", "always"))
        known["environment"] = {"PATH": os.environ["PATH"], "AYL_DAEMON": self.name, **known["environment"]}
        given = Order(serial, self.name, "command", command, "/", **known)
        self.home.write(self.home.order, given.to_json(), 0o600)

    def start(self, *words: str, **variables: str) -> None:
        """Its keeper; `words`: the prefix of one in the foreground."""
        with (self.path.parent / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", TAKEN, str(self.path), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment(**variables),
            )

    def keeps(self, *command: str, **changes: Any) -> None:
        """It is ordered, and works."""
        self.order(*command, **changes)
        self.start()
        self.awaits(lambda state: state.state == "working")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def state(self) -> State | None:
        """As anybody reads it."""
        with suppress(OSError, ValueError):
            return State.from_json(self.home.read(self.home.state))
        return None

    def awaits(self, fact: Callable[[State], object]) -> State:
        """Wait until it is so; in vain once the keeper has ended."""

        def found() -> State | None:
            assert self.process is None or self.process.poll() is None, self.told()
            state = self.state()
            return state if state is not None and fact(state) else None

        state = eventually(found, self.told)
        assert state is not None
        return state

    def says(self, text: str, times: int = 1) -> None:
        """Wait until its log has it so often."""
        eventually(lambda: self.log().count(text) >= times, self.told)

    def log(self) -> str:
        with suppress(OSError):
            return self.log_path.read_text(errors="replace")
        return ""

    def told(self) -> str:
        out = self.path.parent / "out"
        return f"{self.state()}\n{self.log()[-5000:]}\n{out.read_text(errors='replace') if out.exists() else ''}"

    def gets(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ends(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end; {self.told()}") from None

    def stops(self) -> None:
        """It ends as it should when asked, and nothing is left."""
        self.gets(signal.SIGTERM)
        assert self.ends() == 0, self.told()
        assert self.processes() == []
        assert [path.name for path in self.path.iterdir()] == []

    def processes(self) -> list[int]:
        """All that was started for it and lives."""
        mark = f"AYL_DAEMON={self.name}".encode()
        numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [pid for pid in numbers if mark in environ(pid)]

    def close(self) -> None:
        """Let nothing stay behind, whatever happened."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        while found := self.processes():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            eventually(lambda: not set(found) & set(self.processes()))


def environ(pid: int) -> list[bytes]:
    """Variables of a process; none of one that has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []
