"""`confined.py USER CALLS COMMAND...`: run a command as systemd would in one of our units: as a user without any
capability, and with no system calls but these (names with commas between); all others fail with EPERM.

A program of its own, for the machine's Python: it becomes the command.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import sys

PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
ALLOW = 0x7FFF0000
ERRNO = 0x00050000


def become(user: str) -> None:
    """With nothing of root's left."""
    found = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    os.initgroups(user, found.pw_gid)
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0


def allow(calls: list[str]) -> None:
    """Only these, from now on."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ERRNO | errno.EPERM))
    known = 0
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            known += 1
            assert seccomp.seccomp_rule_add(rules, ALLOW, number, 0) == 0, call
    assert known > 100, known
    assert seccomp.seccomp_load(rules) == 0


if __name__ == "__main__":
    become(sys.argv[1])
    allow(sys.argv[2].split(","))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - the test's own
