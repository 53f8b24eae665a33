"""The results as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .outcome import Outcome
    from .suite import Suite

HEAD = ("suite", "version", "language", "from", "server", "tests", "passed", "known", "failed", "seconds", "remark")
NUMBERS = {"tests", "passed", "known", "failed", "seconds"}
DETAIL_LINES = 12
"""Of a failure, the last ones: there pytest and nose say what happened. --keep keeps the rest."""

DETAILED_FAILURES = 3
"""Of one suite: when more fail, it is mostly for one and the same reason."""


def table(outcomes: Sequence[Outcome]) -> str:
    """One line for each suite and server."""
    rows = [HEAD, *(row(outcome) for outcome in outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if title in NUMBERS else cell.ljust(width)
            for cell, width, title in zip(cells, widths, HEAD, strict=True)
        ).rstrip()
        for cells in rows
    ]
    return "\n".join(lines) + "\n"


def row(outcome: Outcome) -> tuple[str, ...]:
    suite = outcome.suite
    names = (suite.name, suite.version, suite.language, suite.origin.value.split(",")[0], outcome.server)
    if outcome.trouble:
        return (*names, "", "", "", "", "", f"NOT RUN: {outcome.trouble}")
    numbers = (outcome.run, outcome.passed, outcome.known_failures, len(outcome.failures) + outcome.missing)
    return (*names, *map(str, numbers), f"{outcome.seconds:.0f}", remark(outcome))


def remark(outcome: Outcome) -> str:
    words = []
    if outcome.missing:
        words.append(f"{outcome.missing} of {outcome.suite.tests} tests NOT RUN")
    if outcome.suite.left_out:
        words.append(f"{len(outcome.suite.left_out)} left out")
    return ", ".join(words)


def explanations(outcomes: Sequence[Outcome]) -> str:
    """What failed unexpectedly with its last words, and why the known failures and what was left out are so."""
    failures = [line for outcome in outcomes for line in _failures(outcome)]
    # The same whatever the server is, so told once.
    suites = {outcome.suite.name: outcome.suite for outcome in outcomes if not outcome.trouble}
    reasons = [line for suite in suites.values() for line in _reasons(suite)]
    return "".join(f"{line}\n" for line in (*failures, *reasons))


def _failures(outcome: Outcome) -> Iterator[str]:
    where = f"{outcome.suite.name} against {outcome.server}"
    for number, failure in enumerate(outcome.failures):
        yield f"FAILED: {where}: {failure.test}"
        if number < DETAILED_FAILURES:
            yield from (f"    {line}" for line in failure.detail.splitlines()[-DETAIL_LINES:])
    for test in outcome.cured:
        yield f"no longer fails, though known to: {where}: {test}"


def _reasons(suite: Suite) -> Iterator[str]:
    for what, tests in (("fails on the original too", suite.known_failures), ("left out", suite.left_out)):
        for why in dict.fromkeys(tests.values()):
            named = ", ".join(test for test, reason in tests.items() if reason == why)
            yield f"{suite.name}: {what}: {named}: {why}"
