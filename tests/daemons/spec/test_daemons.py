"""What a `daemons.yml` without mistakes is read to."""

from __future__ import annotations

import pytest

from ayl.daemons.spec.model import Kind, Log, Restart, Version
from ayl.daemons.spec.reading import read
from ayl_server import config as server_config

from .machines import PATH, PYTHON, SHOP, Imagined, configured, daemon

VENV = "/srv/shop/.venv"


def web(line: str = "", **changes: str) -> str:
    """The shop, with this line in its group web."""
    text = SHOP.replace("web: {}", f"web: {{{line}}}")
    for old, new in changes.items():
        text = text.replace(f"{old}:", new)
    return text


def words(line: str) -> tuple[str, ...]:
    """The command of a group with this line, without what all have."""
    command = daemon(web(line), "shop.web").command
    assert command[:8] == (
        f"{VENV}/bin/python", "-P", "-m", "ayl.cli.worker", "--app-path", "/srv/shop", "--require", "shop.models",
    )  # fmt: skip
    return command[8:]


def scheduler(line: str, before: str = "") -> str:
    """The shop with such a daemon."""
    return f"{before}{SHOP}    daemons:\n      scheduler: {{{line}}}\n"


GRACE = ("--grace", "25")

OPTIONS = {
    "": GRACE,
    "modules: [a, b.c]": None,
    "workers: 4": ("--workers", "4", *GRACE),
    "processes: 2, threads: 3, coroutines: 100": (
        "--processes", "2", "--threads", "3", "--coroutines", "100", *GRACE,
    ),
    "lanes: [mail, pdf]": ("--lane", "mail", "--lane", "pdf", *GRACE),
    "lanes: {mail: 3, pdf: 1}": ("--lane", "mail=3", "--lane", "pdf=1", *GRACE),
    "lanes: [mail, default], strict: yes": ("--lane", "mail", "--lane", "default", "--strict", *GRACE),
    "lanes: ['*']": ("--lane", "*", *GRACE),
    "lanes: {'*': 1, default: 3}": ("--lane", "*=1", "--lane", "default=3", *GRACE),
    "tubes: [shop/1, shop/1/*]": ("--tube", "shop/1", "--tube", "shop/1/*", *GRACE),
    "tubes: {shop/1: 2}": ("--tube", "shop/1=2", *GRACE),
    "max_jobs: 100": ("--max-jobs", "100", *GRACE),
    "max_time: 1.5h": ("--max-time", "5400", *GRACE),
    "max_memory: 500M": ("--max-memory", str(500 * 1024**2), *GRACE),
    "log_level: debug": (*GRACE, "--log-level", "debug"),
    "grace: 2m": ("--grace", "120"),
}  # fmt: skip


@pytest.mark.parametrize("line", [line for line, expected in OPTIONS.items() if expected])
def test_keys_of_a_worker_group_are_options_of_ayl_worker(line: str) -> None:
    assert words(line) == OPTIONS[line]


@pytest.mark.parametrize("line", OPTIONS)
def test_ayl_worker_knows_every_option_that_it_is_given(line: str) -> None:
    from ayl.cli.worker import main

    known = {name for option in main.params for name in option.opts}
    given = {word for word in daemon(web(line), "shop.web").command[4:] if word.startswith("--")}
    assert given <= known


def test_a_worker_group_is_ready_when_it_says_so_and_has_a_successor_beside_it() -> None:
    found = daemon(SHOP, "shop.web")
    assert (found.kind, found.ready, found.overlap, found.drain) == (Kind.WORKERS, None, True, 3600)
    assert found.directory == "/srv/shop"
    assert found.run == "/run/ayl/shop.web"
    assert found.log == "/var/log/ayl/shop.web.log"


def test_workers_have_some_seconds_more_than_their_calls() -> None:
    assert daemon(web("grace: 10"), "shop.web").grace == 15
    assert daemon(scheduler("command: python, grace: 10"), "shop.scheduler").grace == 10


