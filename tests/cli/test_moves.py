"""Passing over the waiting jobs of a tube: `ayl.admin.moves`, on real servers."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import greenstalk
import pytest

from ayl import admin
from ayl.admin import leases, waiting
from ayl.admin.moves import LEASE_LOST, Moves, moves, unchanged
from ayl.admin.successors import NO_BURIAL, Successor

from .servers import KINDS, Kind, client, wait_until, waiting_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.admin import Server
    from ayl.admin.moves import Decide
    from ayl.admin.waiting import Waiting

_numbers = count()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@dataclass
class Tubes:
    """Two of a test's own."""

    server: Server
    old: str
    new: str
    first: int
    """Id of their jobs."""

    def put(self, *bodies: str, priority: int = 9, delay: int = 0, ttr: int = 60, bury: bool = False) -> list[int]:
        """Into the old one."""
        with client(self.server, use=self.old) as app:
            ids = [app.put(body.encode(), priority, delay, ttr) for body in bodies]
            for job in ids if bury else ():
                app.bury(app.reserve_job(job), priority)
        return ids

    def bury(self, *ids: int) -> None:
        """One behind the other."""
        with client(self.server) as app:
            for job in ids:
                app.bury(app.reserve_job(job))

    def eaten(self, state: str) -> list[str]:
        """What is in the new one, from the first to the last."""
        with client(self.server, use=self.new) as app:
            peek = {"ready": app.peek_ready, "buried": app.peek_buried}[state]
            found: list[str] = []
            with suppress(greenstalk.NotFoundError):
                while job := peek():
                    found.append(job.body.decode())
                    app.delete(job)
        return found

    def move(self, decide: Decide | None = None) -> Moves:
        """To the new one; what has become of the jobs in the end."""
        *_, last = moves(self.server, self.old, decide or unchanged(self.new))
        return last

    def jobs(self, tube: str) -> list[Job]:
        """All there are, by the order in which they were put."""
        with client(self.server) as app:
            found = []
            for number in range(self.first, newest(self.server)):
                with suppress(greenstalk.NotFoundError):
                    facts = app.stats_job(number)
                    if str(facts["tube"]) == tube:
                        body = app.peek(number).body.decode()
                        found.append(Job(body, facts["state"], facts["pri"], facts["time-left"], facts["ttr"]))
        return found

    def bodies(self, tube: str) -> list[str]:
        return [job.body for job in self.jobs(tube)]


@dataclass(order=True)
class Job:
    body: str
    state: str
    priority: int
    left: int
    ttr: int


@pytest.fixture
def tubes(server: Server) -> Tubes:
    number = next(_numbers)
    return Tubes(server, f"old/{number}", f"new/{number}", newest(server))


def newest(server: Server) -> int:
    """The id that was given last."""
    with client(server, use="newest") as app:
        job = app.put(b"")
        app.delete(job)
        return job


