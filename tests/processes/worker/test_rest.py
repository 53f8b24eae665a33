"""`put_sleep_job`: a call that keeps a worker busy, whatever its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ayl import admin
from ayl.signing import Key, KeyRing

if TYPE_CHECKING:
    from .workshop import Workshop

SECRET = b"correct-horse-battery"


@pytest.mark.parametrize("slots", [(), ("--coroutines", "2"), ("--processes", "2")], ids=str)
def test_a_worker_sleeps_and_goes_on(our_workshop: Workshop, slots: tuple[str, ...]) -> None:
    supervisor = our_workshop.workers(*slots, "--log-level", "debug", AYL_SECRETS=f"a:{SECRET.decode()}")
    keys = KeyRing([Key("a", SECRET)])
    put = admin.put_sleep(our_workshop.address, our_workshop.tube, 1, keys)
    supervisor.awaits(r"ayl\.sleep\(1\) done in 1\.\d+ s")
    assert our_workshop.gone(put.job)
