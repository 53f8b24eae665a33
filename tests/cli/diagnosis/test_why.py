"""`ayl_beanstalk why`: one sentence for each reason, and what to do."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from ayl.cli import ExitCode
from ayl.settings import configure
from ayl.signing import Key, KeyRing
from tests.cli.schemas import WHY, fault
from tests.cli.servers import KINDS, Kind, client, wait_until

from .asking import body, codes, document, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    import greenstalk

    from ayl.admin import Server


@pytest.fixture
def app(server: Server, tube: str) -> Iterator[greenstalk.Client[bytes]]:
    """Puts into the tube, and can reserve from it with reserve_job; it watches `default` alone."""
    with client(server, use=tube) as app:
        yield app


def asked(job: int, server: Server) -> dict[str, dict[str, Any]]:
    """The findings by their codes, in order."""
    found = document("why", str(job), server=server)
    assert fault(found, WHY) == ""
    assert found["id"] == found["job"]["id"] == job
    return dict(zip(codes(found["findings"]), found["findings"], strict=True))


class TestReady:
    def test_nobody_watches_its_tube(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        found = asked(app.put(body()), server)
        assert [*found] == ["unwatched", "next"]
        assert found["unwatched"]["severity"] == "trouble"
        assert found["unwatched"]["sentence"] == f"no worker watches its tube {tube}"
        assert found["unwatched"]["cure"] == f"ayl_worker --require MODULE --tube {tube}"

    def test_workers_of_another_version_are_named(
        self, server: Server, tube: str, app: greenstalk.Client[bytes]
    ) -> None:
        job = app.put(body())
        with client(server, watch=f"{tube}.1"), client(server, watch=f"{tube}/mail"), client(server, watch="shop"):
            finding = asked(job, server)["unwatched"]
        assert finding["sentence"] == f"no worker watches its tube {tube}; there are workers at {tube}.1"
        assert finding["cure"].startswith("ayl_beanstalk migrate 1.")

    def test_its_tube_is_paused(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(body())
        with client(server, watch=tube):
            app.pause_tube(tube, 3700)
            found = asked(job, server)
        assert [*found] == ["paused", "busy", "next"]
        assert found["paused"]["sentence"].startswith(f"its tube {tube} is paused for another 1 h 1 min, until ")
        assert 3600 < found["paused"]["facts"]["pause_time_left"] <= 3700
        assert found["paused"]["cure"] == f"ayl_beanstalk -t {tube} resume"

    def test_all_workers_are_busy(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(body())
        with client(server, watch=tube), client(server, watch=tube):
            found = asked(job, server)
        assert [*found] == ["busy", "next"]
        assert found["busy"]["sentence"].startswith(f"2 workers of its tube {tube} have their hands full")

    def test_others_come_before_it(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        for priority in (5, 6, 3000):
            app.put(body(), priority=priority)
        calm, urgent = app.put(body(), priority=2000), app.put(body(), priority=6)
        assert asked(calm, server)["behind"]["facts"] == {
            "tube": tube, "next": calm - 3, "next_priority": 5, "priority": 2000,
            "before_at_least": 3, "before_at_most": 4,
        }  # fmt: skip
        assert asked(urgent, server)["behind"]["facts"]["before_at_least"] == 1
        assert "behind" not in asked(calm - 3, server)

    def test_it_was_taken_before(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(body())
        for _ in range(2):
            app.release(app.reserve_job(job))
        with client(server) as lost:
            lost.reserve_job(job)
        wait_until(lambda: app.stats_job(job)["state"] == "ready")
        app.bury(app.reserve_job(job))
        app.kick_job(job)
        found = asked(job, server)["history"]
        assert found["sentence"] == (
            "it was taken 4 times before: it was given back 2 times, was buried once, "
            "lost its worker or connection once"
        )
        assert found["severity"] == "warning"
        assert found["facts"] == {"timeouts": 0, "releases": 2, "buries": 1, "reserves": 4, "lost": 1, "kicks": 1}


class TestOtherStates:
    def test_delayed_until_when(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        with client(server, watch=tube):
            found = asked(app.put(body('{"tries":2,"why":"x"}'), delay=100_000), server)
        assert [*found] == ["delayed"]
        sentence = found["delayed"]["sentence"]
        assert sentence.startswith("it is delayed for another 1 day 3 h, until 20")
        assert sentence.endswith(": it has failed 2 times and is tried again")

    def test_reserved_by_somebody(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(body(), ttr=100_000)
        app.reserve_job(job)
        found = asked(job, server)["held"]
        # What else runs on this machine decides whether there is a worker who can be asked.
        by = r"(somebody whom the server does not name; no worker of this machine|another machine or client: no worker)"
        assert re.match(f"it is reserved by {by} ", found["sentence"])
        assert found["sentence"].endswith(" s ago, and the lease ends in 1 day 3 h")
        assert found["facts"]["time_to_run"] == 100_000

    def test_buried_for_what(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(body('{"tries":3,"kills":1,"why":"ValueError: no ups\\u001b"}'))
        app.bury(app.reserve_job(job))
        found = asked(job, server)["buried"]
        assert found["sentence"] == "it is buried after 3 failed tries after killing 1 worker: ValueError: no ups\x1b"
        assert found["cure"] == f"when the cause is mended: ayl_beanstalk kick_job {job}"
        assert found["facts"] == {"why": "ValueError: no ups\x1b", "tries": 3, "kills": 1}
        assert "\x1b" not in run("why", str(job), server=server).stdout

    def test_buried_by_hand(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        job = app.put(b"junk")
        app.bury(app.reserve_job(job))
        assert "nobody wrote down why" in asked(job, server)["buried"]["sentence"]

    def test_a_job_that_is_not_there(self, server: Server) -> None:
        found = document("why", "4000000000", server=server, code=ExitCode.REFUSED)
        assert found["job"] is None
        assert codes(found["findings"]) == ["gone"]
        done = run("why", "4000000000", server=server)
        assert done.stdout.startswith(
            "trouble  no job 4000000000 is there: its call was made, or somebody deleted it, or"
        )
        assert done.exit_code == ExitCode.REFUSED


class TestBodies:
    def test_what_is_no_call_is_told(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        found = asked(app.put(b"\xff\x1b[2Jjunk"), server)["undecodable"]
        assert found["sentence"].startswith("its body is no call: not a message of ayl")

    def test_an_order_is_no_trouble(self, server: Server, tube: str, app: greenstalk.Client[bytes]) -> None:
        found = asked(app.put(b'{"type":"ayl-control","do":"exit","app":"shop"}'), server)
        assert [*found] == ["unwatched", "next", "order"]

    def test_a_signature_is_looked_at_where_secrets_are_at_hand(
        self, server: Server, tube: str, app: greenstalk.Client[bytes]
    ) -> None:
        ring = KeyRing([Key("a", b"0123456789abcdef")])
        text = json.dumps({"type": "ayl", "v": 1, "id": "1", "app": "shop", "ver": "1", "do": "f"}).encode()
        signed, unsigned = app.put(ring.sign("shop", text, 0)), app.put(text)
        assert "distrusted" not in asked(unsigned, server)
        configure(secrets="a:0123456789abcdef")
        assert "distrusted" not in asked(signed, server)
        assert "it is not signed" in asked(unsigned, server)["distrusted"]["sentence"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_draining_server_is_told(kind: Kind) -> None:
    with kind.running() as server, client(server) as app:
        job = app.put(body())
        os.kill(int(app.stats()["pid"]), signal.SIGUSR1)
        wait_until(lambda: str(app.stats()["draining"]).lower() == "true")
        assert "draining" in asked(job, server)


class TestTheCommand:
    def test_it_shows_the_job_and_the_gravest_first(
        self, server: Server, tube: str, app: greenstalk.Client[bytes]
    ) -> None:
        app.put(body(), priority=1)
        job = app.put(body())
        lines = run("why", str(job), server=server).stdout.splitlines()
        assert lines[:3] == [
            f"#{job} ready 0:00 shop.restock('socks')",
            f"trouble  no worker watches its tube {tube}",
            f"         -> ayl_worker --require MODULE --tube {tube}",
        ]
        assert lines[3].startswith("note     more urgent or older jobs are before it")

    @pytest.mark.parametrize("word", ["0", "-1", "x", "18446744073709551616"])
    def test_what_is_no_id_is_told(self, word: str) -> None:
        assert run("why", "--", word).exit_code == ExitCode.USAGE
