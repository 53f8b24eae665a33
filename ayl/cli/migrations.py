"""`ayl_beanstalk migrate` and `manifest`: from one release of an app to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ayl.admin import migrations, release_tubes
from ayl.cli.calls import APP_PATH, REQUIRE
from ayl.cli.consent import YES, ask
from ayl.cli.described import counted
from ayl.cli.output import Styled, Value, table
from ayl.cli.requests import Request, command
from ayl.errors import NotConfigured
from ayl.tubes import app_of, check_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.admin import Server
    from ayl.admin.migrations import Migrated, MigrationReport
    from ayl.manifest import Manifest, Problem
    from ayl.migration import Migration
    from ayl.settings import Settings

OLD = click.Argument(["old"], metavar="FROM")

NEW = click.Argument(["new"], metavar="TO")

DRY_RUN = click.Option(["-n", "--dry-run"], is_flag=True, help="Show what would become of the calls; change nothing.")

OUTPUT = click.Option(
    ["-o", "--output"],
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    show_default="standard output",
    help="Where to write it.",
)

CHECK = click.Option(
    ["--check"],
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="OLD",
    help="Compare with this manifest of an older release, instead of writing one.",
)

COLOURS = {"translated": "yellow", "buried": "red"}


@command(OLD, NEW, APP_PATH, REQUIRE, DRY_RUN, YES)
def migrate(
    request: Request, old: str, new: str, app_path: Path, require: tuple[str, ...], dry_run: bool, yes: bool
) -> None:
    """Move waiting calls to the tubes of another release.

    FROM and TO are versions of the app that ayl.toml, AYL_APP or the app's code names, or -t. Run it with the code of
    TO: each call is checked against that, with the app's secrets, and run nowhere. What fits moves from app/FROM to
    app/TO, lanes too, as it is: ready, delayed or buried, with its priority, what is left of its delay, its time to run
    and its message's id. Functions decorated with @ayl.upgrade translate. What does not fit is buried where it is, with
    the reason, and the exit code is 1. What workers hold is left to them.

    At worst, when this is killed, some calls are there twice, with the same message id; run it again. To the server,
    jobs that were moved are new: id, age and counters begin anew.

    --dry-run disturbs no job. It looks at them by their ids, and says how many it has not found.

    \b
    Examples:
      ayl_beanstalk migrate 1.4 1.5 --require shop --dry-run
      ayl_beanstalk migrate 1.4 1.5 --require shop --yes
    """
    migration = _migration(request, old, new, app_path, require)

    def migrated(server: Server) -> MigrationReport:
        waiting = sum(map(migrations.waiting, release_tubes(server, migration.app, old)))
        if waiting and not dry_run:
            ask(f"Migrate {counted(waiting)} of {migration.app}/{old} at {server} to {migration.app}/{new}", yes)
        steps = migrations.migrate(server, migration, old, dry_run=dry_run)
        done = request.follow(
            steps,
            lambda so_far: f"{so_far.number(*migrations.FATES):,} of {waiting:,} jobs …",
            lambda so_far, error: replace(so_far, stopped=str(error)),
        )
        if done.number("buried") or done.stopped or done.twice:
            request.refuse()
        return done

    request.answer_each(migrated, _told)


def _migration(request: Request, old: str, new: str, app_path: Path, require: tuple[str, ...]) -> Migration:
    """Checked: a wrong one would bury everything."""
    settings = _loaded(app_path, require)
    app = app_of(request.named_tube) or settings.app
    if not app:
        raise click.UsageError("say which app: in ayl.toml, by AYL_APP or with -t APP")
    for version in (old, new):
        check_part("a version", version)
    if old == new:
        raise click.UsageError(f"the calls of {old} are there already")
    if settings.app not in ("", app):
        raise NotConfigured(f"the code that is loaded is that of the app {settings.app!r}, not of {app!r}")
    if settings.version not in ("dev", new):
        raise NotConfigured(f"the code that is loaded is that of version {settings.version!r}, not of {new!r}")
    from ayl.migration import Migration  # with all that reads messages, which the other commands need not wait for
    from ayl.worker import rest

    rest.declare()
    return Migration(app, new, settings.secrets)


def _loaded(app_path: Path, require: tuple[str, ...]) -> Settings:
    from ayl.loading import load
    from ayl.registry import registry

    settings = load(str(app_path.resolve()), require)
    if not registry.models and not registry.tasks:
        raise NotConfigured("nothing is declared that a message could name: give the app's modules with --require")
    return settings


def _told(done: MigrationReport) -> str:
    what = [("JOBS", "WHAT", "CALL", "WHY")] if done.calls else []
    rows = [row for call in done.calls for row in _rows(call)]
    return "\n".join([*([table(what[0], rows), ""] if what else []), *_summary(done)])


def _rows(call: Migrated) -> Iterator[tuple[Value, ...]]:
    first, *others = call.reasons or ("",)
    yield call.jobs, Styled(call.fate, colour=COLOURS.get(call.fate)), call.call, first
    for reason in others:
        yield "", "", "", reason


def _summary(done: MigrationReport) -> Iterator[str]:
    old, new = f"{done.app}/{done.old}", f"{done.app}/{done.new}"
    moved, translated = done.number("moved", "translated"), done.number("translated")
    buried, left = done.number("buried"), done.number("left")
    facts = [f"{moved:,} to {new}" + (f" ({translated:,} of them translated)" if translated else "")]
    facts += [f"{buried:,} buried in {old}"] if buried else []
    facts += [f"{left:,} left"] if left else []
    yield f"{'would move' if done.dry_run else 'moved'} {', '.join(facts)}"
    if done.dry_run and (seen := done.number(*migrations.FATES)) < done.waiting:
        yield f"only {seen:,} of {counted(done.waiting)} were looked at"
    if moved and not done.dry_run:
        yield "id, age and counters of these jobs begin anew; message ids, priorities, delays and times to run are kept"
    if done.reserved:
        yield f"workers still hold {counted(done.reserved)}: run this again when they are done"
    if done.twice:
        yield f"of {counted(done.twice)} a worker has taken the old one and another the new: these run twice"
    if done.stopped:
        yield done.stopped


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether waiting calls of a release could run in another."""

    app: str
    old: str
    new: str
    problems: tuple[Problem, ...]


