"""`benchmarks/frameworks.py`: ours is measured for real; of the others, what needs none of them installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.comparison import FIGURES, Figures, aims, table
from benchmarks.entrants import ENTRANTS, PEERS, Entrant
from benchmarks.environments import digest
from benchmarks.peers.nothing import DIRECTORY
from benchmarks.times import Times

ROOT = Path(__file__).parents[2]
QUICK = [
    "--rounds=1",
    "--calls=2000",
    "--samples=5",
    "--drain-seconds=30",
    "--idle-seconds=0.2",
    "--patience=0",
    "--no-awake",
]


def frameworks(*arguments: str | Path, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": path} if path is not None else None
    command = [sys.executable, ROOT / "benchmarks/frameworks.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)


def test_ours_is_measured_in_every_figure(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"

    done = frameworks("--frameworks", "ayl-pure", *QUICK, "--json", written)

    assert done.returncode == 0, done.stderr
    answer = json.loads(written.read_text())
    figures = answer["rounds"][0]["ayl-pure"]
    assert answer["versions"]["ayl-pure"].keys() == {"ayl"}
    assert figures.keys() == set(FIGURES)
    # An idle worker may need nothing, and a quick one may have made all calls before its CPU time is looked at.
    assert all(value > 0 for name, value in figures.items() if "CPU" not in name), figures
    assert figures["latency p50, ms"] <= figures["latency p99, ms"] < 10_000
    assert figures["proportional, MB"] <= figures["resident, MB"]
    assert "| ayl-pure | " in done.stdout


def test_an_unknown_framework_is_refused_with_the_known_ones() -> None:
    done = frameworks("--frameworks", "ayl,sidekiq")

    assert done.returncode == 2
    assert "'sidekiq' is none of ayl, ayl-pure, ayl-beanstalkd, greenstalk, celery, rq" in done.stderr


def test_without_redis_the_line_that_brings_it_is_named() -> None:
    done = frameworks("--frameworks", "huey", path="/nowhere")

    assert done.returncode == 1
    assert "apt-get install redis-server" in done.stderr


@pytest.mark.parametrize("entrant", ENTRANTS.values(), ids=ENTRANTS)
def test_each_entrant_has_a_module_that_can_send(entrant: Entrant) -> None:
    module = ROOT / "benchmarks/peers" / f"{entrant.module}.py"

    assert "def send() -> None:" in module.read_text()


@pytest.mark.parametrize("entrant", PEERS, ids=lambda peer: peer.name)
def test_what_is_installed_for_a_peer_has_its_version_written_down(entrant: Entrant) -> None:
    assert entrant.requirements
    assert all("==" in one for one in entrant.requirements)
    assert "[" not in "".join(entrant.distributions)


@pytest.mark.parametrize("entrant", ENTRANTS.values(), ids=ENTRANTS)
def test_two_worker_processes_are_one_supervised_command_or_two_commands(entrant: Entrant) -> None:
    one, two = (entrant.commands("/env/bin", "redis://127.0.0.1:1", processes) for processes in (1, 2))

    assert one[0][0].startswith("/env/bin/")
    assert len(one) == 1
    assert len(two) == 2 or "2" in two[0]
    assert not any("{" in word for command in two for word in command)


def test_an_environment_is_made_anew_for_other_requirements() -> None:
    assert digest(Entrant("one", "one", "", ("one==1",))) != digest(Entrant("one", "one", "", ("one==2",)))


def test_calls_of_several_processes_are_counted_and_sorted(tmp_path: Path) -> None:
    code = "from benchmarks.peers.nothing import nothing\nfor _ in range(3): nothing(1, 'a')"
    for _ in range(2):
        environment = {DIRECTORY: str(tmp_path), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    times = Times(tmp_path)

    assert times.count() == 6
    assert times.sorted() == sorted(times.sorted())
    assert len(times.sorted()) == 6


def figures(drained: float, latency: float | None) -> dict[str, float | None]:
    return dict.fromkeys(("CPU per call, us", "resident, MB", "resident each of 2, MB", "idle CPU, ms/s")) | {
        "drained, /s": drained,
        "latency p50, ms": latency,
    }


ROUNDS: list[Figures] = [
    {"ayl": figures(30_000, 0.2), "huey": figures(5_000, 0.5), "rq": figures(500, None)},
    {"ayl": figures(50_000, 0.4), "huey": figures(10_000, 0.4), "rq": figures(400, None)},
    {"ayl": figures(41_000, 0.3), "huey": figures(9_000, 0.6), "rq": figures(450, None)},
]


def test_the_table_has_the_medians_and_a_dash_for_what_there_is_not() -> None:
    lines = list(table(ROUNDS))

    drained, latency = FIGURES.index("drained, /s") + 1, FIGURES.index("latency p50, ms") + 1
    cells = [line.split(" | ") for line in lines[2:]]
    assert [(line[0], line[drained], line[latency]) for line in cells] == [
        ("| ayl", "41,000", "0.30"),
        ("| huey", "9,000", "0.50"),
        ("| rq", "450", "-"),
    ]


def test_a_peer_that_needs_nothing_is_no_divisor() -> None:
    ours, peer = (figures(1, 1) | {"idle CPU, ms/s": 0.0} for _ in range(2))

    lines = list(aims([{"ayl": ours, "rq": peer}]))

    assert "idle CPU, ms/s: 0.00, aim at most 1: met" in lines


def test_an_aim_looks_at_ours_and_at_the_best_peer_of_the_same_round() -> None:
    drained, latency = aims(ROUNDS)

    assert drained == ("drained, /s: 41,000, aim at least 40000: met; 5.00 times the best peer, aim at least 4: met")
    assert latency == "latency p50, ms: 0.30, aim at most 0.3: met; 0.50 times the best peer, aim at most 1: met"
