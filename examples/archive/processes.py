"""The demo's server and workers: started, killed and stopped so that nothing stays behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

BIN = Path(sys.executable).parent
"""Where this environment's commands are."""

PATIENCE = 10.0
"""Seconds that a process may take to start or to end."""


class Processes:
    """Processes that end with the `with` block, whatever ends it."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs = logs
        self.environment = {**os.environ, **environment}
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Workers before the server, so that they can give back what they hold.
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of this environment's commands; what it prints goes to NAME.log."""
        with (self.logs / f"{name}.log").open("wb") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops the rest in order.
            process = subprocess.Popen(
                [BIN / name, *arguments], stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        self.started.append(process)
        return process

    def log_of(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")


def free_port() -> int:
    """A TCP port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def workers_of(supervisor: int) -> list[int]:
    """The process ids of a supervisor's workers."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
    return [int(child) for child in children.split()]


def kill_one_worker(supervisor: int) -> int | None:
    """SIGKILL a worker; its process id, or None if there is none."""
    workers = workers_of(supervisor)
    if not workers:
        return None
    os.kill(workers[0], signal.SIGKILL)
    return workers[0]
