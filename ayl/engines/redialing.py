"""Connects in the background, so that nobody waits for a server that is dead."""

import threading
from collections.abc import Callable

from ayl.engines.client import TROUBLE, Client

RECONNECT_SECONDS = 1.0
"""Between two tries to reach a server that does not answer."""


class Redial:
    """Tries until there is a connection, or until it is called off."""

    def __init__(self, connect: Callable[[], Client], ring: Callable[[], object]) -> None:
        """`connect` raises one of TROUBLE. `ring` is called, from another thread, whenever there is news."""
        self._connect = connect
        self._ring = ring
        self._off = threading.Event()
        self._lock = threading.Lock()
        self._client: Client | None = None
        self.error: Exception | None = None
        """Why the latest try came to nothing."""
        threading.Thread(target=self._try, name="ayl redials", daemon=True).start()

    def collect(self) -> Client | None:
        """The connection, once there is one; it belongs to the caller then."""
        with self._lock:
            client, self._client = self._client, None
            return client

    def call_off(self) -> None:
        """Try no more, and do not ring again."""
        with self._lock:
            self._off.set()
            if self._client is not None:
                self._client.close()
                self._client = None

    def _try(self) -> None:
        while not self._off.is_set():
            try:
                client, error = self._connect(), None
            except TROUBLE as trouble:
                client, error = None, trouble
            with self._lock:
                if self._off.is_set():
                    if client is not None:
                        client.close()
                    return
                self._client, self.error = client, error
                self._ring()
            if client is not None:
                return
            self._off.wait(RECONNECT_SECONDS)
