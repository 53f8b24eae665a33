"""Bring back the jobs of a binlog, and tell operators how it went."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ayl_server.binlog.disk import Directory, LockedError
from ayl_server.binlog.log import Log, Policy
from ayl_server.binlog.recovery import DAMAGED, Progress, Recovery, RecoveryError, open_log
from ayl_server.binlog.segment import capacity_of, page
from ayl_server.binlog.takeover import TakeoverError, done_before, forget_half, is_half, take_over
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.config import SMALLEST_FILE, Config
from ayl_server.exits import FAILED, LOCKED, StartError
from ayl_server.logbook import Logbook
from ayl_server.systemd import Notifier

TERMINAL_SECONDS = 0.2
"""Between two changes of the line on a terminal."""

NOTICE_SECONDS = 2.0
"""Between two messages to systemd."""


MOST_DAMAGES = 100
"""How many damaged places are told one by one."""


class Revival:
    """What it takes to open a binlog, and to tell of it."""

    def __init__(self, config: Config, broker: Broker, clocks: Clocks, logbook: Logbook, notifier: Notifier) -> None:
        self._config = config
        self._broker = broker
        self._clocks = clocks
        self._logbook = logbook
        self._notifier = notifier

    @property
    def _on_terminal(self) -> bool:
        """Whether somebody looks who reads text."""
        return self._config.log_format == "text" and os.isatty(2)

    def open(self, path: str) -> Log:
        """Open the binlog in `path` and give its jobs to the broker; StartError if that cannot be."""
        try:
            disk = Directory(Path(path))
            self._forget_half(disk, path)
            log = self._recover(disk, path)
            if self._config.import_from is not None:
                self._take_over(Path(self._config.import_from), disk, log)
        except LockedError as error:
            raise StartError(LOCKED, "binlog_locked", str(error)) from None
        except TakeoverError as error:
            raise StartError(FAILED, "takeover_refused", f"--import: {error}") from None
        except RecoveryError as error:
            raise StartError(FAILED, "binlog_refused", f"the binlog in {path} cannot be used: {error}") from None
        except OSError as error:
            old = self._config.import_from
            where = old if old is not None and str(error.filename).startswith(old) else f"the binlog in {path}"
            who = "" if self._config.user is None else f" (as user {self._config.user})"
            reason = f"{where} cannot be used: {error.strerror or error}{who}"
            raise StartError(FAILED, "binlog_refused", reason) from None
        return log

    def _forget_half(self, disk: Directory, path: str) -> None:
        """Half a takeover must not be taken for a whole one, nor for an empty server."""
        if is_half(disk) and self._config.import_from is None:
            raise TakeoverError(f"a takeover into {path} was interrupted; start with the same --import again")
        if forget_half(disk):
            self._logbook.caution(
                "takeover_forgotten", f"a takeover into {path} was interrupted; begun anew", path=path
            )

    def _recover(self, disk: Directory, path: str) -> Log:
        config, clock = self._config, self._clocks.steady
        begun = clock()
        recovery = open_log(
            disk,
            _policy(config),
            self._broker,
            self._clocks,
            salt=lambda: int.from_bytes(os.urandom(4), "little"),
            complain=lambda reason: self._logbook.now_and_then(
                "binlog_full", f"new jobs are refused: the binlog in {path} gets no more room: {reason}", path=path
            ),
            progress=progress_for(clock, self._notifier, "Reading the binlog", terminal=self._on_terminal),
            salvage=config.salvage,
        )
        _tell(self._logbook, recovery, path, clock() - begun)
        if (size := recovery.log.policy.size) > page(config.file_size):
            self._logbook.note(
                "binlog_files", f"binlog files have {size} bytes, so that the largest job fits into one", size=size
            )
        return recovery.log

    def _take_over(self, old: Path, disk: Directory, log: Log) -> None:
        if done_before(old, disk):
            self._logbook.note("takeover_done", f"the jobs in {old} were taken over by an earlier start")
            return
        self._notifier.starting(f"Taking over the jobs in {old}")
        progress = progress_for(self._clocks.steady, self._notifier, "Taking over", terminal=self._on_terminal)
        report = take_over(old, disk, log, self._broker, self._clocks, progress)
        for damage in report.damages[:MOST_DAMAGES]:
            text = f"{damage.file}, offset {damage.offset}: {damage.reason}"
            self._logbook.caution("takeover_damage", text, file=damage.file, offset=damage.offset)
        if (more := len(report.damages) - MOST_DAMAGES) > 0:
            self._logbook.caution("takeover_damage", f"{more} more damaged places", more=more)
        text = f"{_jobs(report.jobs)} taken over from {old}, which is as it was"
        self._logbook.note("takeover", text, jobs=report.jobs, damages=len(report.damages), path=str(old))


def _policy(config: Config) -> Policy:
    return Policy(
        size=capacity_of(max(config.file_size, SMALLEST_FILE), config.max_job_size),
        sync_after=config.sync_after,
    )


def _tell(logbook: Logbook, recovery: Recovery, path: str, seconds: float) -> None:
    for damage in recovery.damages:
        lost = "the rest of the file" if damage.lost is None else f"{damage.lost} bytes"
        logbook.caution(
            "binlog_damage",
            f"binlog {damage.number}, offset {damage.offset}: {damage.reason}; {lost} passed over",
            segment=damage.number,
            offset=damage.offset,
            lost=damage.lost,
        )
    if recovery.damages:
        text = f"all files of before are kept as {DAMAGED.format('*')}, the sound ones too; remove them when you like"
        logbook.caution("binlog_salvaged", text)
    if (torn := recovery.torn) is not None:
        logbook.caution(
            "binlog_torn",
            f"binlog {torn.number}, offset {torn.offset}: {torn.reason}; the rest is dropped",
            segment=torn.number,
            offset=torn.offset,
        )
    logbook.note(
        "recovered",
        f"the binlog in {path} holds {_jobs(recovery.jobs)}; {recovery.bytes_read:,} bytes read in {seconds:.2f} s",
        path=path,
        jobs=recovery.jobs,
        segments=len(recovery.log.segments),
        bytes=recovery.bytes_read,
        seconds=round(seconds, 3),
    )


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number:,} jobs"


def progress_for(clock: Callable[[], float], notifier: Notifier, what: str, *, terminal: bool) -> Progress:
    """What an operator, and systemd, hear while a long log is read or written."""
    shown = told = clock()

    def show(done: int, total: int, jobs: int) -> None:
        nonlocal shown, told
        now = clock()
        text = f"{what}: {done * 100 // max(total, 1)} %, {_jobs(jobs)}"
        if now - told >= NOTICE_SECONDS:
            told = now
            notifier.starting(text)
        if terminal and (done == total or now - shown >= TERMINAL_SECONDS):
            shown = now
            with suppress(OSError):
                os.write(2, f"\r{text}{chr(10) if done == total else ''}".encode())

    return show
