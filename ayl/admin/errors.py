"""What can go wrong with an operation on a server.

AdminError
├── ServerUnavailable   look after the server: nothing was done, or nobody can say what
│   ├── NoServer        ... nothing listens there, or there is no such host
│   ├── ServerTooSlow   ... connected, but a reply did not come in time
│   ├── ServerHungUp    ... connected, but the other side closed the connection
│   └── NotBeanstalkd   ... something else answers there
└── RequestRefused      the server is well: look at what was asked of it
    ├── NotATubeName    ... no tube can have this name
    ├── NoSuchTube      ... the tube does not exist (any more)
    ├── NobodyWatches   ... no worker is there to obey
    ├── TooFewWatch     ... or not so many
    ├── NoSuchJob       ... the job does not exist (any more)
    └── JobInOtherState ... it does, but what was asked cannot be done with it as it is
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl.errors import AylError
from ayl.tubes import RULE, is_wild

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ayl.admin.server import Server


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
        none = "no tube matches" if is_wild(tube) else "no tube"
        super().__init__(f"{none} {tube!r} at {server}", similar)


class NobodyWatches(_TubeMissing):
    """A control message would wait on the tube for the next worker that starts, and kill that one."""

    def __init__(self, server: Server, tube: str, similar: Iterable[str]) -> None:
        which = "a tube that matches" if is_wild(tube) else "the tube"
        super().__init__(f"no worker watches {which} {tube!r} at {server}", similar)


class TooFewWatch(RequestRefused):
    """As NobodyWatches, for some of several control messages."""

    def __init__(self, server: Server, tube: str, workers: int) -> None:
        super().__init__(f"only {workers} connections of workers watch the tube {tube!r} at {server}")


class NoSuchJob(RequestRefused):
    """Ids begin anew with a server that keeps no binlog, and the job of this one may be done."""

    def __init__(self, server: Server, job: int) -> None:
        super().__init__(f"no job {job} at {server}")


class JobInOtherState(RequestRefused):
    """A worker has it, for one, and nobody takes it away from there."""

    def __init__(self, job: int, state: str, wanted: str) -> None:
        super().__init__(f"job {job} is {state}: {wanted}")
