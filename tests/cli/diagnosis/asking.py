"""The command, run in this process, and bodies of jobs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from tests.cli.schemas import FINDING, fault

if TYPE_CHECKING:
    from ayl.admin import Server


def run(*words: str, server: Server | None = None) -> Result:
    where = [] if server is None else ["-p", str(server.port)]
    return CliRunner().invoke(ayl_beanstalk, [*where, *words])


def answer(*words: str, server: Server) -> str:
    done = run(*words, server=server)
    assert (done.stderr, done.exit_code) == ("", ExitCode.OK)
    return done.stdout


def document(*words: str, server: Server, code: ExitCode = ExitCode.OK) -> Any:
    done = run(*words, "--json", server=server)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def codes(findings: list[dict[str, Any]]) -> list[str]:
    """After a look at their form."""
    for finding in findings:
        assert fault(finding, FINDING) == ""
        assert finding["severity"] in ("trouble", "warning", "note")
        assert "\n" not in finding["sentence"]
    return [finding["code"] for finding in findings]


def body(life: str = "", **changes: object) -> bytes:
    """A message as a sender would write it."""
    message = {
        "type": "ayl",
        "v": 1,
        "id": "0192",
        "app": "shop",
        "ver": "1",
        "do": "shop.restock",
        "sent": time.time(),
    }
    text = json.dumps({**message, "args": ["socks"], **changes})
    return (f'{{"life":{life},{text[1:]}' if life else text).encode()
