"""The app whose calls `benchmarks/calls.py` measures."""

import os
import socket
import time

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

import ayl
from ayl.contrib import sqlalchemy as ayl_sqlalchemy

ayl.configure(app="measured", version="1")

Sessions = sessionmaker(create_engine(os.environ.get("MEASURED_DATABASE", "sqlite://")))
ayl_sqlalchemy.bind(Sessions)

_clock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


class Work(ayl.Sendable):
    """Static methods that do nothing."""

    @staticmethod
    def nothing(number: int, text: str) -> None:
        """The empty call."""

    @staticmethod
    def tell(address: str) -> None:
        """Say when this call began: the monotonic clock is the same for all processes of a machine."""
        _clock.sendto(b"%d" % time.monotonic_ns(), address)


class Base(DeclarativeBase):
    """The tables."""


class Row(Base, ayl.Sendable):
    """An instance that has to be found in a database for each call."""

    __tablename__ = "row"

    id: Mapped[int] = mapped_column(primary_key=True)

    def nothing(self, number: int, text: str) -> None:
        """The empty call."""