class TestWhatMoves:
    def test_priority_delay_time_to_run_and_state_are_kept(self, tubes: Tubes) -> None:
        tubes.put("ready", priority=1, ttr=11)
        tubes.put("delayed", priority=2, ttr=22, delay=600)
        tubes.put("buried", priority=3, ttr=33, bury=True)
        assert tubes.move() == Moves({"delayed": 1, "buried": 1, "ready": 1})
        assert sorted(tubes.jobs(tubes.new)) == [
            Job("buried", "buried", 3, 0, 33),
            Job("delayed", "delayed", 2, 599, 22),
            Job("ready", "ready", 1, 0, 11),
        ]
        assert tubes.jobs(tubes.old) == []

    def test_bodies_are_kept_byte_for_byte(self, tubes: Tubes) -> None:
        bodies = {bytes(range(256)), b"", b"\r\n", b'{"life":{"tries":2},"type":"ayl"}', b"x" * 65535}
        with client(tubes.server, use=tubes.old) as app:
            for body in bodies:
                app.put(body)
            tubes.move()
            app.watch(tubes.new)
            assert {app.reserve(0).body for _ in bodies} == bodies

    def test_buried_jobs_keep_their_order(self, tubes: Tubes) -> None:
        tubes.put("a", "b", "c", bury=True)
        with client(tubes.server, use=tubes.old) as app:
            app.bury(app.reserve_job(app.peek_buried().id))  # the first is the last now
            tubes.move()
            app.use(tubes.new)
            order: list[bytes] = []
            while len(order) < 3:
                order.append(app.peek_buried().body)
                app.delete(app.peek_buried())
        assert order == [b"b", b"c", b"a"]

    @pytest.mark.parametrize("moved_up", [{}, {500: 100}, {101: 100, 301: 300, 502: 500}, {599: 0, 598: 1}], ids=str)
    def test_so_do_many_be_it_that_of_their_ids_or_not(self, tubes: Tubes, moved_up: dict[int, int]) -> None:
        bodies = [f"{number}" for number in range(600)]
        ids = dict(zip(bodies, tubes.put(*bodies), strict=True))
        for old, new in moved_up.items():
            bodies.insert(new, bodies.pop(old))
        tubes.bury(*(ids[body] for body in bodies))
        assert tubes.move() == Moves({"buried": 600})
        assert tubes.eaten("buried") == bodies

    def test_so_do_those_of_no_order_at_all(self, tubes: Tubes) -> None:
        bodies = [f"{number}" for number in range(60)]
        ids = dict(zip(bodies, tubes.put(*bodies), strict=True))
        random.Random(6).shuffle(bodies)  # noqa: S311 - to be repeatable
        tubes.bury(*(ids[body] for body in bodies))
        tubes.move()
        assert tubes.eaten("buried") == bodies

    def test_so_do_ready_ones_of_a_paused_tube(self, tubes: Tubes) -> None:
        for number in range(100):
            tubes.put(f"{number}", priority=number % 3)
        with client(tubes.server) as app:
            app.pause_tube(tubes.old, 600)
        assert tubes.move().moved == {"ready": 100}
        assert tubes.eaten("ready") == [f"{number}" for rest in range(3) for number in range(100) if number % 3 == rest]

    def test_jobs_of_other_tubes_between_them_stay(self, tubes: Tubes) -> None:
        for number in range(50):
            tubes.put(f"{number}", delay=600 + 7 * number % 50)
            Tubes(tubes.server, "other", "", 0).put("x", delay=600)
            tubes.put(f"b{number}", bury=True)
        assert tubes.move() == Moves({"delayed": 50, "buried": 50})
        assert admin.tube_statistics(tubes.server, "other").jobs.delayed >= 50

    def test_a_delay_is_never_cut_short(self, tubes: Tubes) -> None:
        tubes.put("soon", delay=1)
        begun = time.monotonic()
        tubes.move()
        with client(tubes.server, watch=tubes.new) as app:
            assert app.reserve(5).body == b"soon"
        assert 0.99 < time.monotonic() - begun < 2.5

    def test_thousands_move_in_portions(self, tubes: Tubes) -> None:
        bodies = [f"{number}" for number in range(2000)]
        tubes.put(*bodies)
        steps = [*moves(tubes.server, tubes.old, unchanged(tubes.new))]
        assert steps[-1].moved == {"ready": 2000}
        assert len(steps) > 5
        with client(tubes.server, watch=tubes.new) as app:
            assert [app.reserve(0).body.decode() for _ in bodies] == bodies

    def test_ready_jobs_of_a_paused_tube_move_too(self, tubes: Tubes) -> None:
        tubes.put("a", "b")
        with client(tubes.server) as app:
            app.pause_tube(tubes.old, 600)
            assert tubes.move().moved == {"ready": 2}

    def test_what_a_worker_holds_is_left_to_it(self, tubes: Tubes) -> None:
        tubes.put("held", "free")
        with client(tubes.server, watch=tubes.old) as worker:
            held = worker.reserve(0)
            assert tubes.move().moved == {"ready": 1}
            worker.delete(held)

    def test_only_the_states_that_were_named(self, tubes: Tubes) -> None:
        tubes.put("ready")
        tubes.put("buried", bury=True)
        *_, last = moves(tubes.server, tubes.old, unchanged(tubes.new), states=("buried",))
        assert last.moved == {"buried": 1}
        assert tubes.bodies(tubes.old) == ["ready"]

    def test_a_tube_that_is_not_there_is_not_made(self, tubes: Tubes) -> None:
        with pytest.raises(admin.NoSuchTube):
            tubes.move()
        with client(tubes.server) as app:
            assert not {tubes.old, tubes.new} & {*app.tubes()}


