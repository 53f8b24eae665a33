"""A process that sends until it is told to stop, and notes in its diary what it was told.

`python -m tests.outages.sender NAME URL SPOOL POLICY DIARY`. Each line of the diary is written at once, so that it is
there however the process ends:

    put N          so many puts are about to be written to a server
    answered N     so many of them were answered
    taken ID N S   the call N was accepted; the send took S seconds
    refused N S    it was not
    made ID        a call was made here
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from typing import Any

import ayl
from ayl.engines.client import Client
from ayl.errors import NotSubmitted
from tests.processes.diary import Diary

APP, VERSION = "outages", "1"
SEND_TIMEOUT = 1.0
"""Seconds."""
PAUSE = 0.002
"""Seconds between two sends."""


def count_puts(diary: Diary) -> None:
    """From now on each write of puts is noted, and how many of them were answered."""
    many, one = Client.put_many, Client.put_one

    def put_many(self: Client, submissions: Any, outcomes: list[Any], *more: Any) -> None:
        before = len(outcomes)
        diary.write("put", len(submissions))
        try:
            many(self, submissions, outcomes, *more)
        finally:
            diary.write("answered", len(outcomes) - before)

    def put_one(self: Client, submission: Any) -> Any:
        if submission.tube != self._used:
            return one(self, submission)  # which is a put_many
        answered = 0
        diary.write("put", 1)
        try:
            outcome = one(self, submission)
            answered = 1
        finally:
            diary.write("answered", answered)
        return outcome

    Client.put_many = put_many  # type: ignore[method-assign] # in this process only
    Client.put_one = put_one  # type: ignore[method-assign] # likewise


def main(name: str, url: str, spool: str, policy: Any, path: str) -> None:
    """Send as fast as a busy application does, and look at the clock for each call."""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} {policy}: %(message)s")
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    diary = Diary(path)
    count_puts(diary)
    ayl.configure(
        app=APP, version=VERSION, engine=url, spool=spool, timeout=SEND_TIMEOUT, send_timeout=SEND_TIMEOUT,
        unreachable=policy, probe_interval=1.0,
    )  # fmt: skip

    @ayl.task("outages.note")
    def note(sender: str, number: int) -> None:
        diary.write("made", sender, number)

    number = 0
    while not stopped:
        number += 1
        begun = time.perf_counter()
        try:
            ayl.send(note, name, number)
        except NotSubmitted:
            diary.write("refused", number, f"{time.perf_counter() - begun:.6f}")
        else:
            diary.write("taken", number, f"{time.perf_counter() - begun:.6f}")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
