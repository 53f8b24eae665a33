"""The command line, parsed as beanstalkd does: `-p1234`, `-p 1234`, joined flags such as `-VVp1234`.

Our own parser and no library, so that the server listens before anything heavy is imported; for the same
reason neither typing nor dataclasses, which cost more than all the rest.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

USAGE_ERROR = 5
"""Exit code for a command line that makes no sense, as in beanstalkd."""

MAX_PORT = 65535

MAX_BODY = 1073741824
"""The largest value of -z, bytes."""

USAGE = """\
Use: ayl_server [OPTIONS]

A beanstalkd-compatible work queue. Jobs are kept in memory.

Options:
 -l ADDR  listen on address, or on unix:PATH (default is 127.0.0.1)
 -p PORT  listen on port (default is 11300; 0 takes any free port)
 -z BYTES set the maximum job size in bytes (default is 65535);
          max allowed is 1073741824 bytes
 -v       show version information
 -V       increase verbosity (once: connections; twice: commands and replies)
 -h       show this help

Signals: SIGTERM and SIGINT stop the server, SIGUSR1 makes it refuse new jobs.
"""


class Config:
    """What the command line asks for."""

    __slots__ = ("address", "max_job_size", "port", "show_help", "show_version", "verbosity")

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self.port = "11300"  # a number or the name of a service
        self.max_job_size = 65535  # bytes
        self.verbosity = 0
        self.show_help = False
        self.show_version = False


class UsageError(Exception):
    """The command line makes no sense; the message says why."""


def _address(config: Config, value: str) -> None:
    config.address = value


def _port(config: Config, value: str) -> None:
    if value.isdecimal() and int(value[:20]) > MAX_PORT:
        raise UsageError(f"port out of range (0 to {MAX_PORT}): {value}")
    config.port = value


def _size(config: Config, value: str) -> None:
    if not (value.isascii() and value.isdigit()):
        raise UsageError(f"invalid size: {value}")
    size = int(value[:20])
    if size > MAX_BODY:
        _warn(f"maximum job size was set to {MAX_BODY}")
    config.max_job_size = min(size, MAX_BODY)


def _verbose(config: Config) -> None:
    config.verbosity += 1


def _help(config: Config) -> None:
    config.show_help = True


def _version(config: Config) -> None:
    config.show_version = True


WITH_VALUE: dict[str, Callable[[Config, str], None]] = {"l": _address, "p": _port, "z": _size}
ALONE: dict[str, Callable[[Config], None]] = {"V": _verbose, "h": _help, "v": _version}
NOT_YET = {
    "b": "this version keeps jobs in memory only",
    "f": "this version has no binlog to sync",
    "F": "this version has no binlog to sync",
    "s": "this version has no binlog",
    "u": "start it as that user instead",
}
"""beanstalkd's options that this version does not have: refused by name, because to ignore -b would lose jobs."""


def parse(arguments: list[str]) -> Config:
    """The configuration that `arguments` (without the program's name) ask for; UsageError if they make no sense."""
    config = Config()
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-") or word == "-":
            raise UsageError(f"unknown argument: {word}")
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in ALONE:
                ALONE[letter](config)
            elif letter in WITH_VALUE:
                value, letters = letters, ""
                if not value and not waiting:
                    raise UsageError(f"flag requires an argument: -{letter}")
                WITH_VALUE[letter](config, value or waiting.pop(0))
            elif letter in NOT_YET:
                raise UsageError(f"-{letter} is not supported: {NOT_YET[letter]}")
            else:
                raise UsageError(f"unknown flag: -{letter}")
            if config.show_help or config.show_version:
                return config
    return config


def fail(error: UsageError) -> NoReturn:
    """Say what is wrong with the command line and how it goes, and end."""
    _warn(str(error))
    sys.stderr.write(USAGE)
    raise SystemExit(USAGE_ERROR)


def _warn(text: str) -> None:
    sys.stderr.write(f"ayl_server: {text}\n")
