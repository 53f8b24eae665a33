"""Orders to the workers of a tube: control messages, which only a worker obeys."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked, conversation, similar
from ayl.admin.errors import NobodyWatches
from ayl.admin.statistics import look
from ayl.tubes import app_of

if TYPE_CHECKING:
    from ayl.admin.facts import Workers
    from ayl.admin.server import Server
    from ayl.signing import KeyRing


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """A control message on its way to one of the workers of a tube."""

    tube: str
    job: int
    """Its id."""
    workers: Workers
    """As they were just before it was put."""
    signed: bool = False
    """Workers that have secrets obey no other."""


def kill_worker(server: Server, tube: str, secrets: KeyRing | None = None) -> WorkerOrder:
    """Ask one worker of the tube to exit: the next one that is free. It ends no call that runs.

    `secrets` are those of the tube's app. NotConfigured if none of their keys is valid now.
    """
    return _order_worker("exit", server, tube, secrets)


def quiet_worker(server: Server, tube: str, secrets: KeyRing | None = None) -> WorkerOrder:
    """The same, until its supervisor is told to resume."""
    return _order_worker("quiet", server, tube, secrets)


def restart_worker(server: Server, tube: str, secrets: KeyRing | None = None) -> WorkerOrder:
    """Have one worker of the tube replaced by another, which is there before it goes."""
    return _order_worker("restart", server, tube, secrets)


def control(order: str, app: str) -> bytes:
    """The body that tells the worker who reserves it to do this, if it is of that app."""
    return b'{"type":"ayl-control","do":"%b","app":"%b"}' % (order.encode(), app.encode())


def _order_worker(order: str, server: Server, tube: str, secrets: KeyRing | None) -> WorkerOrder:
    checked(tube)
    body = control(order, app_of(tube))
    if secrets is not None:
        body = secrets.sign(app_of(tube), body, time.time())
    with conversation(server) as client:
        found = look(client, tube)
        if found is None or not found.workers.total:
            raise NobodyWatches(server, tube, [] if found else similar(tube, client.tubes()))
        client.use(tube)
        job = client.put(body, priority=0)
        return WorkerOrder(tube=tube, job=job, workers=found.workers, signed=secrets is not None)