class TestDecisions:
    """Who moves jobs says for each what takes its place, or why it stays."""

    def test_a_successor_may_be_another_and_is_counted_by_its_label(self, tubes: Tubes) -> None:
        tubes.put("a")

        def decide(job: Waiting) -> Successor:
            return Successor(tubes.new, job.body * 2, 1, 0, 2, buried=True, label="doubled")

        assert tubes.move(decide) == Moves({"doubled": 1})
        assert tubes.jobs(tubes.new) == [Job("aa", "buried", 1, 0, 2)]

    def test_what_stays_is_as_before(self, tubes: Tubes) -> None:
        tubes.put("a", "b", priority=4)
        tubes.put("c", "d", delay=600)
        tubes.put("e", "f", bury=True)
        before = tubes.jobs(tubes.old)
        assert tubes.move(lambda _: "no") == Moves(stayed={"no": 6})
        after = tubes.jobs(tubes.old)
        assert [(job.body, job.state, job.priority) for job in after] == [
            (job.body, job.state, job.priority) for job in before
        ]
        assert all(abs(job.left - other.left) <= 1 for job, other in zip(after, before, strict=True))

    def test_what_is_behind_one_that_stays_moves(self, tubes: Tubes) -> None:
        for state in ({}, {"delay": 600}, {"bury": True}):
            tubes.put("stay", "go", "stay", "go", **state)

        def decide(job: Waiting) -> Successor | str:
            return "no" if job.body == b"stay" else unchanged(tubes.new)(job)

        assert tubes.move(decide) == Moves({"ready": 2, "delayed": 2, "buried": 2}, {"no": 6})
        assert tubes.bodies(tubes.new) == ["go"] * 6
        assert tubes.bodies(tubes.old) == ["stay"] * 6

    def test_where_too_many_stay_it_says_what_it_has_not_seen(
        self, tubes: Tubes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "MOST_KEPT", 3)
        bodies = [f"{number}" for number in range(20)]
        tubes.put(*bodies)
        found = tubes.move(lambda _: "no")
        assert 3 <= found.stayed["no"] < 20
        assert found.stopped == "3 ready jobs have to stay: those behind them were not looked at"
        assert tubes.bodies(tubes.old) == bodies
        assert admin.tube_statistics(tubes.server, tubes.old).jobs.reserved == 0

    @pytest.mark.parametrize(("state", "how"), [("delayed", {"delay": 600}), ("buried", {"bury": True})])
    def test_one_that_stays_hides_those_whose_ids_are_far_from_its_own(
        self, tubes: Tubes, monkeypatch: pytest.MonkeyPatch, state: str, how: dict[str, Any]
    ) -> None:
        monkeypatch.setattr(waiting, "FAR", 500)
        tubes.put("stay", "near", **how)
        with client(tubes.server, use="other") as app:
            app._sock.sendall(b"put 0 0 60 1\r\nx\r\n" * 1500)
            wait_until(lambda: newest(tubes.server) > tubes.first + 1500)
        tubes.put("far", **how)

        def decide(job: Waiting) -> Successor | str:
            return "no" if job.body == b"stay" else unchanged(tubes.new)(job)

        found = tubes.move(decide)
        assert (found.moved, found.stayed) == ({state: 1}, {"no": 1})
        assert found.stopped == f"1 {state} jobs are behind others that have to stay, and were not found"
        assert tubes.bodies(tubes.old) == ["stay", "far"]

    def test_that_it_stayed_counts_as_nothing_for_the_call(self, tubes: Tubes) -> None:
        ready, delayed = tubes.put("a") + tubes.put("b", delay=60)
        (buried,) = tubes.put("c", bury=True)
        tubes.move(lambda _: "no")
        with client(tubes.server) as app:
            for job in (ready, delayed, buried):
                facts = app.stats_job(job)
                assert facts["reserves"] == facts["releases"] + facts["buries"]
                assert facts["reserves"] == (job != delayed)  # neither this nor a buried one was touched at all

    def test_buried_in_the_same_tube_it_is_not_taken_for_another(self, tubes: Tubes) -> None:
        tubes.put("a", "b")
        tubes.put("c", delay=60)
        tubes.put("d", bury=True)

        def decide(job: Waiting) -> Successor:
            return Successor(tubes.old, job.body + b"!", job.priority, 0, 60, buried=True, label="buried")

        assert tubes.move(decide) == Moves({"buried": 4})
        assert sorted(job.body + job.state for job in tubes.jobs(tubes.old)) == [f"{c}!buried" for c in "abcd"]

    def test_slow_decisions_lose_no_lease(self, tubes: Tubes) -> None:
        tubes.put(*"abcd", ttr=1)

        def decide(job: Waiting) -> Successor:
            time.sleep(0.35)
            return unchanged(tubes.new)(job)

        assert tubes.move(decide) == Moves({"ready": 4})

    def test_one_that_is_too_slow_has_no_copy_that_a_worker_could_take(self, tubes: Tubes) -> None:
        tubes.put("a", ttr=1)
        taken: list[greenstalk.Job[bytes]] = []
        with client(tubes.server, watch=tubes.old) as worker, waiting_worker(tubes.server, tubes.new):

            def decide(job: Waiting) -> Successor:
                with suppress(greenstalk.TimedOutError):  # the original at times misses the end of a lease
                    taken.append(worker.reserve(3))
                return unchanged(tubes.new)(job)

            found = tubes.move(decide)
        assert found == (Moves(stayed={LEASE_LOST: 1}) if taken else Moves({"ready": 1}))

    def test_a_decision_that_fails_leaves_everything_as_it_was(self, tubes: Tubes) -> None:
        (job,) = tubes.put("a")

        def decide(_: Waiting) -> Successor:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            tubes.move(decide)
        with client(tubes.server) as app:
            facts = app.stats_job(job)
        assert (facts["state"], facts["reserves"], facts["releases"]) == ("ready", 1, 1)

    def test_given_up_in_the_middle_it_gives_back_what_it_holds(self, tubes: Tubes) -> None:
        ids = tubes.put(*"abc")
        with closing(moves(tubes.server, tubes.old, lambda _: "no")) as steps:
            while not next(steps).stayed:
                pass
            with client(tubes.server) as app:
                assert {app.stats_job(job)["state"] for job in ids} == {"reserved"}
        with client(tubes.server) as app:
            wait_until(lambda: {app.stats_job(job)["releases"] for job in ids} == {1})