@command(APP_PATH, REQUIRE, OUTPUT, CHECK)
def manifest(
    request: Request, app_path: Path, require: tuple[str, ...], output: Path | None, check: Path | None
) -> None:
    """Write down what messages may call in this release.

    The manifest is JSON, always the same for the same code: keep it beside the code. With --check it is compared with
    that of an older release: the exit code is 1 if calls of that one which still wait could not run in this one,
    upgrades (@ayl.upgrade) considered, and each is named. No server is asked.

    \b
    Examples:
      ayl_beanstalk manifest --require shop -o manifest.json
      ayl_beanstalk manifest --require shop --check manifest.json
    """
    if output is not None and check is not None:
        raise click.UsageError("--check compares and writes nothing: leave out --output")
    settings = _loaded(app_path, require)
    settings.tube()  # so that there is an app
    from ayl import manifest as manifests

    present = manifests.manifest(settings.app, settings.version)
    if check is not None:
        _compare(request, present, manifests.read(check.read_bytes(), str(check)), str(check))
    elif output is None:
        click.echo(manifests.write(present), nl=False)
    else:
        output.write_text(manifests.write(present))


def _compare(request: Request, present: Manifest, old: Manifest, place: str) -> None:
    from ayl.manifest import NotAManifest, problems

    if old.app != present.app:
        raise NotAManifest(f"{place} is of the app {old.app!r}; this is {present.app!r}")
    found = Checked(present.app, old.version, present.version, (*problems(old, present),))
    releases = f"{found.app} {found.old} could all run in {found.new}"
    if not found.problems:
        request.answer(found, f"calls of {releases}")
        return
    rows = [(problem.name, Styled(problem.problem, colour="red")) for problem in found.problems]
    request.answer(found, f"{table(('CALL', 'PROBLEM'), rows)}\n\ncalls of {releases}, but for these")
    request.refuse()