def test_what_a_group_does_not_say_its_application_does_and_then_the_defaults() -> None:
    text = "defaults: {workers: 2, threads: 3, grace: 1m, umask: 077}\n" + SHOP.replace(
        "groups:", "threads: 4\n    groups:"
    ).replace("web: {}", "web: {workers: 5}\n      rest:")
    first, second = (daemon(text, name) for name in ("shop.web", "shop.rest"))
    assert first.command[8:14] == ("--workers", "5", "--threads", "4", "--grace", "60")
    assert second.command[8:14] == ("--workers", "2", "--threads", "4", "--grace", "60")
    assert first.umask == second.umask == 0o077


def test_one_of_two_keys_that_exclude_each_other_takes_the_place_of_an_inherited_one() -> None:
    text = SHOP.replace("groups:", "tubes: [a]\n    groups:").replace("web: {}", "web: {lanes: [mail]}")
    command = daemon(text, "shop.web").command
    assert "--lane" in command
    assert "--tube" not in command
    text = "defaults: {virtualenv: .venv}\n" + SHOP.replace("virtualenv: .venv", "interpreter: /usr/bin/python3")
    assert daemon(text, "shop.web").command[0] == "/usr/bin/python3"


def test_an_order_that_is_inherited_means_nothing_to_a_group_with_one_lane() -> None:
    text = "defaults: {strict: yes}\n" + web("lanes: [mail]")
    assert "--strict" not in daemon(text, "shop.web").command


def test_without_an_environment_of_its_own_an_application_has_the_interpreter_of_ayl_daemons() -> None:
    found = daemon(SHOP.replace("    virtualenv: .venv\n", ""), "shop.web")
    assert found.command[0] == PYTHON
    assert "VIRTUAL_ENV" not in found.environment


ENVIRONMENT = {
    "PATH": f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/home/ayl",
    "USER": "ayl",
    "LOGNAME": "ayl",
    "SHELL": "/bin/bash",
    "VIRTUAL_ENV": VENV,
}


def test_nothing_is_inherited_from_whoever_starts_it_but_the_language_and_the_time_zone() -> None:
    assert daemon(SHOP, "shop.web", EDITOR="x", HOME="/root", PATH="/root/bin").environment == ENVIRONMENT
    found = daemon(SHOP, "shop.web", LANG="C.UTF-8", TZ="Europe/Zurich", LC_ALL="C")
    assert found.environment == ENVIRONMENT | {"LANG": "C.UTF-8", "TZ": "Europe/Zurich"}


def test_the_environment_is_that_of_its_user() -> None:
    found = daemon(web("user: shop, group: ayl"), "shop.web")
    assert (found.user, found.group) == ("shop", "ayl")
    assert found.environment == ENVIRONMENT | {"HOME": "/home/shop", "USER": "shop", "LOGNAME": "shop"}


def test_variables_are_merged_and_the_nearest_wins() -> None:
    text = "defaults: {environment: {A: 1, B: 1, C: 1}}\n" + web("environment: {C: 3}").replace(
        "groups:", "environment: {B: 2, C: 2}\n    groups:"
    )
    found = daemon(text, "shop.web").environment
    assert (found["A"], found["B"], found["C"]) == ("1", "2", "3")


def test_values_of_variables_are_as_they_are_written() -> None:
    line = r'environment: {A: no, B: 010, C: 1.10, D: 2026-01-01, E: "", F: "a\nb", G: !!str true}'
    found = daemon(web(line), "shop.web").environment
    assert [found[name] for name in "ABCDEFG"] == ["no", "010", "1.10", "2026-01-01", "", "a\nb", "true"]


def test_files_of_variables_add_up_and_the_later_wins_but_variables_win_over_all() -> None:
    machine = Imagined({"/etc/a.env": b"A=a\nB=a\nC=a\n", "/srv/shop/b.env": b"B=b\nC='b'\n"})
    text = "defaults: {environment: {C: x}, environment_files: [/etc/a.env]}\n" + web("environment_files: [b.env]")
    found = daemon(text, "shop.web", machine).environment
    assert (found["A"], found["B"], found["C"]) == ("a", "b", "x")


def test_a_path_of_its_own_has_the_virtual_environment_in_front() -> None:
    assert daemon(web("environment: {PATH: /opt/bin}"), "shop.web").environment["PATH"] == f"{VENV}/bin:/opt/bin"
    line = f"environment: {{PATH: '/opt/bin:{VENV}/bin'}}"
    assert daemon(web(line), "shop.web").environment["PATH"] == f"/opt/bin:{VENV}/bin"


