"""The command line, parsed as beanstalkd does: `-p1234`, `-p 1234`, joined flags such as `-VVp1234`.

Our own parser and no library, so that the server listens before anything heavy is imported; for the same
reason neither typing nor dataclasses, which cost more than all the rest. What beanstalkd does not have is
spelled out: `--max-memory 2G`, `--max-memory=2G`.
"""

from __future__ import annotations

import sys

from ayl_server.exits import USAGE_ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

MAX_PORT = 65535

MAX_BODY = 1073741824
"""The largest value of -z, bytes."""

SMALLEST_FILE = 4096
"""The smallest binlog file, bytes."""

LARGEST_FILE = 2147483647
"""The largest value of -s, bytes."""

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}

USAGE = """\
Use: ayl_server [OPTIONS]

A beanstalkd-compatible work queue. Without -b, jobs are kept in memory only.

Options:
 -b DIR   keep a binlog in this directory, which must exist: jobs outlive the server
 -f MS    sync the binlog to the disk at most MS milliseconds after a change (default is 50);
          with -f 0 every reply is sent only when what it says is on the disk
 -F       never sync the binlog: a crash of the machine loses jobs, one of the server does not
 -l ADDR  listen on address (ADDR or ADDR:PORT, IPv6 with a port as [::1]:PORT), for TLS on
          tls:ADDR, or on unix:PATH (default is 127.0.0.1); may be given several times
 -p PORT  listen on port where -l names none (default is 11300; 0 takes any free port)
 -u USER  become this user and its groups
 -z BYTES set the maximum job size in bytes (default is 65535);
          max allowed is 1073741824 bytes
 -s BYTES set the size of each binlog file (default is 10485760; more if the largest job needs it)
 -v       show version information
 -V       increase verbosity (once: connections; twice: commands and replies)
 -h       show this help
 -c -n    ignored (beanstalkd's switches for compaction, which is always on)

 --import DIR           take over the jobs of a beanstalkd's binlog into an empty -b directory
 --salvage              go on with what can be read of a damaged binlog; damaged files are kept
 --max-connections N    let further clients wait until others have gone (default: the system's limit)
 --max-memory BYTES     answer puts with OUT_OF_MEMORY beyond that; K, M and G are understood
 --metrics ADDR:PORT    serve a page for Prometheus (default: none)
 --unix-mode MODE       permissions of the Unix socket, octal (default: as umask says)
 --tls-cert FILE        certificate chain, PEM; makes every TCP address speak TLS unless one is tls:...
 --tls-key FILE         its private key, PEM
 --tls-ca FILE          let in only clients with a certificate of this authority
 --log-format FORMAT    text or json (default is text)

Signals: SIGTERM and SIGINT stop the server after all replies and changes are out; a second one ends it
at once. SIGUSR1 makes it refuse new jobs. systemd may pass listening sockets (those named tls and metrics
for these), and is told when the server is ready.

Exit codes: 0 stopped; 1 the binlog cannot be used, or its disk failed; 5 wrong usage; 10 another server
uses the binlog; 33 no such user; 78 a file for TLS is wrong or a library is missing; 111 cannot listen.
"""


class Config:
    """What the command line asks for."""

    __slots__ = (
        "addresses",
        "binlog",
        "file_size",
        "import_from",
        "log_format",
        "max_connections",
        "max_job_size",
        "max_memory",
        "metrics",
        "port",
        "salvage",
        "show_help",
        "show_version",
        "sync_after",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "unix_mode",
        "user",
        "verbosity",
        "warnings",
    )

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.port = "11300"  # a number or the name of a service
        self.max_job_size = 65535  # bytes
        self.verbosity = 0
        self.show_help = False
        self.show_version = False
        self.user: str | None = None
        self.binlog: str | None = None
        self.sync_after: float | None = 0.05  # seconds; None for never
        self.file_size = 10485760  # bytes
        self.import_from: str | None = None
        self.salvage = False
        self.max_connections: int | None = None
        self.max_memory: int | None = None  # bytes
        self.metrics: str | None = None
        self.unix_mode: int | None = None
        self.tls_cert: str | None = None
        self.tls_key: str | None = None
        self.tls_ca: str | None = None
        self.log_format = "text"
        self.warnings: list[str] = []
        """What was understood otherwise than it was said."""


