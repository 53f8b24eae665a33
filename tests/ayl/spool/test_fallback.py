"""What becomes of a call when no server takes it, by its policy."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import State, delivery
from ayl.errors import Refused, RefusedForNow, Unreachable

from .calls import MADE, TUBE, look_now, note, numbers, spooled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ayl.conftest import Server


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
