"""What becomes of a call when no server takes it, by its policy, and in which order calls come to a server again."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import State, delivery
from ayl.engines import fallback
from ayl.engines.spool.directory import LOCK_SECONDS, locked, opened
from ayl.engines.spool.store import Spool
from ayl.errors import Refused, RefusedForNow, SpoolFull, SpoolUnusable, Unreachable
from tests.ayl.conftest import SERVERS, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TUBE = "shop/1.4.2"
MADE: list[Any] = []


@ayl.task("fallback.note")
def note(number: object, *rest: Any) -> None:
    if number == "raise":
        raise LookupError("raised by the call")
    MADE.append(number)


DRAIN_SECONDS = fallback.DRAIN_SECONDS


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    MADE.clear()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few calls are delivered by one send, however slow this machine is."""
    monkeypatch.setattr(fallback, "DRAIN_SECONDS", 20.0)


@pytest.fixture(params=SERVERS)
def absent(request: pytest.FixtureRequest, directory: Path) -> Iterator[Server]:
    """A server of each kind that can be started; calls are spooled until it is."""
    server = Server(SERVERS[request.param])
    ayl.configure(
        app="shop", version="1.4.2", engine=server.url, send_timeout=20, unreachable="spool", spool=str(directory)
    )
    yield server
    server.stop()


def numbers(server: Server) -> list[Any]:
    return [message.args[0] for message in server.take(TUBE)]


def spooled(directory: Path) -> list[str]:
    return [call.id for file in Spool(str(directory), 1).look() for call in file.waiting]


def look_now() -> None:
    """As if the time until the next look at the spool were over."""
    engine = delivery._engine(ayl.configure())
    assert isinstance(engine, fallback.FallbackEngine)
    engine._look_at = 0.0


# The ladder


def test_to_raise_refuses_the_call_and_keeps_nothing(absent: Server, directory: Path) -> None:
    with pytest.raises(Unreachable, match="no server answers"):
        ayl.opts(unreachable="raise").send(note, 1)
    assert not directory.exists()
    assert MADE == []


def test_synchronous_makes_the_call_here_and_now(absent: Server, directory: Path) -> None:
    handle = ayl.opts(unreachable="synchronous").send(note, 1)
    assert (handle.state, handle.job_id, handle.cancel()) == (State.RAN, None, False)
    assert MADE == [1]
    assert not directory.exists()


def test_what_a_call_raises_that_is_made_here_comes_out_of_the_send(absent: Server) -> None:
    with pytest.raises(LookupError, match="raised by the call"):
        ayl.opts(unreachable="synchronous").send(note, "raise")


def test_a_spooled_call_is_accepted_and_delivered_by_the_next_send(absent: Server, directory: Path) -> None:
    handle = ayl.send(note, 1)
    assert (handle.state, handle.job_id, handle.job_state()) == (State.SPOOLED, None, None)
    assert spooled(directory) == [handle.id]
    absent.start()
    look_now()
    assert ayl.send(note, 2).state is State.SUBMITTED
    assert numbers(absent) == [1, 2]
    assert spooled(directory) == []


def test_the_next_process_delivers_what_another_left_whatever_its_own_policy(absent: Server, directory: Path) -> None:
    ayl.send(note, 1)
    absent.start()
    delivery.close()
    ayl.configure(unreachable="raise")
    ayl.send(note, 2)
    assert numbers(absent) == [1, 2]


def test_a_call_may_say_otherwise_than_the_settings(absent: Server, directory: Path) -> None:
    ayl.configure(unreachable="raise")
    assert ayl.opts(unreachable="spool").send(note, 1).state is State.SPOOLED
    assert ayl.ayl_send_opts([3], "append", {"unreachable": "spool"}, 4).state is State.SPOOLED
    assert len(spooled(directory)) == 2


def test_a_batch_is_spooled_in_its_order_and_each_call_by_its_own_policy(absent: Server, directory: Path) -> None:
    with pytest.raises(Unreachable), ayl.batch() as batch:  # noqa: PT012 - raised at its end
        kept = [ayl.send(note, number) for number in range(300)]
        refused = ayl.opts(unreachable="raise").send(note, "no")
        here = ayl.opts(unreachable="synchronous").send(note, "here")
        kept += [ayl.send(note, number) for number in range(300, 600)]
    assert {handle.state for handle in kept} == {State.SPOOLED}
    assert (refused.state, type(refused.error), here.state) == (State.REFUSED, Unreachable, State.RAN)
    assert batch.sent == 601
    assert spooled(directory) == [handle.id for handle in kept]
    assert MADE == ["here"]


