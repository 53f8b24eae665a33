"""Every key of `daemons.yml`: its kind, where it may stand, its default and what it means.

Reading, near names, the JSON schema and the test of the example all come from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from ayl.daemons.spec.addresses import ADDRESS, FORMS, MAX_PORT, PAGE
from ayl.daemons.spec.kinds import (
    ABSOLUTE,
    GROUP,
    RELATIVE,
    TRUTH,
    USER,
    choice,
    duration,
    either,
    octal,
    size,
    text,
    whole,
)
from ayl.daemons.spec.lanes import LANE, TUBE, Shares, part
from ayl.daemons.spec.model import Restart
from ayl.daemons.spec.programs import Command
from ayl.daemons.spec.releases import Release
from ayl.daemons.spec.sections import Mapped, Named
from ayl.daemons.spec.shapes import Items, Variables

if TYPE_CHECKING:
    from ayl.daemons.spec.kinds import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    kind: Kind
    where: tuple[Mapped, ...]
    """The sections in which it may stand."""
    default: str
    """As people are told it; empty: there is none, and nothing is set."""
    meaning: str
    """One line."""
    is_required: bool = False


@cache
def _keys(section: str) -> dict[str, Key]:
    return {key.name: key for key in KEYS if section in {place.name for place in key.where}}


FILE: Mapped = Mapped("file", "the file", partial(_keys, "file"))
FRAGMENT: Mapped = Mapped("fragment", "a fragment", partial(_keys, "fragment"))
DIRECTORIES: Mapped = Mapped("directories", "directories", partial(_keys, "directories"))
SERVER: Mapped = Mapped("server", "the server", partial(_keys, "server"))
TLS: Mapped = Mapped("tls", "the server's TLS", partial(_keys, "tls"))
DEFAULTS: Mapped = Mapped("defaults", "defaults", partial(_keys, "defaults"))
APPLICATION: Mapped = Mapped("application", "an application", partial(_keys, "application"), may_be_empty=True)
GROUP_OF_WORKERS: Mapped = Mapped("group", "a worker group", partial(_keys, "group"), may_be_empty=True)
DAEMON: Mapped = Mapped("daemon", "a daemon", partial(_keys, "daemon"), may_be_empty=True)

SECTIONS = (FILE, DIRECTORIES, SERVER, TLS, DEFAULTS, APPLICATION, GROUP_OF_WORKERS, DAEMON)
"""All but that of fragments, whose keys are a part of the file's."""

ANY = (DEFAULTS, SERVER, APPLICATION, GROUP_OF_WORKERS, DAEMON)
OF_APPLICATIONS = (DEFAULTS, APPLICATION)
OF_GROUPS = (DEFAULTS, APPLICATION, GROUP_OF_WORKERS)

GIB = 1024**3
SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH")