def test_what_the_application_is_called_and_where_its_server_is_are_variables() -> None:
    text = SHOP.replace("groups:", "name: shop2\n    version: 1.10\n    engine: thread\n    groups:")
    found = daemon(text, "shop.web")
    assert found.environment == ENVIRONMENT | {"AYL_APP": "shop2", "AYL_VERSION": "1.10", "AYL_ENGINE": "thread"}
    assert found.version == Version("text", "1.10", f"{VENV}/bin/python", "/srv/shop")


@pytest.mark.parametrize(
    ("line", "source", "value"),
    [
        ("{file: VERSION}", "file", "/srv/shop/VERSION"),
        ("{git: describe --tags}", "git", "describe --tags"),
        ("{attribute: shop:__version__}", "attribute", "shop:__version__"),
    ],
)
def test_a_version_may_be_found_when_a_daemon_is_started(line: str, source: str, value: str) -> None:
    machine = Imagined({"/srv/shop/VERSION": b"1"})
    found = daemon(SHOP.replace("groups:", f"version: {line}\n    groups:"), "shop.web", machine)
    assert found.version == Version(source, value, f"{VENV}/bin/python", "/srv/shop")
    assert "AYL_VERSION" not in found.environment


def test_a_variable_that_says_the_version_wins() -> None:
    text = SHOP.replace("groups:", "version: 1\n    groups:").replace("web: {}", "web: {environment: {AYL_VERSION: 2}}")
    found = daemon(text, "shop.web")
    assert found.version is None
    assert found.environment["AYL_VERSION"] == "2"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "a b"),
        ("x${A}y${A}", "xa bya b"),
        ("${NONE:-none}", "none"),
        ("${EMPTY:-none}", "none"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("$$5 and $${A}", "$5 and ${A}"),
        ("${DOLLAR}", "${A}"),
    ],
)
def test_variables_of_whoever_asks_stand_in_texts(text: str, expanded: str) -> None:
    line = f"environment: {{V: '{text}'}}"
    found = daemon(web(line), "shop.web", A="a b", EMPTY="", DOLLAR="${A}")
    assert found.environment["V"] == expanded


def test_variables_stand_for_numbers_too() -> None:
    assert words("workers: '${N:-3}'") == ("--workers", "3", *GRACE)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("command: python -m shop.scheduler", (f"{VENV}/bin/python", "-m", "shop.scheduler")),
        ("command: [python, -m, 8000, no]", (f"{VENV}/bin/python", "-m", "8000", "no")),
        ("command: python3 -c 'a b' \"\"", ("/usr/bin/python3", "-c", "a b", "")),
        ("command: .venv/bin/python x", (f"{VENV}/bin/python", "x")),
        ("command: /usr/bin/python3", ("/usr/bin/python3",)),
        ("command: 'python ${A} $$x'", (f"{VENV}/bin/python", "a b", "$x")),
    ],
)
def test_a_program_is_looked_for_in_the_virtual_environment_and_then_on_path(line: str, command: tuple[str]) -> None:
    assert daemon(scheduler(line), "shop.scheduler", A="a b").command == command


def test_a_daemon_is_what_its_keys_say() -> None:
    line = "command: python, directory: .venv, ready: notify, stop_signal: SIGINT, overlap: yes, restart: on-failure"
    found = daemon(scheduler(f"{line}, watchdog: 30, patience: 5, log: journal"), "shop.scheduler")
    assert (found.kind, found.directory, found.ready, found.stop_signal) == (Kind.COMMAND, VENV, None, "SIGINT")
    assert (found.overlap, found.restart, found.watchdog, found.patience) == (True, Restart.ON_FAILURE, 30, 5)
    assert found.log is Log.JOURNAL


def test_a_daemon_that_says_nothing_has_defaults() -> None:
    found = daemon(scheduler("command: python"), "shop.scheduler")
    assert (found.directory, found.ready, found.stop_signal, found.overlap) == ("/srv/shop", 1.0, "SIGTERM", False)
    assert (found.umask, found.grace, found.patience, found.drain) == (0o022, 25, 60, 0)
    assert (found.restart, found.watchdog, found.user) == (Restart.ALWAYS, 0, "")


