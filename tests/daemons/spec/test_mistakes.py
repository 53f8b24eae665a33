"""Every kind of mistake within a `daemons.yml`, with the exact message for it."""

from __future__ import annotations

import pytest

from ayl.daemons.spec.problems import BadConfiguration

from .machines import PATH, SHOP, Imagined, configured, problems

WEB = "applications.shop.groups.web"
NAME_RULE = "expected a letter, then at most 62 letters, digits, _ and -"
PART_RULE = "expected letters, digits and + ; . $ _ ( ) -, not starting with -"
DURATION = "expected seconds, or a number with s, m, h or d (90s, 10m), at most 365d"
TIME = "expected seconds, or a number with s, m, h or d (90s, 10m), more than 0, at most 365d"

OF_APPLICATIONS = {
    "usr: shop": "usr: unknown key; expected a key of an application; did you mean user?",
    "user: no": "user: no is a truth value in YAML; expected the name of a user (in quotes, if no is one)",
    "user: 1000": "user: 1000 is a number; expected the name of a user (in quotes, if 1000 is one)",
    "user: nobdy": "user: there is no user 'nobdy' here; expected the name of one",
    "user: [shop]": "user: is a list; expected the name of a user",
    "user: {a: b}": "user: is a mapping; expected the name of a user",
    "user:": "user: is empty; expected the name of a user",
    "user: ''": "user: '' does not fit; expected the name of a user",
    'user: "a\\e[31m"': "user: 'a\\x1b[31m' does not fit; expected the name of a user",
    "user: ${WHO}": "user: the variable WHO is not set; expected one that is, or ${WHO:-DEFAULT}",
    "user: $WHO": "user: a $ stands alone; expected ${NAME}, ${NAME:-DEFAULT}, or $$ for a dollar",
    "user: ${WHO": "user: a $ stands alone; expected ${NAME}, ${NAME:-DEFAULT}, or $$ for a dollar",
    "group: 0": "group: 0 is a number; expected the name of a group (in quotes, if 0 is one)",
    "group: wheel": "group: there is no group 'wheel' here; expected the name of one",
    "umask: 99": "umask: '99' does not fit; expected permissions in octal, such as 022",
    "umask: 07777": "umask: '07777' does not fit; expected permissions in octal, such as 022",
    "grace: soon": f"grace: 'soon' does not fit; {DURATION}",
    "grace: -1": f"grace: '-1' does not fit; {DURATION}",
    "grace: .inf": f"grace: '.inf' does not fit; {DURATION}",
    "grace: 366d": f"grace: 366d is out of range; {DURATION}",
    "patience: 0": f"patience: 0 is out of range; {TIME}",
    "restart: allways": "restart: 'allways' is none of them; expected always, on-failure or never; "
    "did you mean always?",
    "log: shop.log": "log: 'shop.log' does not fit; expected file, journal, or an absolute path",
    "workers: many": "workers: 'many' does not fit; expected a whole number from 1 to 1000",
    "workers: 1.5": "workers: '1.5' does not fit; expected a whole number from 1 to 1000",
    "workers: 0": "workers: 0 is out of range; expected a whole number from 1 to 1000",
    "workers: yes": "workers: yes is a truth value in YAML; expected a whole number from 1 to 1000 "
    "(in quotes, if yes is one)",
    "threads: 0": "threads: leaves no slot; expected processes, threads or coroutines of at least 1",
    "max_memory: 5x": "max_memory: '5x' does not fit; expected bytes, or a number with k, m or g (500m), "
    "from 1 to 1024g",
    "max_memory: 9999g": "max_memory: 9999g is out of range; expected bytes, or a number with k, m or g (500m), "
    "from 1 to 1024g",
    "strict: maybe": "strict: 'maybe' does not fit; expected yes or no",
    "name: a/b": f"name: 'a/b' cannot be part of a tube's name; {PART_RULE}",
    "version: -1": f"version: '-1' cannot be part of a tube's name; {PART_RULE}",
    "version: {fil: VERSION}": "version.fil: unknown key; expected a key of a version; did you mean file?",
    "version: {file: A, git: b}": "version: has 2 keys; expected text, or one of {file: PATH}, {git: describe}, "
    "{attribute: MODULE:NAME}",
    "version: {file: VERSION}": "version: /srv/shop/VERSION does not exist; expected a file",
    "version: {attribute: shop}": "version.attribute: 'shop' does not fit; expected MODULE:NAME",
    "lanes: []": "lanes: is an empty list; expected a list of lanes, or a mapping of lanes to shares",
    "lanes: [a b]": f"lanes[0]: 'a b' is no name of a lane; {PART_RULE}; with * for any text",
    "lanes: {a: 1000}": "lanes.a: '1000' does not fit; expected a share: a whole number from 1 to 999",
    "lanes: mail": "lanes: is a single value; expected a list of lanes, or a mapping of lanes to shares",
    "tubes: ['*']": "tubes[0]: '*' is no name of a tube; expected 1 to 200 of A-Z a-z 0-9 - + / ; . $ _ ( ), "
    "the first no '-'; with * for any text, but not at the beginning",
    "environment: [A=B]": "environment: is a list; expected a mapping of variables",
    "environment: {1A: x}": "environment.1A: '1A' is no name of a variable; expected letters, digits and _, "
    "the first no digit",
    "environment: {A: }": "environment.A: is empty; expected text",
    "environment: {A: [x]}": "environment.A: is a list; expected text",
    'environment: {A: "\\0"}': "environment.A: has a NUL; expected text",
    "environment_files: [gone.env]": "environment_files[0]: /srv/shop/gone.env does not exist; expected a file",
    "environment_files: [.venv]": "environment_files[0]: /srv/shop/.venv is no file; expected a file",
    "environment_files: shop.env": "environment_files: is a single value; expected a list of paths",
    "daemons: {web: {command: python}}": "daemons.web: is a name in groups, too (7:7); expected another name",
    "daemons: {x: {}}": "daemons.x.command: is missing; expected it here",
    "daemons: {x: }": "daemons.x.command: is missing; expected it here",
    "daemons: {1: {command: python}}": f"daemons.1: 1 is a number; {NAME_RULE} (in quotes, if 1 is one)",
    "daemons: {no: {command: python}}": f"daemons.no: no is a truth value in YAML; {NAME_RULE} "
    "(in quotes, if no is one)",
    "daemons: {/: {command: python}}": f"daemons./: '/' does not fit; {NAME_RULE}",
    "daemons: {..: {command: python}}": f"daemons...: '..' does not fit; {NAME_RULE}",
    "daemons: {a.b: {command: python}}": f"daemons.a.b: 'a.b' does not fit; {NAME_RULE}",
    "daemons: [x]": "daemons: is a list; expected a mapping of names to what each daemon is",
    "daemons: {x: [python]}": "daemons.x: is a list; expected a mapping: the keys of a daemon",
    "interpreter: /usr/bin/python3": "interpreter: stands beside virtualenv (4:17); expected one of the two",
    "path: /srv/shop": "path: stands here twice; expected once: the first is at 3:5",
}
"""A line of an application, and what is said of it."""

