"""What no client should say: a table of bad manners, each a function that makes one.

Left out is what 1.12 is known to do otherwise than we want to (tests/server/transcripts has each of them):
- a CR inside a line, or two before the LF: 1.12 looks at the first CR of its buffer only;
- an over-long line whose CR and LF fall into two of 1.12's blocks of 224 bytes, which swallows the next line;
  so such a line is sent by itself, and its length is never 223 more than a multiple of 224;
- arguments of reserve-with-timeout that are no plain number below 2**31: 1.12 takes nonsense for 0 and what
  is negative for ever, 1.13 and ours refuse it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .commands import Command

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .settings import Settings

Commands = tuple[Command, ...]

OVERLONG = "overlong"

BLOCK = 224
"""The longest line, CR LF included, and 1.12's block."""

LINES = (
    b"", b" ", b"   ", b"\t", b"\n", b"\nstats", b"stats\nstats", b"\0", b"stats\0", b"quit\0", b"use a\0b",
    b"\xff\xfe\x80", b"PUT 0 0 1000 1", b"Stats", b"RESERVE", b"qui", b"QUIT", b" stats", b"\tstats", b"nonsense",
    b"GET / HTTP/1.1", b"put", b"put ", b"put 0", b"put 0 0 1000", b"put 0 0 1000 ", b"put 0 0 1000 x",
    b"put -1 0 1000 0", b"put 0 -1 1000 0", b"put 0 0 -1 0", b"put 0 0 1000 -1", b"put 4294967296 0 1000 0",
    b"put 0 4294967296 1000 0", b"put 0 0 4294967296 0", b"put 0 0 1000 4294967296", b"put 0 0 1000 0 ",
    b"put 0 0 1000 0 x", b"put 0 0 1000 0x0", b"put\t0 0 1000 0", b"put 0\t0 1000 0", b"put +0 0 1000 0",
    b"put 99999999999999999999999 0 1000 0", b"use", b"use ", b"use -a", b"use a b", b"use  a", b"use a ",
    b"use \xc3\xa9", b"use a@b", b"use " + b"n" * 201, b"usea", b"watch", b"watch ", b"watch -", b"watch a 1",
    b"watch " + b"n" * 201, b"ignore", b"ignore ", b'ignore "a"', b"reservex", b"reserve ", b"reserve 1",
    b"reserve-", b"reserve-mode weighted", b"reserve-with-timeout", b"reserve-job", b"reserve-job ",
    b"reserve-job x", b"reserve-job 1 ", b"reserve-job 18446744073709551616", b"delete", b"delete ", b"delete x",
    b"delete -1", b"delete 1 2", b"delete 18446744073709551616", b"delete 0x1", b"release", b"release ",
    b"release 1", b"release 1 0", b"release 1 0 0 0", b"release 1 4294967296 0", b"release 1 0 4294967296",
    b"release x 0 0", b"bury", b"bury ", b"bury 1", b"bury 1 4294967296", b"bury 1 0 0", b"touch", b"touch ",
    b"touch x", b"touch 1 1", b"kick", b"kick ", b"kick x", b"kick 18446744073709551616", b"kickx", b"kick-job",
    b"kick-job ", b"kick-job x", b"peek", b"peek ", b"peek x", b"peek 1x", b"peek-", b"peek-ready ", b"peek-readyx",
    b"peek-delayed 1", b"peek-buried\t", b"statsx", b"stats ", b"stats-", b"stats-job", b"stats-job ",
    b"stats-job x", b"stats-job 1 1", b"stats-tube", b"stats-tube ", b"stats-tube  default", b"stats-tube -",
    b"list", b"list-tubes ", b"list-tubesx", b"list-tube", b"list-tube-used ", b"list-tubes-watched 1",
    b"pause-tube", b"pause-tube ", b"pause-tube default", b"pause-tube default ", b"pause-tube default x",
    b"pause-tube default -1", b"pause-tube default 4294967296", b"pause-tube default 1000 ", b"pause-tube -x 1000",
    b"pause-tube " + b"n" * 201 + b" 1000", b"pause-tube default  1000 0", b"touch 18446744073709551615",
    b"delete 18446744073709551615", b"peek 0", b"kick 0", b"delete 00000000000000000000000000000000000000000000",
)  # fmt: skip
"""Each gets one reply."""


def line(rng: random.Random, settings: Settings) -> Commands:
    return (Command(rng.choice(LINES) + b"\r\n"),)


