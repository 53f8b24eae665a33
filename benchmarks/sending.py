"""What a send costs its caller, beside greenstalk's bare put of the same bytes, in turn, in one process.

.venv/bin/python benchmarks/sending.py [--calls 5000] [--repeat 9] [--server ayl_server]

CPU is this process's own (time.process_time). The server shares its core: on a virtual machine, waking another core
costs the one that wakes more than all that is to be measured. But then the caches are cold whenever a reply is there;
--ready measures the same sends with replies that have come before they are asked for, so that nobody sleeps.
"""

import argparse
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import greenstalk  # noqa: E402 - the path must be set first

import ayl  # noqa: E402
from ayl.delivery import close  # noqa: E402
from benchmarks.calls import awake, connected  # noqa: E402
from benchmarks.processes import KINDS, Cores, running  # noqa: E402

TUBE = "measured/1"
SECRET = "2026a:0123456789abcdef0123456789abcdef"  # noqa: S105 - of this benchmark only


class Cost(NamedTuple):
    """Of one call, in microseconds."""

    cpu: float
    wall: float


class Work(ayl.Sendable, ayl_name="sending.Work"):
    """What is called."""

    @staticmethod
    def nothing(number: int, text: str) -> None:
        """An empty method: what a call costs by itself."""


@ayl.task("sending.nothing")
def nothing(number: int, text: str) -> None:
    """An empty function."""


def cost(work: Callable[[], object], calls: int) -> Cost:
    """Of each of so many calls that `work` makes."""
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return Cost((time.process_time() - cpu) * 1e6 / calls, (time.monotonic() - wall) * 1e6 / calls)


def repeated(send: Callable[[], object], calls: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(calls):
            send()

    return work


def batched(send: Callable[[], object], calls: int) -> Callable[[], None]:
    def work() -> None:
        with ayl.batch():
            for _ in range(calls):
                send()

    return work


def one_round(client: greenstalk.Client[bytes], url: str, calls: int) -> Iterable[tuple[str, Cost]]:
    """Every way to send, in turn. Each fills the tube, which is emptied behind it."""

    def measured(name: str, work: Callable[[], object]) -> tuple[str, Cost]:
        found = cost(work, calls)
        emptied(client)
        return name, found

    def static() -> object:
        return Work.ayl_send("nothing", 1, "a")

    def function() -> object:
        return ayl.send(nothing, 1, "a")

    ayl.configure(app="measured", version="1", engine=url, secrets=None)
    static()
    body = taken(client)
    yield measured("greenstalk's bare put", repeated(lambda: client.put(body), calls))
    yield measured("Work.ayl_send(…)", repeated(static, calls))
    yield measured("ayl.send(function, …)", repeated(function, calls))
    yield measured("Work.ayl_send(…) in a batch", batched(static, calls))
    ayl.settings.reset()
    ayl.configure(app="measured", version="1", engine=url, secrets=SECRET)
    yield measured("the same, signed", repeated(static, calls))
    yield measured("the same, signed, in a batch", batched(static, calls))
    ayl.settings.reset()


class Ready:
    """A server that has answered before it was asked, in this process: what a send costs without a wait."""

    PORTION = 100
    """Calls whose replies fit into the socket's buffers."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._connected: dict[str, socket.socket] = {}

    def portion(self, connection: str, send: Callable[[], object], first: bytes = b"") -> float:
        """CPU of each of `PORTION` calls, microseconds. `first`: what the server says to a new connection's `use`."""
        if connection not in self._connected:
            # The connection is made by the first call, which waits until it is let in.
            letting_in = threading.Thread(target=self._let_in, args=(connection, first))
            letting_in.start()
            send()
            letting_in.join()
        peer = self._connected[connection]
        peer.sendall(b"INSERTED 1\r\n" * self.PORTION)
        began = time.process_time()
        for _ in range(self.PORTION):
            send()
        spent = time.process_time() - began
        left = self.PORTION * 200  # no message here is smaller
        while left > 0:
            left -= len(peer.recv(1 << 20))
        return spent * 1e6 / self.PORTION

    def _let_in(self, connection: str, first: bytes) -> None:
        peer, _ = self._listening.accept()
        self._connected[connection] = peer
        peer.sendall(first + b"INSERTED 1\r\n")


def without_waiting(repeat: int) -> None:
    """Print what sends cost when nobody sleeps, medians of so many times ten portions."""
    ready = Ready()
    ayl.configure(app="measured", version="1", engine=f"beanstalk://127.0.0.1:{ready.port}")
    # Nagle's algorithm, which greenstalk leaves on, would gather writes that no reply has acknowledged.
    connection = socket.create_connection(("127.0.0.1", ready.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bare = greenstalk.Client(connection, encoding=None)
    body = b"x" * 258
    ways: dict[str, tuple[Callable[[], object], bytes]] = {
        "greenstalk's bare put": (lambda: bare.put(body), b""),
        "Work.ayl_send(…)": (lambda: Work.ayl_send("nothing", 1, "a"), b"USING measured/1\r\n"),
        "ayl.send(function, …)": (lambda: ayl.send(nothing, 1, "a"), b""),
    }
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat * 10):
        for name, (send, first) in ways.items():
            costs[name].append(ready.portion("ayl" if "ayl" in name else "bare", send, first))
    least = median(costs["greenstalk's bare put"])
    for name, found in costs.items():
        print(f"  {name:32} {median(found):6.1f} us {median(found) - least:+6.1f} us")
    close()
    bare.close()


def taken(client: greenstalk.Client[bytes]) -> bytes:
    job = client.reserve(1)
    client.delete(job)
    return job.body


def emptied(client: greenstalk.Client[bytes]) -> None:
    try:
        while True:
            client.delete(client.reserve(0))
    except greenstalk.TimedOutError:
        return


def main() -> None:
    """Print the medians, and what each costs above the bare put of the same round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--server", choices=sorted(KINDS), default="ayl_server")
    parser.add_argument("--awake", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--ready", action="store_true", help="with replies that are there before they are asked for")
    options = parser.parse_args()
    if options.ready:
        without_waiting(options.repeat)
        return
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.generator})
    rounds: dict[str, list[tuple[Cost, float]]] = {}
    with (
        awake(options.awake),
        running(KINDS[options.server], cores.generator) as started,
        connected(started.port) as client,
    ):
        client.use(TUBE)
        client.watch(TUBE)
        for _ in range(options.repeat):
            bare: Cost | None = None
            for name, found in one_round(client, f"beanstalk://127.0.0.1:{started.port}", options.calls):
                bare = bare or found
                rounds.setdefault(name, []).append((found, found.cpu - bare.cpu))
        close()
    print(f"{options.calls:,} calls through {options.server}, medians of {options.repeat} rounds (lowest to highest)")
    for name, costs in rounds.items():
        cpu = sorted(found.cpu for found, _ in costs)
        above = median(above for _, above in costs)
        rate = 1e6 / median(found.wall for found, _ in costs)
        print(f"  {name:32} {median(cpu):6.1f} us ({cpu[0]:.1f} to {cpu[-1]:.1f}) {above:+6.1f} us {rate:>10,.0f}/s")


if __name__ == "__main__":
    main()
