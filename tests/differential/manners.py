"""What must not happen, because the outcome would be a matter of luck or taste: checked before every step.

The generator need not think of it, and a sequence from which steps were taken out remains a fair one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from .steps import CarryOn, Connect, Drain, HalfClose, HangUp, Harvest, Probe, Send, Step

if TYPE_CHECKING:
    from .view import Party, View


BACKLOG_BYTES = 60_000
"""Ours stops reading after 64 KiB; what happens then is in test_found.py."""


def fair(view: View, step: Step) -> bool:
    """Whether a step makes sense now, and leads to one outcome only."""
    match step:
        case Connect(who):
            return who not in view.parties
        case Drain() | Probe():
            return True
        case Harvest():
            return not view.parties
        case HalfClose(who):
            return who in view.parties and not view.parties[who].half_closed
        case HangUp(who):
            # beanstalkd forgets the commands that such a client has sent behind its reserve, ours runs those that
            # have arrived: nobody is there any more to tell the difference.
            return who in view.parties and not view.parties[who].backlogged
        case CarryOn(who, _):
            party = view.parties.get(who)
            return party is not None and bool(party.unsent) and _alone(view, who, party)
        case Send(who):
            return _fair_to_send(view, step)


def _fair_to_send(view: View, step: Send) -> bool:
    party = view.parties.get(step.who)
    if party is None or party.half_closed or party.unsent or (step.first is not None and party.pending):
        return False
    if step.first is not None and any(command.refers and command.job in _puts(step) for command in step.commands):
        return False  # its id is a guess, and may be somebody else's by the time that the rest is sent
    after = replace(party, pending=party.pending + deque(step.commands))
    if step.first is not None:
        after.unsent = b"?"
    return _fits(after) and _waits_alone(view, step.who, after) and _alone(view, step.who, after)


def _puts(step: Send) -> set[int]:
    return {command.job for command in step.commands if command.word == "put"}


def _fits(after: Party) -> bool:
    """Behind a reserve that waits stands no more than both servers take in: 1.12 leaves all of it to the kernel."""
    return not after.backlogged or sum(len(command.text) for command in after.pending) < BACKLOG_BYTES


def _waits_alone(view: View, who: str, after: Party) -> bool:
    """One waiter per tube: which of several is served is no fact of the protocol (ours: first come, first served)."""
    others = [other for name, other in view.parties.items() if name != who and other.may_wait]
    return not after.may_wait or all(after.may_watch.isdisjoint(other.may_watch) for other in others)


def _alone(view: View, who: str, after: Party) -> bool:
    """Two clients must not both have several commands to run: their order would be the kernel's choice.

    A client has if its packet holds several, or if some stand behind a reserve that somebody else can wake.
    """
    others = [other for name, other in view.parties.items() if name != who]
    if len(after.pending) > 1 and any(other.backlogged for other in others):
        return False
    return not after.backlogged or not any(len(other.pending) > 1 for other in others)
