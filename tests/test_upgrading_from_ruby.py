"""docs/upgrading_from_ruby.md is true: its files are written, its commands run; and nothing of Ruby's is left out."""

from __future__ import annotations

import os
import pwd
import re
import sys
from pathlib import Path

import pytest

import ayl
from ayl import beanstalkc
from ayl.cli.beanstalk import ayl_beanstalk
from ayl.cli.worker import main as ayl_worker
from ayl.pidfiles import holder
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

PAGE = Page("docs/upgrading_from_ruby.md")

# What there is in Ruby (and in beanstalkc), by its names

DEFAULTS = {
    "priority": 512,
    "fuzz": 0,
    "delay": 0,
    "time_to_run": 120,
    "queue_name": "default",
    "failed_job_handler": "delete",
    "failed_job_delay": 60,
    "failed_job_count": 3,
}
"""Options of a message."""

WORKER_OPTIONS = ("-t", "-e", "-a", "-r", "-c", "-p", "-n")
CONTROLS = ("start", "stop", "restart", "run", "status")
OPERATOR_OPTIONS = ("-h", "-p", "-t", "--help")
COMMANDS = (
    *("statistics", "list_tubes", "tube_statistics", "job_statistics", "peek_job", "peek_ready", "peek_delayed"),
    *("peek_buried", "delete", "kick", "put_job", "put_ayl_job", "put_sleep_job", "kill_worker", "eat_job"),
    *("eat_all_jobs", "move_jobs"),
)
"""Of ayl_beanstalk."""

WORDS = (
    *("ayl_send", "ayl_send_opts", "to_rrepr", "get_cache", "Kernel.exit", "RequiresJobDecay", "RequiresJobBury"),
    *("UnrecoverableMessageException", "ayl_message", "burying_job", "process_messages", "unscoped", "code", "type"),
    *("ayl_after_save", "ayl_after_create", "ayl_after_update", "ayl_after_commit", ":if", ":unless"),
    *(":message_options", "skip_ayl_callback", "skip_ayl_callbacks", "debug", "error", "fatal", "info", "warn"),
    *("host", "port", "q-stat", "-b"),
)
"""The rest."""

CONNECTION = (
    *("connect", "close", "reconnect", "put", "reserve", "kick", "kick_job", "peek", "peek_ready", "peek_delayed"),
    *("peek_buried", "tubes", "using", "use", "watching", "watch", "ignore", "stats", "stats_tube", "stats_job"),
    *("pause_tube", "delete", "release", "bury", "touch"),
)
JOB = ("delete", "release", "bury", "kick", "touch", "stats")
FIELDS = ("jid", "body", "reserved", "conn")
ERRORS = ("BeanstalkcException", "UnexpectedResponse", "CommandFailed", "DeadlineSoon", "SocketError")

LIBRARIES = ("ayl-beanstalk", "ayl-rails", "ayl-thread", "abaqis_daemons", "beanstalkd", "beanstalkc")


def section(heading: str) -> str:
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE.text, re.DOTALL | re.MULTILINE)
    return str(found)


