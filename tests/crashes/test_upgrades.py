"""The server is stopped and another one started while everybody works: clients reconnect, nothing is lost."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import greenstalk

import ayl
from ayl.worker.portion import MOST
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, ON_ASYNCIO, Server, free_port
from tests.processes.worker.app import chores
from tests.processes.worker.workshop import Workshop

from .aside import aside
from .servers import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.processes.servers import Kind

Client = greenstalk.Client[bytes]

LOST = (OSError, ValueError, greenstalk.UnknownResponseError)
"""How greenstalk says that its server has gone: by an error of the socket, or by half an answer."""


class Series:
    """Servers one after the other, at one address and with one binlog."""

    def __init__(self, place: Place, *options: str) -> None:
        self.place = place
        self.options = options
        self.port = free_port()
        self.server = self._start(AYL_SERVER)

    def _start(self, kind: Kind) -> Server:
        server = Server(kind, self.place.folder, "-b", str(self.place.binlog), *self.options, port=self.port)
        assert server.await_start(), server.log()
        return server

    def upgrade(self, kind: Kind) -> None:
        """What a package's new version does: stop, and start what is there now."""
        self.server.gets(signal.SIGTERM)
        asked = time.monotonic()
        assert self.server.wait() == 0, self.server.log()
        assert time.monotonic() - asked < 4, self.server.log()
        self.server = self._start(kind)

    def client(self) -> Client:
        return self.server.client()

    def close(self) -> None:
        self.server.kill()


class Crew:
    """Producers and consumers that connect again whenever they have lost their server."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.produced: list[bytes] = []
        self.consumed: Counter[bytes] = Counter()
        self.doubtful: Counter[bytes] = Counter()
        """Jobs that were put or deleted, and nobody said so: these may come twice."""
        self.over = Event()
        self._lock = Lock()

    def run(self, work: Callable[[Client], None]) -> None:
        while not self.over.is_set():
            with suppress(*LOST), self.series.client() as client:
                work(client)
            time.sleep(0.002)

    def produce(self, name: bytes) -> None:
        """Each job until somebody has taken it."""
        serial = 0

        def work(client: Client) -> None:
            nonlocal serial
            while not self.over.is_set():
                body = b"%b %d" % (name, serial)
                with self.doubt(body):
                    client.put(body, ttr=100)
                with self._lock:
                    self.produced.append(body)
                serial += 1
                time.sleep(0.001)  # consumers shall keep up

        self.run(work)

    def consume(self) -> None:
        def work(client: Client) -> None:
            while not self.over.is_set():
                try:
                    job = client.reserve(timeout=1)
                except greenstalk.TimedOutError:
                    continue
                with self._lock:
                    self.consumed[job.body] += 1
                with self.doubt(job.body):
                    client.delete(job)

        self.run(work)

    def doubt(self, body: bytes) -> Doubt:
        return Doubt(self.doubtful, body)


class Doubt:
    """Remembers what was being done when the server was lost."""

    def __init__(self, doubtful: Counter[bytes], body: bytes) -> None:
        self.doubtful = doubtful
        self.body = body

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.doubtful[self.body] += 1


@aside({sync: sync for sync in ("-f0", "-f50")})
def test_a_server_can_be_upgraded_again_and_again_while_clients_work(folder: Path, sync: str) -> None:
    place = Place(folder)
    series = Series(place, sync, "-s", "65536")
    crew = Crew(series)
    producers = [Thread(target=crew.produce, args=(name,)) for name in (b"red", b"blue")]
    threads = [*producers, *(Thread(target=crew.consume) for _ in range(3))]
    try:
        for thread in threads:
            thread.start()
        for kind in (ON_ASYNCIO, AYL_SERVER, ON_ASYNCIO, AYL_SERVER):
            wanted = len(crew.produced) + 100
            eventually(lambda wanted=wanted: len(crew.produced) > wanted)  # type: ignore[misc]
            series.upgrade(kind)
        eventually(lambda: len(crew.produced) > wanted + 100)
    finally:
        crew.over.set()
        for thread in threads:
            thread.join(PATIENCE)
        try:
            left = _drain(series)
        finally:
            series.close()
    crew.consumed.update(left)
    assert set(crew.produced) <= crew.consumed.keys()
    assert place.troubles() == []
    for body, times in crew.consumed.items():
        assert times <= 1 + crew.doubtful[body], body


def _drain(series: Series) -> list[bytes]:
    bodies = []
    with series.client() as client, suppress(greenstalk.TimedOutError):
        while True:
            job = client.reserve(timeout=0)
            bodies.append(job.body)
            client.delete(job)
    return bodies


def test_ayls_own_senders_and_workers_go_on_through_upgrades(place: Place, tmp_path: Path) -> None:
    series = Series(place)
    workshop = Workshop(series.server, tmp_path)
    try:
        workshop.workers(workers=2)
        words = []
        for kind in (ON_ASYNCIO, AYL_SERVER):
            words += [_send(tmp_path, f"{kind.name}-{number}") for number in range(30)]
            upgrade = Thread(target=series.upgrade, args=(kind,))
            upgrade.start()
            words += [_send(tmp_path, f"{kind.name}-meanwhile-{number}") for number in range(30)]
            upgrade.join()
        workshop.reconnect(series.server)
        eventually(lambda: set(words) <= set(workshop.words()), workshop.told)
        eventually(lambda: workshop.client.stats()["current-jobs-ready"] == 0)
        doubled = [word for word, times in Counter(workshop.words()).items() if times > 1]
        # Of each upgrade: what one sender was just doing, and what two workers had done and not settled yet.
        assert len(doubled) <= 2 * (1 + 2 * MOST), doubled
    finally:
        workshop.close()
        series.close()


def _send(folder: Path, word: str) -> str:
    """Until a server takes it."""

    def sent() -> bool:
        with suppress(ayl.errors.Unreachable):
            ayl.send(chores.note, folder, word)
            return True
        return False

    eventually(sent)
    return word


@aside({kind.name: kind for kind in (AYL_SERVER, ON_ASYNCIO)})
def test_clients_that_come_just_when_it_stops_do_not_hold_it_up_and_what_is_done_for_them_is_answered(
    folder: Path, kind: Kind
) -> None:
    place = Place(folder)
    answered = 0
    for early in (1, 1, 5, 50):
        with place.serving(kind=kind) as server, ExitStack() as stack:
            clients = [stack.enter_context(closing(server.dial())) for _ in range(early)]
            for client in clients:
                client.sendall(b"put 0 0 1 0\r\n\r\n")
            begun = time.monotonic()
            server.gets(signal.SIGTERM)
            for client in clients:
                with suppress(ConnectionError), client.makefile("rb") as replies:
                    answered += replies.read().startswith(b"INSERTED")
            assert server.wait() == 0
            assert time.monotonic() - begun < 3, server.log()
    assert place.troubles() == []
    with place.serving(kind=kind) as server, server.client() as onlooker:
        assert onlooker.stats()["current-jobs-ready"] == answered
