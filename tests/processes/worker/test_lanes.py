"""A worker that is given tubes with `*` takes from all that match, also from those that come later; and one that is to
prefer some does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually

from .app import chores
from .test_several_servers import waiting as waiting_at
from .ways import each_way
from .workshop import IMPATIENT

if TYPE_CHECKING:
    from .workshop import Workshop

SLOTS = each_way("words", {"thread": (), "processes": ("--processes", "2"), "coroutines": ("--coroutines", "2")})


@SLOTS
def test_lanes_that_are_there_and_those_that_come_later_are_served(workshop: Workshop, words: tuple[str, ...]) -> None:
    before = ayl.opts(lane="before").send(chores.note, workshop.folder, "before")
    other = ayl.send(chores.note, workshop.folder, "not-a-lane")
    senders = workshop.client.stats_tube("default")["current-watching"]
    supervisor = workshop.workers("--tube", f"{workshop.tube}/*", *IMPATIENT, *words)
    workshop.await_gone(before.job_id)
    later = ayl.opts(lane="later").send(chores.note, workshop.folder, "later")
    workshop.await_gone(later.job_id)
    assert workshop.job(other.job_id)["reserves"] == 0
    assert supervisor.logs(r"takes jobs from \S+/\*$")
    assert workshop.client.stats_tube("default")["current-watching"] == senders


# By the names of lanes


@SLOTS
def test_lanes_can_be_named_without_the_app_and_its_version(workshop: Workshop, words: tuple[str, ...]) -> None:
    supervisor = workshop.workers("--lane", "mail", "--lane", "default", *words)
    assert supervisor.logs(rf"takes jobs from {workshop.tube}/mail, {workshop.tube}$")
    sent = [ayl.opts(lane=lane).send(chores.note, workshop.folder, f"from-{lane}") for lane in ("mail", "default", "")]
    other = ayl.opts(lane="pdf").send(chores.note, workshop.folder, "other")
    workshop.await_gone(*(handle.job_id for handle in sent))
    assert workshop.job(other.job_id)["reserves"] == 0


def test_an_asterisk_is_all_lanes_and_the_apps_own_tube(workshop: Workshop) -> None:
    supervisor = workshop.workers("--lane", "*", *IMPATIENT)
    assert supervisor.logs(rf"takes jobs from {workshop.tube}, {workshop.tube}/\*$")
    sent = [ayl.opts(lane=lane).send(chores.note, workshop.folder, f"from-{lane}") for lane in ("mail", "later", "")]
    workshop.await_gone(*(handle.job_id for handle in sent))


def test_a_lane_is_one_of_the_version_that_the_app_says_when_it_is_loaded(our_workshop: Workshop) -> None:
    (our_workshop.folder / "says.py").write_text("import ayl\nayl.configure(version='7.0')\n")
    supervisor = our_workshop.command(
        *("-c", "says", "--lane", "mail", "--lane", "default"),
        AYL_APP="chores",
        AYL_VERSION="6.0",
        AYL_ENGINE=our_workshop.server.url,
    )
    supervisor.awaits("takes jobs from chores/7.0/mail, chores/7.0$")


def test_lanes_have_shares_and_an_order_as_tubes_have(workshop: Workshop) -> None:
    low, high = notes(workshop, "default", 20, priority=0), notes(workshop, "high", 20)
    strict = workshop.workers("--lane", "high", "--lane", "*", "--strict", "--burst", *IMPATIENT)
    assert strict.wait() == 0
    assert workshop.words() == [*high, *low]
    for lane in ("pdf", "default"):
        for number in range(40):
            ayl.opts(lane=lane).send(chores.sleep_on, workshop.folder, f"{lane}-{number}", 0.005)
    workshop.workers("--lane", "default=3", "--lane", "*")
    eventually(lambda: len(workshop.words()) == 120, workshop.told)
    first = [word for word in workshop.words()[40:80] if word.startswith("default")]
    assert 28 <= len(first) <= 32


def test_lanes_can_be_given_by_the_environment(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(AYL_WORKER_LANE="mail=3 default=1")
    assert supervisor.logs(rf"takes jobs from {our_workshop.tube}/mail, {our_workshop.tube}$")


# An order, and shares

ONE_BY_ONE = each_way("words", {"thread": (), "coroutine": ("--threads", "0", "--coroutines", "1")})


def tubes(workshop: Workshop, *lanes: str) -> tuple[str, ...]:
    return tuple(word for lane in lanes for word in ("--tube", f"{workshop.tube}/{lane}"))


def notes(workshop: Workshop, lane: str, number: int, priority: int = 512) -> list[str]:
    """Send so many to a lane; what they write."""
    words = [f"{lane}-{each}" for each in range(number)]
    with ayl.batch():
        for word in words:
            ayl.opts(lane=lane, priority=priority).send(chores.note, workshop.folder, word)
    return words


@ONE_BY_ONE
def test_in_a_strict_order_a_lane_comes_before_those_behind_it_whatever_the_priorities(
    workshop: Workshop, words: tuple[str, ...]
) -> None:
    low, high = notes(workshop, "low", 100, priority=0), notes(workshop, "high", 100)
    workshop.workers(*tubes(workshop, "high", "low"), "--strict", *words)
    workshop.read(low[-1])
    assert workshop.words() == [*high, *low]


def test_what_comes_into_a_lane_that_goes_first_is_next(workshop: Workshop) -> None:
    ayl.opts(lane="low").send(chores.hold, workshop.folder, "held")
    low = notes(workshop, "low", 5)
    workshop.workers(*tubes(workshop, "high", "low"), "--strict")
    workshop.read("held-begins")
    high = notes(workshop, "high", 5)
    workshop.let_go("held")
    workshop.read(low[-1])
    assert workshop.words() == ["held-begins", "held-ends", *high, *low]


@each_way("words", {"thread": (), "threads": ("--threads", "3"), "coroutines": ("--threads", "0", "--coroutines", "3")})
def test_of_each_four_jobs_three_are_of_a_lane_with_three_shares_while_both_have_any(
    workshop: Workshop, words: tuple[str, ...]
) -> None:
    for lane in ("pdf", "mail"):
        for number in range(40):
            ayl.opts(lane=lane).send(chores.sleep_on, workshop.folder, f"{lane}-{number}", 0.005)
    workshop.workers(*tubes(workshop, "mail=3", "pdf"), *words)
    eventually(lambda: len(workshop.words()) == 80, workshop.told)
    first = [word for word in workshop.words()[:40] if word.startswith("mail")]
    assert 28 <= len(first) <= 32


def test_short_calls_are_shared_out_as_well(workshop: Workshop) -> None:
    for lane in ("pdf", "mail"):
        notes(workshop, lane, 500)
    workshop.workers(*tubes(workshop, "mail=3", "pdf=1"))
    eventually(lambda: len(workshop.words()) >= 400, workshop.told)
    first = [word for word in workshop.words()[:400] if word.startswith("mail")]
    assert 270 <= len(first) <= 330


@pytest.mark.parametrize("how", [("high", "low", "--strict"), ("high=3", "low=1")], ids=["strict", "shares"])
def test_a_worker_that_has_nothing_to_do_waits_for_all_lanes_at_once(workshop: Workshop, how: tuple[str, ...]) -> None:
    workshop.workers(*tubes(workshop, *how[:2]), *how[2:])

    def waiting() -> list[int]:
        return [waiting_at(workshop.server, f"{workshop.tube}/{lane}") for lane in ("high", "low")]

    for lane in ("low", "high", "low", "low"):
        eventually(lambda: waiting() == [1, 1], workshop.told)
        before = workshop.client.stats()["cmd-reserve-with-timeout"]
        (word,) = notes(workshop, lane, 1)
        workshop.read(word)
        (workshop.folder / "diary").unlink()
        eventually(lambda: waiting() == [1, 1], workshop.told)
        assert workshop.client.stats()["cmd-reserve-with-timeout"] - before <= 3, "each lane once, and then it waits"


def test_lanes_with_wildcards_have_their_place_too_and_none_has_the_tube_of_another(workshop: Workshop) -> None:
    sent = [*notes(workshop, "mail", 10), *notes(workshop, "pdf", 10)]
    urgent = notes(workshop, "urgent", 10)
    workshop.workers(*tubes(workshop, "urgent", "*"), "--strict", *IMPATIENT)
    eventually(lambda: len(workshop.words()) == 30, workshop.told)
    assert workshop.words()[:10] == urgent
    assert sorted(workshop.words()[10:]) == sorted(sent)
    later = notes(workshop, "later", 1)
    workshop.read(later[0])


def test_a_burst_ends_when_all_lanes_are_empty(workshop: Workshop) -> None:
    low, high = notes(workshop, "low", 20), notes(workshop, "high", 20)
    supervisor = workshop.workers(*tubes(workshop, "high", "low"), "--strict", "--burst")
    assert supervisor.wait() == 0
    assert workshop.words() == [*high, *low]
