"""The whole way of a call, through the public API, beside bare greenstalk in the same run.

.venv/bin/python benchmarks/calls.py [--calls 20000] [--repeat 5] [--server ayl_server] [--no-awake]

On a virtual machine, waking a core that has gone to sleep can cost more than all the rest of a round trip. So the
cores are kept from sleeping by processes that run only when nothing else wants to (SCHED_IDLE), but for --no-awake.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import greenstalk  # noqa: E402 - the path must be set first

from benchmarks.processes import KINDS, Cores, running  # noqa: E402

TUBE = "measured/1"
LATENCY_SAMPLES = 1000
PATIENCE = 60.0
"""Seconds that anything here may take."""


@contextmanager
def worker() -> Iterator[None]:
    """One supervised worker process."""
    command = str(Path(sys.executable).parent / "ayl_worker")
    process = subprocess.Popen(
        [command, "--app-path", str(ROOT), "--require", "benchmarks.measured", "--log-level", "ERROR"]
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def awake(wanted: bool) -> Iterator[None]:
    """No core sleeps meanwhile, if that is wanted."""
    text = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    spinners = [subprocess.Popen([sys.executable, "-c", text]) for _ in os.sched_getaffinity(0)] if wanted else []
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def drained(client: greenstalk.Client[bytes]) -> float:
    """Calls per second from the first call's end to the last's, so that no start-up is counted."""
    deadline = time.monotonic() + PATIENCE
    at_start = client.stats_tube(TUBE)["cmd-delete"]
    began, first = 0.0, 0
    while True:
        tube, now = client.stats_tube(TUBE), time.monotonic()
        done = tube["cmd-delete"]
        if not began and done > at_start:
            began, first = now, done
        if not tube["current-jobs-ready"] and not tube["current-jobs-reserved"]:
            return (done - first) / (now - began) if done > first else 0.0
        if now > deadline:
            raise RuntimeError(f"{tube['current-jobs-ready']} calls were not made")
        time.sleep(0.002)


def sent(send: Callable[[], object], calls: int) -> float:
    """Calls per second of this process."""
    began = time.monotonic()
    for _ in range(calls):
        send()
    return calls / (time.monotonic() - began)


def measure_ayl(client: greenstalk.Client[bytes], send: Callable[[], object], calls: int) -> dict[str, float]:
    import ayl

    client.use(TUBE)  # so that the tube stays when it is empty
    figures = {"sent one by one": sent(send, calls // 4)}
    began = time.monotonic()
    with ayl.batch():
        for _ in range(calls):
            send()
    figures["sent in a batch"] = calls / (time.monotonic() - began)
    with worker():
        figures["drained"] = drained(client)
    return figures


def measure_latency(client: greenstalk.Client[bytes]) -> dict[str, float]:
    """Microseconds from before the send to the beginning of the call, worker idle."""
    import ayl
    from benchmarks.measured import Work

    with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear, worker():
        address = f"{scratch}/ear"
        ear.bind(address)
        ear.settimeout(PATIENCE)
        samples = []
        for _ in range(LATENCY_SAMPLES):
            while not client.stats_tube(TUBE)["current-waiting"]:
                time.sleep(0.001)
            began = time.monotonic_ns()
            ayl.send(Work.tell, address)
            samples.append((int(ear.recv(64)) - began) / 1000)
    samples.sort()
    return {"latency p50, us": median(samples), "latency p99, us": samples[len(samples) * 99 // 100]}


def measure_bare(client: greenstalk.Client[bytes], calls: int) -> dict[str, float]:
    """greenstalk alone with a body of the same size: the ceiling of one command at a time."""
    body = b"x" * 300
    client.use("bare")
    client.watch("bare")
    client.ignore("default")
    figures = {"sent one by one": sent(lambda: client.put(body), calls)}

    def take() -> None:
        client.delete(client.reserve(0))

    figures["drained"] = sent(take, calls)
    return figures


def connected(port: int) -> greenstalk.Client[bytes]:
    """To a server that has just been started."""
    while True:
        try:
            return greenstalk.Client(("127.0.0.1", port), encoding=None)
        except ConnectionRefusedError:
            time.sleep(0.01)


def one_run(server: str, calls: int) -> dict[str, dict[str, float]]:
    """All figures of one fresh server."""
    import ayl

    with running(KINDS[server], Cores.of_this_machine().server) as started:
        os.environ["AYL_ENGINE"] = url = f"beanstalk://127.0.0.1:{started.port}"
        ayl.configure(engine=url)
        from benchmarks.measured import Base, Row, Sessions, Work

        with connected(started.port) as client:
            rows = {"static method": measure_ayl(client, lambda: Work.ayl_send("nothing", 1, "a"), calls)}
            rows["static method"] |= measure_latency(client)
        with connected(started.port) as bare:
            rows["bare greenstalk"] = measure_bare(bare, calls)
        Base.metadata.drop_all(Sessions.kw["bind"])
        Base.metadata.create_all(Sessions.kw["bind"])
        with Sessions() as session, connected(started.port) as client:
            row = Row()
            session.add(row)
            session.commit()
            rows["SQLAlchemy instance"] = measure_ayl(client, lambda: row.ayl_send("nothing", 1, "a"), calls)
        ayl_close()
    return rows


def ayl_close() -> None:
    from ayl.delivery import close

    close()


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--server", choices=sorted(KINDS), default="ayl_server")
    parser.add_argument("--awake", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, awake(options.awake):
        os.environ["MEASURED_DATABASE"] = f"sqlite:///{scratch}/measured.db"
        runs = [one_run(options.server, options.calls) for _ in range(options.repeat)]
    print(f"{options.calls:,} calls through {options.server}, medians of {options.repeat} runs (lowest to highest)")
    for row, figures in runs[0].items():
        for name in figures:
            values = sorted(run[row][name] for run in runs)
            print(f"  {row:20} {name:18} {median(values):>10,.0f}   ({values[0]:,.0f} to {values[-1]:,.0f})")


if __name__ == "__main__":
    main()
