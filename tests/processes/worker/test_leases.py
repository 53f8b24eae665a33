"""A call whose lease is lost without its worker's knowledge: another may make it meanwhile, and nobody stumbles.

A worker ends a call before that happens. Not so here: the messages tell of more time than their jobs have.
With our server alone: Debian's beanstalkd forgets, about once in four times, that a lease has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl
from tests.processes.servers import Kind, serving

from .app import chores
from .test_lost_server import restarted
from .workshop import Workshop, message

if TYPE_CHECKING:
    from pathlib import Path


def misled(workshop: Workshop, chore: str, word: str) -> int:
    """A job of a second, whose message says that it has a minute."""
    folder = {"$t": ["Path", str(workshop.folder)]}
    return workshop.client.put(message(do=chore, args=[folder, word], time_to_run=60), ttr=1)


def test_a_call_that_overran_its_time_to_run_is_not_settled_twice(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers(workers=4)
    workshop.await_waiting(4)
    chosen = {"well": "chores.hold_first", "badly": "chores.fail_late"}
    sent = [misled(workshop, chore, word) for word, chore in chosen.items()]
    slow = {word: workshop.read(f"{word}-begins").pid for word in chosen}
    for word in chosen:
        assert workshop.read(f"{word}-again").pid not in slow.values()
    workshop.await_gone(*sent)

    # Another worker has done both jobs by now; those that were first have yet to notice.
    for word in chosen:
        workshop.let_go(word)
        assert workshop.read(f"{word}-ends").pid == slow[word]
    supervisor.awaits("the job was no longer ours", 2)
    assert sorted(workshop.words()) == sorted(
        f"{word}-{what}" for word in chosen for what in ("begins", "again", "ends")
    )
    assert len(supervisor.logs("^ValueError: too late$")) == 1
    counts = workshop.client.stats_tube(workshop.tube)
    assert (counts["cmd-delete"], counts["current-jobs-delayed"], counts["current-jobs-buried"]) == (2, 0, 0)

    workshop.await_waiting(4)
    assert len(supervisor.started()) == 4


def test_a_job_that_an_operator_deletes_or_a_timeout_takes_is_no_harm_to_its_worker(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    sent = misled(our_workshop, "chores.hold", "long")
    our_workshop.read("long-begins")
    our_workshop.await_state(sent, "ready")
    our_workshop.client.delete(sent)
    our_workshop.let_go("long")
    supervisor.awaits("the job was no longer ours")
    after = ayl.send(chores.note, our_workshop.folder, "after")
    our_workshop.await_gone(after.job_id)
    assert {entry.pid for entry in our_workshop.diary()} == set(supervisor.started())


def test_a_call_that_outlives_its_server_does_not_settle_the_job_that_has_its_number_now(
    kind: Kind, tmp_path: Path
) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers()
            old = ayl.send(chores.hold, tmp_path, "old")
            workshop.read("old-begins")
            server.kill()
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                new = ayl.send(chores.note, tmp_path, "new")
                assert new.job_id == old.job_id
                workshop.let_go("old")
                workshop.read("new")
                workshop.await_gone(new.job_id)
                assert workshop.words() == ["old-begins", "old-ends", "new"]
                assert supervisor.logs("trying again|no longer ours")
        finally:
            workshop.close()


def test_a_call_that_is_kept_alive_ends_when_its_server_is_gone(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers()
            ayl.opts(time_to_run=3, keep_alive=True).send(chores.hold, tmp_path, "long")
            workshop.read("long-begins")
            server.kill()
            supervisor.awaits("TimeToRunExceeded: its lease is lost")
            assert workshop.words() == ["long-begins"]
        finally:
            workshop.close()
