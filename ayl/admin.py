"""Operations on a server, for the command line and the dashboard alike: dataclasses in, dataclasses out.

Each operation is one short conversation on a connection of its own, through greenstalk. Whatever is at the
other end, it ends in time, with an answer or with one error of this tree:

    AdminError
    ├── ServerUnavailable   look after the server: nothing was done, or nobody can say what
    │   ├── NoServer        ... nothing listens there, or there is no such host
    │   ├── ServerTooSlow   ... connected, but a reply did not come in time
    │   ├── ServerHungUp    ... connected, but the other side closed the connection
    │   └── NotBeanstalkd   ... something else answers there
    └── RequestRefused      the server is well: look at what was asked of it
        ├── NotATubeName    ... no tube can have this name
        ├── NoSuchTube      ... the tube does not exist (any more)
        └── NobodyWatches   ... no worker is there to obey
"""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl.engines.prompt import PromptSocket
from ayl.errors import AylError
from ayl.tubes import RULE, app_of, legal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ayl.signing import KeyRing


class AdminError(AylError):
    """An operation on a server did not succeed."""


class ServerUnavailable(AdminError):
    """No answer can be had from a server at this address."""


class NoServer(ServerUnavailable):
    """Nothing listens at this address, or the address is none."""

    def __init__(self, server: Server, error: OSError | UnicodeError) -> None:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        super().__init__(f"no server at {server} ({reason[:1].lower()}{reason[1:]})")


class ServerTooSlow(ServerUnavailable):
    """Connected, but a reply did not come in time: the server is busy or stopped, or it is no beanstalkd."""

    def __init__(self, server: Server) -> None:
        super().__init__(f"{server} takes connections but did not answer within {server.timeout:g} s")


class ServerHungUp(ServerUnavailable):
    """The other side closed the connection: the server is stopping, or it is no beanstalkd."""

    def __init__(self, server: Server) -> None:
        super().__init__(f"{server} closed the connection before it had answered")


class NotBeanstalkd(ServerUnavailable):
    """What answers is no part of the protocol."""

    def __init__(self, server: Server, said: bytes) -> None:
        words = f": it said {said[:60].decode('latin-1')!r}" if said else ""
        super().__init__(f"what answers at {server} is no beanstalkd{words}")


class RequestRefused(AdminError):
    """The server is well, but would not or could not do this: draining, out of memory, an unknown command."""


class NotATubeName(RequestRefused):
    """No tube can have this name."""

    def __init__(self, tube: str) -> None:
        super().__init__(f"no tube can be named {tube!r}: a name is {RULE}")


class _TubeMissing(RequestRefused):
    """Shared by the errors that can say which tubes might have been meant."""

    def __init__(self, fact: str, similar: Iterable[str]) -> None:
        self.similar = tuple(similar)
        suggestion = f"; similar: {', '.join(self.similar)}" if self.similar else ""
        super().__init__(fact + suggestion)


class NoSuchTube(_TubeMissing):
    """A tube exists only while it has a job or a client: this one has neither."""

    def __init__(self, server: Server, tube: str, similar: Iterable[str]) -> None:
        super().__init__(f"no tube {tube!r} at {server}", similar)


class NobodyWatches(_TubeMissing):
    """A control message would wait on the tube for the next worker that starts, and kill that one."""

    def __init__(self, server: Server, tube: str, similar: Iterable[str]) -> None:
        super().__init__(f"no worker watches the tube {tube!r} at {server}", similar)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens, and how many seconds to wait for the connection and for each reply."""

    host: str = "127.0.0.1"
    port: int = 11300
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("the host of a server must not be empty")
        if not 0 < self.port < 2**16:
            raise ValueError(f"the port of a server is 1 to 65535, not {self.port}")
        if not 0 < self.timeout <= 3600:
            raise ValueError(f"the timeout is more than 0 and at most 3600 seconds, not {self.timeout}")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs are in each state."""

    ready: int
    urgent: int
    """Those of the ready jobs whose priority is below 1024."""
    reserved: int
    delayed: int
    buried: int
    total: int
    """Put since the server started, or for one tube since the tube came into being; most are gone again."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers there are, as connections: a worker that reserves on several counts as several.

    On one tube those that watch it, on a whole server those that ever reserved. As every new client watches
    `default` until it says otherwise, all clients that never did are counted there.
    """

    total: int
    available: int
    """Those that wait for a job."""
    busy: int
    """Those that do not: they run a job, here or for another tube that they watch."""


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """A whole server."""

    version: str
    uptime: int
    """Seconds since it started."""
    draining: bool
    """It takes no new jobs."""
    tubes: int
    connections: int
    """Open ones, with the one that asked."""
    producers: int
    """Connections that ever put a job."""
    workers: Workers
    jobs: Jobs
    max_job_size: int
    """Bytes of one body."""
    reported: dict[str, int | float | str]
    """All that the server said, under its own names."""


@dataclass(frozen=True, slots=True)
class TubeStatistics:
    """One tube. The connection that asked is not counted."""

    name: str
    workers: Workers
    jobs: Jobs
    using: int
    """Clients that put into this tube."""
    deletes: int
    """Jobs deleted since the tube came into being."""
    pauses: int
    """How often it was paused since then."""
    pause: int
    """Seconds for which it was paused, 0 when it is not."""
    pause_time_left: int
    """Seconds until it goes on, 0 when it is not paused."""


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


