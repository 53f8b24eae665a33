"""A tube where many clients put and many reserve: what is promised there is "at least once", and nothing more exact."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from .wire import Answer, Gone
from .world import Contradiction

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .ids import Ids
    from .wire import Wire

TUBE = b"market"

CROWD = 500
"""Jobs on the market, about."""


class Market:
    """The ledger of all its clients."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self.sold: dict[int, bytes] = {}
        """Acknowledged puts."""
        self.offered: set[bytes] = set()
        """Bodies of puts that were never acknowledged; they may turn up once, or not."""
        self.deleted: dict[int, float] = {}
        """Acknowledged deletes, and when they were."""
        self.doomed: set[int] = set()
        """Deletes that were not acknowledged."""
        self.seen: list[tuple[int, bytes, float]] = []
        """What was handed out, and when it was asked for."""
        self._lock = Lock()

    # Clients

    def sell(self, wire: Wire, chance: Random, name: str, stopped: Callable[[], bool]) -> None:
        """Put jobs, some with a time to run that will not do."""
        serial = len(self.sold) + len(self.offered)
        with suppress(Gone):
            wire.ask(b"use %b\r\n" % TUBE)
            while not stopped():
                if len(self.sold) - len(self.deleted) > CROWD:
                    time.sleep(0.001)
                    continue
                serial += 1
                body = b"%b %d " % (name.encode(), serial) + bytes(chance.randrange(500))
                self.offered.add(body)
                ttr = chance.choice([1, 1000])
                answer = wire.ask(b"put %d 0 %d %d\r\n%b\r\n" % (chance.randrange(3), ttr, len(body), body))
                self._sold(answer, body)

    def _sold(self, answer: Answer, body: bytes) -> None:
        if answer.word != b"INSERTED":
            raise Contradiction(f"{answer} to a put")
        self.ids.given(answer)
        with self._lock:
            self.offered.discard(body)
            self.sold[answer.number] = body

    def buy(self, wire: Wire, chance: Random, stopped: Callable[[], bool]) -> None:
        """Reserve and settle jobs, or forget to."""
        with suppress(Gone):
            for line in (b"use %b\r\n" % TUBE, b"watch %b\r\n" % TUBE, b"ignore default\r\n"):
                wire.ask(line)
            while not stopped():
                asked = time.monotonic()
                answer = wire.ask(b"reserve-with-timeout %d\r\n" % chance.randrange(2))
                if answer.word == b"RESERVED":
                    with self._lock:
                        self.seen.append((answer.number, answer.body, asked))
                    self._settle(wire, chance, answer.number)
                elif chance.random() < 0.5:
                    wire.ask(b"kick 10\r\n")

    def _settle(self, wire: Wire, chance: Random, job_id: int) -> None:
        draw = chance.random()
        if draw < 0.7:
            self.doomed.add(job_id)
            # Not found: its time to run was over, and somebody else has it.
            if wire.ask(b"delete %d\r\n" % job_id).word == b"DELETED":
                self.deleted[job_id] = time.monotonic()
            self.doomed.discard(job_id)
        elif draw < 0.85:
            wire.ask(b"release %d 1 %d\r\n" % (job_id, chance.choice([0, 0, 1])))
        elif draw < 0.95:
            wire.ask(b"bury %d 1\r\n" % job_id)

    # The judge's part

    def judge(self, found: dict[int, bytes]) -> list[str]:
        """What is wrong with the jobs that a restarted server has on the market; then they are what is expected."""
        wrong = self._handed_out_wrongly()
        gone = self.sold.keys() - found.keys() - self.deleted.keys() - self.doomed
        wrong += [f"market: job {job_id} is lost" for job_id in sorted(gone)]
        wrong += [f"market: job {job_id} was deleted and is back" for job_id in found.keys() & self.deleted.keys()]
        for job_id, body in found.items():
            if job_id not in self.sold:
                self._adopt(job_id, body, wrong)
            elif self.sold[job_id] != body:
                wrong.append(f"market: job {job_id} has another body")
        for job_id in self.sold.keys() - found.keys() - self.deleted.keys():
            self.deleted[job_id] = time.monotonic()
        self.offered.clear()
        self.doomed.clear()
        return wrong

    def _adopt(self, job_id: int, body: bytes, wrong: list[str]) -> None:
        """A job whose put was never answered."""
        if body not in self.offered:
            wrong.append(f"market: job {job_id} was never put, or is there twice")
        self.offered.discard(body)
        self.sold[job_id] = body

    def _handed_out_wrongly(self) -> list[str]:
        wrong = []
        for job_id, body, asked in self.seen:
            deleted = self.deleted.get(job_id)
            if deleted is not None and deleted < asked:
                wrong.append(f"market: job {job_id} was handed out after it had been deleted")
            known = self.sold.get(job_id)
            if known != body and not (known is None and body in self.offered):
                wrong.append(f"market: job {job_id} was handed out with another body")
        self.seen.clear()
        return wrong