def told_in(text: str) -> set[str]:
    """What stands there as code in the text, its words taken apart."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    codes = re.findall(r"`([^`\n]+)`", prose)
    return {*codes, *(word for code in codes for word in re.split(r"[\s(),=]+", code))}


# The page is followed


def test_following_the_page_step_by_step_works(shop: Shop) -> None:
    server, tubes, worker, mails, articles, named, *operators = PAGE.commands
    configured, engines, saved = PAGE.snippets
    shop.run(server)
    assert "default" in shop.run(tubes)
    PAGE.write(shop.directory)
    first, old_library = PAGE.sessions
    shop.session(first)
    shop.session(old_library)
    shop.python(configured)
    shop.python(engines)

    shop.run(worker)
    shop.python(PAGE.files["send.py"])
    for words in ("order 42 goes with ups", "order 42 goes with dhl", "one order", "100 socks more"):
        shop.wait_until(words, log="ayl_worker")

    shop.run(mails)
    for name in ("ada", "busy", "nobody"):
        shop.python(f"import ayl, mails; ayl.send(mails.deliver, '{name}@example.com')")
    for words in (
        "delivered to ada@example.com",
        "delivered to busy@example.com",
        "to the operator: mails.deliver('nobody@example.com') was buried: no such address",
    ):
        shop.wait_until(words, log="ayl_worker")

    shop.run(articles)
    shop.python(saved)
    published = ("article 1 is published", "article 2 is published")
    for words in (*published, "article 1 is indexed", "article 3 is indexed"):
        shop.wait_until(words, log="ayl_worker")
    assert not [
        words for words in ("article 2 is indexed", "article 3 is published") if words in shop.log("ayl_worker")
    ]

    end(shop, 3)
    shop.run(named)
    shop.wait_until(" INFO shop_worker[", log="ayl_worker")
    assert holder(str(shop.directory / "shop_worker.pid")) == shop.background[-1].pid
    whole, table, put, kill = (shop.run(command.replace("-h localhost", "")) for command in operators)
    assert "current-jobs-ready" in whole
    assert "shop/1.4.2" in table
    assert "shop/1.4.2" in put
    assert kill
    shop.wait_until("order 43 goes with post", log="ayl_worker")
    assert shop.background.pop().wait(60) == 0


def end(shop: Shop, number: int) -> None:
    for _ in range(number):
        process = shop.background.pop()
        process.terminate()
        process.wait(60)


def test_a_message_of_rubys_is_buried_and_not_lost(shop: Shop) -> None:
    server, _, worker, *_ = PAGE.commands
    PAGE.write(shop.directory)
    shop.run(server)
    shop.run(worker)
    body = '{"type":"ayl","code":"Order.unscoped.find(42).ship(\\"ups\\")","failed_job_handler":"delete"}'
    shop.run(f"ayl_beanstalk -t shop/1.4.2 put_job '{body}'")
    shop.wait_until("buried", log="ayl_worker")
    shop.wait_until("its `code` is Ruby text", log="ayl_worker")
    shop.run("ayl_beanstalk -t shop/1.4.2 move_jobs default --state buried --yes")
    shop.run("ayl_beanstalk -t default kick")
    (job_id,) = re.findall(r"#(\d+) ready", shop.run("ayl_beanstalk -t default peek_ready"))
    assert shop.run(f"ayl_beanstalk peek_job {job_id} --raw") == body


def test_its_daemons_yml_is_right(shop: Shop) -> None:
    (text,) = [block.text for block in PAGE.blocks if block.language == "yaml"]
    (shop.directory / "VERSION").write_text("1.4.2\n")
    (shop.directory / ".venv").symlink_to(Path(sys.executable).parent.parent)
    me = pwd.getpwuid(os.getuid()).pw_name
    text = re.sub(r"user: [\w-]+", f"user: {me}", text).replace("/srv/shop", str(shop.directory))
    path = shop.directory / "daemons.yml"
    path.write_text(text)
    path.chmod(0o644)
    assert "3 daemons" in shop.run(f"python -m ayl.cli.daemons check --config {path}")


# Nothing is left out


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_has_its_place(library: str) -> None:
    assert library in "\n".join(line for line in PAGE.text.splitlines() if line.startswith(("## ", "|")))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_rubys_is_told(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?!\w)", "\n".join(told_in(PAGE.text)))


def test_options_are_told_with_both_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| `?(\w+)`? \| `?(\w+)`? \|$", section("Options"), re.MULTILINE)
    ours = ayl.Options()
    assert {name: default for name, _, default, _ in rows} == {name: str(value) for name, value in DEFAULTS.items()}
    for name, meaning, _, default in rows:
        field = "lane" if name == "queue_name" else name
        assert default == (str(getattr(ours, field)) or "default")
        assert f"`{name}`" in meaning


def test_new_options_are_told() -> None:
    (new,) = re.findall(r"^.*New are (.*)\.$", section("Options"), re.MULTILINE)
    known = {*ayl.Options.__dataclass_fields__, "queue_name"} - {"lane"}
    assert {*re.findall(r"`(\w+)`", new)} == known - {*DEFAULTS}


@pytest.mark.parametrize("option", WORKER_OPTIONS)
def test_every_option_of_rubys_worker_is_told_and_there(option: str) -> None:
    rows = re.findall(r"^\| `(-\w)\b", section("`ayl_worker`"), re.MULTILINE)
    assert option in rows
    assert any(option in parameter.opts for parameter in ayl_worker.params)


@pytest.mark.parametrize("word", CONTROLS)
def test_every_command_of_rubys_control_is_told(word: str) -> None:
    assert word in told_in(section("`ayl_worker_control`"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_rubys_ayl_beanstalk_is_told_and_there(command: str) -> None:
    text = section("`ayl_beanstalk`")
    assert command in told_in("\n".join(re.findall(r"^\| (.*?) \|", text, re.MULTILINE)))
    assert command in ayl_beanstalk.commands


@pytest.mark.parametrize("option", OPERATOR_OPTIONS)
def test_every_option_of_rubys_ayl_beanstalk_is_told_and_there(option: str) -> None:
    assert option in told_in(section("`ayl_beanstalk`"))
    assert option == "--help" or any(option in parameter.opts for parameter in ayl_beanstalk.params)


def test_the_new_commands_are_there() -> None:
    (new,) = re.findall(r"^\| \| new: (.*) \|$", section("`ayl_beanstalk`"), re.MULTILINE)
    told = {*re.findall(r"`(\w+)`", new), *COMMANDS, "kick_job", "quiet_worker", "restart_worker"}
    assert told == {*ayl_beanstalk.commands}


@pytest.mark.parametrize("name", [*CONNECTION, *JOB, *FIELDS, *ERRORS])
def test_every_name_of_beanstalkc_is_told(name: str) -> None:
    assert name in told_in(section("beanstalkd and beanstalkc"))


def test_the_names_of_beanstalkc_are_there() -> None:
    assert [name for name in CONNECTION if not callable(getattr(beanstalkc.Connection, name))] == []
    assert [name for name in JOB if not callable(getattr(beanstalkc.Job, name))] == []
    for name in ERRORS:
        assert issubclass(getattr(beanstalkc, name), beanstalkc.BeanstalkcException)


def test_links_lead_somewhere() -> None:
    docs = Path(__file__).parent.parent / "docs"
    for target in re.findall(r"\]\(([\w./]+\.md)(?:#[\w-]+)?\)", PAGE.text):
        assert (docs / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.*)$", PAGE.text, re.MULTILINE)
    }
    assert {*re.findall(r"\]\(#([\w-]+)\)", PAGE.text)} <= headings