def test_a_call_of_a_batch_that_raises_here_keeps_no_other_back(absent: Server, directory: Path) -> None:
    with pytest.raises(LookupError), ayl.batch():  # noqa: PT012 - raised at its end
        made = ayl.opts(unreachable="synchronous").send(note, "raise")
        kept = ayl.send(note, 1)
        here = ayl.opts(unreachable="synchronous").send(note, 2)
    assert [handle.state for handle in (made, kept, here)] == [State.RAN, State.SPOOLED, State.RAN]
    assert MADE == [2]
    assert spooled(directory) == [kept.id]


def test_the_delay_goes_on_while_the_call_waits(absent: Server) -> None:
    ayl.opts(delay=100).send(note, 1)
    absent.start()
    look_now()
    ayl.send(note, 2)
    with absent.client(TUBE) as client:
        assert 95 <= client.stats_job(client.peek_delayed())["delay"] <= 100


# A server that answers and does not take it


def test_a_server_that_drains_is_as_good_as_none(own_server: Server, directory: Path) -> None:
    ayl.configure(spool=str(directory))
    own_server.drain()
    assert ayl.opts(unreachable="spool").send(note, 1).state is State.SPOOLED
    assert ayl.opts(unreachable="synchronous").send(note, 2).state is State.RAN
    with pytest.raises(RefusedForNow, match="draining"):
        ayl.opts(unreachable="raise").send(note, 3)
    assert MADE == [2]


@pytest.mark.parametrize("policy", ["spool", "synchronous", "raise"])
def test_what_a_server_will_never_take_is_refused_whatever_the_policy(
    small_server: Server, directory: Path, policy: str
) -> None:
    ayl.configure(spool=str(directory))
    with pytest.raises(Refused, match="larger than the server allows"):
        ayl.opts(unreachable=policy).send(note, "x" * 1000)
    assert spooled(directory) == []
    assert MADE == []


# Taken back


def test_a_spooled_call_can_be_cancelled_until_it_is_delivered(absent: Server, directory: Path) -> None:
    first, second, third = (ayl.send(note, number) for number in range(3))
    assert first.cancel()
    assert first.state is State.CANCELLED
    assert not first.cancel()
    assert spooled(directory) == [second.id, third.id]
    absent.start()
    look_now()
    ayl.send(note, 3)
    assert not second.cancel()
    assert second.state is State.SPOOLED
    assert numbers(absent) == [1, 2, 3]


# Order


@pytest.mark.usefixtures("seldom")
def test_later_calls_go_behind_what_waits_though_the_server_is_back(absent: Server, directory: Path) -> None:
    ayl.send(note, 1)
    absent.start()
    for number in (2, 3):  # it is not time yet to look whether the server is back
        assert ayl.send(note, number).state is State.SPOOLED
    assert ayl.opts(unreachable="raise").send(note, "overtakes").state is State.SUBMITTED
    look_now()
    ayl.send(note, 4)
    assert numbers(absent) == ["overtakes", 1, 2, 3, 4]


def test_while_another_process_delivers_later_calls_go_behind_what_it_has_not_delivered(
    absent: Server, directory: Path
) -> None:
    ayl.send(note, 1)
    absent.start()
    with Spool(str(directory), 1).alone(absent.url, 1) as got:
        assert got
        look_now()
        assert ayl.send(note, 2).state is State.SPOOLED
    look_now()
    assert ayl.send(note, 3).state is State.SUBMITTED
    assert numbers(absent) == [1, 2, 3]


