"""How this process ends when it cannot start, or must not wait. Imported before the server listens: nothing heavy."""

from __future__ import annotations

# The C half of `signal` will do; the Python half makes enumerations of everything.
import _signal  # type: ignore[import-not-found] # typeshed leaves it out
import os

FAILED = 1
"""The binlog cannot be used, or its disk has failed."""

USAGE_ERROR = 5
"""The command line makes no sense, as in beanstalkd."""

LOCKED = 10
"""Another server uses the binlog's directory, as in beanstalkd."""

NO_SUCH_USER = 33
"""There is no such user, or one that this process may not become, as in beanstalkd."""

UNPREPARED = 78
"""A file for TLS is missing or wrong, or a library is missing (EX_CONFIG of sysexits.h)."""

CANNOT_LISTEN = 111
"""An address cannot be listened on, or systemd passed something else than listening sockets, as in beanstalkd."""


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""

    def __init__(self, code: int, event: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.event = event
        """What kind of trouble it is, in one word, for programs that read the log."""


class CannotListenError(StartError):
    """An address cannot be listened on."""

    def __init__(self, message: str) -> None:
        super().__init__(CANNOT_LISTEN, "cannot_listen", message)


def end_at_once_on(number: int) -> None:
    """Let that signal end the process without further ado."""
    if os.getpid() == 1:
        # The first process of a container does not get signals that it leaves at their default.
        _signal.signal(number, lambda number, _: os._exit(128 + number))
    else:
        _signal.signal(number, _signal.SIG_DFL)
