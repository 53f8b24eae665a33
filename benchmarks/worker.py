"""One worker process by itself: its memory, idle and over many calls, and many sleeping calls at a time.

.venv/bin/python benchmarks/worker.py [--calls 500000] [--rounds 3]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import greenstalk  # noqa: E402 - the path must be set first

from benchmarks.processes import KINDS, Cores, greet, running, when_listening  # noqa: E402
from benchmarks.workers import Workers, working  # noqa: E402

MEGABYTE = 1e6
LOOKS = 10
"""At the memory, while calls are made."""
WARM = 1000
"""Calls before the first look: what a worker needs for its work is loaded then."""
PATIENCE = 60.0
"""Seconds that a worker may be in going on."""

SLEEPING = {"coroutines": ("doze", 1000), "threads": ("sleep", 100)}
"""A worker's option, the call, and how many of them at a time."""


class Tube:
    """Of these calls, as the server sees it."""

    def __init__(self, client: "greenstalk.Client[bytes]") -> None:
        from benchmarks import sleepers

        self._client = client
        self._name = sleepers.TUBE
        client.use(self._name)  # so that it stays when it is empty

    def await_empty(self) -> None:
        """Until all calls have been made and settled."""
        deadline = time.monotonic() + PATIENCE
        left = -1
        while True:
            found = self._client.stats_tube(self._name)
            before, left = left, found["current-jobs-ready"] + found["current-jobs-reserved"]
            if not left:
                return
            if left != before:
                deadline = time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left} calls are not made")
            time.sleep(0.002)


@contextmanager
def at_work(url: str, *options: str) -> Iterator[Workers]:
    """One worker process, its supervisor included."""
    command = [str(Path(sys.executable).parent / "ayl_worker"), "--app-path", str(ROOT), "--log-level", "ERROR"]
    command += ["--require", "benchmarks.sleepers", *options]
    with (
        tempfile.TemporaryDirectory() as unused,
        working([command], {"SLEEPERS_SERVER": url}, Path(unused)) as workers,
    ):
        yield workers


def send(calls: int) -> None:
    """So many that do nothing."""
    import ayl
    from benchmarks.sleepers import nothing

    with ayl.batch():
        for number in range(calls):
            ayl.send(nothing, number, "a")


def show(what: str, found: Sequence[float]) -> None:
    print(f"  {what:40} {median(found):>8.2f}   ({min(found):.2f} to {max(found):.2f})")


def measure_memory(url: str, tube: Tube, calls: int, rest: float) -> None:
    """When idle after its first call, and again and again while it makes calls; `rest`: seconds before each look."""
    with at_work(url) as workers:
        send(1)
        tube.await_empty()
        time.sleep(rest)
        resident, proportional = workers.resident() / MEGABYTE, workers.proportional() / MEGABYTE
        before = workers.cpu_seconds()
        time.sleep(5 * rest)
        idle = (workers.cpu_seconds() - before) / (5 * rest)
        show("idle: resident, MB", [resident])
        show("idle: proportional, MB", [proportional])
        print(f"idle: {1e3 * idle:.2f} ms of CPU per second")
        send(WARM)
        tube.await_empty()
        looks = []
        for _ in range(LOOKS + 1):
            time.sleep(rest)
            looks.append(workers.resident() / MEGABYTE)
            if len(looks) <= LOOKS:
                send(calls // LOOKS)
                tube.await_empty()
    print("resident in the course of the calls, MB:", *(f"{look:.2f}" for look in looks))
    print(f"grown by {looks[-1] - looks[0]:.2f} MB, in the second half by {looks[-1] - looks[LOOKS // 2]:.2f} MB")


def measure_sleeping(url: str, tube: Tube, rounds: int, rest: float) -> None:
    """From before the calls are sent until the last is settled."""
    import ayl
    from benchmarks import sleepers

    for option, (name, count) in SLEEPING.items():
        # The main thread's slot is no sleeper's where there are coroutines: these are all on the loop.
        slots = [f"--{option}", str(count), *(["--threads", "0"] if option == "coroutines" else [])]
        with at_work(url, *slots):
            send(1)
            tube.await_empty()
            took = []
            for _ in range(rounds):
                time.sleep(rest)
                began = time.monotonic()
                with ayl.batch():
                    for _ in range(count):
                        ayl.send(getattr(sleepers, name), 1.0)
                tube.await_empty()
                took.append(time.monotonic() - began)
        show(f"{count:,} {option} that sleep 1 s each, s", took)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the sleeping calls")
    parser.add_argument("--rest", type=float, default=1.0, help="seconds before each look and round")
    options = parser.parse_args()
    with running(KINDS["ayl_server"], Cores.of_this_machine().server) as server, when_listening(server) as sock:
        greet(sock)
        os.environ["SLEEPERS_SERVER"] = url = f"beanstalk://127.0.0.1:{server.port}"
        with greenstalk.Client(("127.0.0.1", server.port), encoding=None) as client:
            tube = Tube(client)
            measure_sleeping(url, tube, options.rounds, options.rest)
            measure_memory(url, tube, options.calls, options.rest)
        from ayl.delivery import close

        close()


if __name__ == "__main__":
    main()