class TestRaces:
    def test_a_job_that_somebody_took_meanwhile_has_no_copy(self, tubes: Tubes) -> None:
        (taken,) = tubes.put("a", delay=60)
        with client(tubes.server) as thief:

            def decide(job: Waiting) -> Successor:
                thief.reserve_job(job.id)
                return unchanged(tubes.new)(job)

            assert tubes.move(decide) == Moves()
            assert thief.stats_job(taken)["state"] == "reserved"
        assert tubes.jobs(tubes.new) == []

    def test_where_the_copy_is_taken_too_it_says_so(self, tubes: Tubes) -> None:
        tubes.put("a", delay=60)
        with client(tubes.server) as thief, waiting_worker(tubes.server, tubes.new):

            def decide(job: Waiting) -> Successor:
                thief.reserve_job(job.id)
                return Successor(tubes.new, job.body, 0, 0, 60)

            assert tubes.move(decide) == Moves(twice=1)

    def test_producers_do_not_keep_it_for_ever(self, tubes: Tubes) -> None:
        tubes.put("a", "b")
        with client(tubes.server, use=tubes.old) as app:

            def decide(job: Waiting) -> Successor:
                app.put(b"more")
                app.put(b"more")
                return unchanged(tubes.new)(job)

            assert tubes.move(decide).moved == {"ready": 2}


