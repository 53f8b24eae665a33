"""New jobs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl.admin.conversation import checked, conversation
from ayl.admin.errors import RequestRefused
from ayl.options import Options
from ayl.tubes import app_of

if TYPE_CHECKING:
    from ayl.admin.server import Server
    from ayl.signing import KeyRing

DEFAULTS = Options()

SLEEP = "ayl.sleep"
"""The function that every worker knows."""

SPARE_SECONDS = 60
"""That a call which sleeps may be held longer than it does."""


@dataclass(frozen=True, slots=True)
class Put:
    """A job that was put."""

    tube: str
    job: int
    """Its id."""
    size: int
    """Bytes of its body."""


def put(
    server: Server,
    tube: str,
    body: bytes,
    *,
    priority: int = DEFAULTS.priority,
    delay: int = 0,
    time_to_run: int = DEFAULTS.time_to_run,
) -> Put:
    """A job with this body, as it is; delay and time to run in seconds.

    RequestRefused if it is too large, or the server takes none.
    """
    checked(tube)
    with conversation(server) as client:
        client.use(tube)
        try:
            job = client.put(body, priority, delay, time_to_run)
        except greenstalk.JobTooBigError as error:
            most = client.stats()["max-job-size"]
            raise RequestRefused(
                f"{len(body):,} bytes are too many for {server}: it takes {most:,} (its option -z)"
            ) from error
        return Put(tube, job, len(body))


def put_sleep(server: Server, tube: str, seconds: int, secrets: KeyRing | None = None) -> Put:
    """A call that keeps a worker of the tube busy for so long, and does nothing else.

    `secrets` are those of the tube's app. NotConfigured if none of their keys is valid now.
    """
    from ayl import message  # with all that writes messages, which most operations need not wait for
    from ayl.identifiers import RANDOM_BYTES, uuid7_beginning, uuid7_rests

    app, _, rest = checked(tube).partition("/")
    options = Options(time_to_run=seconds + SPARE_SECONDS)
    now = time.time()
    name = uuid7_beginning(int(now * 1000)) + uuid7_rests(os.urandom(RANDOM_BYTES))[-1]
    form = message.form(app, rest.partition("/")[0], SLEEP, options)
    body = message.filled(form, name, now, None, [seconds], {})
    if secrets is not None:
        body = secrets.sign(app_of(tube), body, now)
    return put(server, tube, body, time_to_run=options.time_to_run)
