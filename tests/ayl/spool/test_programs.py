"""Random programs of appends, deaths, failing disks, damage, withdrawals and drains, on real files.

Three sender processes are three objects that know nothing of each other; one that dies in a write leaves the beginning
of it and is replaced.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ayl.engines.spool import draining, store
from ayl.engines.spool.draining import Drain
from ayl.engines.spool.segments import ASIDE
from ayl.engines.spool.store import Spool
from ayl.engines.submissions import Receipt
from ayl.errors import Refused, RefusedForNow, SpoolUnusable, Unreachable
from ayl.handle import State

from .samples import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.engines.spool.records import Record
    from ayl.engines.submissions import Submission

ENGINES = ("beanstalk://a", "beanstalk://b")
SENDERS = range(3)


class Died(BaseException):
    """kill -9."""


class Server:
    """Takes, refuses and dies as it is told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.takes = 10**9
        """So many more, then no server answers."""
        self.too_big: set[str] = set()
        self.drains = False
        self.sender_dies = False
        """After the last that it takes, before the sender can tell anybody."""

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        answers = [self._answer(each) for each in submissions]
        if self.sender_dies:
            raise Died
        return answers

    def _answer(self, submission: Submission) -> Receipt | Exception:
        if self.takes <= 0:
            return Unreachable("gone")
        if self.drains:
            return RefusedForNow("drains")
        if submission.id in self.too_big:
            return Refused("too big")
        self.takes -= 1
        self.got.append(submission.id)
        return Receipt(State.SUBMITTED, 1)


