"""What operators read: log lines on standard error, and on standard output what -V shows.

A server that runs writes log lines with the time, a level and the kind of event, as text or as JSON objects. A start
that comes to nothing says one line, as commands do. Nothing that happens to these two outputs may harm the service:
a line that nobody takes at once is lost, and counted.
"""

import json
import logging
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ayl_server.exits import StartError

SELDOM_SECONDS = 10.0
"""Between two lines of a kind that could come again and again."""

MOST_KINDS = 1000
"""How many kinds are remembered."""

PIECE = 4096
"""Bytes that a pipe which is ready to be written takes without blocking (PIPE_BUF)."""

OURS = "ayl_server"

TALK: dict[str, tuple[str, str, str]] = {
    "pid": ("pid {}", "pid", ""),
    "bind": ("bind {} {}", "descriptor", "address"),
    "accept": ("accept {}", "connection", ""),
    "close": ("close {}", "connection", ""),
    "command": ("<{} command {}", "connection", "text"),
    "reply": (">{} reply {}", "connection", "text"),
}
"""What -V and -VV show: the line as beanstalkd prints it, and what JSON calls the number and the rest."""


class Outlet:
    """A descriptor to write lines to that neither blocks nor raises, whatever is behind it: a full disk, a pipe whose
    reader is gone or asleep. It is not made non-blocking, because others may share it: the shell, say.
    """

    def __init__(self, descriptor: int) -> None:
        self.lost = 0
        """Lines that could not be written since one could."""
        self._descriptor = descriptor = _unblocked(descriptor)
        self._torn = b""  # what must come before the next line
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def write(self, line: str) -> None:
        data = self._torn + (line + "\n").encode("utf-8", "backslashreplace")
        try:
            while data:
                if not self._ready.poll(0):
                    raise BlockingIOError
                data = data[os.write(self._descriptor, data[:PIECE]) :]
                self._torn = b"\n" if data else b""
        except OSError:
            self.lost += 1
        else:
            self.lost = 0


def _unblocked(descriptor: int) -> int:
    """A terminal opened anew if this is one: with room for a single character left it says that it is ready, and then
    lets a whole line wait. A pipe does not.
    """
    if os.isatty(descriptor):
        with suppress(OSError):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return descriptor


class Logbook:
    """Tells operators what happens, in the format that they asked for."""

    def __init__(self, form: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`form`: text or json."""
        self._json = form == "json"
        self._talk = Outlet(1)
        self._handler = _Handler(Outlet(2), _JsonFormatter() if self._json else _TextFormatter())
        self._handler.addFilter(_Seldom(clock))
        self._logger = logging.Logger(OURS, logging.INFO)  # noqa: LOG001 - no part of the tree: others' handlers stay out
        self._logger.addHandler(self._handler)

    def listen_to_libraries(self) -> None:
        """Take over what asyncio and others log."""
        root = logging.getLogger()
        root.handlers = [self._handler]
        root.setLevel(logging.WARNING)

    # Each event has a name that never changes, and fields, for programs that read the log.

    def note(self, event: str, message: str, **fields: object) -> None:
        self._tell(logging.INFO, event, message, fields)

    def caution(self, event: str, message: str, **fields: object) -> None:
        self._tell(logging.WARNING, event, message, fields)

    def alarm(self, event: str, message: str, **fields: object) -> None:
        self._tell(logging.ERROR, event, message, fields)

    def now_and_then(self, event: str, message: str, **fields: object) -> None:
        """A warning that may come again and again."""
        self._tell(logging.WARNING, event, message, fields, kind=event)

    def defect(self, message: str, error: BaseException | None) -> None:
        """An error of ours, with its traceback."""
        self._tell(logging.ERROR, "defect", message, {}, kind=f"{message} {error!r}", error=error)

    def refusal(self, error: StartError) -> None:
        """Why this server does not start."""
        if self._json:
            self.alarm(error.event, str(error), exit_code=error.code)
        else:
            self._handler.outlet.write(f"ayl_server: {_printable(str(error))}")

    def _tell(
        self,
        level: int,
        event: str,
        message: str,
        fields: dict[str, object],
        *,
        kind: str | None = None,
        error: BaseException | None = None,
    ) -> None:
        extra = {"event": event, "fields": fields, "kind": kind}
        self._logger.log(level, "%s", message, extra=extra, exc_info=error)

    def say(self, event: str, number: int, detail: str = "") -> None:
        """What -V shows."""
        line, number_name, detail_name = TALK[event]
        if self._json:
            said: dict[str, object] = {"time": _stamp(time.time()), "level": "debug", "event": event}
            said[number_name] = number
            if detail_name:
                said[detail_name] = detail
            self._talk.write(json.dumps(said))
        else:
            self._talk.write(line.format(number, detail))


class _Handler(logging.Handler):
    """Writes records to an outlet."""

    def __init__(self, outlet: Outlet, form: logging.Formatter) -> None:
        super().__init__()
        self.outlet = outlet
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        record.lost = self.outlet.lost
        try:
            line = self.format(record)
        except (TypeError, ValueError) as error:  # a library that does not know how to log
            line = f"{record.name}: {_printable(str(record.msg))} ({error})"
        self.outlet.write(line)


class _Seldom(logging.Filter):
    """Lets a line of a kind pass only now and then, and counts the others. Without a kind it passes always."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._silent: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # What libraries log has the same text before its arguments are filled in.
        kind: str | None = getattr(record, "kind", None) if record.name == OURS else record.name + str(record.msg)
        if kind is None:
            return True
        now = self._clock()
        until, held_back = self._silent.get(kind, (now, 0))
        if now < until:
            self._silent[kind] = (until, held_back + 1)
            return False
        if len(self._silent) >= MOST_KINDS:
            self._silent.clear()
        self._silent[kind] = (now + SELDOM_SECONDS, 0)
        record.held_back = held_back
        return True


class _TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z WARNING event: message`"""

    def format(self, record: logging.LogRecord) -> str:
        message = _printable(record.getMessage())
        if held_back := getattr(record, "held_back", 0):
            message += f" ({held_back} more like this since the last one)"
        if lost := getattr(record, "lost", 0):
            message += f" ({lost} lines before this one could not be written)"
        line = f"{_stamp(record.created)} {record.levelname} {_event(record)}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": _stamp(record.created),
            "level": record.levelname.lower(),
            "event": _event(record),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        for name in ("held_back", "lost"):
            if count := getattr(record, name, 0):
                said[name] = count
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


def _event(record: logging.LogRecord) -> str:
    event: str = getattr(record, "event", record.name)
    return event


def _stamp(seconds: float) -> str:
    """UTC with milliseconds, as RFC 3339 has it."""
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03d}Z"


def _printable(text: str) -> str:
    """A path or a client's certificate must not be able to begin a line of its own."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
