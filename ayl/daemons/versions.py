"""Which version of an application is there now. It is looked up as the daemon's user, for what is read or run there is
the user's: a file, a git repository, a module.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ayl.daemons.errors import CannotStart

if TYPE_CHECKING:
    from ayl.daemons.spec.model import Daemon

SECONDS = 30.0
"""To import a module, at most."""

LONGEST = 200
"""Characters of a complaint that are repeated."""

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
        "file": ["head", "-n", "1", "--", os.path.join(daemon.directory, source.value)],  # noqa: PTH118 - text
        "git": ["git", "-C", daemon.directory, *source.value.split()],
        "attribute": [source.python, "-P", "-c", _ATTRIBUTE, daemon.directory, *source.value.split(":")],
    }[source.source]
    found = _said(daemon, words, ids).strip()
    if not found:
        raise CannotStart(daemon.name, f"its version is empty, by {source.source}: {source.value}")
    return found


def _said(daemon: Daemon, words: list[str], ids: tuple[int, int]) -> str:
    uid, gid = ids
    become = {"user": uid, "group": gid, "extra_groups": [gid]} if os.geteuid() == 0 else {}
    try:
        done = subprocess.run(  # noqa: S603 - what the operator has written down
            words,
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            cwd=daemon.directory,
            env={**daemon.environment},
            **become,  # type: ignore[call-overload] # a user or none
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise CannotStart(daemon.name, f"its version cannot be told: {reason[:LONGEST]}") from None
    except subprocess.TimeoutExpired:
        raise CannotStart(daemon.name, f"its version cannot be told: it took more than {SECONDS:g} s") from None
    except OSError as error:
        raise CannotStart(daemon.name, f"its version cannot be told: {words[0]}: {error.strerror}") from None
    return str(done.stdout)
