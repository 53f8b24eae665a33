"""The README is true: every command and every snippet in it is run, in its order, in a fresh directory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import greenstalk
import pytest

import ayl
from tests.pages import ROOT, Page
from tests.processes.deadline import eventually
from tests.shop import BIN, PATIENCE, Shop, shop

__all__ = ["shop"]

README = Page("README.md")


def test_following_the_readme_step_by_step_works(shop: Shop) -> None:
    _, send, sqlalchemy = README.snippets
    README.write(shop.directory)
    server, worker, *looks, kill, _, _ = [
        command for command in README.commands if re.match("ayl_(?!daemons)", command)
    ]
    shop.run(server)
    shop.run(worker)

    shop.python(send)
    for line in ("shipping socks with ups, insured: True", "2 orders", "shipping socks with dhl, insured: False",
                 "restocking 100 socks", "restocking 999 shoes", "shipping socks with pigeon"):  # fmt: skip
        shop.wait_until(line, log="ayl_worker")
    outputs = [shop.run(look) for look in looks]
    assert "shop/1.4.2" in outputs[0]
    assert "workers" in outputs[0]
    assert '"total": 1005' in outputs[2]

    shop.run(kill)
    shop.wait_until("retired", log="ayl_worker")
    assert shop.background[1].wait(PATIENCE) == 0
    shop.python(sqlalchemy)


def test_a_worker_takes_the_calls_of_the_readmes_lane_and_buried_ones_are_given_back(shop: Shop) -> None:
    README.write(shop.directory)
    server, *_, lanes = [command for command in README.commands if command.startswith(("ayl_server", "ayl_worker"))]
    (kick,) = [command for command in README.commands if "kick" in command]
    shop.run(server)
    with greenstalk.Client(("127.0.0.1", shop.port), use="shop/1.4.2", watch="shop/1.4.2") as client:
        shop.python('import ayl, shop; ayl.send(shop.restock, "hats", 1)')
        client.bury(client.reserve(timeout=int(PATIENCE)))
    assert shop.run(kick) == "kicked 1 buried job of shop/1.4.2\n"
    shop.python('import ayl, shop; ayl.opts(lane="mail").send(shop.restock, "stamps", 2)')
    shop.run(lanes)
    for line in ("restocking 1 hats", "restocking 2 stamps"):
        shop.wait_until(line, log="ayl_worker")


def test_the_readmes_daemons_start_work_and_stop(free_port: int) -> None:
    (text,) = [block.text for block in README.blocks if block.language == "yaml"]
    start, status, stop = [command for command in README.commands if command.startswith("ayl_daemons")]
    with TemporaryDirectory(prefix="ayl-") as folder:  # tmp_path is too long for sockets
        shop = Shop(Path(folder), free_port)
        shop.environment["PWD"] = folder
        README.write(shop.directory)
        (shop.directory / "daemons.yml").write_text(text.replace("11300", str(free_port)))
        try:
            assert re.findall(r"^(\S+): running", shop.run(start), re.MULTILINE)[0] == "server"
            assert re.findall(r"^(\S+) +working", shop.run(status), re.MULTILINE) == [
                "server",
                "shop.calls",
                "shop.mail",
            ]
            shop.python('import ayl, shop; ayl.send(shop.restock, "socks", 7)')
            log = shop.directory / "log" / "shop.calls.log"
            eventually(lambda: "restocking 7 socks" in log.read_text())
        finally:
            said = shop.run(stop)
        assert said.count("stopped") == 3


FIRST_SNIPPET = """
import ayl
ayl.configure(app="home", version="1", engine="synchronous")

@ayl.model("home.Stay")
class Stay:
    id = 7
    find = classmethod(lambda cls, id: cls())

@ayl.model("home.Resident")
class Resident(Stay):
    def clear_stay(self, number, stay):
        assert (number, type(stay), stay.id) == (3, Stay, 7)
        print("cleared")

resident, stay = Resident(), Stay()
"""


def test_the_line_at_the_top_of_the_readme_works(shop: Shop) -> None:
    assert shop.python(FIRST_SNIPPET + README.snippets[0]) == "cleared\n"


def test_the_readmes_errors_are_the_ones_you_get(shop: Shop) -> None:
    README.write(shop.directory)
    (session,) = README.sessions
    shop.session(session)


def test_activating_the_environment_brings_the_commands() -> None:
    (activate,) = [command for command in README.commands if command.startswith(". ")]
    script = f"{activate} && command -v ayl_server ayl_worker ayl_beanstalk"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == [str(BIN / name) for name in ("ayl_server", "ayl_worker", "ayl_beanstalk")]


@pytest.mark.parametrize("name", ["ayl_server", "ayl_worker", "ayl_beanstalk"])
def test_the_commands_in_bin_work_from_anywhere(name: str, tmp_path: Path) -> None:
    done = subprocess.run([ROOT / "bin" / name, "-v" if name == "ayl_server" else "--version"], cwd=tmp_path,
                          check=True, capture_output=True, text=True)  # fmt: skip
    assert ayl.__version__ in done.stdout


def test_the_first_command_of_the_readme_works_on_a_directory(tmp_path: Path, free_port: int) -> None:
    assert README.commands[:2] == ["bin/demo", "bin/test"], "the latter is what runs this"
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text("leisure and patience " * number)
    done = subprocess.run(
        [ROOT / "bin/demo", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"calls sent 301 +done 301 +buried 0 +lost 0", done.stdout)
    assert "leisure 44,850" in done.stdout


@pytest.mark.parametrize("moment", ["Server on", "Sent", "calls done"])
def test_ctrl_c_in_the_demo_leaves_no_process_behind(moment: str, tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number}.txt").write_text("leisure and patience " * 10_000)
    with subprocess.Popen(
        [ROOT / "bin/demo", tmp_path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        lines = iter(demo.stdout.readline, "")
        assert any(moment in line for line in lines), moment
        before = descendants(demo.pid)
        assert before
        os.killpg(demo.pid, signal.SIGINT)
        rest = "".join(lines)
        assert demo.wait(PATIENCE) == 128 + signal.SIGINT, rest
    assert not [pid for pid in before if Path(f"/proc/{pid}").exists()]


def descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]
