"""The commands of the protocol."""

from __future__ import annotations

from ayl.beanstalkc.conversation import Command

_NOT_FOUND = frozenset({"NOT_FOUND"})
_NO_JOB = frozenset({"DEADLINE_SOON", "TIMED_OUT"})

PUT = Command(b"put %b\r\n%b", b"INSERTED", frozenset({"JOB_TOO_BIG", "BURIED", "DRAINING"}))
RESERVE = Command(b"reserve", b"RESERVED", _NO_JOB, has_body=True)
RESERVE_WITH_TIMEOUT = Command(b"reserve-with-timeout %d", b"RESERVED", _NO_JOB, has_body=True)
RESERVE_JOB = Command(b"reserve-job %d", b"RESERVED", _NOT_FOUND, has_body=True)
DELETE = Command(b"delete %d", b"DELETED", _NOT_FOUND)
RELEASE = Command(b"release %d %d %d", b"RELEASED", _NOT_FOUND | {"BURIED"})
BURY = Command(b"bury %d %d", b"BURIED", _NOT_FOUND)
TOUCH = Command(b"touch %d", b"TOUCHED", _NOT_FOUND)
KICK = Command(b"kick %d", b"KICKED")
KICK_JOB = Command(b"kick-job %d", b"KICKED", _NOT_FOUND)

PEEK = Command(b"peek %d", b"FOUND", _NOT_FOUND, has_body=True)
PEEK_READY = Command(b"peek-ready", b"FOUND", _NOT_FOUND, has_body=True)
PEEK_DELAYED = Command(b"peek-delayed", b"FOUND", _NOT_FOUND, has_body=True)
PEEK_BURIED = Command(b"peek-buried", b"FOUND", _NOT_FOUND, has_body=True)

USE = Command(b"use %b", b"USING")
WATCH = Command(b"watch %b", b"WATCHING")
IGNORE = Command(b"ignore %b", b"WATCHING", frozenset({"NOT_IGNORED"}))
LIST_TUBE_USED = Command(b"list-tube-used", b"USING")
LIST_TUBES = Command(b"list-tubes", b"OK", has_body=True)
LIST_TUBES_WATCHED = Command(b"list-tubes-watched", b"OK", has_body=True)
PAUSE_TUBE = Command(b"pause-tube %b %d", b"PAUSED", _NOT_FOUND)

STATS = Command(b"stats", b"OK", has_body=True)
STATS_JOB = Command(b"stats-job %d", b"OK", _NOT_FOUND, has_body=True)
STATS_TUBE = Command(b"stats-tube %b", b"OK", _NOT_FOUND, has_body=True)
