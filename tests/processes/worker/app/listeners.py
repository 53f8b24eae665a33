"""Hooks in a module of their own, as an app's operators write them: each event is a line of a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import ayl


def note(kind: str, event: Any) -> None:
    """One write, so that lines of several processes do not mix."""
    line = {
        "kind": kind,
        "call": event.call,
        "tries": event.tries,
        "reason": event.reason,
        "job": event.job_id,
        "pid": event.pid == os.getpid(),
    }
    with Path(os.environ["LISTENERS"]).open("ab", buffering=0) as heard:
        heard.write(json.dumps(line).encode() + b"\n")


@ayl.on_failure
def note_failure(event: Any) -> None:
    note("failure", event)
    time.sleep(float(os.environ["LISTENERS_SLEEP"]))


@ayl.on_bury
def note_burial(event: Any) -> None:
    note("bury", event)
    raise RuntimeError("the hook fails too")
