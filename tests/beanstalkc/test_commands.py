"""What each method answers, does silently or refuses, on both servers: as the library, and what came later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ayl.beanstalkc import CommandFailed, Connection, DeadlineSoon, Job, UnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.beanstalkc.conftest import Opener

GONE = 4_000_000_000
"""A job that no server of a test has had."""


def reserved(beanstalk: Connection[str], body: str = "work", **options: int) -> Job[str]:
    beanstalk.put(body, **options)
    job = beanstalk.reserve(timeout=0)
    assert job is not None
    assert job.body == body
    return job


def state(job: Job[str]) -> str:
    found: str = job.stats()["state"]
    return found


# -- putting and reserving --


def test_a_job_is_put_with_the_librarys_defaults(beanstalk: Connection[str]) -> None:
    jid = beanstalk.put("hey!")
    stats = beanstalk.stats_job(jid)
    assert (stats["pri"], stats["delay"], stats["ttr"]) == (2**31, 0, 120)
    assert type(jid) is int


def test_numbers_with_a_fraction_are_cut(beanstalk: Connection[str]) -> None:
    stats = beanstalk.stats_job(beanstalk.put("hey!", 7.9, 0.9, 30.9))  # type: ignore[arg-type] # as old programs did
    assert (stats["pri"], stats["delay"], stats["ttr"]) == (7, 0, 30)
    job = beanstalk.reserve(0.9)  # type: ignore[call-overload]
    assert job.body == "hey!"


def test_a_reserved_job_knows_its_connection(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk)
    assert job.conn is beanstalk
    assert job.reserved is True
    assert state(job) == "reserved"


def test_nothing_to_reserve_is_none(beanstalk: Connection[str]) -> None:
    assert beanstalk.reserve(0) is None


@pytest.mark.parametrize("options", [{"priority": -1}, {"priority": 2**32}, {"delay": -1}, {"ttr": -1}])
def test_a_number_that_is_none_is_refused_and_the_body_is_not_taken_for_commands(
    options: dict[str, int], beanstalk: Connection[str]
) -> None:
    jid = beanstalk.put("stays")
    with pytest.raises(UnexpectedResponse) as refused:
        beanstalk.put(f"delete {jid}", **options)
    assert refused.value.args == ("put", "BAD_FORMAT", [])
    assert beanstalk.peek(jid) is not None


def test_a_lease_that_is_nearly_over_is_told_where_nothing_else_is_ready(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk, ttr=1)
    with pytest.raises(DeadlineSoon, match="less than a second"):
        beanstalk.reserve()
    job.delete()


def test_a_job_is_reserved_by_its_id_whatever_its_state(beanstalk: Connection[str]) -> None:
    buried, delayed = reserved(beanstalk), beanstalk.put("later", delay=100)
    buried.bury()
    for jid in (buried.jid, delayed, beanstalk.put("now")):
        job = beanstalk.reserve_job(jid)
        assert job is not None
        assert job.reserved
        assert state(job) == "reserved"
        assert beanstalk.reserve_job(jid) is None, "it is reserved already"
    assert beanstalk.reserve_job(GONE) is None


@pytest.mark.parametrize("options", [{"priority": "1"}, {"delay": None}, {"ttr": b"1"}])
def test_what_is_no_number_at_all_is_a_type_error_and_nothing_is_sent(
    options: dict[str, Any], beanstalk: Connection[str]
) -> None:
    with pytest.raises(TypeError):
        beanstalk.put("work", **options)
    assert beanstalk.peek_ready() is None


# -- what a job does --


def test_a_job_that_is_not_reserved_here_is_silently_left_alone(beanstalk: Connection[str]) -> None:
    beanstalk.put("work", priority=5)
    job = beanstalk.peek_ready()
    assert job is not None
    assert job.reserved is False
    job.release(priority=1, delay=100)
    job.bury()
    job.touch()
    assert state(job) == "ready"
    assert job.stats()["pri"] == 5


@pytest.mark.parametrize("settle", [Job.release, Job.bury, Job.delete])
def test_a_job_is_settled_once_and_the_second_time_nothing_happens(
    settle: Callable[[Job[str]], None], beanstalk: Connection[str]
) -> None:
    job = reserved(beanstalk)
    settle(job)
    assert job.reserved is False
    job.release()
    job.bury()
    job.touch()


def test_a_job_can_be_deleted_that_is_not_reserved_but_only_once(beanstalk: Connection[str]) -> None:
    job = beanstalk.peek(beanstalk.put("work"))
    assert job is not None
    job.delete()
    with pytest.raises(CommandFailed) as failed:
        job.delete()
    assert failed.value.args == ("delete", "NOT_FOUND", [])


@pytest.mark.parametrize("parse_yaml", [True, False, len])
@pytest.mark.parametrize("settle", [Job.release, Job.bury])
def test_a_job_keeps_its_priority_unless_it_is_given_another(
    settle: Callable[..., None], parse_yaml: Any, opened: Opener, beanstalk: Connection[str]
) -> None:
    worker = opened(parse_yaml=parse_yaml)
    for given, kept in (({}, 42), ({"priority": 7}, 7), ({"priority": 0}, 0)):
        job = reserved(worker, priority=42)
        settle(job, **given)
        assert beanstalk.stats_job(job.jid)["pri"] == kept
        job.delete()


def test_a_job_is_released_with_a_delay(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk)
    job.release(delay=100)
    assert state(job) == "delayed"
    job.kick()
    assert state(job) == "ready"


def test_a_buried_job_is_kicked(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk)
    job.bury()
    assert state(job) == "buried"
    job.kick()
    assert state(job) == "ready"


def test_a_touch_begins_the_time_to_run_anew(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk, ttr=100)
    job.touch()
    assert job.reserved
    assert job.stats()["time-left"] >= 98


def test_the_connections_own_methods_default_to_the_librarys_priority(beanstalk: Connection[str]) -> None:
    job = reserved(beanstalk, priority=42)
    beanstalk.release(job.jid)
    assert job.stats()["pri"] == 2**31
    again = beanstalk.reserve(0)
    assert again is not None
    beanstalk.bury(again.jid, 9)
    assert job.stats()["pri"] == 9


FAILING: dict[str, Callable[[Connection[str]], object]] = {
    "stats-job": lambda beanstalk: beanstalk.stats_job(GONE),
    "stats-tube": lambda beanstalk: beanstalk.stats_tube("nobody-uses-it"),
    "pause-tube": lambda beanstalk: beanstalk.pause_tube("nobody-uses-it", 3),
    "delete": lambda beanstalk: beanstalk.delete(GONE),
    "release": lambda beanstalk: beanstalk.release(GONE),
    "bury": lambda beanstalk: beanstalk.bury(GONE),
    "touch": lambda beanstalk: beanstalk.touch(GONE),
    "kick-job": lambda beanstalk: beanstalk.kick_job(GONE),
}


@pytest.mark.parametrize("command", FAILING)
def test_what_is_gone_is_a_failed_command(command: str, beanstalk: Connection[str]) -> None:
    with pytest.raises(CommandFailed) as failed:
        FAILING[command](beanstalk)
    assert str(failed.value) == f"('{command}', 'NOT_FOUND', [])"


def test_a_job_that_was_lost_meanwhile_fails_and_stays_marked(opened: Opener) -> None:
    mine = reserved(opened())
    mine.conn.reconnect()
    job = opened().reserve(timeout=5)
    assert job is not None
    assert job.jid == mine.jid
    for command, settle in (("release", mine.release), ("bury", mine.bury), ("touch", mine.touch)):
        with pytest.raises(CommandFailed) as failed:
            settle()
        assert failed.value.args == (command, "NOT_FOUND", [])
    assert mine.reserved


# -- looking and kicking --


def test_peeks_show_the_next_of_each_state_or_none(beanstalk: Connection[str]) -> None:
    peeks = (beanstalk.peek_ready, beanstalk.peek_delayed, beanstalk.peek_buried)
    assert [peek() for peek in peeks] == [None, None, None]
    assert beanstalk.peek(GONE) is None
    reserved(beanstalk, "buried").bury()
    beanstalk.put("delayed", delay=100)
    beanstalk.put("ready")
    for peek, expected in zip(peeks, ("ready", "delayed", "buried"), strict=True):
        job = peek()
        assert job is not None
        assert (job.body, job.reserved, state(job)) == (expected, False, expected)


def test_a_kick_says_how_many(beanstalk: Connection[str]) -> None:
    for number in range(3):
        beanstalk.put(str(number), delay=100)
    assert beanstalk.kick() == 1
    assert beanstalk.kick(42) == 2
    assert beanstalk.kick(42) == 0


# -- tubes --


def test_a_connection_uses_and_watches_what_it_is_told(beanstalk: Connection[str], tube: str) -> None:
    assert beanstalk.use("other") == "other"
    assert beanstalk.using() == "other"
    assert beanstalk.watch("another") == 2
    assert beanstalk.watch("another") == 2
    assert beanstalk.watching() == [tube, "another"]
    assert {"default", "other", "another", tube} <= {*beanstalk.tubes()}


def test_ignoring_the_last_tube_is_silent(beanstalk: Connection[str], tube: str) -> None:
    assert beanstalk.ignore(tube) == 1
    assert beanstalk.watching() == [tube]
    assert beanstalk.ignore("never-watched") == 1


def test_a_paused_tube_gives_no_jobs_until_it_goes_on(beanstalk: Connection[str], tube: str) -> None:
    beanstalk.put("work")
    beanstalk.pause_tube(tube, 100)
    assert beanstalk.reserve(0) is None
    beanstalk.pause_tube(tube, 0)
    assert beanstalk.reserve(0) is not None


NAMELESS: dict[str, Callable[[Connection[str], str], object]] = {
    "use": Connection.use,
    "watch": Connection.watch,
    "ignore": Connection.ignore,
    "stats-tube": Connection.stats_tube,
    "pause-tube": lambda beanstalk, name: beanstalk.pause_tube(name, 1),
}


@pytest.mark.parametrize("name", ["two words", "", "-dash", "x" * 201, "x" * 1000, "Röhre", "a\r\ndelete 1", "nul\0"])
@pytest.mark.parametrize("command", NAMELESS)
def test_a_name_that_no_tube_can_have_is_unexpected_and_nothing_else_happens(
    command: str, name: str, beanstalk: Connection[str], tube: str
) -> None:
    with pytest.raises(UnexpectedResponse) as refused:
        NAMELESS[command](beanstalk, name)
    assert refused.value.args == (command, "BAD_FORMAT", [])
    assert (beanstalk.using(), beanstalk.watching()) == (tube, [tube])


def test_an_id_that_is_none_is_unexpected_and_the_connection_goes_on(beanstalk: Connection[str], tube: str) -> None:
    for jid in (-1, 2**64):
        with pytest.raises(UnexpectedResponse, match="BAD_FORMAT"):
            beanstalk.delete(jid)
    with pytest.raises(TypeError):
        beanstalk.delete("7")  # type: ignore[arg-type]
    assert beanstalk.using() == tube
