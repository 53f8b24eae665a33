"""docs/django.md is true: its files are written, its commands run and its snippets executed, in its order.

It is followed by tests/installed, where nothing is there but what it installs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pages import Page
from tests.shop import PATIENCE, installed

if TYPE_CHECKING:
    from tests.shop import Shop

MANUAL = Page("docs/django.md")

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


def test_the_manual_says_how_to_install_it() -> None:
    assert MANUAL.commands[0] == 'pip install "ayl[django]"'
    assert installed(MANUAL.commands[0]) == {"django"}


def follow(shop: Shop) -> None:
    install, makemigrations, migrate, server, worker, plain, test = MANUAL.commands
    shop.install(install)
    begin(shop)
    shop.run(makemigrations)
    shop.run(migrate)
    shop.run(server)
    shop.run(worker)
    shop.python(VISIT)
    for line in ("order 1 goes with ups", "order 1 is archived", "thanks for order 1", "restocking 1 socks",
                 "0 orders are not paid", "order 1 goes with pigeon", "welcome back, ann"):  # fmt: skip
        shop.wait_until(line, log="python")
    shop.python(PROJECT + MANUAL.files["shop/moments.py"])
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


def begin(shop: Shop) -> None:
    """A new project, as Django makes it, with what the manual says written into it."""
    shop.environment["PYTHONUNBUFFERED"] = "1"
    shop.run("django-admin startproject mysite .")
    shop.run("python manage.py startapp shop")
    settings = shop.directory / "mysite/settings.py"
    before = settings.read_text()
    MANUAL.write(shop.directory)
    settings.write_text(before + settings.read_text())


def test_the_manual_has_no_other_commands_and_files() -> None:
    assert not MANUAL.snippets
    assert not MANUAL.sessions
    assert len(MANUAL.commands) == 7
    assert set(MANUAL.files) == {
        "mysite/settings.py", "mysite/urls.py", "shop/models.py", "shop/moments.py", "shop/tasks.py", "shop/tests.py",
        "shop/views.py",
    }  # fmt: skip