def statistics(server: Server) -> ServerStatistics:
    """The whole server."""
    with _conversation(server) as client:
        report = _plain(client.stats())
        return ServerStatistics(
            version=str(report["version"]),
            uptime=_count(report, "uptime"),
            draining=report.get("draining") == "true",
            tubes=_count(report, "current-tubes"),
            connections=_count(report, "current-connections"),
            producers=_count(report, "current-producers"),
            workers=_workers(_count(report, "current-workers"), _count(report, "current-waiting")),
            jobs=_jobs(report),
            max_job_size=_count(report, "max-job-size"),
            reported=report,
        )


def tubes(server: Server) -> list[TubeStatistics]:
    """Every tube, in the server's order."""
    with _conversation(server) as client:
        looks = (_look(client, name) for name in client.tubes())
        return [tube for tube in looks if tube is not None]


def tube_statistics(server: Server, tube: str) -> TubeStatistics:
    """One tube, which must exist."""
    _check_name(tube)
    with _conversation(server) as client:
        found = _look(client, tube)
        if found is None:
            raise NoSuchTube(server, tube, _similar(tube, client.tubes()))
        return found


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
    _check_name(tube)
    body = control(order, app_of(tube))
    if secrets is not None:
        body = secrets.sign(app_of(tube), body, time.time())
    with _conversation(server) as client:
        found = _look(client, tube)
        if found is None or not found.workers.total:
            raise NobodyWatches(server, tube, [] if found else _similar(tube, client.tubes()))
        client.use(tube)
        job = client.put(body, priority=0)
        return WorkerOrder(tube=tube, job=job, workers=found.workers, signed=secrets is not None)


def _check_name(tube: str) -> None:
    # greenstalk sends any ASCII: a name with a line end in it would be two commands.
    if not legal(tube):
        raise NotATubeName(tube)


def _similar(tube: str, names: list[str]) -> list[str]:
    from difflib import get_close_matches  # only on the way to an error

    relatives = (name for name in names if app_of(name) == app_of(tube))
    others = dict.fromkeys([*get_close_matches(tube, names), *relatives])
    return [name for name in others if name != tube][:3]


def _look(client: greenstalk.Client[bytes], tube: str) -> TubeStatistics | None:
    """The tube as it is now; None when it is gone (between the list and the look, for one)."""
    try:
        report = _plain(client.stats_tube(tube))
    except greenstalk.NotFoundError:
        return None
    ours = int(tube == greenstalk.DEFAULT_TUBE)  # every new connection uses and watches it: this one, too
    return TubeStatistics(
        name=tube,  # not the report's: there a tube "007" reads as a number
        workers=_workers(_count(report, "current-watching") - ours, _count(report, "current-waiting")),
        jobs=_jobs(report),
        using=_count(report, "current-using") - ours,
        deletes=_count(report, "cmd-delete"),
        pauses=_count(report, "cmd-pause-tube"),
        pause=_count(report, "pause"),
        pause_time_left=_count(report, "pause-time-left"),
    )


def _workers(total: int, waiting: int) -> Workers:
    return Workers(total=total, available=waiting, busy=total - waiting)


def _jobs(report: Mapping[str, object]) -> Jobs:
    states = ("ready", "urgent", "reserved", "delayed", "buried")
    return Jobs(
        **{state: _count(report, f"current-jobs-{state}") for state in states},
        total=_count(report, "total-jobs"),
    )


def _count(report: Mapping[str, object], key: str) -> int:
    value = report[key]
    if not isinstance(value, int):
        raise ValueError(f"{key} is {value!r}, not a number")
    return value


# Text even where it looks like a number:
_TEXTS = frozenset({"id", "version", "hostname", "os", "platform", "name"})
_DECIMALS = frozenset({"rusage-utime", "rusage-stime"})


def _plain(report: greenstalk.Stats | greenstalk.StatsTube) -> dict[str, int | float | str]:
    """The report with the types its keys call for; greenstalk goes by the looks of each value."""
    return {
        key: str(value) if key in _TEXTS else float(str(value)) if key in _DECIMALS else _int_or_str(value)
        for key, value in report.items()
    }


def _int_or_str(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)


def _connect(server: Server) -> socket.socket:
    try:
        connected = socket.create_connection((server.host, server.port), server.timeout)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA refuses
        raise NoServer(server, error) from error
    return PromptSocket(connected, server.timeout)


@contextmanager
def _conversation(server: Server) -> Iterator[greenstalk.Client[bytes]]:
    """A client for one operation; whatever goes wrong on the wire leaves as one error of the tree."""
    try:
        with _connect(server) as connected, greenstalk.Client(connected, encoding=None) as client:
            yield client
    except TimeoutError as error:
        raise ServerTooSlow(server) from error
    except OSError as error:
        raise ServerHungUp(server) from error
    except greenstalk.UnknownResponseError as error:
        raise NotBeanstalkd(server, b" ".join([error.status, *error.values])) from error
    except greenstalk.BeanstalkdError as error:
        raise RequestRefused(f"{server} refused: {_WORDS[type(error)]}") from error
    except (AssertionError, ValueError, LookupError, MemoryError) as error:
        # What greenstalk and the readers above make of an answer that only begins well: "OK 99999999999999".
        raise NotBeanstalkd(server, b"") from error


_WORDS = {error: word.decode() for word, error in greenstalk.ERROR_RESPONSES.items()}
