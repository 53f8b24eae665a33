"""A socket whose peer has only so long for each whole reply."""

import socket
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class PromptSocket(socket.socket):
    """Takes over a connected socket; raises TimeoutError when a reply is not complete in time.

    A socket's own timeout starts anew with every byte: a peer that dribbles would hold its client for ever.
    greenstalk sends each command in one `sendall`, so there the clock starts.
    """

    def __init__(self, connected: socket.socket, patience: float) -> None:
        super().__init__(fileno=connected.detach())
        self.received = 0
        """Bytes, over the connection's whole life."""
        self._patience = patience
        self.restart()

    def restart(self) -> None:
        """A reply is expected from now on; for replies that may be long in coming and have just begun to."""
        self._deadline = monotonic() + self._patience
        self._first = True
        self.settimeout(self._patience)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self.restart()
        super().sendall(data, flags)

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        # Nearly every reply comes whole; the timeout that was set when it was asked for holds for its first part.
        if not self._first:
            left = self._deadline - monotonic()
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)
        self._first = False
        count = super().recv_into(buffer, nbytes, flags)
        self.received += count
        return count
