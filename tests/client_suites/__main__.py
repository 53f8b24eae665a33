"""The command line of bin/client-suites."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.processes.servers import AYL_SERVER, BEANSTALKD, Kind

from .catalogue import SUITES
from .needs import missing_packages
from .outcome import NotAskedForError, Outcome
from .running import Conditions, run
from .table import explanations, table

ROOT = Path(__file__).resolve().parent.parent.parent

ALL_GOOD, SOME_FAILED, SOME_NOT_RUN = 0, 1, 2

HELP = """\
Runs the tests that clients of beanstalkd publish, against this project's server.

Each package is fetched from its registry into a temporary directory, compared with the digest of the
version that was looked at, pointed at a fresh server on a free port, and run with a time limit. That is
strangers' code: it runs with your rights, but sees none of your environment.
"""

EPILOG = """\
suites: {suites}

greenstalk publishes its tests in its repository only; this runs them with the client from PyPI:
    git clone --branch v2.1.1 https://github.com/justinmayhew/greenstalk /tmp/greenstalk
    bin/client-suites --only greenstalk --checkout greenstalk=/tmp/greenstalk

Exit codes: 0 all is well, 1 something failed that does not fail on the original, 2 nothing failed but a suite
could not be run. A suite whose option (--python2, --checkout) is not given is listed as not run and counts as
neither, unless --only names it.
"""


def main() -> int:
    options = _parser().parse_args()
    suites = [suite for suite in SUITES if suite.name in (options.only or [suite.name])]
    kinds = options.server or [AYL_SERVER]
    if options.install and (packages := missing_packages(suites, {kind.command for kind in kinds})):
        _install(packages)
    conditions = Conditions(options.python2, dict(options.checkout), options.keep, options.patient)
    outcomes = []
    for kind in kinds:
        for suite in suites:
            sys.stderr.write(f"{suite.name} {suite.version} against {kind.name} ...\n")
            outcomes.append(run(suite, kind, conditions))
            if options.keep and (log := outcomes[-1].log):
                sys.stderr.write(f"    kept: {log.parent}\n")
    sys.stdout.write(table(outcomes) + explanations(outcomes))
    return exit_code(outcomes, named=set(options.only))


def _parser() -> argparse.ArgumentParser:
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(
        prog="bin/client-suites",
        description=HELP,
        epilog=EPILOG.format(suites=", ".join(names)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    say = parser.add_argument
    say("--server", type=_kind, action="append", help=SERVER_HELP)
    say("--only", type=_names, default=[], metavar="NAME,NAME", help="these suites alone")
    say("--python2", metavar="COMMAND", help="a Python 2.7 with pip, for the suites that need one")
    say("--checkout", type=_pair, action="append", default=[], metavar="NAME=DIRECTORY", help=CHECKOUT_HELP)
    say("--install", action="store_true", help="install the Debian packages that are missing (nodejs, npm, beanstalkd)")
    say("--patient", action="store_true", help=PATIENT_HELP)
    say("--keep", action="store_true", help="keep the directories, with the packages and all output")
    return parser


SERVER_HELP = """ayl_server (the default), beanstalkd (Debian's, for comparison), or the path of any command that takes
their -l and -p; may be given several times"""
PATIENT_HELP = """for a busy machine: give a server that a suite starts 0.5 or 1 s to listen where it has less, and let
timers be 0.5 s late where it allows 0.05 s"""
CHECKOUT_HELP = "where a suite is that its client's packages do not carry"


def _kind(text: str) -> Kind:
    known = {kind.name: kind for kind in (AYL_SERVER, BEANSTALKD)}
    if text in known:
        return known[text]
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no server of that name or path: {text}")
    return Kind(path.name, str(path))


def _names(text: str) -> list[str]:
    names, known = text.split(","), [suite.name for suite in SUITES]
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"no such suite: {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _pair(text: str) -> tuple[str, str]:
    name, equals, directory = text.partition("=")
    if not equals or not Path(directory).is_dir():
        raise argparse.ArgumentTypeError(f"wants NAME=DIRECTORY, and {directory or text!r} is no directory")
    _names(name)
    return name, directory


def _install(packages: list[str]) -> None:
    script = '. "$0"; debian_packages "$@"'
    subprocess.run(["bash", "-euc", script, str(ROOT / "bin" / "debian"), *packages], check=True)


def exit_code(outcomes: list[Outcome], named: set[str]) -> int:
    if any(outcome.failures or outcome.missing for outcome in outcomes):
        return SOME_FAILED
    for outcome in outcomes:
        if outcome.trouble and (outcome.suite.name in named or not isinstance(outcome.trouble, NotAskedForError)):
            return SOME_NOT_RUN
    return ALL_GOOD


if __name__ == "__main__":
    raise SystemExit(main())