class Programs(RuleBasedStateMachine):
    """What is accepted is delivered in order, set aside, or told as damaged; what is not accepted is not delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="ayl-programs-")
        self.path = f"{self.folder}/spool"
        self.senders = [Spool(self.path, 10**9) for _ in SENDERS]
        self.numbers = count()
        self.accepted: dict[str, list[str]] = {engine: [] for engine in ENGINES}
        self.places: dict[str, str] = {}
        self.unclear: set[str] = set()
        """Of senders that died: nobody was told yes."""
        self.refused: set[str] = set()
        """Nobody may find them."""
        self.withdrawn: set[str] = set()
        self.damaged: set[str] = set()
        self.servers = {engine: Server() for engine in ENGINES}
        self.doubtful: set[str] = set()
        """Of puts after which the sender died."""

    def teardown(self) -> None:
        try:
            for engine in ENGINES:
                self._heal(engine)
                done = Drain(self.senders[0], engine, self.servers[engine].submit).run(60)
                assert not done.rest
                self._judge(engine)
            assert not any(name.endswith(".spool") for name in self._names())
            told = any(name.endswith(".damaged") for name in self._names())
            assert told == bool(self.damaged), "damage was dropped silently, or made up"
        finally:
            shutil.rmtree(self.folder)

    def _names(self) -> list[str]:
        folder = Path(self.path)
        return [path.name for path in folder.iterdir()] if folder.exists() else []

    def _heal(self, engine: str) -> None:
        server = self.servers[engine]
        server.takes, server.drains, server.sender_dies = 10**9, False, False

    def _judge(self, engine: str) -> None:
        server = self.servers[engine]
        aside = {call.id for file in self.senders[0].look() if file.segment.kind == ASIDE for call in file.waiting}
        got = list(dict.fromkeys(server.got))
        due = [each for each in self.accepted[engine] if each not in self.withdrawn and each not in server.too_big]
        missing = [each for each in due if each not in got]
        assert set(missing) <= self.damaged, "lost"
        sure = [each for each in got if each not in self.unclear | self.withdrawn]
        assert sure == [each for each in due if each in got], "order"
        assert self.withdrawn & {*got} <= self.doubtful, "withdrawn and delivered"
        assert not set(got) & self.refused, "delivered, though the sender was told no"
        for each in self.accepted[engine]:
            if each in server.too_big and each not in self.withdrawn | self.damaged:
                assert each in aside, "refused for good, and gone"

    def _records(self, number: int, engine: str) -> list[Record]:
        return [record(next(self.numbers), 20, engine) for _ in range(number)]

    sender = st.sampled_from(SENDERS)
    engine = st.sampled_from(ENGINES)
    number = st.integers(1, 12)

    @rule(sender=sender, engine=engine, number=number)
    def append(self, sender: int, engine: str, number: int) -> None:
        records = self._records(number, engine)
        places = self.senders[sender].append(records)
        for each, place in zip(records, places, strict=True):
            assert isinstance(place, str)
            self.accepted[engine].append(each.id)
            self.places[each.id] = place

    @rule(sender=sender, engine=engine, number=number, part=st.floats(0, 1))
    def die_in_a_write(self, sender: int, engine: str, number: int, part: float) -> None:
        records = self._records(number, engine)
        self.unclear |= {each.id for each in records}

        def torn(file: int, data: bytes, offset: int) -> None:
            os.pwrite(file, data[: round(len(data) * part)], offset)
            raise Died

        with patch.object(store, "write", torn), pytest.raises(Died):
            self.senders[sender].append(records)
        self.senders[sender] = Spool(self.path, 10**9)

    @rule(sender=sender, engine=engine, number=number, part=st.floats(0, 1))
    def run_out_of_disk(self, sender: int, engine: str, number: int, part: float) -> None:
        def short(file: int, data: bytes, offset: int) -> None:
            os.pwrite(file, data[: round(len(data) * part)], offset)
            raise OSError(errno.ENOSPC, "No space left on device")

        self._refused(sender, engine, number, "write", short)

    @rule(sender=sender, engine=engine, number=number)
    def fail_to_sync(self, sender: int, engine: str, number: int) -> None:
        def failing(_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        records = self._records(number, engine)
        self.refused |= {each.id for each in records}
        with patch.object(os, "fdatasync", failing), pytest.raises(SpoolUnusable, match="Input/output"):
            self.senders[sender].append(records)

    def _refused(self, sender: int, engine: str, number: int, name: str, how: object) -> None:
        records = self._records(number, engine)
        self.refused |= {each.id for each in records}
        with patch.object(store, name, how), pytest.raises(SpoolUnusable, match="make room"):
            self.senders[sender].append(records)

    @precondition(lambda self: any(self.accepted.values()))
    @rule(data=st.data(), sender=sender)
    def withdraw(self, data: st.DataObject, sender: int) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.places)))
        if self.senders[sender].withdraw(self.places[chosen], chosen):
            self.withdrawn.add(chosen)

    @precondition(lambda self: any(self.accepted.values()))
    @rule(data=st.data(), engine=engine)
    def grow_too_big(self, data: st.DataObject, engine: str) -> None:
        if self.accepted[engine]:
            chosen = data.draw(st.sampled_from(self.accepted[engine]))
            if chosen not in self.servers[engine].got:
                self.servers[engine].too_big.add(chosen)

    @rule(sender=sender, engine=engine, takes=st.integers(0, 20), drains=st.booleans())
    def drain_a_little(self, sender: int, engine: str, takes: int, drains: bool) -> None:
        server = self.servers[engine]
        server.takes, server.drains = takes, drains
        Drain(self.senders[sender], engine, server.submit).run(60)
        self._heal(engine)

    @rule(sender=sender, engine=engine, takes=st.integers(1, 20))
    def die_in_a_drain(self, sender: int, engine: str, takes: int) -> None:
        server = self.servers[engine]
        server.takes, server.sender_dies = takes, True
        before = len(server.got)
        with suppress(Died):
            Drain(self.senders[sender], engine, server.submit).run(60)
        self.doubtful |= {*server.got[before:]}
        self.senders[sender] = Spool(self.path, 10**9)
        self._heal(engine)

    @rule(sender=sender, engine=engine)
    def drain(self, sender: int, engine: str) -> None:
        Drain(self.senders[sender], engine, self.servers[engine].submit).run(60)

    @precondition(lambda self: any(self.accepted.values()))
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """One byte of a record that waits goes bad."""
        waiting = {call.id: file.segment for file in self.senders[0].look() for call in file.waiting}
        chosen = [each for each in sorted(waiting) if each in self.places]
        if not chosen:
            return
        victim = data.draw(st.sampled_from(chosen))
        segment = waiting[victim]
        if not self.places[victim].startswith(f"{segment.name}:"):
            return  # set aside meanwhile
        path, at = Path(self.path) / segment.name, int(self.places[victim].rpartition(":")[2])
        at += data.draw(st.integers(0, 15) | st.integers(20, 60))
        content = bytearray(path.read_bytes())
        content[at] ^= 255
        path.write_bytes(content)
        self.damaged.add(victim)

    @invariant()
    def puts_are_doubled_by_deaths_only(self) -> None:
        for server in self.servers.values():
            sure = [each for each in server.got if each not in self.doubtful]
            assert len(sure) == len({*sure})


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    """Files and portions that a few records fill."""
    with patch.object(store, "SEGMENT_BYTES", 1500), patch.object(draining, "PORTION", (5, 10_000)):
        yield


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
