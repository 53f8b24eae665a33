"""`ayl_beanstalk why` and `doctor`: what is the matter, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ayl import settings as configuration
from ayl.admin.findings import TROUBLE, WARNING, Finding, many, worst_first
from ayl.cli import completion
from ayl.cli.described import line
from ayl.cli.output import visible
from ayl.cli.requests import Request, command
from ayl.cli.spool import SPOOL
from ayl.errors import NotConfigured, SpoolUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ayl import admin
    from ayl.admin.examination import Examination

ID = click.Argument(["id"], type=click.IntRange(1, 2**64 - 1), shell_complete=completion.jobs)

STATUS = click.Option(
    ["--status"],
    metavar="PATH",
    default="",
    envvar="AYL_WORKER_STATUS",
    show_envvar=True,
    help="Where a worker of this machine tells how it is, as given to it with --status.",
)

COLOURS = {"trouble": "red", "warning": "yellow", "note": None}


@command(ID, STATUS)
def why(request: Request, id: int, status: str) -> None:  # noqa: A002 - a job's
    """Why this job does not run, or where it is.

    Each line is one reason, the gravest first, and what to do about it. Of a reserved job, the workers of this machine
    are asked whether it is theirs: those that were started with --status by this user, and the one at --status. With
    AYL_SECRETS or an ayl.toml at hand, the signature is looked at, too. Nothing is changed.

    \b
    Examples:
      ayl_beanstalk why 981
      ayl_beanstalk why 981 --json | jq -r '.findings[].code'

    Exit code 1 if there is no such job.
    """
    from ayl.admin.circumstances import circumstances  # with all that reads messages
    from ayl.admin.why import reasons

    found = circumstances(request.server, id, configuration.current().secrets, status)
    findings = reasons(found)
    text = [line(found.job)] if found.job is not None else []
    request.answer({"id": id, "job": found.job, "findings": findings}, "\n".join([*text, *_told(findings)]))
    if found.job is None:
        request.refuse()


@command(SPOOL)
def doctor(request: Request, directory: str | None) -> None:
    """What is wrong with the server and its tubes.

    Each line is one finding, the gravest first, and what to do about it: `trouble` needs somebody now, a `warning`
    should be looked at, a `note` is good to know. With --tube, which may be a pattern, only these tubes are looked at.
    The spool of this machine is looked at, too. Nothing is changed.

    \b
    Examples:
      ayl_beanstalk doctor
      ayl_beanstalk doctor --tube 'shop/*'
      ayl_beanstalk -h queue1,queue2 doctor --json
      ayl_beanstalk doctor || mail -s 'queue' operators@example.org

    Exit code 0 if there is no trouble, 1 if there is.
    """
    from ayl.admin import ailments  # with all that reads messages
    from ayl.admin.examination import examine

    def examined(server: admin.Server) -> Examination:
        return examine(server, request.named_tube)

    seen = [found for _, found in request.each(examined)]
    findings = [_at(one.server, finding, len(request.servers)) for one in seen for finding in ailments.ailments(one)]
    findings = worst_first([*findings, *ailments.differences(seen), *_of_spool(directory)])
    tubes = sum(len(one.examined) for one in seen)
    request.answer(findings, "\n".join(_told(findings)) or f"all is well with {many(tubes, 'tube')}")
    if any(finding.severity == TROUBLE for finding in findings):
        request.refuse()


def _at(server: str, finding: Finding, servers: int) -> Finding:
    """With the place, where there are several."""
    return replace(finding, server=server) if servers > 1 else finding


def _of_spool(directory: str | None) -> list[Finding]:
    from ayl import spooled
    from ayl.admin.ailments import spool_ailments

    try:
        place = directory or configuration.current().spool_directory()
    except NotConfigured:  # a user without a home keeps nothing there
        return []
    try:
        return spool_ailments(spooled.contents(place)) if Path(place).is_dir() else []
    except SpoolUnusable as error:
        return [Finding("spool_unusable", WARNING, str(error), "ayl_beanstalk spool list")]


def _told(findings: Iterable[Finding]) -> list[str]:
    told = []
    for finding in findings:
        severity = click.style(f"{finding.severity:7}", fg=COLOURS[finding.severity])
        where = f"{finding.server}: " if finding.server else ""
        told.append(f"{severity}  {visible(where + finding.sentence)}")
        if finding.cure:
            told.append(f"{'':7}  -> {visible(finding.cure)}")
    return told