OF_DAEMONS = {
    "command: ''": "command: is empty; expected a list of words, or text that is split at its blanks "
    '("…" keeps some together)',
    "command: []": "command: is an empty list; expected a list of words, or text that is split at its blanks "
    '("…" keeps some together)',
    "command: python 'x": "command: cannot be split (no closing quotation); expected a list of words, "
    'or text that is split at its blanks ("…" keeps some together)',
    "command: python | tee x": "command: no shell reads this, and | means nothing; "
    'expected a list such as [sh, -c, "…"]',
    "command: gunicorn": "command: there is no program 'gunicorn'; expected one in /srv/shop/.venv/bin, "
    "/usr/local/bin, /usr/bin, /bin",
    "command: /usr/bin/gone": "command: /usr/bin/gone does not exist; expected a file that can be run",
    "command: /srv/shop": "command: /srv/shop is no program; expected a file that can be run",
    "command: [python, {a: b}]": "command[1]: is a mapping; expected a word",
    "{command: python, directory: gone}": "directory: /srv/shop/gone does not exist; expected a directory",
    "{command: python, directory: ../../usr/bin/python3}": "directory: /srv/shop/../../usr/bin/python3 does not exist; "
    "expected a directory",
    "{command: python, ready: soon}": "ready: 'soon' does not fit; expected notify, or "
    + DURATION.removeprefix("expected "),
    "{command: python, stop_signal: SIGTREM}": "stop_signal: 'SIGTREM' is none of them; expected SIGTERM, SIGINT, "
    "SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 or SIGWINCH; did you mean SIGTERM?",
    "{command: python, overlap: 1}": "overlap: '1' does not fit; expected yes or no",
    "{command: python, workers: 2}": "workers: unknown key; expected a key of a daemon: user, group, environment, "
    "environment_files, umask, grace, patience, restart, watchdog, log, command, directory, ready, "
    "stop_signal, overlap",
}

