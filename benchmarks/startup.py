"""How long a server takes from exec until it can be talked to."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.processes import Cores, Kind, greet, running, when_listening


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since right before the process was made."""

    connected: float
    replied: float


def start(kind: Kind, cores: Cores) -> Start:
    os.sched_setaffinity(0, {cores.generator})
    with running(kind, cores.server) as server, when_listening(server) as sock:
        connected = time.perf_counter()
        greet(sock)
        replied = time.perf_counter()
    return Start(connected - server.started, replied - server.started)


def bare_python(cores: Cores) -> float:
    """Seconds of a Python that does nothing, its end included."""
    os.sched_setaffinity(0, {cores.generator})
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {cores.server})
    if process.wait():
        raise ChildProcessError(f"python -c pass: status {process.returncode}")
    return time.perf_counter() - began
