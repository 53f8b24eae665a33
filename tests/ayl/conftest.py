"""What the tests of the framework share: a clean configuration, engines in this process, and real servers."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import greenstalk
import pytest

import ayl
from ayl import delivery, engines
from ayl import message as messages
from ayl import settings as configuration
from ayl.engines.submissions import Receipt
from ayl.errors import Unreachable
from ayl.handle import State
from ayl.registry import registry
from ayl.upgrades import UPGRADES
from ayl.values import classes
from tests.processes.deadline import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ayl.engines.submissions import Submission
    from ayl.errors import NotSubmitted

SERVERS = {"beanstalkd": "beanstalkd", "ayl_server": str(Path(sys.executable).with_name("ayl_server"))}
"""Debian's and our own."""

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees what another, or the shell, has configured or declared."""
    for name in [name for name in os.environ if name.startswith("AYL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")  # nobody's spool
    tables: list[dict[Any, Any]] = [
        registry.models,
        registry.model_names,
        registry.tasks,
        registry.task_names,
        registry.methods,
        registry.gone,
        UPGRADES,
        classes.NAMES,
        classes.CODECS,
    ]
    before = [dict(table) for table in tables]
    monkeypatch.setenv("AYL_PROBE_INTERVAL", "0.001")  # what is back is asked at once
    configuration.reset()
    yield
    delivery.close()
    configuration.reset()
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)


@pytest.fixture
def inline() -> None:
    """Whole round trips in place: what is sent goes through its bytes and is called at once."""
    ayl.configure(app="shop", version="1.4.2", engine="synchronous")


def written(**changes: Any) -> messages.Message:
    """A message as it may come from anywhere, not only from senders of our own making."""
    rest: dict[str, Any] = {"type": "ayl", "v": 1, "id": "i", "app": "shop", "ver": "1"}
    return messages.Message(**(rest | changes))


class Outbox:
    """An engine that keeps what it is given, for tests of what leaves and when."""

    def __init__(self) -> None:
        self.writes: list[list[Submission]] = []
        self.refuse: Callable[[int], NotSubmitted | None] = lambda number: None
        """Asked with each submission's number, from 1."""
        self.asked = 0

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt | NotSubmitted]:
        self.writes.append(list(submissions))
        answers: list[Receipt | NotSubmitted] = []
        for self.asked in range(self.asked + 1, self.asked + 1 + len(submissions)):  # noqa: B020 - counts on
            answers.append(self.refuse(self.asked) or Receipt(State.SUBMITTED, self.asked))
        return answers

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        return False

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held."""

    @property
    def submissions(self) -> list[Submission]:
        return [submission for write in self.writes for submission in write]

    @property
    def messages(self) -> list[messages.Message]:
        found = [messages.decode(submission.body) for submission in self.submissions]
        return [message for message in found if isinstance(message, messages.Message)]


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """The engine in use, which sends nothing anywhere."""
    box = Outbox()
    monkeypatch.setitem(engines.SCHEMES, "outbox", lambda _settings: box)
    ayl.configure(app="shop", version="1.4.2", engine="outbox")
    return box


CANNOT_LISTEN = 111
"""The exit code of either server."""


class Server:
    """A beanstalkd-compatible server as a process of its own, on a port that stays the same when it is restarted."""

    def __init__(self, command: str, unix: Path | None = None) -> None:
        self.command = command
        self.address: tuple[str, int] | str = ("127.0.0.1", _free_port()) if unix is None else str(unix)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        if isinstance(self.address, str):
            return f"beanstalk://{self.address}"
        return f"beanstalk://127.0.0.1:{self.address[1]}"

    def start(self, *options: str) -> None:
        if isinstance(self.address, str):
            where = ["-l", f"unix:{self.address}"]
        else:
            where = ["-l", self.address[0], "-p", str(self.address[1])]
        self.process = subprocess.Popen([self.command, *where, *options], stderr=subprocess.DEVNULL)
        wait_until(lambda: self._is_port_taken() or self._listens())
        if self._is_port_taken():  # by a connection that was made after it was found free
            self.address = ("127.0.0.1", _free_port())
            self.start(*options)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def drain(self) -> None:
        """What an operator does: kill -USR1."""
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1)
        with self.client() as client:
            wait_until(lambda: client.stats()["draining"] in ("true", 1))

    def client(self, tube: str = "default") -> greenstalk.Client[bytes]:
        """Uses and watches `tube`."""
        return greenstalk.Client(self.address, encoding=None, use=tube, watch=tube)

    def take(self, tube: str) -> list[messages.Message]:
        """The messages that are ready in `tube`, in the order in which a worker gets them."""
        found: list[messages.Message] = []
        with self.client(tube) as client:
            while True:
                try:
                    job = client.reserve(timeout=0)
                except greenstalk.TimedOutError:
                    return found
                message = messages.decode(job.body)
                assert isinstance(message, messages.Message)
                found.append(message)
                client.delete(job)

    def _is_port_taken(self) -> bool:
        return not isinstance(self.address, str) and self.process is not None and self.process.poll() == CANNOT_LISTEN

    def _listens(self) -> bool:
        assert self.process is not None
        ended = self.process.poll()
        assert ended in (None, CANNOT_LISTEN), f"{self.command} ended with {ended}"
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with socket.socket(family) as knock:
            return knock.connect_ex(self.address) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until(fact: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Fail when the fact does not come true in time."""
    give_up = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.005)


@contextmanager
def given_up(seconds: float) -> Iterator[list[str]]:
    """The block's send finds no server, says so in one line with the cure, and takes no longer than this."""
    said: list[str] = []
    started = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        yield said
    assert time.monotonic() - started < seconds
    said.append(str(caught.value))
    assert said[0].isprintable()
    assert "ayl_server" in said[0]


@contextmanager
def _running(server: Server, *options: str) -> Iterator[Server]:
    try:
        server.start(*options)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server of each kind for all tests that leave it as they found it."""
    with _running(Server(SERVERS[request.param])) as started:
        yield started


@pytest.fixture
def tube(server: Server) -> str:
    """A tube of the test's own on that server, configured as the app's."""
    return ayl.configure(app=f"test{next(_numbers)}", version="1.4.2", engine=server.url, send_timeout=5).tube()


@pytest.fixture(params=SERVERS)
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of each kind for this test alone, configured and running; the test may do with it what it likes."""
    with _running(Server(SERVERS[request.param])) as started:
        ayl.configure(app="shop", version="1.4.2", engine=started.url, send_timeout=5)
        yield started


@pytest.fixture(params=SERVERS)
def small_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of each kind that takes no job of more than 300 bytes."""
    with _running(Server(SERVERS[request.param]), "-z", "300") as started:
        ayl.configure(app="shop", version="1.4.2", engine=started.url, send_timeout=5)
        yield started


@pytest.fixture(params=SERVERS)
def unix_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of each kind on a Unix socket."""
    with _running(Server(SERVERS[request.param], tmp_path_factory.mktemp("s") / "socket")) as started:
        ayl.configure(app="shop", version="1.4.2", engine=started.url, send_timeout=5)
        yield started