OF_SERVERS = {
    "binlgo: /x": "binlgo: unknown key; expected a key of the server; did you mean binlog?",
    "binlog: /gone": "binlog: /gone does not exist; expected a directory",
    "binlog: jobs": "binlog: 'jobs' is relative; expected an absolute path",
    "listen: 127.0.0.1": "listen: is a single value; expected a list of addresses",
    "listen: ['a b']": "listen[0]: 'a b' does not fit; expected ADDR, ADDR:PORT, [IPV6]:PORT, tls:ADDR or unix:PATH",
    "listen: ['::1', '[::1]:99999']": "listen[1]: port 99999 is out of range; expected a port from 0 to 65535",
    "listen: ['unix:beanstalk.socket']": "listen[0]: 'beanstalk.socket' is relative; "
    "expected unix: and an absolute path",
    f"listen: ['unix:/{'x' * 107}']": "listen[0]: has 108 bytes; expected at most 107 for the path of a socket",
    "listen: ['tls:0.0.0.0']": "listen[0]: tls:0.0.0.0 speaks TLS; expected the section tls beside listen",
    "listen: [localhost, localhost]": "listen[1]: 'localhost' stands here twice; expected once: see 2:12",
    "port: 70000": "port: 70000 is out of range; expected a whole number from 0 to 65535",
    "sync: sometimes": "sync: 'sometimes' does not fit; expected never, or a whole number from 0 to 3600000",
    "file_size: 1k": "file_size: 1k is out of range; expected bytes, or a number with k, m or g (500m), "
    "from 4k to 2147483647",
    "max_job_size: 2g": "max_job_size: 2g is out of range; expected bytes, or a number with k, m or g (500m), "
    "from 1 to 1g",
    "metrics: 11380": "metrics: 11380 is a number; expected ADDR:PORT, such as 127.0.0.1:11380 "
    "(in quotes, if 11380 is one)",
    "unix_mode: 660": "unix_mode: is about no socket; expected unix:PATH in listen",
    "{binlog: none, salvage: yes}": "salvage: is about no binlog; expected binlog not to be none",
    "tls: {cert: /etc/c.pem}": "tls.key: is missing; expected it here",
    "log_format: xml": "log_format: 'xml' is none of them; expected text or json",
    "verbosity: 3": "verbosity: 3 is out of range; expected a whole number from 0 to 2",
    "interpreter: python3": "interpreter: python3 is relative, and the server has no path; expected an absolute path",
    "interpreter: /usr/bin/python3": "interpreter: /usr/bin/ayl_server does not exist; expected a file that can be run",
    "environment_files: [a.env]": "environment_files[0]: a.env is relative, and the server has no path; "
    "expected an absolute path",
    "{command: ayl_server, interpreter: /usr/bin/python3}": "interpreter: stands beside command (2:13); "
    "expected one of the two",
}


def without_place(line: str) -> str:
    return line.split(": ", 1)[1]


@pytest.mark.parametrize("line", OF_APPLICATIONS)
def test_a_mistake_in_an_application_is_told(line: str) -> None:
    (told,) = [one for one in problems(f"{SHOP}    {line}\n") if not one.endswith("a list of modules")]
    assert without_place(told) == f"applications.shop.{OF_APPLICATIONS[line]}"
    assert told.startswith("8:")


@pytest.mark.parametrize("line", OF_DAEMONS)
def test_a_mistake_in_a_daemon_is_told(line: str) -> None:
    (told,) = problems(f"{SHOP}    daemons:\n      x:\n        {line}\n")
    assert without_place(told) == f"applications.shop.daemons.x.{OF_DAEMONS[line]}"
    assert told.startswith("10:")


@pytest.mark.parametrize("line", OF_SERVERS)
def test_a_mistake_in_the_server_is_told(line: str) -> None:
    machine = Imagined(files={"/etc/c.pem": b""})
    machine.programs.add("/usr/bin/ayl_server") if "command" in line else None
    (told,) = problems(f"server:\n  {line}\n", machine)
    assert without_place(told) == f"server.{OF_SERVERS[line]}"
    assert told.startswith("2:")


