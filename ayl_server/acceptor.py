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
from ayl_server.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS, reason_of

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The system has no room for another connection; those that are open go on."""

THEIR_OWN = frozenset({
    errno.ECONNABORTED, errno.EPROTO, errno.ENOPROTOOPT, errno.ENETDOWN, errno.ENETUNREACH, errno.ENONET,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.EPERM,
})  # fmt: skip
"""What Linux tells of a connection that is broken already, instead of giving it to us (accept(2))."""

HANDSHAKES_END_SECONDS = 0.5
"""How long a stopping server waits for those who are just coming in; only a slow handshake takes so long."""

CROWD = 16
"""How often in a row there must have been somebody before two are expected at once."""

MORE = 5
"""How often that number is doubled then, at most."""

RETRY_SECONDS = 1.0
"""After the system refused us another connection, unless one of ours ends before."""


class Acceptor:
    """A server's listening sockets, and how many clients may be connected at once."""

    def __init__(self, server: Server, logbook: Logbook, limit: int) -> None:
        self.limit = limit
        self._server = server
        self._loop = server.loop
        self._logbook = logbook
        self._listening: dict[socket.socket, ssl.SSLContext | None] = {}
        self._open = False
        self._closed = False
        self._accepted: set[socket.socket] = set()
        self._handshakes: dict[asyncio.Task[Any], socket.socket] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._streak = 0
        """How often in a row as many came in as were expected."""

    def add(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Let in who comes to that socket, from the next `open` on."""
        listening.setblocking(False)
        self._listening[listening] = tls

    def open(self) -> None:
        if not (self._open or self._closed):
            self._open = True
            for listening, tls in self._listening.items():
                self._loop.add_reader(listening, self._accept, listening, tls)

    async def close(self) -> None:
        """Let in nobody any more. Who waits in the kernel is told so by it; who is just coming in still does."""
        self._shut()
        self._closed = True
        for listening in self._listening:
            listening.close()
        if self._handshakes:
            await asyncio.wait(self._handshakes, timeout=HANDSHAKES_END_SECONDS)
        for handshake in self._handshakes:
            handshake.cancel()

    def _shut(self) -> None:
        if self._open:
            self._open = False
            for listening in self._listening:
                self._loop.remove_reader(listening)

    def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Somebody wants to connect."""
        if len(self._accepted) >= self.limit:
            self._shut()
            self._logbook.now_and_then(
                "connection_limit",
                f"{_clients(self.limit)} connected, further ones must wait; raise --max-connections or the limit of"
                " open files (ulimit -n, LimitNOFILE=)",
                connections=self.limit,
            )
            return
        for _ in range(min(self._expected(), self.limit - len(self._accepted))):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError):
                self._streak = 0
                return
            except OSError as error:
                if error.errno in THEIR_OWN:
                    continue
                self._back_off(error)
                return
            self._connect(accepted, tls)
        self._streak = min(self._streak + 1, CROWD + MORE)

    def _expected(self) -> int:
        """How many to let in now. Mostly they come one by one, and to look in vain for another one is a third of the
        cost; but where it was never in vain, there may be a crowd.
        """
        return 1 if self._streak < CROWD else 2 << (self._streak - CROWD)

    def _back_off(self, error: OSError) -> None:
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

    def _connect(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._accepted.add(accepted)
        times: dict[str, Any] = {}
        if tls is not None:
            times = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}
        gone = partial(self._is_gone, accepted)
        connecting = self._loop.connect_accepted_socket(partial(Client, self._server, gone), accepted, ssl=tls, **times)
        handshake = self._loop.create_task(connecting)
        self._handshakes[handshake] = accepted
        handshake.add_done_callback(self._handshake_over)

    def _handshake_over(self, handshake: "asyncio.Task[Any]") -> None:
        accepted = self._handshakes.pop(handshake)
        error = None if handshake.cancelled() else handshake.exception()
        if error is not None:
            self._tell_of_refusal(error)
        if error is not None or handshake.cancelled():
            accepted.close()
            self._is_gone(accepted)

    def _tell_of_refusal(self, error: BaseException) -> None:
        """A client that did not come in. Those that only knocked (health checks, scanners) are not worth a line."""
        if isinstance(error, ssl.SSLError):
            reason = reason_of(error)
        elif isinstance(error, ConnectionAbortedError):
            reason = "it took too long to shake hands"
        elif isinstance(error, OSError):
            return
        else:
            self._logbook.defect("a client could not be let in", error)
            return
        self._logbook.now_and_then("tls_refused", f"a client was not let in: {reason}", reason=reason)

    def _is_gone(self, accepted: socket.socket) -> None:
        self._accepted.discard(accepted)
        if not self._open:
            # Not at once: its descriptor is still in use.
            self._loop.call_soon(self.open)


def _clients(number: int) -> str:
    return "1 client is" if number == 1 else f"{number} clients are"
