"""docs/migrating_from_beanstalkc.md is true: what it shows is run in its order, and its tables are compared."""

from __future__ import annotations

import re

import greenstalk
import pytest

from ayl import beanstalkc
from tests.pages import Page
from tests.shop import Shop, shop

__all__ = ["shop"]

PAGE = Page("docs/migrating_from_beanstalkc.md")

EQUIVALENTS = re.findall(r"^\| (.*?) \| (.*?) \|$", PAGE.text.partition("## On to greenstalk")[2], re.MULTILINE)
EQUIVALENTS = EQUIVALENTS[2 : [old for old, _ in EQUIVALENTS].index("`SocketError`")]


def test_following_the_page_step_by_step_works(shop: Shop) -> None:
    server, old_worker, worker, look = PAGE.commands
    first, put, send = PAGE.snippets
    shop.run(server)
    shop.python(first)
    shop.session("\n".join(PAGE.sessions).replace("11300", str(shop.port)))

    for name, text in PAGE.files.items():
        (shop.directory / name).write_text(text.replace("11300", str(shop.port)))
    shop.run(old_worker)
    shop.python(put.replace("11300", str(shop.port)))
    shop.wait_until("sending a letter\n", log="python")
    shop.run(worker)
    shop.python(send)
    shop.wait_until("sending a letter by ayl\n", log="ayl_worker")
    assert "mail" in shop.run(look)


def test_the_old_worker_of_the_page_survives_its_server(shop: Shop) -> None:
    server, old_worker, *_ = PAGE.commands
    _, put, _ = PAGE.snippets
    worker = PAGE.files["mail_worker.py"].replace("11300", str(shop.port)).replace("sleep(1)", "sleep(0.05)")
    (shop.directory / "mail_worker.py").write_text(worker)
    shop.run(server)
    shop.run(old_worker)
    put = put.replace("11300", str(shop.port))
    shop.python(put)
    shop.wait_until("sending a letter\n", log="python")
    stopped = shop.background.pop(0)
    stopped.kill()
    stopped.wait()
    shop.wait_until("lost the connection", log="python")
    shop.run(server)
    shop.background.insert(0, shop.background.pop())  # which is ended last
    shop.python(put)
    shop.wait_until("a letter\nlost the connection", log="python")
    shop.wait_until("makes another\nsending a letter\n", log="python")


@pytest.mark.parametrize(("old", "new"), EQUIVALENTS)
def test_what_the_page_calls_equivalent_is_there(old: str, new: str) -> None:
    owners = {"beanstalk": beanstalkc.Connection, "job": beanstalkc.Job, "client": greenstalk.Client}
    for name, method in re.findall(r"\b(beanstalk|job|client)\.(\w+)\(", old + new):
        assert callable(getattr(owners[name], method))
    for error in re.findall(r"\b\w+Error\b", new):
        assert issubclass(getattr(greenstalk, error), greenstalk.BeanstalkdError)


def test_the_page_tells_greenstalks_defaults() -> None:
    assert greenstalk.DEFAULT_PRIORITY == 65_536
    assert greenstalk.DEFAULT_TTR == 60
    assert "priority 65,536 and ttr 60 unless given" in PAGE.text
