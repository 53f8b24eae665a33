"""`ayl_beanstalk migrate` and `manifest`, on real servers, with the code of a real app."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import greenstalk
import pytest
from click.testing import CliRunner

from ayl import admin
from ayl import life as lives
from ayl.admin import waiting
from ayl.admin.migrations import migrate
from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from ayl.message import decode, encode, rewritten
from ayl.migration import Migration
from ayl.signing import key_ring
from ayl.upgrades import UPGRADES
from tests.ayl.conftest import _clean, written

from .servers import KINDS, Kind, client, free_port, wait_until
from .test_beanstalk import COMMAND, complaint, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ayl.admin import Server
    from ayl.message import Message

APP = """
from dataclasses import replace
import ayl

ayl.configure(version="1.5")

@ayl.model("shop.Order")
class Order:
    @classmethod
    def find(cls, key):
        raise AssertionError("no object is to be found")

    def ship(self, carrier: str) -> None:
        raise AssertionError("no call is to be made")

    def pack(self, paper: str) -> None: ...

@ayl.upgrade("shop.Order.send", before="1.5")
def send(call):
    return replace(call, method="ship")
"""

SECRETS = "2026a:EXAMPLE-of-a-secret-8fzt2m"

_apps = count()

__all__ = ["_clean"]


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test loads an app of its own."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("shop_to_migrate", None)


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a process would say, said by this one."""
    done = CliRunner().invoke(ayl_beanstalk, words, prog_name="ayl_beanstalk", env=variables)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    (tmp_path / "shop_to_migrate.py").write_text(APP)
    return Shop(server, f"shop{next(_apps)}", tmp_path, newest(server))


def newest(server: Server) -> int:
    """The id that was given last."""
    with client(server, use="newest") as app:
        job = app.put(b"")
        app.delete(job)
        return job


