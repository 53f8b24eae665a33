"""The app `ayl.contrib.django`: the setting AYL is ayl's configuration, and mistakes in it are told at the start."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

import ayl
from ayl import settings as configuration


def started(given: object) -> None:
    """What Django does with the app when it starts."""
    with override_settings(AYL=given):
        apps.get_app_config("ayl").ready()


def test_the_setting_configures_ayl() -> None:
    started({"app": "shop", "version": "1.4.2", "engine": "synchronous", "defaults": {"failed_job_delay": 5}})
    settings = configuration.current()
    assert (settings.tube(), settings.engine) == ("shop/1.4.2", "synchronous")
    assert settings.defaults.failed_job_delay == 5


def test_without_the_setting_ayl_is_configured_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_APP", "home")
    started({"version": "1"})
    assert configuration.current().tube() == "home/1"
    apps.get_app_config("ayl").ready()
    assert configuration.current().tube() == "home/1"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"apps": "shop"}, r"^unknown name 'apps' in the setting AYL; did you mean 'app'\?$"),
        ({"APP": "shop"}, r"^unknown name 'APP' in the setting AYL; known are app, version, engine, "),
        ({1: "shop"}, r"^unknown name 1 in the setting AYL; "),
        ("shop", r"^the setting AYL is a dict such as AYL = \{.*\}, not 'shop'$"),
        ({"app": "a shop"}, r"^the setting AYL: "),
        (
            {"app": "shop", "timeout": "soon"},
            r"^the setting AYL: timeout is a number above 0, at most 3600, not 'soon'",
        ),
        ({"defaults": {"prioritty": 1}}, r"^the setting AYL: unknown option 'prioritty'; did you mean 'priority'\?$"),
    ],
)
def test_what_makes_no_sense_is_improperly_configured(given: Any, why: str) -> None:
    before = ayl.configure(app="home")
    with pytest.raises(ImproperlyConfigured, match=why):
        started(given)
    assert configuration.current() is before


def test_an_engine_that_there_is_not_is_improperly_configured() -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"^the setting AYL: no engine 'redis://here': use beanstalk://HOST:PORT"
    ):
        started({"app": "shop", "engine": "redis://here"})


def test_a_process_that_only_imports_django_sends_as_before() -> None:
    code = """
import json, django.db, ayl
ayl.configure(app="shop", engine="synchronous")
calls = []

@ayl.task("shop.note")
def note(word): calls.append(word)

ayl.send(note, "socks")
print(json.dumps(calls))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["socks"]


def test_ayl_alone_does_not_import_django() -> None:
    code = "import sys, ayl, ayl.cli.worker; print([name for name in sys.modules if name.startswith('django')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