class UsageError(Exception):
    """The command line makes no sense; the message says why."""


def _whole(value: str, what: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise UsageError(f"invalid {what}: {value}")
    return int(value.lstrip("0")[:20] or "0")


def _address(config: Config, value: str) -> None:
    if not value:
        # The resolver would take it for every address of this machine.
        raise UsageError("-l needs an address")
    if not value.startswith("unix:"):
        _check_port_of(value)
    config.addresses.append(value)


def _check_port_of(address: str) -> None:
    """`HOST`, `HOST:PORT`, `::1` and `[::1]:PORT`, as `addresses` reads them. The resolver would wrap a large port."""
    text = address.removeprefix("tls:")
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        well_formed = bool(host and closing) and (not rest or rest.startswith(":"))
        port = rest.removeprefix(":")
    else:
        host, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
        well_formed = bool(host)
    if not well_formed or (port and not (port.isascii() and port.isdigit())):
        raise UsageError(f"-l needs ADDR, ADDR:PORT, [IPV6]:PORT or unix:PATH: {address}")
    if port and int(port[:20]) > MAX_PORT:
        raise UsageError(f"port out of range (0 to {MAX_PORT}): {address}")


def _port(config: Config, value: str) -> None:
    if not value:
        raise UsageError("-p needs a port")
    if value.isdecimal() and int(value[:20]) > MAX_PORT:
        raise UsageError(f"port out of range (0 to {MAX_PORT}): {value}")
    config.port = value.lstrip("0") or "0"


def _size(config: Config, value: str) -> None:
    size = _whole(value, "size")
    if size > MAX_BODY:
        config.warnings.append(f"maximum job size was set to {MAX_BODY}")
    config.max_job_size = min(size, MAX_BODY)


def _file_size(config: Config, value: str) -> None:
    size = _whole(value, "size")
    if size > LARGEST_FILE:
        raise UsageError(f"binlog files can have {LARGEST_FILE} bytes at most: {value}")
    config.file_size = size


def _sync_after(config: Config, value: str) -> None:
    config.sync_after = _whole(value, "number of milliseconds") / 1000


def _sync_never(config: Config) -> None:
    config.sync_after = None


def _binlog(config: Config, value: str) -> None:
    if not value:
        # It would be taken for the directory in which we happen to be.
        raise UsageError("-b needs a directory")
    config.binlog = value


def _user(config: Config, value: str) -> None:
    if not value:
        raise UsageError("-u needs a user")
    config.user = value


def _import(config: Config, value: str) -> None:
    if not value or config.import_from is not None:
        raise UsageError("--import needs one directory, and only one")
    config.import_from = value


def _salvage(config: Config) -> None:
    config.salvage = True


def _max_connections(config: Config, value: str) -> None:
    config.max_connections = _whole(value, "number of connections")
    if not config.max_connections:
        raise UsageError("--max-connections must be at least 1")


def _max_memory(config: Config, value: str) -> None:
    digits = value.rstrip("KMG")
    unit = UNITS.get(value[len(digits) :])
    if unit is None:
        raise UsageError(f"invalid size: {value}")
    config.max_memory = _whole(digits, "size") * unit


def _metrics(config: Config, value: str) -> None:
    host, colon, port = value.rpartition(":")
    if not (host and colon) or not (port.isascii() and port.isdigit()) or int(port[:20]) > MAX_PORT:
        raise UsageError(f"--metrics needs ADDR:PORT, such as 127.0.0.1:11380: {value}")
    config.metrics = value


def _unix_mode(config: Config, value: str) -> None:
    if not value or value.strip("01234567") or int(value[:20], 8) > 0o777:
        raise UsageError(f"invalid mode (octal, such as 660): {value}")
    config.unix_mode = int(value, 8)


def _tls_cert(config: Config, value: str) -> None:
    config.tls_cert = value


def _tls_key(config: Config, value: str) -> None:
    config.tls_key = value


def _tls_ca(config: Config, value: str) -> None:
    config.tls_ca = value


def _log_format(config: Config, value: str) -> None:
    if value not in ("text", "json"):
        raise UsageError(f"--log-format is text or json: {value}")
    config.log_format = value


def _verbose(config: Config) -> None:
    config.verbosity += 1


def _help(config: Config) -> None:
    config.show_help = True


def _version(config: Config) -> None:
    config.show_version = True


def _ignored(config: Config) -> None:
    """beanstalkd takes these two and does nothing with them either."""


WITH_VALUE: dict[str, Callable[[Config, str], None]] = {
    "b": _binlog,
    "f": _sync_after,
    "l": _address,
    "p": _port,
    "s": _file_size,
    "u": _user,
    "z": _size,
}
ALONE: dict[str, Callable[[Config], None]] = {
    "F": _sync_never,
    "V": _verbose,
    "c": _ignored,
    "h": _help,
    "n": _ignored,
    "v": _version,
}
LONG_WITH_VALUE: dict[str, Callable[[Config, str], None]] = {
    "import": _import,
    "log-format": _log_format,
    "max-connections": _max_connections,
    "max-memory": _max_memory,
    "metrics": _metrics,
    "tls-ca": _tls_ca,
    "tls-cert": _tls_cert,
    "tls-key": _tls_key,
    "unix-mode": _unix_mode,
}
LONG_ALONE: dict[str, Callable[[Config], None]] = {"help": _help, "salvage": _salvage, "version": _version}


def parse(arguments: list[str]) -> Config:
    """The configuration that `arguments` (without the program's name) ask for; UsageError if they make no sense."""
    config = Config()
    waiting = list(arguments)
    while waiting and not (config.show_help or config.show_version):
        word = waiting.pop(0)
        if word.startswith("--") and word != "--":
            _take_long(config, word[2:], waiting)
        elif word.startswith("-") and word != "-":
            _take_letters(config, word[1:], waiting)
        else:
            raise UsageError(f"unknown argument: {word}")
    if not (config.show_help or config.show_version):
        _check(config)
    return config


def _take_letters(config: Config, letters: str, waiting: list[str]) -> None:
    while letters and not (config.show_help or config.show_version):
        letter, letters = letters[0], letters[1:]
        if letter in ALONE:
            ALONE[letter](config)
        elif letter in WITH_VALUE:
            value, letters = letters, ""
            if not value and not waiting:
                raise UsageError(f"flag requires an argument: -{letter}")
            WITH_VALUE[letter](config, value or waiting.pop(0))
        else:
            raise UsageError(f"unknown flag: -{letter}")


def _take_long(config: Config, word: str, waiting: list[str]) -> None:
    name, equals, value = word.partition("=")
    if name in LONG_WITH_VALUE:
        if not equals and not waiting:
            raise UsageError(f"flag requires an argument: --{name}")
        LONG_WITH_VALUE[name](config, value if equals else waiting.pop(0))
    elif name in LONG_ALONE and not equals:
        LONG_ALONE[name](config)
    else:
        raise UsageError(f"unknown flag: --{word}")


def _check(config: Config) -> None:
    """What is wrong only together."""
    unix = sum(address.startswith("unix:") for address in config.addresses)
    tls = sum(address.startswith("tls:") for address in config.addresses)
    no_binlog, no_cert = config.binlog is None, config.tls_cert is None
    for complaint, wrong in (
        ("--import needs a binlog: say where with -b", config.import_from is not None and no_binlog),
        ("--salvage needs a binlog: say where with -b", config.salvage and no_binlog),
        ("--unix-mode needs a Unix socket: -l unix:PATH", config.unix_mode is not None and not unix),
        ("--tls-cert and --tls-key belong together", no_cert != (config.tls_key is None)),
        ("--tls-ca needs --tls-cert and --tls-key", config.tls_ca is not None and no_cert),
        ("an address with tls: needs --tls-cert and --tls-key", tls and no_cert),
        ("--tls-cert needs an address besides Unix sockets", not no_cert and 0 < unix == len(config.addresses)),
    ):
        if wrong:
            raise UsageError(complaint)


def fail(error: UsageError) -> NoReturn:
    """Say what is wrong with the command line and where to find how it goes, and end."""
    sys.stderr.write(f"ayl_server: {error}\nTry ayl_server -h.\n")
    raise SystemExit(USAGE_ERROR)
