"""Orders to the workers of a tube: control messages, which only a worker obeys."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import checked_pattern, conversation, similar
from ayl.admin.errors import NobodyWatches, TooFewWatch
from ayl.admin.statistics import chosen, looks
from ayl.tubes import app_of, stem

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


def kill_worker(server: Server, tube: str, secrets: KeyRing | None = None, *, count: int = 1) -> list[WorkerOrder]:
    """Ask one worker of the tube, or so many, to exit: the next that are free. It ends no call that runs.

    For a pattern, so many of each tube that it matches and a worker watches. `secrets` are those of the tubes' app.
    NotConfigured if none of their keys is valid now; NobodyWatches, or TooFewWatch, if there are not so many.
    """
    return _order_workers("exit", server, tube, secrets, count)


def quiet_worker(server: Server, tube: str, secrets: KeyRing | None = None, *, count: int = 1) -> list[WorkerOrder]:
    """The same, until their supervisor is told to resume."""
    return _order_workers("quiet", server, tube, secrets, count)


def restart_worker(server: Server, tube: str, secrets: KeyRing | None = None, *, count: int = 1) -> list[WorkerOrder]:
    """Have them replaced by others, which are there before they go."""
    return _order_workers("restart", server, tube, secrets, count)


def control(order: str, app: str) -> bytes:
    """The body that tells the worker who reserves it to do this, if it is of that app."""
    return b'{"type":"ayl-control","do":"%b","app":"%b"}' % (order.encode(), app.encode())


def _order_workers(order: str, server: Server, tube: str, secrets: KeyRing | None, count: int) -> list[WorkerOrder]:
    checked_pattern(tube)
    with conversation(server) as client:
        watched = [found for found in looks(client, chosen(client, server, tube)) if found.workers.total]
        if not watched:
            known = client.tubes()
            raise NobodyWatches(server, tube, [] if tube in known else similar(stem(tube), known))
        for found in watched:
            if found.workers.total < count:
                raise TooFewWatch(server, found.name, found.workers.total)
        orders = []
        for found in watched:
            app = app_of(found.name)
            body = control(order, app)
            if secrets is not None:
                body = secrets.sign(app, body, time.time())
            client.use(found.name)
            for _ in range(count):
                job = client.put(body, priority=0)
                orders.append(WorkerOrder(found.name, job, found.workers, secrets is not None))
        return orders