class TestTargets:
    """Another server may take less than this one."""

    @pytest.fixture
    def small(self, request: pytest.FixtureRequest, server: Server) -> Iterator[Server]:
        kind = next(kind for kind in KINDS if kind.name in request.node.name)
        with kind.running("-z", "10") as started:
            yield started

    def test_a_job_that_is_too_big_there_stays(self, tubes: Tubes, small: Server) -> None:
        for state in ({}, {"delay": 600}, {"bury": True}):
            tubes.put("small", "too big, by far", "small", **state)
        *_, last = moves(tubes.server, tubes.old, unchanged(tubes.new), to=small)
        why = "the message is larger than the server allows (its option -z)"
        assert last == Moves({"ready": 2, "delayed": 2, "buried": 2}, {why: 3})
        assert sorted(job.state for job in tubes.jobs(tubes.old)) == ["buried", "delayed", "ready"]
        assert admin.tube_statistics(small, tubes.new).jobs.total == 6

    def test_the_same_tube_there_is_another(self, tubes: Tubes, small: Server) -> None:
        tubes.put(*"abc")
        *_, last = moves(tubes.server, tubes.old, unchanged(tubes.old), to=small)
        assert last.moved == {"ready": 3}

    def test_one_that_dies_before_it_has_buried_the_copy_gives_that_to_nobody(self, tubes: Tubes) -> None:
        tubes.put("a", bury=True)
        with through(tubes.server, lambda said: b"quit\r\n" if b"reserve-job" in said else said) as dying:
            steps = moves(tubes.server, tubes.old, unchanged(tubes.new), to=dying)
            with pytest.raises(admin.ServerHungUp, match=f"{dying} closed"):
                list(steps)
        assert [job.state for job in tubes.jobs(tubes.old)] == ["buried"]
        assert [job.left > 10**9 for job in tubes.jobs(tubes.new)] == [True]
        tubes.move()
        assert [(job.body, job.state) for job in tubes.jobs(tubes.new)] == [("a", "buried")] * 2  # the same call, twice

    def test_nor_does_the_next_move_of_such_a_copy(self, tubes: Tubes) -> None:
        tubes.put("a", delay=2**32 - 1)
        assert tubes.move() == Moves({"delayed": 1})
        assert [job.state for job in tubes.jobs(tubes.new)] == ["buried"]


class TestServersBefore112:
    """They cannot reserve a job by its id."""

    def test_what_can_be_moved_is_and_the_rest_is_told(self, tubes: Tubes) -> None:
        tubes.put("ready")
        tubes.put("delayed", delay=60)
        tubes.put("buried", bury=True)
        with through(tubes.server, lambda said: said.replace(b"reserve-job", b"reserve-jab")) as old:
            *_, last = moves(old, tubes.old, unchanged(tubes.new))
        assert last.moved == {"ready": 1, "delayed": 1}
        assert last.stayed == {NO_BURIAL: 1}
        assert tubes.bodies(tubes.old) == ["buried"]
        assert sorted(tubes.bodies(tubes.new)) == ["delayed", "ready"]


@contextmanager
def through(server: Server, said: Callable[[bytes], bytes]) -> Iterator[Server]:
    """The server as it is when something else is said to it."""

    def pass_on(reader: socket.socket, writer: socket.socket) -> None:
        with reader, writer:
            while data := reader.recv(1 << 16):
                writer.sendall(said(data))
            writer.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((server.host, server.port))
            for pair in ((near, far), (far, near)):
                threads.append(threading.Thread(target=pass_on, args=[end.dup() for end in pair]))
                threads[-1].start()
            near.close()
            far.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=serve)]
        threads[0].start()
        try:
            yield admin.Server(port=listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
