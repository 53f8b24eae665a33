"""From samples to the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from statistics import median

from benchmarks.goals import Verdict
from benchmarks.loads import LOADS
from benchmarks.loads.model import BEANSTALKD, Waits
from benchmarks.meter import Sample
from benchmarks.rounds import Runs
from benchmarks.startup import Start

HEAD = ("load", "server", "commands/s", "ratio", "CPU us/cmd", "ratio", "server", "generator", "remarks")
FIGURES_HEAD = ("load", "figure", "server", "median", "remarks")
WAITS_HEAD = (
    *("load", "while", "server", "reply p50, ms", "p99", "p99.9", "longest", "but for the machine"),
    *("machine late p50, ms", "p99", "p99.9", "longest"),
)
GOALS_HEAD = ("target", "server", "wanted", "is", "met", "remarks")

Row = tuple[str, ...]


def load_rows(results: Mapping[str, Runs]) -> list[Row]:
    """A row for each stretch and server."""
    rows = []
    for load, runs in results.items():
        stretches = {title: None for own in runs.values() for one in own for title in one.stretches}
        for stretch in stretches:
            title = f"{LOADS[load].title}: {stretch}" if stretch else LOADS[load].title
            rows += sample_rows(
                title, {server: [one.stretches[stretch] for one in own] for server, own in runs.items()}
            )
    return rows


def sample_rows(title: str, samples: Mapping[str, Sequence[Sample]]) -> list[Row]:
    """One row per server; a ratio is the median of the ratios of the rounds, so that drift cancels out."""
    peers = samples.get(BEANSTALKD)
    rows: list[Row] = []
    for server, own in samples.items():
        rates = [sample.commands_per_second for sample in own]
        costs = [sample.cpu_us_per_command for sample in own]
        disturbed = sum(sample.disturbed for sample in own)
        rows.append(
            (
                title,
                server,
                f"{median(rates):,.0f}",
                ratio(rates, [sample.commands_per_second for sample in peers]) if peers else "",
                f"{median(costs):.2f}",
                ratio(costs, [sample.cpu_us_per_command for sample in peers]) if peers else "",
                f"{median(sample.server_busy for sample in own):.0%}",
                f"{median(sample.generator_busy for sample in own):.0%}",
                f"{min(rates):,.0f} to {max(rates):,.0f}; {min(costs):.2f} to {max(costs):.2f} us"
                + (f"; {disturbed} of {len(own)} disturbed" if disturbed else ""),
            )
        )
    return rows


def ratio(own: Sequence[float], peers: Sequence[float]) -> str:
    """Of the rounds that both have had."""
    return f"{median(a / b for a, b in zip(own, peers, strict=False)):.2f}"


def start_rows(starts: Mapping[str, Sequence[Start]], bare: Sequence[float]) -> list[Row]:
    """Milliseconds, and what comes on top of a Python that does nothing."""
    python = median(bare)
    rows: list[Row] = [start_row("start-up", "python -c pass", f"{python * 1e3:.1f} ms", "")]
    for server, own in starts.items():
        connected, replied = median(one.connected for one in own), median(one.replied for one in own)
        for title, seconds in (("start-up: connected", connected), ("start-up: first reply", replied)):
            remark = f"{(seconds - python) * 1e3:+.1f} ms against python -c pass"
            rows.append(start_row(title, server, f"{seconds * 1e3:.1f} ms", remark))
    return rows


def start_row(title: str, server: str, result: str, remark: str) -> Row:
    return (title, server, result, *[""] * (len(HEAD) - 4), remark)


def figure_rows(results: Mapping[str, Runs]) -> list[Row]:
    """What is neither throughput nor CPU time."""
    rows: list[Row] = []
    for load, runs in results.items():
        for name in {name: None for own in runs.values() for one in own for name in one.figures}:
            for server, own in runs.items():
                values = sorted(one.figures[name] for one in own if name in one.figures)
                if values:
                    remark = f"{number(values[0])} to {number(values[-1])}" if len(values) > 1 else ""
                    rows.append((load, name, server, number(median(values)), remark))
    return rows


def wait_rows(results: Mapping[str, Runs]) -> list[Row]:
    """Of several rounds the medians; but the longest is the longest of all."""
    rows: list[Row] = []
    for load, runs in results.items():
        for phase in {phase: None for own in runs.values() for one in own for phase in one.waits}:
            for server, own in runs.items():
                waits = [astuple(one.waits[phase]) for one in own]
                cells = (
                    (max if "longest" in field.name else median)(values)
                    for field, values in zip(fields(Waits), zip(*waits, strict=True), strict=True)
                )
                rows.append((load, phase, server, *(f"{cell:.2f}" for cell in cells)))
    return rows


def goal_rows(verdicts: Sequence[Verdict]) -> list[Row]:
    return [
        (
            one.title,
            one.server,
            one.wanted,
            number(one.value),
            "yes" if one.met else "NO",
            f"{number(one.lowest)} to {number(one.highest)}",
        )
        for one in verdicts
    ]


def number(value: float) -> str:
    """With three digits or more, however large."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table(head: Row, rows: Sequence[Row], texts: Sequence[int]) -> str:
    """As Markdown, so that it can be pasted; all columns but `texts` are numbers and sit at the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    numbers = set(range(len(head))).difference(texts)

    def line(cells: Row) -> str:
        padded = (
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = tuple("-" * (width - 1) + (":" if i in numbers else "-") for i, width in enumerate(widths))
    return "\n".join([line(head), line(rule), *map(line, rows)])
