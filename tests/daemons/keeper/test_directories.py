"""The directory of a daemon is its user's, who may put anything there. Whoever reads it is not led astray."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ayl.daemons import leftovers
from ayl.daemons.conditions import Condition, Health, look, send
from ayl.daemons.control.strays import strays
from ayl.daemons.errors import CannotStart
from ayl.daemons.grounds import prepare
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.state import State
from ayl.pidfiles import discard
from tests.processes.deadline import eventually

from .kept import FOREVER, environ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kept import Kept

PYTHON = "/usr/bin/python3"
"""One that everybody may run."""

NOBODY = 65534

STATE = State("shop.mail", "workers", 1, "1", "working", 1.0, "s")

LOCKER = """
import fcntl, sys, time
file = open(sys.argv[1], sys.argv[2])
fcntl.lockf(file, fcntl.LOCK_EX if "+" in sys.argv[2] else fcntl.LOCK_SH)
print("held", flush=True)
time.sleep(1000)
"""

MAKERS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("a line\n"),
    "bytes": lambda path: path.write_bytes(b"\xff\x00\x80{" * 1000),
    "a list": lambda path: path.write_text("[]"),
    "an abyss": lambda path: path.write_text("[" * 100_000),
    "an abyss of objects": lambda path: path.write_text('{"a":' * 50_000),
    "endless": lambda path: path.write_text("{" + " " * 2_000_000 + "}"),
    "a directory": lambda path: path.mkdir(),
    "a fifo": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "another's number": lambda path: path.write_text(f"{os.getpid()}\n"),
    "everybody's number": lambda path: path.write_text("-1\n"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Of a daemon that does not run."""
    (tmp_path / "shop.mail").mkdir()
    return Home(str(tmp_path / "shop.mail"))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("file", ["pid", "state", "order"])
def test_whatever_stands_there_is_no_daemon_that_runs(home: Home, file: str, kind: str) -> None:
    MAKERS[kind](Path(getattr(home, file)))
    condition = look("shop.mail", home.path)
    assert (condition.keeper, condition.state) == (None, None)
    assert condition.health in (Health.DEAD, Health.STOPPED)
    assert not send(condition, home.path, signal.SIGKILL)
    assert leftovers.kill(home, "shop.mail") == []
    assert strays(str(Path(home.path).parent), (), "/etc/ayl/daemons.yml") == []
    with suppress(OSError):
        discard(home.pid, alone=True)
    home.remove()
    assert Path(home.path).exists() == (kind == "a directory")


def test_whatever_stands_in_the_place_of_a_state_the_keeper_is_seen(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    path = Path(kept.home.state)
    for kind, make in MAKERS.items():
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        make(path)
        condition = look(kept.name, kept.home.path)
        assert (condition.keeper, condition.state, condition.word) == (kept.pid, None, "starting"), kind


@pytest.mark.parametrize(
    "changes",
    [
        {"state": 7},
        {"since": "yesterday"},
        {"since": 1e300},
        {"since": float("nan")},
        {"since": float("inf")},
        {"since": None},
        {"since": True},
        {"processes": [7]},
        {"processes": {}},
        {"processes": [{"pid": "1"}]},
        {"processes": [{"pid": 1, "began": 1, "state": "x", "status": []}]},
        {"refused": {"a": 1}},
        {"refused": []},
        {"tail": "text"},
        {"tail": [1]},
        {"keeper": 1.5},
        {"keeper": 10**30},
        {"next_start": "soon"},
        {"foreground": 1},
    ],
    ids=str,
)
def test_a_state_of_wrong_types_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        State.from_json(json.dumps(json.loads(STATE.to_json()) | changes))


def test_a_state_of_another_release_is_read() -> None:
    found = json.loads(STATE.to_json())
    del found["log"]
    assert State.from_json(json.dumps(found | {"weather": "fine"})) == STATE


@pytest.mark.parametrize(
    "changes",
    [
        {"command": []},
        {"command": "sh"},
        {"grace": "1"},
        {"grace": float("nan")},
        {"restart": "maybe"},
        {"environment": {"A": 1}},
        {"owner": ["a"]},
        {"umask": "022"},
        {"serial": None},
    ],
    ids=str,
)
def test_an_order_of_wrong_types_is_none(changes: dict[str, Any]) -> None:
    order = Order("s", "shop.mail", "workers", ("work",), "/", grace=float("inf"))
    assert Order.from_json(order.to_json()) == order
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Order.from_json(json.dumps(json.loads(order.to_json()) | changes))


@pytest.fixture
def locker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes that lock a file, by path, mode and user."""
    started: list[subprocess.Popen[bytes]] = []

    def start(path: str, mode: str, user: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [PYTHON, "-c", LOCKER, path, mode], user=user, group=user, extra_groups=[], stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Of a daemon of root's, in a directory that everybody may read."""
    path = Path(f"/tmp/ayl-shared-{os.getpid()}")  # noqa: S108 - tmp_path is closed to others
    path.mkdir(0o755)
    (path / "shop.mail").mkdir(0o755)
    try:
        yield Home(str(path / "shop.mail"))
    finally:
        shutil.rmtree(path)


def test_who_may_only_read_a_pid_file_is_no_keeper_by_locking_it(
    shared: Home, locker: Callable[..., subprocess.Popen[bytes]]
) -> None:
    Path(shared.pid).write_text("1\n")
    Path(shared.pid).chmod(0o644)
    process = locker(shared.pid, "r", NOBODY)
    condition = look("shop.mail", shared.path)
    assert (condition.keeper, condition.health) == (None, Health.DEAD)
    taken = Condition("shop.mail", process.pid, None, Health.WELL)
    assert not send(taken, shared.path, signal.SIGKILL)
    assert process.poll() is None


def test_a_user_cannot_have_root_signal_a_process_of_roots(
    shared: Home, locker: Callable[..., subprocess.Popen[bytes]]
) -> None:
    os.chown(shared.path, NOBODY, NOBODY)
    Path(shared.pid).touch()
    victim = locker(shared.pid, "r+", 0)
    assert look("shop.mail", shared.path).keeper is None
    assert not send(Condition("shop.mail", victim.pid, None, Health.WELL), shared.path, signal.SIGKILL)
    assert victim.poll() is None


def test_a_user_cannot_have_root_kill_another_users_process(shared: Home) -> None:
    victim = subprocess.Popen(FOREVER, env={"AYL_DAEMON": "shop.mail", **os.environ}, start_new_session=True)
    try:
        eventually(lambda: b"AYL_DAEMON=shop.mail" in environ(victim.pid))
        found = json.loads(STATE.to_json())
        found["processes"] = [{"pid": victim.pid, "began": 1.0, "state": "working"}]
        Path(shared.state).write_text(json.dumps(found))
        os.chown(shared.path, NOBODY, NOBODY)
        assert leftovers.kill(shared, "shop.mail") == []
        assert victim.poll() is None
        os.chown(shared.path, 0, 0)
        assert leftovers.kill(shared, "shop.mail") == [victim.pid]
    finally:
        victim.kill()
        victim.wait()


def order(log: str) -> Order:
    return Order("s", "shop.mail", "command", FOREVER, "/", log=log, owner=("nobody", ""))


def test_root_makes_a_log_for_a_user_who_cannot(shared: Home) -> None:
    log = Path(shared.path).parent / "shop.mail" / "logs" / "a.log"
    prepare(order(str(log.with_name("b") / "a.log")), shared.path)
    assert not log.parent.exists()  # its directory is the user's by now: let him make it
    above = Path(shared.path).parent / "logs"
    try:
        prepare(order(str(above / "new" / "a.log")), shared.path)
        found = (above / "new" / "a.log").stat()
        assert (found.st_uid, found.st_mode & 0o777) == (NOBODY, 0o640)
        assert (above / "new").stat().st_uid == 0
    finally:
        (above / "new" / "a.log").unlink()
        (above / "new").rmdir()
        above.rmdir()


def test_root_makes_no_log_where_a_users_link_leads(shared: Home) -> None:
    target = Path(shared.path).parent / "of_root"
    target.mkdir()
    os.chown(shared.path, NOBODY, NOBODY)
    link = Path(shared.path) / "logs"
    link.symlink_to(target)
    os.lchown(link, NOBODY, NOBODY)
    prepare(order(str(link / "a.log")), shared.path)
    assert [*target.iterdir()] == []
    target.rmdir()


def test_root_follows_no_link_out_of_a_directory_that_is_open_to_everybody(shared: Home) -> None:
    target, common = Path(shared.path).parent / "of_root", Path(shared.path).parent / "tmp"
    target.mkdir()
    common.mkdir()
    common.chmod(0o1777)
    (common / "logs").symlink_to(target)
    prepare(order(str(common / "logs" / "a.log")), shared.path)
    assert [*target.iterdir()] == []
    (common / "logs").unlink()
    prepare(order(str(common / "logs" / "a.log")), shared.path)
    assert (common / "logs" / "a.log").stat().st_uid == NOBODY
    shutil.rmtree(common)
    target.rmdir()


def test_roots_own_link_is_followed(shared: Home) -> None:
    target, link = Path(shared.path).parent / "of_root", Path(shared.path).parent / "logs"
    target.mkdir()
    link.symlink_to("of_root")
    prepare(order(str(link / "a.log")), shared.path)
    assert (target / "a.log").stat().st_uid == NOBODY
    (target / "a.log").unlink()
    target.rmdir()
    link.unlink()


def test_root_gives_away_no_directory_that_a_user_leads_it_to(shared: Home) -> None:
    os.chown(shared.path, NOBODY, NOBODY)
    with pytest.raises(CannotStart, match="others than root can change where /tmp/ayl-shared"):
        prepare(order(""), f"{shared.path}/mine")
    assert not Path(shared.path, "mine").exists()


def test_a_number_without_a_name_is_a_user_too() -> None:
    script = (
        "import os, sys; from ayl.daemons.owners import owner; os.setgid(4242); os.setuid(4242)\n"
        "print(owner('a', '', ''))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(4242, 4242)\n"


def test_nothing_is_removed_where_a_link_stands_in_its_place(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("pid", "notify.1", "precious"):
        (other / name).touch()
    (tmp_path / "home").symlink_to(other)
    home = Home(str(tmp_path / "home"))
    home.clear_sockets()
    home.clear()
    home.remove()
    assert {path.name for path in other.iterdir()} == {"pid", "notify.1", "precious"}
