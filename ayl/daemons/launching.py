"""A keeper is started: detached by python-daemon, or in the foreground; as the daemon's user, holding its pid file."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import stat
import sys
from contextlib import suppress
from errno import EPERM
from typing import TYPE_CHECKING, NoReturn

from daemon import DaemonContext

from ayl.daemons.errors import CannotStart, NotPermitted
from ayl.daemons.home import Home
from ayl.pidfiles import PidFile

if TYPE_CHECKING:
    from ayl.daemons.order import Order

DIRECTORY_MODE = 0o755
"""Everybody may see how a daemon is."""

LOG_MODE = 0o640

DATA_MODE = 0o700

MOST_LINKS = 40
"""On the way to a directory, as the kernel has it."""

ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What would end a keeper before it is there to hear it: it waits until then."""

HANDED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""Variables that a keeper gets."""


def owner(daemon: str, user: str, group: str) -> tuple[int, int]:
    """The numbers of the user and the group that a daemon runs as. CannotStart if there are none, NotPermitted if they
    are not ours to take.
    """
    uid, gid = os.geteuid(), os.getegid()  # in a container, they may have no names
    try:
        if user:
            _, _, uid, gid, *_ = pwd.getpwnam(user)
        if group:
            gid = grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise CannotStart(daemon, f"there is no such user or group: {error.args[0]}") from None
    if os.geteuid() != 0 and (uid, gid) != (os.geteuid(), os.getegid()):
        raise NotPermitted(daemon, f"it runs as {_name(uid)}, so only root can do that")
    return uid, gid


def prepare(order: Order, path: str) -> None:
    """Make its directory, its order and its log file ready, all of its user. CannotStart if that cannot be."""
    ids = owner(order.name, *order.owner)
    home = Home(path)
    try:
        _make_directory(path, ids)
        path = order.data or path
        _make_data(order.data, ids)
        path = home.path
        home.write(home.order, order.to_json(), 0o600, ids if os.geteuid() == 0 else None)
        path = order.log or path
        _make_log(order.log, ids)
    except OSError as error:
        raise CannotStart(order.name, f"{path} cannot be made: {error.strerror or error}") from None


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
        raise OSError(error.errno, f"{program[0]} cannot be run as {_name(uid)}: {error.strerror}") from None


def _print_to(log: str) -> None:
    """What a keeper itself has to say when it fails goes where its daemon's output does."""
    try:
        os.makedirs(os.path.dirname(log), DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103, PTH120 - paths are text here
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, LOG_MODE)
    except OSError as error:
        raise OSError(error.errno, f"its log {log} cannot be written: {error.strerror}") from None
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _environment() -> dict[str, str]:
    """Of a keeper: nothing of ours that it has no use for. (Its daemon's stands in the order.)"""
    return {name: os.environ[name] for name in HANDED_ON if name in os.environ}


def _make_directory(path: str, ids: tuple[int, int]) -> None:
    parent, name = os.path.split(path)
    if os.geteuid() != 0 or ids[0] == 0:
        os.makedirs(parent, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - paths are text here
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    else:
        found = _directory_of_root(parent)
        if found is None:
            raise PermissionError(EPERM, f"others than root can change where {parent} leads to")
        above = found
    try:
        with suppress(FileExistsError):
            os.mkdir(name, DIRECTORY_MODE, dir_fd=above)
        own = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)
    try:
        if os.geteuid() == 0:
            os.fchown(own, *ids)
        os.fchmod(own, DIRECTORY_MODE)
    finally:
        os.close(own)


def _make_data(path: str, ids: tuple[int, int]) -> None:
    """For its user alone. One that is there stays as it is: whoever made it knows why."""
    if not path:
        return
    parent, name = os.path.split(path)
    os.makedirs(parent, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - as above
    above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(FileExistsError):
            os.mkdir(name, DATA_MODE, dir_fd=above)
            if os.geteuid() == 0:
                # By its descriptor: a link that somebody puts there meanwhile is not followed.
                made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
                try:
                    os.fchown(made, *ids)
                finally:
                    os.close(made)
    finally:
        os.close(above)


def _make_log(log: str, ids: tuple[int, int]) -> None:
    """For a user who may not make one there. Where root is not alone in saying what is there, it makes nothing."""
    if not log or os.geteuid() != 0:
        return
    parent, name = os.path.split(log)
    directory = _directory_of_root(parent)
    if directory is None:
        return
    try:
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(name, flags, LOG_MODE, dir_fd=directory)
            os.fchown(descriptor, *ids)
            os.close(descriptor)
    finally:
        os.close(directory)


def _directory_of_root(path: str) -> int | None:
    """A descriptor of it, made if need be, along with those above; None if anybody but root could change where that
    path leads to. Each step is taken from the directory before, for one that was looked at may be another by then.
    """
    steps, links = _steps(path), 0
    at = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    while _is_roots(at):
        if not steps:
            return at
        name = steps.pop(0)
        try:
            with suppress(FileExistsError):
                os.mkdir(name, DIRECTORY_MODE, dir_fd=at)
            at = _moved(at, os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at))
        except NotADirectoryError:
            links += 1
            if links > MOST_LINKS or not _is_roots(at, alone=True):
                break
            target = os.readlink(name, dir_fd=at)
            steps = _steps(target) + steps
            if target.startswith("/"):
                at = _moved(at, os.open("/", os.O_RDONLY | os.O_DIRECTORY))
    os.close(at)
    return None


def _steps(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _moved(old: int, new: int) -> int:
    os.close(old)
    return new


def _is_roots(directory: int, *, alone: bool = False) -> bool:
    """Whether nobody but root can change what is root's there. `alone`: nor make anything there, as in /tmp."""
    found = os.fstat(directory)
    is_open = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == 0 and (not is_open or (not alone and bool(found.st_mode & stat.S_ISVTX)))
