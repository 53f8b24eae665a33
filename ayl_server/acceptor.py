"""Lets clients in as long as there is room for them; the others wait in the kernel, where they cost next to nothing.

The event loops can accept by themselves, but not stop: uvloop's takes in a client that there is no descriptor for and
drops it, asyncio's tries again each second.
"""

import asyncio
import errno
import socket
import ssl
from functools import partial
from typing import Any

from ayl_server.listener import Client, Server
from ayl_server.logbook import Logbook
from ayl_server.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The system has no room for another connection; those that are open go on."""

THEIR_OWN = frozenset({
    errno.ECONNABORTED, errno.EPROTO, errno.ENOPROTOOPT, errno.ENETDOWN, errno.ENETUNREACH, errno.ENONET,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.EPERM,
})  # fmt: skip
"""What Linux tells of a connection that is broken already, instead of giving it to us (accept(2))."""

GREETING_SECONDS = 0.5
"""How long a stopping server waits for those who are just coming in; only a slow handshake takes so long."""

CROWD = 16
"""How often in a row there must have been somebody before two are expected at once."""

MORE = 5
"""How often that number is doubled then, at most."""

RETRY_SECONDS = 1.0
"""After the system refused us another connection, unless one of ours ends before."""


class Acceptor:
    """The doors of a server: its listening sockets, and how many clients may be in at once."""

    def __init__(self, server: Server, logbook: Logbook, most: int) -> None:
        self.most = most
        self._server = server
        self._loop = server.loop
        self._logbook = logbook
        self._doors: dict[socket.socket, ssl.SSLContext | None] = {}
        self._open = False
        self._closed = False
        self._guests: set[socket.socket] = set()
        self._greetings: dict[asyncio.Task[Any], socket.socket] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._streak = 0
        """How often in a row as many came in as were expected."""

    def add(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Let in who comes to that socket, from the next `open` on."""
        listening.setblocking(False)
        self._doors[listening] = tls

    def open(self) -> None:
        if not (self._open or self._closed):
            self._open = True
            for door, tls in self._doors.items():
                self._loop.add_reader(door, self._let_in, door, tls)

    async def close(self) -> None:
        """Let in nobody any more. Who waits in the kernel is told so by it; who is just coming in still does."""
        self._shut()
        self._closed = True
        for door in self._doors:
            door.close()
        if self._greetings:
            await asyncio.wait(self._greetings, timeout=GREETING_SECONDS)
        for greeting in self._greetings:
            greeting.cancel()

    def _shut(self) -> None:
        if self._open:
            self._open = False
            for door in self._doors:
                self._loop.remove_reader(door)

    def _let_in(self, door: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Somebody is at the door."""
        if len(self._guests) >= self.most:
            self._shut()
            self._logbook.now_and_then(
                "connection_limit",
                f"{self.most} clients are connected, further ones must wait; raise --max-connections or the limit of"
                " open files (ulimit -n, LimitNOFILE=)",
                connections=self.most,
            )
            return
        for _ in range(min(self._expected(), self.most - len(self._guests))):
            try:
                guest, _ = door.accept()
            except (BlockingIOError, InterruptedError):
                self._streak = 0
                return
            except OSError as error:
                if error.errno in THEIR_OWN:
                    continue
                self._hold_on(error)
                return
            self._greet(guest, tls)
        self._streak = min(self._streak + 1, CROWD + MORE)

    def _expected(self) -> int:
        """How many to let in now. Mostly they come one by one, and to look in vain for another one is a third of the
        cost; but where it was never in vain, there may be a crowd.
        """
        return 1 if self._streak < CROWD else 2 << (self._streak - CROWD)

    def _hold_on(self, error: OSError) -> None:
        """The system refuses: try again when that can have changed, and not at once, for ever."""
        self._shut()
        self._logbook.now_and_then(
            "accept_failed",
            f"new clients must wait: {error.strerror}"
            + ("; raise the limit (ulimit -n, LimitNOFILE=)" if error.errno in EXHAUSTED else ""),
            error=error.strerror,
        )
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.open()

    def _greet(self, guest: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._guests.add(guest)
        times: dict[str, Any] = {}
        if tls is not None:
            times = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}
        goes = partial(self._goes, guest)
        connecting = self._loop.connect_accepted_socket(partial(Client, self._server, goes), guest, ssl=tls, **times)
        greeting = self._loop.create_task(connecting)
        self._greetings[greeting] = guest
        greeting.add_done_callback(self._greeted)

    def _greeted(self, greeting: "asyncio.Task[Any]") -> None:
        guest = self._greetings.pop(greeting)
        error = None if greeting.cancelled() else greeting.exception()
        if error is not None:
            self._tell_of_refusal(error)
        if error is not None or greeting.cancelled():
            guest.close()
            self._goes(guest)

    def _tell_of_refusal(self, error: BaseException) -> None:
        """A client that did not come in. Those that only knocked (health checks, scanners) are not worth a line."""
        if isinstance(error, ssl.SSLError):
            reason = getattr(error, "verify_message", "") or (error.reason or str(error)).lower().replace("_", " ")
        elif isinstance(error, ConnectionAbortedError):
            reason = "it took too long to shake hands"
        elif isinstance(error, OSError):
            return
        else:
            self._logbook.defect("a client could not be let in", error)
            return
        self._logbook.now_and_then("tls_refused", f"a client was not let in: {reason}", reason=reason)

    def _goes(self, guest: socket.socket) -> None:
        self._guests.discard(guest)
        if not self._open:
            # Not at once: its descriptor is still in use.
            self._loop.call_soon(self.open)
