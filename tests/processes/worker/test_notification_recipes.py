"""docs/notifications.md is true: each recipe is loaded by a worker, and told of a job that fails."""

from __future__ import annotations

import json
import os
import re
import smtplib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.pages import Page
from tests.processes.deadline import eventually
from tests.processes.servers import environment

from .app import chores
from .mailbox import SENTRY, MailServer, WebServer, serving

if TYPE_CHECKING:
    from .workshop import Workshop

PAGE = Page("docs/notifications.md")
RECIPES = {block.section: block for block in PAGE.blocks if block.file}


def fails_under(workshop: Workshop, section: str, **replaced: str) -> int:
    """Let a worker load the recipe and a call fail for good; the job's id. `replaced`: words, by the test's own."""
    recipe = RECIPES[section].text
    for place, ours in replaced.items():
        (theirs,) = re.findall(PLACES[place], recipe)
        recipe = recipe.replace(theirs, ours)
    (workshop.folder / RECIPES[section].file).write_text(recipe)
    workshop.workers("--require", "alerts")
    handle = ayl.opts(failed_job_handler="bury").send(chores.fail, workshop.folder, "case", "ValueError")
    assert handle.job_id
    return workshop.await_state(handle.job_id, "buried")["id"]


PLACES = {"mail": r'"localhost", 25', "web": r"https://chat\.example\.com/hooks/ops"}
"""What only the reader's own machine has."""


def test_the_recipe_for_e_mail_mails(our_workshop: Workshop) -> None:
    with serving(MailServer()) as server:
        job_id = fails_under(our_workshop, "E-mail", mail=f'"127.0.0.1", {server.server_address[1]}')
        (mail,) = eventually(lambda: server.mails, our_workshop.told)
    assert (mail["From"], mail["To"]) == ("ayl@example.com", "ops@example.com")
    assert mail["Subject"].startswith(f"chores.fail(PosixPath('{our_workshop.folder}')"[:150])
    assert len(mail["Subject"]) == 150
    told = " ".join(mail.get_content().split())
    assert f"was buried (job {job_id} in {our_workshop.tube}): ValueError: the till is empty" in told
    assert re.search(rf"from process \d+ on {os.uname().nodename}$", told)


def test_the_recipe_for_e_mail_harms_nobody_when_there_is_no_mail_server(our_workshop: Workshop) -> None:
    with serving(MailServer()) as server:
        port = server.server_address[1]
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", port)
    fails_under(our_workshop, "E-mail", mail=f'"127.0.0.1", {port}')
    our_workshop.supervisors[0].awaits("the @ayl.on_bury hook alerts.mail failed")
    ayl.send(chores.note, our_workshop.folder, "afterwards")
    our_workshop.read("afterwards")


def test_the_recipe_for_sentry_captures_the_exception_and_the_burial(our_workshop: Workshop) -> None:
    (our_workshop.folder / "sentry_sdk.py").write_text(SENTRY)
    job_id = fails_under(our_workshop, "Sentry")
    path = our_workshop.folder / "sentry"
    lines = eventually(
        lambda: text.splitlines() if (text := path.read_text()).count("\n") == 4 else [], our_workshop.told
    )
    begun, ignored, exception, message = map(json.loads, lines)
    assert begun[:2] == ["init", "https://key@sentry.example.com/1"]
    assert ignored[:2] == ["ignore", "ayl.worker"]
    kind, error, scope = exception
    assert (kind, error) == ("exception", "ValueError('the till\\nis empty')")
    assert scope["ayl.tube"] == our_workshop.tube
    assert (scope["ayl"]["job"], scope["ayl"]["tries"], scope["ayl"]["fate"]) == (job_id, 1, "buried")
    assert scope["ayl"]["call"].startswith("chores.fail(")
    kind, text, scope = message
    assert (kind, scope) == ("message", {"ayl.tube": our_workshop.tube})
    assert "was buried" in text


def test_the_recipe_for_a_webhook_posts(our_workshop: Workshop) -> None:
    with serving(WebServer()) as server:
        fails_under(our_workshop, "A webhook", web=f"http://127.0.0.1:{server.server_address[1]}/hooks/ops")
        ((kind, post),) = eventually(lambda: server.posts, our_workshop.told)
    assert kind == "application/json"
    assert post["text"].endswith("ValueError: the till is empty")


def test_the_recipe_against_too_many_lets_one_of_a_kind_through(our_workshop: Workshop) -> None:
    fails_under(our_workshop, "Not a thousand of them")
    for trouble in ("ValueError", "RecursionError", "ValueError"):
        handle = ayl.opts(failed_job_handler="bury").send(chores.fail, our_workshop.folder, "case", trouble)
        our_workshop.await_state(handle.job_id, "buried")
    ayl.send(chores.note, our_workshop.folder, "afterwards")  # the hooks of the job before it have been called then
    our_workshop.read("afterwards")
    told = our_workshop.supervisors[0].logs(r"^chores\.fail\(.* failed \(try")
    assert [re.sub(r".*: (\w+): .*", r"\1", line) for line in told] == ["ValueError", "RecursionError"]


def test_the_test_of_a_hook_passes(our_workshop: Workshop) -> None:
    for section in ("Not a thousand of them", "Testing a hook"):
        (our_workshop.folder / RECIPES[section].file).write_text(RECIPES[section].text)
    command = [sys.executable, "-m", "pytest", "-q", "test_alerts.py"]
    done = subprocess.run(
        command, cwd=our_workshop.folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_page_has_no_other_code() -> None:
    code = [block for block in PAGE.blocks if block.language == "python"]
    assert {block.section for block in code} == {
        "E-mail", "Sentry", "A webhook", "Not a thousand of them", "Testing a hook"
    }  # fmt: skip
    (console,) = [block for block in PAGE.blocks if block.language != "python"]
    assert console.text == "$ ayl_worker --require shop --require alerts\n"
