"""As whom a daemon runs."""

from __future__ import annotations

import grp
import os
import pwd

from ayl.daemons.errors import CannotStart, NotPermitted


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
        raise NotPermitted(daemon, f"it runs as {name(uid)}, so only root can do that")
    return uid, gid


def name(uid: int) -> str:
    """For people."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