@pytest.mark.parametrize("umask", ["022", "0022", "22", "0o22", "'022'", "${U}"])
def test_a_umask_is_octal_however_it_is_written(umask: str) -> None:
    assert daemon(web(f"umask: '{umask.strip(chr(39))}'"), "shop.web", U="022").umask == 0o022
    if umask != "${U}":
        assert daemon(web(f"umask: {umask}"), "shop.web").umask == 0o022


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90), ("1.5", 1.5), ("90s", 90), ("10m", 600), ("1h", 3600), ("1d", 86400), ("0", 0)]
)
def test_times_are_seconds_or_have_a_unit(written: str, seconds: float) -> None:
    assert daemon(scheduler(f"command: python, grace: {written}"), "shop.scheduler").grace == seconds


def test_directories_say_where_everything_is() -> None:
    text = f"directories: {{run: /r/, log: /l, state: /s}}\nserver: {{}}\n{SHOP}"
    found = configured(text)
    server, workers = found.daemons
    assert found.run == "/r"
    assert (server.run, server.log, server.state) == ("/r/server", "/l/server.log", "/s/binlog")
    assert workers.run == "/r/shop.web"


def test_the_server_comes_first_and_the_others_as_they_are_written() -> None:
    text = SHOP.replace("web: {}", "web: {}\n      a: {}") + "server: {}\n"
    assert [one.name for one in configured(text).daemons] == ["server", "shop.web", "shop.a"]


