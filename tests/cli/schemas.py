"""What `--json` gives: names and types, command by command."""

from __future__ import annotations

from types import NoneType
from typing import Any, TypeAlias

Schema: TypeAlias = "type | dict[str, Any] | list[Any] | tuple[Any, ...]"
"""A type; an object with exactly these names; a list whose items are all of one kind; or one of several."""

JOBS = dict.fromkeys(("ready", "urgent", "reserved", "delayed", "buried", "total"), int)
WORKERS = dict.fromkeys(("total", "available", "busy"), int)

SERVER = {
    "version": str,
    "uptime": int,
    "draining": bool,
    "tubes": int,
    "connections": int,
    "producers": int,
    "workers": WORKERS,
    "jobs": JOBS,
    "max_job_size": int,
    "reported": dict,
}

TUBE = {
    "name": str,
    "workers": WORKERS,
    "jobs": JOBS,
    "using": int,
    "deletes": int,
    "pauses": int,
    "pause": int,
    "pause_time_left": int,
}

BODY = {
    "size": int,
    "text": str,
    "call": str,
    "message": str,
    "sent": float,
    "tries": int,
    "kills": int,
    "why": str,
    "problem": str,
}

JOB = {
    "id": int,
    "tube": str,
    "state": str,
    "priority": int,
    "age": int,
    "delay": int,
    "time_to_run": int,
    "time_left": int,
    "file": int,
    "reserves": int,
    "timeouts": int,
    "releases": int,
    "buries": int,
    "kicks": int,
    "body": BODY,
}

PEEK = {"tube": str, "state": str, "job": (JOB, NoneType)}
PUT = {"tube": str, "job": int, "size": int}
DONE = {"done": [int], "declined": [{"id": int, "state": str}]}
COUNT = {"tube": str, "state": str, "jobs": int}
PAUSE = {"tube": str, "seconds": int}
ORDER = {"tube": str, "job": int, "workers": WORKERS, "signed": bool}

COMMANDS: dict[str, tuple[Schema, tuple[str, ...]]] = {
    "statistics": (SERVER, ()),
    "list_tubes": ([TUBE], ()),
    "tube_statistics": (TUBE, ()),
    "job_statistics": ([JOB], ("{job}",)),
    "peek_job": ([JOB], ("{job}",)),
    "peek_ready": (PEEK, ()),
    "peek_delayed": (PEEK, ()),
    "peek_buried": (PEEK, ()),
    "put_job": (PUT, ("body",)),
    "put_sleep_job": (PUT, ()),
    "kick": (COUNT, ("all",)),
    "kick_job": (DONE, ("{buried}",)),
    "pause": (PAUSE, ()),
    "resume": (PAUSE, ()),
    "delete": (DONE, ("{job}", "--yes")),
    "eat_job": (PEEK, ("--yes",)),
    "eat_all_jobs": (COUNT, ("--yes",)),
    "kill_worker": (ORDER, ()),
    "quiet_worker": (ORDER, ()),
    "restart_worker": (ORDER, ()),
}
"""A command about one server and one tube: what it gives, and the words that it takes."""

ON_TUBES = (
    "tube_statistics",
    *(f"peek_{state}" for state in ("ready", "delayed", "buried")),
    *("kick", "pause", "resume", "eat_all_jobs", "kill_worker", "quiet_worker", "restart_worker"),
)
"""Those that take a pattern, and give a list then."""

ON_SERVERS = ("statistics", "list_tubes", *ON_TUBES)
"""Those that several servers may be named to."""


def fault(found: object, schema: Schema, where: str = "it") -> str:
    """Where it is otherwise than the schema has it; empty if it is not."""
    if isinstance(schema, tuple):
        faults = [fault(found, each, where) for each in schema]
        return "" if "" in faults else " and ".join(faults)
    kind = schema if isinstance(schema, type) else type(schema)
    if type(found) is not kind:
        return f"{where} is a {type(found).__name__}, no {kind.__name__}"
    if isinstance(found, dict) and isinstance(schema, dict):
        if found.keys() != schema.keys():
            return f"{where} has {sorted(found)}, not {sorted(schema)}"
        return next(filter(None, (fault(found[name], schema[name], f"{where}.{name}") for name in schema)), "")
    if isinstance(found, list) and isinstance(schema, list):
        return next(filter(None, (fault(item, schema[0], f"{where}[{n}]") for n, item in enumerate(found))), "")
    return ""
