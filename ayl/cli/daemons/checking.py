"""`check` and `schema`: is the file all right, and what may stand in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import MEANINGS, Exit, epilog
from ayl.cli.daemons.files import NAME, OPTIONS, Misconfigured, configuration
from ayl.cli.output import as_json, visible
from ayl.daemons.spec.places import configured_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ayl.daemons.spec.problems import Problem

CHECK_EPILOG = """
What is looked at: the file and the fragments in conf.d beside it, and whether what they name is there: paths, programs,
users, groups, files of variables. Nothing is started or changed. Commands that start something check the same before.

""" + epilog(
    f"{NAME} check",
    f"{NAME} check --config /srv/shop/daemons.yml",
    f"{NAME} check shop",
    f"{NAME} check --json | jq -r '.problems[].text'",
    meanings={
        Exit.DONE: "all is well; what is unwise, such as a daemon that runs as root, is told on stderr",
        Exit.USAGE: MEANINGS[Exit.USAGE],
        Exit.NOT_CONFIGURED: "something is wrong: each mistake is a line, FILE:LINE:COLUMN: KEY: what is wrong",
    },
)


@click.command(params=[NAMES, *OPTIONS], epilog=CHECK_EPILOG)
@click.option("--json", "wants_json", is_flag=True, help="One JSON document: problems, warnings, daemons.")
def check(names: tuple[str, ...], config: str | None, wants_json: bool) -> None:
    """Read the file and tell everything that is wrong with it.

    With names, of the machine only what these daemons need is looked for.
    """
    try:
        found = configuration(config, names or None)
    except Misconfigured as error:
        if wants_json:
            click.echo(as_json(_document(configured_path(config, os.environ), error.problems, (), ())))
        raise
    known = [daemon.name for daemon in chosen(found.daemons, names)]
    if wants_json:
        click.echo(as_json(_document(found.path, (), found.warnings, known)))
        return
    for warning in found.warnings:
        click.echo(visible(f"warning: {warning}"), err=True)
    click.echo(told(known))


def told(names: Sequence[str]) -> str:
    """How many there are."""
    of_apps = [name.partition(".")[0] for name in names if "." in name]
    parts = [f"{_counted(len(of_apps), 'daemon')} of {_counted(len(set(of_apps)), 'application')}"] if of_apps else []
    parts += ["the server"] if "server" in names else []
    return f"{' and '.join(parts)}: all is well"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _document(
    path: str, problems: Iterable[Problem], warnings: Iterable[Problem], names: Iterable[str]
) -> dict[str, object]:
    return {
        "file": path,
        "problems": [_problem(problem) for problem in problems],
        "warnings": [_problem(problem) for problem in warnings],
        "daemons": [*names],
    }


def _problem(problem: Problem) -> dict[str, object]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line or None,
        "column": place.column or None,
        "key": problem.key,
        "text": problem.text,
    }


SCHEMA_EPILOG = """
Editors with a YAML language server complete keys and mark mistakes while you type. Tell yours by a first
line in the file.

""" + epilog(
    f"{NAME} schema > /etc/ayl/daemons.schema.json",
    "# yaml-language-server: $schema=/etc/ayl/daemons.schema.json",
    meanings={Exit.DONE: "done", Exit.USAGE: MEANINGS[Exit.USAGE]},
)


@click.command(epilog=SCHEMA_EPILOG)
def schema() -> None:
    """Print the JSON schema of the file, for editors."""
    from ayl.daemons import spec

    click.echo(Path(spec.__file__).with_name("schema.json").read_text(), nl=False)
