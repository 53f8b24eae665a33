"""`ayl_beanstalk put_ayl_job`: a call as an operator types it becomes a message, or is refused with its place."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl import message as messages
from ayl.admin import Server
from ayl.cli import ExitCode
from ayl.cli.calls import pointed
from ayl.message import Message
from ayl.settings import current
from tests.cli.schemas import COMPOSED, PUT_CALL, fault
from tests.cli.servers import client, free_port

from .asking import document, run

if TYPE_CHECKING:
    from pathlib import Path

CALL = "shop.Order.find(42).ship('ups', insured=True)"

APP = """
from dataclasses import dataclass
from enum import Enum
import ayl

ayl.configure(app="shop", version="1.4.2")

@ayl.model("shop.Order")
class Order:
    def __init__(self, id): self.id = id
    @classmethod
    def find(cls, id): raise SystemExit("looked for")
    def ship(self, carrier: str, *, insured: bool = False): ...
    def join(self, other: "Order"): ...
    @staticmethod
    def count(): ...

@ayl.value("shop.Colour")
class Colour(Enum):
    RED = 1

@ayl.value("shop.Money")
@dataclass
class Money:
    amount: int
    currency: str = "EUR"

@ayl.task("shop.pay")
def pay(money: Money, colour: Colour = None): ...

