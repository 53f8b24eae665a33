"""Runs one suite against one kind of server, from the registry to the verdicts."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import needs, report
from .bench import Bench
from .outcome import NoServerError, NotRunError, Outcome, Result, Verdict
from .registries import fetch, fetch_with
from .suite import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.processes.servers import Kind

    from .suite import Edit, Reported, Suite

LAST_WORDS = 2000
"""Characters of a script's output that are shown when it fails."""


@dataclass(frozen=True)
class Conditions:
    """What the person at the terminal has decided."""

    python2: str | None
    checkouts: Mapping[str, str]
    keep: bool
    patient: bool


def run(suite: Suite, kind: Kind, conditions: Conditions) -> Outcome:
    """Whatever goes wrong is told in the outcome."""
    started = time.monotonic()
    outcome = Outcome(suite, kind.name)
    checkout = conditions.checkouts.get(suite.name)
    try:
        needs.require(suite, kind.command, conditions.python2, checkout)
        with _folder(suite, kind, conditions.keep) as folder:
            package = fetch(suite, folder, conditions.python2, checkout)
            bench = Bench(folder, package, kind, conditions.python2)
            for preparation in suite.preparations:
                fetch_with(bench.command(preparation), package)
            outcome = replace(outcome, results=_results(suite, bench, conditions.patient), log=bench.log)
    except NotRunError as trouble:
        outcome = replace(outcome, trouble=trouble)
    return replace(outcome, seconds=time.monotonic() - started)


@contextmanager
def _folder(suite: Suite, kind: Kind, keep: bool) -> Iterator[Path]:
    # Not inside the repository: neither pytest nor npm shall find its configuration above the package.
    folder = Path(tempfile.mkdtemp(prefix=f"ayl-{suite.name}-{kind.name}-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _results(suite: Suite, bench: Bench, patient: bool) -> tuple[Result, ...]:
    try:
        if isinstance(suite.way, Scripts):
            return _scripts(suite, suite.way, bench)
        return _reported(suite, suite.way, bench, suite.way.patience if patient else ())
    except NoServerError as error:
        return (Result("the start of the server", Verdict.FAILED, str(error)),)


def _reported(suite: Suite, way: Reported, bench: Bench, patience: tuple[Edit, ...]) -> tuple[Result, ...]:
    if way.starts_servers:
        bench.choose_ports()
    with nullcontext() if way.starts_servers else bench.server():
        for edit in way.edits + patience:
            bench.edit(edit)
        code = bench.run(bench.command(way.command), suite.variables, suite.seconds)
    results = report.read(bench.report)
    if code is None:
        results += (Result("the whole suite", Verdict.FAILED, f"not finished after {suite.seconds:.0f} s"),)
    elif code and all(result.verdict is not Verdict.FAILED for result in results):
        # A report without a failure, and yet the command says that there was one: believe the command.
        results += (Result("the whole suite", Verdict.FAILED, f"exit code {code}\n{_last_words(bench.log)}"),)
    return results


def _scripts(suite: Suite, way: Scripts, bench: Bench) -> tuple[Result, ...]:
    files = sorted(path for path in bench.package.glob(way.pattern) if path.stem not in suite.left_out)
    return tuple(_script(suite, way, bench, file) for file in files)


def _script(suite: Suite, way: Scripts, bench: Bench, file: Path) -> Result:
    bench.log.write_bytes(b"")
    with bench.server():
        code = bench.run(bench.command(way.command, script=str(file)), suite.variables, suite.seconds)
    if code == 0:
        return Result(file.stem, Verdict.PASSED)
    why = f"not finished after {suite.seconds:.0f} s" if code is None else f"exit code {code}"
    return Result(file.stem, Verdict.FAILED, f"{why}\n{_last_words(bench.log)}")


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-LAST_WORDS:].strip()
