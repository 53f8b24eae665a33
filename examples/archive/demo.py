"""ayl at work: files are indexed by workers, one of which is killed on the way, and no call is lost.

Run it with bin/demo [DIRECTORY].
"""

import argparse
import os
import signal
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from processes import Processes, free_port, kill_one_worker, wait_for_port
from view import Moment, View

from ayl import admin

if TYPE_CHECKING:
    from types import FrameType

    from sqlalchemy.orm import Session

HERE = Path(__file__).resolve().parent
TUBE = "archive/1.0"
WORKERS = 2
FEWEST, MOST = 200, 5000
"""Files: with fewer than this the default directory makes no show; of the default no more than this are taken."""
REDRAW_SECONDS = 0.1


class Interrupted(Exception):
    """Ctrl-C, or a signal to end."""


class Signals:
    """Remembers that the user wants to stop; the loops ask."""

    def __init__(self) -> None:
        self.came = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._record)

    def _record(self, number: int, _frame: "FrameType | None") -> None:
        self.came = number

    def check(self) -> None:
        if self.came:
            raise Interrupted


def files_below(directory: Path, signals: Signals) -> Iterator[Path]:
    """Every regular file below `directory`, links left aside."""
    for folder, folders, names in os.walk(directory):
        signals.check()
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def choose(wanted: Path | None, signals: Signals) -> tuple[Path, list[Path]]:
    """The directory and its files."""
    if wanted is not None:
        return wanted, list(files_below(wanted, signals))
    for directory in (Path("/usr/share/doc"), Path(sysconfig.get_path("stdlib"))):
        files = list(islice(files_below(directory, signals), MOST))
        if len(files) >= FEWEST:
            break
    return directory, files


def send_calls(session: "Session", files: list[Path], signals: Signals) -> int:
    """A document and a call for each file, and a call for each folder; how many calls."""
    from archive import Archive, Document

    import ayl

    documents = [Document.of(path) for path in files]
    session.add_all(documents)
    session.commit()
    folders = sorted({document.folder for document in documents})
    with ayl.batch():
        for document in documents:
            signals.check()
            document.ayl_send("index")
        for folder in folders:
            # After the documents: a higher number is less urgent.
            Archive.ayl_send_opts("summarize", {"priority": 1024}, folder)
    return len(documents) + len(folders)


def watch(server: admin.Server, calls: int, supervisor: int, view: View, signals: Signals) -> admin.TubeStatistics:
    """Show the progress until no call waits or runs; kill a worker on the way."""
    started, killed = time.monotonic(), False
    while True:
        signals.check()
        tube = admin.tube_statistics(server, TUBE)
        jobs = tube.jobs
        left = jobs.ready + jobs.delayed + jobs.reserved
        done = calls - left - jobs.buried  # a call whose worker was killed is put once more: jobs are not counted
        seconds = time.monotonic() - started
        view.draw(
            Moment(done, calls, jobs.ready, jobs.delayed, jobs.reserved, tube.workers.total, seconds), last=not left
        )
        if not left:
            return tube
        if not killed and done >= calls // 3 and (victim := kill_one_worker(supervisor)) is not None:
            killed = True
            view.say(f"  killed worker {victim} with SIGKILL; the server gives its job to another")
        time.sleep(REDRAW_SECONDS)


def summarize(session: "Session", calls: int, tube: admin.TubeStatistics, view: View) -> int:
    """Print what was done, from the database; the number of calls lost."""
    from archive import Document, Summary
    from sqlalchemy import func, select

    session.expire_all()
    indexed = session.scalar(select(func.count()).where(Document.words.is_not(None))) or 0
    summed = session.scalar(select(func.count()).select_from(Summary)) or 0
    words = session.scalar(select(func.sum(Document.words))) or 0
    top: Counter[str] = Counter()
    for counted in session.scalars(select(Document.top)):
        top.update(counted or {})
    lost = calls - indexed - summed - tube.jobs.buried
    view.say(f"\n  calls sent {calls:,}   done {indexed + summed:,}   buried {tube.jobs.buried}   lost {lost}")
    view.say(f"  {indexed:,} documents in {summed:,} folders, {words:,} words; the busiest:")
    view.say("    " + ", ".join(f"{word} {number:,}" for word, number in top.most_common(8)))
    return lost


def show(processes: Processes, scratch: Path, wanted: Path | None, view: View, signals: Signals) -> int:
    """The whole demo; its exit code."""
    directory, files = choose(wanted, signals)
    if not files:
        view.say("There are no files there")
        return 1
    view.say(f"{len(files):,} files of {os.fsencode(directory).decode(errors='backslashreplace')}")
    server = admin.Server(port=free_port())
    processes.environment["AYL_ENGINE"] = os.environ["AYL_ENGINE"] = f"beanstalk://{server}"
    processes.environment["ARCHIVE_DATABASE"] = os.environ["ARCHIVE_DATABASE"] = f"sqlite:///{scratch}/archive.db"
    processes.start("ayl_server", "-p", str(server.port))
    wait_for_port(server.port)
    view.say(f"Server on {server}; look on from another terminal with\n  {watch_command(server)}")

    from archive import create

    session = create()
    calls = send_calls(session, files, signals)
    view.say(f"Sent {calls:,} calls; now {WORKERS} workers make them\n")
    supervisor = processes.start(
        "ayl_worker", "--app-path", str(HERE), "--require", "archive", "--workers", str(WORKERS)
    )
    tube = watch(server, calls, supervisor.pid, view, signals)
    lost = summarize(session, calls, tube, view)
    jobs, workers = tube.jobs, tube.workers
    again = f" ({jobs.total - calls} of them anew, for a worker that was killed)" if jobs.total > calls else ""
    view.say(f"\n  tube {tube.name}: {jobs.total:,} jobs put{again}, {tube.deletes:,} deleted, {jobs.buried} buried")
    view.say(f"  workers {workers.total}, available {workers.available}")
    return 1 if lost else 0


def watch_command(server: admin.Server) -> str:
    """What an operator would type."""
    command = Path(sys.executable).parent / "ayl_beanstalk"
    return f"{command} -p {server.port} -t {TUBE} tube_statistics"


def main() -> int:
    """The demo; its exit code."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__.partition("\n\n")[0])
    parser.add_argument("directory", type=Path, nargs="?", help="index the files here (default: /usr/share/doc)")
    wanted: Path | None = parser.parse_args().directory
    if wanted is not None and not wanted.is_dir():
        parser.error(f"{wanted} is no directory")
    signals, view = Signals(), View()
    with tempfile.TemporaryDirectory(prefix="ayl-demo-") as scratch, Processes(Path(scratch), {}) as processes:
        try:
            return show(processes, Path(scratch), wanted and wanted.resolve(), view, signals)
        except Interrupted:
            view.say("\nStopping; nothing stays behind")
            return 128 + signals.came
        except Exception:
            for log in Path(scratch).glob("*.log"):
                view.say(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
            raise


if __name__ == "__main__":
    sys.exit(main())
