"""From samples to the one table."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.meter import Sample
from benchmarks.startup import Start

HEAD = ("load", "server", "commands/s", "ratio", "CPU us/cmd", "ratio", "server", "generator", "remarks")
PEER = "beanstalkd"

Row = tuple[str, ...]


def load_rows(title: str, samples: Mapping[str, Sequence[Sample]]) -> list[Row]:
    """One row per server; a ratio is the median of the ratios of the rounds, so that drift cancels out."""
    peers = samples.get(PEER)
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
    return f"{median(a / b for a, b in zip(own, peers, strict=True)):.2f}"


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


def table(rows: Sequence[Row]) -> str:
    """As Markdown, so that it can be pasted; the middle columns are numbers and sit at the right."""
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    numbers = range(2, len(HEAD) - 1)

    def line(cells: Row) -> str:
        padded = (
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = tuple("-" * (width - 1) + (":" if i in numbers else "-") for i, width in enumerate(widths))
    return "\n".join([line(HEAD), line(rule), *map(line, rows)])
