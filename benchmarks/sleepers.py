"""Calls that do nothing, and calls that sleep."""

import os
import time

import ayl

TUBE = "sleepers/1"

ayl.configure(app="sleepers", version="1", engine=os.environ["SLEEPERS_SERVER"])


@ayl.task("nothing")
def nothing(number: int, text: str) -> None:
    """As quick as a call can be."""


@ayl.task("sleep")
def sleep(seconds: float) -> None:
    """In a thread."""
    time.sleep(seconds)


@ayl.task("doze")
async def doze(seconds: float) -> None:
    """On the event loop."""
    import asyncio  # which a worker that makes no such call need not have

    await asyncio.sleep(seconds)
