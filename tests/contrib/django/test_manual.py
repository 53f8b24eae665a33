"""docs/django.md is true: its files are written, its commands run and its snippets executed, in its order."""

from __future__ import annotations

import re
from importlib.metadata import requires
from typing import TYPE_CHECKING

import pytest

from tests.test_readme import PATIENCE, ROOT, Block, Shop, shop, wait_for_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shop"]

MANUAL = [
    Block(language, text)
    for language, text in re.findall(
        r"^```(\w+)\n(.*?)^```$", (ROOT / "docs" / "django.md").read_text(), re.DOTALL | re.MULTILINE
    )
]
COMMANDS = [
    line.removeprefix("$ ") for block in MANUAL if block.language == "console" for line in block.text.splitlines()
]
FILES = {block.text.partition("\n")[0].removeprefix("# "): block.text for block in MANUAL if block.language == "python"}

PROJECT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
"""
"""What `manage.py shell` does first."""

VISIT = f"""{PROJECT}
from django.contrib.auth.models import User
from django.test import Client
from shop.models import Order
client = Client(headers={{"host": "localhost"}})
order = Order.objects.create()
assert client.post(f"/pay/{{order.pk}}").content == b"thank you\\n"
assert client.post(f"/hurry/{{order.pk}}").content == b"it flies\\n"
client.force_login(User.objects.create(username="ann"))
assert client.get("/welcome").content == b"hello\\n"
"""


@pytest.fixture
def site(shop: Shop) -> Path:
    """A new project, as Django makes it, with what the manual says written into it."""
    shop.environment["PYTHONUNBUFFERED"] = "1"
    shop.run("django-admin startproject mysite .")
    shop.run("python manage.py startapp shop")
    for name, text in FILES.items():
        file = shop.directory / name
        before = file.read_text() if name == "mysite/settings.py" else ""
        file.write_text(before + text)
    return shop.directory


def test_the_manual_says_how_to_install_it() -> None:
    assert COMMANDS[0] == 'pip install "ayl[django]"'
    assert [line for line in requires("ayl") or () if re.match(r"django.*extra == .django.$", line)]


@pytest.mark.usefixtures("site")
def test_following_the_manual_step_by_step_works(shop: Shop) -> None:
    _, makemigrations, migrate, server, worker, plain, test = COMMANDS
    shop.run(makemigrations)
    shop.run(migrate)
    shop.run(server)
    wait_for_server(shop.port)
    shop.run(worker)
    shop.python(VISIT)
    for line in ("order 1 goes with ups", "order 1 is archived", "thanks for order 1", "restocking 1 socks",
                 "0 orders are not paid", "order 1 goes with pigeon", "welcome back, ann"):  # fmt: skip
        shop.wait_until(line, log="python")
    shop.python(PROJECT + FILES["shop/moments.py"])
    for line in ("restocking 1 shoes", "restocking 1 hats"):
        shop.wait_until(line, log="python")
    assert "nobody" not in shop.log("python")
    assert "failed" not in shop.log("python")

    shop.run(plain)
    shop.wait_until("takes jobs from shop/1.4.2", log="env")
    shop.run(test)
    for process in shop.background[1:]:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_the_manual_has_no_other_commands_and_files() -> None:
    assert len(COMMANDS) == 7
    assert set(FILES) == {
        "mysite/settings.py", "mysite/urls.py", "shop/models.py", "shop/moments.py", "shop/tasks.py", "shop/tests.py",
        "shop/views.py",
    }  # fmt: skip
