"""Connections when the process forks, and when names cannot be looked up."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.engines.addresses import Address, parse_url
from ayl.engines.client import Client
from ayl.engines.dialing import dialer
from ayl.errors import Unreachable

if TYPE_CHECKING:
    from tests.ayl.conftest import Server

FORKING = """
import os, sys, threading
import ayl
from ayl import delivery

@ayl.task("links.note")
def note(who, number): pass

ayl.configure(app="fork", version="1", engine=sys.argv[1], send_timeout=10)
over = threading.Event()
sent = [0, 0, 0]

def send(thread):
    while not over.is_set():
        ayl.send(note, f"thread {thread}", sent[thread])
        sent[thread] += 1

threads = [threading.Thread(target=send, args=(thread,)) for thread in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(20):
    child = os.fork()
    if child == 0:
        import signal
        signal.alarm(20)  # ends a child that waits for a lock that nobody holds any more
        ayl.send(note, "child", number)
        os._exit(0)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
over.set()
for thread in threads:
    thread.join()
delivery.close()
assert codes == [0] * 20, codes
print(*sent)
"""


def test_children_of_a_process_full_of_sending_threads_send_what_is_theirs(own_server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING, own_server.url],
        check=True, timeout=60, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found = [tuple(message.args) for message in own_server.take("fork/1")]
    assert len(found) == len(set(found)), "no answer went to another, or the call would have been sent again"
    for thread, count in enumerate(map(int, done.stdout.split())):
        assert [number for who, number in found if who == f"thread {thread}"] == [*range(count)]
    assert sorted(number for who, number in found if who == "child") == [*range(20)]


SLOWLY = """
import faulthandler, os, sys, threading, time
import ayl

class Slow:
    def find_spec(self, name, path, target=None):
        if name.startswith("ayl."):
            started.set()
            time.sleep(0.02)  # a disk far away

@ayl.task("links.note")
def note(who): pass

ayl.configure(app="fork", version="1", engine=sys.argv[1], send_timeout=10)
started = threading.Event()
sys.meta_path.insert(0, Slow())
children = []
sending = threading.Thread(target=lambda: ayl.send(note, "parent"))
sending.start()
started.wait()
while sending.is_alive() and len(children) < 50:
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(20, exit=True)  # of a child that waits for a lock that nobody holds any more
        sys.meta_path.pop(0)
        ayl.send(note, "child")
        os._exit(0)
    children.append(child)
    time.sleep(0.003)
sending.join()
codes = [os.waitpid(child, 0)[1] for child in children]
ayl.delivery.close()
assert codes == [0] * len(codes), codes
print(len(children))
"""


def test_a_child_that_is_forked_during_the_first_send_of_another_thread_can_send(own_server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SLOWLY, own_server.url],
        check=True, timeout=60, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert [message.args[0] for message in own_server.take("fork/1")].count("child") == int(done.stdout) > 0


@ayl.task("links.note")
def note(number: int) -> None: ...


def test_a_name_that_does_not_exist_is_told_as_one() -> None:
    ayl.configure(app="shop", engine="beanstalk://nowhere.invalid", send_timeout=20.0)
    with pytest.raises(Unreachable, match=r"^no server answers at nowhere\.invalid:11300 \(.*(Name|name).*\)"):
        ayl.send(note, 1)


def test_a_look_up_that_hangs_costs_no_more_than_the_send_may(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    real = socket.getaddrinfo

    def hangs(host: str, *rest: int) -> object:
        if host == "hangs.example":
            over.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody knows")
        return real(host, *rest)

    # No real resolver can be made to hang from here.
    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    ayl.configure(app="shop", engine="beanstalk://hangs.example", send_timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer in time"):
        ayl.send(note, 1)
    assert time.monotonic() - began < 5
    over.set()


def test_a_look_up_for_which_there_is_no_thread_is_no_answer() -> None:
    code = (
        "import threading\n"
        "import ayl\n"
        "@ayl.task('t.note')\n"
        "def note(): ...\n"
        "ayl.configure(app='shop', engine='beanstalk://localhost:1')\n"
        "threading.stack_size(1 << 46)  # no system has room for that\n"
        "try: ayl.send(note)\n"
        "except ayl.errors.Unreachable as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert "its name is not looked up: can't start new thread" in done.stdout


def test_of_a_name_with_several_addresses_the_one_that_answers_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connected = dialer(parse_url("beanstalk://"))(Address("localhost", port), 5.0)  # ::1 is often the first of two
        assert connected.getpeername()[:2] == ("127.0.0.1", port)
        connected.close()


def test_a_connection_that_nobody_closed_ends_without_a_word_in_whatever_order_it_is_let_go_of(server: Server) -> None:
    engine = parse_url(server.url)
    client: Any = Client(dialer(engine)(engine.addresses[0], 1.0))
    client.itself = client
    ending = weakref.ref(client.prompt)
    del client
    gc.collect()
    assert ending() is None