class Shop:
    """An app of a test's own, whose release 1.4 has sent something."""

    def __init__(self, server: Server, app: str, folder: Path, first: int = 0) -> None:
        """`first`: the id of its first job, at least."""
        self.server = server
        self.app = app
        self.folder = folder
        self.first = first
        self.variables = {"AYL_BEANSTALK_PORT": str(server.port)}

    def message(self, do: str = "ship", *args: Any, **changes: Any) -> Message:
        on = {"$ref": ["shop.Order", 42]}
        return written(app=self.app, ver="1.4", on=on, do=do, args=[*(args or ("ups",))], **changes)

    def put(self, body: Message | bytes, lane: str = "", *, bury: bool = False, **how: int) -> int:
        with client(self.server, use=f"{self.app}/1.4{lane}") as app:
            job = app.put(body if isinstance(body, bytes) else encode(body), **how)
            if bury:
                app.bury(app.reserve_job(job), how.get("priority", 2**16))
        return job

    def words(self, *more: str) -> tuple[str, ...]:
        app = ("--app-path", str(self.folder), "--require", "shop_to_migrate", "-t", self.app)
        return ("migrate", "1.4", "1.5", *app, *more)

    def migrate(self, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return run(*self.words(*more), **self.variables, **variables)

    def report(self, *more: str) -> Any:
        done = self.migrate("--json", *more)
        assert done.stderr == ""
        return json.loads(done.stdout)

    def jobs(self, version: str, lane: str = "") -> list[tuple[str, Mapping[str, Any]]]:
        """Of the tube: each body, and what the server says of it."""
        with client(self.server) as app:
            found: list[tuple[str, Mapping[str, Any]]] = []
            for number in range(self.first, newest(self.server)):
                try:
                    facts = app.stats_job(number)
                    if facts["tube"] == f"{self.app}/{version}{lane}":
                        found.append((app.peek(number).body.decode(), facts))
                except greenstalk.NotFoundError:
                    continue
        return found

    def facts(self, version: str, *names: str, lane: str = "") -> list[tuple[Any, ...]]:
        return [tuple(facts[name] for name in names) for _, facts in self.jobs(version, lane)]


class TestMigrate:
    def test_everything_of_a_call_is_kept(self, shop: Shop) -> None:
        body = lives.write(encode(shop.message()), lives.Life(2, 1, "no ups"))
        shop.put(body, priority=1, ttr=11)
        shop.put(body, "/mail", priority=2, ttr=22, delay=600)
        shop.put(body, priority=3, ttr=33, bury=True)
        done = shop.migrate("--yes")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"moved 3 to {shop.app}/1.5\nid, age and counters of these jobs begin anew;" in done.stdout
        kept = shop.facts("1.5", "state", "pri", "ttr")
        assert sorted(kept) == [("buried", 3, 33), ("ready", 1, 11)]
        ((state, priority, ttr, left),) = shop.facts("1.5", "state", "pri", "ttr", "time-left", lane="/mail")
        assert (state, priority, ttr) == ("delayed", 2, 22)
        assert 590 <= left <= 600
        assert {text.encode() for text, _ in (*shop.jobs("1.5"), *shop.jobs("1.5", "/mail"))} == {body}
        assert shop.jobs("1.4") == shop.jobs("1.4", "/mail") == []

    def test_what_fits_moves_what_can_be_is_translated_and_the_rest_is_buried_with_a_reason(self, shop: Shop) -> None:
        shop.put(shop.message("pack", "red", id="a"))
        shop.put(shop.message("send", id="b"), delay=900)
        shop.put(shop.message("gift", id="c"), priority=7, ttr=77)
        shop.put(b"\xff\x1b[31m")
        found = shop.report("--yes")
        rows = {(row["call"], row["fate"]): (row["jobs"], *row["reasons"]) for row in found["calls"]}
        assert rows == {
            ("shop.Order.pack", "moved"): (1,),
            ("shop.Order.send", "translated"): (1,),
            ("shop.Order.gift", "buried"): (1, "shop.Order.gift does not exist"),
            ("", "buried"): (1, rows["", "buried"][1]),
        }
        assert "not a message of ayl" in str(rows["", "buried"][1])
        new = {text: facts["state"] for text, facts in shop.jobs("1.5")}
        translated = encode(rewritten(shop.message("ship", id="b"), ver="1.5")).decode()
        assert new == {encode(shop.message("pack", "red", id="a")).decode(): "ready", translated: "delayed"}

    def test_a_buried_call_says_why_and_keeps_its_id(self, shop: Shop) -> None:
        shop.put(shop.message("gift", id="c"), priority=7, ttr=77)
        assert shop.migrate("--yes").returncode == ExitCode.REFUSED
        ((body, facts),) = shop.jobs("1.4")
        assert (facts["state"], facts["pri"], facts["ttr"]) == ("buried", 7, 77)
        assert lives.read(body.encode()).why == "shop.Order.gift does not exist"
        assert decode(lives.without(body.encode())) == shop.message("gift", id="c")

    def test_run_again_it_finds_nothing_but_what_it_has_buried(self, shop: Shop) -> None:
        shop.put(shop.message())
        shop.put(shop.message("gift"), delay=900)
        first, second = shop.report("--yes"), shop.report("--yes")
        assert [row["fate"] for row in first["calls"]] == ["moved", "buried"]
        assert [(row["fate"], row["jobs"]) for row in second["calls"]] == [("buried", 1)]
        assert shop.facts("1.4", "state") == [("buried",)]

    def test_run_again_it_leaves_what_is_buried_for_the_same_reason(self, shop: Shop) -> None:
        shop.put(shop.message("gift"))
        shop.put(b"no message")
        shop.put(shop.message("pack", "red"), bury=True)
        shop.report("--yes")
        first = shop.jobs("1.4")
        shop.put(shop.message("pack", "blue"), bury=True)
        assert sorted((row["fate"], row["jobs"]) for row in shop.report("--yes")["calls"]) == [
            ("buried", 1), ("buried", 1), ("moved", 1),
        ]  # fmt: skip
        unchanged = ("id", "reserves", "buries")
        assert [[facts[name] for name in unchanged] for _, facts in shop.jobs("1.4")] == [
            [facts[name] for name in unchanged] for _, facts in first
        ]
        assert [state for (state,) in shop.facts("1.5", "state")] == ["buried"] * 2

    def test_run_again_it_tells_another_reason(self, shop: Shop) -> None:
        shop.put(lives.write(encode(shop.message("gift")), lives.Life(2, 1, "no ups")), bury=True)
        shop.report("--yes")
        ((body, _),) = shop.jobs("1.4")
        assert lives.read(body.encode()) == lives.Life(2, 1, "shop.Order.gift does not exist")

    def test_what_a_worker_holds_is_left_to_it_and_told(self, shop: Shop) -> None:
        shop.put(shop.message())
        with client(shop.server, watch=f"{shop.app}/1.4") as worker:
            job = worker.reserve(0)
            shop.put(shop.message())
            done = shop.migrate("--yes")
            assert "workers still hold 1 job: run this again when they are done" in done.stdout
            worker.delete(job)
        assert len(shop.jobs("1.5")) == 1

    def test_a_lane_that_has_gone_meanwhile_keeps_no_other_from_it(self, shop: Shop) -> None:
        for lane in ("/a", "/b", "/c"):
            shop.put(shop.message(), lane)
        steps = migrate(shop.server, Migration(shop.app, "1.5"), "1.4")
        next(steps)
        with client(shop.server, watch=f"{shop.app}/1.4/b") as worker:
            worker.delete(worker.reserve(0))
        *_, found = steps
        assert found.number("moved", "buried") == 2

    def test_an_order_to_an_old_worker_stays(self, shop: Shop) -> None:
        shop.put(b'{"type":"ayl-control","do":"exit","app":"%b"}' % shop.app.encode())
        found = shop.report("--yes")
        assert [(row["fate"], *row["reasons"]) for row in found["calls"]] == [
            ("left", "an order to a worker of the old release: exit")
        ]
        assert shop.facts("1.4", "state") == [("ready",)]

    def test_secrets_are_the_apps(self, shop: Shop) -> None:
        signed = key_ring(SECRETS).sign(shop.app, encode(shop.message("send")), time.time())
        shop.put(signed)
        shop.put(shop.message())
        done = shop.migrate("--yes", AYL_SECRETS=SECRETS)
        assert "it is not signed, and this worker has secrets" in done.stdout
        ((body, _),) = shop.jobs("1.5")
        key_ring(SECRETS).verify(shop.app, body.encode(), time.time())
        assert '"do":"ship"' in body

    def test_a_call_that_has_no_room_for_its_reason_is_buried_without_it(self, shop: Shop) -> None:
        body = encode(shop.message("gift", "x" * 65535))
        shop.put(encode(shop.message("gift", "x" * (65535 - len(body) + 65535))))
        found = shop.report("--yes")
        assert found["calls"][0]["reasons"] == ["shop.Order.gift does not exist"]
        ((text, facts),) = shop.jobs("1.4")
        assert (len(text), facts["state"]) == (65535, "buried")


class TestDryRun:
    def test_it_says_what_would_happen_and_changes_nothing(self, shop: Shop) -> None:
        for message in (shop.message(), shop.message("send"), shop.message("gift")):
            for how in ({}, {"delay": 900}, {"bury": True}):
                shop.put(message, **how)
        before = [(text, facts["id"], facts["state"], facts["pri"]) for text, facts in shop.jobs("1.4")]
        done = shop.migrate("--dry-run")
        assert done.returncode == ExitCode.REFUSED
        assert [line.split()[:3] for line in done.stdout.splitlines()[1:4]] == [
            ["3", "moved", "shop.Order.ship"],
            ["3", "translated", "shop.Order.send"],
            ["3", "buried", "shop.Order.gift"],
        ]
        assert f"would move 6 to {shop.app}/1.5 (3 of them translated), 3 buried in {shop.app}/1.4\n" in done.stdout
        assert before == [(text, facts["id"], facts["state"], facts["pri"]) for text, facts in shop.jobs("1.4")]
        assert shop.jobs("1.5") == []

    def test_it_takes_hold_of_no_job(self, shop: Shop) -> None:
        for how in ({}, {"delay": 900}, {"bury": True}):
            shop.put(shop.message("gift"), **how)
        before = shop.facts("1.4", "id", "state", "reserves", "releases", "buries")
        with client(shop.server) as app:
            reserves = [value for name, value in app.stats().items() if name.startswith("cmd-reserve")]
            shop.migrate("--dry-run")
            assert [value for name, value in app.stats().items() if name.startswith("cmd-reserve")] == reserves
        assert shop.facts("1.4", "id", "state", "reserves", "releases", "buries") == before

    def test_it_says_how_many_it_has_not_found(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "FAR", 500)
        shop.put(shop.message())
        with client(shop.server, use="other") as app:
            for _ in range(1500):
                app.put(b"")
        shop.put(shop.message())
        assert "only 1 of 2 jobs were looked at\n" in shop.migrate("--dry-run").stdout

    def test_it_does_not_ask_and_is_good_if_all_fits(self, shop: Shop) -> None:
        shop.put(shop.message())
        assert shop.migrate("--dry-run").returncode == ExitCode.OK


class TestRefusals:
    def test_an_empty_tube_is_no_trouble(self, shop: Shop) -> None:
        with client(shop.server, use=f"{shop.app}/1.4"):
            done = shop.migrate()  # nothing is asked
        assert (done.returncode, done.stdout) == (0, f"moved 0 to {shop.app}/1.5\n")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("1.4", "1.4"), "the calls of 1.4 are there already"),
            (("1.4", "1.6"), "the code that is loaded is that of version '1.5', not of '1.6'"),
            (("1\x1b[31m", "1.5"), r"a version '1\x1b[31m' cannot be part of a tube's name"),
            (("1.4", "1.5", "--require", "shop_of_nobody"), "cannot import the module 'shop_of_nobody'"),
        ],
        ids=["same", "other code", "odd", "no module"],
    )
    def test_what_makes_no_sense_changes_nothing(self, shop: Shop, words: tuple[str, ...], said: str) -> None:
        shop.put(shop.message())
        done = run("migrate", *words, *shop.words("--yes")[3:], **shop.variables)
        assert done.returncode in (ExitCode.REFUSED, ExitCode.USAGE)
        assert said in done.stderr.replace("\\\\", "\\")
        assert len(shop.jobs("1.4")) == 1

    def test_without_the_apps_code_nothing_is_judged(self, shop: Shop) -> None:
        shop.put(shop.message())
        command = [*COMMAND, "migrate", "1.4", "1.5", "-t", shop.app, "--yes"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment(**shop.variables), timeout=30
        )
        said = complaint(done, ExitCode.REFUSED)
        assert "give the app's modules with --require" in said

    def test_without_an_app_it_asks_for_one(self, shop: Shop) -> None:
        done = run(*[word for word in shop.words() if word not in ("-t", shop.app)], **shop.variables)
        assert done.returncode == ExitCode.USAGE
        assert "say which app: in ayl.toml, by AYL_APP or with -t APP" in done.stderr


