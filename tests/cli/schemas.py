"""What `--json` gives: names and types."""

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

CHANGE = {
    **dict.fromkeys(("workers", "ready", "reserved", "delayed", "buried"), int),
    **dict.fromkeys(("seconds", "put", "done"), float),
}
LOOK = {
    "server": str,
    "at": float,
    "trouble": str,
    "statistics": (SERVER, NoneType),
    "tubes": [{"tube": TUBE, "change": (CHANGE, NoneType)}],
}

SEARCH = {"found": [JOB], "looked_at": int, "there": int, "newest": int, "oldest": int, "enough": bool}

FINDING = {"code": str, "severity": str, "sentence": str, "cure": str, "facts": dict, "server": str}
WHY = {"id": int, "job": (JOB, NoneType), "findings": [FINDING]}

COMPOSED = {
    **dict.fromkeys(("call", "message", "tube", "body"), str),
    **dict.fromkeys(("priority", "delay", "time_to_run"), int),
    **dict.fromkeys(("signed", "checked"), bool),
}
PUT_CALL = {"job": int, "watching": int, "call": COMPOSED}

MOVED = {
    **dict.fromkeys(("tube", "server", "to_tube", "to_server", "stopped"), str),
    **dict.fromkeys(("moved", "stayed"), dict),
    "left": (dict, NoneType),
    "dry_run": bool,
    "twice": int,
}

DRAIN = {
    **dict.fromkeys(("app", "version"), str),
    **dict.fromkeys(("ready", "reserved", "delayed", "buried", "workers"), int),
    "drained": bool,
    "tubes": [TUBE],
}
MIGRATED = {
    **dict.fromkeys(("app", "old", "new", "stopped"), str),
    **dict.fromkeys(("waiting", "reserved", "twice"), int),
    "dry_run": bool,
    "tubes": [str],
    "calls": [{"call": str, "fate": str, "jobs": int, "reasons": [str]}],
}
MANIFEST = {
    **dict.fromkeys(("app", "version"), str),
    **dict.fromkeys(("models", "tasks", "values"), dict),
    "format": int,
    "upgrades": list,
}

SPOOLED = {
    **dict.fromkeys(("id", "tube", "engine", "call", "set_aside"), str),
    **dict.fromkeys(("priority", "time_to_run", "size"), int),
    **dict.fromkeys(("spooled", "due"), float),
}
SPOOL = {
    "directory": str,
    "bytes": int,
    "calls": [SPOOLED],
    "unreadable": [{"name": str, "bytes": int, "damaged": [[int]]}],
}
DELIVERED = {"delivered": int, "set_aside": int, "left": int, "elsewhere": dict}


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
