"""systemd: sockets that are passed, and what it is told. Without systemd itself: its conventions are a few lines."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import greenstalk
import pytest

from ayl_server.exits import CannotListenError
from ayl_server.revival import NOTICE_SECONDS, progress_for
from ayl_server.systemd import Notifier, passed_sockets
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, HOST, command, environment, free_port

from .certificates import make_certificates
from .lines import one
from .starting import Started, refused, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.servers import Kind

CANNOT_LISTEN = 111
ACTIVATOR = Path(__file__).with_name("activator.py")


def passing(sockets: list[socket.socket], names: str = "") -> tuple[str, ...]:
    """What to put before a command so that it gets these sockets."""
    # The shell puts them where systemd would: they may stand anywhere now, so first out of each other's way.
    high = [f"{50 + number}<&{each.fileno()}" for number, each in enumerate(sockets)]
    low = [f"{3 + number}<&{50 + number} {50 + number}<&-" for number in range(len(sockets))]
    script = f'exec {" ".join([*high, *low])}; exec "$@"'
    return ("bash", "-c", script, "bash", sys.executable, str(ACTIVATOR), str(len(sockets)), names)


@contextmanager
def activated(
    folder: Path, sockets: list[socket.socket], *words: str, names: str = "", kind: Kind = AYL_SERVER
) -> Iterator[Started]:
    """A server that was given sockets."""
    descriptors = tuple(each.fileno() for each in sockets)
    with started(folder, *words, kind=kind, prefix=passing(sockets, names), descriptors=descriptors) as server:
        yield server


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """Listening sockets: over IPv4, IPv6, and a Unix socket."""
    with ExitStack() as stack:
        unix = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
        unix.bind(str(tmp_path / "passed"))
        unix.listen()
        yield [
            stack.enter_context(closing(socket.create_server((HOST, 0)))),
            stack.enter_context(closing(socket.create_server(("::1", 0), family=socket.AF_INET6))),
            unix,
        ]


def put(server: Started, number: int) -> int:
    with greenstalk.Client(server.dial(number)) as client:
        return client.put("")


def test_every_socket_that_is_passed_is_served(tmp_path: Path, doors: list[socket.socket], loop: Kind) -> None:
    with activated(tmp_path, doors, kind=loop) as server:
        ports = [door.getsockname()[1] for door in doors[:2]]
        assert server.addresses == [f"{HOST}:{ports[0]}", f"[::1]:{ports[1]}", f"unix:{tmp_path / 'passed'}"]
        assert [put(server, number) for number in range(3)] == [1, 2, 3]
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert (tmp_path / "passed").is_socket()  # it is systemd's


def test_with_sockets_passed_addresses_are_ignored_and_that_is_said(tmp_path: Path, doors: list[socket.socket]) -> None:
    with activated(tmp_path, doors[:1], "-l", f"unix:{tmp_path / 'other'}") as server:
        assert one(server.log(), "options").message == "-l is ignored: systemd has passed sockets"
        assert not (tmp_path / "other").exists()
        assert put(server, 0) == 1


def test_a_socket_named_metrics_is_for_the_page(tmp_path: Path, doors: list[socket.socket]) -> None:
    with activated(tmp_path, doors[:2], names="queue:metrics") as server:
        assert server.addresses == [f"{HOST}:{doors[0].getsockname()[1]}"]
        with closing(socket.create_connection(doors[1].getsockname()[:2], PATIENCE)) as visitor:
            visitor.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert visitor.recv(15) == b"HTTP/1.1 200 OK"


def test_with_only_a_socket_for_the_page_the_others_are_our_own(tmp_path: Path, doors: list[socket.socket]) -> None:
    path = tmp_path / "own"
    with activated(tmp_path, doors[:1], "-l", f"unix:{path}", names="metrics") as server:
        assert server.addresses == [f"unix:{path}"]


def test_a_socket_named_tls_speaks_tls_and_the_others_do_not(tmp_path: Path, doors: list[socket.socket]) -> None:
    made = make_certificates(tmp_path)
    with activated(tmp_path, doors[:2], *made.options, names="plain:tls") as server:
        assert [address.startswith("tls:") for address in server.addresses] == [False, True]
        assert put(server, 0) == 1
        with made.client().wrap_socket(server.dial(1), server_hostname="localhost") as client:
            client.sendall(b"list-tube-used\r\n")
            assert client.recv(100) == b"USING default\r\n"


def test_without_such_a_name_a_certificate_is_for_all_but_unix_sockets(
    tmp_path: Path, doors: list[socket.socket]
) -> None:
    with activated(tmp_path, doors, *make_certificates(tmp_path).options) as server:
        assert [address.partition(":")[0] for address in server.addresses] == ["tls", "tls", "unix"]


def test_what_is_no_listening_socket_is_refused(tmp_path: Path, doors: list[socket.socket]) -> None:
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as datagrams,
        closing(socket.socket()) as silent,
        Path("/dev/null").open("rb") as file,
    ):
        for wrong, reason in ((datagrams, "no listening stream socket"), (silent, "no listening stream socket")):
            assert _refused_with([doors[0], wrong]) == f"descriptor 4 from systemd is {reason}"
        assert _refused_with([doors[0], file]).startswith("descriptor 4 from systemd is no socket: ")  # type: ignore[list-item] # that is the question


def test_a_socket_named_tls_needs_a_certificate(doors: list[socket.socket]) -> None:
    assert _refused_with(doors[:1], names="tls") == (
        "systemd passed a socket named tls; it needs --tls-cert and --tls-key"
    )


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"LISTEN_FDS": "two"}, "systemd is said to have set LISTEN_FDS=two, which is no number"),
        ({"LISTEN_FDS": "-1"}, "systemd is said to have set LISTEN_FDS=-1, which is no number"),
        ({"LISTEN_PID": "me"}, "systemd is said to have set LISTEN_PID=me, which is no number"),
        ({"LISTEN_FDS": "9"}, "descriptor 4 from systemd is no socket: Bad file descriptor"),
        ({"LISTEN_FDNAMES": "a:b"}, "systemd passed LISTEN_FDS=1 sockets, but LISTEN_FDNAMES=a:b"),
    ],
)
def test_variables_that_make_no_sense_are_told(
    doors: list[socket.socket], variables: dict[str, str], reason: str
) -> None:
    assert _refused_with(doors[:1], **variables) == reason


def _refused_with(sockets: list[socket.socket], names: str = "", **variables: str) -> str:
    descriptors = tuple(each.fileno() for each in sockets)
    code, line = refused(prefix=passing(sockets, names), descriptors=descriptors, variables=variables)
    assert code == CANNOT_LISTEN
    return line


def test_sockets_that_were_passed_to_another_process_are_not_ours(tmp_path: Path) -> None:
    variables = {"LISTEN_PID": "1", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a"}
    with started(tmp_path, "-p0", variables=variables) as server:
        assert put(server, 0) == 1


def test_the_variables_are_gone_once_they_are_read() -> None:
    variables = {"LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "HOME": "/", "NOTIFY_SOCKET": "@x"}
    variables |= {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "7"}
    assert passed_sockets(variables, 7) == ["a", "b"]
    with closing(Notifier(variables, 7)) as notifier:
        assert notifier.watchdog == 1.0
    assert variables == {"HOME": "/"}


def test_they_are_gone_even_if_they_were_meant_for_another() -> None:
    variables = {"LISTEN_PID": "8", "LISTEN_FDS": "2", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "8"}
    assert passed_sockets(variables, 7) == []
    assert Notifier(variables, 7).watchdog == 0.0
    assert variables == {}


def test_no_sockets_at_all_are_none() -> None:
    assert passed_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "0", "LISTEN_FDNAMES": ""}, 7) == []
    with pytest.raises(CannotListenError):
        passed_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "9" * 5000}, 7)


OURS, SYSTEMDS = "activator.py", "systemd-socket-activate"


@pytest.mark.parametrize("activator", [OURS, *([SYSTEMDS] if shutil.which(SYSTEMDS) else [])])
def test_a_server_that_the_first_client_starts_serves_it(
    activator: str, doors: list[socket.socket], tmp_path: Path
) -> None:
    descriptors: tuple[int, ...] = ()
    if activator == OURS:
        path, port = tmp_path / "passed", doors[0].getsockname()[1]
        sockets = [doors[0], doors[2]]
        descriptors, prefix = tuple(each.fileno() for each in sockets), passing(sockets)
    else:
        path, port = tmp_path / "socket", free_port()
        prefix = (SYSTEMDS, "-l", f"{HOST}:{port}", "-l", str(path))
    with subprocess.Popen(
        [*prefix, command("ayl_server")], env=environment(), pass_fds=descriptors, stderr=subprocess.DEVNULL
    ) as process:
        try:
            eventually(path.is_socket)
            with greenstalk.Client(str(path)) as client:
                assert client.put("") == 1
            with greenstalk.Client((HOST, port)) as client:
                assert client.put("") == 2
        finally:
            process.kill()


# What systemd is told


class Listener:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, stack: ExitStack, name: str) -> None:
        self.socket = stack.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)))
        self.socket.bind(name)
        self.socket.settimeout(PATIENCE)

    def next(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")

    def until(self, line: str) -> list[list[str]]:
        """All messages up to the one that holds `line`."""
        found = [self.next()]
        while line not in found[-1]:
            found.append(self.next())
        return found

    def silent(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        return False


@pytest.fixture(params=["a file", "an abstract name"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Listener, str]]:
    """A listener, and what NOTIFY_SOCKET says of it."""
    with ExitStack() as stack:
        if request.param == "a file":
            yield Listener(stack, str(tmp_path / "notify")), str(tmp_path / "notify")
        else:
            name = f"ayl-{os.getpid()}-{request.node.name}"
            yield Listener(stack, f"\0{name}"), f"@{name}"


def test_systemd_is_told_of_the_start_the_drain_and_the_stop(told: tuple[Listener, str], tmp_path: Path) -> None:
    listener, name = told
    with started(tmp_path, "-l", f"unix:{tmp_path / 'socket'}", variables={"NOTIFY_SOCKET": name}) as server:
        assert listener.next() == ["READY=1", f"STATUS=serving on unix:{tmp_path / 'socket'}"]
        server.process.send_signal(signal.SIGUSR1)
        assert listener.next() == ["STATUS=Draining: new jobs are refused"]
        server.process.send_signal(signal.SIGTERM)
        assert listener.next() == ["STOPPING=1", "STATUS=Stopping"]
        assert server.wait() == 0
        assert listener.silent()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with ExitStack() as stack:
        yield Listener(stack, str(tmp_path / "notify"))


def test_a_server_is_ready_only_when_it_has_read_its_binlog(listener: Listener, tmp_path: Path) -> None:
    path, folder = tmp_path / "socket", tmp_path / "binlog"
    folder.mkdir()
    os.mkfifo(folder / "ayl-binlog.1")  # who reads this file waits until somebody writes it
    with subprocess.Popen(
        [command("ayl_server"), "-l", f"unix:{path}", "-b", str(folder)],
        env=environment(NOTIFY_SOCKET=str(tmp_path / "notify")),
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            eventually(path.is_socket)
            with closing(socket.socket(socket.AF_UNIX)) as early:
                early.connect(str(path))
                early.sendall(b"stats\r\n")
                (folder / "ayl-binlog.1").open("wb").close()
                assert process.wait(PATIENCE) == 1  # nothing is no binlog
            assert listener.silent()
        finally:
            process.kill()


def test_a_start_that_is_refused_is_never_said_to_be_ready(listener: Listener, tmp_path: Path) -> None:
    refused("-l", "no-such-host.invalid", variables={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert listener.silent()


def test_signs_of_life_come_twice_as_often_as_they_must(listener: Listener, tmp_path: Path, loop: Kind) -> None:
    words = ["-l", f"unix:{tmp_path / 'socket'}"]
    variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    with started(tmp_path, *words, kind=loop, variables=variables) as server:
        assert "READY=1" in listener.next()
        for _ in range(4):
            assert listener.next() == ["WATCHDOG=1"]
        os.kill(server.process.pid, signal.SIGSTOP)  # what a server in an endless loop looks like
        while not listener.silent():
            pass
        listener.socket.settimeout(0.8)
        with pytest.raises(TimeoutError):
            listener.next()
        os.kill(server.process.pid, signal.SIGCONT)
        listener.socket.settimeout(PATIENCE)
        assert listener.next() == ["WATCHDOG=1"]


def test_a_long_start_asks_for_more_time(listener: Listener, tmp_path: Path) -> None:
    times = iter([0.0, 0.5, NOTICE_SECONDS + 0.1, NOTICE_SECONDS + 0.2, 2 * NOTICE_SECONDS + 0.2])
    with closing(Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}, os.getpid())) as notifier:
        show = progress_for(lambda: next(times), notifier, "Reading the binlog", terminal=False)
        for done in (100, 200, 300, 400):
            show(done, 400, 1000 * done)
    assert listener.next() == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=Reading the binlog: 50 %, 200,000 jobs"]
    assert listener.next() == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=Reading the binlog: 100 %, 400,000 jobs"]
    assert listener.silent()


@pytest.mark.parametrize(
    ("variables", "trouble"),
    [
        ({"NOTIFY_SOCKET": "vsock:2:99"}, "NOTIFY_SOCKET=vsock:2:99 is neither a path nor @NAME"),
        ({"NOTIFY_SOCKET": "/no/such/socket"}, "systemd cannot be told how we are: No such file or directory"),
        ({"WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC=soon is no number"),
    ],
)
def test_a_systemd_that_cannot_be_told_is_a_warning(tmp_path: Path, variables: dict[str, str], trouble: str) -> None:
    with started(tmp_path, "-p0", variables=variables) as server:
        assert put(server, 0) == 1
        entry = one(server.log(), "systemd")
        assert (entry.level, entry.message) == ("warning", trouble)


def test_a_listener_that_takes_nothing_holds_up_nobody(listener: Listener, tmp_path: Path) -> None:
    with ExitStack() as stack:
        sender = stack.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)))
        sender.setblocking(False)
        try:
            while True:
                sender.sendto(b"STATUS=full", str(tmp_path / "notify"))
        except BlockingIOError:
            pass
        variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000"}
        server = stack.enter_context(started(tmp_path, "-p0", variables=variables))
        assert [put(server, 0) for _ in range(10)] == list(range(1, 11))
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
