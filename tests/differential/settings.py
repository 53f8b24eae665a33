"""What a seed decides before anything happens."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.processes.servers import AYL_SERVER, BEANSTALKD, ON_ASYNCIO, Kind

TUBES = (b"a", b"b", b"+/;.$_()-Az09", b"123", b"true", b".inf", b"t" * 200)
"""Names that are odd but legal, to choose from; `default` is always there."""

BINLOG = "BINLOG"
"""Among the options, stands for a directory of the server's own."""


@dataclass(frozen=True)
class Contestant:
    """A server and how it is started."""

    kind: Kind
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join((self.kind.name, *self.options))


JUDGE = Contestant(BEANSTALKD)

OURS = (
    Contestant(AYL_SERVER),
    Contestant(ON_ASYNCIO),
    Contestant(AYL_SERVER, ("-b", BINLOG, "-f", "0", "-s", "4096")),
    Contestant(ON_ASYNCIO, ("-b", BINLOG, "-s", "65536")),
)
"""Our server as it may be run: clients must not be able to tell. The binlogs are small, to be compacted often."""


@dataclass(frozen=True)
class Settings:
    """Of one run."""

    ours: Contestant
    clients: tuple[str, ...]
    tubes: tuple[bytes, ...]
    max_body: int
    """What both servers are told with -z, bytes."""


def settings(seed: int) -> Settings:
    rng = random.Random(f"settings {seed}")  # noqa: S311 - repeatable, not secret
    return Settings(
        ours=OURS[seed % len(OURS)],
        clients=tuple("abcde"[: rng.randint(3, 5)]),
        tubes=(b"default", *rng.sample(TUBES, 3)),
        max_body=rng.choice((65535, 1000, 20)),
    )
