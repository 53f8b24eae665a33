"""One client's commands and the others' turn, on a real loop with a transport that never has enough."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, cast

from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.listener import Client, Server
from ayl_server.model import ProcessFacts

COMMANDS = 30_000


class Swallower:
    """A transport whose other end reads as fast as we write."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.written: list[bytes] = []

    def get_extra_info(self, name: str) -> Any:
        return self.sock if name == "socket" else None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    @property
    def replies(self) -> int:
        return b"".join(self.written).count(b"\r\n")


def test_a_client_whose_replies_are_always_taken_lets_the_others_in_between() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        broker = Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"), started=time.monotonic())
        server = Server(loop, broker, Clocks(time.monotonic, time.time), say=lambda *_: None)
        with socket.socket(socket.AF_UNIX) as sock:
            transport, client = Swallower(sock), Client(server)
            client.connection_made(cast("asyncio.Transport", transport))
            client.data_received(b"peek 1\r\n" * COMMANDS)
            turns = 0
            while transport.replies < COMMANDS:
                assert transport.replies < COMMANDS * (turns + 1) / 5
                turns += 1
                await asyncio.sleep(0)
            server.hangups.close()
        assert turns >= 4

    asyncio.run(play())
