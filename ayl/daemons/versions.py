"""Which version of an application is there now. It is looked up as the daemon's user, for what is read or run there is
the user's: a file, a git repository, a module.
"""

from __future__ import annotations

import os
import pwd
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

from ayl.daemons.errors import CannotStart

if TYPE_CHECKING:
    from ayl.daemons.spec.model import Daemon

SECONDS = 30.0
"""To import a module, at most."""

LONGEST = 200
"""Characters of a version, and of a complaint that is repeated."""

MOST = 65_536
"""Bytes that are kept of what is printed."""

_ATTRIBUTE = """
import importlib, sys
path, module, name = sys.argv[1:]
sys.path.insert(0, path)
found = importlib.import_module(module)
for part in name.split("."):
    found = getattr(found, part)
print(found)
"""


def version(daemon: Daemon, ids: tuple[int, int]) -> str | None:
    """What AYL_VERSION is to say; None if the application says it itself. CannotStart if it cannot be found."""
    source = daemon.version
    if source is None:
        return None
    if source.source == "text":
        return source.value
    words = {
        "file": ["head", "-n", "1", "--", os.path.join(source.path, source.value)],  # noqa: PTH118 - text
        "git": ["git", "-C", source.path, *source.value.split()],
        "attribute": [source.python, "-P", "-c", _ATTRIBUTE, source.path, *source.value.split(":")],
    }[source.source]
    found = _said(daemon, source.path, words, ids).strip()
    if not found:
        raise CannotStart(daemon.name, f"its version is empty, by {source.source}: {source.value}")
    if len(found) > LONGEST or not found.isprintable():
        # A NUL or a line end in a variable of a process would be told as something else, much later.
        raise CannotStart(daemon.name, f"{found[:LONGEST]!r} is no version, by {source.source}: {source.value}")
    return found


def _said(daemon: Daemon, path: str, words: list[str], ids: tuple[int, int]) -> str:
    try:
        with subprocess.Popen(  # noqa: S603 - what the operator has written down
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=path,
            env={**daemon.environment},
            start_new_session=True,  # a terminal of root's could be made to type whatever that user likes
            **_becoming(*ids),
        ) as process:
            output, complaints = _heard(process)
    except subprocess.TimeoutExpired:
        raise CannotStart(daemon.name, f"its version cannot be told: it took more than {SECONDS:g} s") from None
    except OSError as error:
        raise CannotStart(daemon.name, f"its version cannot be told: {words[0]}: {error.strerror}") from None
    if process.returncode:
        reason = (complaints.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise CannotStart(daemon.name, f"its version cannot be told: {reason[:LONGEST]}")
    return output


def _becoming(uid: int, gid: int) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": uid, "group": gid, "extra_groups": os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)}


def _heard(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """What it prints, and complains of: the last of it, for it is not ours, and might never stop. TimeoutExpired."""
    give_up = time.monotonic() + SECONDS
    said = {stream.fileno(): b"" for stream in (process.stdout, process.stderr) if stream is not None}
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in said:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                if time.monotonic() >= give_up:
                    raise subprocess.TimeoutExpired(process.args, SECONDS)
                for key, _ in selector.select(give_up - time.monotonic()):
                    if not (data := os.read(key.fd, MOST)):
                        selector.unregister(key.fd)
                    said[key.fd] = (said[key.fd] + data)[-MOST:]
        process.wait(max(0.0, give_up - time.monotonic()))
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    output, complaints = (text.decode(errors="replace") for text in said.values())
    return output, complaints
