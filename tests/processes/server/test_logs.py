"""What operators read: one line for each thing that happens, as text or as JSON; and outputs that nobody reads."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import greenstalk
import pytest

from ayl_server import logbook
from ayl_server.exits import StartError
from ayl_server.logbook import SELDOM_SECONDS, Logbook, Outlet
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, HOST, command, environment, listens, serving

from .lines import Entry, entries, events, objects, one
from .starting import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.servers import Kind, Server

FAILED = 1
LOCKED = 10


# A life in lines


def test_a_life_is_told_in_lines_with_time_level_and_event(tmp_path: Path, loop: Kind) -> None:
    with serving(loop, tmp_path, "-b", str(tmp_path), tcp=False) as server:
        with server.client() as client:
            client.put(b"")
        server.gets(signal.SIGUSR1)
        server.gets(signal.SIGUSR1)
        with server.client() as client:
            eventually(lambda: client.stats()["draining"] == "true")
            server.gets(signal.SIGTERM)
            assert server.wait() == 0
        assert [(entry.level, entry.event) for entry in entries(server.log())] == [
            ("info", "recovered"),
            ("info", "started"),
            ("info", "draining"),
            ("info", "stopping"),
            ("info", "stopped"),
        ]
        assert one(server.log(), "recovered").message.startswith(f"the binlog in {tmp_path} holds 0 jobs; 0 bytes read")
        assert one(server.log(), "draining").message == "SIGUSR1 has come; new jobs are refused from now on"
        assert "SIGTERM has come; clients (1 connected)" in one(server.log(), "stopping").message
        assert one(server.log(), "stopped").message == "all changes are safe"


def test_the_same_life_in_json_has_fields(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, "-b", str(tmp_path), "--log-format=json", tcp=False) as server:
        with server.client() as client:
            client.put(b"")
            client.put(b"")
        server.gets(signal.SIGTERM)
        assert server.wait() == 0
    with serving(AYL_SERVER, tmp_path, "-b", str(tmp_path), "--log-format=json", tcp=False) as server:
        said = objects(server.log())
        assert [entry.event for entry in said] == [
            "recovered",
            "started",
            "stopping",
            "stopped",
            "recovered",
            "started",
        ]
        assert said[1].fields == {"pid": said[1].fields["pid"], "addresses": [f"unix:{server.path}"], "metrics": []}
        assert said[2].fields["signal"] == "SIGTERM"
        read = said[4].fields
        assert (read["path"], read["jobs"], read["segments"]) == (str(tmp_path), 2, 1)
        assert read["bytes"] > 0
        assert 0 <= read["seconds"] < PATIENCE
        assert said[5].fields["pid"] == server.process.pid


def test_what_v_shows_is_shown_in_json_as_well(tmp_path: Path) -> None:
    with started(tmp_path, "-VV", "-p0", "-l", HOST, "--log-format=json", said='"event": "started"') as server:
        (start,) = (entry for entry in objects(server.log()) if entry.event == "started")
        host, _, port = start.fields["addresses"][0].rpartition(":")
        with greenstalk.Client((host, int(port))) as client:
            client.put("secret")
        eventually(lambda: '"close"' in server.log(), server.log)
        said = {entry.event: entry for entry in objects(server.log())}
        number = said["accept"].fields["connection"]
        assert said["pid"].fields == {"pid": server.process.pid}
        assert said["bind"].fields == {"descriptor": said["bind"].fields["descriptor"], "address": f"{HOST}:{port}"}
        assert said["command"].fields == {"connection": number, "text": "put 65536 0 60 6"}
        assert said["reply"].fields == {"connection": number, "text": "INSERTED 1"}
        assert said["close"].fields == {"connection": number}
        assert {entry.level for entry in objects(server.log()) if entry.event != "started"} == {"debug"}
        assert "secret" not in server.log()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command("ayl_server"), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )


def test_a_start_that_is_refused_is_told_in_json_if_that_was_asked_for() -> None:
    done = run("-l", "no-such-host.invalid", "--log-format", "json")
    (entry,) = objects(done.stderr)
    assert (entry.level, entry.event, entry.fields) == ("error", "cannot_listen", {"exit_code": 111})
    assert entry.message.startswith("cannot listen on no-such-host.invalid port 11300: ")


# The binlog

SMALL_FILES = ("-s", "8192", "-z", "5000")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Server]:
    """A server with small binlog files, and jobs in several of them."""
    with serving(AYL_SERVER, tmp_path, "-b", str(tmp_path), *SMALL_FILES, tcp=False) as server:
        with server.client() as client:
            for _ in range(20):
                client.put(b"x" * 1000)
        yield server


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("ayl-binlog.*"), key=lambda path: int(path.suffix[1:]))


def test_a_binlog_in_use_is_told(kept: Server, tmp_path: Path) -> None:
    done = run("-l", f"unix:{tmp_path / 'other'}", "-b", str(tmp_path))
    assert (done.returncode, done.stderr) == (LOCKED, f"ayl_server: another server uses {tmp_path}\n")
    assert kept.serves()


@pytest.mark.parametrize(
    ("name", "reason"), [("nothing", "No such file or directory"), ("server.log", "Not a directory")]
)
def test_a_binlog_that_cannot_be_opened_is_told(kept: Server, tmp_path: Path, name: str, reason: str) -> None:
    done = run("-l", f"unix:{tmp_path / 'other'}", "-b", str(tmp_path / name))
    assert done.returncode == FAILED
    assert done.stderr == f"ayl_server: the binlog in {tmp_path / name} cannot be used: {reason}\n"
    assert kept.serves()


def test_a_torn_tail_is_told(kept: Server, tmp_path: Path) -> None:
    kept.kill()
    last = segments(tmp_path)[-1]
    content = last.read_bytes()
    with last.open("r+b") as file:
        file.seek(content.rindex(b"x" * 500))  # in the body of the last job
        file.write(b"torn")
    with serving(AYL_SERVER, tmp_path, "-b", str(tmp_path), *SMALL_FILES, tcp=False) as server:
        entry = one(server.log().partition("started: ")[2], "binlog_torn", _after_start)
        assert entry.level == "warning"
        assert entry.message.startswith(f"binlog {last.suffix[1:]}, offset ")
        assert entry.message.endswith("; the rest is dropped")


def _after_start(log: str) -> list[Entry]:
    return entries(log.partition("\n")[2])


def test_damage_refuses_the_start_and_a_salvage_tells_of_it(kept: Server, tmp_path: Path) -> None:
    kept.kill()
    first = segments(tmp_path)[0]
    with first.open("r+b") as file:
        file.seek(2000)
        file.write(b"damage")
    words = ["-l", f"unix:{tmp_path / 'other'}", "-b", str(tmp_path)]
    done = run(*words)
    assert done.returncode == FAILED
    assert done.stderr.startswith(f"ayl_server: the binlog in {tmp_path} cannot be used: {first.name}, offset ")
    assert "--salvage" in done.stderr
    folder = tmp_path / "salvaging"
    folder.mkdir()
    with started(folder, *words, "--salvage", *SMALL_FILES) as server:
        said = [event for event in events(server.log()) if event != "binlog_files"]
        assert said == ["binlog_damage", "binlog_salvaged", "recovered", "started"]
        entry = one(server.log(), "binlog_damage")
        assert entry.level == "warning"
        assert entry.message.startswith("binlog 1, offset ")


def test_a_disk_without_room_is_told_once_in_a_while(tmp_path: Path) -> None:
    words = ["-b", str(tmp_path), "-s", "1000000"]
    with serving(AYL_SERVER, tmp_path, *words, tcp=False) as server, server.client() as client:
        # No file as large can be made from now on.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        refused = 0
        for _ in range(40):
            try:
                client.put(b"x" * 50_000)
            except greenstalk.OutOfMemoryError:
                refused += 1
        assert refused >= 20
        client.put(b"small")
        entry = one(server.log(), "binlog_full")
        assert entry.level == "warning"
        assert entry.message == f"new jobs are refused: the binlog in {tmp_path} gets no more room: File too large"


def test_a_disk_that_fails_ends_the_server_with_a_line(tmp_path: Path, loop: Kind) -> None:
    path = tmp_path / "socket"
    with subprocess.Popen(
        [command("ayl_server"), "-l", f"unix:{path}", "-b", str(tmp_path), "-f0"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**loop.variables),
    ) as process:
        try:
            eventually(lambda: process.poll() is not None or listens(path))
            with greenstalk.Client(str(path), encoding=None) as client:
                client.put(b"kept")
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))  # whatever it writes is refused now
                with pytest.raises(ConnectionError):
                    client.put(b"not acknowledged")
            assert process.wait(PATIENCE) == FAILED
        finally:
            process.kill()
        assert process.stderr is not None
        said = entries(process.stderr.read())
        assert [entry.event for entry in said] == ["recovered", "started", "disk_failed"]
        assert said[-1].level == "error"
        assert f"the disk of {tmp_path} has failed: File too large. Stopping" in said[-1].message


def test_a_takeover_is_told_and_its_damages_too(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with subprocess.Popen([command("beanstalkd"), "-l", f"unix:{tmp_path / 'old.socket'}", "-b", str(old)]) as process:
        try:
            eventually((tmp_path / "old.socket").is_socket)
            with greenstalk.Client(str(tmp_path / "old.socket")) as client:
                client.put("one")
                client.put("two")
        finally:
            process.kill()
    with started(tmp_path, "-p0", "-b", str(new), "--import", str(old)) as server:
        assert events(server.log()) == ["recovered", "takeover", "started"]
        assert one(server.log(), "takeover").message == f"2 jobs taken over from {old}, which is as it was"
        with greenstalk.Client(server.dial()) as client:
            assert [client.reserve(timeout=0).body for _ in range(2)] == ["one", "two"]
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    again = tmp_path / "again"
    again.mkdir()
    with started(again, "-p0", "-b", str(new), "--import", str(old)) as server:
        assert events(server.log()) == ["recovered", "takeover_done", "started"]


def test_a_takeover_from_nothing_is_refused(tmp_path: Path) -> None:
    for name in ("new", "empty"):
        (tmp_path / name).mkdir()
    for old, reason in (
        (tmp_path / "none", f"{tmp_path / 'none'} cannot be used: No such file or directory"),
        (tmp_path / "empty", f"--import: {tmp_path / 'empty'} holds no binlog of beanstalkd"),
    ):
        done = run("-p0", "-b", str(tmp_path / "new"), "--import", str(old))
        assert (done.returncode, done.stderr.splitlines()[-1]) == (FAILED, f"ayl_server: {reason}")


# Outputs that nobody reads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


def serves_a_lot(path: Path) -> None:
    """More than what any pipe takes in lines."""
    with greenstalk.Client(str(path), encoding=None) as client:
        for _ in range(2000):
            client.delete(client.put(b""))


def serves_with(stdout: int, stderr: int, path: Path, *prefix: str) -> None:
    """A talkative server with these outputs serves and stops."""
    with subprocess.Popen(
        [*prefix, command("ayl_server"), "-VV", "-l", f"unix:{path}"], stdout=stdout, stderr=stderr, env=environment()
    ) as process:
        try:
            eventually(lambda: process.poll() is not None or listens(path))
            serves_a_lot(path)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_a_full_disk_behind_both_does_no_harm(path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        serves_with(full.fileno(), full.fileno(), path)


def test_a_pipe_whose_reader_is_gone_does_no_harm(path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    serves_with(writing, writing, path)
    os.close(writing)


def test_a_pipe_whose_reader_sleeps_does_no_harm(path: Path) -> None:
    reading, writing = os.pipe()
    serves_with(writing, writing, path)
    os.close(reading)
    os.close(writing)


def test_a_terminal_that_nobody_reads_does_no_harm(path: Path) -> None:
    screen, terminal = os.openpty()
    serves_with(terminal, terminal, path)
    os.close(screen)
    os.close(terminal)


def test_outputs_that_are_closed_never_become_a_clients_socket(path: Path) -> None:
    serves_with(subprocess.DEVNULL, subprocess.DEVNULL, path, "sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh")


def test_a_line_is_written_whole_after_one_that_was_cut() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    outlet = Outlet(writing)
    lines = 0
    while not outlet.lost:
        outlet.write("x" * 5000)
        lines += 1
    outlet.write("y")
    assert outlet.lost == 2
    taken = os.read(reading, 1 << 20)
    assert taken.count(b"x" * 5000 + b"\n") == lines - 1
    outlet.write("z")
    assert os.read(reading, 100).strip(b"\n") == b"z"
    assert outlet.lost == 0
    os.close(reading)
    os.close(writing)


# The logbook


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines, instead of writing them."""
    lines: list[str] = []
    monkeypatch.setattr(logbook.Outlet, "write", lambda outlet, line: lines.append(line))
    return lines