@ayl.task("shop.restock", time_limit=77)
def restock(thing: str, number: int): ...
"""


def waiting(server: Server, tube: str) -> tuple[int, bytes]:
    """The next job that waits there and its body; it is taken away."""
    with client(server, use=tube) as onlooker:
        job = onlooker.peek_ready()
        onlooker.delete(job)
        return job.id, job.body


def read(body: bytes | str) -> Message:
    message = messages.decode(body.encode() if isinstance(body, str) else body)
    assert isinstance(message, Message)
    return message


class TestPut:
    def test_it_tells_the_job_and_the_message(self, server: Server, tube: str) -> None:
        with client(server, watch=tube):
            done = run("put_ayl_job", "-t", tube, CALL, server=server)
        job, body = waiting(server, tube)
        message = read(body)
        assert done.stdout == (
            f"put job {job} into {tube}: {CALL} "
            f"(message {message.id}, not signed: a worker with secrets will bury it)\n"
        )
        assert done.stderr == (
            "ayl_beanstalk: this call was not checked: --require MODULE names the app that it has to fit\n"
        )
        assert messages.human(message) == CALL
        assert [message.app, message.ver] == tube.split("/")

    def test_the_tube_is_the_apps_own_or_a_lane_of_it(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "ayl.toml").write_text('app = "shop"\nversion = "7"\n[defaults]\npriority = 3\n')
        assert document("put_ayl_job", CALL, server=server)["call"]["tube"] == "shop/7"
        monkeypatch.setenv("AYL_VERSION", "8")
        found = document("put-ayl-job", "--lane", "mail", CALL, server=server)["call"]
        assert (found["tube"], found["priority"]) == ("shop/8/mail", 3)

    def test_options_are_those_of_a_send(self, server: Server, tube: str) -> None:
        words = ("--priority", "7", "--delay", "1000", "--time-to-run", "9")
        found = document("put_ayl_job", "-t", tube, *words, CALL, server=server)
        assert fault(found, PUT_CALL) == ""
        with client(server) as onlooker:
            job = onlooker.stats_job(found["job"])
        assert (job["state"], job["pri"], job["delay"], job["ttr"]) == ("delayed", 7, 1000, 9)
        assert read(found["call"]["body"]).time_to_run == 9

    def test_it_is_signed_where_secrets_are_set(
        self, server: Server, tube: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AYL_SECRETS", "a:0123456789abcdef")
        assert ", signed)" in run("put_ayl_job", "-t", tube, CALL, server=server).stdout
        secrets = current().secrets
        assert secrets is not None
        secrets.verify("shop", waiting(server, tube)[1], 0)

    def test_a_dry_run_shows_the_message_and_puts_nothing(self, server: Server, tube: str) -> None:
        shown = run("put_ayl_job", "-t", tube, "--dry-run", CALL, server=server).stdout
        assert messages.human(read(shown)) == CALL
        assert run("tube_statistics", "-t", tube, server=server).exit_code == ExitCode.REFUSED
        assert fault(document("put_ayl_job", "-t", tube, "-n", CALL, server=server), COMPOSED) == ""

    def test_a_dry_run_needs_no_server(self) -> None:
        done = run("put_ayl_job", "-t", "shop/1", "-n", CALL, server=Server(port=free_port()))
        assert done.exit_code == ExitCode.OK

    def test_nobody_who_watches_is_told(self, server: Server, tube: str) -> None:
        done = run("put_ayl_job", "-t", tube, CALL, server=server)
        assert f"no worker watches {tube}: the call waits for one" in done.stderr


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "code", "reason"),
        [
            ((CALL,), ExitCode.REFUSED, "no app is configured"),
            (("-t", "default", CALL), ExitCode.REFUSED, "default is no tube of an app"),
            (("-t", "a@b", CALL), ExitCode.REFUSED, "no tube can be named 'a@b'"),
            (("-t", "shop/1", "--lane", "mail", CALL), ExitCode.USAGE, "--lane is one of the app's own tube"),
            (("-t", "shop/1", "--priority", "-1", CALL), ExitCode.USAGE, "--priority"),
            (("-t", "shop/1", f"f('{'x' * 70_000}')"), ExitCode.REFUSED, "the server takes 65,535"),
            (("-t", "shop/1", "f(datetime.timezone.utc)"), ExitCode.REFUSED, "args[0] is of type timezone"),
            (("-t", "shop/1"), ExitCode.USAGE, "Missing argument 'CALL'"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_they_say_what_is_wrong(self, words: tuple[str, ...], code: ExitCode, reason: str) -> None:
        done = run("put_ayl_job", *words, server=Server(port=free_port()))
        assert done.exit_code == code
        assert reason in done.stderr

    def test_a_text_that_is_no_call_is_shown_with_a_caret_below_the_place(self) -> None:
        done = run("put_ayl_job", "-t", "shop/1", "f('日本', \x1b[2Jx)")
        assert done.exit_code == ExitCode.USAGE
        assert done.stderr.splitlines() == [
            "ayl_beanstalk: a value or a name should stand here, not '\\x1b' (line 1, column 9)",
            "  f('日本', \\x1b[2Jx)",
            "            ^",
        ]

    @given(line=st.text(max_size=200).filter(lambda text: "\n" not in text), column=st.integers(1, 200))
    def test_the_caret_stands_below_its_place_in_any_line(self, line: str, column: int) -> None:
        shown, caret = pointed(line, min(column, len(line) + 1))
        assert shown.isprintable()
        assert len(shown) < 1000
        assert set(caret[:-1]) <= {" "}
        assert len(caret) <= sum(1 + (unicodedata.east_asian_width(one) in "WF") for one in shown) + 1


class TestWithTheApp:
    """In a process of its own, for the app's modules stay."""

    @pytest.fixture
    def app(self, tmp_path: Path) -> Path:
        (tmp_path / "shop_app.py").write_text(APP)
        return tmp_path

    def told(self, app: Path, server: Server, *calls: str) -> list[tuple[int, str]]:
        """Exit code and first line for each call."""
        script = (
            "import sys\nfrom click.testing import CliRunner\nfrom ayl.cli.beanstalk import ayl_beanstalk\n"
            "for call in sys.argv[2:]:\n"
            "    words = ['-p', sys.argv[1], 'put_ayl_job', '-c', 'shop_app', call]\n"
            "    done = CliRunner().invoke(ayl_beanstalk, words)\n"
            "    print(done.exit_code, (done.stdout or done.stderr).splitlines()[0])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(server.port), *calls],
            cwd=app, capture_output=True, text=True, check=True,
        )  # fmt: skip
        pairs = [line.split(" ", 1) for line in done.stdout.splitlines()]
        return [(int(code), said) for code, said in pairs]

    def test_a_call_has_to_fit_as_if_the_app_had_sent_it(self, server: Server, app: Path) -> None:
        fits = (
            CALL,
            "shop.Order.find(1).join(shop.Order.find(2))",
            "shop.Order.count()",
            "shop.restock('socks', 3)",
            "shop.pay(shop.Money(3), shop.Colour.RED)",
        )
        misfits = {
            "shop.Order.find(42).shipp('ups')": "shop.Order.shipp does not exist; did you mean 'ship'?",
            "shop.Order.find(42).ship(3)": "carrier is a str, not 3 (int)",
            "shop.Order.find(42).ship()": "missing a required argument: 'carrier'",
            "shop.Order.find(1).join(3)": "other is a shop_app.Order, not 3 (int)",
            "shop.Order.ship('ups')": "shop.Order.ship is a method of instances",
            "shop.Ordr.find(42).ship('ups')": "no class 'shop.Ordr' is registered here",
            "shop.restok('socks', 3)": "no function 'shop.restok' is registered here",
            "'a'.format(1)": "cannot be sent",
            "shop.pay(shop.Money('3'))": "money.amount is an int, not '3' (str)",
            "shop.pay(3)": "money is a shop_app.Money, not 3 (int)",
            "shop.pay(shop.Money(3), shop.Money(3))": "colour is a shop_app.Colour or None, not a shop_app.Money",
            "os.system('ls')": "no function 'os.system' is registered here",
        }
        told = self.told(app, server, *fits, *misfits)
        assert [(code, said[:7]) for code, said in told[: len(fits)]] == [(0, "put job")] * len(fits)
        for (code, said), (call, reason) in zip(told[len(fits) :], misfits.items(), strict=True):
            assert (code, reason in said) == (1, True), (call, said)

    def test_what_is_declared_beside_the_code_travels(self, server: Server, app: Path) -> None:
        with client(server, use="shop/1.4.2") as onlooker:
            while onlooker.stats_tube("shop/1.4.2")["current-jobs-ready"]:
                onlooker.delete(onlooker.peek_ready())
            self.told(app, server, "shop.restock('socks', 3)")
            assert read(onlooker.peek_ready().body).time_limit == 77

    def test_a_module_that_is_not_there_is_refused(self, server: Server, app: Path) -> None:
        words = (sys.executable, "-m", "ayl.cli.beanstalk", "put_ayl_job", "-c", "shop_ap", CALL)
        done = subprocess.run(words, cwd=app, capture_output=True, text=True, check=False)
        assert done.returncode == ExitCode.REFUSED
        assert "cannot import the module 'shop_ap'" in done.stderr.splitlines()[-1]
