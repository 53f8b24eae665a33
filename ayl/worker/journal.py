"""What a supervisor logs. It looks as a worker's log does, but Python's logging is a tenth of what a supervisor would
have in memory, and no app is there to set it up otherwise.
"""

import os
import sys
import time
from contextlib import suppress

from ayl.worker.proctitle import NAME

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Journal:
    """On standard error. Nothing that is wrong there keeps a supervisor from its work."""

    def __init__(self, level: str, name: str = NAME) -> None:
        """`level`: what is below is not told. `name`: of the worker."""
        self._name = name
        self._least = LEVELS.index(level)

    def info(self, text: str, *facts: object) -> None:
        self._tell("INFO", text, facts)

    def warning(self, text: str, *facts: object) -> None:
        self._tell("WARNING", text, facts)

    def error(self, text: str, *facts: object) -> None:
        self._tell("ERROR", text, facts)

    def critical(self, text: str, *facts: object) -> None:
        self._tell("CRITICAL", text, facts)

    def _tell(self, level: str, text: str, facts: tuple[object, ...]) -> None:
        if LEVELS.index(level) < self._least or sys.stderr is None:
            return
        now = time.time()
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now % 1 * 1000):03}"
        with suppress(OSError, ValueError):  # nobody reads it, its disk is full, it was closed
            sys.stderr.write(f"{moment} {level} {self._name}[{os.getpid()}] {text % facts}\n")
