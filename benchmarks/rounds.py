"""The rounds of a load: fresh servers in turns, A B A B, so that a machine that gets slower gets slower for all."""

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter

from benchmarks.connection import Connection, Watch
from benchmarks.disk import flushes, scratch
from benchmarks.generator import measure
from benchmarks.loads import LOADS
from benchmarks.loads.model import BEANSTALKD, Load, Outcome
from benchmarks.meter import DISTURBED_SHARE
from benchmarks.processes import Cores, Kind, Server, check_modules, greet, running, when_listening
from benchmarks.quiet import Patience

QUICK_SHARE = 5  # a quick run does a fifth of the work
QUICK_ROUNDS = 3

LOST = "jobs lost by kill -9"
FLUSHES = "disk flushes per 1,000 commands"

Runs = dict[str, list[Outcome]]
"""What each server has shown, round by round."""

BEGAN = time.monotonic()


def run_round(
    name: str,
    number: int,
    kinds: Iterable[Kind],
    cores: Cores,
    options: argparse.Namespace,
    patience: Patience,
    runs: Runs,
) -> None:
    """The round of this number, if the load has as many; `runs` is filled, so that no later failure loses it."""
    load, amount = LOADS[name], amount_of(name, options)
    for kind in kinds:
        count = rounds_of(load, kind.name, options)
        if kind.name not in load.without and number <= count:
            outcome = calmest_round(name, kind, cores, amount, patience, sleep=options.sleep)
            runs.setdefault(kind.name, []).append(outcome)
            say(f"{name} {number}/{count} {kind.name}: {summary(outcome)}")


def calmest_round(name: str, kind: Kind, cores: Cores, amount: int, patience: Patience, *, sleep: bool) -> Outcome:
    """A round that others have disturbed is tried once more, as long as there is patience."""
    patience.wait()
    outcome = one_round(name, kind, cores, amount, sleep=sleep)
    if outcome.disturbed > DISTURBED_SHARE and patience.left:
        say(f"{name} {kind.name}: others had {outcome.disturbed:.0%} of the cores; again")
        patience.wait()
        again = one_round(name, kind, cores, amount, sleep=sleep)
        return min(outcome, again, key=attrgetter("disturbed"))
    return outcome


def amount_of(name: str, options: argparse.Namespace) -> int:
    return LOADS[name].amount // (QUICK_SHARE if options.quick else 1)


def rounds_of(load: Load, server: str, options: argparse.Namespace) -> int:
    most = load.peer_rounds if server == BEANSTALKD else load.rounds
    wanted: int = options.repeat or (QUICK_ROUNDS if options.quick else load.rounds)
    return min(most, wanted)


def one_round(name: str, kind: Kind, cores: Cores, amount: int, *, sleep: bool) -> Outcome:
    if LOADS[name].binlog:
        return durable_round(name, kind, cores, amount, sleep=sleep)
    with running(kind, cores.server) as server:
        make_sure(kind, server)
        return measure(name, server, amount, cores, sleep=sleep)


def durable_round(name: str, kind: Kind, cores: Cores, amount: int, *, sleep: bool) -> Outcome:
    """With a binlog; afterwards the server is killed, and another one must find what it has confirmed."""
    with scratch() as directory:
        options = ("-b", str(directory), *LOADS[name].binlog)
        with running(kind, cores.server, options) as server:
            make_sure(kind, server)
            before = flushes(directory)
            outcome = measure(name, server, amount, cores, sleep=sleep)
            after = flushes(directory)
            server.process.kill()
            server.process.wait()
        with running(kind, cores.server, options) as server:
            make_sure(kind, server)
            figures = {LOST: float(outcome.left - ready_jobs(server))}
    if before is not None and after is not None:
        commands = sum(sample.commands for sample in outcome.stretches.values())
        figures[FLUSHES] = (after - before) / commands * 1000
    return replace(outcome, figures=outcome.figures | figures)


def make_sure(kind: Kind, server: Server) -> None:
    """That it answers, and is what it is measured as."""
    with when_listening(server) as sock:
        greet(sock)
    check_modules(kind, server)


def ready_jobs(server: Server) -> int:
    with Watch(sleep=True) as watch, Connection(server.port, watch) as connection:
        return int(connection.stats()["current-jobs-ready"])


def summary(outcome: Outcome) -> str:
    stretches = (
        f"{title}{': ' if title else ''}{sample.commands_per_second:,.0f}/s, {sample.cpu_us_per_command:.2f} us,"
        f" queued {sample.queued_seconds / sample.seconds:.1%}"
        for title, sample in outcome.stretches.items()
    )
    figures = (f"{name}: {value:,.2f}" for name, value in outcome.figures.items())
    waits = (f"{phase}: longest reply {spread.own_longest:.1f} ms" for phase, spread in outcome.waits.items())
    return "; ".join((*stretches, *figures, *waits))


def say(line: str) -> None:
    """Progress; the tables alone go to stdout."""
    print(f"{time.monotonic() - BEGAN:4.0f} s  {line}", file=sys.stderr)