class TestSeveralServers:
    """Each has tubes of its own, of the same names."""

    @pytest.fixture
    def other(self, request: pytest.FixtureRequest, shop: Shop) -> Iterator[Shop]:
        kind = next(kind for kind in KINDS if kind.name in request.node.name)
        with kind.running() as started:
            yield Shop(started, shop.app, shop.folder)

    def migrate(self, shop: Shop, other: Shop, *more: str) -> subprocess.CompletedProcess[str]:
        return run("-h", f"{shop.server},{other.server}", *shop.words(*more))

    def test_the_calls_of_each_stay_there(self, shop: Shop, other: Shop) -> None:
        shop.put(shop.message(id="a"), "/mail")
        for how in ({}, {"delay": 900}, {"bury": True}):
            other.put(other.message(id="b"), **how)
        done = self.migrate(shop, other, "--yes", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert [item["server"] for item in found] == [str(shop.server), str(other.server)]
        assert [(item["answer"]["waiting"], item["answer"]["calls"][0]["jobs"]) for item in found] == [(1, 1), (3, 3)]
        assert shop.facts("1.5", "state", lane="/mail") == [("ready",)]
        assert sorted(other.facts("1.5", "state")) == [("buried",), ("delayed",), ("ready",)]
        assert shop.jobs("1.4", "/mail") == other.jobs("1.4") == []

    def test_one_with_calls_that_do_not_fit_is_told_for_both(self, shop: Shop, other: Shop) -> None:
        shop.put(shop.message("gift"))
        other.put(other.message())
        done = self.migrate(shop, other, "--yes")
        assert (done.returncode, done.stderr) == (ExitCode.REFUSED, "")
        one, another = done.stdout.split(f"{other.server}\n")
        assert f"moved 0 to {shop.app}/1.5, 1 buried in {shop.app}/1.4\n" in one
        assert f"moved 1 to {shop.app}/1.5\n" in another

    def test_one_without_the_release_keeps_no_other_from_it(self, shop: Shop, other: Shop) -> None:
        other.put(other.message())
        done = self.migrate(shop, other, "--yes")
        assert done.returncode == ExitCode.REFUSED
        assert done.stderr.startswith(f"ayl_beanstalk: no tube '{shop.app}/1.4' at {shop.server}; ")
        assert len(other.jobs("1.5")) == 1

    def test_nor_does_one_that_is_down(self, shop: Shop, other: Shop) -> None:
        other.put(other.message())
        nowhere = Shop(admin.Server(port=free_port()), shop.app, shop.folder)
        done = self.migrate(nowhere, other, "--yes", "--json")
        assert done.returncode == ExitCode.UNAVAILABLE
        assert done.stderr.startswith(f"ayl_beanstalk: no server at {nowhere.server} ")
        assert [item["server"] for item in json.loads(done.stdout)] == [str(other.server)]
        assert len(other.jobs("1.5")) == 1

    def test_the_question_is_asked_for_each(self, shop: Shop, other: Shop) -> None:
        shop.put(shop.message())
        other.put(other.message())
        done = self.migrate(shop, other)
        assert done.returncode == ExitCode.USAGE
        assert f"Migrate 1 job of {shop.app}/1.4 at {shop.server} to {shop.app}/1.5? Nobody" in done.stderr
        assert (len(shop.jobs("1.4")), len(other.jobs("1.4"))) == (1, 1)

    def test_a_dry_run_tells_of_each(self, shop: Shop, other: Shop) -> None:
        shop.put(shop.message())
        other.put(other.message("gift"))
        found = json.loads(self.migrate(shop, other, "--dry-run", "--json").stdout)
        assert [row["fate"] for item in found for row in item["answer"]["calls"]] == ["moved", "buried"]
        assert (len(shop.jobs("1.4")), len(other.jobs("1.4"))) == (1, 1)


def test_a_server_that_dies_is_told_with_what_was_done(shop: Shop, request: pytest.FixtureRequest) -> None:
    kind = next(kind for kind in KINDS if kind.name in request.node.name)
    with subprocess.Popen([*kind.command, "-p", str(port := free_port())]) as dying:
        there = Shop(admin.Server(port=port), shop.app, shop.folder)
        wait_until(lambda: run("statistics", **there.variables).returncode == ExitCode.OK)
        fill(there, 10_000)
        words, pipe = [*COMMAND, *shop.words("--yes", "--json")], subprocess.PIPE
        with subprocess.Popen(words, env=environment(**there.variables), stdout=pipe, stderr=pipe, text=True) as moving:
            wait_until(lambda: admin.statistics(there.server).jobs.total > 10_500, 20)
            dying.kill()
            said, complaint = moving.communicate(timeout=20)
    found = json.loads(said)
    assert moving.returncode == ExitCode.UNAVAILABLE
    assert 0 < found["calls"][0]["jobs"] < 10_000
    assert found["stopped"].startswith(f"{there.server} closed the connection")
    assert found["stopped"] in complaint


def fill(shop: Shop, number: int) -> None:
    """So many calls that are delayed."""
    body, tube = encode(shop.message()), f"{shop.app}/1.4"
    with client(shop.server, use=tube) as app:
        app._sock.sendall(b"put 0 900 60 %d\r\n%b\r\n" % (len(body), body) * number)
        wait_until(lambda: admin.tube_statistics(shop.server, tube).jobs.delayed == number)


def test_killed_at_random_and_run_again_nothing_is_lost(shop: Shop) -> None:
    ids = {f"{state}-{number}" for state in ("ready", "delayed", "buried", "gift") for number in range(60)}
    with client(shop.server, use=f"{shop.app}/1.4") as app:
        for name in ids:
            state = name.partition("-")[0]
            message = shop.message("gift" if state == "gift" else "send", id=name)
            job = app.put(encode(message), delay=9000 if state in ("delayed", "gift") else 0)
            if state == "buried":
                app.bury(app.reserve_job(job))
    words = [*COMMAND, *shop.words("--yes")]
    for seconds in (0.0, 0.02):
        with client(shop.server) as app:
            before = app.stats()["total-jobs"]
            process = subprocess.Popen(
                words,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(**shop.variables),
            )
            while process.poll() is None and app.stats()["total-jobs"] == before:
                time.sleep(0.002)
        time.sleep(seconds)
        process.kill()
        process.wait()
    shop.migrate("--yes")
    left = [decode(lives.without(text.encode())).id for text, _ in shop.jobs("1.4")]  # type: ignore[union-attr]
    moved = [decode(text.encode()).id for text, _ in shop.jobs("1.5")]  # type: ignore[union-attr]
    assert {*left, *moved} == ids
    assert {name.partition("-")[0] for name in left} == {"gift"}
    states = {name.partition("-")[0]: facts["state"] for name, (_, facts) in zip(moved, shop.jobs("1.5"), strict=True)}
    assert states == {"ready": "ready", "delayed": "delayed", "buried": "buried"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop_to_migrate.py").write_text(APP)
    (tmp_path / "ayl.toml").write_text('app = "shop"\n')
    return tmp_path


def manifest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Of the code as it is there now."""
    sys.modules.pop("shop_to_migrate", None)
    UPGRADES.clear()
    return run("manifest", "--app-path", str(folder), "--require", "shop_to_migrate", *words)


class TestManifest:
    def test_it_is_written_and_compared(self, folder: Path) -> None:
        old = str(folder / "old.json")
        assert manifest(folder, "-o", old).stdout == ""
        assert manifest(folder).stdout == (folder / "old.json").read_text()
        done = manifest(folder, "--check", old)
        assert (done.stdout, done.returncode) == ("calls of shop 1.5 could all run in 1.5\n", ExitCode.OK)
        (folder / "shop_to_migrate.py").write_text(APP.replace("carrier: str", "carrier: bytes").replace("1.5", "1.60"))
        done = manifest(folder, "--check", old)
        assert (done.stderr, done.returncode) == ("", ExitCode.REFUSED)
        assert done.stdout == (
            "CALL             PROBLEM\n"
            "shop.Order.ship  carrier was str and is bytes now\n\n"
            "calls of shop 1.5 could all run in 1.60, but for these\n"
        )
        found = json.loads(manifest(folder, "--check", old, "--json").stdout)
        problem = {"name": "shop.Order.ship", "problem": "carrier was str and is bytes now"}
        assert found == {"app": "shop", "old": "1.5", "new": "1.60", "problems": [problem]}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "old.json is no manifest: Input data was truncated"),
            ("[1]", "old.json is no manifest: Expected `object`, got `array`"),
            ('{"format": 2}', "old.json is a manifest of format 2; this ayl reads format 1"),
            ('{"format": 1, "app": "shop", "version": 3}', "Expected `str`, got `int` - at `$.version`"),
            ('{"format": 1, "app": "bank", "version": "3"}', "old.json is of the app 'bank'; this is 'shop'"),
        ],
    )
    def test_a_file_that_is_none_is_told_of(self, folder: Path, text: str, said: str) -> None:
        (folder / "old.json").write_text(text)
        assert said in complaint(manifest(folder, "--check", str(folder / "old.json")), ExitCode.REFUSED)

    def test_the_command_line_is_checked(self, folder: Path) -> None:
        assert "'nothing.json' does not exist" in manifest(folder, "--check", "nothing.json").stderr
        done = manifest(folder, "--check", str(folder / "ayl.toml"), "-o", str(folder / "x"))
        assert (done.returncode, (folder / "x").exists()) == (ExitCode.USAGE, False)
        (folder / "ayl.toml").unlink()
        assert "no app is configured" in complaint(manifest(folder), ExitCode.REFUSED)
