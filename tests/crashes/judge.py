"""Whether what a server has after a crash is what its clients may expect of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .world import DELAYED, READY, RESERVED, Known, Reserve, Span, World

if TYPE_CHECKING:
    from .observation import Observation, Seen
    from .owner import Owner

SLACK = 1.5
"""Seconds by which times may seem to differ: whole seconds are told, and a machine may be slow."""

SHOWN = 12
"""Differences told of one owner: enough to see what went wrong."""


def judge(owner: Owner, observation: Observation) -> list[str]:
    """The differences from the likeliest possible world; if there are none, that is what its owner knows from now."""
    found = observation.of(owner.tubes)
    best: list[str] | None = None
    doubtful_reserves = sum(isinstance(command, Reserve) for command, _ in owner.unanswered)
    for done, world in owner.possible():
        named, wrong = _name(world, found)
        wrong += differences(named, found, doubtful_reserves)
        wrong += _buried_order(named, owner.tubes, observation.first_buried)
        if not wrong:
            owner.world = after_restart(named, found)
            owner.unanswered = []
            return []
        if best is None or len(wrong) < len(best):
            best = [f"{owner.name}, {done}:", *wrong]
    return (best or [])[:SHOWN]


def _name(world: World, found: dict[int, Seen]) -> tuple[World, list[str]]:
    """Give jobs whose ids were never told those of the jobs that have their bodies."""
    named, wrong = world.copy(), []
    strangers = {seen.body: seen.id for seen in found.values() if seen.id not in world.jobs}
    for job in world.nameless:
        job_id = strangers.get(job.body)
        if job_id is None:
            wrong.append(f"a put of {job.body[:20]!r} was not done, but later commands were")
        else:
            named.change(replace(job, id=job_id))
    named.nameless = ()
    return named, wrong


def differences(world: World, found: dict[int, Seen], doubtful_reserves: int) -> list[str]:
    """Sentences, one for each fact that is not as it should be."""
    wrong = [f"job {job_id} is lost: {world.jobs[job_id].state}" for job_id in world.jobs.keys() - found.keys()]
    wrong += [f"job {job_id} should not be there: {found[job_id].facts}" for job_id in found.keys() - world.jobs.keys()]
    for job_id in world.jobs.keys() & found.keys():
        known, seen = world.jobs[job_id], found[job_id]
        wrong += [f"job {job_id}: {what}" for what in _of_one(known, seen, doubtful_reserves)]
    return wrong


def _of_one(known: Known, seen: Seen, doubtful_reserves: int) -> list[str]:
    wrong = []
    if known.body != seen.body:
        wrong.append(f"has the body {seen.body[:20]!r}, not {known.body[:20]!r}")
    if known.tube != seen.tube:
        wrong.append(f"is in {seen.tube!r}, not in {known.tube!r}")
    wrong += [
        f"{name} is {seen.number(name)}, not {getattr(known, name)}"
        for name in ("pri", "ttr", "delay", "releases", "buries", "kicks")
        if getattr(known, name) != seen.number(name)
    ]
    if not known.told_reserves <= seen.number("reserves") <= known.reserves + doubtful_reserves:
        wrong.append(f"was reserved {seen.number('reserves')} times, not {known.told_reserves} to {known.reserves}")
    if seen.number("timeouts"):
        wrong.append("has timed out")
    if not known.put.start <= seen.when.end - seen.number("age") + SLACK or (
        seen.when.start - seen.number("age") - SLACK > known.put.end
    ):
        wrong.append(f"is {seen.number('age')} s old")
    return wrong + _state(known, seen)


def _state(known: Known, seen: Seen) -> list[str]:
    if known.state != DELAYED:
        wanted = READY if known.state == RESERVED else known.state
        return [] if seen.state == wanted else [f"is {seen.state}, not {wanted}"]
    if seen.state == DELAYED:
        due = Span(seen.when.start + seen.number("time-left"), seen.when.end + seen.number("time-left") + 1)
        apart = due.start - SLACK > known.due.end or due.end + SLACK < known.due.start
        return [f"is due in {seen.number('time-left')} s"] if apart else []
    early = seen.when.end + SLACK < known.due.start
    return [f"is {seen.state} before its time"] if seen.state != READY or early else []


def _buried_order(world: World, tubes: list[bytes], first_buried: dict[bytes, int]) -> list[str]:
    wrong = []
    for tube in tubes:
        expected = world.buried(tube)
        if expected and first_buried.get(tube) != expected[0].id:
            wrong.append(f"job {expected[0].id} should be the first that is buried, not {first_buried.get(tube)}")
    return wrong


def after_restart(world: World, found: dict[int, Seen]) -> World:
    """Leases are over; how often a job was reserved is what the server remembers."""
    for job in list(world.jobs.values()):
        reserves = found[job.id].number("reserves")
        state = READY if job.state == RESERVED else job.state
        world.change(replace(job, state=state, reserves=reserves, told_reserves=reserves))
    return world
