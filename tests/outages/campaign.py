"""Outage after outage under senders, and the account of all calls in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from ayl import message as messages
from ayl.admin import Server as Address
from ayl.options import LADDER
from ayl.spooled import contents, drain
from tests.crashes.wire import Wire
from tests.processes.deadline import PATIENCE
from tests.processes.servers import AYL_SERVER, HOST, Server, environment, free_port

from .figures import Account, Call, Figures, judged, table

if TYPE_CHECKING:
    from ayl.options import Unreachable

ROOT = Path(__file__).resolve().parents[2]

FREEZE_SECONDS = 1.5
"""Longer than any sender's patience."""


@dataclass
class Sender:
    """A process that sends."""

    name: str
    policy: Unreachable
    diary: Path
    process: subprocess.Popen[bytes]
    killed: bool = False


@dataclass
class Campaign:
    """One server, its binlog, and the senders of one machine with one spool."""

    folder: Path
    seed: int
    senders: int = 6
    """At a time."""
    kills: int = 0
    freezes: int = 0
    running: list[Sender] = field(default_factory=list)
    ended: list[Sender] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - the same choices for the same seed, no secrets
        self.port = free_port()
        self.spool = self.folder / "spool"
        self.names = (f"sender{number}" for number in count())
        (self.folder / "binlog").mkdir()
        self.server = self._start()

    @property
    def url(self) -> str:
        return f"beanstalk://{HOST}:{self.port}"

    def outage(self) -> None:
        """Work for a while, then none; a sender may die too, at any moment."""
        self._fill_up()
        time.sleep(self.chance.uniform(0.2, 1.0))
        if self.chance.random() < 0.2:
            self.server.gets(signal.SIGSTOP)
            self.freezes += 1
            time.sleep(FREEZE_SECONDS)
        if self.chance.random() < 0.8:
            self.server.kill()
            self.kills += 1
            time.sleep(self.chance.choice([0.0, self.chance.uniform(0, 0.3), self.chance.uniform(0, 2.0)]))
            self.server = self._start()
        else:
            self.server.gets(signal.SIGCONT)
        if self.chance.random() < 0.5:
            time.sleep(self.chance.uniform(0, 0.5))
            self._kill(self.chance.choice(self.running))

    def judge(self) -> list[Figures]:
        """Stop all senders, deliver what is left, and count. AssertionError tells which promise was broken."""
        for sender in self.running:
            sender.process.terminate()
        for sender in self.running:
            code = sender.process.wait(PATIENCE)
            assert code == 0, f"{sender.name} ended with {code}: {self._log(sender.name)}"
        self.ended += self.running
        self.running = []
        *_, delivery = drain(Address(HOST, self.port, 20.0), str(self.spool))
        assert (delivery.left, delivery.set_aside, delivery.elsewhere) == (0, 0, {})
        assert contents(str(self.spool)).unreadable == ()
        accounts = [Account.read(each.name, each.policy, each.killed, each.diary) for each in self.ended]
        at_server = self._calls()
        figures = [judged(policy, accounts, accounts, at_server) for policy in LADDER]
        wrong = [sentence for each in figures for sentence in each.wrong()]
        doubles, unanswered = sum(each.doubles for each in figures), sum(each.put - each.answered for each in accounts)
        if doubles > unanswered + sum(each.killed for each in accounts):
            wrong.append(f"{doubles} doubles altogether, but only {unanswered} puts were not answered")
        assert not wrong, f"seed {self.seed}: {'; '.join(wrong)}\n{table(figures, self.kills, self.freezes)}"
        return figures

    def close(self) -> None:
        """Leave nothing running."""
        for sender in self.running:
            sender.process.kill()
            sender.process.wait()
        self.server.kill()

    # Its parts

    def _start(self) -> Server:
        server = Server(AYL_SERVER, self.folder, "-b", str(self.folder / "binlog"), "-f", "0", port=self.port)
        assert server.await_start(), server.log()
        return server

    def _fill_up(self) -> None:
        policies = [*LADDER] * self.senders
        for sender in self.running:
            policies.remove(sender.policy)
        while len(self.running) < self.senders:
            self.running.append(self._begin(policies.pop(0)))

    def _begin(self, policy: Unreachable) -> Sender:
        name = next(self.names)
        diary = self.folder / f"{name}.diary"
        diary.touch()
        words = ["-m", "tests.outages.sender", name, self.url, str(self.spool), policy, str(diary)]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(PYTHONPATH=str(ROOT)),
            )  # fmt: skip
        return Sender(name, policy, diary, process)

    def _kill(self, sender: Sender) -> None:
        sender.process.kill()
        code = sender.process.wait()
        assert code == -signal.SIGKILL, f"{sender.name} ended with {code}: {self._log(sender.name)}"
        sender.killed = True
        self.running.remove(sender)
        self.ended.append(sender)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def _calls(self) -> list[Call]:
        """All that the server has, in the order in which it came there: nobody has deleted anything."""
        calls = []
        with closing(Wire(self.server.dial())) as wire:
            end = wire.ask(b"put 0 0 1 0\r\n\r\n").number
            for answer in wire.ask_all([b"peek %d\r\n" % number for number in range(1, end)]):
                if answer.word == b"FOUND":
                    message = messages.decode(answer.body)
                    assert isinstance(message, messages.Message)
                    calls.append(Call(*message.args))
        return calls


def run(folder: Path, seed: int, outages: int) -> tuple[list[Figures], Campaign]:
    """A campaign of so many outages."""
    campaign = Campaign(folder, seed)
    try:
        for _ in range(outages):
            campaign.outage()
        return campaign.judge(), campaign
    finally:
        campaign.close()
