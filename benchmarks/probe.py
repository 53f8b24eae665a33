"""A process that takes the pulse of a server, or of a core, every millisecond until it is told to stop.

With a port it asks a trivial command and notes how long the reply took. Without one it only sleeps and notes how much
too late it was woken: nothing on a core goes before it (SCHED_FIFO), so that lateness is the machine's own.
"""

import argparse
import gc
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress

PERIOD_SECONDS = 0.001
SERVER_RANK, PROBE_RANK = 1, 2  # under SCHED_FIFO; the higher goes first
FIRST, SECOND = "first", "second"
"""The first line that a probe says: whether it goes before all others on its core."""

QUESTION = b"list-tube-used\r\n"
ANSWER = b"USING default\r\n"

Event = tuple[float, float]
"""When it began, in seconds of the monotonic clock, and for how many seconds it lasted."""


class Probe:
    """Runs until SIGTERM."""

    def __init__(self) -> None:
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def lateness(self) -> list[Event]:
        events: list[Event] = []
        due = time.monotonic()
        while not self.stopped:
            due += PERIOD_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))
            woken = time.monotonic()
            events.append((due, max(0.0, woken - due)))
            due = max(due, woken - PERIOD_SECONDS)
        return events

    def round_trips(self, port: int) -> list[Event]:
        """One a millisecond or, where the server takes longer, as soon as there is a reply."""
        events: list[Event] = []
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self.stopped:
                asked = time.monotonic()
                sock.sendall(QUESTION)
                answer = sock.recv(64)
                took = time.monotonic() - asked
                if answer != ANSWER:
                    sys.exit(f"probe: {answer!r}")
                events.append((asked, took))
                time.sleep(max(0.0, PERIOD_SECONDS - took))
        return events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("core", type=int)
    parser.add_argument("port", type=int, nargs="?")
    order = parser.parse_args()
    os.sched_setaffinity(0, {order.core})
    first = False
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PROBE_RANK))
        first = True
    gc.disable()
    probe = Probe()
    print(FIRST if first else SECOND, flush=True)
    json.dump(probe.round_trips(order.port) if order.port else probe.lateness(), sys.stdout)


if __name__ == "__main__":
    main()
