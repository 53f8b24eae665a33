"""Jobs, in one line each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ayl.admin.findings import many
from ayl.cli.output import visible

if TYPE_CHECKING:
    from ayl.admin.jobs import Job

LONGEST = 200
"""Characters of a body that is no call."""


def line(job: Job) -> str:
    """`#981 ready 0:03 Order.find(42).ship('ups')`: how long ago it was put, or how long until a delayed one
    is ready and a reserved one's lease ends.
    """
    words = [f"#{job.id}", job.state, clock(job.time_left if job.state in ("reserved", "delayed") else job.age)]
    if job.body is not None:
        words.append(job.body.call or abridged(job.body.text))
    return visible(" ".join(words))


def counted(jobs: int, state: str = "") -> str:
    """1 ready job, 1,234 jobs."""
    return many(jobs, f"{state} job".strip())


def moment(seconds: float) -> str:
    """Of seconds since 1970, in UTC, as the server's log has it; nothing for none."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}" if seconds else ""
    except (OverflowError, ValueError):
        return f"{seconds:.0f}"


def clock(seconds: int) -> str:
    """0:03, 12:00, 3:04:05, 2d 3:04:05."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def abridged(text: str) -> str:
    """Its beginning, if it is long."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