def test_what_is_spooled_while_it_is_delivered_is_not_overtaken(
    absent: Server, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread's send spools between the last look at the spool and the moment when it counts as empty."""
    ayl.send(note, 1)
    absent.start()
    engine = delivery._engine(ayl.configure())
    assert isinstance(engine, fallback.FallbackEngine)
    drain, original = engine.drain(), engine.drain().run

    def run(*given: Any) -> Any:
        done = original(*given)
        monkeypatch.undo()
        monkeypatch.setattr(engine, "_look_at", time.monotonic() + 60)
        assert ayl.send(note, 2).state is State.SPOOLED
        return done

    monkeypatch.setattr(drain, "run", run)
    look_now()
    assert ayl.send(note, 3).state is State.SPOOLED
    look_now()
    ayl.send(note, 4)
    assert numbers(absent) == [1, 2, 3, 4]


# A put whose reply is lost


def test_a_put_whose_reply_was_lost_is_put_again_under_the_same_id(directory: Path) -> None:
    said = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take_and_hang_up() -> None:
            nonlocal said
            connection, _ = listener.accept()
            with connection:
                while said.count(b"\r\n") < 3:
                    said += connection.recv(4096)

        thread = threading.Thread(target=take_and_hang_up)
        thread.start()
        ayl.configure(
            app="shop", version="1.4.2", engine=f"beanstalk://127.0.0.1:{listener.getsockname()[1]}",
            unreachable="spool", spool=str(directory), timeout=2,
        )  # fmt: skip
        handle = ayl.send(note, 1)
        thread.join()
    assert handle.state is State.SPOOLED
    assert handle.id.encode() in said
    assert spooled(directory) == [handle.id]


# What is said


def test_it_is_said_once_that_the_server_is_gone_and_once_that_it_is_back(
    absent: Server, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in range(5):
        ayl.send(note, number)
    with suppress(Unreachable):
        ayl.opts(unreachable="raise").send(note, 9)
    absent.start()
    look_now()
    for number in range(5):
        ayl.send(note, number)
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "ayl"]
    port = absent.address[1]
    assert said == [
        (
            "WARNING",
            (
                f"no server answers at 127.0.0.1:{port} (Connection refused); start one with: ayl_server -p {port}; "
                f"calls are kept in the spool {directory} until it does"
            ),
        ),
        ("WARNING", "the server takes calls again"),
        ("INFO", "delivered 5 calls that had waited for a server"),
    ]


def test_an_outage_without_any_logging_set_up_is_a_line_on_stderr(free_port: int) -> None:
    code = (
        "import ayl, sys\n"
        "assert 'logging' not in sys.modules, 'import ayl'\n"
        f"ayl.configure(app='shop', engine='beanstalk://127.0.0.1:{free_port}', unreachable='synchronous')\n"
        "@ayl.task('t.note')\n"
        "def note(): print('made')\n"
        "for _ in range(3): ayl.send(note)\n"
        "assert 'ayl.engines.spool.store' not in sys.modules, 'nothing was to be spooled'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "made\n" * 3
    assert done.stderr.count("\n") == 1
    assert "calls are made here and now until it does" in done.stderr


# What cannot be spooled


@pytest.mark.usefixtures("seldom")
def test_a_full_spool_refuses_the_call_and_says_why_it_came_to_that(absent: Server, directory: Path) -> None:
    ayl.configure(spool_limit=1000)
    with pytest.raises(SpoolFull, match=r"^no server answers at .*, and the spool .* is full: [\d,]+ of 1,000 bytes"):
        ayl.send(note, "x" * 1000)
    with pytest.raises(SpoolFull, match=r"^earlier calls still wait for a server, and the spool .* is full"):
        ayl.send_many((note, number) for number in range(10))
    kept = len(spooled(directory))
    assert 1 < kept < 4
    absent.start()
    look_now()
    ayl.send(note, 9)
    assert numbers(absent) == [*range(kept), 9]


def test_a_directory_that_cannot_be_used_refuses_the_call_and_says_both(absent: Server, directory: Path) -> None:
    directory.parent.mkdir()
    directory.write_text("")
    with pytest.raises(
        SpoolUnusable, match=rf"^no server answers at .*, and the spool {directory} cannot be used: Not"
    ):
        ayl.send(note, 1)
    with pytest.raises(SpoolUnusable), ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(3)]
    assert {handle.state for handle in handles} == {State.REFUSED}
    assert batch.sent == 0


def test_a_directory_that_cannot_be_used_keeps_no_call_from_a_server_that_answers(
    absent: Server, directory: Path
) -> None:
    directory.parent.mkdir()
    directory.write_text("")
    absent.start()
    assert ayl.send(note, 1).state is State.SUBMITTED
    assert numbers(absent) == [1]


def test_a_directory_that_was_removed_keeps_no_call_from_a_server_that_answers(absent: Server, directory: Path) -> None:
    ayl.send(note, 1)
    shutil.rmtree(directory)
    absent.start()
    look_now()
    assert ayl.send(note, 2).state is State.SUBMITTED
    assert not directory.exists()


def test_what_cannot_be_delivered_for_its_directory_is_said_once(
    absent: Server, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ayl.send(note, 1)
    delivery.close()
    ayl.configure(unreachable="raise")
    directory.chmod(0o777)
    absent.start()
    caplog.clear()
    for number in (2, 3):
        assert ayl.send(note, number).state is State.SUBMITTED
        look_now()
    directory.chmod(0o700)
    ayl.send(note, 4)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    trouble = f"the spool {directory} can be written by other users; take that away: chmod go-w {directory}"
    assert said == [f"calls that wait for a server are not delivered for now: {trouble}"]
    assert numbers(absent) == [2, 3, 1, 4]


def test_a_user_without_a_home_can_send_and_is_told_when_something_is_to_be_spooled(
    absent: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr("pathlib.Path.expanduser", _homeless)
    ayl.configure(spool="")
    with pytest.raises(SpoolUnusable, match=r"this user has no home directory for ~/\.local/state; set spool to"):
        ayl.send(note, 1)
    absent.start()
    assert ayl.send(note, 2).state is State.SUBMITTED


def _homeless(_: Path) -> Path:
    raise RuntimeError("Could not determine home directory.")


# Time


def test_a_long_backlog_costs_each_send_only_a_moment(
    absent: Server, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "DRAIN_SECONDS", DRAIN_SECONDS)
    with ayl.batch():
        for number in range(6000):
            ayl.send(note, number)
    absent.start()
    waits: list[float] = []
    look_now()
    while True:
        before = time.monotonic()
        state = ayl.send(note, len(waits)).state
        waits.append(time.monotonic() - before)
        if state is State.SUBMITTED:
            break
    assert max(waits) < DRAIN_SECONDS + 1.5  # a portion that was begun, on a slow machine
    assert numbers(absent) == [*range(6000), *range(len(waits))]


def test_a_process_that_was_stopped_in_the_spool_keeps_no_call_long_from_a_server_that_answers(
    absent: Server, directory: Path
) -> None:
    ayl.send(note, 1)
    delivery.close()
    absent.start()
    with opened(str(directory)) as descriptor, locked(descriptor, "lock") as got:
        assert got
        before = time.monotonic()
        assert ayl.send(note, 2).state is State.SUBMITTED
        assert time.monotonic() - before < LOCK_SECONDS
    look_now()
    ayl.send(note, 3)
    assert numbers(absent) == [2, 1, 3]


def test_during_an_outage_a_spooled_call_does_not_wait_for_the_server(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        ayl.configure(
            app="shop", version="1.4.2", engine=f"beanstalk://127.0.0.1:{silent.getsockname()[1]}", send_timeout=0.5,
            probe_interval=60, unreachable="spool", spool=str(directory),
        )  # fmt: skip
        ayl.send(note, 0)
        before = time.monotonic()
        for number in range(1, 20):
            assert ayl.send(note, number).state is State.SPOOLED
        assert time.monotonic() - before < 0.5


# Threads and forks


def test_threads_spool_side_by_side_and_each_keeps_its_order(absent: Server, directory: Path) -> None:
    def send(thread: int) -> None:
        for number in range(50):
            ayl.send(note, [thread, number])

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    absent.start()
    look_now()
    for thread in threads:
        thread.join()
    look_now()
    ayl.send(note, [9, 0])
    found = numbers(absent)
    assert len(found) == 301
    for thread_number in range(6):
        assert [number for thread_, number in found if thread_ == thread_number] == [*range(50)]


def test_a_lock_ends_with_its_process_though_a_child_was_forked_meanwhile(directory: Path) -> None:
    directory.mkdir(parents=True)
    reader, writer = os.pipe()
    holder = os.fork()
    if holder == 0:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock"):
            child = os.fork()
            if child == 0:
                time.sleep(60)
            os.write(writer, str(child).encode())
            os._exit(0)  # as when it is killed: it lets go of nothing
    os.waitpid(holder, 0)
    child = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    try:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock", 20.0) as got:
            assert got
    finally:
        os.kill(child, 9)


def test_a_child_that_was_forked_while_the_spool_was_locked_does_not_keep_the_lock(directory: Path) -> None:
    directory.mkdir(parents=True)
    with opened(str(directory)) as descriptor, locked(descriptor, "lock") as got:
        assert got
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with opened(str(directory)) as descriptor, locked(descriptor, "lock", 0.0) as got:
            assert got
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