def noise(rng: random.Random, settings: Settings) -> Commands:
    """Bytes that happen to be no command; without what ends a line, and without what stands for a job."""
    text = bytes(rng.choice([byte for byte in range(256) if byte not in b"\r#"]) for _ in range(rng.randint(1, 222)))
    return (Command(b"!" + text[1:] + b"\r\n"),)


MUTILABLE = frozenset(
    {
        "reserve-job", "delete", "release", "bury", "touch", "kick", "kick-job", "peek", "peek-ready", "peek-delayed",
        "peek-buried", "stats", "stats-job", "stats-tube", "list-tubes", "list-tube-used", "list-tubes-watched", "use",
    }
)  # fmt: skip
"""Commands that stay harmless whatever is done to a byte of them: none can end the run's freedom from timers."""


def mutilated(rng: random.Random, command: Command) -> Command:
    """A command of which one byte was lost, doubled or replaced."""
    text = command.text.removesuffix(b"\r\n")
    place = rng.randrange(len(text))
    middle = rng.choice(
        (b"", text[place : place + 1] * 2, rng.choice((b" ", b"\t", b"0", b"-", b"\0", b"\xff", b"\n")))
    )
    return replace(command, text=text[:place] + middle + text[place + 1 :] + b"\r\n")


def put_without_end(rng: random.Random, settings: Settings) -> Commands:
    """As many bytes as announced and two more, which are not CR LF."""
    size = rng.choice((0, 1, 7, settings.max_body))
    return (Command(b"put 0 0 1000 %d\r\n" % size + b"e" * size + rng.choice((b"xx", b"\n\r", b"\0\0", b"\nx"))),)


def body_too_long(rng: random.Random, settings: Settings) -> Commands:
    """What is more than was announced is a line of its own. By two or more: what is left of one is half a line end."""
    size = rng.randint(0, 5)
    return (Command(b"put 0 0 1000 %d\r\n" % size + b"l" * (size + rng.randint(2, 9)) + b"\r\n", replies=2),)


def body_too_short(rng: random.Random, settings: Settings) -> Commands:
    """What is missing is taken from the next line, and what is left of that is a line."""
    size = rng.randint(1, 9)
    missing = rng.randint(1, size)
    text = b"put 0 0 1000 %d\r\n" % size + b"s" * (size - missing) + b"\r\n"
    return (Command(text + b"y" * (missing + rng.randint(0, 3)) + b"\r\n", replies=2),)


def too_big(rng: random.Random, settings: Settings) -> Commands:
    """Larger than allowed: all of it is swallowed, whatever it is. So it is if nonsense stands behind the size."""
    size = settings.max_body + rng.choice((1, 1, 2, 3, 100))
    body = (b"delete 1\r\n" * (size // 10 + 1))[:size]
    garbage = rng.choice((b"", b"", b" ", b"x", b" 1"))
    return (Command(b"put 0 0 1000 %d%b\r\n" % (size, garbage) + body + rng.choice((b"\r\n", b"xx"))),)


def bad_put_and_body(rng: random.Random, settings: Settings) -> Commands:
    """A put that makes no sense has no body: what was meant to be one is a command."""
    return Command(b"put 0 0 1000 10 x\r\n"), Command(b"list-tubes\r\n")


def overlong(rng: random.Random, settings: Settings) -> tuple[Commands, int | None]:
    """Must be sent by itself, and in two pieces at most: the size of the first one comes with it."""
    beginning = rng.choice((b"", b"use ", b"delete ", b"put 0 0 1000 ", b"stats ", b"quit "))
    length = rng.choice((224, 225, 300, 446, 448, 449, 670, 1000, rng.randint(224, 2000)))
    length += length % BLOCK == BLOCK - 1
    first = rng.randint(1, length) if rng.random() < 0.5 else None
    if first is not None and first >= BLOCK and (length - first) % BLOCK == BLOCK - 1:
        first = None  # 1.12's blocks would begin with the second piece
    return (Command(beginning + b"o" * (length - len(beginning)) + b"\r\n", OVERLONG),), first


IN_A_PACKET: tuple[Callable[[random.Random, Settings], Commands], ...] = (
    line, line, line, line, noise, put_without_end, body_too_long, body_too_short, too_big, bad_put_and_body,
)  # fmt: skip
"""What may stand between other commands; the commonest more than once."""
