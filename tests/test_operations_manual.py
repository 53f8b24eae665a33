"""docs/operations.md is true: its files are written, its commands run in their order, no command and no key is left
out, and what it says of the system is what packaging/ has.

The one thing that is changed is the place: all of it is followed below a directory of its own, at free ports, and as
whoever runs the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import pytest

from ayl.cli.daemons.exits import Exit
from ayl.cli.daemons.files import OPTIONS
from ayl.cli.daemons.main import ayl_daemons
from ayl.cli.daemons.status import Seen
from ayl.daemons.conditions import Health
from ayl.daemons.spec.environments import KEPT
from ayl.daemons.spec.keys import ANY, KEYS
from tests.daemons.spec.machines import Imagined, problems
from tests.pages import ROOT, Page
from tests.processes.deadline import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pages import Block

MANUAL = Page("docs/operations.md")
PACKAGING = ROOT / "packaging"
PLACES = ("/etc/ayl", "/srv", "/run/ayl", "/var/log/ayl", "/var/lib/ayl", "/var/backups")
"""What is elsewhere for us."""

PATHS = re.compile(rf"(?<![\w.-])({'|'.join(PLACES)})(?![\w-])")


class Machine:
    """A directory that is followed as if it were `/`."""

    def __init__(self, root: Path, ports: tuple[int, int]) -> None:
        self.root = root
        self.port, self.page = ports
        self.background: list[subprocess.Popen[str]] = []
        for place in PLACES:
            (root / place[1:]).mkdir(parents=True, exist_ok=True)
        release = self.path("/srv/shop/releases/1.4.2")
        release.mkdir(parents=True)
        (release / "VERSION").write_text("1.4.2\n")
        self.path("/srv/shop/current").symlink_to(release)
        self.path("/srv/billing").mkdir()
        for path, text in self.files():
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        for application in (release, self.path("/srv/billing")):
            (application / ".venv").symlink_to(sys.prefix)
        self.commit("2.1", "2.2")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AYL_DAEMONS": str(self.path("/etc/ayl/daemons.yml")),
            "AYL_ENGINE": f"beanstalk://127.0.0.1:{self.port}",
        }

    def files(self) -> Iterator[tuple[Path, str]]:
        """All that the page has, by where they are here."""
        for block in MANUAL.blocks:
            if path := named(block):
                yield self.path(path), self.adapted(block)

    def adapted(self, block: Block) -> str:
        text = self.here(block.text)
        if block.language != "yaml":
            return text
        # Users that are not on this machine, and directories that are not ours.
        text = re.sub(r"^ +user: .*\n", "", text, flags=re.MULTILINE)
        own = "container" if "container" in named(block) else "."
        places = {"run": "/run/ayl", "log": "/var/log/ayl", "state": "/var/lib/ayl"}
        lines = [f"  {key}: {self.path(place) / own}\n" for key, place in places.items()]
        return f"directories:\n{''.join(lines)}{text}".replace("server:\n", f"server:\n  port: {self.port}\n")

    def here(self, text: str) -> str:
        moved = PATHS.sub(lambda found: f"{self.root}{found[1]}", text)
        return moved.replace("11300", str(self.port)).replace("11380", str(self.page))

    def path(self, name: str) -> Path:
        return self.root / name[1:]

    def commit(self, *tags: str) -> None:
        """A repository with these tags, at the first of them."""
        git = ["git", "-C", str(self.path("/srv/billing")), "-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "add", "billing.py"], check=True)
        for tag in tags:
            subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", tag], check=True)
            subprocess.run([*git, "tag", tag], check=True)
        subprocess.run([*git, "checkout", "--quiet", tags[0]], check=True)

    def run(self, command: str) -> str:
        """What it says, once it has ended as the page tells; with & it goes on."""
        told = re.search(r"  # ends with (\d+)$", command)
        words = self.here(command).removesuffix(" &")
        process = subprocess.Popen(
            ["bash", "-c", f"exec {words}" if command.endswith(" &") else words],
            cwd=self.path("/srv/shop/current"),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if command.endswith(" &"):
            self.background.append(process)
            return ""
        said, _ = process.communicate(timeout=3 * PATIENCE)
        assert process.returncode == int(told[1] if told else 0), (
            f"{command} ended with {process.returncode}:\n{said}\n{self.logs()}"
        )
        return said

    def status(self, *words: str) -> dict[str, Any]:
        """By name."""
        done = subprocess.run(
            ["ayl_daemons", "status", "--json", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            check=False,
            text=True,
            timeout=PATIENCE,
        )
        return {daemon["name"]: daemon for daemon in json.loads(done.stdout)}

    def logs(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.path("/var/log/ayl").rglob("*.log"))
        )

    def close(self) -> None:
        """Let nothing stay behind, whatever happened."""
        for process in self.background:
            process.terminate()
            process.communicate(timeout=PATIENCE)
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["ayl_daemons", "stop"], env=self.environment, capture_output=True, check=False, timeout=90)
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[int]:
        """Everything that runs because of it."""
        mark = str(self.root).encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if int(entry.name) != os.getpid() and mark in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found


def named(block: Block) -> str:
    """The path that its first line, a comment, says it is."""
    found = re.match(r"# (/\S+)$", block.text, re.MULTILINE)
    return found[1] if found else ""


@pytest.fixture
def machine(free_port: int) -> Iterator[Machine]:
    with socket.create_server(("127.0.0.1", 0)) as another:
        page = another.getsockname()[1]
    with TemporaryDirectory(prefix="ayl-") as folder:  # tmp_path is too long for sockets
        found = Machine(Path(folder), (free_port, page))
        try:
            yield found
        finally:
            found.close()


def test_following_the_manual_step_by_step_works(machine: Machine) -> None:
    assert not MANUAL.snippets
    assert not MANUAL.sessions
    for block in MANUAL.blocks:
        for command in block.commands:
            said = machine.run(command)
            after(command, said, machine)
    assert not machine.path("/var/lib/ayl/binlog.before").samefile(machine.path("/var/lib/ayl/binlog"))
    machine.run("ayl_daemons stop")
    assert machine.processes() == []
    assert [path.name for path in machine.path("/run/ayl").iterdir() if path.name != "container"] == ["lock"]


def after(command: str, said: str, machine: Machine) -> None:
    """What holds then."""
    match command:
        case "ayl_daemons check":
            assert "4 daemons of 2 applications and the server: all is well" in said
        case "ayl_daemons start":
            assert [*re.findall(r"^([\w.]+): running", said, re.MULTILINE)] != []
            page = f"http://127.0.0.1:{machine.page}/metrics"
            with urllib.request.urlopen(page, timeout=PATIENCE) as answer:
                assert b"ayl_server_jobs_refused_total" in answer.read()
        case "ayl_daemons reload shop":
            assert re.sub(r"pid \d+", "pid 1", said) == re.sub(r"pid \d+", "pid 1", shown("shop.calls: running"))
            draining = [process["state"] for process in machine.status()["shop.calls"]["facts"]["processes"]]
            assert draining == ["working", "draining"]
        case "ayl_daemons reload billing":
            assert "on billing/2.2" in said
        case "ayl_beanstalk drain 1.4.2 -t shop --wait --for 60":
            eventually(lambda: len(machine.status()["shop.calls"]["facts"]["processes"]) == 1, machine.logs)
        case "mv /var/log/ayl/shop.calls.log /var/log/ayl/shop.calls.log.1":
            machine.run("ayl_daemons restart shop.calls")
            assert machine.path("/var/log/ayl/shop.calls.log").exists()
        case "ayl_daemons start server":
            workers_are_back(machine)
        case "ayl_daemons run --config /srv/container/daemons.yml &":
            config = str(machine.path("/srv/container/daemons.yml"))
            eventually(lambda: machine.status("--config", config)["shop.calls"]["state"] == "working", machine.logs)
        case "ayl_daemons status --config /srv/container/daemons.yml":
            (running,) = machine.background
            running.terminate()
            output, _ = running.communicate(timeout=PATIENCE)
            assert running.returncode == 0, output
            assert "takes jobs from shop/1.5" in output
            machine.background.clear()


def workers_are_back(machine: Machine) -> None:
    """They have dialled again; and the call of the page that is delayed is there."""

    def there() -> bool:
        lines = [line.split() for line in machine.run("ayl_beanstalk list_tubes").splitlines()]
        found = {line[0]: dict(zip(lines[0], line, strict=False)) for line in lines}.get("shop/1.5", {})
        return found.get("DELAYED") == "1" and found["WORKERS"] != "0"

    eventually(there, machine.logs)


def shown(beginning: str) -> str:
    """The text of the page that begins so."""
    (found,) = [block.text for block in MANUAL.blocks if block.text.startswith(beginning)]
    return found


# What the page says of the system


def lines_of_the_system() -> list[str]:
    return [
        line.split("#")[0].strip()
        for block in MANUAL.blocks
        if block.language == "sh"
        for line in block.text.splitlines()
    ]


def test_only_commands_that_change_the_system_are_not_run() -> None:
    programs = {line.split()[0] for line in lines_of_the_system()} - {"ayl_daemons"}
    assert programs <= {
        *("packaging/rpm/build", "dnf", "python3.11", "/opt/ayl/bin/pip", "ln", "useradd", "install"),
        *("systemctl", "service", "update-rc.d", "journalctl"),
    }


def test_every_unit_that_is_named_is_there() -> None:
    units = {path.name for path in (PACKAGING / "systemd").iterdir()}
    whole = re.findall(r"\b(ayl-\w+@?)[\w.]*\.(service|socket)\b", MANUAL.text)
    short = re.findall(r"(?:systemctl [\w-]+|-u) (?:--now )?'?(ayl-\w+@?)", MANUAL.text)
    named = {*whole, *((name, "service") for name in short)}
    assert {"ayl-workers", "ayl-worker@"} <= {*short}
    assert {f"{name}.{kind}" for name, kind in named} <= units


def test_every_file_of_packaging_that_is_named_is_there() -> None:
    found = re.findall(r"packaging/[\w./@*-]+\w", MANUAL.text)
    assert found
    for name in found:
        assert [*ROOT.glob(name)], name


def test_every_action_of_the_script_is_told_and_there() -> None:
    script = (PACKAGING / "sysv" / "ayl-workers").read_text()
    (usage,) = re.findall(r"Usage: service \$NAME \{([\w|-]+)\}", script)
    (told,) = re.findall(r"It takes (.*?), and names", MANUAL.text)
    assert {*re.findall(r"`([\w-]+)`", told)} == {*usage.split("|")}
    assert {*re.findall(r"service ayl-workers ([\w-]+)", MANUAL.text)} <= {*usage.split("|")}


def test_the_rules_for_logrotate_are_what_the_page_says() -> None:
    rules = (PACKAGING / "logrotate" / "ayl").read_text().split()
    assert {"weekly", "maxsize", "100M"} <= {*rules}
    assert "rotates each week, or at 100 MB" in MANUAL.text


def test_logs_elsewhere_are_rotated_by_the_same_rules() -> None:
    shipped = (PACKAGING / "logrotate" / "ayl").read_text().partition("{")[2].split()
    assert "/var/log/ayl/*.log {" in (PACKAGING / "logrotate" / "ayl").read_text()
    assert shown("/srv/shop/log/*.log {").partition("{")[2].split() == ["su", "shop", "shop", *shipped]


def test_the_variables_that_are_handed_on_are_those_of_the_page() -> None:
    told = " and ".join(f"`{name}`" for name in KEPT)
    assert f"reaches a daemon but {told}: what else" in MANUAL.text


def test_files_that_begin_no_page_are_files_of_the_spec() -> None:
    texts = [block.text for block in MANUAL.blocks if block.language == "yaml" and not named(block)]
    assert len(texts) == 2
    made = Imagined(
        {"/srv/shop/current/.venv/bin/python": b""}
        | {f"/etc/ayl/tls/{name}": b"" for name in ("server.pem", "server.key", "clients.pem")}
    )
    for text in texts:
        assert problems(text, made) == []


# Nothing is left out


SECTIONS: dict[str, str] = dict(re.findall(r"^### (.*)\n([\s\S]*?)(?=^##)", MANUAL.text, re.MULTILINE))
"""What stands under the name of each command."""


def commands() -> dict[str, click.Command]:
    context = click.Context(ayl_daemons)
    found = {name: ayl_daemons.get_command(context, name) for name in ayl_daemons.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_is_there_with_its_options() -> None:
    assert {*SECTIONS} == {*commands()}
    for name, command in commands().items():
        told = re.findall(r"(?<![\w-])--?[a-z]+", SECTIONS[name])
        known = [word for option in command.params if isinstance(option, click.Option) for word in option.opts]
        assert {*known} - {"--config"} <= {*told}, name
        assert {*told} <= {*known, "--prepared"}, name


def test_every_option_that_all_have_is_there_with_its_variable() -> None:
    for option in OPTIONS:
        assert f"`{option.opts[-1]}` | `{option.envvar}`" in MANUAL.text


def codes(text: str) -> list[int]:
    return [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]


def test_every_exit_code_is_there() -> None:
    before, reference = MANUAL.text.split("## `ayl_daemons`")
    assert codes(reference) == [*Exit]
    assert codes(before.split("## Monitor")[1]) == [*Seen]


def test_every_state_is_there() -> None:
    (table,) = re.findall(r"^\| state \| \|\n.*?\n((?:\|.*\n)+)", MANUAL.text, re.MULTILINE)
    states = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    source = (ROOT / "ayl/daemons/state.py").read_text()
    (told,) = re.findall(r'state: str\n    """(`starting`, `working`, `replacing`.*)"""', source)
    ours = {health.value for health in Health} - {"well", "troubled"}
    assert sorted(states) == sorted({*re.findall(r"`(\w+)`", told)} | ours)


SHORT = (
    ("seconds, or a number with s, m, h or d (90s, 10m)", "a time"),
    ("bytes, or a number with k, m or g (500m)", "a size"),
)
"""What the page says in one word."""


def rows() -> Iterator[str]:
    """The table of all keys, as it should be."""
    yield "| key | where | value | default | |"
    yield "|---|---|---|---|---|"
    for key in KEYS:
        where = "every process" if key.where == ANY else ", ".join(section.name for section in key.where)
        value = key.kind.expected
        for long, short in SHORT:
            value = value.replace(long, short)
        default = "required" if key.is_required else key.default
        yield (
            "| "
            + " | ".join(part.replace("|", r"\|") for part in (f"`{key.name}`", where, value, default, key.meaning))
            + " |"
        )


def test_every_key_is_there_as_the_table_of_keys_has_it() -> None:
    (there,) = re.findall(r"^\| key \| where .*\n(?:\|.*\n)+", MANUAL.text, re.MULTILINE)
    assert there.splitlines() == [re.sub(r" +\|", " |", row) for row in rows()], "\n".join(rows())


def test_links_lead_somewhere() -> None:
    for target, _, anchor in (found.partition("#") for found in re.findall(r"\]\(([^)\s]+)\)", MANUAL.text)):
        path = ROOT / "docs" / (target or "operations.md")
        assert path.exists(), target
        headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in slugs, f"{target}#{anchor}"


@pytest.mark.parametrize("program", ["git", "bash"])
def test_what_the_page_takes_besides_is_there(program: str) -> None:
    assert shutil.which(program)