def make(clock: list[float], form: str = "text") -> Logbook:
    return Logbook(form, clock=lambda: clock[0])


def test_a_kind_that_comes_again_and_again_is_told_now_and_then(clock: list[float], written: list[str]) -> None:
    book = make(clock)
    for _ in range(5):
        book.now_and_then("trouble", "it does not work")
    book.now_and_then("worry", "nor does this")
    clock[0] += SELDOM_SECONDS
    book.now_and_then("trouble", "it does not work")
    assert [(entry.event, entry.message) for entry in entries("\n".join(written))] == [
        ("trouble", "it does not work"),
        ("worry", "nor does this"),
        ("trouble", "it does not work (4 more like this since the last one)"),
    ]


def test_in_json_the_others_are_a_field(clock: list[float], written: list[str]) -> None:
    book = make(clock, "json")
    for _ in range(3):
        book.now_and_then("trouble", "it does not work", path="/jobs")
    clock[0] += SELDOM_SECONDS
    book.now_and_then("trouble", "it does not work")
    said = objects("\n".join(written))
    assert [entry.fields for entry in said] == [{"path": "/jobs"}, {"held_back": 2}]
    assert said[0].level == "warning"


def test_a_text_cannot_begin_a_line_of_its_own(clock: list[float], written: list[str]) -> None:
    make(clock).note("started", "serving on unix:/tmp/a\nb\x1b[2J")
    make(clock).refusal(StartError(1, "refused", "no file a\nb"))
    assert written[0].endswith(r"INFO started: serving on unix:/tmp/a\nb\x1b[2J")
    assert written[1] == r"ayl_server: no file a\nb"


def test_an_error_inside_comes_with_its_traceback(clock: list[float], written: list[str]) -> None:
    for form in ("text", "json"):
        try:
            raise ValueError("what nobody thought of")
        except ValueError as error:
            make(clock, form).defect("a callback failed", error)
    first, _, rest = written[0].partition("\n")
    assert first.endswith("ERROR defect: a callback failed")
    assert rest.endswith("ValueError: what nobody thought of")
    (entry,) = objects(written[1])
    assert entry.fields["traceback"].endswith("ValueError: what nobody thought of")


def test_lines_that_could_not_be_written_are_counted_in_the_next_that_can(clock: list[float], tmp_path: Path) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(Path("/dev/full").open("wb"))
        outlet = Outlet(full.fileno())
        for _ in range(3):
            outlet.write("lost")
        assert outlet.lost == 3
        book = make(clock)
        book._handler.outlet = outlet
        file = stack.enter_context((tmp_path / "log").open("w+b"))
        os.dup2(file.fileno(), full.fileno())
        book.note("started", "again")
        assert one((tmp_path / "log").read_text(), "started").message == (
            "again (3 lines before this one could not be written)"
        )