def test_what_an_application_must_have_is_told() -> None:
    assert problems("applications:\n  shop:\n    groups: {web: {}}\n") == [
        "3:5: applications.shop.path: is missing; expected it here",
        (
            "3:14: applications.shop.groups.web.modules: is missing; "
            "expected it here, in the application or in defaults: a list of modules"
        ),
    ]
    assert problems("applications:\n  shop:\n") == [
        "2:3: applications.shop: has nothing to run; expected groups or daemons",
        "2:8: applications.shop.path: is missing; expected it here",
    ]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/srv/gone", "/srv/gone does not exist; expected a directory"),
        ("/etc/ayl/daemons.yml", "/etc/ayl/daemons.yml is no directory; expected a directory"),
        ("~/shop", "'~/shop' is relative; expected an absolute path"),
    ],
)
def test_a_path_that_is_no_directory_is_told(path: str, told: str) -> None:
    text = SHOP.replace("/srv/shop", path).replace("virtualenv: .venv", "user: shop")
    assert problems(text) == [f"3:11: applications.shop.path: {told}"]


def test_a_directory_without_a_python_is_no_virtual_environment() -> None:
    machine = Imagined()
    machine.programs.discard("/srv/shop/.venv/bin/python")
    assert problems(SHOP, machine) == [
        (
            "4:17: applications.shop.virtualenv: /srv/shop/.venv is no virtual environment: it has no bin/python; "
            "expected one with ayl in it"
        )
    ]


@pytest.mark.parametrize("name", ["server", "'server'"])
def test_an_application_cannot_be_called_as_the_server_is(name: str) -> None:
    text = SHOP.replace("shop:\n", f"{name}:\n")
    assert problems(text) == [
        "2:3: applications.server: server is a name of its own; expected another name for this application"
    ]


def test_a_section_that_orders_nothing_cannot_be_strict() -> None:
    for line in ("lanes: [mail]", "lanes: {mail: 2, pdf: 1}", "workers: 1"):
        text = SHOP.replace("web: {}", f"web: {{strict: yes, {line}}}")
        told = "strict: orders nothing; expected several lanes (or tubes) in a list, without shares"
        assert problems(text) == [f"7:21: {WEB}.{told}"]
    assert not problems(SHOP.replace("web: {}", "web: {strict: yes, lanes: [mail, pdf]}"))


def test_shares_of_all_lanes_have_one_for_the_apps_own_tube() -> None:
    told = "lanes: '*' is the lane default, too; expected a share of its own for default"
    assert problems(SHOP.replace("web: {}", "web: {lanes: {'*': 2, mail: 1}}")) == [f"7:20: {WEB}.{told}"]


def test_sockets_whose_paths_would_be_too_long_are_told() -> None:
    run = "/" + "r" * 83
    assert not problems(f"directories: {{run: {run}}}\n{SHOP}")
    assert problems(f"directories: {{run: {run}r}}\n{SHOP}") == [
        (
            f"8:7: {WEB}: the sockets in {run}r/shop.web have paths of 108 bytes; expected at most 107: "
            "a shorter name, or a shorter directories.run"
        )
    ]


def test_all_mistakes_are_told_at_once_sorted_by_place() -> None:
    text = SHOP.replace("path: /srv/shop", "path: /gone").replace("web: {}", "web: {workers: 0, moduls: [x]}")
    told = problems(f"server: {{port: -1}}\ndefaults: {{grace: x}}\n{text}")
    assert [line.split(": ")[:2] for line in told] == [
        ["1:16", "server.port"],
        ["2:19", "defaults.grace"],
        ["5:11", "applications.shop.path"],
        ["6:17", "applications.shop.virtualenv"],
        ["9:22", f"{WEB}.workers"],
        ["9:25", f"{WEB}.moduls"],
    ]


def test_a_mistake_in_defaults_is_told_once_whoever_inherits_it() -> None:
    text = f"defaults: {{user: gone}}\nserver: {{}}\n{SHOP}      rest: {{}}\n"
    assert problems(text) == ["1:18: defaults.user: there is no user 'gone' here; expected the name of one"]


def test_a_long_name_or_value_is_not_told_in_full() -> None:
    (told,) = problems(f"{SHOP}    {'x' * 5000}: 1\n")
    assert len(told) < 700
    (told,) = problems(f"{SHOP}    grace: {'x' * 5000}\n")
    assert len(told) < 250


def test_the_error_has_each_problem_with_its_place() -> None:
    with pytest.raises(BadConfiguration) as caught:
        configured(f"{SHOP}    user: gone\n")
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.line, problem.place.column) == (PATH, 8, 11)
    assert problem.key == "applications.shop.user"
