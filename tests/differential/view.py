"""What somebody knows who follows the conversation with beanstalkd: enough to say something sensible next.

This is no model of the server. It believes every reply, and learns from replies only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .commands import JOB, Command

if TYPE_CHECKING:
    from .replies import Reply

NOBODYS = 10**15
"""Added to a put's number: the id of a job that never was."""

READY, DELAYED, BURIED, HELD, GONE = "ready", "delayed", "buried", "held", "gone"


ANOTHER = Command(b"")
"""What further replies to a command belong to."""


@dataclass
class JobSeen:
    """A job that was put, as far as replies tell. Kicked jobs and those of who went are believed to be ready."""

    id: int
    state: str
    holder: str = ""


@dataclass
class Party:
    """One client of both servers."""

    watching: set[bytes] = field(default_factory=lambda: {b"default"})
    pending: deque[Command] = field(default_factory=deque)
    """Said (or begun to be said) and not yet answered."""
    unsent: bytes = b""
    """The rest of what it has begun to say."""
    half_closed: bool = False

    @property
    def may_wait(self) -> bool:
        return any(command.blocks for command in self.pending)

    @property
    def backlogged(self) -> bool:
        """Whether commands stand behind one that may wait."""
        return any(command.blocks for command in list(self.pending)[:-1])

    @property
    def may_watch(self) -> set[bytes]:
        return self.watching | {command.tube for command in self.pending if command.word == "watch"}


class View:
    """Everybody, and every job that was put."""

    def __init__(self) -> None:
        self.parties: dict[str, Party] = {}
        self.jobs: dict[int, JobSeen] = {}  # by the number of the put
        self.numbers: dict[int, int] = {}  # id -> number of the put
        self.last_id = 0

    # Before something is sent

    def written(self, commands: Sequence[Command]) -> bytes:
        """The bytes of some commands that are sent together, with ids where jobs are meant."""
        return b"".join(
            command.text.replace(JOB, b"%d" % self._id(command.job, commands), 1) if command.refers else command.text
            for command in commands
        )

    def _id(self, number: int, commands: Sequence[Command]) -> int:
        if (job := self.jobs.get(number)) is not None:
            return job.id
        # A job that is put in the same packet gets the next id. While somebody else is uploading, that one
        # would be the upload's, and 1.12 shows memory to whoever asks for a job whose body has not come.
        puts = [command.job for command in commands if command.word == "put"]
        if number in puts and not any(party.unsent for party in self.parties.values()):
            return self.last_id + 1 + puts.index(number)
        return NOBODYS + number

    # While things happen

    def connected(self, who: str) -> None:
        self.parties[who] = Party()

    def said(self, who: str, commands: Sequence[Command]) -> None:
        for command in commands:
            self.parties[who].pending += [command] + [ANOTHER] * (command.replies - 1)

    def heard(self, who: str, replies: Sequence[Reply]) -> str:
        """Each reply belongs to the earliest command that has none. Says what is wrong if there is no such command."""
        party = self.parties[who]
        for reply in replies:
            if not party.pending:
                return f"nobody has asked for {reply.line!r}"
            command = party.pending.popleft()
            if (learn := LESSONS.get(command.word)) is not None:
                learn(self, who, command, reply)
        return ""

    def gone(self, who: str) -> None:
        del self.parties[who]
        for job in self.jobs.values():
            if job.holder == who:
                job.state, job.holder = READY, ""

    def unexplained(self) -> Iterator[str]:
        """Who has asked for something that should be answered by now, and was not."""
        for who, party in self.parties.items():
            if party.pending and not party.unsent and not party.pending[0].blocks:
                yield who


Lesson = Callable[[View, str, Command, "Reply"], None]
"""What is learned from the reply to somebody's command."""


def _inserted(view: View, who: str, command: Command, reply: Reply) -> None:
    if reply.word == b"INSERTED":
        view.last_id = int(reply.line.split()[1])
        view.jobs[command.job] = JobSeen(view.last_id, DELAYED if command.later else READY)
        view.numbers[view.last_id] = command.job


def _reserved(view: View, who: str, command: Command, reply: Reply) -> None:
    if reply.word == b"RESERVED":
        number = view.numbers.get(int(reply.line.split()[1]), 0)
        _move(view, number, HELD, who)


def _settled(word: bytes, state: str) -> Lesson:
    def learn(view: View, who: str, command: Command, reply: Reply) -> None:
        if reply.line == word:
            _move(view, command.job, DELAYED if command.later else state)

    return learn


def _move(view: View, number: int, state: str, holder: str = "") -> None:
    if (job := view.jobs.get(number)) is not None:
        job.state, job.holder = state, holder


def _watching(view: View, who: str, command: Command, reply: Reply) -> None:
    if reply.word == b"WATCHING":
        view.parties[who].watching.add(command.tube)


def _ignoring(view: View, who: str, command: Command, reply: Reply) -> None:
    if reply.word == b"WATCHING":
        view.parties[who].watching.discard(command.tube)


LESSONS: dict[str, Lesson] = {
    "put": _inserted,
    "reserve": _reserved,
    "reserve-job": _reserved,
    "delete": _settled(b"DELETED", GONE),
    "release": _settled(b"RELEASED", READY),
    "bury": _settled(b"BURIED", BURIED),
    "kick-job": _settled(b"KICKED", READY),
    "watch": _watching,
    "ignore": _ignoring,
}