SERVERS = {
    "": ("-b", "/var/lib/ayl/binlog"),
    "binlog: none": (),
    "binlog: /srv/shop": ("-b", "/srv/shop"),
    "binlog: none, listen: [127.0.0.1, '[::1]:11301', '::1', localhost:1, 'unix:/run/b', '*']": (
        "-l", "127.0.0.1", "-l", "[::1]:11301", "-l", "::1", "-l", "localhost:1", "-l", "unix:/run/b", "-l", "*",
    ),
    "binlog: none, sync: never": ("-F",),
    "binlog: none, sync: 0": ("-f", "0"),
    "binlog: none, port: 0, file_size: 4k, max_job_size: 1m": ("-p", "0", "-s", "4096", "-z", "1048576"),
    "binlog: none, max_connections: 5, max_memory: 2g, metrics: '[::1]:9'": (
        "--max-connections", "5", "--max-memory", "2147483648", "--metrics", "[::1]:9",
    ),
    "binlog: none, listen: ['unix:/run/b'], unix_mode: 0660": ("-l", "unix:/run/b", "--unix-mode", "660"),
    "binlog: none, log_format: json, verbosity: 2": ("--log-format", "json", "-V", "-V"),
    "salvage: yes": ("-b", "/var/lib/ayl/binlog", "--salvage"),
    "binlog: none, listen: ['tls::'], tls: {cert: /c, key: /k, ca: /a}": (
        "-l", "tls::", "--tls-cert", "/c", "--tls-key", "/k", "--tls-ca", "/a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", [line for line in SERVERS if "tls::" not in line])
def test_keys_of_the_server_are_options_of_ayl_server_which_takes_them(line: str) -> None:
    command = daemon(f"server: {{{line}}}\n", "server").command
    assert command == ("/opt/ayl/bin/ayl_server", *SERVERS[line])
    server_config.parse([*command[1:]])


def test_tls_of_the_server() -> None:
    machine = Imagined(dict.fromkeys(("/c", "/k", "/a"), b""))
    line = "{binlog: none, listen: ['tls:0.0.0.0:11301'], tls: {cert: /c, key: /k, ca: /a}}"
    command = daemon(f"server: {line}\n", "server", machine).command
    assert command[1:] == ("-l", "tls:0.0.0.0:11301", "--tls-cert", "/c", "--tls-key", "/k", "--tls-ca", "/a")
    server_config.parse([*command[1:]])


ADDRESSES = [
    "127.0.0.1", "127.0.0.1:", "127.0.0.1:11300", "127.0.0.1:99999", "127.0.0.1:x", "localhost", "::", "::1", "[::1]",
    "[::1]:1", "[::1]:x", "[::1", "[]:1", ":1", ":", "tls:0.0.0.0", "tls:[::1]:1", "tls:", "*", "a:b:c", "[::1]x",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_let_through_that_ayl_server_refuses(address: str) -> None:
    from ayl.daemons.spec.addresses import ADDRESS
    from ayl.daemons.spec.problems import Wrong

    def takes(words: list[str]) -> bool:
        try:
            server_config.parse(words)
        except server_config.UsageError:
            return False
        return True

    try:
        ADDRESS.make(address)
    except (ValueError, Wrong):
        is_taken = False
    else:
        is_taken = True
    assert is_taken == takes(["-l", address, "--tls-cert", "c", "--tls-key", "k"])


def test_the_server_inherits_what_is_of_every_process_and_nothing_else() -> None:
    text = "defaults: {user: shop, grace: 9, interpreter: /usr/bin/python3, max_memory: 1k, workers: 3}\nserver: {}\n"
    found = daemon(text, "server")
    assert (found.user, found.grace) == ("shop", 9)
    assert found.command == ("/opt/ayl/bin/ayl_server", "-b", "/var/lib/ayl/binlog")


def test_another_server_may_be_named() -> None:
    machine = Imagined()
    machine.programs |= {"/usr/bin/ayl_server"}
    for line in ("command: ayl_server", "interpreter: /usr/bin/python3", "command: [/usr/bin/ayl_server]"):
        command = daemon(f"server: {{binlog: none, {line}}}\n", "server", machine).command
        assert command == ("/usr/bin/ayl_server",)


def test_a_machine_without_ayl_server_is_told_of() -> None:
    from .machines import problems

    machine = Imagined(programs=set())
    told = "1:1: server.command: /opt/ayl/bin/ayl_server does not exist; expected a file that can be run"
    assert problems("server: {}\n", machine)[0].endswith(told.removeprefix("1:1"))


def warnings(text: str, machine: Imagined) -> list[str]:
    return [str(warning).removeprefix(f"{PATH}:") for warning in configured(text, machine).warnings]


def test_a_daemon_that_runs_as_root_is_warned_of() -> None:
    told = "shop.web runs as root: give it a user of its own (user: …)"
    assert warnings(web("user: root"), Imagined()) == [f"7:19: applications.shop.groups.web.user: {told}"]
    assert warnings(SHOP, Imagined(myself="root")) == [f"7:7: applications.shop.groups.web: {told}"]
    assert warnings(web("user: shop"), Imagined(myself="root")) == []


def test_secrets_that_everybody_can_read_are_warned_of() -> None:
    line = "environment: {DB_PASSWORD: hunter2, API_KEY: '${KEY:-x}', KEYBOARD: de}"
    (told,) = warnings(web(line), Imagined(modes={PATH: 0o644}))
    assert told == (
        "7:40: applications.shop.groups.web.environment.DB_PASSWORD: every user can read it: "
        f"put it into a file of environment_files, or chmod o-r {PATH}"
    )
    assert warnings(web(line), Imagined(modes={PATH: 0o640})) == []


def test_a_file_of_variables_that_everybody_can_read_is_warned_of() -> None:
    machine = Imagined({"/srv/shop/a.env": b"A=1\n"}, modes={"/srv/shop/a.env": 0o644})
    assert warnings(web("environment_files: [a.env]"), machine) == [
        (
            "7:33: applications.shop.groups.web.environment_files[0]: every user can read /srv/shop/a.env: "
            "chmod o-r /srv/shop/a.env, if it has secrets"
        )
    ]


def test_who_runs_one_daemon_need_not_be_permitted_to_look_at_what_others_need() -> None:
    mail = SHOP.removeprefix("applications:\n").replace("shop:", "mail:").replace("/srv/shop", "/secret")
    text = SHOP + mail.replace("virtualenv: .venv", "user: gone\n    environment_files: [a.env]")
    machine = Imagined({PATH: text.encode(), "/srv/shop/a.env": b"A=1"}, unreadable={"/secret/a.env"})
    assert [one.name for one in read(PATH, Imagined({PATH: text.encode()}, set(), set()), {}, ()).daemons] == [
        "shop.web",
        "mail.web",
    ]
    for only in (["shop.web"], ["shop"]):
        found = read(PATH, machine, {}, only)
        assert [one.name for one in found.daemons] == ["shop.web", "mail.web"]
        assert found.daemons[0] == daemon(SHOP, "shop.web")