KEYS = (
    # The file.
    Key("directories", DIRECTORIES, (FILE,), "", "Where pid files, logs and data are."),
    Key("server", SERVER, (FILE,), "", "The ayl_server of this machine; without this section, there is none."),
    Key("defaults", DEFAULTS, (FILE,), "", "What all applications (and, of what it knows, the server) inherit."),
    Key(
        "applications", Named(APPLICATION, "application", ("server",)), (FILE, FRAGMENT), "", "What runs, by its name."
    ),
    # Directories.
    Key("run", ABSOLUTE, (DIRECTORIES,), "/run/ayl", "Pid files, states and sockets: a directory for each daemon."),
    Key("log", ABSOLUTE, (DIRECTORIES,), "/var/log/ayl", "Log files, NAME.log."),
    Key("state", ABSOLUTE, (DIRECTORIES,), "/var/lib/ayl", "What must outlive a boot: the server's binlog."),
    # Of every process.
    Key("user", USER, ANY, "whoever starts it", "The user that it runs as."),
    Key("group", GROUP, ANY, "the user's own", "The group that it runs as."),
    Key("environment", Variables(), ANY, "", "Variables; merged with those that are inherited; nothing else is."),
    Key(
        "environment_files",
        Items(RELATIVE, "paths"),
        ANY,
        "",
        "Files of NAME=VALUE lines, as systemd reads them; added to those that are inherited; environment wins.",
    ),
    Key("umask", octal("022"), ANY, "022", "Permissions that files which it makes do not get."),
    Key(
        "grace",
        duration(),
        ANY,
        "25s",
        "How long it may take to stop: the calls of workers (which then have 5 s more), or until SIGKILL.",
    ),
    Key("patience", duration(zero=False), ANY, "60s", "How long it may take to start."),
    Key(
        "restart", choice([way.value for way in Restart]), ANY, "always", "When it is started again once it has ended."
    ),
    Key(
        "watchdog",
        duration(),
        ANY,
        "0: it gives none",
        "After so long without a sign of life (sd_notify) it is killed and started again.",
    ),
    Key(
        "log",
        text("file, journal, or an absolute path", "file|journal|/.*", takes_numbers=False),
        ANY,
        "file",
        "Where its output goes: file (NAME.log in directories.log), journal, or a path.",
    ),
    # Applications.
    Key("path", ABSOLUTE, (APPLICATION,), "", "Where its modules (and ayl.toml) are.", is_required=True),
    Key(
        "virtualenv",
        RELATIVE,
        OF_APPLICATIONS,
        "none: see interpreter",
        "Its virtual environment, in which ayl is installed.",
    ),
    Key(
        "interpreter",
        RELATIVE,
        (*OF_APPLICATIONS, SERVER),
        "the Python of ayl_daemons",
        "The Python to run workers with, instead of a virtualenv's; the server, with its ayl_server.",
    ),
    Key("name", part("the app"), (APPLICATION,), "the app says it", "AYL_APP: the first part of its tubes."),
    Key(
        "version",
        Release(),
        OF_APPLICATIONS,
        "the app says it",
        "AYL_VERSION: text, or one of {file: PATH} (its first line), {git: describe}, {attribute: MODULE:NAME}.",
    ),
    Key("engine", text("an engine's URL"), OF_APPLICATIONS, "the app says it", "AYL_ENGINE: where its server is."),
    Key("groups", Named(GROUP_OF_WORKERS, "worker group"), (APPLICATION,), "", "Worker groups, by their names."),
    Key("daemons", Named(DAEMON, "daemon"), (APPLICATION,), "", "Other processes, by their names."),
    # Worker groups.
    Key(
        "modules",
        Items(text("a module", r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", takes_numbers=False), "modules"),
        OF_GROUPS,
        "",
        "Modules to import, which declare what may be called.",
    ),
    Key("workers", whole(1, 1000), OF_GROUPS, "1", "How many worker processes, each with all of the slots."),
    Key("processes", whole(0, 1000), OF_GROUPS, "0", "How many calls each makes at a time in processes of their own."),
    Key("threads", whole(0, 1000), OF_GROUPS, "1, and 0 beside others", "How many more at a time, in threads."),
    Key("coroutines", whole(0, 100_000), OF_GROUPS, "0", "How many more at a time, on one event loop."),
    Key(
        "lanes",
        Shares("lanes", LANE),
        OF_GROUPS,
        "the app's own tube",
        "Lanes of the app's version to take jobs from (default is its own tube, * any text); or lanes with shares.",
    ),
    Key(
        "tubes",
        Shares("tubes", TUBE),
        OF_GROUPS,
        "the app's own",
        "Tubes by their whole names, or patterns with *, instead of lanes; or tubes with their shares.",
    ),
    Key("strict", TRUTH, OF_GROUPS, "no", "Whether each lane (or tube) comes only when those before it are empty."),
    Key("max_jobs", whole(1, 10**9), OF_GROUPS, "", "A worker process is replaced after so many calls,"),
    Key("max_time", duration(zero=False), OF_GROUPS, "", "... or has run so long,"),
    Key("max_memory", size(1, 2**40, "1", "1024g"), OF_GROUPS, "", "... or when it has so much in memory."),
    Key("log_level", choice(["debug", "info", "warning", "error"]), OF_GROUPS, "info", "What it tells in its log."),
    Key(
        "drain",
        duration(),
        OF_GROUPS,
        "1h",
        "How long workers of an earlier version stay for what waits in their tubes.",
    ),
    # Other daemons.
    Key("command", Command(), (DAEMON,), "", "The program and its arguments; no shell reads it.", is_required=True),
    Key("directory", RELATIVE, (DAEMON,), "the application's path", "Where it is started."),
    Key(
        "ready",
        either("notify", duration()),
        (DAEMON,),
        "1s",
        "After how long it is taken for ready; or notify: it says so itself (sd_notify).",
    ),
    Key("stop_signal", choice(SIGNALS), (DAEMON,), "SIGTERM", "How it is asked to stop."),
    Key("overlap", TRUTH, (DAEMON,), "no", "Whether two of it may run for a moment, so that a restart leaves no gap."),
    # The server.
    Key("listen", Items(ADDRESS, "addresses"), (SERVER,), "127.0.0.1", f"Where it listens: {FORMS}."),
    Key(
        "command",
        Command(),
        (SERVER,),
        "the ayl_server beside the interpreter",
        "Another ayl_server; the options are added.",
    ),
    Key("port", whole(0, MAX_PORT), (SERVER,), "11300", "The port, where listen names none."),
    Key(
        "binlog",
        either("none", ABSOLUTE),
        (SERVER,),
        "binlog in directories.state",
        "The directory in which jobs outlive the server; none: they are kept in memory only.",
    ),
    Key(
        "sync",
        either("never", whole(0, 3_600_000)),
        (SERVER,),
        "50",
        "Milliseconds after which a change is on the disk; 0: before the reply; or never.",
    ),
    Key("file_size", size(4096, 2**31 - 1, "4k", "2147483647"), (SERVER,), "10m", "Of each file of the binlog."),
    Key("salvage", TRUTH, (SERVER,), "no", "Whether to go on with what can be read of a damaged binlog."),
    Key("max_job_size", size(1, GIB, "1", "1g"), (SERVER,), "65535", "The largest job that it takes."),
    Key(
        "max_connections",
        whole(1, 10**7),
        (SERVER,),
        "the system's limit",
        "How many clients at a time; others wait.",
    ),
    Key("max_memory", size(1, 2**40, "1", "1024g"), (SERVER,), "", "Puts are refused beyond that."),
    Key("metrics", PAGE, (SERVER,), "", "Where a page for Prometheus is served."),
    Key("unix_mode", octal("660"), (SERVER,), "as umask says", "Permissions of its Unix socket."),
    Key("tls", TLS, (SERVER,), "", "TLS for its TCP addresses."),
    Key("verbosity", whole(0, 2), (SERVER,), "0", "What it logs besides: 1 connections, 2 commands and replies, too."),
    Key("log_format", choice(["text", "json"]), (SERVER,), "text", "The form of its log."),
    # Its TLS.
    Key("cert", ABSOLUTE, (TLS,), "", "The certificate chain, PEM.", is_required=True),
    Key("key", ABSOLUTE, (TLS,), "", "Its private key, PEM.", is_required=True),
    Key("ca", ABSOLUTE, (TLS,), "", "Only clients with a certificate of this authority are let in."),
)
