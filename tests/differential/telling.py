"""A run in the notation of tests/server/transcripts, so that what was found can become a scenario there."""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from tests.server.inbox import report

from .comparison import difference, same_value
from .observer import OBSERVER
from .servers import Heard
from .steps import Connect, Drain, HalfClose, HangUp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .duel import Entry
    from .replies import Reply
    from .runs import Outcome
    from .steps import Step

NAMES = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0", "\\": "\\\\"}
DEEDS = {Connect: "connects", HalfClose: "half-closes", HangUp: "hangs up"}
LONG = 24
"""The same byte more often than that is told by its number."""

TIMES = 5.0
"""Seconds by which values that tell a time may differ without being told."""

MANY = 3
"""So is the same line."""


def told(outcome: Outcome) -> str:
    """The whole conversation, and in the end what is wrong. Of what the observer asks only what is wrong is told."""
    lines = [f"# {outcome.settings.ours.name}", f"options -z {outcome.settings.max_body}"]
    for entry in outcome.entries:
        lines += _step(entry)
    lines += [f"-- {who or 'the server'}: {what}" for entry in outcome.entries for who, what in entry.wrong]
    if outcome.fault:
        lines.append(f"-- {outcome.fault}")
    return "\n".join(lines)


def _step(entry: Entry) -> Iterator[str]:
    who = getattr(entry.step, "who", OBSERVER)
    if who == OBSERVER and not isinstance(entry.step, Drain):
        yield from _observed(entry)
        return
    yield from _said(who, entry.sent) if entry.sent else [_deed(entry.step)]
    for hearer, (theirs, ours) in entry.heard.items():
        yield from _heard(hearer, theirs, ours)


def _observed(entry: Entry) -> Iterator[str]:
    """Of the many things that the observer asks only what is answered differently: one line, one reply each."""
    if not entry.heard:  # nobody answers any more
        yield from _said(OBSERVER, entry.sent)
    theirs, ours = entry.heard.get(OBSERVER, (Heard(), Heard()))
    asked = entry.sent.split(b"\r\n")
    for line, there, here in zip(asked, theirs.replies, ours.replies, strict=False):
        if difference(there, here, TIMES):
            yield f"{OBSERVER}> {shown(line)}"
            yield from _heard(OBSERVER, Heard([there]), Heard([here]))


def _deed(step: Step) -> str:
    if isinstance(step, Drain):
        return "drain"
    # A packet that could not be sent: the server is gone, or reads no more.
    return f"{getattr(step, 'who', OBSERVER)} {DEEDS.get(type(step), 'cannot send')}"


def _said(who: str, data: bytes) -> Iterator[str]:
    *lines, rest = data.split(b"\r\n")
    for line, alike in groupby(lines):
        times = len(list(alike))
        if times > MANY:
            yield f"{who}>> {{{shown(line)}\\r\\n*{times}}}"
        else:
            yield from [f"{who}> {shown(line)}".rstrip()] * times
    if rest:
        yield f"{who}>> {shown(rest)}"


def _heard(who: str, theirs: Heard, ours: Heard) -> Iterator[str]:
    for there, here in zip_longest(theirs.replies, ours.replies):
        if there is not None and here is not None and there.word == here.word == b"OK":
            yield from _documents(who, there, here)
        elif there == here:
            yield from _reply(f"{who}<", there)
        else:
            yield from _reply(f"{who}<[beanstalkd]", there)
            yield from _reply(f"{who}<[ayl]", here)
    if theirs.rest != ours.rest:
        yield f"{who}<<[beanstalkd] {shown(theirs.rest)}"
        yield f"{who}<<[ayl] {shown(ours.rest)}"
    for tag, heard in (("", theirs),) if theirs.ended == ours.ended else (("[beanstalkd] ", theirs), ("[ayl] ", ours)):
        if heard.ended:
            yield f"{who} {tag}sees the end"


def _reply(arrow: str, reply: Reply | None) -> Iterator[str]:
    if reply is not None:
        yield f"{arrow} {shown(reply.line)}".rstrip()
        if reply.body is not None:
            for line in reply.body.removesuffix(b"\r\n").split(b"\r\n"):
                yield f"{arrow} {shown(line)}".rstrip()


def _documents(who: str, theirs: Reply, ours: Reply) -> Iterator[str]:
    """A list, or the fields of a report that are not the same."""
    there, here = theirs.body or b"", ours.body or b""
    if there.startswith(b"---\n- "):
        for tag, body in (("", there),) if there == here else (("[beanstalkd]", there), ("[ayl]", here)):
            yield f"{who}<{tag} OK list {_names(body)}"
        return
    yield f"{who}< OK report"
    fields, others = report(there[:-2]), report(here[:-2])
    for key in {**fields, **others}:
        if not same_value(key, fields.get(key, ""), others.get(key, ""), TIMES):
            yield f"    {key}[beanstalkd]: {fields.get(key)}"
            yield f"    {key}[ayl]: {others.get(key)}"


def _names(body: bytes) -> str:
    return shown(b" ".join(line.removeprefix(b"- ") for line in body.split(b"\n")[1:-2]))


def shown(data: bytes) -> str:
    """Bytes as the transcripts write them."""
    if len(data) > LONG and len(set(data)) == 1:
        return f"{{{shown(data[:1])}*{len(data)}}}"
    text = data.decode("latin-1")
    return "".join(NAMES.get(c, c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}") for c in text)
