"""A keeper is started: detached by python-daemon, or in the foreground; as the daemon's user, holding its pid file."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from daemon import DaemonContext

from ayl.daemons import grounds
from ayl.daemons.errors import CannotStart
from ayl.daemons.home import Home
from ayl.daemons.owners import name, owner
from ayl.pidfiles import PidFile

if TYPE_CHECKING:
    from ayl.daemons.order import Order

ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What would end a keeper before it is there to hear it: it waits until then."""

HANDED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""Variables that a keeper gets."""


def launch(order: Order, path: str) -> None:
    """Start a detached keeper. CannotStart if it does not even come to live."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            _become_keeper(order, path, [], detach=True, trouble=writer)
        except BaseException as error:  # noqa: BLE001 - this is a copy of a command: nothing more of it may run
            os.write(writer, f"{getattr(error, 'strerror', None) or error}".encode()[:4000])
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - it is open already
        trouble = file.read()
    os.waitpid(pid, 0)
    if trouble:
        raise CannotStart(order.name, trouble)


def become(order: Order, path: str, prefix: str) -> NoReturn:
    """Be its keeper, in the foreground. CannotStart or OSError if that cannot be."""
    _become_keeper(order, path, [prefix], detach=False)


def _become_keeper(order: Order, path: str, words: list[str], *, detach: bool, trouble: int = -1) -> NoReturn:
    uid, gid = owner(order.name, *order.owner)
    pid_file = PidFile(Home(path).pid)
    is_root = os.geteuid() == 0
    if is_root:
        os.setgid(gid)  # python-daemon 3.1 leaves the group as it is when it sets the others
    context = DaemonContext(
        working_directory="/",
        umask=0o022,  # its own: how a daemon is, is for everybody
        uid=uid,
        gid=gid,
        initgroups=is_root,
        detach_process=detach,
        signal_map={},
        pidfile=pid_file,
        files_preserve=[trouble] if detach else None,
        prevent_core=False,  # that is for the limits to say with which we are started
        stdin=None if detach else sys.stdin,
        stdout=None if detach else sys.stdout,
        stderr=None if detach else sys.stderr,
    )
    context.open()
    for standard in range(3):
        os.set_inheritable(standard, True)  # what python-daemon has opened in their place is not
    if detach and order.log:
        _print_to(order.log)
    os.set_inheritable(pid_file.fileno(), True)
    program = [sys.executable, "-P", "-m", "ayl.daemons.keeper", path, str(pid_file.fileno()), "begin", *words]
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)
    try:
        os.execve(program[0], program, _environment())  # noqa: S606 - our own module
    except OSError as error:
        raise OSError(error.errno, f"{program[0]} cannot be run as {name(uid)}: {error.strerror}") from None


def _print_to(log: str) -> None:
    """What a keeper itself has to say when it fails goes where its daemon's output does."""
    try:
        os.makedirs(os.path.dirname(log), grounds.DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103, PTH120 - paths are text here
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, grounds.LOG_MODE)
    except OSError as error:
        raise OSError(error.errno, f"its log {log} cannot be written: {error.strerror}") from None
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def _environment() -> dict[str, str]:
    """Of a keeper: nothing of ours that it has no use for. (Its daemon's stands in the order.)"""
    return {name: os.environ[name] for name in HANDED_ON if name in os.environ}
