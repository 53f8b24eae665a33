"""Servers that begin as copies of a process which has loaded their modules: nine tenths of a start are for that.

`python -m tests.server.nursery` reads what is to be started, a line for each, and answers with its pid. From there on
it is the command as anybody runs it, with a process, a command line and a log of its own. That it starts from nothing
too is seen where it is started as a command: test_restart.py, tests/processes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import NoReturn


class Nursery:
    """Starts servers, for several threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment`: that of all its servers."""
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )

    def start(self, words: Sequence[str], log: Path) -> Fledgling:
        """A server with this command line, that writes to this log."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        with self._turn:
            asked.write(json.dumps([*words, str(log)]).encode() + b"\n")
            asked.flush()
            return Fledgling(int(answers.readline()))

    def close(self) -> None:
        """Start no more."""
        self._process.communicate()


class Fledgling:
    """A process that is not our child, with what is used of a subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor: int | None = None
        with suppress(ProcessLookupError):  # it has ended already
            self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it runs. With which code it has ended nobody knows but who started it."""
        running = self._descriptor is not None and not select.select([self._descriptor], [], [], 0)[0]
        return None if running else -1

    def kill(self) -> None:
        if self._descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended; it is forgotten then."""
        if self._descriptor is not None:
            select.select([self._descriptor], [], [])
            os.close(self._descriptor)
            self._descriptor = None


def main() -> None:
    """Load what the command loads, and fork for each line of the input."""
    from ayl_server import compiled

    if os.environ.get("AYL_SERVER_PURE") != "1":
        compiled.use()
    import ayl_server.main
    import ayl_server.service  # noqa: F401 - loaded for the servers

    with suppress(ImportError):
        import uvloop  # noqa: F401 - likewise
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone
    for line in sys.stdin.buffer:
        *words, log = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _serve(words, log)
        print(pid, flush=True)  # noqa: T201 - the answer


def _serve(words: list[str], log: str) -> NoReturn:
    """Be a server from here on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.closerange(3, said + 1)
    sys.argv = ["ayl_server", *words]
    try:
        sys.modules["ayl_server.main"].main()
    except BaseException:  # noqa: BLE001 - whatever it is, it is the end of this process and not of who forked it
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
