"""What a campaign has seen, and whether that is what was promised."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Call(NamedTuple):
    """A call that some process sent."""

    sender: str
    number: int


@dataclass
class Account:
    """The diary of one process, and how that ended."""

    sender: str
    policy: str
    killed: bool
    taken: list[Call] = field(default_factory=list)
    made: list[Call] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds of each send."""
    refused: int = 0
    put: int = 0
    answered: int = 0

    @classmethod
    def read(cls, sender: str, policy: str, killed: bool, path: Path) -> Account:
        account = cls(sender, policy, killed)
        for line in path.read_text().splitlines():
            match line.split():
                case ["taken", number, seconds]:
                    account.taken.append(Call(sender, int(number)))
                    account.waits.append(float(seconds))
                case ["refused", _, seconds]:
                    account.refused += 1
                    account.waits.append(float(seconds))
                case ["made", whose, number]:
                    account.made.append(Call(whose, int(number)))
                case ["put", number]:
                    account.put += int(number)
                case ["answered", number]:
                    account.answered += int(number)
                case words:
                    raise AssertionError(f"the diary of {sender} says {words}")
        return account


@dataclass(frozen=True)
class Figures:
    """Of the senders of one policy."""

    policy: str
    senders: int
    killed: int
    accepted: int
    refused: int
    lost: int
    """Accepted, and neither at the server nor made."""
    doubles: int
    """Copies beyond the first of an accepted call, and all of calls that were not accepted."""
    unanswered: int
    """Puts whose reply was lost."""
    in_flight: int
    """Calls that a killed sender cannot have noted any more: one each, at most."""
    disorder: int
    """Calls that came to the server after a later one of the same sender."""
    median_wait: float
    max_wait: float
    """Seconds of one send."""

    def wrong(self) -> list[str]:
        """Sentences, one for each promise that was not kept."""
        wrong = []
        if self.lost:
            wrong.append(f"{self.policy}: {self.lost} accepted calls are lost")
        if self.doubles > self.unanswered + self.in_flight:
            wrong.append(
                f"{self.policy}: {self.doubles} doubles, but only {self.unanswered} puts were not answered and "
                f"{self.in_flight} calls under way when their sender was killed"
            )
        if self.policy == "spool" and self.disorder:
            wrong.append(f"{self.policy}: {self.disorder} calls were overtaken")
        return wrong


def judged(policy: str, accounts: Sequence[Account], everything: Sequence[Account], at_server: list[Call]) -> Figures:
    """`at_server`: the calls that the server had in the end, in the order in which they came to it.

    Anybody may deliver anybody's spooled calls, so the puts of all processes count for the doubles of each policy that
    spools; and where nothing is spooled, its own.
    """
    ours = [account for account in accounts if account.policy == policy]
    names = {account.sender for account in ours}
    copies = Counter(call for call in at_server if call.sender in names)
    copies.update(call for account in ours for call in account.made)
    accepted = {call for account in ours for call in account.taken}
    putting = everything if policy == "spool" else ours
    waits = [wait for account in ours for wait in account.waits]
    killed = sum(account.killed for account in ours)
    return Figures(
        policy=policy,
        senders=len(ours),
        killed=killed,
        accepted=len(accepted),
        refused=sum(account.refused for account in ours),
        lost=len(accepted - copies.keys()),
        doubles=sum(copies.values()) - len(accepted & copies.keys()),
        unanswered=sum(account.put - account.answered for account in putting),
        in_flight=killed,
        disorder=_overtaken([call for call in at_server if call.sender in names]),
        median_wait=median(waits),
        max_wait=max(waits),
    )


def _overtaken(calls: list[Call]) -> int:
    latest: dict[str, int] = {}
    overtaken = 0
    for call in dict.fromkeys(calls):  # the first copy of each
        overtaken += call.number < latest.get(call.sender, 0)
        latest[call.sender] = max(latest.get(call.sender, 0), call.number)
    return overtaken


def table(figures: Sequence[Figures], kills: int, freezes: int) -> str:
    """The figures as they stand in benchmarks/RESULTS.md."""
    titles = [
        "policy", "senders (killed)", "accepted", "refused", "lost", "doubles", "puts without a reply", "overtaken",
        "median wait", "longest wait",
    ]  # fmt: skip
    rows = [
        [
            f"`{each.policy}`", f"{each.senders} ({each.killed})", f"{each.accepted:,}", f"{each.refused:,}",
            str(each.lost), str(each.doubles), str(each.unanswered), str(each.disorder),
            f"{each.median_wait * 1000:.2f} ms", f"{each.max_wait:.2f} s",
        ]
        for each in figures
    ]  # fmt: skip
    return "\n".join(
        [
            f"The server was killed {kills} times and frozen {freezes} times.",
            "",
            f"| {' | '.join(titles)} |",
            "|---" + "|--:" * (len(titles) - 1) + "|",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )
